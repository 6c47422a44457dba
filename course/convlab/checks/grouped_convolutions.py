"""Notebook 09: grouped, depthwise and transposed convolutions."""

from __future__ import annotations

import math

import torch
from torch import nn
from torch.nn import functional as F

from . import calls
from .backward import BY_HAND
from .compare import close
from .draw import LAYOUTS
from .exercise import Exercise, Misconception, case, question
from .plain import Other, described
from .watch import CONVOLUTION

TRANSPOSED = {
    **BY_HAND,
    "aten.convolution": "PyTorch's own convolution (F.conv_transpose2d, F.conv2d or a relative)",
    "aten.slow_conv_transpose2d": "PyTorch's own transposed convolution",
}
"""What would bypass the exercises on transposed convolution: F.fold adds up overlaps too."""

X = torch.tensor([1.0, 10.0, 100.0, 1000.0]).reshape(1, 4, 1, 1)
W = torch.tensor([[1.0, 1.0], [1.0, -1.0], [1.0, 1.0], [1.0, -1.0]]).reshape(4, 2, 1, 1)
B = torch.tensor([0.0, 0.0, 0.0, 0.5])


def _divided(answer):
    """An answer to `grouped_conv2d` that refuses, as it should, channels that cannot be shared out."""

    def grouped_conv2d(x, w, b, groups):
        if x.shape[1] % groups or w.shape[0] % groups:
            raise ValueError(f"groups={groups} does not divide {x.shape[1]} and {w.shape[0]} channels")
        return answer(x, w, b, groups)

    return grouped_conv2d


def _plus(out, b):
    return out if b is None else out + b[:, None, None]


def _block(g, size, groups):
    return slice(g * size, (g + 1) * size)


def _each(x, w, groups, channels=_block, filters=_block):
    """What each group gives: `channels` and `filters` say which of them belong to group g."""
    size, count = x.shape[1] // groups, w.shape[0] // groups
    return [F.conv2d(x[:, channels(g, size, groups)], w[filters(g, count, groups)]) for g in range(groups)]


def _joined(channels=_block, filters=_block, join=lambda parts: torch.cat(parts, 1)):
    return lambda x, w, b, groups: _plus(join(_each(x, w, groups, channels, filters)), b)


def _dealt(g, size, groups):
    return slice(g, None, groups)


def _interleaved(parts):
    return torch.stack(parts, 2).flatten(1, 2)


def _layer(draw, groups, size, count, batch=2, bias=True, dtype=torch.float32, layout="contiguous"):
    """Inputs with `size` channels and `count` filters a group.

    The output is often one cell wide: there a bias lined up with the wrong axis shows as wrong numbers, and
    not as an error.
    """
    kernel, extra = draw.unequal(1, 3), (draw.integer(1, 3), draw.choice((0, 0, 0, 1, 2)))
    shape = batch, groups * size, kernel[0] + extra[0], kernel[1] + extra[1]
    return {
        "x": draw.tensor(*shape, dtype=dtype, layout=layout),
        "w": draw.tensor(groups * count, size, *kernel, dtype=dtype),
        "b": draw.tensor(groups * count, dtype=dtype) if bias else None,
        "groups": groups,
    }


def _grouped_cases(draw):
    yield case("the worked example", x=X, w=W, b=B, groups=2)
    for n in range(9):
        size, count = draw.unequal(2, 3) if n % 3 else (2, 2)
        groups = draw.integer(2, 3)
        yield case("groups of several channels", **_layer(draw, groups, size, count, batch=1 + n % 2))
    for n in range(6):
        inputs = _layer(draw, draw.integer(3, 4), 1, 2 + n % 2) if n < 4 else _layer(draw, 1, *draw.unequal(2, 4))
        yield case("one channel a group, or one group", **inputs)
    for _ in range(4):
        yield case("no bias (b is None)", **_layer(draw, 2, *draw.unequal(2, 3), bias=False))
    for n, layout in enumerate((*LAYOUTS, *LAYOUTS[1:])):
        dtype = torch.float64 if n < 3 else torch.float32
        inputs = _layer(draw, 2, *draw.unequal(2, 3), dtype=dtype, layout=layout)
        yield case("other dtypes and layouts in memory", **inputs)
    for n in range(6):
        inputs = _layer(draw, 2, 2, draw.choice((2, 3)), bias=n % 2 == 0)
        if n % 3 == 0:
            inputs["x"] = draw.tensor(2, 5, *inputs["x"].shape[2:])
        elif n % 3 == 1:
            count = inputs["w"].shape[0] + 1
            inputs["w"] = draw.tensor(count, *inputs["w"].shape[1:])
            inputs["b"] = None if inputs["b"] is None else draw.tensor(count)
        yield case("a ValueError where groups does not divide the channels, and only there", **inputs)


def _surplus_left_out(x, w, b, groups):
    out = _joined()(x, w, None, groups)
    return out if b is None else out + b[: out.shape[1], None, None]


def _only_input_checked(x, w, b, groups):
    if x.shape[1] % groups:
        raise ValueError("groups does not divide the input channels")
    return _surplus_left_out(x, w, b, groups)


def _only_output_checked(x, w, b, groups):
    if w.shape[0] % groups:
        raise ValueError("groups does not divide the output channels")
    return _surplus_left_out(x, w, b, groups)


