"""The nodes of a Ray cluster: what they have, whether the head is there, what fits on none."""

import contextlib
import socket
import time
from collections.abc import Iterator, Mapping, Sequence
from types import ModuleType

from activecharge.errors import UserError
from activecharge.execution.resources import GIB, Resources, Slot

LOOK = 1.0
"""Time between two looks at the nodes of the cluster [s]."""

PATIENCE = 20.0
"""Time that the head may be silent [s], as it is where it restarts."""


class Nodes:
    """Looks at a cluster's nodes, now and then.

    Parameters
    ----------
    ray : module
        `ray`, connected.
    """

    def __init__(self, ray: ModuleType):
        self._ray = ray
        context = ray.get_runtime_context()
        self._here = context.get_node_id()
        host, _, port = context.gcs_address.rpartition(":")
        self._head = host.strip("[]"), int(port)
        self._heard = self._looked = time.monotonic() - LOOK
        self._found: list[Resources] = []
        self._store = ""

    def look(self) -> Sequence[Resources]:
        """What each node has; the same object while nothing changes.

        Raises
        ------
        UserError
            If the head, or the node that this process talks to, is no more.
        """
        if time.monotonic() - self._looked > LOOK:
            self.check_here()
            # Asked while there is no head, Ray would wait for it.
            if self._head_is_there():
                with ray_is_up():
                    alive = [node for node in self._ray.nodes() if node["Alive"]]
                here = [node for node in alive if node["NodeID"] == self._here]
                if not here:
                    raise _node_is_gone()
                self._store = here[0]["ObjectStoreSocketName"]
                found = [node["Resources"] for node in alive]
                if found != self._found:
                    self._found = found
            self._looked = time.monotonic()
        return self._found

    def check_here(self) -> None:
        """See that the object store of this machine is there.

        Before anything is put there or taken from there: Ray ends this process, with no word,
        where it finds it gone.

        Raises
        ------
        UserError
            If it is not.
        """
        if not self._store:
            return
        with socket.socket(socket.AF_UNIX) as probe:
            try:
                probe.connect(self._store)
            except OSError as error:
                raise _node_is_gone() from error

    def _head_is_there(self) -> bool:
        try:
            socket.create_connection(self._head, timeout=2.0).close()
        except OSError as error:
            if time.monotonic() - self._heard > PATIENCE:
                raise ray_is_gone("its head does not answer") from error
            return False
        self._heard = time.monotonic()
        return True


def _node_is_gone() -> UserError:
    return ray_is_gone("its node on this machine has died")


@contextlib.contextmanager
def ray_is_up() -> Iterator[None]:
    """Ray ends the whole process, without an error, where it finds itself stopped."""
    try:
        yield
    except SystemExit as error:
        raise ray_is_gone("it was stopped") from error


def ray_is_gone(what: str) -> UserError:
    """The sentence for a Ray that the campaign cannot go on with."""
    return UserError(
        f"executor: Ray itself failed ({what}); run again to resume, with executor.kind: inline "
        "if it fails again"
    )


def fits_nowhere(slot: Slot, nodes: Sequence[Resources], keys: Mapping[str, str]) -> UserError:
    """The sentence for work that no node could take; `keys` are the settings that ask for it."""
    for name, needed in slot.needs.items():
        most = max((node.get(name, 0.0) for node in nodes), default=0.0)
        if needed > most:
            have = (
                f"the largest node has {_amount(name, most)}" if most else "no node of Ray has any"
            )
            lower = f"lower {keys[name]} or " if name in keys else ""
            return UserError(
                f"executor: one item of work needs {_amount(name, needed)}, {have}; {lower}add a "
                "larger node"
            )
    asked = ", ".join(f"{_amount(name, x)}" for name, x in slot.needs.items())
    return UserError(
        f"executor: no node of Ray has {asked} together, which one item of work needs; lower "
        "the keys of `executor` or add such a node"
    )


def _amount(name: str, amount: float) -> str:
    if name == "memory":
        return f"{amount / GIB:.3g} GiB of memory"
    return f"{amount:g} {name}{'s' if name in ('CPU', 'GPU') and amount != 1 else ''}"
