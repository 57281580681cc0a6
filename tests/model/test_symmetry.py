"""Every output turns, shifts and repeats with the frame."""

import numpy as np
import pytest
import torch
from model_cases import ALL, FRAMES, predict, random_orthogonal

from activecharge.model.coulomb.splitting import Split

# Rounding of double-precision sums, which Coulomb sums over thousands of waves enlarge.
EXACT = {"atol": 1e-9, "rtol": 1e-9, "equal_nan": True}


def transformed(result, matrix):
    """What an orthogonal matrix O makes of each output: O F, O Z Oᵀ, ..."""
    o = torch.tensor(matrix)
    turned = dict(result)
    for name in ("forces", "dipole"):
        turned[name] = result[name] @ o.T
    for name in ("bec", "stress"):
        turned[name] = o @ result[name] @ o.T
    return turned


def assert_same(result, expected, names=ALL):
    for name in names:
        torch.testing.assert_close(
            result[name], expected[name], **EXACT, msg=lambda m, n=name: f"{n}: {m}"
        )


def orthogonal_copy(atoms, matrix):
    copy = atoms.copy()
    copy.set_cell(atoms.cell.array @ matrix.T)
    copy.positions = atoms.positions @ matrix.T
    return copy


def test_rotation(model, frame):
    matrix = random_orthogonal(7)
    turned = predict(model, orthogonal_copy(frame, matrix))
    assert_same(turned, transformed(predict(model, frame), matrix))


def test_rotoreflection_beyond_one_interaction(deep_model, frame):
    matrix = random_orthogonal(8, -1)
    turned = predict(deep_model, orthogonal_copy(frame, matrix))
    assert_same(turned, transformed(predict(deep_model, frame), matrix))


def test_translation(model, frame):
    copy = frame.copy()
    copy.positions += [1.7, -20.3, 0.4]
    assert_same(predict(model, copy), predict(model, frame))


def test_wrapping_atoms_changes_nothing(model, periodic):
    copy = periodic.copy()
    steps = np.random.default_rng(3).integers(-2, 3, (len(copy), 3))
    copy.positions += steps @ copy.cell.array
    assert_same(predict(model, copy), predict(model, periodic))


def test_another_choice_of_cell_changes_nothing(model, periodic):
    copy = periodic.copy()
    copy.set_cell(np.array([[1, 0, 0], [1, 1, 0], [-1, 2, 1]]) @ periodic.cell.array)
    assert_same(predict(model, copy), predict(model, periodic))


def test_permutation(model, frame):
    order = np.random.default_rng(4).permutation(len(frame))
    expected = predict(model, frame)
    for name in ("forces", "charges", "bec"):
        expected[name] = expected[name][order]
    assert_same(predict(model, frame[order]), expected)


@pytest.mark.parametrize(
    ("name", "repeats"), [("orthorhombic", (1, 1, 2)), ("triclinic", (2, 2, 2))]
)
def test_supercell_repeats_the_cell(deep_model, name, repeats):
    copies, cell = int(np.prod(repeats)), FRAMES[name]
    one, many = (
        predict(deep_model, atoms, split=Split()) for atoms in (cell, cell.repeat(repeats))
    )
    # The Ewald sums of cell and supercell hold the same pairs and the same waves (those that
    # the supercell adds have no amplitude), so they agree far below their own convergence.
    for name in ("forces", "charges", "bec"):
        expected = one[name].repeat(copies, *[1] * (one[name].dim() - 1))
        torch.testing.assert_close(many[name], expected, atol=1e-10, rtol=0)
    for name in ("energy", "dipole"):
        torch.testing.assert_close(many[name] / copies, one[name], atol=1e-10, rtol=1e-12)
    torch.testing.assert_close(many["stress"], one["stress"], atol=1e-10, rtol=0)
