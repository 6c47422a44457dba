"""Notebook 02: channels and batches."""

from __future__ import annotations

import math

import torch
from torch.nn import functional as F

from .draw import LAYOUTS
from .exercise import Exercise, Misconception, case, question
from .watch import CONVOLUTION, LAYER

X = torch.tensor(
    [
        [[1.0, 2.0, 0.0, 1.0], [0.0, 1.0, 3.0, 2.0], [2.0, 0.0, 1.0, 1.0]],
        [[0.0, 1.0, 1.0, 2.0], [3.0, 0.0, 2.0, 1.0], [1.0, 2.0, 0.0, 1.0]],
    ]
)
W = torch.tensor(
    [
        [[[1.0, 0.0], [2.0, -1.0]], [[0.0, 3.0], [1.0, 0.0]]],
        [[[1.0, 1.0], [1.0, 1.0]], [[-1.0, -1.0], [-1.0, -1.0]]],
        [[[1.0, 1.0], [1.0, 1.0]], [[0.0, 0.0], [0.0, 0.0]]],
    ]
)
B = torch.tensor([10.0, 0.0, -1.0])

KINDS = (
    *((torch.float64, layout) for layout in LAYOUTS),
    *((torch.float32, layout) for layout in (*LAYOUTS[1:], "channels last")),
    (torch.int64, "contiguous"),
)
"""What the cases of "other dtypes and layouts in memory" go through."""


def _images(draw, *shape, dtype=torch.float32, layout="contiguous"):
    """As `draw.tensor`, with one more layout: "channels last", as image files have it."""
    if layout != "channels last":
        return draw.tensor(*shape, dtype=dtype, layout=layout)
    *batch, channels, height, width = shape
    return draw.tensor(*batch, height, width, channels, dtype=dtype).movedim(-1, -3)


def _filter_cases(draw):
    def inputs(channels, filter_channels=None, least=0, **kind):
        kernel, extra = draw.unequal(1, 3), draw.unequal(least, least + 3)
        height, width = kernel[0] + extra[0], kernel[1] + extra[1]
        return {
            "x": _images(draw, channels, height, width, **kind),
            "w": _images(draw, filter_channels or channels, *kernel, **kind),
        }

    yield case("the worked example", x=X, w=W[0])
    for channels in (1, 2, 3, 4, 5) * 2:
        yield case("any number of channels, nothing square", **inputs(channels))
    for dtype, layout in KINDS:
        yield case("other dtypes and layouts in memory", **inputs(draw.integer(2, 4), dtype=dtype, layout=layout))
    for channels in ((1, 3), (3, 1), (2, 4), (4, 2), (1, 2), (4, 1), (1, 1), (2, 2)):
        yield case("a ValueError where the channels do not match, and only there", **inputs(*channels, least=5))


def _checked(filtered):
    """An answer to `conv_one_filter` that refuses, as it should, channels that do not match."""

    def conv_one_filter(x, w):
        if len(x) != len(w):
            raise ValueError(f"the input has {len(x)} channels and the filter {len(w)}")
        return filtered(x, w)

    return conv_one_filter


def _filter(x, w):
    return F.conv2d(x, w[None])[0]


def _each(x, w):
    """What each channel of the input gives with its own kernel: (C, H', W')."""
    return F.conv2d(x, w[:, None], groups=len(x))


def _broadcast(x, w):
    channels = torch.broadcast_shapes(x.shape[:1], w.shape[:1])
    return _filter(x.expand(*channels, -1, -1), w.expand(*channels, -1, -1))


