"""Both executors, by one contract; and what only Ray can meet with."""

import os
import signal
from pathlib import Path

import executor_work
import pytest

from activecharge.errors import UserError
from activecharge.execution.groups import all_values, run_group
from activecharge.execution.inline import InlineExecutor
from activecharge.execution.opening import Workplace, local_workers, open_executor
from activecharge.execution.ray_connection import connect
from activecharge.execution.ray_executor import RayExecutor
from activecharge.execution.resources import Slot
from activecharge.execution.tasks import Lost, WorkGroup

KEYS = {"CPU": "settings.cpus", "GPU": "settings.gpus", "memory": "settings.memory"}


def run(executor, work, items, slot=Slot(), shared=None, **options):  # noqa: B008
    return run_group(executor, WorkGroup(work, list(items), slot, shared), **options)


@pytest.fixture(scope="module")
def ray():
    before = signal.getsignal(signal.SIGTERM)
    with pytest.MonkeyPatch.context() as patch:
        # So that workers find the work.
        patch.setenv("PYTHONPATH", str(Path(executor_work.__file__).parent), prepend=os.pathsep)
        executor = RayExecutor(connect(cpus=2), keys=KEYS)
        assert signal.getsignal(signal.SIGTERM) == before, "Ray's handler must not stay"
        yield executor
        executor.close()


@pytest.fixture(params=["inline", pytest.param("ray", marks=pytest.mark.ray)])
def executor(request):
    return request.getfixturevalue("ray") if request.param == "ray" else InlineExecutor()


def test_every_item_has_its_result(executor):
    """Ten times more items than may be in flight."""
    items = list(range(80))
    results = dict(run(executor, executor_work.add, items, Slot(), shared=1000))
    assert results == {index: 1000 + index for index in items}


def test_no_items(executor):
    assert list(run(executor, executor_work.add, [], Slot(), 0)) == []


def test_a_mistake_comes_as_what_it_is(executor):
    """The sentence alone, not wrapped into a report of the worker."""
    with pytest.raises(UserError) as caught:
        list(run(executor, executor_work.complain, range(9), Slot(), 3))
    assert str(caught.value) == "frame 3: charged"
    # What was under way has been called off; the executor is as good as new.
    assert dict(run(executor, executor_work.add, [1], Slot(), 1)) == {0: 2}


def test_a_fault_comes_as_what_it_is(executor):
    with pytest.raises(ZeroDivisionError):
        list(run(executor, executor_work.fault, [0], Slot()))


def test_the_caller_may_look_in_between(executor):
    seen = []
    # Two waits of 1.5 s cannot both pass between two looks, which are a second apart.
    list(run(executor, executor_work.wait, [0, 1], Slot(), 1.5, tick=seen.append))
    assert len(seen) >= 2


@pytest.mark.ray
def test_threads_are_those_of_the_slot(ray):
    for cpus in (1, 2):
        slot = Slot(cpus)
        assert dict(run(ray, executor_work.threads, [0], slot, slot)) == {0: ("cpu", cpus)}


@pytest.mark.ray
def test_a_worker_that_dies_costs_its_own_item_alone(ray):
    results = dict(run(ray, executor_work.die, range(6), Slot(), 2))
    assert isinstance(results[2], Lost) and "worker died" in results[2].reason
    assert {i: r for i, r in results.items() if i != 2} == {i: i for i in range(6) if i != 2}


@pytest.mark.ray
@pytest.mark.parametrize(
    "slot, sentence",
    [
        (Slot(3), "needs 3 CPUs, the largest node has 2 CPUs; lower settings.cpus or add"),
        (Slot(1, 99), "needs 99 GPUs, .* lower settings.gpus or"),
        (Slot(1, memory=1e6), "needs 1e.06 GiB of memory, .* lower settings.memory or"),
        (Slot(1, custom=(("moon", 1),)), "needs 1 moon, no node of Ray has any; add a larger node"),
    ],
)
def test_work_that_never_fits_is_refused(ray, slot, sentence):
    with pytest.raises(UserError, match=sentence):
        list(run(ray, executor_work.add, [1], slot, 1))


@pytest.mark.ray
def test_a_value_that_nothing_goes_on_without(ray):
    group = WorkGroup(executor_work.die, [0, 1], Slot(), 1)
    with pytest.raises(UserError, match=r"^train: its worker died .*; see whether memory ran out"):
        all_values(ray, group, "train")
    group = WorkGroup(executor_work.add, [3, 1, 2], Slot(), 1)
    assert all_values(ray, group, "add") == [4, 2, 3]


def test_inline_is_chosen_without_ray():
    assert local_workers(1).kind == "inline" and local_workers(2).kind == "ray"
    with open_executor(Workplace()) as executor:
        assert isinstance(executor, InlineExecutor)
        assert dict(run(executor, os.path.join, ["b"], Slot(), "a")) == {0: "a/b"}
