"""What a campaign tells its report."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from activecharge.records import BlindPair, Reliability, SourceTally
from activecharge.report.metrics import PropertyErrors, pair_errors

Curve = list[tuple[int, float]]
"""Number of labels and mean absolute error, in the property's unit."""


@dataclass(frozen=True)
class ChosenFrame:
    """A configuration that a round chose for labelling.

    Attributes
    ----------
    hash, formula, source : str
        Content hash, chemical formula, and the kind of source it came from.
    why : str
        Why it was chosen: "initial", "uncertain", "control" ...
    score : float or None
        Its dimensionless disagreement; None where there was no committee.
    worst, cause : str
        Its largest spread, and the atom and property that weighed most; empty where unknown.
    """

    hash: str
    formula: str
    source: str
    why: str
    score: float | None = None
    worst: str = ""
    cause: str = ""


@dataclass(frozen=True)
class QuarantinedFrame:
    """A chosen configuration that could not be labelled.

    Attributes
    ----------
    hash, formula : str
    source : str
        As in `activecharge.records.SourceTally`.
    reason : str
        As in `activecharge.records.Failure`.
    """

    hash: str
    formula: str
    source: str
    reason: str


@dataclass(frozen=True)
class CalibrationRecord:
    """How well expected errors and their bounds came true.

    Attributes
    ----------
    blind : int
        Labels that were predicted before training on them.
    rounds : mapping of int to tuple of Reliability
        By round, that of its control labels under the calibration made before they were known.
    control : tuple of Reliability
        The same of all rounds together.
    test : tuple of Reliability
        That of the last committee on the fixed test set.
    """

    blind: int = 0
    rounds: Mapping[int, tuple[Reliability, ...]] = field(default_factory=dict)
    control: tuple[Reliability, ...] = ()
    test: tuple[Reliability, ...] = ()


@dataclass(frozen=True)
class RoundSummary:
    """One round of a campaign.

    Attributes
    ----------
    index : int
    labels : int
        Labels in the dataset after this round's labelling, or that its committee was given.
    seconds : dict of str to float
        Wall time by stage in s, in the order of the loop.
    pairs : tuple of BlindPair
        This round's labels with the predictions of the committee of the round before.
    test : dict of str to PropertyErrors
        Errors on the fixed test set of the committee trained in this round; empty without one.
    chosen : tuple of ChosenFrame
        What was chosen for labelling.
    seen : int or None
        Labels given to the committee that made the pairs' predictions; None if it is that of
        the round before.
    sources : tuple of SourceTally
        What each source brought.
    quarantined : tuple of QuarantinedFrame
        What was chosen and could not be labelled.
    """

    index: int
    labels: int
    seconds: dict[str, float] = field(default_factory=dict)
    pairs: tuple[BlindPair, ...] = ()
    test: dict[str, PropertyErrors] = field(default_factory=dict)
    chosen: tuple[ChosenFrame, ...] = ()
    seen: int | None = None
    sources: tuple[SourceTally, ...] = ()
    quarantined: tuple[QuarantinedFrame, ...] = ()

    def blind(self, why: str) -> dict[str, PropertyErrors]:
        """Compute the errors on this round's pairs of one kind; empty if there are none."""
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
    test_quarantined : tuple of QuarantinedFrame
        Frames of the test set that could not be labelled.
    run_dir : str
    versions : dict of str to str
        Package versions.
    calibration : CalibrationRecord
    """

    name: str
    reference: str
    coupling: str
    members: int
    rounds: tuple[RoundSummary, ...] = ()
    stop_reason: str = ""
    test_pairs: tuple[BlindPair, ...] = ()
    test_quarantined: tuple[QuarantinedFrame, ...] = ()
    run_dir: str = ""
    versions: dict[str, str] = field(default_factory=dict)
    calibration: CalibrationRecord = CalibrationRecord()

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
        return [(r.labels, r.test[name].mae) for r in self.rounds if name in r.test]

    def blind_curve(self, name: str, why: str) -> Curve:
        """Follow the error on new labels, predicted before training on them.

        Pairs of kind "control" were drawn at random, so theirs is the honest curve; pairs
        of kind "uncertain" were chosen for being hard and lie above it.

        Parameters
        ----------
        name : str
            Property name.
        why : str
            As in `activecharge.records.BlindPair`.

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
                points.append((seen, found[name].mae))
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
