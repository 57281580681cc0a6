"""The folder of a simulation: files that are added to, and a checkpoint that says how far."""

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np

from activecharge.errors import UserError
from activecharge.files import LOCK, locked, sign, write_json
from activecharge.simulation.checkpointing import (
    CHECKPOINT,
    Notes,
    load_checkpoint,
    save_checkpoint,
)
from activecharge.simulation.record import FACTS


class SimulationFolder:
    """Files that grow together, a block at a time.

    A block is added to each file and flushed to disk, and then the checkpoint takes the place of
    the one before. Whatever a kill leaves behind the checkpoint's lengths is cut off before the
    simulation goes on, so that it ends in the same bytes.

    Parameters
    ----------
    path : pathlib.Path
    """

    def __init__(self, path: Path):
        self.path = path
        self._waiting: dict[str, list[str]] = {}
        self._lengths: dict[str, int] = {}

    @classmethod
    @contextmanager
    def writing(cls, path: Path, facts: Mapping[str, object]) -> Iterator["SimulationFolder"]:
        """A new or existing folder, locked for this process.

        Parameters
        ----------
        path : pathlib.Path
        facts : mapping
            What makes the simulation what it is, JSON-able.

        Raises
        ------
        UserError
            If it cannot be written, is in use, or holds another simulation or other things.
        """
        _refuse_foreign(path)
        folder = cls(path)
        with locked(path, "a simulation", "folder") as lock:
            _refuse_other(path, facts)
            sign(lock)
            for leftover in path.rglob(".tmp-*"):
                leftover.unlink(missing_ok=True)
            write_json(path / FACTS, dict(facts))
            yield folder

    def resume(self) -> tuple[dict[str, np.ndarray], Notes] | None:
        """Arrays and notes of the checkpoint, all files cut back to it; None at the beginning."""
        file = self.path / CHECKPOINT
        arrays, notes = load_checkpoint(file) if file.exists() else ({}, Notes())
        self._lengths = dict(notes.lengths)
        for entry in sorted(self.path.rglob("*")):
            name = entry.relative_to(self.path).as_posix()
            if entry.suffix not in (".csv", ".xyz", ".extxyz") or not entry.is_file():
                continue
            if name not in self._lengths:
                entry.unlink()
            elif entry.stat().st_size < self._lengths[name]:
                raise UserError(
                    f"{entry}: is shorter than the checkpoint beside it says, so that it was "
                    "changed; delete the folder to begin anew"
                )
            else:
                os.truncate(entry, self._lengths[name])
        return (arrays, notes) if file.exists() else None

    def add(self, name: str, text: str, head: str = "") -> None:
        """Add text to a file with the next checkpoint; `head` first if the file is new."""
        new = name not in self._lengths and name not in self._waiting
        self._waiting.setdefault(name, [head] if new else []).append(text)

    def checkpoint(self, arrays: Mapping[str, np.ndarray], notes: Notes) -> None:
        """Write what was added, then the checkpoint."""
        for name, texts in self._waiting.items():
            data = "".join(texts).encode()
            path = self.path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("ab") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            self._lengths[name] = self._lengths.get(name, 0) + len(data)
        self._waiting = {}
        notes = replace(notes, lengths=dict(self._lengths))
        save_checkpoint(self.path / CHECKPOINT, arrays, notes)


def _refuse_foreign(path: Path) -> None:
    """Refuse a folder that holds other things, and a file."""
    if path.exists() and not path.is_dir():
        raise UserError(f"{path}: is a file; give a folder, new or of a simulation")
    held = {entry.name for entry in path.iterdir()} if path.is_dir() else set()
    if held - {LOCK} and FACTS not in held and not any(n.startswith(".tmp-") for n in held):
        raise UserError(f"{path}: holds other things; give a new folder, or one of a simulation")


def _refuse_other(path: Path, facts: Mapping[str, object]) -> None:
    """Refuse to go on with a simulation under other settings."""
    file = path / FACTS
    if not file.exists():
        return
    try:
        before = json.loads(file.read_bytes())
        settings = before["settings"]
    except (ValueError, KeyError, TypeError) as error:
        raise UserError(f"{file}: cannot be read; delete the folder to begin anew") from error
    now = json.loads(json.dumps(dict(facts)))
    changed = [key for key, value in now["settings"].items() if settings.get(key) != value]
    if before.get("committee") != now["committee"]:
        changed.append("the committee")
    if before.get("start") != now["start"]:
        changed.append("the start")
    if changed:
        raise UserError(
            f"{path}: holds a simulation with other settings ({', '.join(changed)}); restore them "
            "to go on with it, or choose another folder"
        )
