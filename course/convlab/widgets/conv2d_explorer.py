"""A picture of one convolution: every number in it can be changed, in the browser or from Python."""

import html
import itertools
import operator

import torch
import torch.nn.functional as F
import traitlets
from matplotlib.colors import to_hex

from ..figures import DIVERGING, INK
from .base import Explorer, side_by_side, sources

SQUARE = [[0, 0, 0, 0, 0], [0, 1, 1, 1, 0], [0, 1, 1, 1, 0], [0, 1, 1, 1, 0], [0, 0, 0, 0, 0]]
LAPLACIAN = [[-1, -1, -1], [-1, 8, -1], [-1, -1, -1]]
STATE = ["input", "weight", "flip", "stride", "padding", "dilation", "position", "filter"]


class Grid(traitlets.TraitType):
    """A float32 tensor (height, width), each side 1..largest, or with `leading` axes before, each 1..4.

    Reading it gives a copy.
    """

    def __init__(self, largest, *leading):
        super().__init__()
        self.largest = largest
        self.leading = leading
        self.tag(sync=True, to_json=lambda grid, _: _numbers(grid.numpy()), from_json=lambda rows, _: rows)

    def validate(self, obj, value):
        try:
            grid = torch.as_tensor(value).detach()
        except (TypeError, ValueError, RuntimeError) as error:
            raise ValueError(f"{self.name} must be a table of numbers with equal rows: {error}") from None
        if grid.ndim not in (2, 2 + len(self.leading)):
            axes = ", ".join(self.leading)
            raise ValueError(
                f"{self.name} must have shape (height, width) or ({axes}, height, width), not {tuple(grid.shape)}"
            )
        if not all(1 <= side <= self.largest for side in grid.shape[-2:]):
            raise ValueError(f"{self.name} is {_size(grid.shape[-2:])}, but each side must be 1 to {self.largest}")
        for axis, length in zip(self.leading, grid.shape[:-2], strict=False):
            if not 1 <= length <= 4:
                raise ValueError(
                    f"{self.name} is {_size(grid.shape)}: it has {length} {axis}, but 1 to 4 can be drawn"
                )
        if grid.is_complex():
            raise ValueError(f"{self.name} must hold real numbers, not {grid.dtype}")
        grid = grid.to("cpu", torch.float32, copy=True)
        if not grid.isfinite().all():
            raise ValueError(f"{self.name} must hold finite float32 numbers: there is an inf or a nan in it")
        return grid

    def get(self, obj, cls=None):
        return super().get(obj, cls).clone()


class Pair(traitlets.TraitType):
    """Whole numbers (height, width), each smallest..6; one number means both."""

    def __init__(self, smallest):
        super().__init__((smallest, smallest))
        self.smallest = smallest
        self.tag(sync=True)

    def validate(self, obj, value):
        sides = tuple(value) if isinstance(value, tuple | list) else (value, value)
        try:
            height, width = (operator.index(side) for side in sides)
        except (TypeError, ValueError):
            height = None
        if height is None or any(isinstance(side, bool) for side in sides):
            raise ValueError(
                f"{self.name} must be a whole number or a (height, width) pair of them, not {value!r}"
            )
        if not self.smallest <= min(height, width) <= max(height, width) <= 6:
            raise ValueError(f"{self.name} must be {self.smallest} to 6, not {value!r}")
        return height, width


