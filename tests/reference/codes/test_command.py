"""The user's own program: what is read from it, and every way it can go wrong."""

import ase.io
import numpy as np
import pytest
from pydantic import ValidationError

from activecharge.errors import UserError
from activecharge.reference.codes.command import CommandOptions, label, settings
from activecharge.reference.failure import ReferenceFailure, describe_exit


@pytest.fixture(autouse=True)
def scratch(tmp_path, monkeypatch):
    folder = tmp_path / "scratch"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def frame(trimer, trimer_label):
    """A complete output frame."""
    frame = trimer.copy()
    frame.info = {
        "REF_energy": float(trimer_label["energy"]),
        "REF_dipole": trimer_label["dipole"],
        "bec_convention": "pol_disp",
    }
    frame.arrays["REF_forces"] = trimer_label["forces"]
    frame.arrays["REF_charges"] = trimer_label["charges"]
    frame.arrays["REF_bec"] = trimer_label["bec"].reshape(-1, 9)
    return frame


def shell(script: str) -> CommandOptions:
    return CommandOptions(command=("sh", "-c", script))


def giving(tmp_path, *frames) -> CommandOptions:
    """A program that writes the frames."""
    path = tmp_path / "prepared.extxyz"
    ase.io.write(path, frames, format="extxyz")
    return CommandOptions(command=("cp", str(path), "output.extxyz"))


def test_values_come_back_exactly(tmp_path, trimer, trimer_label, frame):
    values = label(trimer, giving(tmp_path, frame))
    assert values.keys() == trimer_label.keys()
    for name, value in trimer_label.items():
        np.testing.assert_array_equal(values[name], value)


def test_stress_of_a_cell(tmp_path, box):
    frame = box.copy()
    stress = np.array([[1.0, 0.5, 0.25], [0.5, 2.0, 0.125], [0.25, 0.125, 3.0]])
    frame.info["REF_stress"] = stress
    np.testing.assert_array_equal(label(box, giving(tmp_path, frame))["stress"], stress)


def test_the_program_sees_the_configuration(tmp_path, trimer):
    seen = tmp_path / "seen.extxyz"
    with pytest.raises(ReferenceFailure, match=r"wrote no output\.extxyz"):
        label(trimer, shell(f"cp input.extxyz {seen}"))
    atoms = ase.io.read(seen)
    assert list(atoms.symbols) == list(trimer.symbols)
    # extxyz keeps eight decimals.
    np.testing.assert_allclose(atoms.positions, trimer.positions, rtol=0, atol=1e-8)


def test_displacement_first_is_transposed(tmp_path, trimer, trimer_label, frame):
    frame.info["bec_convention"] = "disp_pol"
    values = label(trimer, giving(tmp_path, frame))
    np.testing.assert_array_equal(values["bec"], trimer_label["bec"].transpose(0, 2, 1))


@pytest.mark.parametrize("convention", [None, "xyz"])
def test_index_order_is_never_assumed(tmp_path, trimer, frame, convention):
    frame.info["bec_convention"] = convention
    with pytest.raises(ReferenceFailure, match="index order"):
        label(trimer, giving(tmp_path, frame))


def test_output_of_another_configuration(tmp_path, trimer, frame):
    moved = frame.copy()
    moved.positions[0, 0] += 1e-3
    with pytest.raises(ReferenceFailure, match="other positions"):
        label(trimer, giving(tmp_path, moved))
    with pytest.raises(ReferenceFailure, match="another order"):
        label(trimer, giving(tmp_path, frame[::-1]))
    with pytest.raises(ReferenceFailure, match="has 2 frames"):
        label(trimer, giving(tmp_path, frame, frame))


def test_output_without_labels(tmp_path, trimer, frame):
    with pytest.raises(ReferenceFailure, match="none of the keys REF_energy"):
        label(trimer, giving(tmp_path, trimer))
    frame.arrays["REF_bec"] = frame.arrays["REF_bec"][:, :6]
    with pytest.raises(ReferenceFailure, match=r"REF_bec .* shape"):
        label(trimer, giving(tmp_path, frame))


@pytest.mark.parametrize(
    "script",
    [
        "echo garbage > output.extxyz",
        "printf '\\377\\376\\000' > output.extxyz",
        ": > output.extxyz",
        "head -n 5 PREPARED > output.extxyz",
        "head -c 700 PREPARED > output.extxyz",
    ],
)
def test_garbage_and_half_files(tmp_path, trimer, frame, script):
    prepared = giving(tmp_path, frame).command[1]
    with pytest.raises(ReferenceFailure, match=r"output\.extxyz"):
        label(trimer, shell(script.replace("PREPARED", prepared)))


def test_exit_codes_and_signals_are_told_with_the_last_line(trimer):
    with pytest.raises(ReferenceFailure, match=r"sh ended with exit code 3; .*: no memory"):
        label(trimer, shell("echo start; echo no memory >&2; exit 3"))
    with pytest.raises(ReferenceFailure, match=r"sh was killed by SIGSEGV$"):
        label(trimer, shell("kill -SEGV $$"))
    assert describe_exit(-40).startswith("was killed by signal 40")


def test_a_program_that_cannot_start_is_the_users_mistake(trimer):
    with pytest.raises(UserError, match=r"reference\.command: cannot start 'no-such-program'"):
        label(trimer, CommandOptions(command=("no-such-program",)))
    with pytest.raises(ValidationError, match="at least 1 item"):
        CommandOptions(command=())


def test_settings_are_the_command():
    assert settings(shell("true")) == {"command": ["sh", "-c", "true"]}
