"""The dispatcher gives each activity its values, whatever ends first."""

import executor_work
import pytest

from activecharge.execution.dispatcher import Dispatcher, do
from activecharge.execution.inline import InlineExecutor
from activecharge.execution.resources import Slot
from activecharge.execution.tasks import WorkGroup


class Wide(InlineExecutor):
    """Takes all items at once, and ends them in their order or against it."""

    def __init__(self, backwards: bool):
        super().__init__({"CPU": 9.0})
        self.backwards = backwards

    def used(self):
        return {}

    def wait(self, timeout):
        if self.backwards:
            self._waiting.rotate(1)
        return super().wait(timeout)


@pytest.mark.parametrize("backwards", [False, True])
def test_values_come_in_the_order_of_items(backwards):
    found = []

    def activity(shared):
        found.append((yield from do(WorkGroup(executor_work.add, [3, 1, 2], Slot(), shared))))

    dispatcher = Dispatcher(Wide(backwards))
    dispatcher.begin("tens", activity(10))
    dispatcher.begin("hundreds", activity(100))
    assert dispatcher.activities == {"tens", "hundreds"}
    while dispatcher.turn():
        pass
    assert sorted(found) == [[13, 11, 12], [103, 101, 102]]
    assert not dispatcher.activities and not dispatcher.loads()
