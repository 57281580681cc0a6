"""Both executors, by one contract; and what only Ray can meet with."""

import os
import signal
from pathlib import Path

import executor_work
import pytest

from activecharge.campaign.cluster import connect
from activecharge.campaign.config import ClusterOptions, ExecutorOptions
from activecharge.campaign.executor import InlineExecutor, Lost, Slot, open_executor
from activecharge.campaign.ray_executor import RayExecutor
from activecharge.errors import UserError

pytestmark = pytest.mark.xdist_group("ray")


@pytest.fixture(scope="module")
def ray():
    before = signal.getsignal(signal.SIGTERM)
    with pytest.MonkeyPatch.context() as patch:
        # So that workers find the pieces of work.
        patch.setenv("PYTHONPATH", str(Path(__file__).parent), prepend=os.pathsep)
        executor = RayExecutor(connect(ExecutorOptions(cpus=2), ClusterOptions()))
        assert signal.getsignal(signal.SIGTERM) == before, "Ray's handler must not stay"
        yield executor
        executor.close()


@pytest.fixture(params=["inline", "ray"])
def executor(request):
    return request.getfixturevalue("ray") if request.param == "ray" else InlineExecutor()


def test_every_item_has_its_result(executor):
    """Ten times more items than may be in flight."""
    items = list(range(80))
    results = dict(executor.map(executor_work.add, items, Slot(), shared=1000))
    assert results == {index: 1000 + index for index in items}


def test_no_items(executor):
    assert list(executor.map(executor_work.add, [], Slot(), 0)) == []


def test_a_mistake_comes_as_what_it_is(executor):
    """The sentence alone, not wrapped into a report of the worker."""
    with pytest.raises(UserError) as caught:
        list(executor.map(executor_work.complain, range(9), Slot(), 3))
    assert str(caught.value) == "frame 3: charged"
    # What was under way has been called off; the executor is as good as new.
    assert dict(executor.map(executor_work.add, [1], Slot(), 1)) == {0: 2}


def test_a_fault_comes_as_what_it_is(executor):
    with pytest.raises(ZeroDivisionError):
        list(executor.map(executor_work.fault, [0], Slot()))


def test_the_caller_may_look_in_between(executor):
    seen = []
    # Two waits of 1.5 s cannot both pass between two looks, which are a second apart.
    list(executor.map(executor_work.wait, [0, 1], Slot(), 1.5, tick=lambda: seen.append(1)))
    assert len(seen) >= 2


def test_threads_are_those_of_the_slot(ray):
    for cpus in (1, 2):
        slot = Slot(cpus)
        assert dict(ray.map(executor_work.threads, [0], slot, slot)) == {0: ("cpu", cpus)}


def test_a_worker_that_dies_costs_its_own_item_alone(ray):
    results = dict(ray.map(executor_work.die, range(6), Slot(), 2))
    assert isinstance(results[2], Lost) and "worker died" in results[2].reason
    assert {i: r for i, r in results.items() if i != 2} == {i: i for i in range(6) if i != 2}


@pytest.mark.parametrize(
    "slot, sentence",
    [
        (Slot(3), "needs 3 CPUs, the largest node has 2 CPUs; lower executor.label_cpus or member"),
        (Slot(1, 99), "needs 99 GPUs, .* lower executor.member_gpus"),
        (Slot(1, memory=1e6), "needs 1e.06 GiB of memory, .* lower executor.label_memory"),
        (Slot(1, custom=(("moon", 1),)), "needs 1 moon, no node of Ray has any; lower executor.la"),
    ],
)
def test_work_that_never_fits_is_refused(ray, slot, sentence):
    with pytest.raises(UserError, match=sentence):
        list(ray.map(executor_work.add, [1], slot, 1))


def test_inline_is_chosen_without_ray():
    with open_executor(ExecutorOptions(kind="inline")) as executor:
        assert isinstance(executor, InlineExecutor)
        assert dict(executor.map(os.path.join, ["b"], Slot(), "a")) == {0: "a/b"}
