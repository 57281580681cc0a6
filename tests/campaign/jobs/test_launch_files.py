"""What SLURM and Kubernetes are given, as far as it can be checked without them."""

import json
import os
import subprocess
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[3]
SCRIPT = ROOT / "campaigns" / "slurm" / "campaign.sh"
MANIFEST = ROOT / "campaigns" / "kubernetes" / "cluster.yaml"


@pytest.fixture
def slurm(tmp_path):
    """Run the script with commands of SLURM that only say what they were asked."""
    bin_ = tmp_path / "venv" / "bin"
    bin_.mkdir(parents=True)
    commands = {
        "srun": 'printf "%s\\n" "$RAY_AUTH_MODE" "${#RAY_AUTH_TOKEN}" "$@"',
        "scontrol": 'for name in ${3//,/ }; do echo "$name"; done',
        "getent": 'echo "127.0.1.1 STREAM"; echo "10.0.0.7 STREAM $2"',
    }
    for name, text in commands.items():
        (bin_ / name).write_text(f"#!/bin/bash\n{text}\n")
        (bin_ / name).chmod(0o755)
    (bin_ / "activate").write_text(f'PATH="{bin_}:$PATH"\n')

    def run(*arguments, **environment) -> subprocess.CompletedProcess:
        own = {"ACTIVECHARGE_VENV": str(bin_.parent), "SLURM_JOB_ID": "123456"}
        return subprocess.run(
            ["bash", SCRIPT, *arguments],
            env=os.environ | own | environment,
            capture_output=True,
            text=True,
        )

    return run


def test_the_script_is_bash():
    subprocess.run(["bash", "-n", SCRIPT], check=True)


def test_every_node_is_told_the_same(slurm):
    done = slurm("my.yaml", "/shared/run", SLURM_JOB_NODELIST="a,b,c")
    assert done.returncode == 0, done.stderr
    mode, token, *options = done.stdout.splitlines()
    assert (mode, token) == ("token", "64")
    assert options[:4] == ["--cpu-bind=none", "--no-kill", "bash", "-c"]
    # The port is that of the job: two jobs of one user may share a head node's address.
    assert options[-4:] == ["10.0.0.7:23456", "3", "my.yaml", "/shared/run"]
    assert not any("--het-group" in option for option in options)


def test_both_parts_of_a_mixed_job_take_part(slurm):
    done = slurm(
        "my.yaml",
        "/shared/run",
        SLURM_JOB_NODELIST="gpu1",
        SLURM_HET_SIZE="2",
        SLURM_JOB_NODELIST_HET_GROUP_0="gpu1",
        SLURM_JOB_NODELIST_HET_GROUP_1="cpu1,cpu2",
    )
    assert done.returncode == 0, done.stderr
    options = done.stdout.splitlines()
    assert "--het-group=0-1" in options
    assert options[-3] == "3"


def test_a_run_directory_must_be_absolute(slurm):
    done = slurm("my.yaml", "runs/x", SLURM_JOB_NODELIST="a")
    assert done.returncode == 2
    assert "give an absolute path" in done.stderr


def test_the_manifest_keeps_ray_to_itself():
    claim, cluster = yaml.safe_load_all(MANIFEST.read_text())
    spec = cluster["spec"]
    assert spec["authOptions"] == {"mode": "token"}
    assert spec["headGroupSpec"]["rayStartParams"]["dashboard-host"] == "127.0.0.1"
    assert claim["spec"]["accessModes"] == ["ReadWriteMany"]


def test_the_manifest_mounts_the_shared_folder_everywhere():
    claim, cluster = yaml.safe_load_all(MANIFEST.read_text())
    groups = [cluster["spec"]["headGroupSpec"], *cluster["spec"]["workerGroupSpecs"]]
    for group in groups:
        pod = group["template"]["spec"]
        [volume] = pod["volumes"]
        assert volume["persistentVolumeClaim"]["claimName"] == claim["metadata"]["name"]
        [container] = pod["containers"]
        assert container["volumeMounts"] == [{"name": volume["name"], "mountPath": "/shared"}]


def test_labels_are_tied_to_nodes_without_a_gpu():
    _, cluster = yaml.safe_load_all(MANIFEST.read_text())
    members, labels = cluster["spec"]["workerGroupSpecs"]
    for group in (members, labels):  # what the operator's schema demands of a group
        assert group.keys() >= {"groupName", "replicas", "minReplicas", "maxReplicas", "template"}
        assert all(isinstance(value, str) for value in group["rayStartParams"].values())
    quoted = labels["rayStartParams"]["resources"]
    cpus = labels["template"]["spec"]["containers"][0]["resources"]["limits"]["cpu"]
    # The operator puts the text into a shell command as it is.
    assert json.loads(json.loads(quoted)) == {"label_node": int(cpus)}
    assert "resources" not in members["rayStartParams"]
    assert "nvidia.com/gpu" in members["template"]["spec"]["containers"][0]["resources"]["limits"]