conv_one_filter = Exercise(
    name="conv_one_filter",
    reference=_checked(_filter),
    cases=_filter_cases,
    points=8,
    difficulty=2,
    minutes=12,
    forbidden=CONVOLUTION,
    misconceptions=(
        Misconception(
            "channels averaged",
            _checked(lambda x, w: _filter(x, w) / len(x)),
            "You divide by the number of channels. The channels' sums are added up, no more: how much each "
            "channel counts is what the weights say.",
        ),
        Misconception(
            "mean for sum",
            _checked(lambda x, w: _filter(x, w) / w.numel()),
            "You take the mean of the products. An output cell is their sum: over the rows, the columns and the "
            "channels of the window.",
        ),
        Misconception(
            "channels kept apart",
            _checked(_each),
            "You get one output grid for each channel. One filter gives one grid: at each place, add up what "
            "the channels give.",
        ),
        Misconception(
            "only the first channel used",
            _checked(lambda x, w: _each(x, w)[0]),
            "Only channel 0 reaches your output. Each channel has a slice of the filter, w[c], and all of them "
            "add to the sum.",
        ),
        Misconception(
            "only the last channel kept",
            _checked(lambda x, w: _each(x, w)[-1]),
            "Your output is what the last channel gives: each turn of the loop over channels overwrites the one "
            "before. Add to the output (+=) instead of assigning.",
        ),
        Misconception(
            "one slice for every channel",
            _checked(lambda x, w: _filter(x, w[:1].expand_as(w))),
            "You use w[0] on every channel. The filter has a slice for each: w[c] belongs to x[c]. A filter that "
            "looks for red needs other numbers for red than for blue.",
        ),
        Misconception(
            "channels added before filtering",
            _checked(lambda x, w: _filter(x.sum(0, keepdim=True), w.sum(0, keepdim=True))),
            "You add up the channels first and filter afterwards. Then red and blue can no longer be told apart. "
            "Multiply each channel by its own slice, and add up the products.",
        ),
        Misconception(
            "picture made grey first",
            _checked(lambda x, w: _filter(x.mean(0, keepdim=True), w.sum(0, keepdim=True))),
            "You average the channels first, which makes a colour picture grey. The filter needs the channels "
            "apart: w[c] times x[c], and then the sum.",
        ),
        Misconception(
            "channels in reverse order",
            _checked(lambda x, w: _filter(x.flip(0), w)),
            "Channel 0 meets the filter's last slice. w[0] belongs to x[0], w[1] to x[1], and so on. (Colours in "
            "the order blue, green, red make the same trouble.)",
        ),
        Misconception(
            "kernel flipped",
            _checked(lambda x, w: _filter(x, w.flip(1, 2))),
            "The slices are turned by 180 degrees. As in notebook 01, PyTorch slides the kernel as it is.",
        ),
        Misconception(
            "kernel flipped, channels and all",
            _checked(lambda x, w: _filter(x, w.flip(0, 1, 2))),
            "The filter is turned round along all three axes, so that channel 0 meets its last slice as well. "
            "Slide it as it is.",
        ),
        Misconception(
            "row and column swapped",
            _checked(lambda x, w: _filter(x, w).mT),
            "Your output is transposed: rows and columns have changed places. With channels in front, the height "
            "is shape[1] and the width shape[2].",
        ),
        Misconception(
            "kernel transposed",
            _checked(lambda x, w: _filter(x, w.mT)),
            "The rows of each slice lie on rows of the input: w[c, a, b] belongs to x[c, i + a, j + b].",
        ),
        Misconception(
            "off by one in the range",
            _checked(lambda x, w: _filter(x, w)[:-1, :-1]),
            "The last row and column of windows are missing. There are H - kH + 1 places from top to bottom: "
            "steps plus one.",
        ),
        Misconception(
            "result always float32",
            _checked(lambda x, w: _filter(x, w).float()),
            "torch.zeros(height, width) is float32 whatever goes in. Make the output with dtype=x.dtype.",
        ),
        Misconception(
            "a channel used again and again",
            _broadcast,
            "A filter with one channel met an input with several, or the other way round, and broadcasting "
            "stretched the one over all. Nobody asked for that: compare the first axes, and raise a ValueError.",
        ),
        Misconception(
            "surplus channels left out",
            lambda x, w: _filter(*(one[: min(len(x), len(w))] for one in (x, w))),
            "Where x and w differ in their number of channels, your loop ignores the surplus ones. Compare "
            "x.shape[0] with w.shape[0] first, and raise a ValueError.",
        ),
    ),
)


