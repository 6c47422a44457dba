"""Networks as plain data: the lines that a student would write, and what became of a network."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F

FILE = f"{__file__}: the network of a case"
"""Where a traceback places the lines of a case's network: not in the student's code."""


def network(init, forward=()) -> nn.Module:
    """The network whose `__init__` and `forward` have these lines, as a student would write them."""
    source = [
        "class Net(nn.Module):",
        "    def __init__(self):",
        "        super().__init__()",
        *(f"        {line}" for line in init),
        "    def forward(self, x):",
        *(f"        {line}" for line in forward),
        "        return x",
    ]
    names = {"nn": nn, "torch": torch, "F": F, "__name__": __name__}
    exec(compile("\n".join(source), FILE, "exec"), names)
    return names["Net"]()


def state(net) -> dict[str, torch.Tensor]:
    """Copies of the parameters and buffers of `net`, by name."""
    return {name: one.clone() for name, one in net.state_dict().items()}


def changed(net, before) -> list[str]:
    """The parameters and buffers of `net` that are no longer as `before` says."""
    after = net.state_dict()
    return [name for name in before if name not in after or not torch.equal(before[name], after[name])]
