"""Tolerances of the gates that labels must pass, code by code."""

from pydantic import Field

from activecharge.options import Options
from activecharge.reference.codes.code_table import CODES

TOLERANCES = {
    "neutrality": 1e-3,
    "acoustic_sum_rule": 2e-3,
    "rotational_sum_rule": 1e-2,
    "max_force": 30.0,
    "net_force": 0.05,
    "net_torque": 0.1,
}
"""Far above the noise of a sound label of a Gaussian code (tblite: below 1e-5 in all of them)
and below the error that would matter in training, so only faulty labels are refused. What codes
need wider stands with their settings."""


def _tolerance(meaning: str, name: str, unit: str) -> float | None:
    """Make the field of one tolerance, with the values that codes have of it."""
    small = TOLERANCES[name] <= 1e-2

    def written(value: float) -> str:
        return f"{value:.0e}".replace("e-0", "e-") if small else f"{value:g}"

    wider = {kind: code.OPTIONS.wider.get(name) for kind, code in CODES.items()}
    said = [written(TOLERANCES[name])]
    said += [f"{kind} {written(value)}" for kind, value in wider.items() if value is not None]
    description = f"Largest accepted {meaning}; {', '.join(said)} [{unit}]"
    return Field(None, gt=0, description=description)


class GateOptions(Options):
    """Tolerances of the physical checks on every label; absent ones suit the reference code."""

    neutrality: float | None = _tolerance("magnitude of the summed charges", "neutrality", "e")
    acoustic_sum_rule: float | None = _tolerance(
        "component of the summed Born effective charges", "acoustic_sum_rule", "e"
    )
    rotational_sum_rule: float | None = _tolerance(
        "breach of the rotational sum rule of free clusters", "rotational_sum_rule", "e·Å"
    )
    max_force: float | None = _tolerance(
        "force on an atom; beyond it atoms overlap", "max_force", "eV/Å"
    )
    net_force: float | None = _tolerance("component of the summed forces", "net_force", "eV/Å")
    net_torque: float | None = _tolerance(
        "component of the torque on free clusters", "net_torque", "eV"
    )

    def tolerances(self, kind: str = "") -> dict[str, float]:
        """Return every tolerance: the user's own, or else what suits a kind of reference."""
        wider = CODES[kind].OPTIONS.wider if kind else {}
        return {**TOLERANCES, **wider, **self.model_dump(exclude_none=True)}
