"""What clusters do: workers, nodes and disks fail; on a Ray cluster of several nodes."""

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import executor_work
import pytest

from activecharge.campaign import work
from activecharge.campaign.cluster import connect
from activecharge.campaign.executor import Lost
from activecharge.campaign.executor_options import ClusterOptions, ExecutorOptions
from activecharge.campaign.facts import Facts, read_facts
from activecharge.campaign.ray_executor import RayExecutor
from activecharge.campaign.resources import GIB, Slot
from activecharge.campaign.rundir import RunDirectory
from activecharge.campaign.store import LabelStore
from activecharge.errors import UserError
from activecharge.records import Failure, Label
from activecharge.reference.options import CommandOptions, GateOptions

pytestmark = pytest.mark.xdist_group("ray")

SMALL = 100 * 1024**2
"""Object store of a node [bytes]; Ray takes no less than 75 MiB."""

PROGRAM = """\
import os, sys, time
lines = open("input.extxyz").read().splitlines()
# The candidates differ in where this hydrogen is along y.
name = lines[-2].split()[2]
with open(sys.argv[1], "a") as log:
    log.write(f"begin {name} {os.getppid()}\\n")
hang = float(sys.argv[3]) if len(sys.argv) > 3 else None
time.sleep(1000 if hang is not None and abs(float(name) - hang) < 1e-6 else float(sys.argv[2]))
lines[1] += " REF_energy=-1.0"
open("output.extxyz", "w").write("\\n".join(lines) + "\\n")
with open(sys.argv[1], "a") as log:
    log.write(f"end {name}\\n")
"""
"""A reference that takes its time, hangs on one configuration, and writes down what it does."""


