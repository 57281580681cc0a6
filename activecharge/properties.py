"""The properties a campaign handles, as data: a new property is one entry here."""

from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Property:
    """One labelled or predicted quantity.

    Attributes
    ----------
    name : str
        Name used in Python, YAML and reports.
    key : str
        extxyz key of reference values.
    per_atom : bool
        Whether the leading axis runs over atoms (N).
    shape : tuple of int
        Trailing shape: () scalar, (3,) vector, (3, 3) tensor.
    unit : str
        Unit of every component.
    tolerance : float
        The error, in `unit`, that counts as much as any other property's tolerance
        in losses and in scores; energies are per atom.
    symbol : str
        Short symbol for tables and axes.
    """

    name: str
    key: str
    per_atom: bool
    shape: tuple[int, ...]
    unit: str
    tolerance: float
    symbol: str


PROPERTIES: dict[str, Property] = {
    p.name: p
    for p in (
        Property("energy", "REF_energy", False, (), "eV", 0.005, "E"),
        Property("forces", "REF_forces", True, (3,), "eV/Å", 0.1, "F"),
        Property("stress", "REF_stress", False, (3, 3), "eV/Å³", 0.002, "σ"),
        Property("charges", "REF_charges", True, (), "e", 0.01, "q"),
        Property("dipole", "REF_dipole", False, (3,), "e·Å", 0.03, "μ"),
        Property("bec", "REF_bec", True, (3, 3), "e", 0.02, "Z"),
    )
}
"""All known properties by name. `bec` is Z[i, a, b] = ∂P_a/∂R_ib."""

LATENT_CHARGES = "latent_charges"
"""What charges are called that no reference charges taught."""

QUANTITIES = PROPERTIES | {
    LATENT_CHARGES: replace(PROPERTIES["charges"], name=LATENT_CHARGES, key=""),
}
"""All that a committee may predict by name: the properties, and latent charges, of which there are
no reference values."""

BEC_CONVENTION = "pol_disp"
"""Index order of stored Born effective charges: first polarization, second displacement."""
