"""What a campaign tells its report."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from activecharge.records import BlindPair
from activecharge.report.metrics import errors

Curve = list[tuple[int, float]]
"""Number of labels and mean absolute error, in the property's unit."""


@dataclass(frozen=True)
class RoundSummary:
    """One round of a campaign.

    Attributes
    ----------
    index : int
    labels : int
        Labels in the dataset after this round's labelling, or that its committee was given.
    failures : int
        Configurations of this round without a label that can be trusted.
    seconds : dict of str to float
        Wall time by stage in s, in the order of the loop.
    pairs : tuple of BlindPair
        This round's labels with the predictions of the committee of the round before.
    test : dict
        `activecharge.report.metrics.errors` on the fixed test set of the committee trained
        in this round; empty without one.
    chosen : tuple of dict
        What was chosen for labelling, each with "hash", "formula", "source", "why", and
        where there was a committee "score" (dimensionless) and "worst" (text).
    seen : int or None
        Labels given to the committee that made the pairs' predictions; None if it is that of
        the round before.
    sources : tuple of dict
        What each source brought, as of `committee.selection.novelty.tally`, with "failed", the
        number of those chosen that got no label.
    """

    index: int
    labels: int
    failures: int = 0
    seconds: dict[str, float] = field(default_factory=dict)
    pairs: tuple[BlindPair, ...] = ()
    test: dict[str, dict[str, Any]] = field(default_factory=dict)
    chosen: tuple[dict[str, Any], ...] = ()
    seen: int | None = None
    sources: tuple[dict[str, Any], ...] = ()

    def blind(self, why: str) -> dict[str, dict[str, Any]]:
        """Compute the errors on this round's pairs of one kind.

        Parameters
        ----------
        why : str
            As in `BlindPair`.

        Returns
        -------
        dict
            As `activecharge.report.metrics.errors`; empty if there are none.
        """
        return pair_errors(pair for pair in self.pairs if pair.why == why)


@dataclass(frozen=True)
class CampaignSummary:
    """A campaign up to now.

    Attributes
    ----------
    name, reference, coupling : str
        Name of the campaign, reference code, and how dynamic charges are coupled to static.
    members : int
        Size of the committee.
    rounds : tuple of RoundSummary
        In order.
    stop_reason : str
        One clause on why the campaign stopped.
    test_pairs : tuple of BlindPair
        The last committee on the fixed test set; empty without one.
    run_dir : str
    versions : dict of str to str
        Package versions.
    calibration : dict
        How well expected errors and their bounds came true: "rounds" by number, "control" and
        "test", each a list of dict as of `committee.calibration.reliability.reliability`, and
        "blind", the number of labels predicted before training on them. Empty before any.
    """

    name: str
    reference: str
    coupling: str
    members: int
    rounds: tuple[RoundSummary, ...] = ()
    stop_reason: str = ""
    test_pairs: tuple[BlindPair, ...] = ()
    run_dir: str = ""
    versions: dict[str, str] = field(default_factory=dict)
    calibration: dict[str, Any] = field(default_factory=dict)

    def test_curve(self, name: str) -> Curve:
        """Follow the error on the fixed test set.

        Parameters
        ----------
        name : str
            Property name.

        Returns
        -------
        list of (int, float)
            For each round, the labels that its committee was given and its error.
        """
        return [(r.labels, r.test[name]["mae"]) for r in self.rounds if name in r.test]

    def blind_curve(self, name: str, why: str) -> Curve:
        """Follow the error on new labels, predicted before training on them.

        Pairs of kind "control" were drawn at random, so theirs is the honest curve; pairs
        of kind "uncertain" were chosen for being hard and lie above it.

        Parameters
        ----------
        name : str
            Property name.
        why : str
            As in `BlindPair`.

        Returns
        -------
        list of (int, float)
            For each round, the labels that the predicting committee, the one of the round
            before, was given, and its error.
        """
        points = []
        for before, now in zip(self.rounds, self.rounds[1:], strict=False):
            found = now.blind(why)
            if name in found:
                seen = before.labels if now.seen is None else now.seen
                points.append((seen, found[name]["mae"]))
        return points

    def blind_pairs(self, why: str | None = None) -> list[BlindPair]:
        """Collect blind pairs of all rounds.

        Parameters
        ----------
        why : str, optional
            One kind only.

        Returns
        -------
        list of BlindPair
        """
        return [p for r in self.rounds for p in r.pairs if why is None or p.why == why]

    def honest_pairs(self) -> tuple[list[BlindPair], str]:
        """Choose the pairs that say how good the committee is, and name them.

        Returns
        -------
        list of BlindPair
            The fixed test set if there is one, else the blind control pairs of all rounds.
        str
            What they are, for captions.
        """
        if self.test_pairs:
            return list(self.test_pairs), "the last committee on the fixed test set"
        return self.blind_pairs("control"), "blind predictions of control labels, all rounds"


def pair_errors(pairs: Iterable[BlindPair]) -> dict[str, dict[str, Any]]:
    """Compute `activecharge.report.metrics.errors` over pairs.

    Parameters
    ----------
    pairs : iterable of BlindPair

    Returns
    -------
    dict
        Empty for no pairs.
    """
    listed = list(pairs)
    return errors([p.label for p in listed], [p.prediction for p in listed])