def _sizes(draw, n):
    """Channels in and out, and height and width of the output, of the n-th random case.

    In and out are often equal, and so are out and the output's height or width: there, axes that are
    mixed up fit by accident, and a mistake shows as wrong numbers instead of an error. Every fifth case has
    one filter.
    """
    out = 1 if n % 5 == 4 else draw.integer(2, 4)
    channels = out if n % 5 < 3 else out + (1 if out == 1 else draw.choice((-1, 1, 2)))
    side = draw.choice([side for side in (1, 2, 3, 4, 5) if side != out])
    return channels, out, *((out, out), (out, side), (side, out))[n % 3]


def _layer_inputs(draw, n, images=(), bias=True, **kind):
    """Inputs x of shape (*images, C, H, W), w and b; `images` may be a function of the number of channels."""
    channels, out, height, width = _sizes(draw, n)
    kernel = draw.unequal(1, 3)
    batch = images(channels) if callable(images) else images
    x = _images(draw, *batch, channels, height + kernel[0] - 1, width + kernel[1] - 1, **kind)
    w = _images(draw, out, channels, *kernel, **kind)
    return {"x": x, "w": w, "b": draw.tensor(out, dtype=x.dtype) if bias else None}


def _filters_cases(draw):
    yield case("the worked example", x=X, w=W, b=B)
    for n in range(10):
        yield case("several filters, nothing square", **_layer_inputs(draw, n))
    for n in range(5):
        yield case("no bias (b is None)", **_layer_inputs(draw, n, bias=False))
    for n, (dtype, layout) in enumerate(KINDS):
        yield case("other dtypes and layouts in memory", **_layer_inputs(draw, n, dtype=dtype, layout=layout))


def _plus(conv, b):
    """`conv`, of shape (..., O, H', W'), plus b where there is one."""
    return conv if b is None else conv + b.reshape(-1, 1, 1)


def _reshaped(x):
    """`x` with its first two axes exchanged in the shape, but not in memory."""
    return x.reshape(x.shape[1], x.shape[0], *x.shape[2:])


MISREADINGS = (
    Misconception(
        "channels averaged",
        lambda x, w, b: _plus(F.conv2d(x, w) / w.shape[1], b),
        "You divide by the number of input channels. What the channels give is added up, not averaged.",
    ),
    Misconception(
        "in and out swapped",
        lambda x, w, b: F.conv2d(x, w.transpose(0, 1), b),
        "You take w's first axis for the input channels. Read (out, in, kH, kW) from left to right: w[o] is "
        "filter o, and w[o, c] is its slice for input channel c.",
    ),
    Misconception(
        "weight reshaped to fit",
        lambda x, w, b: F.conv2d(x, _reshaped(w).transpose(0, 1), b),
        "reshape made the shapes fit, and dealt the numbers of one filter out to others. w needs no reshaping: "
        "w[o] already has the shape (C, kH, kW).",
    ),
    Misconception(
        "bias forgotten",
        lambda x, w, b: F.conv2d(x, w),
        "b is missing. Filter o's output grid gets b[o] added, the same number in every cell.",
    ),
    Misconception(
        "bias added once per input channel",
        lambda x, w, b: _plus(F.conv2d(x, w), b if b is None else b * w.shape[1]),
        "The bias is added again for each input channel. It stands outside the sum over the channels: b[o] once "
        "for each output cell.",
    ),
    Misconception(
        "a bias for each column",
        lambda x, w, b: F.conv2d(x, w) if b is None else F.conv2d(x, w) + b,
        "Column j got b[j]. The bias belongs to a filter, not to a position: the whole of out[o] gets b[o]. In "
        "out + b, PyTorch lines b up with the last axis, the columns; b[:, None, None] lines it up with the "
        "filters.",
    ),
    Misconception(
        "a bias for each row",
        lambda x, w, b: F.conv2d(x, w) if b is None else F.conv2d(x, w) + b[:, None],
        "Row i got b[i]. The bias belongs to a filter, not to a position: the whole of out[o] gets b[o]. "
        "b[:, None] lines b up with the rows; it takes b[:, None, None].",
    ),
    Misconception(
        "a bias always expected",
        lambda x, w, b: F.conv2d(x, w) + b[:, None, None],
        "b may be None, which is how a layer without bias is written. Ask `if b is not None:` before you add it.",
    ),
    Misconception(
        "result always float32",
        lambda x, w, b: F.conv2d(x, w, b).float(),
        "torch.zeros(...) is float32 whatever goes in. Make the output with dtype=x.dtype, or stack the results.",
    ),
    Misconception(
        "every axis of size 1 taken away",
        lambda x, w, b: F.conv2d(x, w, b).squeeze(),
        "squeeze() takes away every axis of size 1, also where there is one filter, one row or one image. The "
        "output keeps all its axes, whatever their size.",
    ),
)
"""Wrong answers to `conv_filters` and to `conv_batch`: F.conv2d takes an image as well as a batch."""


