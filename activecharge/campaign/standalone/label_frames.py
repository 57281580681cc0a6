"""Label configurations, apart from any campaign."""

import hashlib
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from activecharge.campaign.disk.label_store import LabelStore
from activecharge.campaign.loop import work
from activecharge.campaign.monitor.console import Console
from activecharge.campaign.standalone.frames_of import Frames, candidates_of
from activecharge.dataset.extxyz import write_labels
from activecharge.errors import UserError
from activecharge.execution.groups import run_group
from activecharge.execution.opening import local_workers, open_executor
from activecharge.execution.resources import Slot
from activecharge.execution.tasks import Lost, WorkGroup
from activecharge.files import check_not_input
from activecharge.records import Candidate, Failure, Label, Missing
from activecharge.reference.failure import too_many
from activecharge.reference.reference_options import GateOptions, ReferenceOptions, TbliteOptions
from activecharge.reference.waiting import outputs_missing
from activecharge.scratch import Scratch


@dataclass(frozen=True)
class Labelled:
    """What came of labelling.

    Attributes
    ----------
    labels : tuple of Label
        In the order of the frames, each configuration once.
    failures : tuple of Failure
        What could not be labelled.
    """

    labels: tuple[Label, ...]
    failures: tuple[Failure, ...]


def label(
    frames: Frames,
    out: Path | str | None = None,
    reference: ReferenceOptions | None = None,
    gates: GateOptions | None = None,
    workers: int = 1,
    quiet: bool = True,
) -> Labelled:
    """Label every configuration once with reference electronic structure.

    With `out`, finished labels survive a kill: they wait in the folder `<out>.parts` for the same
    reference to go on. What failed runs leave behind is kept in `<out>.failed`.

    Parameters
    ----------
    frames : path-like or sequence of ase.Atoms
        Free or fully periodic.
    out : path-like, optional
        extxyz file to write.
    reference : ReferenceOptions, optional
        Code and method; GFN2-xTB by tblite by default.
    gates : GateOptions, optional
        Checks that every label must pass.
    workers : int
        In parallel, one CPU each.
    quiet : bool
        Show no progress.

    Returns
    -------
    Labelled

    Raises
    ------
    UserError
        If `out` is the file of frames, a frame is not one that the program handles, or a larger
        share of the labels failed than the reference is allowed.
    """
    check_not_input(out, frames)
    candidates = {c.hash: c for c in candidates_of(frames)}
    reference, gates = reference or TbliteOptions(), gates or GateOptions()
    with _kept(out) as (parts, failed):
        store = _store(parts, reference, gates)
        shared = work.LabelSettings(reference, gates, 1, store, failed)
        done, failures = _label_all(candidates, shared, workers, quiet)
        if done and out is not None:
            write_labels(out, done)
    return Labelled(tuple(done), tuple(failures))


def _store(parts: Path, reference: ReferenceOptions, gates: GateOptions) -> Path:
    """The folder of labels made with these settings."""
    settings = reference.model_dump_json() + gates.model_dump_json()
    folder = parts / hashlib.sha256(settings.encode()).hexdigest()[:16]
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _label_all(
    candidates: dict[str, Candidate], shared: work.LabelSettings, workers: int, quiet: bool
) -> tuple[list[Label], list[Failure]]:
    """Labels and failures, of those before and of now."""
    store = LabelStore(shared.store)
    done = {name: store.get(name) for name in candidates}
    todo = [candidates[name] for name, result in done.items() if not isinstance(result, Label)]
    group = WorkGroup(work.label, todo, Slot(), shared)
    failures: list[Failure] = []
    with Console(quiet) as console, open_executor(local_workers(workers)) as executor:
        for index, result in run_group(executor, group, tick=console.working):
            if isinstance(result, Lost):
                result = Failure(todo[index], result.reason)
            done[result.candidate.hash] = result
            if isinstance(result, Failure):
                failures.append(result)
                if isinstance(result, Missing):
                    continue
                tried = sum(known is not None for known in done.values())
                if reason := too_many(failures, tried, shared.reference.max_failed_share):
                    raise UserError(
                        f"{reason}; {shared.failed} has the input and output of failed runs"
                    )
    missing = [failure for failure in failures if isinstance(failure, Missing)]
    if missing:
        raise outputs_missing(shared.reference, missing)
    return [result for result in done.values() if isinstance(result, Label)], failures


@contextmanager
def _kept(out: Path | str | None) -> Iterator[tuple[Path, Path]]:
    """Where labels wait for the others, and where failed runs leave what they have."""
    if out is None:
        scratch = Scratch()
        try:
            yield scratch.path / "parts", scratch.path / "failed"
        finally:
            scratch.remove()
        return
    out = Path(out)
    parts = out.with_name(f"{out.name}.parts")
    yield parts, out.with_name(f"{out.name}.failed")
    shutil.rmtree(parts, ignore_errors=True)
