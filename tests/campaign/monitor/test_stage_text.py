"""What stages brought, in words and on the screen."""

import io

import pytest
from rich.console import Console as Terminal

from activecharge.campaign.loop import outcomes
from activecharge.campaign.monitor.console import Console
from activecharge.campaign.monitor.stage_text import stage_text
from activecharge.execution.dispatcher import Load
from activecharge.execution.execution_log import Died
from activecharge.jsonl import append_line
from activecharge.records import Failure

NOT_YET = outcomes.Calibrated((), 0, 0)
BOUNDS = outcomes.Calibrated(("charges", "bec"), 73, 15)


@pytest.mark.parametrize(
    "outcome, text",
    [
        (outcomes.Drawn(10), "10 initial configurations"),
        (outcomes.Labelled(25, 1), "25 configurations, 1 without a label"),
        (outcomes.Walked(48), "48 frames of dynamics"),
        (
            outcomes.Explored({"clusters": 3}, {"overlap": 1}, {"broken molecule": 2}),
            "3 clusters; refused: 1 overlap; walkers stopped: 2 broken molecule",
        ),
        (outcomes.Explored({}, before=True), "no candidates, found before"),
        (
            outcomes.Spreads({"charges": 0.0089, "bec": 0.0143}),
            "median spread of the worst atom: q 8.9 me, Z 14.3 me",
        ),
        (outcomes.Spreads({}), "median spread of the worst atom: no candidates"),
        (
            outcomes.Selected({"uncertain": 20, "control": 5}, 208, 2),
            "20 uncertain, 5 control of 208, by the committee of round 2",
        ),
        (outcomes.Selected({}, 0, 2), "none of 0, by the committee of round 2"),
        (outcomes.Committed(123), "123 labels in the dataset"),
        (
            outcomes.Trained("4 members", 111, 12, BOUNDS),
            "4 members on 111 labels, 12 to validate; q, Z calibrated on 73 blind labels, 15 of "
            "them control",
        ),
        (
            outcomes.Trained("4 members", 7, 3, NOT_YET),
            "4 members on 7 labels, 3 to validate; not calibrated yet: 0 labels were predicted "
            "before training on them, 5 are needed",
        ),
        (
            outcomes.Trained("4 members", 7, 3, outcomes.Calibrated(("charges",), 18, 0)),
            "4 members on 7 labels, 3 to validate; q calibrated on 18 blind labels, 0 of them "
            "control; without control labels no bounds are claimed",
        ),
        (outcomes.Tested({"energy": 0.006, "forces": 0.0805}), "MAE F 80.5 meV/Å"),
        (outcomes.Tested({}), "no test set"),
        (outcomes.Reported("runs/x/report.html"), "runs/x/report.html"),
    ],
)
def test_each_outcome_has_its_words(outcome, text):
    assert stage_text(outcome) == text


@pytest.fixture
def screen(monkeypatch):
    """A console on a terminal that is a text."""
    written = io.StringIO()
    terminal = Terminal(file=written, force_terminal=True, width=100, highlight=False)
    monkeypatch.setattr(
        "activecharge.campaign.monitor.console.Terminal", lambda **options: terminal
    )
    return written


def test_rounds_have_headings(screen, candidates):
    console = Console()
    for number, stage in ((0, "draw"), (0, "holdout"), (0, "report"), (1, "label")):
        console.tell(outcomes.StageEnded(stage, number, 1.25, outcomes.Drawn(3)))
    console.tell(outcomes.FrameFailed(Failure(candidates(1)[0], "no licence")))
    console.note(Died("train", "its node died"))
    lines = screen.getvalue().splitlines()
    assert [line for line in lines if line.startswith("round")] == ["round 0", "round 1"]
    assert "  label        1.2 s  3 initial configurations" in lines
    assert lines[-2].endswith(": no licence") and "quarantined" in lines[-2]
    assert lines[-1] == "  train: its node died; it is done again"


def test_bars_show_items_and_steps(screen, tmp_path):
    (tmp_path / "member-00").mkdir()
    append_line(tmp_path / "member-00" / "history.jsonl", {"step": 50.0, "charges": 0.0123})
    with Console() as console:
        console.tell(outcomes.TrainingBegan(tmp_path, ("member-00",), 200))
        loads = {"label": Load(3, 2, 5), "train": Load(0, 1, 0), "explore": Load(4, 0, 0)}
        console.working(loads)
        console._bars.refresh()
        shown = screen.getvalue()
    assert "label" in shown and "3/10" in shown
    assert "member-00  q 12.3 me" in shown and "50/200" in shown
    assert "explore" not in shown, "what has ended has no bar"
