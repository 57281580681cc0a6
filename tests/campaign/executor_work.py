"""Pieces of work that executors run in tests; workers import them from here."""

import os
import time

import torch

from activecharge.campaign.executor import Slot
from activecharge.campaign.work import _device
from activecharge.errors import UserError


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
    """Threads of torch as pieces of training and prediction have them."""
    return _device(shared), torch.get_num_threads()
