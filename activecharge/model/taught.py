"""What a model may say under the names of reference properties, given what labels taught it.

A quantity is offered if it would be right were all that was taught learned to perfection. So
forces follow from a taught energy, and Born effective charges from a taught dipole where they are
its slope; but no dipole follows from charges alone, which leave out what is inside the atoms, and
no energy from forces alone, which leave out a constant. `docs/predictions.md` has the table.
"""

from collections.abc import Collection

from activecharge.model.model_options import ModelOptions
from activecharge.properties import LATENT_CHARGES

OF_THE_ENERGY = ("energy", "forces", "stress")
OF_THE_POLARIZATION = ("dipole", "bec")

UNRECORDED = ("energy", "forces", "stress", "charges", "bec")
"""What a model of a former version was taught, which kept no record of it: what it was made for,
but a dipole, which the default coupling never was."""


def offered(options: ModelOptions, taught: Collection[str]) -> frozenset[str]:
    """Names of `activecharge.properties` that a model may use, and latent charges.

    Parameters
    ----------
    options : ModelOptions
    taught : collection of str
        Properties whose labels have taught the model.

    Returns
    -------
    frozenset of str
    """
    found = {name for name in OF_THE_POLARIZATION if name in taught}
    if found and options.coupling != "independent":
        # Z fixes the dipole but for a constant vector, which no rotation would leave as it is.
        found = set(OF_THE_POLARIZATION)
    if any(name in taught for name in OF_THE_ENERGY):
        found |= {"forces", "stress"} | ({"energy"} & set(taught))
    if options.charges == "latent":
        found.add(LATENT_CHARGES)
    elif "charges" in taught:
        found.add("charges")
    return frozenset(found)


def why_not_offered(name: str, options: ModelOptions, offers: Collection[str]) -> str:
    """A sentence on a property that is not among what a model offers, and what to do.

    Parameters
    ----------
    name : str
        A key of `activecharge.properties.PROPERTIES`.
    options : ModelOptions
    offers : collection of str
        What `offered` gave.
    """
    what = {"bec": "Born effective charges"}.get(name, name)
    if name == "charges" and options.charges == "latent":
        return (
            f"no {what}: this model's charges are latent, and go by the name {LATENT_CHARGES}; "
            "train one with model.charges reference to have those of the reference"
        )
    reason = f"no {what}: no label has taught it to this committee"
    if name == "dipole" and "bec" in offers:
        reason += (
            "; take Born effective charges Z = ∂P/∂R (born_effective_charges), which infrared "
            "intensities ask for"
        )
    return f"{reason}; train it on labels that have it, with training.weights.{name} above 0"
