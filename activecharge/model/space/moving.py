"""Records of tensors on another device."""

from dataclasses import fields, is_dataclass, replace
from typing import TypeVar

import torch

Record = TypeVar("Record")


def moved(record: Record, device: torch.device | str, dtype: torch.dtype) -> Record:
    """A copy of a dataclass, and of those in it, on a device, floating-point tensors in `dtype`."""
    assert is_dataclass(record) and not isinstance(record, type)
    changes = {f.name: _moved(getattr(record, f.name), device, dtype) for f in fields(record)}
    return replace(record, **changes)


def _moved(value: object, device: torch.device | str, dtype: torch.dtype) -> object:
    if isinstance(value, torch.Tensor):
        return value.to(device, dtype if value.is_floating_point() else None)
    if isinstance(value, tuple):
        return tuple(_moved(part, device, dtype) for part in value)
    if is_dataclass(value) and not isinstance(value, type):
        return moved(value, device, dtype)
    return value
