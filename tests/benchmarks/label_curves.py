"""Tables and figures of `label_efficiency.py`: errors against labels, and labels that were saved.

Run `python tests/benchmarks/label_curves.py runs/pools runs/efficiency clusters`, with the studies
of your choice or none for all; what is not there yet is left out.
"""

import sys
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from label_efficiency import STRATEGIES, STUDIES, Series, finished, test_files
from scipy.optimize import isotonic_regression

from activecharge.campaign.disk.run_directory import RunDirectory
from activecharge.campaign.loop.calibrating import aged, blind_pairs, calibration_record
from activecharge.campaign.loop.state import CampaignState
from activecharge.committee.calibration.calibration import CALIBRATION, Calibration
from activecharge.committee.calibration.reliability import Judged, judge, reliability, spearman
from activecharge.dataset.extxyz import read_labels
from activecharge.dataset.frames import read_frames
from activecharge.dataset.identity import content_hash
from activecharge.dataset.predictions import read_pairs
from activecharge.records import BlindPair, Reliability
from activecharge.report.drawing.axes import log_ticks
from activecharge.report.drawing.style import CYCLE
from activecharge.report.metrics import errors

PROPERTIES = {"charges": "q", "bec": "Z"}
NAMES = {symbol: name for name, symbol in PROPERTIES.items()}
COLORS = dict(zip(STRATEGIES, CYCLE, strict=False))
DOCS = Path(__file__).parents[2] / "docs"


@dataclass(frozen=True)
class Campaign:
    """What one campaign came to.

    Attributes
    ----------
    labels, atoms : (R,)
        Labels after each round, and their atoms.
    error : dict of str to dict of str to (R,)
        MAE [me] by test set and property.
    quality : dict of str to dict of str to Reliability
        Rank correlation of expected and actual error, and coverage, of the last committee.
    attainable : dict of str to float
        By test set, the rank correlation in q if expected errors were exactly right.
    control : dict of str to Reliability
        Coverage and atoms of all control labels.
    kinds : collections.Counter
        Labels of each kind, the initial ones not counted.
    """

    labels: np.ndarray
    atoms: np.ndarray
    error: dict[str, dict[str, np.ndarray]]
    quality: dict[str, dict[str, Reliability]]
    attainable: dict[str, float]
    control: dict[str, Reliability]
    kinds: Counter[str]


@cache
def set_of(home: Path) -> dict[str, str]:
    """Test set of each frame, by content hash."""
    return {
        label.candidate.hash: path.stem
        for path in test_files(home)
        for label in read_labels(path, rehash=True)
    }


@cache
def kind_of(home: Path) -> dict[str, str]:
    """Kind of each frame of the pool, by content hash."""
    return {content_hash(a): a.info["kind"] for _, a in read_frames(home / "pool.raw.xyz")}


def read(folder: Path, home: Path) -> Campaign | None:
    """What a finished campaign came to."""
    if not finished(folder):
        return None
    run = RunDirectory.open(folder)
    state = CampaignState(run)
    rounds = range(run.rounds())
    sizes: list[list[int]] = [[] for _ in rounds]
    kinds: Counter[str] = Counter()
    for row in state.rows():
        candidate = row.label.candidate
        sizes[row.round].append(len(candidate.atoms))
        if row.round:
            kinds[kind_of(home)[candidate.hash]] += 1
    labels, atoms = np.cumsum([(len(size), sum(size)) for size in sizes], axis=0).T
    every = [by_set(run, number, home) for number in rounds]
    names = sorted(every[0])
    error = {
        name: {
            p: np.array(
                [1000 * errors(*map(list, zip(*sets[name], strict=True)))[p].mae for sets in every]
            )
            for p in PROPERTIES
        }
        for name in names
    }
    calibration = Calibration.load(run.round(rounds[-1]).members / CALIBRATION)
    judged = {name: judge(calibration, blind(every[-1][name])) for name in names}
    quality = {name: rows(reliability([verdict])) for name, verdict in judged.items()}
    possible = {name: attainable(verdict["charges"].expected) for name, verdict in judged.items()}
    control = rows(calibration_record(state).control)
    return Campaign(labels, atoms, error, quality, possible, control, kinds)


def attainable(expected: np.ndarray) -> float:
    """Rank correlation of expected errors (M,) with normal errors of just that size.

    Where all atoms are expected to err alike it is near zero, however right that is.
    """
    drawn = np.abs(np.random.default_rng(0).normal(size=(10, len(expected)))) * expected
    return float(np.mean([spearman(expected, error) for error in drawn]))