conv_filters = Exercise(
    name="conv_filters",
    reference=lambda x, w, b: F.conv2d(x, w, b),
    cases=_filters_cases,
    points=8,
    difficulty=2,
    minutes=10,
    forbidden=CONVOLUTION,
    misconceptions=(
        *MISREADINGS,
        Misconception(
            "only the first input channel used",
            lambda x, w, b: F.conv2d(x[:1], w[:, :1], b),
            "Each filter looks at input channel 0 only. Filter o has a slice for every input channel, w[o, c], "
            "and all of them add to its output.",
        ),
        Misconception(
            "output channels summed",
            lambda x, w, b: F.conv2d(x, w, b).sum(0),
            "You add up the filters' outputs. Sums run over the input channels; each filter keeps an output "
            "grid of its own, and they are stacked.",
        ),
        Misconception(
            "only the first filter used",
            lambda x, w, b: F.conv2d(x, w[:1], b if b is None else b[:1]),
            "Your output holds filter 0 only. There are w.shape[0] filters, and each gives one output grid.",
        ),
        Misconception(
            "a return inside the loop over filters",
            lambda x, w, b: F.conv2d(x, w, b)[0],
            "Your output is filter 0's grid alone: a `return` inside the loop ends it after the first turn. "
            "Collect the grids, and return all of them after the loop.",
        ),
        Misconception(
            "only the last filter kept",
            lambda x, w, b: F.conv2d(x, w, b)[-1],
            "Your output is the last filter's grid alone: each turn of the loop overwrites the one before. "
            "Collect the grids in a list, and stack them after the loop.",
        ),
        Misconception(
            "output channels last",
            lambda x, w, b: F.conv2d(x, w, b).movedim(0, -1),
            "Your output has its channels as the last axis. PyTorch has them before height and width: stack along "
            "axis 0 of an image, so that out[o] is a grid.",
        ),
        Misconception(
            "bias added once per product",
            lambda x, w, b: _plus(F.conv2d(x, w), b if b is None else b * w[0].numel()),
            "The bias is inside the sum: (window * w + b).sum() adds it once for every product. Add b[o] after "
            "the sum, once for each output cell.",
        ),
        Misconception(
            "one bias for all",
            lambda x, w, b: F.conv2d(x, w) if b is None else F.conv2d(x, w) + b[0],
            "Every filter got b[0]. Filter o has its own bias, b[o].",
        ),
        Misconception(
            "biases added up",
            lambda x, w, b: F.conv2d(x, w) if b is None else F.conv2d(x, w) + b.sum(),
            "Every filter got all the biases together. Filter o gets b[o] alone.",
        ),
        Misconception(
            "kernel flipped",
            lambda x, w, b: F.conv2d(x, w.flip(2, 3), b),
            "The kernels are turned by 180 degrees. As in notebook 01, PyTorch slides them as they are.",
        ),
        Misconception(
            "filters glued together",
            lambda x, w, b: F.conv2d(x, w, b).flatten(0, 1),
            "The grids lie one under the other, in one tall grid: that is torch.cat. torch.stack puts them "
            "behind one another, along a new axis in front.",
        ),
    ),
)


