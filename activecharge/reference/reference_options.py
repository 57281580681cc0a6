"""Settings of the gates that labels must pass, and of any reference code."""

from typing import TYPE_CHECKING, Annotated, TypeAlias, Union

from pydantic import Field

from activecharge.reference.codes.code_options import CodeOptions
from activecharge.reference.codes.code_table import CODES
from activecharge.reference.codes.tblite.tblite_options import TbliteOptions
from activecharge.reference.gate_options import GateOptions

__all__ = ["GateOptions", "ReferenceOptions", "TbliteOptions"]
"""`TbliteOptions` are those of a campaign that names no reference."""

if TYPE_CHECKING:
    ReferenceOptions: TypeAlias = CodeOptions
else:
    ReferenceOptions = Annotated[
        Union[tuple(code.OPTIONS for code in CODES.values())],  # noqa: UP007
        Field(discriminator="kind"),
    ]
"""Settings of any reference code, told apart by `kind`."""
