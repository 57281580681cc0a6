"""Work that executors do in tests; workers import it from here."""

import os
import time

import torch

from activecharge.campaign.loop.work import device_of
from activecharge.errors import UserError
from activecharge.execution.resources import Slot


def add(shared, item):
    return shared + item


def die(shared, item):
    """End the process without a word, as the system's killer does."""
    if item == shared:
        os._exit(1)
    return item


def complain(shared, item):
    if item == shared:
        raise UserError(f"frame {item}: charged")
    return item


def fault(shared, item):
    raise ZeroDivisionError("division by zero")


def wait(shared, item):
    time.sleep(shared)
    return item


def threads(shared: Slot, item):
    """Threads of torch as training and prediction have them."""
    return device_of(shared), torch.get_num_threads()


def eat(shared, item):
    """Take more memory than there is, if it is the item to do so."""
    if item == shared:
        taken = []
        while len(taken) < 32:
            taken.append(bytearray(os.urandom(1024)) * (256 * 1024))  # 256 MiB, written to
            time.sleep(0.05)
    return item


def environment(shared, item):
    """What a worker knows of GPUs and threads."""
    return os.environ.get("CUDA_VISIBLE_DEVICES"), os.environ.get("OMP_NUM_THREADS")


BULK = 10**6


def bulky(shared, mark):
    """A result that Ray keeps in its object store; each time is written down."""
    with mark.open("a") as file:
        file.write("twice\n" if file.tell() else "once\n")
    return bytes(BULK)
