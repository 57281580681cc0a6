"""What a user may set about reference labels and the gates they must pass."""

from typing import Annotated, Literal

from pydantic import Field

from activecharge.options import Options


class GateOptions(Options):
    """Tolerances of the physical checks on every label.

    Each lies far above the noise of a sound label (tblite: below 1e-5 in all of them) and
    below the error that would matter in training, so only faulty labels are refused. Plane-wave
    and grid codes break translation invariance slightly and may need wider ones.
    """

    neutrality: float = Field(
        1e-3, gt=0, description="Largest accepted magnitude of the summed charges [e]"
    )
    acoustic_sum_rule: float = Field(
        2e-3,
        gt=0,
        description="Largest accepted component of the summed Born effective charges [e]",
    )
    rotational_sum_rule: float = Field(
        1e-2,
        gt=0,
        description="Largest accepted breach of the rotational sum rule of free clusters [e·Å]",
    )
    max_force: float = Field(
        30.0, gt=0, description="Largest accepted force on an atom; beyond it atoms overlap [eV/Å]"
    )
    net_force: float = Field(
        0.05, gt=0, description="Largest accepted component of the summed forces [eV/Å]"
    )
    net_torque: float = Field(
        0.1, gt=0, description="Largest accepted component of the torque on free clusters [eV]"
    )


class CodeOptions(Options):
    """What every reference code has."""

    timeout: float = Field(
        600.0, gt=0, description="Time after which the run of one configuration is killed [s]"
    )


class TbliteOptions(CodeOptions):
    """Extended tight binding with the tblite library: fast, in-process, fields included."""

    kind: Literal["tblite"] = Field("tblite", description="Reference code")
    method: Literal["GFN2-xTB", "GFN1-xTB"] = Field("GFN2-xTB", description="Hamiltonian")
    accuracy: float = Field(
        1e-4,
        gt=0,
        le=1,
        description=(
            "Scale of tblite's convergence thresholds (1 is 1e-6 hartree) [dimensionless]; "
            "1e-4 keeps the noise of Born effective charges below 1e-6 e"
        ),
    )
    max_iterations: int = Field(
        250, ge=1, description="Self-consistency cycles before a run counts as not converged"
    )
    field: float = Field(
        5e-4,
        ge=1e-5,
        le=1e-2,
        description=(
            "Field strength of the finite differences for Born effective charges "
            "[atomic units, 51.4 V/Å]"
        ),
    )
    electronic_temperature: float = Field(
        300.0, gt=0, description="Temperature of the electronic occupation [K]"
    )


class CommandOptions(CodeOptions):
    """A program of the user's own, started once for each configuration."""

    kind: Literal["command"] = Field("command", description="Reference code")
    command: tuple[str, ...] = Field(
        min_length=1,
        description=(
            "Program and arguments, without a shell; it runs in an empty folder that holds "
            "input.extxyz and must write output.extxyz there with REF_* keys, so name other "
            "files by absolute paths"
        ),
    )


ReferenceOptions = Annotated[TbliteOptions | CommandOptions, Field(discriminator="kind")]
"""Settings of any reference code, told apart by `kind`."""
