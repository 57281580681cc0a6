"""What clusters do: workers and nodes fail; on a Ray cluster of several nodes."""

import os
import signal
import sys
import time
from pathlib import Path

import executor_work
import pytest
from fault_cases import PROGRAM, check_equal, lines, wait_until, when

from activecharge.campaign.disk.label_store import LabelStore
from activecharge.campaign.disk.run_directory import RunDirectory
from activecharge.campaign.loop import work
from activecharge.campaign.loop.loop import run_loop
from activecharge.campaign.monitor.console import Console
from activecharge.errors import UserError
from activecharge.execution.execution_log import Died, ExecutionLog, read_log
from activecharge.execution.groups import run_group
from activecharge.execution.inline import InlineExecutor
from activecharge.execution.ray_connection import connect
from activecharge.execution.ray_executor import RayExecutor
from activecharge.execution.resources import GIB, Slot
from activecharge.execution.tasks import Lost, Task, WorkGroup
from activecharge.records import Failure, Label
from activecharge.reference.codes.command import CommandOptions
from activecharge.reference.reference_options import GateOptions

pytestmark = pytest.mark.ray

SMALL = 100 * 1024**2
"""Object store of a node [bytes]; Ray takes no less than 75 MiB."""


@pytest.fixture(scope="module")
def cluster():
    """A head without CPUs, so that every other node may be removed."""
    from ray.cluster_utils import Cluster

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(Path(executor_work.__file__).parent), prepend=os.pathsep)
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        patch.setenv("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
        head = {"num_cpus": 0, "include_dashboard": False, "object_store_memory": SMALL}
        # A node is asked every three seconds otherwise, and taken for dead after five times.
        head["_system_config"] = {
            "health_check_initial_delay_ms": 500,
            "health_check_period_ms": 500,
        }
        cluster = Cluster(initialize_head=True, head_node_args=head)
        yield cluster
        cluster.shutdown()


@pytest.fixture(scope="module")
def executor(cluster, tmp_path_factory):
    path = tmp_path_factory.mktemp("facts") / "facts.jsonl"
    keys = {"CPU": "executor.label_cpus or member_cpus", "GPU": "executor.member_gpus"}
    keys["nowhere"] = "executor.label_resources.nowhere"
    executor = RayExecutor(connect(address=cluster.address), ExecutionLog(path), keys)
    yield executor
    executor.close()


@pytest.fixture
def node(cluster):
    """Add nodes, which are removed at the end."""
    added = []

    def add(**resources):
        added.append(cluster.add_node(object_store_memory=SMALL, **resources))
        return added[-1]

    yield add
    for one in added:
        if one in cluster.list_all_nodes():
            cluster.remove_node(one, allow_graceful=False)


@pytest.fixture
def labelling(tmp_path):
    """How to label with the program above: the work, and what it wrote down."""
    program, log = tmp_path / "program.py", tmp_path / "log"
    program.write_text(PROGRAM)
    log.touch()

    def make(
        seconds: float, hang: float | None = None, timeout: float = 60.0
    ) -> work.LabelSettings:
        command = [sys.executable, "-S", "-E", str(program), str(log), str(seconds)]
        command += [] if hang is None else [str(hang)]
        reference = CommandOptions(command=tuple(command), timeout=timeout)
        return work.LabelSettings(reference, GateOptions(), 1, tmp_path, tmp_path / "failed")

    return make


def run(executor, work, items, slot, shared=None):
    return run_group(executor, WorkGroup(work, list(items), slot, shared))


def label_all(executor, shared, candidates, slot):
    return dict(run(executor, work.label, candidates, slot, shared))


def deaths(executor) -> list[Died]:
    return [noted.fact for noted in read_log(executor.log.path) if isinstance(noted.fact, Died)]


def test_a_worker_is_killed(executor, node, labelling, candidates, tmp_path):
    """As the kernel does where memory is short: the label is made again, the others once."""
    node(num_cpus=2, resources={"killed": 2})
    todo = candidates(8)

    def kill() -> None:
        reference = int((tmp_path / "log").read_text().split()[2])
        # The program's parent is the reference process, whose parent is Ray's worker.
        status = Path(f"/proc/{reference}/status").read_text()
        os.kill(int(status.split("PPid:")[1].split()[0]), signal.SIGKILL)

    killer = when(lambda: lines(tmp_path, "begin"), kill)
    slot = Slot(custom=(("killed", 1.0),))
    results = label_all(executor, labelling(1.0), todo, slot)
    killer.result()
    assert all(isinstance(result, Label) for result in results.values())
    assert len(lines(tmp_path, "begin")) == 9 and len(set(lines(tmp_path, "begin"))) == 8
    found = [(death.kind, "WorkerCrashedError" in death.reason) for death in deaths(executor)]
    assert found == [("label", True)]


def test_a_node_is_removed_while_labelling(
    executor, node, cluster, labelling, candidates, tmp_path
):
    """The only one that can label; the campaign waits for the one that takes its place."""
    resources = {"num_cpus": 2, "resources": {"removed": 2}}
    first, todo = node(**resources), candidates(8)
    slot, results, seen = Slot(custom=(("removed", 1.0),)), {}, {}

    def kept() -> dict[str, int]:
        return {p.name: p.stat().st_mtime_ns for p in LabelStore(tmp_path).labels.glob("[!.]*")}

    for index, result in run(executor, work.label, todo, slot, labelling(0.5)):
        results[index] = result
        if len(results) == 3:
            seen = kept()
            cluster.remove_node(first, allow_graceful=False)
            wait_until(lambda: executor.places(slot) == 0)
            node(**resources)
    assert all(isinstance(result, Label) for result in results.values())
    assert len(kept()) == 8 and seen.items() <= kept().items()
    # Two labels ran there; what had ended was not begun again.
    assert len(lines(tmp_path, "begin")) <= 10


CAMPAIGN = """\
seed: 1
model: {channels: 2, correlation: 1, radial: 4}
training: {members: 2, steps: 100, evaluate_every: 10}
stop: {rounds: 0}
"""


def test_a_node_is_removed_while_training(executor, node, cluster, campaign, tmp_path):
    """Its members are trained on another, and end up with the same weights."""
    first, _ = node(num_cpus=1), node(num_cpus=1)
    members = tmp_path / "run" / "rounds" / "00" / "members"
    histories = [members / f"member-0{index}" / "history.jsonl" for index in (0, 1)]

    def remove() -> None:
        assert not list(members.glob("*/model.json"))
        cluster.remove_node(first, allow_graceful=False)

    remover = when(lambda: all(map(Path.exists, histories)), remove)
    before = len(deaths(executor))
    for name, executes in (("run", executor), ("undisturbed", InlineExecutor())):
        with RunDirectory.writing(tmp_path / name, campaign(CAMPAIGN)) as run:
            run_loop(run, executes, Console(quiet=True).tell)
    remover.result()
    found = deaths(executor)[before:]
    assert any(death.kind == "train" and "node died" in death.reason for death in found)
    check_equal(tmp_path / "run", tmp_path / "undisturbed")


def test_a_large_result_goes_with_its_node(executor, node, cluster, tmp_path):
    """Ray leaves results where they were made until somebody asks for them."""
    slot, resources = Slot(custom=(("lost", 1.0),)), {"num_cpus": 1, "resources": {"lost": 1}}
    first, mark = node(**resources), tmp_path / "done"
    executor.start(Task(executor_work.bulky, {0: mark}, slot))
    wait_until(mark.exists)
    time.sleep(1.0)  # for the result to be put away
    cluster.remove_node(first, allow_graceful=False)
    node(**resources)
    found = []
    while executor.under_way():
        found += executor.wait(1.0)
    assert [len(one.value) for one in found] == [executor_work.BULK]
    assert mark.read_text() == "once\ntwice\n"


@pytest.mark.parametrize("schedule", ["batch", "streaming"])
def test_what_fits_nowhere_is_not_waited_for(executor, node, campaign, tmp_path, schedule):
    node(num_cpus=1)
    text = f"executor: {{label_resources: {{nowhere: 2}}}}\nschedule: {{kind: {schedule}}}\n"
    with (
        RunDirectory.writing(tmp_path / "run", campaign(text)) as run,
        pytest.raises(
            UserError, match=r"needs 2 nowhere, no node of Ray has any; lower executor\."
        ),
    ):
        run_loop(run, executor, Console(quiet=True).tell)


def test_a_reference_hangs(executor, node, labelling, candidates, tmp_path):
    node(num_cpus=2, resources={"hung": 2})
    todo = candidates(5)
    hang = float(todo[1].atoms.positions[1, 1])
    results = label_all(
        executor, labelling(0.1, hang, timeout=3.0), todo, Slot(custom=(("hung", 1.0),))
    )
    assert isinstance(results[1], Failure) and results[1].reason == "timed out after 3 s"
    assert all(isinstance(results[index], Label) for index in (0, 2, 3, 4))


def test_a_node_runs_out_of_memory(executor, node):
    """Ray kills what grows; it is tried again later, and then given up. Others live on."""
    lines = (line.split() for line in Path("/proc/meminfo").read_text().splitlines())
    memory = {name: int(kilobytes) * 1024 for name, kilobytes, *_ in lines}
    total, available = memory["MemTotal:"], memory["MemAvailable:"]
    if available < 10 * GIB:
        pytest.skip("needs 10 GiB of free memory")
    threshold = (total - available + 2 * GIB) / total
    variables = {
        "RAY_memory_usage_threshold": f"{threshold:.3f}",
        "RAY_memory_monitor_refresh_ms": "100",
    }
    node(num_cpus=2, resources={"short": 2}, env_vars=variables)
    results = dict(run(executor, executor_work.eat, range(3), Slot(custom=(("short", 1.0),)), 1))
    assert results[1] == Lost("its worker died (OutOfMemoryError)")
    assert (results[0], results[2]) == (0, 2)


def test_label_workers_see_no_gpu_and_have_their_threads(executor, node):
    node(num_cpus=4, num_gpus=2, resources={"threads": 1})
    seen = dict(run(executor, executor_work.environment, [0], Slot(3, custom=(("threads", 1.0),))))
    assert seen == {0: ("", "3")}
    seen = dict(run(executor, executor_work.environment, [0], Slot(2, 0.5)))
    assert seen[0][0] in ("0", "1") and seen[0][1] == "2"


def test_a_member_larger_than_any_node(executor, node):
    """Together the two nodes would have what it needs, but it cannot be on both."""
    for _ in range(2):
        node(num_cpus=2, num_gpus=1)
    wait_until(lambda: executor.places(Slot(2, 1.0)) == 2)
    with pytest.raises(UserError, match=r"needs 4 CPUs, the largest node has 2 CPUs; lower exec"):
        list(run(executor, executor_work.add, [1], Slot(4, 1.0), 1))
    with pytest.raises(UserError, match=r"needs 2 GPUs, the largest node has 1 GPU; lower exec"):
        list(run(executor, executor_work.add, [1], Slot(2, 2.0), 1))
    node(num_cpus=8)
    wait_until(lambda: executor.places(Slot(4)) == 2)
    with pytest.raises(UserError, match="no node of Ray has 4 CPUs, 1 GPU together"):
        list(run(executor, executor_work.add, [1], Slot(4, 1.0), 1))
