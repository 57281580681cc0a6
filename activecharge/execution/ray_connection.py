"""The connection to Ray, with a token always unless the user says otherwise."""

import contextlib
import logging
import os
import secrets
import signal
import socket
import sys
from dataclasses import dataclass
from types import ModuleType

from activecharge.errors import UserError
from activecharge.execution import ray_here
from activecharge.scratch import Scratch

TOKEN_HINT = (
    "name the file of the cluster's token in RAY_AUTH_TOKEN_PATH, or set RAY_AUTH_MODE to disabled "
    "for a cluster without one"
)
"""What to do about a token; the variables are Ray's own."""


def ask_for_token(of_our_own: bool = False) -> None:
    """Have Ray use token authentication, unless RAY_AUTH_MODE says otherwise.

    Parameters
    ----------
    of_our_own : bool
        Make a token that only this process and its children know, unless one is given. Ray's
        own default is a file in the home directory, which others may be able to read.
    """
    if "ray" in sys.modules:  # it has read these, and would not notice that they changed
        return
    os.environ.setdefault("RAY_AUTH_MODE", "token")
    if of_our_own and not {"RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH"} & os.environ.keys():
        os.environ["RAY_AUTH_TOKEN"] = secrets.token_hex(32)


def _look_for(address: str) -> None:
    """Refuse an address where nobody listens; Ray itself would try for minutes."""
    if address == "auto":
        return
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal():
        raise UserError(
            f"cluster.address: {address!r} is no address of a Ray cluster; give host:port, such as "
            "10.0.0.1:6379, or auto"
        )
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=10).close()
    except OSError as error:
        raise UserError(
            f"cluster.address: nobody answers at {address} ({error.strerror or error}); start a "
            "Ray cluster there, or leave the key out to run on this machine"
        ) from error


def _check_closed(ray: ModuleType) -> None:
    """Refuse a cluster that runs anybody's code, unless the user asks for it."""
    if os.environ.get("RAY_AUTH_MODE", "").lower() != "token":
        return
    import grpc

    address = ray.get_runtime_context().gcs_address
    with grpc.insecure_channel(address, [("grpc.enable_http_proxy", 0)]) as channel:
        try:
            channel.unary_unary("/ray.rpc.NodeInfoGcsService/CheckAlive")(b"", timeout=10)
        except grpc.RpcError:  # "unauthenticated", as it should be
            return
    ray.shutdown()
    raise UserError(
        f"cluster.address: the cluster at {address} runs the code of anybody who reaches it; start "
        "it with RAY_AUTH_MODE=token, or set RAY_AUTH_MODE=disabled to use it as it is"
    )


@dataclass(frozen=True)
class Connection:
    """A Ray that this process is connected to.

    Attributes
    ----------
    ray : module
        `ray` itself.
    folder : Scratch or None
        Where a Ray that was started here keeps its files.
    """

    ray: ModuleType
    folder: Scratch | None = None

    def close(self) -> None:
        """Leave Ray; one that was started here ends, and leaves nothing behind."""
        self.ray.shutdown()
        if self.folder is not None:
            self.folder.remove()


def connect(cpus: int | None = None, address: str | None = None) -> Connection:
    """Start Ray on this machine, or connect to a cluster.

    Parameters
    ----------
    cpus : int, optional
        CPUs of a Ray on this machine; all by default.
    address : str, optional
        Of a cluster, host:port or "auto"; Ray is started here by default.

    Raises
    ------
    UserError
        If no cluster at the address lets us in, or Ray does not start here.
    """
    # Ray reads these when it is imported: quiet, nothing reported to anybody.
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    ask_for_token(of_our_own=address is None)
    if address is not None:
        _look_for(address)
        # Without a head, Ray ends this process after a minute, before it has said why it stops.
        os.environ.setdefault("RAY_gcs_rpc_server_reconnect_timeout_s", "600")
    import ray

    terminate = signal.getsignal(signal.SIGTERM)
    folder = None
    if address is None:
        folder = ray_here.start_here(cpus)
    else:
        _join(ray, address)
    # Ray's own handler leaves with code 1 and no word; a caller's choice must stand.
    with contextlib.suppress(ValueError):  # outside the main thread nobody sets handlers
        signal.signal(signal.SIGTERM, terminate)
    return Connection(ray, folder)


def _join(ray: ModuleType, address: str) -> None:
    """Connect to a cluster that asks for our token."""
    try:
        ray.init(address=address, log_to_driver=False, logging_level=logging.ERROR)
    except ray.exceptions.AuthenticationError as error:
        raise UserError(f"cluster.address: there is no token; {TOKEN_HINT}") from error
    except (ConnectionError, ValueError, RuntimeError) as error:
        raise UserError(
            f"cluster.address: no Ray cluster lets us in at {address!r} "
            f"({str(error).splitlines()[0][:120]}); see that one runs there and has our token: "
            f"{TOKEN_HINT}"
        ) from error
    _check_closed(ray)