def _batch_cases(draw):
    def several(channels):
        return (channels if channels > 1 and draw.integer(0, 2) else draw.integer(2, 5),)

    yield case("the worked example", x=torch.stack([X, X.flip(2)]), w=W, b=B)
    for n in range(12):
        yield case("a batch of several images", **_layer_inputs(draw, n, several, bias=n % 4 < 3))
    for n in (0, 2, 4):
        yield case("a batch of one image", **_layer_inputs(draw, n, (1,)))
    for n, (dtype, layout) in enumerate(KINDS):
        kind = {"dtype": dtype, "layout": layout}
        yield case("other dtypes and layouts in memory", **_layer_inputs(draw, n, several, **kind))


conv_batch = Exercise(
    name="conv_batch",
    reference=lambda x, w, b: F.conv2d(x, w, b),
    cases=_batch_cases,
    points=4,
    difficulty=1,
    minutes=5,
    forbidden=CONVOLUTION,
    misconceptions=(
        *MISREADINGS,
        Misconception(
            "batch taken for channels",
            lambda x, w, b: F.conv2d(x.transpose(0, 1), w, b),
            "You take x's first axis for the channels. A batch has its images first: (N, C, H, W). x[n] is a "
            "whole image with all its channels.",
        ),
        Misconception(
            "images and output channels swapped",
            lambda x, w, b: F.conv2d(x, w, b).transpose(0, 1),
            "Your output is (O, N, H', W'): sorted by filter, then by image. It has to be out[n, o]: the images "
            "first, as in the input.",
        ),
        Misconception(
            "batch and channels mixed by reshape",
            lambda x, w, b: F.conv2d(_reshaped(x).transpose(0, 1), w, b),
            "reshape dealt the channels of one image out to others: it never moves numbers, it only cuts the same "
            "row of them anew. Take the images apart with x[n] instead.",
        ),
        Misconception(
            "output reshaped to fit",
            lambda x, w, b: _reshaped(F.conv2d(x, w, b).transpose(0, 1)),
            "The shape is right, but output channels stand with the wrong images: (O, N, ...) was reshaped to "
            "(N, O, ...), which moves no numbers. Stack the images first.",
        ),
        Misconception(
            "images added up",
            lambda x, w, b: F.conv2d(x, w, b).sum(0),
            "The images of the batch are added up, as if they were channels. Images have nothing to do with one "
            "another: out[n] comes from x[n] alone.",
        ),
        Misconception(
            "images averaged",
            lambda x, w, b: F.conv2d(x, w, b).mean(0),
            "You average over the batch. Each image keeps an output of its own: out[n] comes from x[n] alone.",
        ),
        Misconception(
            "only the first image",
            lambda x, w, b: F.conv2d(x[:1], w, b)[0],
            "Your output belongs to x[0] alone. A `return` inside the loop ends it after the first image: collect "
            "the outputs, and return all of them after the loop.",
        ),
        Misconception(
            "only the last image",
            lambda x, w, b: F.conv2d(x[-1:], w, b)[0],
            "Your output belongs to x[-1] alone: each turn of the loop overwrites the one before. Collect the "
            "outputs in a list, and stack them after the loop.",
        ),
        Misconception(
            "the first image again and again",
            lambda x, w, b: F.conv2d(x[:1], w, b).expand(len(x), -1, -1, -1),
            "Every output belongs to x[0]. Inside the loop, filter x[n].",
        ),
        Misconception(
            "bias added once per image",
            lambda x, w, b: _plus(F.conv2d(x, w), b if b is None else b * len(x)),
            "The bias is added as often as there are images. Each image gets it once; does something add up from "
            "one turn of the loop to the next?",
        ),
        Misconception(
            "images glued together",
            lambda x, w, b: F.conv2d(x, w, b).flatten(0, 1),
            "The images lie one after the other along the channel axis, (N * O, H', W'): that is torch.cat. "
            "torch.stack keeps them apart, along a new axis in front.",
        ),
        Misconception(
            "a batch of one left without its axis",
            lambda x, w, b: F.conv2d(x, w, b).squeeze(0),
            "A batch of one image is still a batch: the output keeps its first axis, of size 1. squeeze() takes "
            "axes of size 1 away.",
        ),
    ),
)


