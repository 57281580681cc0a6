"""Pieces of the loop, each on a small state: draws, pools, a training's inputs, labels taken in."""

import ase.io
import numpy as np
import pytest

from activecharge.campaign.disk.round_folder import TrainingInputs
from activecharge.campaign.disk.run_directory import RunDirectory
from activecharge.campaign.loop.exploring import draw_initial, draw_test
from activecharge.campaign.loop.labelling import Labelling
from activecharge.campaign.loop.selecting import FRAMES_PER_ITEM, predict_pool
from activecharge.campaign.loop.state import CampaignState
from activecharge.campaign.loop.teaching import begin_training
from activecharge.campaign.loop.work import CommitteeAtWork
from activecharge.campaign.settings.reading import load_campaign
from activecharge.errors import UserError
from activecharge.execution.resources import Slot
from activecharge.records import Choice, Failure, Prediction


def hashes(choices):
    return [choice.candidate.hash for choice in choices]


@pytest.fixture
def drawn(tmp_path, candidates):
    """A campaign whose test set is the second of four frames that it begins with."""
    frames = candidates(10)[::3]  # else near duplicates, of which one is taken
    ase.io.write(tmp_path / "pool.xyz", [c.atoms for c in frames])
    ase.io.write(tmp_path / "test.xyz", frames[1].atoms)

    def make(more: str = ""):
        file = tmp_path / "campaign.yaml"
        file.write_text(
            "initial: [{kind: file, path: pool.xyz}]\ntest: [{kind: file, path: test.xyz}]\n" + more
        )
        state = CampaignState(RunDirectory(tmp_path / "run", load_campaign(file)))
        draw_test(state)
        return state, [c.hash for c in frames]

    return make


def test_what_is_held_out_is_not_learnt_from(drawn):
    state, names = drawn()
    assert hashes(state.test) == [names[1]]
    assert draw_initial(state) == 3
    assert hashes(state.rounds[0].choices) == [names[0], *names[2:]]


def test_the_first_round_keeps_to_the_budget(drawn):
    state, names = drawn("stop: {labels: 2}\n")
    assert draw_initial(state) == 2
    assert hashes(state.rounds[0].choices) == [names[0], names[2]]


@pytest.fixture
def state(tmp_path, campaign, candidates, label):
    """Two labels, one that waits, one of the test set; at most seven."""
    run = RunDirectory(tmp_path / "run", campaign("stop: {labels: 7}\n"))
    test, first, second, third = candidates(4)
    run.test.write_selection([Choice(test, "test")])
    run.round(0).write_selection([Choice(c, "initial") for c in (first, second, third)])
    for known in (first, second):
        run.labels.put(label(known))
    return CampaignState(run)


def test_a_pool_knows_what_is_chosen_and_what_room_there_is(state, candidates, tmp_path):
    committee = CommitteeAtWork(tmp_path, Slot(), ("charges",), 0)
    found = candidates(FRAMES_PER_ITEM + 10)[4:]
    steps = predict_pool(state, 1, committee, found)
    group = next(steps)
    chosen = [row.label.candidate.atoms for row in state.rows()]
    chosen.append(state.rounds[0].choices[2].candidate.atoms)
    assert [len(chunk) for chunk in group.items] == [FRAMES_PER_ITEM, 6, 3]
    assert [a for chunk in group.items for a in chunk] == [c.atoms for c in found] + chosen
    said = {  # told apart by where a hydrogen is
        atoms.positions[1, 1]: Prediction({}, {}, atoms.positions[1]) for atoms in chosen
    } | {c.atoms.positions[1, 1]: Prediction({}, {}, c.atoms.positions[1]) for c in found}
    with pytest.raises(StopIteration) as end:
        steps.send([[said[a.positions[1, 1]] for a in chunk] for chunk in group.items])
    pool = end.value.value
    assert pool.room == 7 - 3, "labels of the test set do not count"
    assert [p.descriptor[1] for p in pool.predictions] == [c.atoms.positions[1, 1] for c in found]
    assert [p.descriptor[1] for p in pool.known] == [atoms.positions[1, 1] for atoms in chosen]


def test_a_training_starts_from_the_newest_committee(state):
    names = tuple(row.label.candidate.hash for row in state.rows())
    assert begin_training(state) == 0
    assert state.inputs[0] == TrainingInputs(names, None)
    state.add_committee(0)
    state.add_round([])
    assert begin_training(state) == 1
    assert state.inputs[1] == TrainingInputs(names, 0)
    assert state.run.round(1).read_inputs() == state.inputs[1]


def test_too_many_failures_count_all_that_was_tried(tmp_path, campaign, candidates, label):
    """Ten labels and ten failures are half; one more failure is more than half."""
    run, told = RunDirectory(tmp_path / "run", campaign()), []
    run.test.write_selection([])
    frames = candidates(21)
    run.round(0).write_selection([Choice(c, "initial") for c in frames])
    state = CampaignState(run)
    labelling = Labelling(state, told.append)
    for frame in frames[:10]:
        run.labels.put(label(frame))  # as a worker does
        labelling.keep(frame.hash, label(frame))
    for frame in frames[10:20]:
        labelling.keep(frame.hash, Failure(frame, "no convergence"))
        assert isinstance(run.labels.get(frame.hash), Failure), "kept on disk"
    with pytest.raises(UserError, match="11 of 21"):
        labelling.keep(frames[20].hash, Failure(frames[20], "no convergence"))
    assert len(told) == len(state.failures) == 11 and len(state.labels) == 10
    assert np.unique([event["event"] for event in run.journal.events()]).tolist() == [
        "labelled",
        "quarantined",
    ]
