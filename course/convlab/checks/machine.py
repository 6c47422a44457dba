"""A machine of make-believe, on which the timing of asynchronous work can be tested without waiting."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from unittest import mock


class Machine:
    """A clock on which seconds pass while the machine's own functions work, and at no other time.

    accelerator: whether there is one, for `synchronize`.
    busy: for how many seconds the accelerator will go on with work from before.
    """

    def __init__(self, accelerator: bool, busy: float = 0.0):
        self.accelerator = accelerator
        self.now = 1000.0
        self.ready = self.now + busy
        self.calls = 0

    def function(self, seconds: Iterable[float], returns_after: float | None = None) -> Callable:
        """A function whose calls take `seconds`, one after the other.

        With `returns_after` it comes back after so many seconds, while the accelerator goes on working.
        """
        seconds = iter(seconds)

        def work(x=None):
            self.calls += 1
            if returns_after is None:
                self.now += next(seconds)
            else:
                self.ready = max(self.ready, self.now) + next(seconds)
                self.now += returns_after
            return x

        return work

    def synchronize(self, *device) -> None:
        if not self.accelerator:
            raise RuntimeError("Cannot access accelerator device when none is available.")
        self.now = max(self.now, self.ready)

    def clock(self):
        """Context in which the module `time` reads this clock; time.time() ticks once a second."""
        return mock.patch.multiple(
            time,
            perf_counter=lambda: self.now,
            perf_counter_ns=lambda: round(self.now * 1e9),
            time=lambda: float(int(self.now)),
        )
