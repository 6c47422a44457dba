"""Layers stacked on a row of cells, and the field of the image that one output cell sees."""

import torch
import traitlets
from torch import nn

from ..figures import ORANGE
from .base import Explorer, drawing, sources

KINDS = ("conv", "pool")
RANGES = {"kernel_size": (1, 9), "stride": (1, 4), "padding": (0, 4), "dilation": (1, 4)}
MOST_LAYERS = 8


class ReceptiveFieldStacker(Explorer):
    """Stack convolutions and poolings on one row of an image, and see the receptive field of an output cell grow.

    Everything is along one axis: the other one follows the same rules.

    Args:
        layers: a list of up to 8 layers, from the image on, each [kind, kernel_size, stride, padding, dilation]:
            kind "conv" or "pool", kernel_size 1..9, stride 1..4, padding 0..4, dilation 1..4 (1 for "pool").
        n: cells of the image, 8..64.
        cell: the output cell that is shown, from 0; the middle one if left out. One beyond the last stands for
            the last.

    Assign any of them to redraw; read them to get what was done in the browser. `table`, `size`, `jump` and
    `start` are computed from the layers; `gradient` and `measured` come from a network and its gradients.

    Raises:
        traitlets.TraitError: a layer or a number outside its range.
    """

    _esm, _css = sources("receptive_field_stacker")
    _title = "Receptive-field stacker"
    _without_python = "All of it works in this page but the measurement from gradients, which needs Python."
    _use = "stack layers"

    layers = traitlets.List().tag(sync=True)
    n = traitlets.Int(32, min=8, max=64).tag(sync=True)
    cell = traitlets.Int(0, min=0).tag(sync=True)
    _measured = traitlets.Dict().tag(sync=True)

    def __init__(self, layers=(("conv", 3, 1, 1, 1), ("pool", 2, 2, 0, 1)), n=32, cell=None):
        super().__init__(layers=list(layers), n=n)
        self.cell = self.table[-1]["cells"] // 2 if cell is None else cell
        self._start = self.get_state(["layers", "n", "cell"])
        self.observe(self._measure, ["layers", "n", "cell"])
        self._measure()

    @traitlets.validate("layers")
    def _layers_are_valid(self, proposal):
        layers = [list(layer) for layer in proposal["value"]]
        if len(layers) > MOST_LAYERS:
            raise traitlets.TraitError(f"there is room for {MOST_LAYERS} layers, not for {len(layers)}")
        for layer in layers:
            if len(layer) != 1 + len(RANGES) or layer[0] not in KINDS:
                raise traitlets.TraitError(f"a layer is [kind, {', '.join(RANGES)}], kind in {KINDS}, not {layer}")
            kind, *numbers = layer
            for value, (name, (low, high)) in zip(numbers, RANGES.items(), strict=True):
                if type(value) is not int or not low <= value <= high:
                    raise traitlets.TraitError(f"{name} is a whole number from {low} to {high}, not {value!r}")
            if kind == "pool" and numbers[3] != 1:
                raise traitlets.TraitError(f"the dilation of a pooling is 1 here, not {numbers[3]}")
        return layers

    @property
    def table(self):
        """For the image and after each layer: size, jump and start of a cell's field, and the number of cells.

        `cells` is 0 from the first layer on whose window finds no place.
        """
        size, jump, start, cells = 1, 1, 0, self.n
        lines = [{"size": size, "jump": jump, "start": start, "cells": cells}]
        for _, k, s, p, d in self.layers:
            reach = d * (k - 1)
            fits = cells and cells + 2 * p > reach
            cells = (cells + 2 * p - reach - 1) // s + 1 if fits else 0
            size, start, jump = size + reach * jump, start - p * jump, jump * s
            lines.append({"size": size, "jump": jump, "start": start, "cells": cells})
        return lines

    @property
    def size(self):
        """How many cells of an endless image one output cell sees, from the first to the last."""
        return self.table[-1]["size"]

    @property
    def jump(self):
        """How far, in cells of the image, the fields of two neighbouring output cells are apart."""
        return self.table[-1]["jump"]

    @property
    def start(self):
        """The cell of the image where the field of output cell 0 begins; negative in the padding."""
        return self.table[-1]["start"]

    @property
    def net(self):
        """The layers as a network for tensors of shape (N, 1, n): both kinds as averages over their window."""
        layers = [nn.Conv1d(1, 1, k, stride=s, padding=p, dilation=d, bias=False) for _, k, s, p, d in self.layers]
        for layer in layers:
            nn.init.constant_(layer.weight, 1 / layer.kernel_size[0])
        return nn.Sequential(*layers).double()

    @property
    def gradient(self):
        """The gradient of the shown output cell in each cell of the image, a float64 tensor of shape (n,)."""
        x = torch.zeros(1, 1, self.n, dtype=torch.float64, requires_grad=True)
        if not self.table[-1]["cells"]:
            return torch.zeros(self.n, dtype=torch.float64)
        y = self.net(x)[0, 0]
        y[min(self.cell, len(y) - 1)].backward()
        return x.grad[0, 0]

    @property
    def measured(self):
        """How many cells of this image, from the first to the last, have a gradient that is not zero."""
        seen = self.gradient.nonzero().flatten().tolist()
        return seen[-1] - seen[0] + 1 if seen else 0

    def _measure(self, change=None):
        self._measured = {
            "of": [self.layers, self.n, self.cell],
            "gradient": self.gradient.tolist(),
            "size": self.measured,
        }

    def __repr__(self):
        layers = "".join(f"{kind} {k}/{s} " for kind, k, s, _, _ in self.layers) or "no layer "
        return (
            f"ReceptiveFieldStacker: {layers}on {self.n} cells: size {self.size}, jump {self.jump}, "
            f"start {self.start}; measured {self.measured}"
        )

    def _still(self):
        names = ("layer", "kernel", "stride", "padding", "dilation", "cells", "size", "jump", "start")
        layers = [["image", "", "", "", ""], *self.layers]
        rows = [[*layer, *_results(line)] for layer, line in zip(layers, self.table, strict=True)]
        body = "".join(_row("td", row) for row in rows)
        table = f"<table><caption>Receptive field, layer by layer</caption>{_row('th', names)}{body}</table>"
        return f"<div>{self._picture()}</div>{table}"

    def _picture(self):
        """The image at the bottom, a row of cells for each layer above it, the cells that are seen filled."""
        lines = self.table
        cell = min(self.cell, max(lines[-1]["cells"] - 1, 0))
        wanted = [{cell}]
        for (_, k, s, p, d), line in zip(reversed(self.layers), reversed(lines), strict=False):
            inside = [o for o in wanted[-1] if 0 <= o < line["cells"]]
            wanted.append({o * s - p + a * d for o in inside for a in range(k)})
        unit, wanted = 640 / self.n, wanted[::-1]
        shapes = ""
        for level, line in enumerate(lines):
            y = 26 * (len(lines) - 1 - level) + 4
            side = min(0.86 * unit * line["jump"], 22)
            for o in range(line["cells"]):
                x = (line["start"] + o * line["jump"] + line["size"] / 2) * unit
                fill = ORANGE if o in wanted[level] else "white"
                shapes += f'<rect x="{x - side / 2:.1f}" y="{y}" width="{side:.1f}" height="18" fill="{fill}"/>'
        shapes = f'<g stroke="#666">{shapes}</g>'
        alt = f"Output cell {cell} on top, the {len(wanted[0])} cells of the image that it sees at the bottom."
        return drawing(shapes, 640, 26 * len(lines) + 4, alt)


def _results(line):
    """The numbers of a line of `table`, in the order of the columns."""
    return [line[name] for name in ("cells", "size", "jump", "start")]


def _row(tag, cells):
    return "<tr>" + "".join(f"<{tag}>{cell}</{tag}>" for cell in cells) + "</tr>"
