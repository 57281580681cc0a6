"""The live view: what it tells of files alone, and when it stops looking."""

import io
import json
import re
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from rich.console import Console

from activecharge.campaign.disk.run_directory import RunDirectory
from activecharge.campaign.monitor.progress import Observer, newest_training
from activecharge.campaign.monitor.watch import WIDTH, sparkline, view, watch
from activecharge.execution.execution_log import ExecutionLog
from activecharge.records import Choice, Failure, Prediction
from activecharge.report.metrics import PropertyErrors

SETTINGS = """\
name: seen
training: {members: 2, steps: 600, warm_steps: 200}
stop: {rounds: 3, labels: 40, target: {charges: 0.05}}
"""


@pytest.fixture
def run(tmp_path, campaign, candidates, label):
    """Two rounds: the first done, the second labelled but for one, and in training."""
    first, second, third, fourth, fifth = candidates(5)
    said = Prediction(
        {"energy": np.array(-1.0), "charges": np.array([-0.5, 0.25, 0.25]) * 1.1},
        {"energy": np.array(0.1), "charges": np.full(3, 1e-3)},
        np.ones(2),
    )
    with RunDirectory.writing(tmp_path / "run", campaign(SETTINGS)) as run:
        run.journal.append("started", versions={})
        run.round(0).write_selection([Choice(c, "initial") for c in (first, second)])
        run.round(0).write_test_errors({"charges": PropertyErrors(0.04, 0.05, 3, 0.9, "e")})
        chosen = [Choice(c, "control", said, 1.0, committee=0) for c in (third, fourth, fifth)]
        run.round(1).write_selection(chosen)
        for candidate in (first, second, third):
            run.labels.put(label(candidate))
        run.labels.put(Failure(fourth, "no"))
        for number in (0, 1):
            for name in ("member-00", "member-01"):
                folder = run.round(number).members / name
                folder.mkdir(parents=True)
                entries = [
                    {"step": 50.0 * k, "train_loss": 3.0 / k, "valid_loss": 2.0 / k, "charges": 0.1}
                    for k in (1, 2)
                ]
                text = "".join(json.dumps(entry) + "\n" for entry in entries)
                (folder / "history.jsonl").write_text(text + '{"step": 1')  # being written
        log = ExecutionLog(run.path / "facts.jsonl")
        for seconds in (1.0, 2.0, 3.0):
            log.ended("label", time.time(), seconds, "node-1")
        log.died("train", "its node died (NodeDiedError)")
        used, total = {"CPU": 3.0, "GPU": 0.5}, {"CPU": 4.0, "GPU": 1.0, "memory": 1e9}
        log.load({"label": 1, "train": 2}, {"label": 0, "train": 0}, used, total)
        yield run


def drawn(run: RunDirectory) -> str:
    console = Console(file=io.StringIO(), width=100)
    console.print(view(Observer(run).look(), run))
    return console.file.getvalue()


def test_numbers_from_files_alone(run):
    progress = Observer(run).look()
    assert progress.status.labels == 3
    assert progress.load.running == {"label": 1, "train": 2}
    assert progress.load.used["CPU"] == 3
    assert (progress.deaths, progress.last_death) == (1, "train: its node died (NodeDiedError)")
    assert progress.round_trained == newest_training(run) == 1
    assert [(c.name, len(c.entries), c.steps) for c in progress.curves] == [
        ("member-00", 2, 200),
        ("member-01", 2, 200),
    ]
    assert progress.errors == {0: {"charges": 0.04}}
    assert progress.control == {}, "a label of the round is still missing"
    assert progress.silence < 60
    assert progress.left > 0


def test_control_errors_come_with_the_last_label(run, candidates, label):
    observer = Observer(run)
    assert observer.look().control == {}
    run.labels.put(label(candidates(5)[4]))
    # Predictions are labels times 1.1: charges of 0.5, 0.25 and 0.25 e are off by a tenth.
    assert observer.look().control["charges"] == pytest.approx(0.1 / 3)


def test_drawn_for_people(run):
    text = drawn(run)
    assert re.search(r"seen  running for \d\.\d s; last sign of life \d\.\d s ago", text)
    assert "3 of 40" in text
    assert "1 in flight, 0 waiting, 1 failed, 0 held out for the test" in text
    assert "37 labels, at most about" in text
    assert "3 of 4" in text and "0.5 of 1" in text
    assert "label 1, train 2" in text
    assert "1 of workers or nodes, the last: train: its node died" in text
    assert "100/200" in text
    assert "q [me]" in text
    [errors] = [line for line in text.splitlines() if line.startswith(" charges")]
    assert errors.split() == ["charges", "40.0", "–", "50.0", "me"]  # test set, control, target


def test_a_new_run_directory(tmp_path, campaign):
    with RunDirectory.writing(tmp_path / "run", campaign()) as run:
        text = drawn(run)
    assert "idle, as far as the files tell" in text
    assert "no telling yet" in text


def test_old_lines_on_the_load_are_not_the_present(run):
    path = run.path / "facts.jsonl"
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    path.write_text("".join(json.dumps(x | {"time": x["time"] - 3600}) + "\n" for x in lines))
    assert Observer(run).look().load is None


def test_it_ends_with_the_campaign(run):
    run.journal.append("stopped", round=1, reason="round 1 was the last")
    console = Console(file=io.StringIO(), width=100)
    watch(run, every=60, console=console)  # would be here for a minute if it did not
    assert "finished: round 1 was the last" in console.file.getvalue()


def test_who_watches_may_leave(run):
    """Ctrl-C ends the view with code 0 and its last state on the screen."""
    code = (
        "import sys; from activecharge.campaign.disk.run_directory import RunDirectory; "
        "from activecharge.campaign.monitor.watch import watch; "
        "print('ready', flush=True); watch(RunDirectory.open(sys.argv[1]), 0.2)"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code, run.path],
        stdout=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    process.stdout.readline()
    time.sleep(2.0)  # past its first look, which is where it may be interrupted
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate()
    assert process.returncode == 0
    assert "seen  running" in out


@pytest.mark.parametrize(
    "values, line",
    [
        ([], ""),
        ([2.0], "▁"),
        ([1, 10, 100], "▁▅█"),  # round(3.5) is 4, the even one
        ([100.0, float("nan"), 1.0], "█ ▁"),
    ],
)
def test_sparkline(values, line):
    assert sparkline(values) == line


def test_a_long_curve_keeps_its_newest_value():
    line = sparkline([*[1.0] * 500, 9.0])
    assert len(line) <= WIDTH
    assert line[-1] == "█"
