"""Where a simulation stands: one file that is whole or not there, from which it goes on."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from activecharge.errors import UserError
from activecharge.files import write_atomic

CHECKPOINT = "checkpoint.safetensors"
"""In the folder of a simulation."""

_KEY = "notes"  # one entry alone: the order of several would not be the same every time


@dataclass(frozen=True)
class Notes:
    """What stands beside the arrays.

    Attributes
    ----------
    stage, step : int
        Stage, counted from 0, and how many of its steps are done.
    lengths : dict of str to int
        Bytes of each file that is added to, by its path in the folder; what lies beyond was
        written after the checkpoint and is done again.
    done : bool
        Whether nothing is left to do.
    ended : str
        Why the simulation ended before its last step; empty if it did not.
    kept : tuple of int
        Uncertain frames kept so far, and of each replica the step of the last one in this stage.
    said : bool
        Whether the user was warned of uncertain frames.
    """

    stage: int = 0
    step: int = 0
    lengths: dict[str, int] = field(default_factory=dict)
    done: bool = False
    ended: str = ""
    kept: tuple[int, ...] = ()
    said: bool = False


def save_checkpoint(path: Path, arrays: Mapping[str, np.ndarray], notes: Notes) -> None:
    """Write a checkpoint in place of the one before, atomically."""
    plain = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    text = json.dumps(asdict(notes))
    write_atomic(path, lambda temporary: save_file(plain, temporary, {_KEY: text}))


def load_checkpoint(path: Path) -> tuple[dict[str, np.ndarray], Notes]:
    """Arrays by name, and the notes.

    Raises
    ------
    UserError
        If the file is not such a checkpoint.
    """
    try:
        with safe_open(path, "numpy") as file:
            notes = json.loads(file.metadata()[_KEY])
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        return arrays, Notes(**notes | {"kept": tuple(notes["kept"])})
    except (SafetensorError, ValueError, KeyError, TypeError, OSError) as error:
        raise UserError(
            f"{path}: not a checkpoint that this version can read; delete the folder to begin anew"
        ) from error
