"""Settings of the gates that labels must pass, and of any reference code."""

from typing import Annotated

from pydantic import Field

from activecharge.reference.codes.code_options import (
    AseOptions,
    CodeOptions,
    CommandOptions,
    RecordedOptions,
    TbliteOptions,
    XtbOptions,
)
from activecharge.reference.codes.dft_options import Cp2kOptions, PyscfOptions
from activecharge.reference.gate_options import GateOptions

__all__ = [
    "AseOptions",
    "CodeOptions",
    "CommandOptions",
    "Cp2kOptions",
    "GateOptions",
    "PyscfOptions",
    "RecordedOptions",
    "ReferenceOptions",
    "TbliteOptions",
    "XtbOptions",
]

ReferenceOptions = Annotated[
    TbliteOptions
    | XtbOptions
    | Cp2kOptions
    | PyscfOptions
    | AseOptions
    | RecordedOptions
    | CommandOptions,
    Field(discriminator="kind"),
]
"""Settings of any reference code, told apart by `kind`."""
