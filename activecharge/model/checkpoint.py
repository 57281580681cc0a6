"""Models on disk: weights as safetensors, architecture as JSON. Loading runs no code."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from ase.data import chemical_symbols
from pydantic import ValidationError
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from activecharge.errors import UserError
from activecharge.files import write_atomic, write_json
from activecharge.model import ARCHITECTURE, WEIGHTS
from activecharge.model.model_options import ModelOptions
from activecharge.model.network import Architecture, ChargeModel
from activecharge.model.taught import UNRECORDED
from activecharge.properties import PROPERTIES


def save_model(model: ChargeModel, directory: Path | str) -> Path:
    """Write a model into a folder; the architecture comes last and marks it complete."""
    directory = Path(directory)
    weights = weights_of(model)
    write_atomic(directory / WEIGHTS, lambda path: save_file(weights, path))
    write_json(directory / ARCHITECTURE, describe(model))
    return directory


def weights_of(model: ChargeModel) -> dict[str, torch.Tensor]:
    """All learned tensors, on the CPU."""
    return {name: tensor.contiguous().cpu() for name, tensor in _weights(model).items()}


def describe(model: ChargeModel) -> dict[str, Any]:
    """The architecture as data that JSON can hold."""
    architecture = model.architecture
    return {
        "options": architecture.options.model_dump(),
        "elements": architecture.elements,
        "avg_neighbors": architecture.avg_neighbors,
        "baseline_eV": architecture.baseline,
        "taught": architecture.taught,
        "own_dipoles": architecture.own_dipoles,
    }


def load_model(directory: Path | str, device: torch.device | str = "cpu") -> ChargeModel:
    """Read a model written by `save_model`, ready to predict.

    Raises
    ------
    UserError
        If the folder holds no complete, matching checkpoint, or the device cannot be used.
    """
    directory = Path(directory)
    for name in (ARCHITECTURE, WEIGHTS):
        if not (directory / name).is_file():
            raise UserError(
                f"{directory}: no model here ({name} is missing); "
                "give the folder that training wrote"
            )
    name = ARCHITECTURE
    try:
        text = (directory / ARCHITECTURE).read_text(encoding="utf-8")
        architecture = _architecture(json.loads(text))
        name = WEIGHTS
        model = _rebuild(architecture, load_file(directory / WEIGHTS))
    except (KeyError, TypeError, ValueError, SafetensorError) as error:
        raise UserError(
            f"{directory / name}: not a readable model ({reason(error)}); train it again"
        ) from error
    return model.to(usable(device)).eval()


def rebuild(description: dict[str, Any], weights: Mapping[str, torch.Tensor]) -> ChargeModel:
    """The model of which `describe` and `weights_of` told, on the CPU, ready to predict.

    Raises
    ------
    KeyError, TypeError, ValueError
        If these are not of one model; `reason` says why in a few words.
    """
    return _rebuild(_architecture(description), weights).eval()


def _rebuild(architecture: Architecture, weights: Mapping[str, torch.Tensor]) -> ChargeModel:
    # Each channel has a weight for each other. So nobody can ask for more memory than they sent.
    numbers = sum(tensor.numel() for tensor in weights.values())
    if max(architecture.options.channels**2, architecture.options.radial) > numbers:
        raise ValueError("its weights are fewer than its options ask for")
    model = ChargeModel(architecture)
    if _layout(weights) != _layout(_weights(model)):
        raise ValueError(f"its weights are not those that {ARCHITECTURE} describes")
    model.load_state_dict(dict(weights), strict=False)
    return model


def usable(device: torch.device | str) -> torch.device:
    """The device, after a number in double precision has been there and back.

    Raises
    ------
    UserError
        If there is no such device, or torch cannot use it here.
    """
    try:
        found = torch.device(device)
        torch.zeros(1, dtype=torch.float64).to(found).item()
    # Each kind of device that torch was built without, or that is not there, fails in its own way.
    except (RuntimeError, AssertionError, TypeError, NotImplementedError, ImportError) as error:
        raise UserError(
            f"device {device}: torch cannot compute on it here; give cpu, or cuda (cuda:1 ...) "
            "where `activecharge doctor` finds a GPU"
        ) from error
    return found


def _architecture(data: dict[str, Any]) -> Architecture:
    architecture = Architecture(
        options=ModelOptions(**data["options"]),
        elements=tuple(data["elements"]),
        avg_neighbors=float(data["avg_neighbors"]),
        baseline=tuple(map(float, data["baseline_eV"])),
        # Former versions wrote neither of these.
        taught=tuple(data.get("taught", UNRECORDED)),
        own_dipoles=bool(data.get("own_dipoles", False)),
    )
    if unknown := set(architecture.taught) - set(PROPERTIES):
        raise ValueError(f"no such properties: {', '.join(map(str, unknown))}")
    if unknown := set(architecture.elements) - set(chemical_symbols):
        raise ValueError(f"no such elements: {', '.join(map(str, unknown))}")
    if len(set(architecture.elements)) != len(architecture.elements):
        raise ValueError("an element is there twice")
    if len(architecture.baseline) != len(architecture.elements):
        raise ValueError("baseline_eV needs one energy per element")
    return architecture


def reason(error: Exception) -> str:
    """The cause in a few words."""
    if isinstance(error, ValidationError):
        first = error.errors()[0]
        return f"options.{'.'.join(map(str, first['loc']))}: {first['msg']}"
    if isinstance(error, KeyError):
        return f"no entry {error}"
    return str(error).splitlines()[0]


def _layout(weights: Mapping[str, torch.Tensor]) -> dict[str, tuple[torch.Size, torch.dtype]]:
    return {name: (tensor.shape, tensor.dtype) for name, tensor in weights.items()}


def _weights(model: ChargeModel) -> dict[str, torch.Tensor]:
    """All learned tensors; the electrostatics has none, only constants of its options."""
    return {k: v for k, v in model.state_dict().items() if not k.startswith("electrostatics.")}
