"""A run directory: where everything lies, and who may write."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from activecharge.campaign.disk.journal import Journal
from activecharge.campaign.disk.label_store import LabelStore
from activecharge.campaign.disk.round_folder import RoundFolder
from activecharge.campaign.settings.campaign_options import Campaign
from activecharge.campaign.settings.reading import dump_campaign, load_campaign
from activecharge.errors import Note, UserError
from activecharge.files import in_use, locked, sign, write_text
from activecharge.formats import RUN_DIRECTORY

_MAY_CHANGE = {"stop", "schedule", "executor", "cluster"}
"""Settings that a resumed campaign may change: none of them alters what is already done."""


class RunDirectory:
    """A campaign on disk, which is all there is to know of it."""

    def __init__(self, path: Path, campaign: Campaign):
        self.path = path
        self.campaign = campaign
        self.journal = Journal(path / "journal.jsonl")
        self.labels = LabelStore(path)
        self.committee = path / "committee"
        self.dataset = path / "dataset"
        self.report = path / "report"

    @classmethod
    def open(cls, path: Path | str) -> "RunDirectory":
        """An existing run directory, to look at."""
        path = Path(path).absolute()
        if not (path / "campaign.yaml").exists():
            raise UserError(
                f"{path}: not a run directory (no campaign.yaml); "
                "give the folder that `activecharge run` printed"
            )
        RUN_DIRECTORY.check(path)
        return cls(path, _load(path / "campaign.yaml"))

    @classmethod
    @contextmanager
    def writing(cls, path: Path | str, campaign: Campaign) -> Iterator["RunDirectory"]:
        """A new or existing run directory, locked for this process.

        Raises
        ------
        UserError
            If it cannot be written, is in use, or belongs to a different campaign.
        """
        run = cls(Path(path).absolute(), campaign)
        with locked(run.path, "a campaign", "--run-dir") as lock:
            RUN_DIRECTORY.check(run.path)
            run._check_same()
            sign(lock)
            # What a killed process was about to write; nobody else writes here now.
            for leftover in run.path.rglob(".tmp-*"):
                leftover.unlink(missing_ok=True)
            RUN_DIRECTORY.write(run.path)
            write_text(run.path / "campaign.yaml", dump_campaign(campaign))
            yield run

    def _check_same(self) -> None:
        """Refuse to go on with a campaign under other settings."""
        file = self.path / "campaign.yaml"
        if file.exists():
            before, now = (c.model_dump() for c in (_load(file), self.campaign))
            changed = [k for k in now if now[k] != before[k] and k not in _MAY_CHANGE]
            if changed:
                raise UserError(
                    f"{self.path}: holds a campaign with other settings ({', '.join(changed)}); "
                    "restore them to resume it, or choose another --run-dir"
                )

    def in_use(self) -> bool:
        """Whether a process is running this campaign."""
        return in_use(self.path)

    def round(self, number: int) -> RoundFolder:
        """Folder of a round, counted from 0."""
        return RoundFolder(self.path / "rounds" / f"{number:02d}")

    @property
    def test(self) -> RoundFolder:
        """Folder of the fixed test set."""
        return RoundFolder(self.path / "test")

    def files(self) -> Iterator[Path]:
        """What the campaign is known from; dataset and report follow from it."""
        yield from self.path.glob("[!.]*.yaml")
        yield from self.path.glob("[!.]*.json*")
        for name in ("labels", "quarantine", "test", "rounds", "committee"):
            yield from (p for p in (self.path / name).rglob("*") if p.is_file())

    def rounds(self) -> int:
        """How many rounds have chosen what to label."""
        number = 0
        while self.round(number).selection.exists():
            number += 1
        return number


def _load(file: Path) -> Campaign:
    """The campaign as it was kept; which keys it was written with is no news to anybody."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Note)
        return load_campaign(file)
