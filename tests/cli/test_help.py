"""Help is there at once, for every command, and mistakes in arguments get one sentence."""

import os
import subprocess
import sys

import pytest

import activecharge

COMMANDS = {
    "init",
    "validate",
    "run",
    "status",
    "export",
    "report",
    "compare",
    "submit",
    "jobs",
    "label",
    "train",
    "predict",
    "evaluate",
    "select",
    "simulate",
    "spectrum",
    "vibrations",
    "pack",
    "import",
    "doctor",
}
# Not pydantic: typer takes it for the parameters of a command, where it is installed.
HEAVY = {"torch", "ase", "numpy", "ray", "matplotlib", "scipy", "tblite", "yaml"}


def test_the_commands(call):
    code, out, _ = call("--help")
    assert code == 0
    assert {line.split()[1] for line in out.splitlines() if line.startswith("│ ")} >= COMMANDS


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_each_help_has_an_example(call, command):
    code, out, _ = call(command, "--help")
    assert code == 0
    assert f"Example: activecharge {command} " in out


def test_help_loads_nothing_heavy():
    """What makes a start slow is imports; none of the slow ones is needed to show help."""
    program = (
        "import sys\n"
        "from activecharge.cli import main\n"
        f"for command in {['', *sorted(COMMANDS)]!r}:\n"
        "    sys.argv = ['activecharge', *command.split(), '--help']\n"
        "    main()\n"
        "print(*{name.split('.')[0] for name in sys.modules})\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.count("Example: ") == len(COMMANDS)
    assert set(done.stdout.splitlines()[-1].split()).isdisjoint(HEAVY)


@pytest.mark.parametrize(
    "arguments, expected",
    [
        (("rnu", "x.yaml"), "'run'"),
        (("run",), "FILE"),
        (("run", "--rundir", "x", "y"), "--run-dir"),
        (("select", "a", "b", "-n", "0", "-o", "c"), "-n"),
        (("train", "a", "--members", "1", "-o", "c"), "--members"),
        (("predict", "a", "b"), "--out"),
        (("predict", "a", "b", "-o", "."), "directory"),
    ],
)
def test_wrong_arguments(call, arguments, expected):
    code, out, err = call(*arguments)
    assert (code, out) == (2, "")
    assert err.startswith("error: ") and err.count("\n") == 1
    assert expected in err


def test_the_version_is_told(call):
    assert call("--version") == (0, f"activecharge {activecharge.__version__}\n", "")


def test_shells_complete_commands_and_options():
    """The way a shell asks; that of bash."""

    def complete(line: str) -> set[str]:
        asked = {"_ACTIVECHARGE_COMPLETE": "complete_bash", "COMP_WORDS": line}
        asked["COMP_CWORD"] = str(len(line.split(" ")) - 1)
        command = [sys.executable, "-m", "activecharge"]
        done = subprocess.run(command, env=os.environ | asked, capture_output=True, text=True)
        return set(done.stdout.split())

    assert complete("activecharge va") == {"validate"}
    assert "--dry-run" in complete("activecharge run --d")


def test_no_arguments_show_the_help(call):
    code, out, err = call()
    assert (code, err) == (2, "")
    assert "Usage: activecharge" in out
