"""The index order of Born effective charges in cells, from a fitted polarization."""

import numpy as np
import pytest
from born_cases import labelled
from foreign_cases import text

from activecharge.campaign.standalone.order_trial import FEWEST, fit_orders
from activecharge.dataset.importing.import_options import ImportOptions
from activecharge.dataset.importing.importer import import_file
from activecharge.dataset.importing.index_order import Evidence, Tensors
from activecharge.errors import UserError

pytestmark = pytest.mark.slow

STEPS = 120
"""Enough for single molecules, an eighth of what boxes are given."""


def boxes(count, transposed=False):
    """GFN2-xTB molecules in cells so small that no sum rule applies."""
    found = []
    for seed in range(count):
        atoms, values = labelled(1, seed)
        atoms = atoms.copy()
        atoms.cell, atoms.pbc = 5 * np.eye(3), True
        bec = values["bec"].swapaxes(1, 2) if transposed else values["bec"]
        found.append(Tensors(atoms, bec))
    return found


def test_the_order_is_told():
    evidence = fit_orders(boxes(16, transposed=True), STEPS)
    assert evidence.order == "disp_pol"
    # The antisymmetric parts are 0.009 e, root mean square; the wrong order errs by more.
    assert evidence.disp_pol < 0.009 < evidence.pol_disp
    assert "standard errors" in str(evidence)


def test_transposing_turns_the_evidence_around():
    one, other = fit_orders(boxes(FEWEST), 2), fit_orders(boxes(FEWEST, transposed=True), 2)
    # The same training; the sums of squares differ in rounding alone.
    assert one.pol_disp == pytest.approx(other.disp_pol, rel=1e-4)
    assert one.disp_pol == pytest.approx(other.pol_disp, rel=1e-4)


def test_a_model_that_has_learnt_little_does_not_judge():
    """After 30 steps it leans to the wrong order."""
    evidence = fit_orders(boxes(12), 30)
    assert evidence.order is None and evidence.decided is False


def test_few_frames_and_symmetric_tensors_are_left_open():
    frames = boxes(FEWEST)
    assert fit_orders(frames[1:], 2) is None
    masked = [Tensors(f.atoms, np.full_like(f.bec, np.nan)) for f in frames[:1]]
    assert fit_orders([*masked, *frames[1:]], 2) is None
    symmetric = [Tensors(f.atoms, (f.bec + f.bec.swapaxes(1, 2)) / 2) for f in frames]
    assert fit_orders(symmetric, 2).order is None


def stored(frames, path):
    """The frames as extxyz with nine columns whose order nobody states."""
    lines = []
    for frame in frames:
        cell = " ".join(map(str, frame.atoms.cell.array.ravel()))
        comment = f'Lattice="{cell}" Properties=species:S:1:pos:R:3:bec:R:9'
        lines.append(text(frame.atoms, comment, frame.bec))
    path.write_text("".join(lines))
    return path


def test_an_import_asks_for_it_only_where_told_to(tmp_path):
    path = stored(boxes(3, transposed=True), tmp_path / "bulk.xyz")
    asked = []

    def trial(frames):
        asked.append(len(frames))
        return Evidence("a fit", len(frames), 0.02, 0.01, "e", "clear", decided=True)

    with pytest.raises(UserError, match="try order: fit, which takes minutes"):
        import_file(path, ImportOptions(), trial=trial)
    assert not asked
    found = import_file(path, ImportOptions(order="fit"), trial=trial)
    assert asked == [3] and found.order == "disp_pol"
    assert found.order_from.startswith("detected: a fit, 3 frames: residual 0.02 e")


def test_where_the_fit_does_not_decide_both_errors_are_said(tmp_path):
    path = stored(boxes(3), tmp_path / "bulk.xyz")

    def trial(frames):
        return Evidence("a fit", len(frames), 0.02, 0.019, "e", "unclear", decided=False)

    with pytest.raises(UserError, match=r"residual 0\.02 e .* 0\.019 e .*give order: pol_disp"):
        import_file(path, ImportOptions(order="fit"), trial=trial)


def test_a_sum_rule_that_decides_is_believed_without_a_fit(tmp_path):
    atoms, values = labelled(2)
    path = tmp_path / "free.xyz"
    path.write_text(text(atoms, "Properties=species:S:1:pos:R:3:bec:R:9", values["bec"]))

    def unwanted(frames):
        raise AssertionError("the sum rule had decided")

    assert import_file(path, ImportOptions(order="fit"), trial=unwanted).order == "pol_disp"
