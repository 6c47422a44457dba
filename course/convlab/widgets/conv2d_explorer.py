"""A picture of one convolution: every number in it can be changed, in the browser or from Python."""

import html
import itertools
import json
import operator

import torch
import torch.nn.functional as F
import traitlets
from matplotlib.colors import to_hex
from torch import nn

from ..figures import DIVERGING, INK
from .base import PADDING_MODES, Explorer, side_by_side, sources

SQUARE = [[0, 0, 0, 0, 0], [0, 1, 1, 1, 0], [0, 1, 1, 1, 0], [0, 1, 1, 1, 0], [0, 0, 0, 0, 0]]
LAPLACIAN = [[-1, -1, -1], [-1, 8, -1], [-1, -1, -1]]
LAYER = ["input", "weight", "bias", "flip", "stride", "padding", "dilation", "padding_mode", "groups"]
STATE = [*LAYER, "filter", "position"]
STATE_START = "conv2d?"
DEFAULTS = {
    "bias": None,
    "flip": False,
    "stride": (1, 1),
    "padding": (0, 0),
    "dilation": (1, 1),
    "padding_mode": "zeros",
    "groups": 1,
    "filter": 0,
    "position": (0, 0),
}


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


class Bias(traitlets.TraitType):
    """None, or a float32 tensor (O,) of 1 to 4 numbers; reading it gives a copy."""

    def __init__(self):
        super().__init__(None, allow_none=True)
        self.tag(sync=True, to_json=lambda bias, _: None if bias is None else _numbers(bias.numpy()))

    def validate(self, obj, value):
        try:
            bias = torch.as_tensor(value).detach().to("cpu", torch.float32, copy=True)
        except (TypeError, ValueError, RuntimeError) as error:
            raise ValueError(f"bias must be None or a list of numbers: {error}") from None
        if bias.ndim != 1 or not 1 <= len(bias) <= 4 or not bias.isfinite().all():
            raise ValueError(f"bias must be None or 1 to 4 finite numbers, one for each filter, not {value}")
        return bias

    def get(self, obj, cls=None):
        bias = super().get(obj, cls)
        return None if bias is None else bias.clone()


class Prediction(traitlets.TraitType):
    """None, "size", or the place of an output cell, (row, column) or (filter, row, column)."""

    def __init__(self):
        super().__init__(None, allow_none=True)
        self.tag(sync=True)

    def validate(self, obj, value):
        if value == "size":
            return value
        place = tuple(value) if isinstance(value, tuple | list) else ()
        if len(place) not in (2, 3) or not all(type(index) is int and index >= 0 for index in place):
            raise ValueError(
                f'predict must be None, "size", or an output cell, (row, column) or (filter, row, column), '
                f"not {value!r}"
            )
        return place


