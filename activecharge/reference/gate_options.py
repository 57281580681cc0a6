"""Tolerances of the gates that labels must pass, code by code."""

from pydantic import Field

from activecharge.options import Options

TOLERANCES = {
    "neutrality": 1e-3,
    "acoustic_sum_rule": 2e-3,
    "rotational_sum_rule": 1e-2,
    "max_force": 30.0,
    "net_force": 0.05,
    "net_torque": 0.1,
}
"""Far above the noise of a sound label of a Gaussian code (tblite: below 1e-5 in all of them)
and below the error that would matter in training, so only faulty labels are refused."""

WIDER: dict[str, dict[str, float]] = {
    # Charges are printed with three to six decimals. Density grids break translation and
    # rotation: a water molecule at 400 Ry has a net force of 0.1 eV/Å and a sum of 6e-3 e.
    "cp2k": {
        "neutrality": 2e-2,
        "acoustic_sum_rule": 1e-2,
        "rotational_sum_rule": 3e-2,
        "net_force": 0.2,
        "net_torque": 0.3,
    },
}
"""What codes need wider, with the reason."""


class GateOptions(Options):
    """Tolerances of the physical checks on every label; absent ones suit the reference code."""

    neutrality: float | None = Field(
        None,
        gt=0,
        description="Largest accepted magnitude of the summed charges; 1e-3, cp2k 2e-2 [e]",
    )
    acoustic_sum_rule: float | None = Field(
        None,
        gt=0,
        description=(
            "Largest accepted component of the summed Born effective charges; 2e-3, cp2k 1e-2 [e]"
        ),
    )
    rotational_sum_rule: float | None = Field(
        None,
        gt=0,
        description=(
            "Largest accepted breach of the rotational sum rule of free clusters; 1e-2, cp2k 3e-2 "
            "[e·Å]"
        ),
    )
    max_force: float | None = Field(
        None,
        gt=0,
        description="Largest accepted force on an atom; beyond it atoms overlap; 30 [eV/Å]",
    )
    net_force: float | None = Field(
        None,
        gt=0,
        description="Largest accepted component of the summed forces; 0.05, cp2k 0.2 [eV/Å]",
    )
    net_torque: float | None = Field(
        None,
        gt=0,
        description=(
            "Largest accepted component of the torque on free clusters; 0.1, cp2k 0.3 [eV]"
        ),
    )

    def tolerances(self, kind: str = "") -> dict[str, float]:
        """Return every tolerance: the user's own, or else what suits a kind of reference."""
        return TOLERANCES | WIDER.get(kind, {}) | self.model_dump(exclude_none=True)