def _count_cases(draw):
    def inputs(kernel_size, bias=True):
        channels = draw.unequal(2, 20)
        return {
            "in_channels": channels[0],
            "out_channels": channels[1],
            "kernel_size": kernel_size,
            "bias": bias,
        }

    yield case("the worked example", in_channels=3, out_channels=16, kernel_size=3, bias=True)
    for _ in range(9):
        yield case("kernel_size an int", **inputs(draw.integer(2, 7)))
    for _ in range(7):
        yield case("kernel_size a pair", **inputs(draw.unequal(1, 7)))
    for _ in range(6):
        yield case("no bias", **inputs(draw.integer(2, 7), bias=False))
    yield case("no bias", **inputs(draw.unequal(1, 7), bias=False))


def _sides(kernel_size):
    return (kernel_size, kernel_size) if isinstance(kernel_size, int) else kernel_size


def _counted(weights, biases=lambda i, o, k: o):
    """An answer to `count_parameters` from what it counts as weights and, where there is a bias, as biases."""

    def count_parameters(in_channels, out_channels, kernel_size, bias):
        sizes = in_channels, out_channels, _sides(kernel_size)
        return weights(*sizes) + (biases(*sizes) if bias else 0)

    return count_parameters


def _weights(i, o, k):
    return i * o * math.prod(k)


count_parameters = Exercise(
    name="count_parameters",
    reference=_counted(_weights),
    cases=_count_cases,
    points=4,
    difficulty=1,
    minutes=5,
    forbidden=LAYER,
    misconceptions=(
        Misconception(
            "a kernel without depth",
            _counted(lambda i, o, k: o * math.prod(k)),
            "You count one flat kernel a filter. A filter reaches through all input channels: in_channels slices "
            "of kH x kW numbers.",
        ),
        Misconception(
            "one filter counted",
            _counted(lambda i, o, k: i * math.prod(k)),
            "You count the weights of one filter. There are out_channels of them.",
        ),
        Misconception(
            "one filter with its bias counted",
            _counted(lambda i, o, k: i * math.prod(k), lambda i, o, k: 1),
            "You count one filter and its bias. The layer has out_channels such filters, each with a bias.",
        ),
        Misconception(
            "one flat kernel counted",
            _counted(lambda i, o, k: math.prod(k), lambda i, o, k: 0),
            "kH x kW is one slice of one filter. A filter has a slice for every input channel, the layer has "
            "out_channels filters, and each filter has a bias.",
        ),
        Misconception(
            "in and out added",
            _counted(lambda i, o, k: (i + o) * math.prod(k)),
            "in_channels + out_channels counts too little: every output channel has a kernel for every input "
            "channel, as in a multiplication table.",
        ),
        Misconception(
            "kernel sides added",
            _counted(lambda i, o, k: i * o * sum(k)),
            "A kernel of kH rows and kW columns holds kH * kW numbers, not kH + kW.",
        ),
        Misconception(
            "one side of the kernel counted",
            _counted(lambda i, o, k: i * o * k[0]),
            "Only one side of the kernel is in your count. A kernel of size 3 is a 3 x 3 grid of 9 numbers.",
        ),
        Misconception(
            "kernel taken for square",
            _counted(lambda i, o, k: i * o * k[0] ** 2),
            "A pair is (kH, kW), and the two may differ: multiply them instead of squaring the first.",
        ),
        Misconception(
            "bias forgotten",
            _counted(_weights, lambda i, o, k: 0),
            "The biases are parameters too: with bias=True there is one for each filter.",
        ),
        Misconception(
            "bias always counted",
            lambda i, o, kernel_size, bias: _counted(_weights)(i, o, kernel_size, True),
            "With bias=False there is no bias to count.",
        ),
        Misconception(
            "a single bias for the layer",
            _counted(_weights, lambda i, o, k: 1),
            "You count one bias for the whole layer. Each filter has its own: out_channels of them.",
        ),
        Misconception(
            "a bias for each input channel",
            _counted(_weights, lambda i, o, k: i),
            "You count the biases of the input channels. A bias is added to an output grid, so there are "
            "out_channels of them.",
        ),
        Misconception(
            "a bias for each slice",
            _counted(_weights, lambda i, o, k: i * o),
            "You count a bias for every pair of input and output channel. A filter adds up all its slices first "
            "and then adds one bias.",
        ),
        Misconception(
            "a bias for each position",
            _counted(_weights, lambda i, o, k: o * math.prod(k)),
            "You count a bias for each cell of the kernel. The bias does not go with a position: a filter has "
            "one, and adds it to every cell of its output.",
        ),
        Misconception(
            "a pair not expected",
            lambda i, o, kernel_size, bias: _counted(_weights)(i, o, int(kernel_size), bias),
            "kernel_size may be a pair (kH, kW) as well as an int, as in nn.Conv2d. Ask isinstance(kernel_size, "
            "int), and make a pair of the int.",
        ),
        Misconception(
            "an int not expected",
            lambda i, o, kernel_size, bias: _counted(_weights)(i, o, tuple(kernel_size), bias),
            "kernel_size may be an int, which stands for a square kernel: 3 is short for (3, 3). Make a pair of "
            "it before you unpack it.",
        ),
    ),
)