class Conv2dExplorer(Explorer):
    """A kernel slid over an input by hand.

    Args:
        input: (H, W) or (C, H, W) real finite numbers, tensor or nested lists, H and W 1..12, C 1..4; a
            small square if left out.
        weight: (kH, kW) or (O, C, kH, kW) likewise, kH and kW 1..7, O and C 1..4; an edge detector if left out.
        flip: False slides the kernel as it is (cross-correlation, what PyTorch computes);
            True rotates it by 180 degrees first (what mathematicians call convolution).
        stride: the steps of the window, 1..6.
        padding: the rows and columns of zeros around the input, on each side, 0..6.
        dilation: the distance between neighbours of the kernel on the input, 1..6.

    Stride, padding and dilation are an int or a (height, width) pair, and read back as a pair. Their
    controls appear once one of the three is given, even as its default 1, 0, 1.

    Assign any of them, or `position`, the (row, column) of the selected output cell, or `filter`, the
    index of the output channel looked at, to redraw; read them to get what was done in the browser.
    Tensors come back as float32 copies: assign a whole tensor, since `explorer.weight[0, 0] = 1` changes
    only the copy. A combination that torch refuses is kept and explained, and has no output.

    Raises:
        ValueError: a table of another shape, size or kind, a setting or position out of range.
    """

    _esm, _css = sources("conv2d_explorer")
    _title = "Conv2d explorer"
    _use = "change the numbers"

    input = Grid(12, "channels")
    weight = Grid(7, "filters", "channels")
    flip = traitlets.Bool(False).tag(sync=True)
    stride = Pair(1)
    padding = Pair(0)
    dilation = Pair(1)
    position = traitlets.Tuple(traitlets.Int(), traitlets.Int(), default_value=(0, 0)).tag(sync=True)
    filter = traitlets.Int(0).tag(sync=True)
    _settable = traitlets.Bool(False).tag(sync=True)

    def __init__(self, input=None, weight=None, flip=False, stride=None, padding=None, dilation=None):
        if input is not None:
            input = Conv2dExplorer.input.validate(self, input)
        if weight is not None:
            weight = Conv2dExplorer.weight.validate(self, weight)
        if input is None:
            input = torch.tensor(SQUARE).expand(*(() if weight is None else weight.shape[1:-2]), 5, 5)
        if weight is None:
            channels = input.shape[:-2]
            weight = torch.tensor(LAPLACIAN).expand(*(1 for _ in channels), *channels, 3, 3)
        settings = {"stride": stride, "padding": padding, "dilation": dilation}
        given = {name: value for name, value in settings.items() if value is not None}
        super().__init__(input=input, weight=weight, flip=flip, _settable=bool(given), **given)
        self._start = self.get_state(STATE)

    @property
    def output(self):
        """The float32 tensor (H', W'), or (O, H', W') if the input or the weight has channels.

        H' = floor((H + 2 padding - dilation (kH - 1) - 1) / stride) + 1, and W' likewise; ValueError if
        torch refuses.
        """
        if misfit := self._misfit():
            raise ValueError(misfit)
        kernels = self._kernels()
        output = F.conv2d(
            self._channels(),
            kernels.flip(-2, -1) if self.flip else kernels,
            stride=self.stride,
            padding=self.padding,
            dilation=self.dilation,
        )
        return output if self._has_channels() else output[0]

    def _has_channels(self):
        return self.input.ndim == 3 or self.weight.ndim == 4

    def _channels(self):
        return self.input.view(-1, *self.input.shape[-2:])

    def _kernels(self):
        return self.weight if self.weight.ndim == 4 else self.weight[None, None]

    def _sides(self):
        """For the height, then for the width: input, kernel, padding, dilation, stride."""
        settings = (self.padding, self.dilation, self.stride)
        return list(zip(self.input.shape[-2:], self.weight.shape[-2:], *settings, strict=True))

    def _output_size(self):
        return tuple((i + 2 * p - d * (k - 1) - 1) // s + 1 for i, k, p, d, s in self._sides())

    def _misfit(self):
        channels, kernels = len(self._channels()), self._kernels().shape[1]
        if channels != kernels:
            return (
                f"the channels do not match: the input has {channels}, but each filter of the weight is made for "
                f"{kernels}. A filter needs one kernel for every channel of the input."
            )
        reasons = {}
        for name, side, size in zip(("rows", "columns"), self._sides(), self._output_size(), strict=True):
            if size < 1:
                reasons.setdefault(side[:4], []).append(name)
        if not reasons:
            return ""
        kernel, input = _size(self.weight.shape[-2:]), _size(self.input.shape[-2:])
        sentence = f"a {kernel} kernel does not fit into a {input} input: "
        if self.padding == (0, 0) and self.dilation == (1, 1):
            return sentence + (
                "wherever it lies, it sticks out, so there is no output. "
                "Make the kernel smaller or the input larger."
            )
        told = (
            f"with dilation {d} it covers {d}·({k} - 1) + 1 = {d * (k - 1) + 1} {' and '.join(names)}, "
            f"but the input with its padding has only {i} + 2·{p} = {i + 2 * p}"
            for (i, k, p, d), names in reasons.items()
        )
        return f"{sentence}{'; '.join(told)}. Make the kernel or the dilation smaller, or the padding larger."

    @traitlets.validate("position")
    def _check_position(self, proposal):
        position = proposal["value"]
        if misfit := self._misfit():
            raise ValueError(f"position {position} cannot be selected: {misfit}")
        if not all(0 <= p < n for p, n in zip(position, self._output_size(), strict=True)):
            raise ValueError(f"position {position} is outside the {_size(self._output_size())} output")
        return position

    @traitlets.validate("filter")
    def _check_filter(self, proposal):
        if not 0 <= proposal["value"] < len(self._kernels()):
            raise ValueError(f"filter must be 0 to {len(self._kernels()) - 1}, not {proposal['value']}")
        return proposal["value"]

    @traitlets.observe("input", "weight", "stride", "padding", "dilation")
    def _stay_inside(self, _):
        self.filter = min(self.filter, len(self._kernels()) - 1)
        if not self._misfit():
            (i, j), (height, width) = self.position, self._output_size()
            self.position = (min(i, height - 1), min(j, width - 1))

    @traitlets.observe("stride", "padding", "dilation")
    def _show_settings(self, _):
        self._settable = True

    def _settings(self):
        if not self._settable:
            return ""
        pairs = {"stride": self.stride, "padding": self.padding, "dilation": self.dilation}
        return ", ".join(f"{name} {h if h == w else (h, w)}" for name, (h, w) in pairs.items())

    def __repr__(self):
        parts = [f"input {_size(self.input.shape)}", f"kernel {_size(self.weight.shape)}", self._settings()]
        parts.append("no output" if self._misfit() else f"output {_size(self.output.shape)}")
        return "Conv2dExplorer: " + ", ".join(part for part in parts if part)

    def _parts(self):
        """The planes of input, kernel and output by their index, for a page or a terminal without the explorer."""
        kernel = "kernel, rotated by 180 degrees before it slides" if self.flip else "kernel"
        output = {"": self._misfit()} if self._misfit() else _planes(self.output)
        return {"input": _planes(self.input), kernel: _planes(self.weight), "output": output}

    def _plain(self):
        return repr(self) + "".join(
            f"\n{name}{index}:\n{_text(plane)}"
            for name, planes in self._parts().items()
            for index, plane in planes.items()
        )

    def _still(self):
        limit = max(float(grid.abs().max()) for grid in (self.input, self.weight)) or 1.0
        if not self._misfit():
            limit = max(limit, float(self.output.abs().max()))
        columns = (
            f"<div><b>{name}</b>"
            + "".join(f"<div>{index}{_table(plane, limit)}</div>" for index, plane in planes.items())
            for name, planes in self._parts().items()
        )
        return side_by_side(f"{column}</div>" for column in columns)


def _size(shape):
    return "x".join(map(str, shape))


def _numbers(grid):
    """The shortest decimals that give the same float32, so that 0.1 typed in the browser stays 0.1."""
    if grid.ndim:
        return [_numbers(part) for part in grid]
    return float(str(grid))


def _planes(grid):
    """Each (height, width) plane of a grid by its index, written as in Python."""
    leading = grid.shape[:-2]
    indices = itertools.product(*map(range, leading))
    return {str(list(index)) if index else "": grid[index] for index in indices}


def _text(part):
    if isinstance(part, str):
        return part
    return "\n".join("  ".join(f"{x:>6.4g}" for x in row) for row in _numbers(part.numpy()))


def _table(part, limit):
    """The numbers of a plane, blue below 0, white at 0, orange above."""
    if isinstance(part, str):
        return f"<p>{html.escape(part)}</p>"

    def cell(x):
        style = f"padding: 0.2em 0.6em; color: {INK}; background: {to_hex(DIVERGING(x / limit / 2 + 0.5))}"
        return f'<td style="{style}">{x:.4g}</td>'

    rows = ("".join(cell(x) for x in row) for row in _numbers(part.numpy()))
    return "<table>" + "".join(f"<tr>{row}</tr>" for row in rows) + "</table>"
