"""The work that a campaign gives to workers: functions of what all items share and of one item."""

import errno
import os
import shutil
import socket
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path

import numpy as np
from ase import Atoms

from activecharge.errors import UserError
from activecharge.execution.resources import GIB, Slot
from activecharge.jsonl import append_line
from activecharge.learning.training_set import Member, TrainingSet
from activecharge.records import Candidate, Failure, Label, MemberResult, Prediction
from activecharge.reference.reference_options import GateOptions, ReferenceOptions
from activecharge.sampling.source_options import DynamicsOptions, SanityOptions
from activecharge.strict_json import Json

LEAST_ROOM = 1024**2
"""Bytes in the scratch folder below which no reference run can succeed."""


@dataclass(frozen=True)
class LabelSettings:
    """How to label; the label is kept where `store` lies before anybody hears of it.

    What failed runs leave behind is kept in `failed`.
    """

    reference: ReferenceOptions
    gates: GateOptions
    threads: int
    store: Path
    failed: Path


def label(shared: LabelSettings, candidate: Candidate) -> Label | Failure:
    """Label one candidate and keep the label on disk.

    A failure is for the campaign to keep: where workers are being stopped their reference
    processes may go first, which must not count against the candidate.
    """
    from activecharge.campaign.disk.label_store import LabelStore
    from activecharge.reference.run import label_candidate

    _check_shared(shared.store)
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
    else:
        _check_room(Path(tempfile.gettempdir()))
    return result


def _check_shared(folder: Path) -> None:
    """Refuse to leave results where the campaign cannot see them."""
    if not folder.is_dir():
        raise UserError(
            f"{folder}: does not exist on node {socket.gethostname()}; put the run directory on a "
            "file system that all nodes of the cluster share"
        )


def _check_room(folder: Path) -> None:
    """Refuse to blame a configuration for a disk that is full."""
    if shutil.disk_usage(folder).free < LEAST_ROOM:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(folder))


@dataclass(frozen=True)
class CommitteeAtWork:
    """Which committee predicts, where, and which properties.

    Attributes
    ----------
    directory : pathlib.Path
        Of its members.
    slot : Slot
    outputs : tuple of str
        Names of properties.
    number : int
        Its round.
    """

    directory: Path
    slot: Slot
    outputs: tuple[str, ...]
    number: int = 0

    def load(self):
        """The committee on its device, this process's threads set."""
        files = sorted(path for path in self.directory.rglob("*") if path.is_file())
        state = tuple((str(f), f.stat().st_mtime_ns, f.stat().st_size) for f in files)
        return _committee(self.directory, device_of(self.slot), state)


@lru_cache(maxsize=1)
def _committee(directory: Path, device: str, state: tuple[tuple[str, int, int], ...]):
    """A committee whose files are in that state, kept for this process's next item of work.

    Building the networks takes ten times as long as predicting an item's frames with them.
    """
    from activecharge.committee.committee import Committee

    return Committee.load(directory, device)


def predict(shared: CommitteeAtWork, frames: Sequence[Atoms]) -> list[Prediction]:
    """What the committee says of some frames."""
    return shared.load().predict(frames, shared.outputs)


@dataclass(frozen=True)
class WalkSettings:
    """Committee-driven dynamics."""

    committee: CommitteeAtWork
    options: DynamicsOptions
    sanity: SanityOptions


@dataclass(frozen=True)
class Start:
    """Where one batch of walkers starts, and under which conditions.

    `reference` are labelled frames, whose spread is the bias's unit; empty without a bias.
    """

    frames: tuple[Atoms, ...]
    temperatures: tuple[float, ...]
    fields: tuple[np.ndarray | None, ...]
    origins: tuple[dict[str, Json], ...]
    seed: tuple[int, ...]
    reference: tuple[Atoms, ...] = ()


def walk(shared: WalkSettings, start: Start):
    """Run one batch of walkers; returns a `sampling.dynamics.Walk`."""
    from activecharge.committee.bias import SpreadBias
    from activecharge.sampling.dynamics import langevin as dynamics

    committee, bias = shared.committee.load(), shared.options.bias
    charged = any(field is not None for field in start.fields)
    charged |= bias is not None and bias.property == "bec"
    committee.require(("forces", "bec") if charged else ("forces",))
    push = None
    if bias is not None:
        push = SpreadBias(committee, bias.property, bias.energy, bias.reach, start.reference)
    return dynamics.walk(
        start.frames,
        start.temperatures,
        committee.predict,
        shared.options,
        shared.sanity,
        np.random.default_rng(start.seed),
        fields=start.fields,
        origins=start.origins,
        push=push,
    )


@dataclass(frozen=True)
class MemberSettings:
    """What members learn from, and what each may use."""

    data: TrainingSet
    slot: Slot


def train(shared: MemberSettings, member: Member) -> MemberResult:
    """Train one member, leaving its progress beside its checkpoint."""
    import torch

    from activecharge.learning.trainer import train_member

    device = device_of(shared.slot)
    progress = Path(member.directory) / "history.jsonl"
    progress.parent.mkdir(parents=True, exist_ok=True)
    progress.write_bytes(b"")
    try:
        return train_member(shared.data, member, device, partial(append_line, progress))
    except torch.cuda.OutOfMemoryError as error:
        raise _too_small(shared.slot, shared.data.training.batch_size) from error


def device_of(slot: Slot) -> str:
    """Set this process's threads to its share of CPUs and name its device."""
    import torch

    torch.set_num_threads(slot.cpus)
    if slot.gpus <= 0:
        return "cpu"
    if not torch.cuda.is_available():
        raise UserError(
            f"executor.member_gpus is {slot.gpus:g}, but torch finds no GPU here; set it to 0 or "
            "install torch for this machine's GPU"
        )
    # A member that wants more fails itself, and not its neighbours on the same GPU.
    torch.cuda.set_per_process_memory_fraction(min(slot.gpus, 1.0))
    return "cuda"


def _too_small(slot: Slot, batch: int) -> UserError:
    """The sentence for a member that does not fit into its share of a GPU."""
    import torch

    whole = torch.cuda.get_device_properties(0).total_memory / GIB
    wanted = torch.cuda.max_memory_allocated() / GIB
    return UserError(
        f"executor.member_gpus: a member ran out of its {slot.gpus:g} of a GPU, which is "
        f"{slot.gpus * whole:.3g} of {whole:.3g} GiB, having taken {wanted:.3g} GiB before; raise "
        f"the share, or lower training.batch_size ({batch}) or the size of the model"
    )
