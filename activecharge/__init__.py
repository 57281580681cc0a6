"""Active learning of static and dynamic charges of water."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from activecharge.calculator import ChargeCalculator
    from activecharge.campaign.launch import run
    from activecharge.campaign.settings.campaign_options import Campaign
    from activecharge.campaign.standalone.ask_committee import evaluate, predict, select
    from activecharge.campaign.standalone.label_frames import label
    from activecharge.campaign.standalone.run_simulation import simulate
    from activecharge.campaign.standalone.train_committee import train
    from activecharge.committee.committee import Committee
    from activecharge.spectra.harmonic.vibrations import vibrations
    from activecharge.spectra.spectrum import spectrum

__version__ = "0.1.0"
__all__ = [
    "Campaign",
    "ChargeCalculator",
    "Committee",
    "__version__",
    "evaluate",
    "label",
    "predict",
    "run",
    "select",
    "simulate",
    "spectrum",
    "train",
    "vibrations",
]

_HOME = {
    "Campaign": "campaign.settings.campaign_options",
    "ChargeCalculator": "calculator",
    "Committee": "committee.committee",
    "evaluate": "campaign.standalone.ask_committee",
    "label": "campaign.standalone.label_frames",
    "predict": "campaign.standalone.ask_committee",
    "run": "campaign.launch",
    "select": "campaign.standalone.ask_committee",
    "simulate": "campaign.standalone.run_simulation",
    "spectrum": "spectra.spectrum",
    "train": "campaign.standalone.train_committee",
    "vibrations": "spectra.harmonic.vibrations",
}


def __getattr__(name: str) -> object:
    # torch takes seconds to import; the command line must not wait for it.
    if name in _HOME:
        return getattr(import_module(f"activecharge.{_HOME[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
