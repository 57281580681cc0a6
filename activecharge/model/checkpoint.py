"""Models on disk: weights as safetensors, architecture as JSON. Loading runs no code."""

import json
from pathlib import Path

import torch
from pydantic import ValidationError
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from activecharge.errors import UserError
from activecharge.files import write_atomic, write_json
from activecharge.model.network import Architecture, ChargeModel
from activecharge.model.options import ModelOptions

WEIGHTS = "model.safetensors"
ARCHITECTURE = "model.json"


def save_model(model: ChargeModel, directory: Path | str) -> Path:
    """Write a model into a folder; the architecture comes last and marks it complete."""
    directory = Path(directory)
    weights = {name: tensor.contiguous().cpu() for name, tensor in _weights(model).items()}
    write_atomic(directory / WEIGHTS, lambda path: save_file(weights, path))
    architecture = model.architecture
    write_json(
        directory / ARCHITECTURE,
        {
            "options": architecture.options.model_dump(),
            "elements": architecture.elements,
            "avg_neighbors": architecture.avg_neighbors,
            "baseline_eV": architecture.baseline,
        },
    )
    return directory


def load_model(directory: Path | str, device: torch.device | str = "cpu") -> ChargeModel:
    """Read a model written by `save_model`, ready to predict.

    Raises
    ------
    UserError
        If the folder holds no complete, matching checkpoint.
    """
    directory = Path(directory)
    try:
        data = json.loads((directory / ARCHITECTURE).read_text(encoding="utf-8"))
        architecture = Architecture(
            options=ModelOptions(**data["options"]),
            elements=tuple(data["elements"]),
            avg_neighbors=float(data["avg_neighbors"]),
            baseline=tuple(map(float, data["baseline_eV"])),
        )
        model = ChargeModel(architecture)
        weights = load_file(directory / WEIGHTS)
        if weights.keys() != _weights(model).keys():
            raise ValueError("its weights belong to another architecture")
        model.load_state_dict(weights, strict=False)
    except FileNotFoundError as error:
        raise UserError(
            f"{directory}: no model here ({Path(str(error.filename)).name} is missing); "
            "give the folder that training wrote"
        ) from error
    except (KeyError, TypeError, ValueError, ValidationError, SafetensorError, RuntimeError) as e:
        first = str(e).splitlines()[0]
        raise UserError(f"{directory}: not a readable model ({first}); train it again") from e
    return model.to(device).eval()


def _weights(model: ChargeModel) -> dict[str, torch.Tensor]:
    """All learned tensors; the electrostatics has none, only constants of its options."""
    return {k: v for k, v in model.state_dict().items() if not k.startswith("electrostatics.")}
