"""Ray itself is gone in the middle of a campaign, and comes back."""

import os
import secrets
import subprocess
import sys

import pytest
from fault_cases import check_equal, wait_until
from job_cases import MARK, free_port, kill_marked

pytestmark = pytest.mark.ray

CAMPAIGN = """\
seed: 1
model: {channels: 2, correlation: 1, radial: 4}
training: {members: 2, steps: 200, evaluate_every: 20}
initial: [{kind: clusters, molecules: [1, 2], count: 6}]
stop: {rounds: 0}
"""

RUN = """\
from activecharge import cli
from activecharge.execution import ray_nodes
ray_nodes.PATIENCE = 2.0
cli.main()
"""


@pytest.fixture
def restart(monkeypatch):
    """Start Ray at a port, or anew where all of it was killed."""
    from ray.cluster_utils import Cluster

    mark = secrets.token_hex(8)
    for name, value in ((MARK, mark), ("RAY_USAGE_STATS_ENABLED", "0")):
        monkeypatch.setenv(name, value)
    port, clusters = free_port(), []

    def restart():
        small = {"include_dashboard": False, "object_store_memory": 100 * 1024**2}
        head = small | {"num_cpus": 2, "gcs_server_port": port}
        clusters.append(Cluster(initialize_head=True, head_node_args=head))
        return clusters[-1]

    yield restart
    for cluster in clusters:
        cluster.shutdown()
    kill_marked(mark)  # Ray's agents go on for minutes after a Ray that was killed


def test_ray_is_restarted(restart, tmp_path):
    """The campaign ends with a sentence, and the same command goes on as if nothing had been."""
    file, run = tmp_path / "campaign.yaml", tmp_path / "run"
    file.write_text(CAMPAIGN)
    environment = os.environ | {"OMP_NUM_THREADS": "1"}

    def start(file, directory, *more: str) -> subprocess.Popen:
        command = [sys.executable, "-c", RUN, "run", file, "--run-dir", directory, *more]
        return subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)

    def labels() -> dict[str, int]:
        return {p.name: p.stat().st_mtime_ns for p in run.glob("labels/[!.]*")}

    inline = tmp_path / "inline.yaml"
    inline.write_text(CAMPAIGN + "executor: {kind: inline}\n")
    undisturbed = start(inline, tmp_path / "undisturbed")
    cluster = restart()
    address = cluster.address
    process = start(file, run, "--address", address)
    wait_until(lambda: (run / "rounds" / "00" / "members").exists() or process.poll() is not None)
    # Where Ray's process beside the campaign dies, too, Ray may end the campaign without a word.
    cluster.head_node.kill_gcs_server()
    before = labels()
    _, said = process.communicate()
    for node in (cluster.head_node, *cluster.worker_nodes):
        node.kill_all_processes(check_alive=False, allow_graceful=False)
    assert process.returncode == 2, said
    sentence = said.strip().splitlines()[-1]
    assert sentence.startswith("error: executor: Ray itself failed (")
    assert "run again to resume" in sentence
    assert restart().address == address
    again = start(file, run, "--address", address)
    assert again.communicate()[1] == "" and again.returncode == 0
    assert len(before) == 6 and before == labels()
    assert undisturbed.communicate()[1] == "" and undisturbed.returncode == 0
    check_equal(run, tmp_path / "undisturbed")
