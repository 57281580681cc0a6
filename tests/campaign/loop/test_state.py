"""What a campaign knows, read from its run directory and kept current."""

from types import SimpleNamespace

import numpy as np
import pytest

from activecharge.campaign.disk.round_folder import TrainingInputs
from activecharge.campaign.disk.run_directory import RunDirectory
from activecharge.campaign.loop.state import CampaignState
from activecharge.model import ARCHITECTURE
from activecharge.records import Choice, Failure, Prediction

SAID = Prediction({"charges": np.zeros(3)}, {"charges": np.ones(3)}, np.ones(2))


def have_members(run, number, *indices):
    for index in indices:
        folder = run.round(number).members / f"member-{index:02d}"
        folder.mkdir(parents=True)
        (folder / ARCHITECTURE).touch()


@pytest.fixture
def run(tmp_path, campaign):
    return RunDirectory(tmp_path / "run", campaign("training: {members: 2}\n"))


@pytest.fixture
def found(run, candidates, label):
    """Three rounds: the first committee is trained, the next half, and some labels are in."""
    names = ("t1", "t2", "a", "b", "c", "d", "e", "f")
    frame = SimpleNamespace(**dict(zip(names, candidates(len(names)), strict=True)))
    run.test.write_selection([Choice(frame.t1, "test"), Choice(frame.t2, "test")])
    run.round(0).write_selection([Choice(frame.a, "initial"), Choice(frame.b, "initial")])
    run.round(1).write_selection(
        [Choice(x, "control", SAID, 1.0, committee=0) for x in (frame.c, frame.d)]
    )
    run.round(2).write_selection([Choice(frame.e, "uncertain", SAID, 1.0, committee=1)])
    for known in (frame.t1, frame.a, frame.b, frame.c):
        run.labels.put(label(known))
    run.labels.put(Failure(frame.d, "no convergence"))
    run.round(0).write_inputs(TrainingInputs((frame.a.hash, frame.b.hash), None))
    have_members(run, 0, 0, 1)
    run.round(0).test_errors.write_text("{}")
    learnt = (frame.a.hash, frame.b.hash, frame.c.hash)
    run.round(1).write_inputs(TrainingInputs(learnt, 0))
    have_members(run, 1, 0)
    return frame


def hashes(candidates):
    return [candidate.hash for candidate in candidates]


def test_what_is_read(run, found):
    state = CampaignState(run)
    assert state.labels.keys() == {x.hash for x in (found.t1, found.a, found.b, found.c)}
    assert state.failures.keys() == {found.d.hash}
    assert [name for name, _ in state.waiting] == hashes([found.t2, found.e])
    assert list(state.pending) == hashes([found.t2, found.e])
    # The test set is in none of these counts.
    assert (state.dataset_size, state.dataset_pending) == (3, 1)
    assert (state.committee, state.interrupted, state.trained) == (0, 1, 1)
    assert state.fresh == 1, "the committee knows a and b"
    assert state.selections == 1, "the last round was chosen by another committee"
    assert state.unjudged == []
    assert [one.chosen_by for one in state.rounds] == [None, 0, 1]


def test_rows_and_pairs(run, found):
    state = CampaignState(run)
    assert hashes(row.label.candidate for row in state.rows()) == hashes(
        [found.a, found.b, found.c]
    )
    assert hashes(row.label.candidate for row in state.rows(1)) == hashes([found.a, found.b])
    assert [row.round for row in state.rows()] == [0, 0, 1]
    assert hashes(label.candidate for label in state.test_labels()) == [found.t1.hash]
    assert state.blind_pairs(0) == []
    [pair] = state.blind_pairs(1)
    assert (pair.label.candidate.hash, pair.why) == (found.c.hash, "control")
    assert state.round_of(found.e.hash) == 2
    assert state.is_test(found.t2.hash) and not state.is_test(found.e.hash)
    assert state.is_complete(state.rounds[1].choices) and state.failed(state.rounds[1].choices) == 1
    assert not state.is_complete(state.rounds[2].choices) and not state.is_complete(state.test)


def test_a_committee_that_is_trained(run, found, label):
    state = CampaignState(run)
    state.begin_training(1, state.inputs[1])
    state.add_committee(1)
    assert (state.committee, state.interrupted, state.unjudged) == (1, None, [1])
    assert (state.fresh, state.selections) == (0, 1)
    state.keep(label(found.e))
    state.keep(label(found.t2))
    assert (state.fresh, state.dataset_size, state.dataset_pending) == (1, 4, 0)


def test_what_is_called_off(run, found):
    """No more labels but those of the test set, of this round and of any that follows."""
    state = CampaignState(run)
    state.call_off("enough")
    assert [name for name, _ in state.waiting] == list(state.pending) == [found.t2.hash]
    state.add_round([Choice(found.f, "control", SAID, 1.0, committee=0)])
    assert list(state.pending) == [found.t2.hash] and state.dataset_pending == 0


def test_random_numbers_are_those_of_seed_round_and_purpose(tmp_path, run, campaign):
    state = CampaignState(run)
    other = CampaignState(RunDirectory(tmp_path / "other", campaign("seed: 5\n")))
    given = [
        state.random(3, "select"),
        state.random(2, "select"),
        state.random(3, "explore"),
        state.random(3, "select", 1),
        other.random(3, "select"),
    ]
    drawn = [int(rng.integers(2**60)) for rng in given]
    assert len(set(drawn)) == 5
    assert int(CampaignState(run).random(3, "select").integers(2**60)) == drawn[0]


def test_what_version_0_1_0_left_unsaid(run, candidates, label):
    """Neither who chose, nor what a committee learnt from: both were the round before."""
    frames = candidates(3)
    run.test.write_selection([])
    for number, frame in enumerate(frames):
        why = "control" if number else "initial"
        run.round(number).write_selection([Choice(frame, why, SAID if number else None, 1.0)])
        run.labels.put(label(frame))
    for number in (0, 1):
        have_members(run, number, 0, 1)
    state = CampaignState(run)
    assert [one.chosen_by for one in state.rounds] == [None, 0, 1]
    assert state.inputs[0] == TrainingInputs(tuple(hashes(frames[:1])), None)
    assert state.inputs[1] == TrainingInputs(tuple(hashes(frames[:2])), 0)
    assert (state.committee, state.interrupted, state.fresh) == (1, None, 1)
