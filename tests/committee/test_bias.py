"""The push to where members disagree: the gradient of a bounded function of their spread."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from activecharge.committee.bias import SpreadBias
from activecharge.committee.committee import Committee

pytestmark = pytest.mark.slow

ENERGY, REACH, STEP = 0.4, 1.5, 1e-4


@pytest.fixture(scope="module", params=["independent", "dipolar"])
def committees(request, make_model):
    """Two members are enough to disagree."""
    return Committee([make_model(seed, coupling=request.param) for seed in range(2)])


def typical(committee, name, frames):
    """Mean square spread by element, from predictions."""
    pairs = [
        (symbol, spread**2)
        for frame, said in zip(frames, committee.predict(frames, (name,)), strict=True)
        for symbol, spread in zip(frame.symbols, said.std[name], strict=True)
    ]
    return {
        element: np.mean([square for symbol, square in pairs if symbol == element])
        for element in ("H", "O")
    }


def expected(committee, name, frame, scale):
    """The bias energy, from the spread that predictions carry."""
    [said] = committee.predict([frame], (name,))
    ratio = said.std[name] ** 2 / [scale[symbol] for symbol in frame.symbols]
    return -ENERGY * (1 - np.exp(-0.5 * ratio / REACH**2)).sum()


@pytest.mark.parametrize("name", ["charges", "bec"])
def test_forces_are_finite_differences_of_the_spread(committees, frames, name):
    bias = SpreadBias(committees, name, ENERGY, REACH, frames[:4])
    scale = typical(committees, name, frames[:4])
    for frame in frames[2:4]:  # one free, one periodic
        [(energy, forces)] = bias.evaluate([frame])
        assert energy == pytest.approx(expected(committees, name, frame, scale), rel=1e-10)
        assert -ENERGY * len(frame) < energy < 0
        # Any direction will do; a random one sees all components at once.
        for seed in range(3):
            direction = np.random.default_rng(seed).normal(size=(len(frame), 3))
            ends = []
            for sign in (1, -1):
                copy = frame.copy()
                copy.positions += sign * STEP * direction
                ends.append(expected(committees, name, copy, scale))
            slope = (ends[0] - ends[1]) / (2 * STEP)
            # Central differences err by STEP² times a third derivative of order 10 eV/Å³.
            assert -(forces * direction).sum() == pytest.approx(slope, abs=1e-6)


def test_it_neither_pushes_nor_turns_the_whole(committee, frames):
    bias = SpreadBias(committee, "charges", ENERGY, REACH, frames)
    for frame, forces in zip(frames, bias(frames), strict=True):
        assert np.abs(forces).max() > 1e-4
        assert np.abs(forces.sum(axis=0)).max() < 1e-12
        if not frame.pbc.any():
            assert np.abs(np.cross(frame.positions, forces).sum(axis=0)).max() < 1e-11


def test_it_turns_with_the_frame(committee, frames):
    bias, turn = SpreadBias(committee, "charges", ENERGY, REACH, frames), Rotation.random(rng=1)
    frame = frames[2].copy()
    [before] = bias([frame])
    frame.positions = turn.apply(frame.positions)
    [after] = bias([frame])
    assert after == pytest.approx(turn.apply(before), abs=1e-10)


def test_a_batch_gives_what_frames_give_alone(committee, frames):
    bias = SpreadBias(committee, "charges", ENERGY, REACH, frames)
    for frame, (energy, forces) in zip(frames, bias.evaluate(frames), strict=True):
        [(alone, own)] = bias.evaluate([frame])
        assert energy == pytest.approx(alone, rel=1e-12)
        assert forces == pytest.approx(own, abs=1e-12)


def test_far_beyond_its_reach_it_levels_off(committee, frames):
    """A reach of next to nothing: every atom has all the energy there is, and no force."""
    [(energy, forces)] = SpreadBias(committee, "charges", ENERGY, 1e-3, frames).evaluate(frames[:1])
    assert energy == pytest.approx(-ENERGY * len(frames[0]), rel=1e-9)
    assert np.abs(forces).max() < 1e-9


@pytest.mark.parametrize("equal", [True, False])
def test_nothing_to_go_by_no_bias(make_model, committee, frames, equal):
    """Members of one mind; or no reference frame to tell what is usual."""
    agreed = Committee([make_model(0), make_model(0)])
    bias = SpreadBias(
        *((agreed, "charges", 1, 3, frames) if equal else (committee, "charges", 1, 3, []))
    )
    for energy, forces in bias.evaluate(frames[:2]):
        assert energy == 0 and not forces.any()
