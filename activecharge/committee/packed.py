"""A committee in one file, to share: tensors as safetensors, all else as JSON in its header.

Reading it runs no code, and takes no more memory than the file is long. The same committee gives
the same bytes. The header has one entry, JSON text with

- `format`, `format_version`;
- `members`: what `activecharge.model.checkpoint.describe` says of each;
- `calibration`, and `last_layer` or null;
- `sha256`: of the text without this entry, and of the tensors in the order of their names.

Tensors are called `member-00/<name>` and `last_layer/<name>`.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from activecharge.committee.calibration.calibration import Calibration
from activecharge.errors import UserError
from activecharge.files import write_atomic
from activecharge.formats import PACKED_COMMITTEE, check_version
from activecharge.model.checkpoint import describe, reason, rebuild, usable, weights_of
from activecharge.model.last_layer import LastLayer
from activecharge.model.network import ChargeModel

FORMAT = "activecharge committee"

_ENTRY = "activecharge"  # one alone: the order of several would not be the same every time
_LAST_LAYER = "last_layer"


@dataclass(frozen=True)
class Parts:
    """What a committee is made of."""

    members: tuple[ChargeModel, ...]
    calibration: Calibration
    last_layer: LastLayer | None


def pack(parts: Parts, path: Path | str) -> Path:
    """Write a committee into one file, atomically; see `Committee.pack`."""
    tensors = {
        f"{_folder(index)}/{name}": tensor
        for index, member in enumerate(parts.members)
        for name, tensor in weights_of(member).items()
    }
    last_layer = None
    if parts.last_layer is not None:
        last_layer, factors = parts.last_layer.parts()
        tensors |= {f"{_LAST_LAYER}/{name}": factor for name, factor in factors.items()}
    content = {
        "format": FORMAT,
        "format_version": PACKED_COMMITTEE,
        "members": [describe(member) for member in parts.members],
        "calibration": parts.calibration.data(),
        _LAST_LAYER: last_layer,
    }
    text = json.dumps(content | {"sha256": _digest(content, tensors)}, ensure_ascii=False)
    # Members may share their backbone's memory, which a file cannot.
    apart = {name: tensor.clone() for name, tensor in tensors.items()}
    return write_atomic(path, lambda temporary: save_file(apart, temporary, {_ENTRY: text}))


def unpack(path: Path, device: str = "cpu") -> Parts:
    """Read what `pack` wrote.

    Raises
    ------
    UserError
        If the file is none, is damaged, or was written by a newer version; or if the device cannot
        be used.
    """
    where = usable(device)
    try:
        with safe_open(path, "pt") as file:
            content = json.loads((file.metadata() or {})[_ENTRY])
            if content["format"] != FORMAT:
                raise ValueError("another format")
            check_version(content, PACKED_COMMITTEE, path)
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise UserError(
            f"{path}: not a whole committee that `activecharge pack` wrote; copy it again, or give "
            "the folder of a committee or a run directory"
        ) from error
    if content.pop("sha256", None) != _digest(content, tensors):
        raise UserError(
            f"{path}: its checksum is not that of its content; it was damaged or changed: copy it "
            "again"
        )
    try:
        members = tuple(
            rebuild(description, _below(_folder(index), tensors)).to(where)
            for index, description in enumerate(content["members"])
        )
        last_layer = content[_LAST_LAYER]
        if last_layer is not None:
            factors = _below(_LAST_LAYER, tensors)
            last_layer = LastLayer.rebuilt(last_layer, factors, members[0])
        return Parts(members, Calibration.rebuilt(content["calibration"]), last_layer)
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        raise UserError(
            f"{path}: not a readable committee ({reason(error)}); pack it again from its folder"
        ) from error


def _folder(index: int) -> str:
    return f"member-{index:02d}"


def _below(folder: str, tensors: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Tensors of one part, by their own names."""
    start = f"{folder}/"
    return {n.removeprefix(start): tensor for n, tensor in tensors.items() if n.startswith(start)}


def _digest(content: Mapping[str, object], tensors: Mapping[str, torch.Tensor]) -> str:
    """SHA-256 of all that a file holds."""
    digest = hashlib.sha256(json.dumps(content, sort_keys=True).encode())
    for name in sorted(tensors):
        tensor = tensors[name].contiguous()
        digest.update(f"\n{name} {tensor.dtype} {list(tensor.shape)}\n".encode())
        digest.update(tensor.flatten().view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()
