"""What a user may say about labelled data from elsewhere."""

from typing import Literal

from pydantic import Field

from activecharge.dataset.importing.unit_names import (
    BornUnit,
    ChargeUnit,
    DipoleUnit,
    EnergyUnit,
    ForceUnit,
    LengthUnit,
    StressUnit,
    VirialUnit,
)
from activecharge.options import Options


class ImportKeys(Options):
    """Under which keys a file holds its values; by default the program's, then ASE's names.

    Where none is named, each frame is searched by itself.
    """

    energy: str | None = Field(None, description="Key of energies; default REF_energy, energy")
    forces: str | None = Field(None, description="Key of forces; default REF_forces, forces")
    stress: str | None = Field(None, description="Key of stresses; default REF_stress, stress")
    virial: str | None = Field(
        None,
        description=(
            "Key of virials, -stress·volume; default REF_virial, REF_virials, virial, virials"
        ),
    )
    charges: str | None = Field(
        None, description="Key of static charges; default REF_charges, charges"
    )
    dipole: str | None = Field(None, description="Key of dipoles; default REF_dipole, dipole")
    bec: str | None = Field(
        None,
        description=(
            "Key of Born effective charges, nine numbers an atom; default REF_bec, bec, "
            "born_effective_charges"
        ),
    )


class ImportUnits(Options):
    """The units of a file; ASE itself turns formats other than extxyz into eV and Å.

    `Å` may be written `A` or `Angstrom`, `·` may be written `*`. A minus before a unit is for
    values of the other sign: gradients, pressures, dipoles towards the negative end.
    """

    positions: LengthUnit = Field("Å", description="Unit of positions and cell")
    energy: EnergyUnit = Field("eV", description="Unit of energies")
    forces: ForceUnit = Field("eV/Å", description="Unit of forces")
    stress: StressUnit = Field("eV/Å³", description="Unit of stresses, positive under tension")
    virial: VirialUnit = Field("eV", description="Unit of virials, positive under compression")
    charges: ChargeUnit = Field("e", description="Unit of static charges")
    dipole: DipoleUnit = Field("e·Å", description="Unit of dipoles, from negative to positive")
    bec: BornUnit = Field(
        "e", description="Unit of Born effective charges; -e where the field has the other sign"
    )


class ImportOptions(Options):
    """Labelled data from elsewhere: neutral frames, free or periodic in all directions."""

    format: str | None = Field(
        None, description="ASE's name of the file format; found from the file when absent"
    )
    keys: ImportKeys = Field(ImportKeys(), description="Names of the values in the file")
    units: ImportUnits = Field(ImportUnits(), description="Units of the values in the file")
    order: Literal["pol_disp", "disp_pol", "detect", "fit"] = Field(
        "detect",
        description=(
            "Index order of the Born effective charges: polarization (field) first, displacement "
            "first, told from the data, or told from them by a model fitted to both orders where "
            "nothing else does; a frame's own bec_convention counts as given"
        ),
    )
    bec_file: str | None = Field(
        None,
        description=(
            "VASP OUTCAR or CP2K APT file with the Born effective charges of the frames, in "
            "their order; an OUTCAR given as data is searched anyway"
        ),
    )
    electric_field: Literal["refuse", "keep"] = Field(
        "refuse", description="What becomes of frames that state an electric field which is not 0"
    )
    strict: bool = Field(
        False,
        description="Whether a key with numbers that is not read, or a remark, ends the import",
    )
    reference: str = Field("imported", description="Name of the method that made the labels")
