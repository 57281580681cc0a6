"""Campaigns as jobs of a real Ray cluster of two nodes that asks for a token."""

import json
import subprocess
import sys
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from job_cases import Head, clean_environment, cluster, free_port

from activecharge.campaign.disk.run_directory import RunDirectory
from activecharge.campaign.jobs.job import Job, job_text
from activecharge.campaign.jobs.submit import _check_may_travel
from activecharge.campaign.precheck import precheck
from activecharge.campaign.settings.reading import load_campaign
from activecharge.errors import UserError

pytestmark = pytest.mark.ray

CAMPAIGN = """\
name: job
model: {channels: 2, correlation: 1, radial: 4}
training: {members: 2, steps: 4, evaluate_every: 4}
initial: [{kind: clusters, molecules: [1, 2], count: 6}]
stop: {rounds: 0}
executor: {label_resources: {label_node: 1}}
"""

WHOLE_LIFE = """\
import json, sys, time
from pathlib import Path
from activecharge.campaign.settings.reading import load_campaign
from activecharge.campaign.jobs.submit import JobServer

address, file, run = sys.argv[1], sys.argv[2], Path(sys.argv[3])
server, campaign = JobServer(address), load_campaign(file)
first = server.submit(campaign, run)
while not (run / "journal.jsonl").exists():
    time.sleep(0.1)
stopped = server.stop(first.id)
second, said = server.submit(campaign, run), []
done = server.follow(second.id, said.append)
print(json.dumps({
    "stopped": [stopped.state, stopped.code],
    "done": [done.state, done.code, done.run_dir],
    "ids": [first.id, second.id],
    "listed": [job.id for job in server.jobs()],
    "said": "".join(said),
}))
"""

ASK = "from activecharge.cli.exits import exits\nwith exits():\n    "
LIST_JOBS = ASK + (
    "from activecharge.campaign.jobs.submit import JobServer; import sys; "
    "JobServer(sys.argv[1]).jobs()"
)
OPEN_CLUSTER = """\
import os, subprocess, sys
from ray.cluster_utils import Cluster
cluster = Cluster(
    initialize_head=True,
    head_node_args={"num_cpus": 0, "include_dashboard": False, "object_store_memory": 100000000},
)
environment = os.environ | {"RAY_AUTH_TOKEN": "ours"}
del environment["RAY_AUTH_MODE"]
code = subprocess.call([sys.executable, "-c", sys.argv[1], cluster.address], env=environment)
cluster.shutdown()
sys.exit(code)
"""
EMBEDDED = """\
import os
from activecharge.execution.ray_connection import connect

connection = connect(cpus=1)
ray = connection.ray
ours = [os.environ[name] for name in ("RAY_AUTH_MODE", "RAY_AUTH_TOKEN")]
worker = ray.remote(lambda: [os.environ[name] for name in ("RAY_AUTH_MODE", "RAY_AUTH_TOKEN")])
print(ours == ray.get(worker.remote()), ours[0], len(ours[1]))
connection.close()
"""
CONNECT = ASK + (
    "from activecharge.execution.ray_connection import connect; import sys; "
    "connect(address=sys.argv[1])"
)


@pytest.fixture(scope="module")
def head(tmp_path_factory):
    with cluster(tmp_path_factory.mktemp("head")) as found:
        yield found


def python(code: str, *arguments, **environment) -> subprocess.CompletedProcess:
    """Run code in a process of its own: Ray looks at its environment once."""
    return subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)],
        env=environment,
        capture_output=True,
        text=True,
    )


def test_submitted_stopped_submitted_again_and_followed_to_its_end(head: Head, tmp_path):
    """Labels on the node that has the resource, members anywhere; nothing is labelled twice."""
    (tmp_path / "job.yaml").write_text(CAMPAIGN)
    run = tmp_path / "run"
    done = python(WHOLE_LIFE, head.job_server, tmp_path / "job.yaml", run, **head.environment)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["stopped"] == ["stopped", 130]
    assert found["done"] == ["succeeded", 0, str(run)], found["said"]
    assert found["listed"] == found["ids"]
    assert all(name.startswith("job-2") for name in found["ids"])
    assert f"resumed in {run}" in found["said"] or f"new in {run}" in found["said"]
    assert found["said"].count("Stopped: round 0 was the last.") == 1
    opened = RunDirectory.open(run)
    assert opened.campaign.cluster.address == "auto"
    labelled = [e["hash"] for e in opened.journal.events() if e["event"] == "labelled"]
    assert len(labelled) == len(set(labelled))
    assert len(list((run / "labels").glob("*.extxyz"))) == 6