def by_set(run: RunDirectory, number: int, home: Path) -> dict[str, list[tuple]]:
    """Labels and predictions of a round's committee, by test set."""
    names, found = set_of(home), {}
    for label, said in read_pairs(run.round(number).test_pairs):
        found.setdefault(names[content_hash(label.candidate.atoms)], []).append((label, said))
    return found


def blind(pairs: list[tuple]) -> list[BlindPair]:
    """The same, as what a calibration is judged by."""
    return [BlindPair(label, said, "test") for label, said in pairs]


def rows(found: Iterable[Reliability]) -> dict[str, Reliability]:
    """The rows of `reliability` that are of all elements, by property."""
    return {row.property: row for row in found if row.element == "all"}


def smooth(campaign: Campaign, name: str, which: str) -> np.ndarray:
    """Logarithms of a learning curve (R,) [me] that only falls, by isotonic regression."""
    return isotonic_regression(np.log(campaign.error[name][which]), increasing=False).x


def effort_to(campaign: Campaign, name: str, which: str, target: float, effort: str) -> float:
    """Labels or atoms at which `smooth` falls to a target; NaN where it does not."""
    error, spent = smooth(campaign, name, which), getattr(campaign, effort)
    if error[-1] > target + 1e-9:
        return np.nan
    at = int(np.argmax(error <= target + 1e-9))
    if at == 0:
        return float(spent[0])
    share = (error[at - 1] - target) / (error[at - 1] - error[at])
    return float(spent[at - 1] + share * np.diff(spent)[at - 1])


def saving(
    active: Campaign, control: Campaign, name: str, which: str, level: float, effort: str = "labels"
) -> float:
    """Labels or atoms that a strategy needs for what random selection reaches, in random's.

    The target lies at the share `level` of the way, in logarithms, from random's first error to
    its last. Infinite where the strategy does not get there.
    """
    curve = smooth(control, name, which)
    target = float(curve[0] + level * (curve[-1] - curve[0]))
    needed = effort_to(active, name, which, target, effort)
    known = effort_to(control, name, which, target, effort)
    return needed / known if needed == needed else np.inf


Found = dict[str, dict[int, Campaign]]
"""Campaigns of a study, by strategy and seed."""


def sets_of(found: Found) -> list[str]:
    """Test sets, the one like the pool first."""
    campaign = next(iter(found["random"].values()))
    return sorted(campaign.error, key=lambda name: (name != "same", name))


def middle(values: list[float], digits: str) -> str:
    """Median with the range in brackets."""
    text = [
        format(v, digits).replace("inf", "never")
        for v in (float(np.median(values)), min(values), max(values))
    ]
    return f"{text[0]} ({text[1]} to {text[2]})"


def table(first: str, rows: list[str], columns: list[str], cell: Callable[[str, str], str]) -> None:
    """Print a table as Markdown."""
    print("| " + " | ".join([first, *columns]) + " |\n" + "| --- " * (len(columns) + 1) + "|")
    for row in rows:
        print("| " + " | ".join([row, *(cell(row, column) for column in columns)]) + " |")
    print()


def tables(found: Found) -> None:
    """All tables of a study."""
    random = found["random"]
    sets = sets_of(found)

    def possible(name: str, strategy: str) -> str:
        return middle([c.attainable[name] for c in found[strategy].values()], ".2f")

    for which, symbol in PROPERTIES.items():
        for effort, level in (("labels", 1.0), ("labels", 0.75), ("atoms", 1.0)):

            def saved(name: str, strategy: str, which=which, level=level, effort=effort) -> str:
                pairs = [(c, random[s]) for s, c in found[strategy].items() if s in random]
                return middle([saving(c, r, name, which, level, effort) for c, r in pairs], ".2f")

            print(f"{effort} needed relative to random, {symbol}, {level:.0%} of the way\n")
            table("set", sets, [s for s in found if s != "random"], saved)

        def last(name: str, strategy: str, which=which) -> str:
            return middle([c.error[name][which][-1] for c in found[strategy].values()], ".3g")

        def rank(name: str, strategy: str, which=which) -> str:
            campaigns = found[strategy].values()
            return middle([c.quality[name][which].spearman for c in campaigns], ".2f")

        def covered(_: str, strategy: str, which=which) -> str:
            return control(list(found[strategy].values()), which)

        print(f"MAE of {symbol} at the last round [me]\n")
        table("set", sets, list(found), last)
        print(f"Rank correlation of expected and actual error, {symbol}, last round\n")
        table("set", sets, list(found), rank)
        if which == "charges":
            print("The same, if expected errors were exactly right\n")
            table("set", sets, list(found), possible)
        print(f"Control labels within 90 % bounds of {symbol} [%], and atoms\n")
        table("", [""], list(found), covered)

    def labelled(kind: str, strategy: str) -> str:
        return middle([c.kinds[kind] for c in found[strategy].values()], ".0f")

    print("Labels of each kind, the initial ones not counted\n")
    table("kind", sorted({k for c in random.values() for k in c.kinds}), list(found), labelled)


