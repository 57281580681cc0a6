"""The pieces of work that executors run: module-level functions of (shared, item)."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from ase import Atoms

from activecharge.campaign.executor import Slot
from activecharge.records import Candidate, Failure, Label, MemberResult, Prediction
from activecharge.reference.options import GateOptions, ReferenceOptions
from activecharge.sampling.options import DynamicsOptions, SanityOptions


@dataclass(frozen=True)
class LabelWork:
    """How to label; the label is kept where `store` lies before anybody hears of it.

    What failed runs leave behind is kept in `failed`.
    """

    reference: ReferenceOptions
    gates: GateOptions
    threads: int
    store: Path
    failed: Path


def label(shared: LabelWork, candidate: Candidate) -> Label | Failure:
    """Label one candidate and keep the label on disk.

    A failure is for the campaign to keep: where workers are being stopped their reference
    processes may go first, which must not count against the candidate.
    """
    from activecharge.campaign.store import LabelStore
    from activecharge.reference.run import label_candidate

    store = LabelStore(shared.store)
    # A task is repeated where its worker died, with whatever it had finished before.
    done = store.get(candidate.hash)
    if isinstance(done, Label):
        return done
    result = label_candidate(
        candidate, shared.reference, shared.gates, shared.threads, shared.failed
    )
    if isinstance(result, Label):
        store.put(result)
    return result


@dataclass(frozen=True)
class CommitteeWork:
    """Which committee predicts, and where."""

    directory: Path
    slot: Slot

    def load(self):
        """The committee on its device, this process's threads set."""
        from activecharge.committee.committee import Committee

        return Committee.load(self.directory, _device(self.slot))


def predict(shared: CommitteeWork, frames: Sequence[Atoms]) -> list[Prediction]:
    """Everything the committee says of some frames."""
    return shared.load().predict(frames)


@dataclass(frozen=True)
class WalkWork:
    """Committee-driven dynamics."""

    committee: CommitteeWork
    options: DynamicsOptions
    sanity: SanityOptions


@dataclass(frozen=True)
class Start:
    """Where one batch of walkers starts."""

    frames: tuple[Atoms, ...]
    temperatures: tuple[float, ...]
    seed: tuple[int, ...]


def walk(shared: WalkWork, start: Start):
    """Run one batch of walkers; returns a `sampling.dynamics.Walk`."""
    from activecharge.sampling import dynamics

    return dynamics.walk(
        start.frames,
        start.temperatures,
        shared.committee.load().predict,
        shared.options,
        shared.sanity,
        np.random.default_rng(start.seed),
    )


def train(shared, member) -> MemberResult:
    """Train one member of (training set, slot), leaving its progress beside its checkpoint."""
    from activecharge.learning.trainer import train_member

    data, slot = shared
    device = _device(slot)
    progress = Path(member.directory) / "history.jsonl"
    progress.parent.mkdir(parents=True, exist_ok=True)
    with progress.open("w", encoding="utf-8", buffering=1) as file:

        def note(entry: dict[str, float]) -> None:
            file.write(json.dumps(entry) + "\n")

        return train_member(data, member, device, note)


def _device(slot: Slot) -> str:
    """Set this process's threads to its share of CPUs and name its device."""
    import torch

    torch.set_num_threads(slot.cpus)
    return "cuda" if slot.gpus > 0 else "cpu"
