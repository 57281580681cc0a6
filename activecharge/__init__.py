"""Active learning of static and dynamic charges of water."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from activecharge.calculator import ChargeCalculator
    from activecharge.committee.committee import Committee

__version__ = "0.1.0"
__all__ = ["ChargeCalculator", "Committee", "__version__"]

_HOME = {
    "ChargeCalculator": "activecharge.calculator",
    "Committee": "activecharge.committee.committee",
}


def __getattr__(name: str) -> Any:
    # torch takes seconds to import; the command line must not wait for it.
    if name in _HOME:
        return getattr(import_module(_HOME[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
