"""The report of a campaign is complete and reproducible, and copes with what is missing."""

from dataclasses import replace

import numpy as np
import pytest

from activecharge.records import Prediction
from activecharge.report.campaign.campaign_summary import CampaignSummary, RoundSummary
from activecharge.report.campaign.figures import FIGURES
from activecharge.report.campaign.page import write_report
from activecharge.report.metrics import PropertyErrors

pytestmark = pytest.mark.slow

FILES = {figure.file for figure in FIGURES}
EMPTY = CampaignSummary("water", "tblite", "local", 4)


def text(folder):
    return (folder / "report.md").read_text(encoding="utf-8")


def figures(folder):
    return {path.name for path in folder.glob("*.png")}


def shown(summary):
    return {figure.file for figure in FIGURES if figure.panels(summary)}


def test_a_whole_campaign(tmp_path, make_summary):
    written = write_report(make_summary(error=0.0125), tmp_path / "a")
    assert [path.name for path, _ in written[:2]] == ["report.html", "report.md"]
    assert {path for path, _ in written} == set((tmp_path / "a").iterdir())
    assert figures(tmp_path / "a") >= FILES - {"calibration.png"}
    page = text(tmp_path / "a")
    assert "10 labels in 3 rounds and 3 min 39 s. Stopped: the budget is spent." in page
    assert "test set: q 12.5 me, Z 12.5 me, F 12.5 meV/Å." in page
    assert f"\n| 1 | 7 | 1 | {' | '.join(['12.5'] * 6)} | 1 min 13 s |\n" in page
    assert "| 000000020000 | H4O2 | dynamics | control | 0.00 | Z 41.0 me | – |" in page

    write_report(make_summary(error=0.0125), tmp_path / "b")
    for path in (tmp_path / "a").iterdir():
        assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes(), path.name


def test_nothing_yet(tmp_path):
    (tmp_path / "parity.png").write_bytes(b"from an earlier run")
    write_report(EMPTY, tmp_path)
    assert figures(tmp_path) == set()
    assert "No round has finished yet." in (tmp_path / "report.html").read_text(encoding="utf-8")
    for figure in FIGURES:
        assert f"## {figure.title}\n\n{figure.missing}\n" in text(tmp_path)


@pytest.mark.parametrize(
    ("rounds", "test", "missing"),
    [
        (1, True, set()),
        (1, False, {"learning_curve.png", "parity.png", "disagreement.png"}),
        (2, False, set()),
    ],
)
def test_short_campaigns(make_summary, rounds, test, missing):
    assert shown(make_summary(rounds, test)) == FILES - missing


def test_rounds_in_which_nothing_happened(tmp_path):
    write_report(replace(EMPTY, rounds=(RoundSummary(0, 0), RoundSummary(1, 0))), tmp_path)
    assert figures(tmp_path) == set()
    assert "0 labels in 2 rounds." in text(tmp_path)


@pytest.mark.parametrize("only", [("charges",), ("energy",)])
def test_missing_properties(make_summary, only):
    drawn = {"parity.png", "learning_curve.png"} & shown(make_summary(only=only))
    assert len(drawn) == (2 if only[0] == "charges" else 0)


def test_a_diverged_committee_is_reported(tmp_path, make_summary):
    summary = make_summary()
    broken = []
    for pair in summary.test_pairs:
        mean = {k: np.full_like(v, np.nan) for k, v in pair.prediction.mean.items()}
        broken.append(replace(pair, prediction=Prediction(mean, pair.prediction.std, np.empty(0))))
    write_report(replace(summary, test_pairs=tuple(broken)), tmp_path)
    assert "parity.png" not in figures(tmp_path)
    assert "| nan |" in text(tmp_path)


def test_a_committee_without_error_or_spread(make_summary):
    assert shown(make_summary(scale=0.0)) == FILES - {"disagreement.png", "learning_curve.png"}


@pytest.mark.parametrize(
    ("r2", "said"),
    [([-0.01], "is -0.01"), ([0.9, 0.49], "is 0.49"), ([0.1, 0.5], ""), ([None], ""), ([], "")],
)
def test_a_committee_of_no_use_is_called_so(tmp_path, r2, said):
    """By the forces of the last one on the test set."""
    rounds = tuple(
        RoundSummary(n, 9, test={"forces": PropertyErrors(1.0, 1.2, 9, value, "eV/Å")})
        for n, value in enumerate(r2)
    )
    write_report(replace(EMPTY, rounds=rounds), tmp_path)
    lines = [line for line in text(tmp_path).splitlines() if line.startswith("> R²")]
    assert len(lines) == bool(said)
    assert all(said in line and "too little for use" in line for line in lines)
