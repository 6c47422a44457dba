"""How long does it take?"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

from .training import is_marking


def median_seconds(function: Callable, *arguments, repeats: int = 5) -> float:
    """Median wall time of `function(*arguments)`, in seconds, over `repeats` calls after one that warms up.

    Where a program marks the notebook, nobody reads it, and it is the time of one call.
    """
    if is_marking():
        repeats = 1
    else:
        function(*arguments)
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        function(*arguments)
        times.append(time.perf_counter() - start)
    return statistics.median(times)