predicted_grids = question(
    "predicted_grids",
    "sha256:63ebd7b33f71f1b4",
    Misconception(
        "one output for each colour",
        "sha256:7083652d06e18c4a",
        "Three kernels, but one filter: at each place the three sums are added up to one number.",
    ),
    Misconception(
        "an output for each weight of a kernel",
        "sha256:02914a182f6b9755",
        "Nine weights are multiplied at each place, and their products are added up. A filter, however many "
        "weights it has, gives one number a place.",
    ),
    Misconception(
        "a colour picture comes out",
        "sha256:fbd950c7e6c4c4b4",
        "The output has no colours. Its numbers say how well each place fits the filter; you get more grids "
        "with more filters.",
    ),
)

predicted_weight = question(
    "predicted_weight",
    "sha256:ff4d695d9f93f819",
    Misconception(
        "in and out swapped",
        "sha256:598a9f40a948d9a5",
        "The arguments of nn.Conv2d go in, out, kernel. The weight goes out, in, kernel: its first axis "
        "picks a filter.",
    ),
    Misconception(
        "a kernel without depth",
        "sha256:e2b665da5133f87e",
        "This has no room for the two input channels. Each of the 28 filters needs a kernel for each of them.",
    ),
    Misconception(
        "batch mixed into the weight",
        "sha256:12a28760410b28e8",
        "How many images come at a time is no business of the weight's: the same filters serve every image.",
    ),
)

predicted_parameters = question(
    "predicted_parameters",
    "sha256:eeefdd15678cfa3f",
    Misconception(
        "parameters grow with the image",
        "sha256:0e1847dbf151b2e7",
        "The window slides further, with the same numbers in it. A larger image costs more sums and no more "
        "weights.",
    ),
    Misconception(
        "parameters grow with the batch",
        "sha256:477a5faa5d8c02d8",
        "Every image of a batch meets the same filters. A larger batch costs more sums and no more weights.",
    ),
    Misconception(
        "parameters grow with image and batch",
        "sha256:8dcacf0c9d898958",
        "Neither counts. The same filters slide over every place of every image: more sums, no more weights.",
    ),
)