@pytest.fixture(scope="module")
def cluster():
    """A head without CPUs, so that every other node may be removed."""
    from ray.cluster_utils import Cluster

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(Path(__file__).parent), prepend=os.pathsep)
        patch.setenv("RAY_AUTH_MODE", "disabled")
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        patch.setenv("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
        head = {"num_cpus": 0, "include_dashboard": False, "object_store_memory": SMALL}
        cluster = Cluster(initialize_head=True, head_node_args=head)
        yield cluster
        cluster.shutdown()


@pytest.fixture(scope="module")
def executor(cluster, tmp_path_factory):
    path = tmp_path_factory.mktemp("facts") / "facts.jsonl"
    address = ClusterOptions(address=cluster.address)
    executor = RayExecutor(connect(ExecutorOptions(), address), Facts(path))
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

    def make(seconds: float, hang: float | None = None, timeout: float = 60.0) -> work.LabelWork:
        command = [sys.executable, "-S", "-E", str(program), str(log), str(seconds)]
        command += [] if hang is None else [str(hang)]
        reference = CommandOptions(command=tuple(command), timeout=timeout)
        return work.LabelWork(reference, GateOptions(), 1, tmp_path, tmp_path / "failed")

    return make


def lines(tmp_path: Path, word: str) -> list[str]:
    """Configurations that the program began or ended, in order."""
    found = [line.split() for line in (tmp_path / "log").read_text().splitlines()]
    return [rest[0] for first, *rest in found if first == word]


def wait_until(condition) -> None:
    while not condition():
        time.sleep(0.02)


def when(condition, act) -> threading.Thread:
    """Act once a condition holds, beside what this thread does."""
    thread = threading.Thread(target=lambda: (wait_until(condition), act()), daemon=True)
    thread.start()
    return thread


def label_all(executor, shared, candidates, slot):
    return dict(executor.map(work.label, candidates, slot, shared))


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
    killer.join()
    assert all(isinstance(result, Label) for result in results.values())
    assert len(lines(tmp_path, "begin")) == 9 and len(set(lines(tmp_path, "begin"))) == 8
    mishaps = [f for f in read_facts(executor.facts.path) if f["fact"] == "mishap"]
    assert [(f["kind"], "WorkerCrashedError" in f["reason"]) for f in mishaps] == [("label", True)]


def test_a_node_is_removed(executor, node, cluster, labelling, candidates, tmp_path):
    resources = {"num_cpus": 2, "resources": {"removed": 2}}
    first, todo = node(**resources), candidates(10)
    node(**resources)
    store = LabelStore(tmp_path)
    seen = {}

    def remove() -> None:
        seen.update({p.name: p.stat().st_mtime_ns for p in store.labels.glob("[!.]*")})
        cluster.remove_node(first, allow_graceful=False)

    remover = when(lambda: len(list(store.labels.glob("[!.]*"))) >= 3, remove)
    slot = Slot(custom=(("removed", 1.0),))
    results = label_all(executor, labelling(1.0), todo, slot)
    remover.join()
    assert all(isinstance(result, Label) for result in results.values())
    now = {p.name: p.stat().st_mtime_ns for p in store.labels.glob("[!.]*")}
    assert len(now) == 10 and seen.items() <= now.items()
    # Two labels ran there; what had ended was not begun again.
    assert len(lines(tmp_path, "begin")) <= 12


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
    threshold = (total - available + 3 * GIB) / total
    variables = {
        "RAY_memory_usage_threshold": f"{threshold:.3f}",
        "RAY_memory_monitor_refresh_ms": "100",
    }
    node(num_cpus=2, resources={"short": 2}, env_vars=variables)
    results = dict(executor.map(executor_work.eat, range(3), Slot(custom=(("short", 1.0),)), 1))
    assert results[1] == Lost("its worker died (OutOfMemoryError)")
    assert (results[0], results[2]) == (0, 2)


def test_label_workers_see_no_gpu_and_have_their_threads(executor, node):
    node(num_cpus=4, num_gpus=2, resources={"threads": 1})
    seen = dict(executor.map(executor_work.environment, [0], Slot(3, custom=(("threads", 1.0),))))
    assert seen == {0: ("", "3")}
    seen = dict(executor.map(executor_work.environment, [0], Slot(2, 0.5)))
    assert seen[0][0] in ("0", "1") and seen[0][1] == "2"


def test_a_member_larger_than_any_node(executor, node):
    """Together the two nodes would have what it needs, but it cannot be on both."""
    for _ in range(2):
        node(num_cpus=2, num_gpus=1)
    wait_until(lambda: executor.places(Slot(2, 1.0)) == 2)
    with pytest.raises(UserError, match=r"needs 4 CPUs, the largest node has 2 CPUs; lower exec"):
        list(executor.map(executor_work.add, [1], Slot(4, 1.0), 1))
    with pytest.raises(UserError, match=r"needs 2 GPUs, the largest node has 1 GPU; lower exec"):
        list(executor.map(executor_work.add, [1], Slot(2, 2.0), 1))
    node(num_cpus=8)
    wait_until(lambda: executor.places(Slot(4)) == 2)
    with pytest.raises(UserError, match="no node of Ray has 4 CPUs, 1 GPU together"):
        list(executor.map(executor_work.add, [1], Slot(4, 1.0), 1))


# -- one machine -------------------------------------------------------------------------


def test_a_lock_of_a_process_that_is_no_more(tmp_path, campaign):
    campaign = campaign()
    with RunDirectory.writing(tmp_path / "run", campaign):
        pass
    lock = tmp_path / "run" / "run.lock"
    holder = (
        "import fcntl, time\n"
        f"lock = open({str(lock)!r}, 'a+')\n"
        "fcntl.flock(lock, fcntl.LOCK_EX)\n"
        "print('held', flush=True)\n"
        "time.sleep(1000)\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-S", "-c", holder], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "held\n"
    assert RunDirectory.open(tmp_path / "run").in_use()
    process.kill()
    process.communicate()
    assert lock.exists()
    with RunDirectory.writing(tmp_path / "run", campaign) as run:
        assert run.in_use()


FULL = """\
set -e
mount -t tmpfs -o size=56k none {disk}
! {python} -m activecharge run {file} --run-dir {disk}/run > {out} 2>&1
mount -o remount,size=64m {disk}
{python} -m activecharge run {file} --run-dir {disk}/run >> {out} 2>&1
cp -r {disk}/run {kept}
"""


def test_a_full_disk(tmp_path):
    """The campaign ends with a sentence, and goes on once there is room, as if nothing was."""
    text = (
        "seed: 1\nmodel: {channels: 2, correlation: 1, radial: 4}\n"
        "training: {members: 2, steps: 2, evaluate_every: 2}\n"
        "initial: [{kind: clusters, molecules: [1, 2], count: 8}]\n"
        "stop: {rounds: 0}\nexecutor: {kind: inline}\n"
    )
    file, disk, kept = tmp_path / "campaign.yaml", tmp_path / "disk", tmp_path / "kept"
    file.write_text(text)
    disk.mkdir()
    script = FULL.format(
        python=sys.executable, file=file, disk=disk, kept=kept, out=tmp_path / "out"
    )
    if subprocess.run(["unshare", "-rm", "true"], capture_output=True).returncode:
        pytest.skip("no mounts are allowed here")
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    done = subprocess.run(["unshare", "-rm", "sh", "-c", script], env=environment)
    said = (tmp_path / "out").read_text()
    assert done.returncode == 0, said
    assert "No space left on device; see that there is room" in said
    assert not (kept / "quarantine").exists()
    undisturbed = tmp_path / "undisturbed"
    command = [sys.executable, "-m", "activecharge", "run", str(file), "--run-dir"]
    subprocess.run([*command, str(undisturbed)], env=environment, check=True, capture_output=True)
    assert shutil.which("diff")
    for folder in ("dataset", "labels", "committee"):
        subprocess.run(["diff", "-r", kept / folder, undisturbed / folder], check=True)
    events = [json.loads(line) for line in (kept / "journal.jsonl").read_text().splitlines()]
    assert events[-1]["event"] == "stopped"
