"""A real Ray cluster with a job server and a token, and what talks to it."""

import contextlib
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

BIN = Path(sys.executable).parent
MARK = "ACTIVECHARGE_TEST"


@dataclass(frozen=True)
class Head:
    """Where the cluster is, and how to get in."""

    address: str
    job_server: str
    environment: dict[str, str]


def clean_environment(home: Path, **more: str) -> dict[str, str]:
    """This process's environment without what Ray or its user set in it."""
    kept = {name: text for name, text in os.environ.items() if not name.startswith("RAY_")}
    own = {"HOME": str(home), "OMP_NUM_THREADS": "1", "RAY_USAGE_STATS_ENABLED": "0"}
    return kept | own | {"PATH": f"{BIN}{os.pathsep}{kept['PATH']}"} | more


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextlib.contextmanager
def cluster(home: Path) -> Iterator[Head]:
    """A head without CPUs' worth of labels, and a node that labels are tied to."""
    token = home / "token"
    token.write_text(secrets.token_hex(32))
    mark, port, http = secrets.token_hex(8), free_port(), free_port()
    environment = clean_environment(
        home, RAY_AUTH_MODE="token", RAY_AUTH_TOKEN_PATH=str(token), **{MARK: mark}
    )
    store = "--object-store-memory=100000000"
    here = f"--node-ip-address={_own_address()}"
    head = ["--head", f"--port={port}", f"--dashboard-port={http}", "--num-cpus=1"]
    node = [f"--address={_own_address()}:{port}", "--num-cpus=1", '--resources={"label_node": 1}']
    # Sockets have short paths, and pytest's folders have long ones.
    sessions = f"/tmp/activecharge-{mark[:8]}"
    head.append(f"--temp-dir={sessions}")
    found = Head(f"{_own_address()}:{port}", f"http://127.0.0.1:{http}", environment)
    try:
        with (home / "ray.log").open("w") as log:
            for options, ready in (
                (head, lambda: _answers(found.job_server)),
                (node, lambda: True),
            ):
                subprocess.Popen(
                    [BIN / "ray", "start", "--block", store, here, _agent(), *options],
                    env=environment,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
                while not ready():
                    time.sleep(0.2)
        yield found
    finally:
        kill_marked(mark)
        subprocess.run(["rm", "-rf", sessions], check=True)


def _agent() -> str:
    """Jobs are started by nodes' agents, whose port is the same for all unless one says so."""
    return f"--dashboard-agent-listen-port={free_port()}"


def _own_address() -> str:
    """The address that Ray takes for this machine."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # sends nothing
        except OSError:
            return "127.0.0.1"
        return probe.getsockname()[0]


def _answers(job_server: str) -> bool:
    try:
        urllib.request.urlopen(f"{job_server}/api/version", timeout=5)
    except urllib.error.HTTPError as error:
        return error.code == 401
    except OSError:
        return False
    raise AssertionError("a cluster with a token lets anybody in")


def kill_marked(mark: str) -> None:
    """End all that inherited the mark; `ray stop` would end other people's Ray, too."""
    for _ in range(3):  # those that die may have been starting others
        for process in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                if f"{MARK}={mark}".encode() in (process / "environ").read_bytes():
                    os.kill(int(process.name), signal.SIGKILL)
        time.sleep(0.2)
