"""References that crash, lie or never converge: quarantined with the reason, or one sentence."""

import json
import shutil
import sys

import ase.io
import pytest
from cli_cases import TINY

pytestmark = pytest.mark.slow

# Succeeds at every fifth and sixth call, and else fails, each time in another way.
PROGRAM = """\
import os, sys
lines = open("input.extxyz").read().splitlines()
with open(sys.argv[1], "a+") as log:
    log.seek(0)
    kind = len(log.readlines()) % 6
    log.write(lines[-1].split()[1] + "\\n")
if kind == 0:
    os.abort()
if kind == 1:
    sys.exit("out of luck")
if kind == 2:
    sys.exit(0)
lines[1] = lines[1].replace("pos:R:3", "pos:R:3:REF_charges:R:1") + " REF_energy=-1.0"
rows = [f"{line} {1.0 if kind == 3 and i == 0 else 0.0}" for i, line in enumerate(lines[2:])]
open("output.extxyz", "w").write("\\n".join([*lines[:2], *rows]) + "\\n")
"""
REASONS = {
    0: "was killed by SIGABRT",
    1: "exit code 1; its last line was: out of luck",
    2: "wrote no output.extxyz",
    3: "sum of charges: 1 e is above",
}


@pytest.fixture
def campaign(tmp_path):
    """A campaign whose labels come from a program that mostly fails."""
    program, log = tmp_path / "program.py", tmp_path / "calls"
    program.write_text(PROGRAM)
    command = json.dumps([sys.executable, "-S", "-E", str(program), str(log)])
    text = TINY.replace("rounds: 1", "rounds: 0")
    file = tmp_path / "campaign.yaml"
    file.write_text(text + f"reference: {{kind: command, command: {command}}}\n")
    return file


def test_failures_are_quarantined_and_the_campaign_goes_on(call, tmp_path, campaign):
    code, out, err = call("run", campaign, "--run-dir", "run")
    assert code == 0, err
    failed = {path.stem: ase.io.read(path) for path in (tmp_path / "run" / "quarantine").iterdir()}
    kept = ase.io.read(tmp_path / "run" / "dataset" / "data.xyz", index=":")
    calls = (tmp_path / "calls").read_text().splitlines()

    def kind(frame) -> int:
        return calls.index(f"{frame.positions[-1, 0]:.8f}") % 6

    assert {kind(frame) for frame in failed.values()} == {0, 1, 2, 3}
    for name, frame in failed.items():
        assert REASONS[kind(frame)] in frame.info["reason"]
        assert f"quarantined {name}: {frame.info['reason']}" in out
    assert {kind(frame) for frame in kept} == {4, 5}
    assert len(failed) + len(kept) == len(calls) == 9
    facts = json.loads(call("status", "run", "--json").out)
    # All of the test set failed, which comes first.
    assert (facts["quarantined"], facts["labels"], facts["test_labels"]) == (4, 2, 0)
    # A failure is not tried again either: a reference run may take days.
    assert call("run", campaign, "--run-dir", "run").code == 0
    assert (tmp_path / "calls").read_text().splitlines() == calls


def test_nothing_converges(call, tmp_path):
    file = tmp_path / "campaign.yaml"
    file.write_text(TINY + "reference: {kind: tblite, max_iterations: 1}\n")
    code, _, err = call("run", file, "--run-dir", "run")
    assert code == 2 and err.count("\n") == 1
    assert "not one initial configuration got a label" in err and "quarantine" in err
    assert len(list((tmp_path / "run" / "quarantine").iterdir())) == 9
    assert not (tmp_path / "run" / "error.log").exists()


def test_too_many_failures_stop_a_campaign(call, tmp_path):
    """It goes on once the reference is mended and what failed is let go."""
    switch = tmp_path / "mended"
    program = tmp_path / "program.py"
    program.write_text(
        "import os, sys\n"
        f"os.path.exists({str(switch)!r}) or sys.exit('no licence')\n"
        "lines = open('input.extxyz').read().splitlines()\n"
        "lines[1] = lines[1] + ' REF_energy=-1.0'\n"
        "open('output.extxyz', 'w').write('\\n'.join(lines) + '\\n')\n"
    )
    command = json.dumps([sys.executable, "-S", "-E", str(program)])
    text = TINY.replace("rounds: 1", "rounds: 0").replace("count: 6", "count: 18")
    text = text.replace("model: {", "model: {charges: latent, ")
    file = tmp_path / "campaign.yaml"
    file.write_text(text + f"reference: {{kind: command, command: {command}, retries: 0}}\n")
    code, _, err = call("run", file, "--run-dir", "run")
    assert code == 2 and err.count("\n") == 1
    assert "20 of 20 reference runs failed" in err and "delete" in err
    quarantine = tmp_path / "run" / "quarantine"
    assert len(list(quarantine.iterdir())) == 20
    assert len(list((tmp_path / "run" / "failed").glob("*/attempt-0/printed.log"))) == 20
    shutil.rmtree(quarantine)
    switch.touch()
    code, _, err = call("run", file, "--run-dir", "run")
    assert code == 0, err
    assert len(list((tmp_path / "run" / "labels").iterdir())) == 21


def test_a_program_that_is_not_there(call, tmp_path):
    file = tmp_path / "campaign.yaml"
    file.write_text(TINY + "reference: {kind: command, command: [no-such-program]}\n")
    code, _, err = call("run", file, "--run-dir", "run")
    assert code == 2 and err.count("\n") == 1
    assert "cannot start 'no-such-program'" in err
    assert not (tmp_path / "run" / "quarantine").exists()