class Conv2dExplorer(Explorer):
    """A kernel slid over an input by hand.

    Args:
        input: (H, W) or (C, H, W) real finite numbers, tensor or nested lists, H and W 1..12, C 1..4; a
            small square if left out. `Conv2dExplorer(conv)` opens an nn.Conv2d.
        weight: (kH, kW) or (O, C / groups, kH, kW) likewise, kH and kW 1..7, O 1..4; an edge detector if left
            out. Or an nn.Conv2d, whose weight, bias and settings are taken where they are not given.
        flip: False slides the kernel as it is (cross-correlation, what PyTorch computes);
            True rotates it by 180 degrees first (what mathematicians call convolution).
        stride: the steps of the window, 1..6.
        padding: the rows and columns around the input, on each side, 0..6.
        dilation: the distance between neighbours of the kernel on the input, 1..6.
        padding_mode: what is in the padding: "zeros", "reflect", "replicate" or "circular".
        groups: 1..4, of channels and filters that have only to do with each other.
        bias: None, or (O,) numbers that are added to the channels of the output.
        predict: hides the "size" of the output, or one cell of it, (row, column) or (filter, row, column), until
            the student has said what it is. `answer` is what was said last: a pair (height, width) of ints or a
            float, None before.

    Stride, padding and dilation are an int or a (height, width) pair, and read back as a pair. The controls for
    all settings appear once one of them is given, even as its default, and at the press of a button.

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
    bias = Bias()
    flip = traitlets.Bool(False).tag(sync=True)
    stride = Pair(1)
    padding = Pair(0)
    dilation = Pair(1)
    padding_mode = traitlets.Enum(PADDING_MODES, "zeros").tag(sync=True)
    groups = traitlets.Int(1, min=1, max=4).tag(sync=True)
    predict = Prediction()
    answer = traitlets.Any(None).tag(
        sync=True, from_json=lambda answer, _: tuple(answer) if isinstance(answer, list) else answer
    )
    position = traitlets.Tuple(traitlets.Int(), traitlets.Int(), default_value=(0, 0)).tag(sync=True)
    filter = traitlets.Int(0).tag(sync=True)
    _settable = traitlets.Bool(False).tag(sync=True)
    _revealed = traitlets.Bool(False).tag(sync=True)

    def __init__(
        self,
        input=None,
        weight=None,
        flip=False,
        stride=None,
        padding=None,
        dilation=None,
        padding_mode=None,
        groups=None,
        bias=None,
        predict=None,
    ):
        settings = {
            "stride": stride,
            "padding": padding,
            "dilation": dilation,
            "padding_mode": padding_mode,
            "groups": groups,
        }
        given = {name: value for name, value in settings.items() if value is not None}
        if isinstance(input, nn.Conv2d):
            input, weight = None, input
        if isinstance(weight, nn.Conv2d):
            layer, weight = weight, weight.weight
            given = _settings_of(layer) | given
            bias = layer.bias if bias is None else bias
        if input is not None:
            input = Conv2dExplorer.input.validate(self, input)
        if weight is not None:
            weight = Conv2dExplorer.weight.validate(self, weight)
        if input is None:
            channels = () if weight is None else weight.shape[1:-2]
            input = torch.tensor(SQUARE).expand(*(given.get("groups", 1) * count for count in channels), 5, 5)
        if weight is None:
            channels, count = input.shape[:-2], given.get("groups", 1)
            shape = [count, *(max(1, channel // count) for channel in channels)] if channels else []
            weight = torch.tensor(LAPLACIAN).expand(*shape, 3, 3)
        super().__init__(input=input, weight=weight, bias=bias, flip=flip, _settable=bool(given), **given)
        self.predict = predict
        self._start = self.get_state(STATE)

    @property
    def output(self):
        """The float32 tensor (H', W'), or (O, H', W') if the input or the weight has channels.

        H' = floor((H + 2 padding - dilation (kH - 1) - 1) / stride) + 1, and W' likewise, as in the documentation
        of torch.nn.Conv2d; ValueError if torch refuses.
        """
        if misfit := self._misfit():
            raise ValueError(misfit)
        kernels, image, padding = self._kernels(), self._channels(), self.padding
        if self.padding_mode != "zeros":
            (height, width), padding = padding, 0
            image = F.pad(image, (width, width, height, height), mode=self.padding_mode)
        output = F.conv2d(
            image,
            kernels.flip(-2, -1) if self.flip else kernels,
            self.bias,
            stride=self.stride,
            padding=padding,
            dilation=self.dilation,
            groups=self.groups,
        )
        return output if self._has_channels() else output[0]

    @property
    def state_string(self):
        """The explorer's state in one line of text, for `load` here or for the field "state" in the browser."""
        state = self.get_state(STATE)
        kept = {
            name: state[name] for name in STATE if name in ("input", "weight") or state[name] != DEFAULTS[name]
        }
        return STATE_START + "&".join(f"{name}={_json(value)}" for name, value in kept.items())

    def load(self, state_string):
        """Take over a state that `state_string` or the browser gave; ValueError if it is something else."""
        start, _, rest = state_string.strip().partition("?")
        try:
            given = {
                name: json.loads(value) for name, _, value in (part.partition("=") for part in rest.split("&"))
            }
        except json.JSONDecodeError:
            given = {}
        if f"{start}?" != STATE_START or not {"input", "weight"} <= given.keys() <= set(STATE):
            raise ValueError(
                f"this is not the state of a Conv2d explorer, such as {STATE_START}input=[[1,2]]&weight=[[3]]: "
                f"{state_string[:60]!r}"
            )
        state = DEFAULTS | given
        layer = {name: self.traits()[name]._validate(self, state[name]) for name in LAYER}
        with self.hold_sync():
            for name, value in layer.items():
                setattr(self, name, value)
            if not self._misfit():
                self.filter, self.position = state["filter"], tuple(state["position"])

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
        channels, groups = len(self._channels()), self.groups
        filters, kernels = self._kernels().shape[:2]
        for count, what in ((channels, "channels of the input"), (filters, "filters")):
            if count % groups:
                return (
                    f"{groups} groups cannot share {count} {what} evenly. The number of groups has to divide the "
                    "number of channels and the number of filters."
                )
        if channels != kernels * groups:
            each = f", so each of the {groups} groups has {channels // groups}" if groups > 1 else ""
            return (
                f"the channels do not match: the input has {channels}{each}, but each filter of the weight is "
                f"made for {kernels}. A filter needs one kernel for every channel of "
                f"{'its group' if groups > 1 else 'the input'}."
            )
        if self.bias is not None and len(self.bias) != filters:
            return f"the bias has {len(self.bias)} numbers for {filters} filters. Every filter needs one."
        for name, (n, _, p, _, _) in zip(("rows", "columns"), self._sides(), strict=True):
            most = {"reflect": n - 1, "circular": n}.get(self.padding_mode, p)
            if p > most:
                return (
                    f"padding_mode {self.padding_mode} can add at most {most} {name} on each side of an input "
                    f"that has {n}, not {p}. Make the padding smaller or the input larger."
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

    @traitlets.validate("predict")
    def _check_prediction(self, proposal):
        place = proposal["value"]
        if place not in (None, "size"):
            output = self.output
            if len(place) != output.ndim or not all(i < n for i, n in zip(place, output.shape, strict=True)):
                raise ValueError(f"predict {place} is not a cell of the {_size(output.shape)} output")
        return place

    @traitlets.observe("predict", *LAYER)
    def _ask_again(self, _):
        self.answer, self._revealed = None, False

    @traitlets.observe(*LAYER)
    def _stay_inside(self, _):
        self.filter = min(self.filter, len(self._kernels()) - 1)
        if not self._misfit():
            (i, j), (height, width) = self.position, self._output_size()
            self.position = (min(i, height - 1), min(j, width - 1))

    @traitlets.observe("stride", "padding", "dilation", "padding_mode", "groups")
    def _show_settings(self, _):
        self._settable = True

    def _settings(self):
        if not self._settable:
            return ""
        pairs = {"stride": self.stride, "padding": self.padding, "dilation": self.dilation}
        told = [f"{name} {h if h == w else (h, w)}" for name, (h, w) in pairs.items()]
        told += [f"padding_mode {self.padding_mode}"] if self.padding_mode != "zeros" else []
        told += [f"groups {self.groups}"] if self.groups > 1 else []
        return ", ".join(told)

    def __repr__(self):
        parts = [f"input {_size(self.input.shape)}", f"kernel {_size(self.weight.shape)}", self._settings()]
        parts.append("with bias" if self.bias is not None else "")
        if self._is_hidden():
            parts.append("an output to predict")
        else:
            parts.append("no output" if self._misfit() else f"output {_size(self.output.shape)}")
        return "Conv2dExplorer: " + ", ".join(part for part in parts if part)

    def _is_hidden(self):
        return self.predict is not None and not self._revealed

    def _parts(self):
        """The planes of input, kernel and output by their index, for a page or a terminal without the explorer."""
        kernel = "kernel, rotated by 180 degrees before it slides" if self.flip else "kernel"
        output = {"": self._misfit()} if self._misfit() else _planes(self.output)
        if self._is_hidden():
            output = {"": "Predict it in JupyterLab."}
        bias = {} if self.bias is None else {"bias": _planes(self.bias[None])}
        return {"input": _planes(self.input), kernel: _planes(self.weight), **bias, "output": output}

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


def _settings_of(layer):
    """The settings of an nn.Conv2d, its padding as numbers."""
    padding = (0, 0) if layer.padding == "valid" else layer.padding
    if padding == "same":
        both = [d * (k - 1) for d, k in zip(layer.dilation, layer.kernel_size, strict=True)]
        if any(total % 2 for total in both):
            raise ValueError(
                f"padding='same' gives a {_size(layer.kernel_size)} kernel one more row or column at the end than "
                "at the start, which cannot be drawn: pad the input first, or make the kernel odd"
            )
        padding = tuple(total // 2 for total in both)
    settings = {name: getattr(layer, name) for name in ("stride", "dilation", "padding_mode", "groups")}
    return settings | {"padding": padding}


def _json(value):
    """Whole numbers without a decimal point, no spaces."""
    if isinstance(value, list | tuple):
        return f"[{','.join(map(_json, value))}]"
    return json.dumps(int(value) if isinstance(value, float) and value.is_integer() else value)


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