grouped_conv2d = Exercise(
    name="grouped_conv2d",
    reference=_divided(lambda x, w, b, groups: F.conv2d(x, w, b, groups=groups)),
    cases=_grouped_cases,
    points=6,
    difficulty=3,
    minutes=10,
    forbidden=CONVOLUTION,
    misconceptions=(
        Misconception(
            "every filter reads every channel",
            _divided(lambda x, w, b, groups: F.conv2d(x, w.repeat(1, groups, 1, 1), b)),
            "You repeat each filter until it reaches over all channels. A filter of a grouped layer reads the "
            "C / groups channels of its own group, and nothing of the others.",
        ),
        Misconception(
            "interleaved groups",
            _divided(_joined(channels=_dealt)),
            "You deal the input channels out like cards: x[:, g::groups]. A group is a block of neighbours: "
            "with 6 channels and 2 groups, 0 1 2 and 3 4 5.",
        ),
        Misconception(
            "interleaved filters",
            _divided(_joined(filters=_dealt)),
            "You deal the filters out like cards: w[g::groups]. Filters come in blocks as well: the first "
            "O / groups of them belong to group 0.",
        ),
        Misconception(
            "channels and filters interleaved",
            _divided(_joined(channels=_dealt, filters=_dealt)),
            "Both channels and filters are dealt out like cards, with a step of groups. Group g is a block of "
            "neighbours in each: x[:, g * size : (g + 1) * size], and likewise for w.",
        ),
        Misconception(
            "interleaved outputs",
            _divided(_joined(join=_interleaved)),
            "Your output takes one channel from each group in turn. The groups come one after the other: all of "
            "group 0, then all of group 1. That is torch.cat(parts, dim=1).",
        ),
        Misconception(
            "blocks one channel apart",
            _divided(_joined(channels=lambda g, size, groups: slice(g, g + size))),
            "Your blocks overlap: x[:, g : g + size] starts one channel further for each group. A block starts "
            "where the one before it ended, at g * size.",
        ),
        Misconception(
            "the first block for every group",
            _divided(_joined(channels=lambda g, size, groups: slice(size))),
            "Each of your groups reads the first C / groups channels. Group g reads its own block, which starts "
            "at channel g * (C / groups).",
        ),
        Misconception(
            "the first filters for every group",
            _divided(_joined(filters=lambda g, count, groups: slice(count))),
            "Each of your groups uses the first O / groups filters. Every output channel has a filter of its "
            "own: group g uses w[g * count : (g + 1) * count].",
        ),
        Misconception(
            "all filters in every group",
            _divided(
                lambda x, w, b, groups: _plus(
                    torch.cat(_each(x, w, groups, filters=lambda *_: slice(None)), 1),
                    None if b is None else b.repeat(groups),
                )
            ),
            "You slide all filters over each group, and get groups times too many output channels. The filters "
            "are shared out too: O / groups for each group, O in all.",
        ),
        Misconception(
            "groups added up",
            _divided(
                lambda x, w, b, groups: _plus(
                    sum(_each(x, w, groups)), None if b is None else b[: w.shape[0] // groups]
                )
            ),
            "You add up what the groups give. Adding would mix them: groups stay apart, and their outputs stand "
            "one after the other along the channel axis.",
        ),
        Misconception(
            "a return inside the loop over groups",
            _divided(
                lambda x, w, b, groups: _plus(
                    _each(x, w, groups)[0], None if b is None else b[: w.shape[0] // groups]
                )
            ),
            "Your output is group 0 alone: a `return` inside the loop ends it after the first turn. Collect the "
            "parts, and join them after the loop.",
        ),
        Misconception(
            "groups joined along the batch",
            _divided(
                lambda x, w, b, groups: _plus(
                    torch.cat(_each(x, w, groups), 0), None if b is None else b[: w.shape[0] // groups]
                )
            ),
            "torch.cat joins along axis 0 unless told otherwise, and axis 0 counts the images. Channels are axis "
            "1: torch.cat(parts, dim=1).",
        ),
        Misconception(
            "divided by the number of groups",
            _divided(lambda x, w, b, groups: _plus(F.conv2d(x, w, groups=groups) / groups, b)),
            "You divide by groups. Fewer channels enter each sum, and that is all: nothing is averaged.",
        ),
        Misconception(
            "bias forgotten",
            _divided(lambda x, w, b, groups: F.conv2d(x, w, groups=groups)),
            "b is missing. Output channel o gets b[o] added, once in every cell.",
        ),
        Misconception(
            "the first biases for every group",
            _divided(
                lambda x, w, b, groups: F.conv2d(
                    x, w, b if b is None else b[: len(b) // groups].repeat(groups), groups=groups
                )
            ),
            "Each of your groups adds the first O / groups biases. b has one number for every output channel of "
            "the whole layer: add it after the groups are joined.",
        ),
        Misconception(
            "a bias for each column",
            _divided(lambda x, w, b, groups: F.conv2d(x, w, groups=groups) + (0 if b is None else b)),
            "Column j got b[j]: PyTorch lines b up with the last axis. The bias belongs to an output channel: "
            "b[:, None, None] lines it up with those.",
        ),
        Misconception(
            "a bias always expected",
            _divided(lambda x, w, b, groups: F.conv2d(x, w, groups=groups) + b[:, None, None]),
            "b may be None, which is how a layer without bias is written. Ask `if b is not None:` first.",
        ),
        Misconception(
            "kernel flipped",
            _divided(lambda x, w, b, groups: F.conv2d(x, w.flip(2, 3), b, groups=groups)),
            "Your kernels are turned by 180 degrees. Slide them as they are, as in notebook 01.",
        ),
        Misconception(
            "result always float32",
            _divided(lambda x, w, b, groups: F.conv2d(x, w, b, groups=groups).float()),
            "torch.zeros(...) is float32 whatever goes in. Join the parts with torch.cat: it keeps their dtype.",
        ),
        Misconception(
            "surplus channels left out",
            _surplus_left_out,
            "5 // 2 is 2, so your blocks leave the last channel out without a word. Where groups does not divide "
            "C or O, raise a ValueError before you cut.",
        ),
        Misconception(
            "only the input channels checked",
            _only_input_checked,
            "You refuse input channels that cannot be shared out, but not filters. w.shape[0] % groups has to be "
            "0 as well.",
        ),
        Misconception(
            "only the filters checked",
            _only_output_checked,
            "You refuse filters that cannot be shared out, but not input channels. x.shape[1] % groups has to be "
            "0 as well.",
        ),
    ),
)


def _on_layer(work, arguments, hw):
    return work(nn.Conv2d(**arguments), hw)


def _outputs(layer, hw, around=lambda p: 2 * p, step=lambda s: s, span=lambda k, d: d * (k - 1) + 1):
    """How many places the window has, along both axes multiplied."""
    settings = zip(hw, layer.kernel_size, layer.stride, layer.padding, layer.dilation, strict=True)
    return math.prod((n + around(p) - span(k, d)) // step(s) + 1 for n, k, s, p, d in settings)


def _sum_length(layer):
    """How many products one output adds up."""
    return layer.in_channels // layer.groups * math.prod(layer.kernel_size)


def _macs(outputs=_outputs, length=_sum_length, channels=lambda layer: layer.out_channels):
    return lambda layer, hw: outputs(layer, hw) * channels(layer) * length(layer)


_right_macs = _macs()


def _settings(draw, groups=1, size=None, count=None, bent=False, dilated=False):
    """Arguments of an nn.Conv2d with `size` channels and `count` filters a group."""
    if size is None:
        size, count = draw.unequal(2, 5)
    arguments = {
        "in_channels": groups * size,
        "out_channels": groups * count,
        "kernel_size": draw.unequal(2, 5),
        "bias": draw.choice((True, False)),
    }
    if groups > 1:
        arguments["groups"] = groups
    if bent:
        arguments |= {"stride": draw.unequal(1, 3), "padding": draw.unequal(1, 4)}
    if dilated:
        arguments["dilation"] = draw.choice(((2, 3), (3, 2), (1, 2), (2, 1)))
    return arguments


def _macs_cases(draw):
    def cases(aspect, count, make):
        for _ in range(count):
            yield case(aspect, arguments=make(), hw=draw.unequal(17, 24))

    seed = {"in_channels": 64, "out_channels": 128, "kernel_size": 3, "padding": 1, "groups": 2}
    yield case("the worked example", arguments=seed, hw=(32, 48))
    yield from cases("ordinary layers", 5, lambda: _settings(draw))
    yield from cases("grouped layers", 6, lambda: _settings(draw, draw.integer(2, 4), *draw.unequal(2, 4)))
    yield from cases("depthwise layers", 5, lambda: _settings(draw, draw.integer(5, 8), 1, draw.integer(1, 3)))
    yield from cases("stride and padding", 6, lambda: _settings(draw, draw.integer(1, 3), bent=True))
    yield from cases("dilation", 5, lambda: _settings(draw, draw.integer(1, 3), bent=True, dilated=True))


count_macs = Exercise(
    name="count_macs",
    reference=_right_macs,
    cases=_macs_cases,
    points=6,
    difficulty=2,
    minutes=8,
    call=_on_layer,
    misconceptions=(
        Misconception(
            "I for I/groups",
            _macs(length=lambda layer: layer.in_channels * math.prod(layer.kernel_size)),
            "You let every filter read all in_channels. In a grouped layer it reads in_channels // groups; "
            "layer.weight[0].numel() counts what one output adds up.",
        ),
        Misconception(
            "divided by groups twice",
            _macs(channels=lambda layer: layer.out_channels // layer.groups),
            "You divide both the input and the output channels by groups. That is one group's share: there are "
            "`groups` of them. Only what a filter reads gets less.",
        ),
        Misconception(
            "MACs at input size",
            _macs(outputs=lambda layer, hw: math.prod(hw)),
            "You multiply by the cells of the input. Work is done once for every cell of the output: put hw "
            "through the shape formula of notebook 03 first.",
        ),
        Misconception(
            "multiply-adds counted twice",
            lambda layer, hw: 2 * _right_macs(layer, hw),
            "You count the multiplication and the addition apart, which gives FLOPs. A MAC is both together, one "
            "multiply-accumulate: half as many.",
        ),
        Misconception(
            "additions of the bias counted",
            lambda layer, hw: (
                _right_macs(layer, hw) + (layer.bias is not None) * layer.out_channels * _outputs(layer, hw)
            ),
            "You count the bias as well. It is added without a multiplication, and so is no MAC.",
        ),
        Misconception(
            "weights counted instead of work",
            lambda layer, hw: layer.weight.numel(),
            "That is the number of weights. Each of them is used again at every place of the window: multiply by "
            "the output's height and width.",
        ),
        Misconception(
            "parameters counted instead of work",
            lambda layer, hw: sum(one.numel() for one in layer.parameters()),
            "That is the number of parameters. Each weight is used again at every place of the window: multiply "
            "by the output's height and width, and leave out the bias.",
        ),
        Misconception(
            "one output channel counted",
            _macs(channels=lambda layer: 1),
            "You count the work for one output channel. There are layer.out_channels of them, each with a filter "
            "of its own.",
        ),
        Misconception(
            "one input channel a filter",
            _macs(length=lambda layer: math.prod(layer.kernel_size)),
            "You let each filter read one channel, which is right for a depthwise layer only. It reads "
            "in_channels // groups.",
        ),
        Misconception(
            "kernel taken for square",
            _macs(length=lambda layer: layer.in_channels // layer.groups * layer.kernel_size[0] ** 2),
            "layer.kernel_size is a pair, (height, width), and the two may differ: multiply them.",
        ),
        Misconception(
            "one side of the kernel counted",
            _macs(length=lambda layer: layer.in_channels // layer.groups * layer.kernel_size[0]),
            "Only one side of the kernel is in your count. A window has kH * kW cells in each channel.",
        ),
        Misconception(
            "padding ignored",
            _macs(outputs=lambda layer, hw: _outputs(layer, hw, around=lambda p: 0)),
            "Your output is too small: the window slides over the padded input, n + 2p cells along an axis.",
        ),
        Misconception(
            "padding counted once",
            _macs(outputs=lambda layer, hw: _outputs(layer, hw, around=lambda p: p)),
            "Padding p adds p cells at both ends of an axis: the padded size is n + 2p, not n + p.",
        ),
        Misconception(
            "stride ignored",
            _macs(outputs=lambda layer, hw: _outputs(layer, hw, step=lambda s: 1)),
            "You count a place at every cell. With stride s only every s-th of them is visited, and costs work.",
        ),
        Misconception(
            "dilation ignored",
            _macs(outputs=lambda layer, hw: _outputs(layer, hw, span=lambda k, d: k)),
            "Your output is too large: a dilated window covers d * (k - 1) + 1 cells and has fewer places.",
        ),
        Misconception(
            "gaps of the dilated kernel counted",
            _macs(
                length=lambda layer: (
                    layer.in_channels
                    // layer.groups
                    * math.prod(d * (k - 1) + 1 for k, d in zip(layer.kernel_size, layer.dilation, strict=True))
                )
            ),
            "You count a product for every cell that the dilated kernel covers. The gaps are skipped, not "
            "multiplied by zero: kH * kW products in each channel, whatever the dilation.",
        ),
        Misconception(
            "height and width of the input swapped",
            lambda layer, hw: _right_macs(layer, hw[::-1]),
            "hw is (height, width), as are the pairs of the layer: hw[0] goes with kernel_size[0] and stride[0].",
        ),
        Misconception(
            "a float for a count",
            lambda layer, hw: float(_right_macs(layer, hw)),
            "In Python / gives a float, even where nothing is left over. A count is an int: divide with //.",
        ),
    ),
)


def _built(work, in_channels, out_channels, kernel_size, multiplier, numbers, x, upstream):
    """A module that is made, filled with `numbers` where they fit, called on `x`, and differentiated."""
    made = work(in_channels, out_channels, kernel_size, multiplier)
    if not isinstance(made, nn.Module):
        return None if made is None else Other(type(made).__name__)
    parameters = list(made.to(x.dtype).parameters())
    shapes = [tuple(one.shape) for one in parameters]
    if shapes != [tuple(one.shape) for one in numbers]:
        return {"shapes": shapes}
    with torch.no_grad():
        for one, values in zip(parameters, numbers, strict=True):
            one.copy_(values)
    found = calls.gradients(made, upstream, x=x)
    found["gradient"].update({f"parameter {i}": one.grad for i, one in enumerate(parameters)})
    return {"shapes": shapes, **found}


def _same_layer(actual, expected) -> str | None:
    """`close`, but in words about layers where there is no layer, or another one."""
    if not isinstance(expected, dict) or not (isinstance(actual, dict) and "shapes" in actual):
        return close(actual, expected) and f"an nn.Module is to be returned, not {described(actual)}"
    if actual["shapes"] != expected.get("shapes"):
        shapes = [", ".join(map(str, one.get("shapes", ()))) or "none at all" for one in (actual, expected)]
        return f"the parameters have the shapes {shapes[0]}; expected are {shapes[1]}"
    return close(actual, expected)


def _half(kernel_size):
    return tuple(k // 2 for k in kernel_size)


def _separable(
    depthwise=lambda i, m, kernel: nn.Conv2d(i, i * m, kernel, padding=_half(kernel), groups=i, bias=False),
    pointwise=lambda i, o, m, kernel: nn.Conv2d(i * m, o, 1),
    between=(),
):
    def depthwise_separable(in_channels, out_channels, kernel_size, multiplier=1):
        first = depthwise(in_channels, multiplier, kernel_size)
        last = pointwise(in_channels, out_channels, multiplier, kernel_size)
        middle = (one(in_channels * multiplier) for one in between)
        return nn.Sequential(first, *middle, last)

    return depthwise_separable


_right_separable = _separable()


def _depthwise(groups=lambda i: i, channels=lambda i, m: i * m, kernel=lambda k: k, **changed):
    """A first layer of `_separable` in which something is different."""
    padding = changed.pop("padding", _half)
    return lambda i, m, k: nn.Conv2d(
        i, channels(i, m), kernel(k), padding=padding(kernel(k)), groups=groups(i), bias=False, **changed
    )


def _separable_cases(draw):
    def block(kernel, multiplier=1, batch=2, dtype=torch.float32, layout="contiguous"):
        i, o = draw.unequal(2, 5)
        hw = draw.unequal(3, 6)
        return {
            "in_channels": i,
            "out_channels": o,
            "kernel_size": kernel,
            "multiplier": multiplier,
            "numbers": [
                draw.tensor(i * multiplier, 1, *kernel, dtype=dtype),
                draw.tensor(o, i * multiplier, 1, 1, dtype=dtype),
                draw.tensor(o, dtype=dtype),
            ],
            "x": draw.tensor(batch, i, *hw, dtype=dtype, layout=layout),
            "upstream": draw.tensor(batch, o, *hw, dtype=dtype),
        }

    kernels = (1, 3), (3, 1), (3, 5), (5, 3), (5, 1), (1, 5)
    numbers = [torch.ones(2, 1, 3, 3), torch.ones(3, 2, 1, 1), torch.zeros(3)]
    yield case(
        "the worked example",
        in_channels=2,
        out_channels=3,
        kernel_size=(3, 3),
        multiplier=1,
        numbers=numbers,
        x=torch.ones(1, 2, 4, 5),
        upstream=draw.tensor(1, 3, 4, 5),
    )
    for side in (3, 5, 3, 1):
        yield case("square kernels", **block((side, side), batch=draw.integer(1, 3)))
    for kernel in kernels:
        yield case("kernels that are not square", **block(kernel))
    for n in range(6):
        yield case("a depth multiplier", **block(draw.choice(kernels), multiplier=2 + n % 2))
    for n, layout in enumerate(LAYOUTS * 2):
        dtype = torch.float64 if n < 3 else torch.float32
        yield case(
            "other dtypes and layouts in memory",
            **block(draw.choice(kernels), 1 + n % 2, 1 + n % 2, dtype, layout),
        )


class _Hidden(nn.Module):
    """Two layers in a plain list, where nn.Module does not find them."""

    def __init__(self, *arguments):
        super().__init__()
        self.layers = list(_right_separable(*arguments))

    def forward(self, x):
        for layer in self.layers:
            x = layer(x)
        return x


depthwise_separable = Exercise(
    name="depthwise_separable",
    reference=_right_separable,
    cases=_separable_cases,
    points=5,
    difficulty=2,
    minutes=8,
    call=_built,
    compare=_same_layer,
    misconceptions=(
        Misconception(
            "an ordinary layer in place of the depthwise one",
            _separable(_depthwise(groups=lambda i: 1)),
            "Your first layer lets every filter read all channels, which is the costly thing that the block "
            "avoids. Give it groups=in_channels.",
        ),
        Misconception(
            "depth multiplier lost",
            lambda i, o, k, m=1: _right_separable(i, o, k, 1),
            "You ignore multiplier. The depthwise layer has that many filters for each channel, so it gives "
            "in_channels * multiplier channels, and the pointwise layer reads them all.",
        ),
        Misconception(
            "depth multiplier lost on the way to the second layer",
            _separable(pointwise=lambda i, o, m, k: nn.Conv2d(i, o, 1)),
            "The first layer gives in_channels * multiplier channels, but your second layer expects in_channels. "
            "They only fit at multiplier 1.",
        ),
        Misconception(
            "depth multiplier on the output",
            lambda i, o, k, m=1: _right_separable(i, o * m, k, 1),
            "You multiplied out_channels. The multiplier widens what is between the two layers: the block itself "
            "still gives out_channels.",
        ),
        Misconception(
            "pointwise first",
            lambda i, o, k, m=1: nn.Sequential(
                nn.Conv2d(i, o, 1), nn.Conv2d(o, o * m, k, padding=_half(k), groups=o, bias=False)
            ),
            "Your block mixes the channels first and slides the large kernel afterwards. Depthwise comes first, "
            "on in_channels; the pointwise layer mixes what it gives.",
        ),
        Misconception(
            "pointwise layer forgotten",
            lambda i, o, k, m=1: nn.Sequential(_depthwise()(i, m, k)),
            "Your block is the depthwise layer alone: its channels never meet. Add the 1 x 1 layer, which mixes "
            "them and gives out_channels.",
        ),
        Misconception(
            "second layer with the large kernel",
            _separable(pointwise=lambda i, o, m, k: nn.Conv2d(i * m, o, k, padding=_half(k))),
            "Your second layer has the large kernel as well. A pointwise layer looks at one cell at a time: its "
            "kernel is 1 x 1.",
        ),
        Misconception(
            "height apart from width",
            lambda i, o, k, m=1: nn.Sequential(
                nn.Conv2d(i, i * m, (k[0], 1), padding=(k[0] // 2, 0), bias=False),
                nn.Conv2d(i * m, o, (1, k[1]), padding=(0, k[1] // 2)),
            ),
            "You split the kernel into a column and a row: that is a spatially separable layer. Here "
            "space and channels are split: kH x kW within each channel, then 1 x 1 across them.",
        ),
        Misconception(
            "padding forgotten",
            _separable(_depthwise(padding=lambda k: 0)),
            "Your output is smaller than the input. An odd kernel keeps the size with padding k // 2; "
            'padding="same" does it too.',
        ),
        Misconception(
            "padding 1 whatever the kernel",
            _separable(_depthwise(padding=lambda k: 1)),
            "padding=1 keeps the size for a kernel of 3 only. It takes k // 2 on each axis.",
        ),
        Misconception(
            "padding k in place of k // 2",
            _separable(_depthwise(padding=lambda k: k)),
            "You pad by the whole kernel, and the output grows. Padding goes on both sides: k // 2 on each.",
        ),
        Misconception(
            "one padding for both axes",
            _separable(_depthwise(padding=lambda k: k[0] // 2)),
            "You pad both axes by half of the kernel's height. The width has a padding of its own, half of "
            "kernel_size[1].",
        ),
        Misconception(
            "kernel taken for square",
            _separable(_depthwise(kernel=lambda k: (k[0], k[0]))),
            "You used kernel_size[0] for both sides. kernel_size is (height, width): hand the pair on as it is.",
        ),
        Misconception(
            "height and width of the kernel swapped",
            _separable(_depthwise(kernel=lambda k: k[::-1])),
            "Your kernel lies on its side. kernel_size is (height, width), as nn.Conv2d wants it.",
        ),
        Misconception(
            "a bias in the depthwise layer too",
            _separable(lambda i, m, k: nn.Conv2d(i, i * m, k, padding=_half(k), groups=i)),
            "nn.Conv2d has a bias unless you say bias=False. The contract asks for none in the depthwise layer: "
            "what it could add, the pointwise layer's bias can add as well.",
        ),
        Misconception(
            "no bias anywhere",
            _separable(pointwise=lambda i, o, m, k: nn.Conv2d(i * m, o, 1, bias=False)),
            "The pointwise layer has a bias by the contract. Only the depthwise layer goes without.",
        ),
        Misconception(
            "a ReLU in between",
            _separable(between=(lambda channels: nn.ReLU(),)),
            "There is a ReLU between your two layers. MobileNet has one there; this contract asks for the two "
            "convolutions only, so that the block stays linear and can be compared with one layer.",
        ),
        Misconception(
            "batch normalisation in between",
            _separable(between=(nn.BatchNorm2d, lambda channels: nn.ReLU())),
            "There is a batch normalisation between your two layers. MobileNet has one there; this contract asks "
            "for the two convolutions only.",
        ),
        Misconception(
            "layers kept in a plain list",
            _Hidden,
            "A module does not look into a Python list, so your layers are not registered: nothing would be "
            "trained or saved. Use nn.Sequential, or assign each layer to self.",
        ),
        Misconception(
            "a class, not a layer",
            lambda i, o, k, m=1: nn.Sequential,
            "You return a class. Call it, so that a layer comes out: nn.Sequential(...), not nn.Sequential.",
        ),
    ),
)


def _size(
    steps=lambda n: n - 1,
    cut=lambda p: -2 * p,
    span=lambda k, d: d * (k - 1) + 1,
    extra=lambda op, s: op,
    stride=lambda s: s,
):
    """An answer to `transposed_output_size`, put together from its parts."""

    def transposed_output_size(n, kernel_size, stride_, padding, output_padding, dilation):
        room = steps(n) * stride(stride_)
        return room + cut(padding) + span(kernel_size, dilation) + extra(output_padding, stride_)

    return transposed_output_size


_right_size = _size()


def _size_cases(draw):
    def sized(aspect, padding=0, output_padding=0, dilation=1, stride=None, kernel=None):
        return case(
            aspect,
            n=draw.integer(5, 14),
            kernel_size=kernel or draw.integer(3, 7),
            stride=stride or draw.integer(2, 5),
            padding=padding,
            output_padding=output_padding,
            dilation=dilation,
        )

    yield case("the worked example", n=7, kernel_size=3, stride=2, padding=1, output_padding=1, dilation=1)
    for n in range(5):
        yield sized("kernel and stride", stride=(2, 3, 1, 4, 5)[n])
    for _ in range(5):
        yield sized("padding", padding=draw.integer(1, 4))
    for _ in range(6):
        stride = draw.integer(3, 5)
        yield sized("output_padding", draw.integer(1, 3), draw.integer(1, stride - 1), stride=stride)
    for n in range(6):
        stride, dilation = draw.unequal(2, 4)
        extra = draw.integer(1, stride - 1) if n % 2 else 0
        yield sized("dilation", draw.integer(1, 3), extra, dilation, stride)


def _forwards(n, kernel_size, stride, padding, output_padding, dilation):
    return (n + 2 * padding - (dilation * (kernel_size - 1) + 1)) // stride + 1


transposed_output_size = Exercise(
    name="transposed_output_size",
    reference=_right_size,
    cases=_size_cases,
    points=5,
    difficulty=2,
    minutes=8,
    forbidden=TRANSPOSED,
    misconceptions=(
        Misconception(
            "output_padding ignored",
            _size(extra=lambda op, s: 0),
            "You leave output_padding out. Several input sizes lead forwards to the same n; output_padding says "
            "by how many cells the one you want is larger than the smallest of them.",
        ),
        Misconception(
            "output_padding on both sides",
            _size(extra=lambda op, s: 2 * op),
            "You add output_padding at both ends. In spite of its name it is added once, at the end only.",
        ),
        Misconception(
            "output_padding times the stride",
            _size(extra=lambda op, s: op * s),
            "You multiply output_padding by the stride. It is counted in cells of the output already.",
        ),
        Misconception(
            "output_padding cut off",
            _size(extra=lambda op, s: -op),
            "You subtract output_padding. It makes the output larger; padding is what makes it smaller.",
        ),
        Misconception(
            "forward formula",
            _forwards,
            "That is the size of an ordinary convolution's output. Solve the formula for its input: n is what "
            "comes out forwards, and you are asked what went in.",
        ),
        Misconception(
            "places counted instead of steps",
            _size(steps=lambda n: n),
            "n windows lie n - 1 steps apart, from the first to the last. Multiply the steps by the stride, and "
            "add the last window's own span.",
        ),
        Misconception(
            "padding added",
            _size(cut=lambda p: 2 * p),
            "You add the padding. Forwards it is laid around the input; here that frame is cut off again: minus "
            "2 * padding.",
        ),
        Misconception(
            "padding counted once",
            _size(cut=lambda p: -p),
            "The frame is cut off at both ends: minus 2 * padding.",
        ),
        Misconception(
            "padding ignored",
            _size(cut=lambda p: 0),
            "You leave padding out. Forwards it was laid around the input, so here it is cut off at both ends.",
        ),
        Misconception(
            "stride ignored",
            _size(stride=lambda s: 1),
            "You leave the stride out. Forwards neighbouring windows started `stride` cells apart, so each step "
            "is worth `stride` cells.",
        ),
        Misconception(
            "dilation ignored",
            _size(span=lambda k, d: k),
            "A dilated kernel covers d * (k - 1) + 1 cells. Put that where you have k.",
        ),
        Misconception(
            "kernel times dilation",
            _size(span=lambda k, d: d * k),
            "d * k counts a gap after the last kernel cell too. k cells have k - 1 gaps: d * (k - 1) + 1.",
        ),
        Misconception(
            "kernel plus dilation",
            _size(span=lambda k, d: k + d - 1),
            "You widened one gap only. Each of the k - 1 gaps is d cells long: d * (k - 1) + 1 cells in all.",
        ),
        Misconception(
            "the last 1 forgotten",
            _size(span=lambda k, d: d * (k - 1)),
            "Your size is one too small. A window of k cells spans d * (k - 1) + 1 of them: the first one counts "
            "as well.",
        ),
        Misconception(
            "stride and dilation swapped",
            lambda n, k, s, p, op, d: _right_size(n, k, d, p, op, s),
            "You took the stride for the dilation. Stride lies between windows, n - 1 times; dilation lies "
            "between the cells of the kernel, k - 1 times.",
        ),
        Misconception(
            "enlarged by the stride, no more",
            lambda n, k, s, p, op, d: n * s,
            "n * stride holds for one common choice of kernel, padding and output_padding only. Put them all in.",
        ),
        Misconception(
            "a float for a size",
            lambda *numbers: float(_right_size(*numbers)),
            "A size is a whole number, and nothing has to be divided here. Where does / come in?",
        ),
    ),
)

TX = torch.tensor([[[[1.0, 2.0], [3.0, 4.0]]]])
TW = torch.tensor([[[[1.0, 10.0, 100.0]]]])


def _transpose(x, w, stride, padding):
    return F.conv_transpose2d(x, w, None, stride, padding)


def _transpose_cases(draw):
    def layer(n, padding, kernel=None, stride=None, dtype=torch.float32, layout="contiguous"):
        inputs, outputs = (2, 2) if n % 5 < 3 else draw.unequal(1, 3)
        kernel = kernel or draw.unequal(2, 4)
        return {
            "x": draw.tensor(1 + n % 2, inputs, *draw.unequal(4, 6), dtype=dtype, layout=layout),
            "w": draw.tensor(inputs, outputs, *kernel, dtype=dtype),
            "stride": stride or draw.unequal(1, 3),
            "padding": padding,
        }

    yield case("the worked example", x=TX, w=TW, stride=(2, 2), padding=(0, 0))
    for n, layout in enumerate((*LAYOUTS * 2, "contiguous")):
        yield case("stride, no padding", **layer(n, (0, 0), layout=layout))
    for n, layout in enumerate((*LAYOUTS * 2, "contiguous", "contiguous")):
        yield case("stride and padding", **layer(n, draw.unequal(1, 2), draw.unequal(2, 4), layout=layout))
    for n, layout in enumerate(LAYOUTS * 2):
        padding = draw.choice(((0, 1), (1, 0), (0, 2), (2, 0)))
        inputs = layer(n, padding, stride=draw.unequal(1, 4), dtype=torch.float64, layout=layout)
        yield case("float64, and an axis without padding", **inputs)


def _sent(x, w, stride, padding, by_cell):
    """The padded output where what arrives replaces what is there: cell by cell, or weight by weight."""
    (sH, sW), (p, q) = stride, padding
    H, W = x.shape[2:]
    kH, kW = w.shape[2:]
    out = x.new_zeros(len(x), w.shape[1], (H - 1) * sH + kH, (W - 1) * sW + kW)
    if by_cell:
        for i in range(H):
            for j in range(W):
                block = torch.einsum("ni,ioab->noab", x[:, :, i, j], w)
                out[:, :, i * sH : i * sH + kH, j * sW : j * sW + kW] = block
    else:
        for a in range(kH):
            for b in range(kW):
                sent = torch.einsum("nihw,io->nohw", x, w[:, :, a, b])
                out[:, :, a : a + sH * H : sH, b : b + sW * W : sW] = sent
    return out[:, :, p : out.shape[2] - p, q : out.shape[3] - q]


def _averaged(x, w, stride, padding):
    ones = torch.ones_like(x[:1, :1]), torch.ones_like(w[:1, :1])
    return _transpose(x, w, stride, padding) / _transpose(*ones, stride, padding).clamp(min=1)


def _cut_minus(x, w, stride, padding):
    return _transpose(x, w, stride, (0, 0))[:, :, padding[0] : -padding[0], padding[1] : -padding[1]]


def _spread(x, stride):
    (sH, sW), (H, W) = stride, x.shape[2:]
    out = x.new_zeros(*x.shape[:2], (H - 1) * sH + 1, (W - 1) * sW + 1)
    out[:, :, ::sH, ::sW] = x
    return out


def _no_ring(x, w, stride, padding):
    return F.conv2d(_spread(x, stride), w.flip(2, 3).transpose(0, 1), None, 1, padding)


def _enlarged(x, w, stride, padding):
    x = x.repeat_interleave(stride[0], 2).repeat_interleave(stride[1], 3)
    return _transpose(x, w, 1, padding)


conv_transpose2d = Exercise(
    name="conv_transpose2d",
    reference=_transpose,
    cases=_transpose_cases,
    points=8,
    difficulty=4,
    minutes=15,
    forbidden=TRANSPOSED,
    misconceptions=(
        Misconception(
            "weight axes swapped",
            lambda x, w, stride, padding: _transpose(x, w.transpose(0, 1), stride, padding),
            "You read the weight as (out, in, kH, kW), as nn.Conv2d has it. Here the roles are exchanged: w[i, o] "
            "leads from input channel i to output channel o.",
        ),
        Misconception(
            "kernel flipped",
            lambda x, w, stride, padding: _transpose(x, w.flip(2, 3), stride, padding),
            "Your kernel arrives turned by half a turn. If each input cell sends a copy of the kernel, send it as "
            "it is. If you slide the kernel over x spread out by zeros, flip it first.",
        ),
        Misconception(
            "an ordinary convolution",
            lambda x, w, stride, padding: F.conv2d(x, w.transpose(0, 1), None, stride, padding),
            "Your output cells fetch from windows of x, and the output gets smaller. Turn it round: every cell of "
            "x sends a whole kernel into the output.",
        ),
        Misconception(
            "overlaps overwritten, copy by copy",
            lambda *inputs: _sent(*inputs, by_cell=True),
            "Where two copies of the kernel overlap, your later one replaces the earlier one. They add up: += in "
            "place of =.",
        ),
        Misconception(
            "overlaps overwritten, weight by weight",
            lambda *inputs: _sent(*inputs, by_cell=False),
            "What a later weight sends replaces what arrived before. An output cell that is reached several times "
            "gets the sum: += in place of =.",
        ),
        Misconception(
            "overlaps averaged",
            _averaged,
            "You divide by how many copies overlap. They are added up, no more; that some cells get more copies "
            "than others is where checkerboards come from.",
        ),
        Misconception(
            "padding laid around the output",
            lambda x, w, stride, padding: F.pad(
                _transpose(x, w, stride, (0, 0)), (padding[1], padding[1], padding[0], padding[0])
            ),
            "You laid zeros around the output. Forwards, padding was laid around the image; going back, that "
            "frame is cut off.",
        ),
        Misconception(
            "padding laid around the input",
            lambda x, w, stride, padding: _transpose(
                F.pad(x, (padding[1], padding[1], padding[0], padding[0])), w, stride, (0, 0)
            ),
            "You padded x. Here padding makes the output smaller: send first, then cut off padding[0] rows above "
            "and below, and padding[1] columns on both sides.",
        ),
        Misconception(
            "padding ignored",
            lambda x, w, stride, padding: _transpose(x, w, stride, (0, 0)),
            "Your output still has its frame. Cut off padding[0] rows above and below, and padding[1] columns on "
            "the left and right.",
        ),
        Misconception(
            "padding cut off on one side",
            lambda x, w, stride, padding: _transpose(x, w, stride, (0, 0))[:, :, padding[0] :, padding[1] :],
            "You cut the frame off above and on the left only. It goes on all four sides.",
        ),
        Misconception(
            "[p:-p] at p = 0",
            _cut_minus,
            "-0 is 0, so at padding 0 the slice [p:-p] is [0:0], which is empty. Count from the front: "
            "[p : size - p].",
        ),
        Misconception(
            "stride ignored",
            lambda x, w, stride, padding: _transpose(x, w, 1, padding),
            "Your copies of the kernel start one cell apart. Cell (i, j) of x sends its to row i * stride[0], "
            "column j * stride[1].",
        ),
        Misconception(
            "as many zeros as the stride between neighbours",
            lambda x, w, stride, padding: _transpose(x, w, tuple(s + 1 for s in stride), padding),
            "Your copies of the kernel start one cell too far from each other. Stride s means s cells from start "
            "to start: s - 1 zeros between neighbours.",
        ),
        Misconception(
            "height and width of the stride swapped",
            lambda x, w, stride, padding: _transpose(x, w, stride[::-1], padding),
            "stride[0] is the step down, from row to row, and stride[1] the step to the right.",
        ),
        Misconception(
            "height and width of the padding swapped",
            lambda x, w, stride, padding: _transpose(x, w, stride, padding[::-1]),
            "padding[0] is cut off above and below, padding[1] on the left and right.",
        ),
        Misconception(
            "both pairs taken for square",
            lambda x, w, stride, padding: _transpose(x, w, stride[0], padding[0]),
            "You used the first number of stride and padding for both axes. The second is the width's.",
        ),
        Misconception(
            "ring of zeros forgotten",
            _no_ring,
            "You slide the flipped kernel over x spread out, and your output is too small. Copies of the kernel "
            "reach beyond x: lay k - 1 more zeros around it first, and cut off the padding at the end.",
        ),
        Misconception(
            "cells repeated in place of zeros",
            _enlarged,
            "You enlarge x by repeating its cells. A stride puts zeros between them: each cell of x is sent once.",
        ),
        Misconception(
            "channels averaged",
            lambda x, w, stride, padding: _transpose(x, w, stride, padding) / x.shape[1],
            "You divide by the number of input channels. What the channels send is added up.",
        ),
        Misconception(
            "result always float32",
            lambda x, w, stride, padding: _transpose(x, w, stride, padding).float(),
            "torch.zeros(...) is float32 whatever goes in, and float64 loses digits in it. Make the output with "
            "x.new_zeros.",
        ),
    ),
)

predicted_parameters = question(
    "predicted_parameters",
    "sha256:0e1847dbf151b2e7",
    Misconception(
        "groups cost nothing and save nothing",
        "sha256:eeefdd15678cfa3f",
        "With two groups a filter reads 32 channels in place of 64, so its slices for the other 32 do not exist. "
        "The weight has the shape (128, 32, 3, 3).",
    ),
    Misconception(
        "bias halved too",
        "sha256:477a5faa5d8c02d8",
        "That is half of everything. The weights are halved, but there are still 128 output channels, and each "
        "keeps its bias.",
    ),
    Misconception(
        "filters halved too",
        "sha256:8dcacf0c9d898958",
        "You halved both axes of the weight. That is one group of two. Only what a filter reads is halved.",
    ),
)

predicted_time = question(
    "predicted_time",
    "sha256:1711d161b3533916",
    Misconception(
        "time follows the MACs",
        "sha256:bc0055acd95eaf83",
        "Arithmetic is only a part of the time. The same input is read and the same output is written, and many "
        "short sums keep a processor less busy than few long ones. Measure it below.",
    ),
    Misconception(
        "less memory makes it faster still",
        "sha256:8122c435719f4d9b",
        "The weight gets small, but it never was the bulk: input and output are as large as before, and they have "
        "to be moved.",
    ),
    Misconception(
        "groups are computed one after the other",
        "sha256:c4e4808b12d92db4",
        "64 groups would take as long as one only if nothing were saved. Each filter does 1/64 of the work, and "
        "some of that shows.",
    ),
)

predicted_reach = question(
    "predicted_reach",
    "sha256:90b3e107ccc9969e",
    Misconception(
        "halved by each layer",
        "sha256:67ff96477b186465",
        "Output channel 0 reads the four channels of its group in the middle, and each of these reads four of the "
        "input: the same four.",
    ),
    Misconception(
        "a second layer mixes",
        "sha256:dd4302a039794086",
        "The second layer has the same groups. Follow the wires back from output channel 0: which of them leaves "
        "its half?",
    ),
    Misconception(
        "channel by channel",
        "sha256:2aad6c85ad1004d5",
        "That would be a depthwise layer, groups=8. With two groups, a filter reads four channels.",
    ),
)

predicted_back = question(
    "predicted_back",
    "sha256:4a5188446abba71b",
    Misconception(
        "transposed taken for inverse",
        "sha256:3d4d03c27e339690",
        "'Deconvolution' is a misleading name. The transpose of a matrix is not its inverse: it gives back the "
        "shape, not the numbers.",
    ),
    Misconception(
        "inverse but for the border",
        "sha256:2aeb65b6311abf4d",
        "Not in the middle either. Each cell of z adds up what several windows send, and the border gets the "
        "fewest of these.",
    ),
    Misconception(
        "another shape",
        "sha256:102c4ef1a0345bec",
        "Forwards, n becomes n - 2. Backwards, each cell sends three, so n - 2 becomes n again.",
    ),
)