def control(campaigns: list[Campaign], which: str) -> str:
    """Coverage of nominal 90 % bounds on control labels, all seeds together."""
    parts = [
        (row.coverage[0.9].share, row.entries)
        for c in campaigns
        if (row := c.control.get(which)) is not None and 0.9 in row.coverage
    ]
    if not parts:
        return "none claimed"
    shares, atoms = zip(*parts, strict=True)
    return f"{100 * np.average(shares, weights=atoms):.1f} ({sum(atoms)})"


def random_coverage(runs: list[RunDirectory]) -> None:
    """Print coverage where every label of random selection is a control label, by round."""
    parts: dict[int, list[dict[str, Judged]]] = {}
    for run in runs:
        pairs = {
            when: [replace(pair, why="control") for pair in found]
            for when, found in blind_pairs(CampaignState(run)).items()
        }
        for (number, said_by), found in pairs.items():
            earlier = {when: known for when, known in pairs.items() if when[0] < number}
            if earlier:
                calibration = Calibration.fit(aged(earlier, said_by))
                parts.setdefault(number, []).append(judge(calibration, found))

    def covered(number: str, column: str) -> str:
        symbol, percent, _ = column.split()
        row = rows(reliability(parts[int(number)]))[NAMES[symbol]]
        found = row.coverage.get(int(percent) / 100)
        return f"{100 * found.share:.0f} ± {100 * found.error:.0f}" if found else ""

    columns = [f"{symbol} {percent} %" for symbol in NAMES for percent in (50, 80, 90, 95)]
    print("Random labels within bounds by all random labels of earlier rounds [%], by round\n")
    table("round", [str(number) for number in parts], columns, covered)


def draw(study: str, found: Found) -> Path:
    """Median learning curves of all strategies, with the range over seeds of the main ones."""
    names = sets_of(found)
    figure, axes = plt.subplots(2, len(names), figsize=(2.7 * len(names), 6.2), squeeze=False)
    for row, (which, symbol) in zip(axes, PROPERTIES.items(), strict=True):
        for axis, name in zip(row, names, strict=True):
            for strategy, seeds in found.items():
                color = COLORS[strategy]
                curves = np.array([c.error[name][which] for c in seeds.values()])
                labels = np.median([c.labels for c in seeds.values()], axis=0)
                style = "--" if strategy == "random" else "-"
                axis.plot(labels, np.median(curves, axis=0), style, color=color, label=strategy)
                if strategy in ("random", "information"):
                    low, high = curves.min(axis=0), curves.max(axis=0)
                    axis.fill_between(labels, low, high, color=color, alpha=0.15, lw=0)
            axis.set(title=name, xlabel="labels")
            log_ticks(axis.yaxis)
        row[0].set_ylabel(f"MAE of {symbol} [me]")
    handles, words = axes[0, 0].get_legend_handles_labels()
    figure.legend(handles, words, loc="lower center", ncols=len(words), frameon=False)
    figure.tight_layout(rect=(0, 0.05, 1, 1))
    path = DOCS / f"label_efficiency_{study}.png"
    figure.savefig(path, dpi=100)
    return path


def main() -> None:
    """Print and draw whatever is there."""
    pools, out = (Path(word).absolute() for word in sys.argv[1:3])
    for name in sys.argv[3:] or STUDIES:
        study = STUDIES[name]
        for source in study.sources:
            found: Found = {}
            for series in (each for each in study.series() if each.source == source):
                for seed in range(study.seeds):
                    campaign = read(series.folder(out / name, seed), pools / study.pool)
                    if campaign:
                        found.setdefault(series.strategy, {})[seed] = campaign
            counts = ", ".join(f"{strategy} {len(seeds)}" for strategy, seeds in found.items())
            print(f"# {name}, {source}; seeds: {counts}\n")
            tables(found)
            random = Series("random", source)
            folders = [random.folder(out / name, seed) for seed in found["random"]]
            random_coverage([RunDirectory.open(folder) for folder in folders])
            if len(study.sources) == 1:
                print(draw(name, found))


if __name__ == "__main__":
    main()
