"""What labels and trainings cost: timed here on small frames, or as an earlier run kept it."""

import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from activecharge.campaign.disk.run_directory import RunDirectory
from activecharge.campaign.settings.campaign_options import Campaign
from activecharge.execution.execution_log import Ended, read_log
from activecharge.execution.resources import GIB
from activecharge.learning.training_set import Member, TrainingSet, trainings
from activecharge.records import Candidate, Label
from activecharge.reference.run import label_candidate

BUDGET = 20.0
"""Time that timing labels may take, about [s]; the one under way is let end, up to `LONGEST`."""

LONGEST = 60.0
"""Time after which a label is too dear to be timed here [s]."""

STEPS = 12
"""Optimizer steps that are timed."""


@dataclass(frozen=True)
class LabelCost:
    """What labels cost.

    Attributes
    ----------
    seconds : float or None
        Of one label, in the mean; None where it is not known.
    how : str
        Where that is from.
    memory : float or None
        Peak memory of the process that labels [GiB].
    labels : tuple of Label
        Those that were made for it.
    at_least : bool
        Whether larger frames, which will cost more, could not be timed.
    """

    seconds: float | None
    how: str
    memory: float | None = None
    labels: tuple[Label, ...] = ()
    at_least: bool = False


@dataclass(frozen=True)
class TrainingCost:
    """Processor seconds of an optimizer step of a training, and its peak memory [GiB]."""

    step: float
    memory: float


def time_labels(campaign: Campaign, frames: Sequence[Candidate]) -> LabelCost:
    """Label some of a campaign's frames, small ones first, until `BUDGET` is spent.

    Parameters
    ----------
    campaign : Campaign
    frames : sequence of Candidate
        Drawn as the campaign will draw them.
    """
    reference = campaign.reference
    if reference.kind == "folder":
        return LabelCost(None, "labels are made outside of the program")
    quick = reference.model_copy(update={"timeout": min(reference.timeout, LONGEST), "retries": 0})
    threads = campaign.executor.label_cpus
    queue = sorted(frames, key=lambda c: len(c.atoms))
    labels: list[Label] = []
    times: list[float] = []
    begun = time.perf_counter()
    for candidate in queue:
        start = time.perf_counter()
        made = label_candidate(candidate, quick, campaign.gates, threads)
        seconds = time.perf_counter() - start
        if not times and isinstance(made, Label) and seconds < LONGEST / 10:
            # The first one waits for the worker to start and to import its code.
            start = time.perf_counter()
            label_candidate(candidate, quick, campaign.gates, threads)
            seconds = time.perf_counter() - start
        if isinstance(made, Label):
            labels.append(made)
            times.append(seconds)
        elif seconds >= quick.timeout:
            break
        if time.perf_counter() - begun > BUDGET:
            break
    if not times:
        return LabelCost(None, "no small frame got a label here in time")
    sizes = [len(label.candidate.atoms) for label in labels]
    largest = len(queue[-1].atoms)
    return LabelCost(
        seconds=float(np.mean(times)),
        how=f"timed here, {len(times)} of {min(sizes)} to {max(sizes)} atoms",
        memory=_peak_of_children(),
        labels=tuple(labels),
        at_least=max(sizes) < largest,
    )


def time_training(campaign: Campaign, labels: Sequence[Label]) -> TrainingCost:
    """Train one member for a few steps on some labels.

    Parameters
    ----------
    campaign : Campaign
    labels : sequence of Label
        At least one; they are repeated until they fill a batch.
    """
    from activecharge.learning.trainer import train_member

    training = campaign.training
    repeated = tuple(labels) * (training.batch_size // len(labels) + 1)
    seconds = []
    for steps in (2, 2 + STEPS):
        short = training.model_copy(
            update={"steps": steps, "evaluate_every": steps, "patience": 1, "bootstrap": False}
        )
        data = TrainingSet(repeated, tuple(labels[:1]), campaign.elements, campaign.model, short)
        with tempfile.TemporaryDirectory(prefix="activecharge-") as folder:
            members = [Member(i, i, str(Path(folder) / f"{i}")) for i in range(short.models)]
            start = time.process_time()  # what others do on this machine does not count
            train_member(data, trainings(members, short)[0])
            seconds.append(time.process_time() - start)
    return TrainingCost(max(seconds[1] - seconds[0], 0.0) / STEPS, _peak(Path("/proc/self")))


def kept_times(campaign: Campaign, directory: Path) -> Mapping[str, tuple[int, float]]:
    """Items of work of an earlier run, by kind, with the seconds that they took in all.

    Empty where there is none with the same reference, model and training.
    """
    if not (directory / "campaign.yaml").exists():
        return {}
    before = RunDirectory.open(directory).campaign
    same = ("reference", "model", "training")
    if any(getattr(before, key) != getattr(campaign, key) for key in same):
        return {}
    found: dict[str, tuple[int, float]] = {}
    for noted in read_log(directory / "facts.jsonl"):
        if isinstance(noted.fact, Ended):
            count, seconds = found.get(noted.fact.kind, (0, 0.0))
            found[noted.fact.kind] = (count + 1, seconds + noted.fact.seconds)
    return found


def with_kept(timed: LabelCost, kept: Mapping[str, tuple[int, float]]) -> LabelCost:
    """What labels cost by an earlier run, which had the campaign's own frames, where there is."""
    count, seconds = kept.get("label", (0, 0.0))
    if not count:
        return timed
    how = f"{count} of an earlier run"
    return replace(timed, seconds=seconds / count, how=how, at_least=False)


def _peak_of_children() -> float | None:
    """Largest peak memory of the processes that this one has started [GiB]."""
    me, found = Path("/proc/self").resolve().name, []
    for status in Path("/proc").glob("[0-9]*/status"):
        try:
            lines = dict(line.split(":", 1) for line in status.read_text().splitlines())
        except OSError:  # it has ended meanwhile
            continue
        if lines.get("PPid", "").strip() == me and "VmHWM" in lines:
            found.append(_peak(status.parent))
    return max(found, default=None)


def _peak(process: Path) -> float:
    """Peak memory of a process [GiB], which the kernel tells in kB."""
    for line in (process / "status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return float(line.split()[1]) * 1024 / GIB
    return 0.0
