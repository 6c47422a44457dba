"""Random inputs for the cases of an exercise."""

from __future__ import annotations

import numpy as np
import torch

LAYOUTS = ("contiguous", "transposed", "sliced")


class Draw:
    """Draws inputs from a seed: the same seed, the same inputs, on every machine."""

    def __init__(self, seed: int):
        self._rng = np.random.default_rng(seed)

    def integer(self, low: int, high: int) -> int:
        """A whole number from `low` to `high`, both included."""
        return int(self._rng.integers(low, high, endpoint=True))

    def choice(self, options):
        """One of `options`."""
        return options[self.integer(0, len(options) - 1)]

    def unequal(self, low: int, high: int) -> tuple[int, int]:
        """Two different whole numbers from `low` to `high`: a shape that is not square."""
        first = self.integer(low, high)
        second = self.integer(low, high - 1)
        return first, second + (second >= first)

    def tensor(self, *shape: int, dtype: torch.dtype = torch.float32, layout: str = "contiguous") -> torch.Tensor:
        """A tensor of `shape` with values that are easy to read: never zero, whole or (floats) halves.

        `layout` is how it lies in memory: "contiguous", "transposed" (the last two axes) or "sliced"
        (every second row and column of a larger tensor).
        """
        stored = list(shape)
        if layout == "transposed":
            stored[-2:] = stored[:-3:-1]
        elif layout == "sliced":
            stored[-2:] = [2 * side for side in stored[-2:]]
        values = self._rng.integers(1, 9, stored, endpoint=True) * self._rng.choice([-1, 1], stored)
        tensor = torch.from_numpy(values / 2 if dtype.is_floating_point else values).to(dtype)
        if layout == "transposed":
            return tensor.mT
        return tensor[..., ::2, 1::2] if layout == "sliced" else tensor