@pytest.mark.parametrize("given", [{}, {"RAY_AUTH_TOKEN": "nonsense"}], ids=["none", "wrong"])
def test_without_its_token_the_job_server_is_closed(head: Head, tmp_path, given):
    done = python(LIST_JOBS, head.job_server, **clean_environment(tmp_path, **given))
    assert done.returncode == 2
    assert done.stderr.startswith(f"error: {head.job_server}: the token is missing or is not the")
    assert done.stderr.count("\n") == 1


def test_without_a_token_a_cluster_is_not_addressed(head: Head, tmp_path):
    done = python(CONNECT, head.address, **clean_environment(tmp_path))
    assert done.returncode == 2
    assert done.stderr.startswith("error: cluster.address: there is no token; name the file")


@pytest.mark.parametrize(
    "address, sentence",
    [
        ("127.0.0.1:{port}", "cluster.address: nobody answers at 127.0.0.1:"),
        ("ray://somewhere", "cluster.address: 'ray://somewhere' is no address of a Ray cluster"),
    ],
)
def test_an_address_where_there_is_no_cluster(tmp_path, address, sentence):
    done = python(CONNECT, address.format(port=free_port()), **clean_environment(tmp_path))
    assert done.returncode == 2
    assert done.stderr.startswith(f"error: {sentence}")


def test_a_cluster_open_to_anybody_is_refused(tmp_path):
    environment = clean_environment(tmp_path, RAY_AUTH_MODE="disabled")
    done = python(OPEN_CLUSTER, CONNECT, **environment)
    assert done.returncode == 2, done.stderr
    assert "runs the code of anybody who reaches it; start it with RAY_AUTH" in done.stderr


def test_a_ray_of_our_own_has_a_token_of_its_own(tmp_path):
    """Known to its processes alone; Ray's own default is a file in the home directory."""
    done = python(EMBEDDED, **clean_environment(tmp_path))
    assert done.stdout.split() == ["True", "token", "64"], done.stderr
    assert not (tmp_path / ".ray").exists()


@contextmanager
def open_server():
    """Answers everybody, as a job server does whose cluster has no token."""

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_):
            pass

    with HTTPServer(("127.0.0.1", 0), Answer) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_a_job_server_open_to_anybody_is_refused(tmp_path):
    with open_server() as address:
        done = python(LIST_JOBS, address, **clean_environment(tmp_path))
    assert done.returncode == 2
    assert "runs the jobs of anybody who reaches it; start its cluster with" in done.stderr


def test_no_job_server(tmp_path):
    address = f"http://127.0.0.1:{free_port()}"
    done = python(LIST_JOBS, address, **clean_environment(tmp_path))
    assert done.returncode == 2
    assert done.stderr.startswith(f"error: {address}: no job server of Ray answers there")


@pytest.fixture
def campaign(tmp_path):
    (tmp_path / "job.yaml").write_text(CAMPAIGN)
    return load_campaign(tmp_path / "job.yaml")


def test_a_run_directory_in_a_copy_is_refused(campaign):
    _check_may_travel(campaign, Path("/shared/run"))
    with pytest.raises(
        UserError, match=r"--run-dir: runs/x counts from .* a copy .* absolute path"
    ):
        _check_may_travel(campaign, Path("runs/x"))
    copy = Path("/tmp/ray/session/runtime_resources/working_dir_files/_ray_pkg_0/runs/x")
    with pytest.raises(UserError, match="job's copy of its working directory"):
        precheck(campaign, copy)


def test_an_inline_campaign_is_not_submitted(campaign):
    executor = campaign.executor.model_copy(update={"kind": "inline"})
    with pytest.raises(UserError, match=r"executor\.kind is inline"):
        _check_may_travel(campaign.model_copy(update={"executor": executor}), Path("/shared/run"))


def test_jobs_for_people():
    jobs = [
        Job("a-1", "running", "a", "/shared/a", "2026-01-01T00:00:00+00:00", None),
        Job("long-name-2", "failed", "b", "/shared/b", "", 3),
    ]
    lines = job_text(jobs).splitlines()
    assert lines[0].split() == ["JOB", "STATE", "BEGUN", "RUN", "DIRECTORY"]
    assert lines[2].split() == ["long-name-2", "failed", "/shared/b"]
    assert [job.code for job in jobs] == [0, 3]
    assert job_text([]) == "no campaigns"
