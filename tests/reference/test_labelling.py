"""Labels carry values and provenance to the last bit, and only what can change is tried again."""

import json

import numpy as np
import pytest
from reference_cases import reason, shell

from activecharge.records import Candidate, Failure, Label
from activecharge.reference.codes.xtb import XtbOptions
from activecharge.reference.failure import Mishap, ReferenceFailure, Refusal, Retry, too_many
from activecharge.reference.isolation.isolate import close_workers
from activecharge.reference.reference_options import GateOptions, TbliteOptions
from activecharge.reference.run import label_candidate

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("scratch_root")]


def test_fresh_and_used_workers_give_the_same_bits(candidate, trimer_label, box):
    first = label_candidate(candidate, TbliteOptions(), GateOptions())
    assert isinstance(first, Label) and first.candidate is candidate
    assert (first.reference, first.settings["method"]) == ("tblite", "GFN2-xTB")
    label_candidate(Candidate(box, "box", "test"), TbliteOptions(), GateOptions())
    used = label_candidate(candidate, TbliteOptions(), GateOptions())
    close_workers()
    fresh = label_candidate(candidate, TbliteOptions(), GateOptions())
    for label in (first, used, fresh):
        assert label.settings == first.settings
        assert label.values.keys() == trimer_label.keys()
        for name, value in trimer_label.items():
            assert label.values[name].tobytes() == value.tobytes()


def test_a_run_is_tried_again_with_gentler_settings(tmp_path, candidate):
    # The first attempt needs 15 cycles, the second, with twice as many, 18.
    reference, failed = TbliteOptions(max_iterations=12), tmp_path / "failed"
    made = label_candidate(candidate, reference, GateOptions(), failed=failed)
    assert isinstance(made, Label), made.reason
    # What the first attempt left was kept.
    (kept,) = (failed / candidate.hash).iterdir()
    assert kept.name == "attempt-0"
    assert json.loads((kept / "reference.json").read_text())["damping"] == 0.4
    expected = label_candidate(candidate, TbliteOptions(), GateOptions())
    for name, value in expected.values.items():
        # Converged to 1e-10 hartree along two ways; forces in a field of 5e-4 amplify it.
        np.testing.assert_allclose(made.values[name], value, atol=1e-5)


FAULTS = {
    # What fails, and how often it is tried where five retries are allowed.
    "outside the code's reach": (TbliteOptions(retries=5), {}, 1, "even number"),
    "the force ceiling": (TbliteOptions(retries=5), {"max_force": 1e-3}, 1, "largest force"),
    "another gate": (TbliteOptions(retries=5), {"neutrality": 1e-12}, 2, "sum of charges"),
    "not converged, one remedy": (
        TbliteOptions(max_iterations=1, retries=5),
        {},
        2,
        "not converged in 2",
    ),
    "not converged, no remedy": (
        XtbOptions(max_iterations=2, retries=5),
        {},
        1,
        "did not converge",
    ),
    "the time limit": (TbliteOptions(timeout=1e-4, retries=2), {}, 3, "timed out"),
    "a program that ends badly": (shell("exit 1", retries=2), {}, 3, "exit code 1"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_only_what_can_change_is_tried_again(tmp_path, candidate, fault):
    reference, gates, count, words = FAULTS[fault]
    if isinstance(reference, XtbOptions):
        pytest.importorskip("xtb")
    if words == "even number":
        atoms = candidate.atoms.copy()
        atoms.numbers[1] = 2
        candidate = Candidate(atoms, "radical", "test")
    given = reason(candidate, reference, GateOptions(**gates), tmp_path / "failed")
    assert words in given
    assert given.endswith(f" (tried {count} times)") == (count > 1)
    kept = {path.name for path in (tmp_path / "failed" / candidate.hash).iterdir()}
    assert kept == {f"attempt-{number}" for number in range(count)}


def test_kinds_of_faults():
    assert Refusal.retry is Retry.NEVER and not Retry.NEVER.is_worth_it(remedies_left=True)
    assert ReferenceFailure.retry is Retry.OTHERWISE
    assert Retry.OTHERWISE.is_worth_it(True) and not Retry.OTHERWISE.is_worth_it(False)
    assert Mishap.retry is Retry.ALWAYS and Retry.ALWAYS.is_worth_it(remedies_left=False)


def test_share_of_failures(candidate):
    failures = [Failure(candidate, f"timed out: {i}") for i in range(8)]
    failures += [Failure(candidate, "crashed")]
    assert too_many(failures, 19, 0.1) is None
    assert too_many(failures, 30, 0.3) is None
    assert too_many(failures, 30, 0.25) == (
        "9 of 30 reference runs failed, more than the share of 0.25 accepted by "
        "reference.max_failed_share (8 x timed out; 1 x crashed); mend the reference"
    )
