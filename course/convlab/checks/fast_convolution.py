"""Notebook 06: one matrix product for all windows, and how to measure what it gains."""

from __future__ import annotations

import itertools
import math
import statistics
import time
from unittest import mock

import torch
from torch.nn import functional as F

from . import calls
from .compare import close
from .draw import LAYOUTS
from .exercise import Exercise, Misconception, case, question
from .machine import Machine
from .watch import CONVOLUTION

X = torch.stack([torch.arange(1.0, 13).view(3, 4), -torch.arange(1.0, 13).view(3, 4)])[None]
NO, ONE = (0, 0), (1, 1)


def _setting(draw, n, layout="contiguous", dtype=torch.float32):
    """An input of shape (N, C, H, W) with more cells than any kernel drawn here, a kernel size and a stride.

    Where n is odd, no side of the kernel is 1.
    """
    shape = draw.integer(1, 2), draw.integer(2, 3), *draw.unequal(7, 10)
    return draw.tensor(*shape, dtype=dtype, layout=layout), draw.unequal(1 + n % 2, 3), draw.unequal(1, 3)


def _viewed(work, x, kernel_size, stride, same_memory=None):
    """What `work` returns, and whether it lies in the memory of x where the case asks for that."""
    found = work(x, kernel_size, stride)
    if same_memory is None or not isinstance(found, torch.Tensor):
        return found
    shared = found.untyped_storage().data_ptr() == x.untyped_storage().data_ptr()
    return {"windows": found, "lies in the memory of x": shared}


def _windows_cases(draw):
    yield case("the worked example", x=X, kernel_size=(2, 2), stride=(1, 1))
    for n in range(8):
        x, kernel_size, stride = _setting(draw, n)
        yield case("any input, kernel and stride", x=x, kernel_size=kernel_size, stride=stride)
    for n, layout in enumerate(LAYOUTS[:0:-1] * 4):
        dtype = draw.choice((torch.float32, torch.float64, torch.int64))
        x, kernel_size, stride = _setting(draw, n // 2, layout, dtype)
        yield case("transposed and sliced inputs", x=x, kernel_size=kernel_size, stride=stride)
    for n, layout in enumerate(LAYOUTS * 2):
        x, kernel_size, stride = _setting(draw, n, layout)
        yield case("no number is copied", x=x, kernel_size=kernel_size, stride=stride, same_memory=True)


def _windows(x, k, s):
    return x.unfold(2, k[0], s[0]).unfold(3, k[1], s[1])


def _strided(x, k, s, strides, offset=None):
    """`as_strided` with the right shape, `strides` for (N, C, H, W) and an offset."""
    n, c, h, w = strides
    shape = _windows(x, k, s).shape
    offset = x.storage_offset() if offset is None else offset
    return x.as_strided(shape, (n, c, h * s[0], w * s[1], h, w), offset)


windows = Exercise(
    name="windows",
    reference=_windows,
    cases=_windows_cases,
    points=4,
    difficulty=3,
    minutes=15,
    forbidden=CONVOLUTION,
    call=_viewed,
    misconceptions=(
        Misconception(
            "strides hard-coded for contiguous input",
            lambda x, k, s: _strided(x, k, s, (math.prod(x.shape[1:]), math.prod(x.shape[2:]), x.shape[3], 1)),
            "You work the strides out from the shape: W cells from row to row, 1 from column to column. A "
            "transposed or sliced input lies in memory in another way. Ask it: x.stride().",
        ),
        Misconception(
            "made contiguous first",
            lambda x, k, s: _windows(x.contiguous(), k, s),
            ".contiguous() copies a transposed or sliced input as a whole. as_strided needs no such copy if you "
            "take the four strides from x.stride().",
        ),
        Misconception(
            "storage copied",
            lambda x, k, s: _windows(x, k, s).clone(),
            "The numbers are right, but they are copies in memory of their own. torch.stack, torch.cat, clone, "
            "contiguous and often reshape copy. as_strided and unfold only look at the numbers of x.",
        ),
        Misconception(
            "start of the slice forgotten",
            lambda x, k, s: _strided(x, k, s, x.stride(), offset=0),
            "A slice need not start at the first number of its storage. as_strided starts where x starts if you "
            "leave its third argument out; 0 is the start of the storage.",
        ),
        Misconception(
            "stride forgotten in the view's strides",
            lambda x, k, s: x.as_strided(_windows(x, k, s).shape, (*x.stride(), *x.stride()[2:])),
            "You have the right number of windows, but each starts one cell after the last. From window to window "
            "you go stride[0] rows down: stride[0] * x.stride(2) numbers on in memory. Likewise to the right.",
        ),
        Misconception(
            "stride ignored",
            lambda x, k, s: _windows(x, k, ONE),
            "You return the windows of stride 1. With stride (2, 3) a window starts at every second row and every "
            "third column only: that changes the number of windows and the steps between them.",
        ),
        Misconception(
            "stride swapped",
            lambda x, k, s: _windows(x, k, s[::-1]),
            "stride[0] goes with the height, the third axis of x, and stride[1] with the width.",
        ),
        Misconception(
            "kernel size swapped",
            lambda x, k, s: _windows(x, k[::-1], s),
            "kernel_size[0] is the window's height, kernel_size[1] its width: (kH, kW), as everywhere in PyTorch.",
        ),
        Misconception(
            "each window transposed",
            lambda x, k, s: _windows(x, k, s).mT,
            "Each window lies on its side. Of the last two axes, the first counts rows and the second columns.",
        ),
        Misconception(
            "window before place",
            lambda x, k, s: _windows(x, k, s).permute(0, 1, 4, 5, 2, 3),
            "Your axes are (N, C, kH, kW, H', W'). The contract asks for the place first and then the cell in "
            "the window: (N, C, H', W', kH, kW).",
        ),
        Misconception(
            "channel after the place",
            lambda x, k, s: _windows(x, k, s).permute(0, 2, 3, 1, 4, 5),
            "Your axes are (N, H', W', C, kH, kW). The channel stays where x has it, right after the batch: "
            "(N, C, H', W', kH, kW).",
        ),
        Misconception(
            "last window left out",
            lambda x, k, s: _windows(x, k, s)[:, :, :-1, :-1],
            "One row and one column of windows are missing at the end. (H - kH) // stride is the number of steps; "
            "the first place counts as well.",
        ),
    ),
)


def _unfold(x, k, s, p, d):
    return F.unfold(x, k, dilation=d, padding=p, stride=s)


def _column_cases(draw):
    def columns(aspect, x, k, s, p=NO, d=ONE):
        return case(aspect, x=x, kernel_size=k, stride=s, padding=p, dilation=d)

    yield columns("the worked example", X, (2, 2), ONE)
    for n in range(8):
        yield columns("any input, kernel and stride", *_setting(draw, n))
    for n in range(8):
        yield columns("padding and dilation", *_setting(draw, n), draw.unequal(0, 2), draw.unequal(1, 2))
    for n, layout in enumerate(LAYOUTS[1:] * 3):
        setting = _setting(draw, n // 2, layout, draw.choice((torch.float32, torch.float64)))
        yield columns("transposed and sliced inputs", *setting, (1, 2) if n % 3 == 1 else NO)


def _by_axes(*order):
    """The answer whose columns list the axes (N, C, kH, kW, H', W') in `order`, folded to three axes."""

    def im2col(x, k, s, p, d):
        columns = _unfold(x, k, s, p, d)
        return _split(x, k, s, p, d, columns).permute(order).reshape(columns.shape)

    return im2col


def _split(x, k, s, p, d, columns):
    """Columns of shape (N, C·kH·kW, H'·W') as (N, C, kH, kW, H', W')."""
    height, width = (
        (n + 2 * q - e * (m - 1) - 1) // t + 1 for n, m, t, q, e in zip(x.shape[2:], k, s, p, d, strict=True)
    )
    return columns.view(x.shape[0], x.shape[1], *k, height, width)


im2col = Exercise(
    name="im2col",
    reference=_unfold,
    cases=_column_cases,
    points=8,
    difficulty=3,
    minutes=12,
    forbidden=CONVOLUTION,
    misconceptions=(
        Misconception(
            "windows reshaped without moving their axes",
            _by_axes(0, 1, 4, 5, 2, 3),
            "The shape is right and the numbers are in the wrong places. reshape never reorders: it reads the "
            "windows as (N, C, H', W', kH, kW) and cuts that line anew. Permute to (N, C, kH, kW, H', W') first.",
        ),
        Misconception(
            "columns transposed",
            lambda *given: _unfold(*given).mT,
            "Your matrix has a row for each place. It should have a column for each place and a row for each cell "
            "of the kernel: (N, C·kH·kW, H'·W').",
        ),
        Misconception(
            "channel and kernel order mixed",
            _by_axes(0, 2, 3, 1, 4, 5),
            "In your rows the channel changes fastest. The order is that of w.flatten(1): all kernel cells of "
            "channel 0 first, then all of channel 1.",
        ),
        Misconception(
            "kernel cells read column by column",
            _by_axes(0, 1, 3, 2, 4, 5),
            "Within a channel you go down the kernel's columns. A tensor is flattened row by row: (0, 0), (0, 1), "
            "..., then the next row.",
        ),
        Misconception(
            "places read column by column",
            _by_axes(0, 1, 2, 3, 5, 4),
            "Your columns go down the image first. Places are counted row by row, as out.flatten(2) counts them: "
            "all places of the first row, then the second.",
        ),
        Misconception(
            "batch folded into the columns",
            lambda *given: _unfold(*given).transpose(0, 1).flatten(1),
            "You put the images of the batch side by side into one matrix. That is a good way too, but here each "
            "image keeps a matrix of its own: (N, C·kH·kW, H'·W').",
        ),
        Misconception(
            "only the first image",
            lambda *given: _unfold(*given)[0],
            "This is one matrix, that of the first image, and the batch axis is gone. Each image has a matrix: "
            "(N, C·kH·kW, H'·W'), also where N is 1.",
        ),
        Misconception(
            "stride ignored",
            lambda x, k, s, p, d: _unfold(x, k, ONE, p, d),
            "There is a column for every place of stride 1. Hand the stride on to windows.",
        ),
        Misconception(
            "stride swapped",
            lambda x, k, s, p, d: _unfold(x, k, s[::-1], p, d),
            "stride[0] goes with the height and stride[1] with the width.",
        ),
        Misconception(
            "padding ignored",
            lambda x, k, s, p, d: _unfold(x, k, s, NO, d),
            "The windows may hang over the edge by `padding` cells, over zeros. Pad x before you cut its windows.",
        ),
        Misconception(
            "padded above and on the left only",
            lambda x, k, s, p, d: _unfold(F.pad(x, (p[1], 0, p[0], 0)), k, s, NO, d),
            "padding = (1, 2) means one row of zeros above and one below, two columns on the left and two on the "
            "right. Yours has them on one side only.",
        ),
        Misconception(
            "padded below and on the right only",
            lambda x, k, s, p, d: _unfold(F.pad(x, (0, p[1], 0, p[0])), k, s, NO, d),
            "padding = (1, 2) means zeros on both sides of each axis. Yours are at the end only, so every window "
            "sits too far down and to the right.",
        ),
        Misconception(
            "padding swapped",
            lambda x, k, s, p, d: _unfold(x, k, s, p[::-1], d),
            "F.pad starts with the last axis: (left, right, top, bottom). padding[0] is for top and bottom, so it "
            "comes second.",
        ),
        Misconception(
            "dilation ignored",
            lambda x, k, s, p, d: _unfold(x, k, s, p, ONE),
            "With dilation 2 the kernel touches every second cell: its window reaches over d·(k - 1) + 1 cells, "
            "and k of them count. You take neighbouring cells.",
        ),
        Misconception(
            "dilation counted as gaps",
            lambda x, k, s, p, d: _unfold(x, k, s, p, (d[0] + 1, d[1] + 1)),
            "dilation is the step from one kernel cell to the next, not the number of cells left out between "
            "them: dilation 1 is the ordinary kernel.",
        ),
        Misconception(
            "dilation swapped",
            lambda x, k, s, p, d: _unfold(x, k, s, p, d[::-1]),
            "dilation[0] spreads the kernel's rows, dilation[1] its columns.",
        ),
    ),
)


def _convolve(x, w, b, s, p, d):
    return F.conv2d(x, w, b, s, p, d)


W = torch.tensor([[1.0, 0, 0, -1], [0, 2, 1, 0], [1, 1, 1, 1]]).view(3, 1, 2, 2).repeat(1, 2, 1, 1)


def _weighted(draw, x, kernel_size, layout="contiguous"):
    """x with the weight, lying in memory in `layout`, and the bias of 2 to 4 filters."""
    filters = draw.integer(2, 4)
    return {
        "x": x,
        "w": draw.tensor(filters, x.shape[1], *kernel_size, dtype=x.dtype, layout=layout),
        "b": draw.tensor(filters, dtype=x.dtype),
    }


def _convolution_cases(draw):
    yield case("the worked example", x=X, w=W, b=torch.tensor([0.0, 10, 20]), stride=ONE, padding=NO, dilation=ONE)
    for aspect, layouts in (
        ("any stride, padding and dilation", (("contiguous", "contiguous"),) * 8),
        ("transposed and sliced inputs", (LAYOUTS[1:], LAYOUTS[:0:-1]) * 4),
        ("gradients for x, w and b", tuple((layout, "contiguous") for layout in LAYOUTS * 2)),
    ):
        for n, (x_layout, w_layout) in enumerate(layouts):
            x, kernel_size, stride = _setting(draw, n // 2, x_layout, draw.choice((torch.float32, torch.float64)))
            given = _weighted(draw, x, kernel_size, w_layout)
            places = {"stride": stride, "padding": draw.unequal(0, 2), "dilation": draw.unequal(1, 2)}
            if aspect.startswith("gradients"):
                shape = _convolve(*given.values(), *places.values()).shape
                given = {"upstream": draw.tensor(*shape, dtype=x.dtype), **given}
            yield case(aspect, **given, **places)


def _differentiated(work, **inputs):
    """What `work` returns, and its gradients where the case holds an upstream gradient."""
    return (calls.gradients if "upstream" in inputs else calls.function)(work, **inputs)


def _from_rows(x, w, b, s, p, d):
    """The matrix with a row for each place, reshaped into images as it is."""
    out = _convolve(x, w, b, s, p, d)
    return out.flatten(2).mT.reshape(out.shape)


def _batch_aside(x, w, b, s, p, d):
    """One matrix for the whole batch, (O, N·L), reshaped into images as it is."""
    out = _convolve(x, w, b, s, p, d)
    return out.transpose(0, 1).reshape(out.shape)


def _sideways(x, w, b, s, p, d):
    out = _convolve(x, w, b, s, p, d)
    return out.reshape(*out.shape[:2], out.shape[3], out.shape[2])


conv2d_im2col = Exercise(
    name="conv2d_im2col",
    reference=_convolve,
    cases=_convolution_cases,
    points=4,
    difficulty=2,
    minutes=8,
    forbidden=CONVOLUTION,
    call=_differentiated,
    misconceptions=(
        Misconception(
            "bias forgotten",
            lambda x, w, b, *rest: _convolve(x, w, None, *rest),
            "Each filter has a bias, b[o], that is added to all of its places.",
        ),
        Misconception(
            "weight reshaped instead of transposed",
            lambda x, w, b, *rest: _convolve(x, w.reshape(-1, w.shape[0]).mT.reshape(w.shape), b, *rest),
            "w.reshape(C·kH·kW, O) does not turn the matrix round: it cuts the numbers anew and mixes filters. "
            "Flatten to (O, C·kH·kW): one filter in each row. Transpose that if you need to.",
        ),
        Misconception(
            "weight flattened in another order than the columns",
            lambda x, w, b, *rest: _convolve(x, w.permute(0, 2, 3, 1).reshape(w.shape), b, *rest),
            "Row and column must list the same cells in the same order. The rows of im2col go channel by channel "
            "and then through the kernel, as w.flatten(1) does.",
        ),
        Misconception(
            "places before filters",
            _from_rows,
            "Your product has a row for each place and a column for each filter. reshape does not turn it round. "
            "Transpose to (N, O, H'·W') before you split the places into rows and columns.",
        ),
        Misconception(
            "batch mixed into the filters",
            _batch_aside,
            "With one matrix for the whole batch the product is (O, N·H'·W'), and reshape(N, O, ...) cuts it in "
            "the wrong places. Reshape to (O, N, H', W') and swap the first two axes, or keep a matrix per image.",
        ),
        Misconception(
            "height and width swapped",
            _sideways,
            "The places come row by row, so the last axis is the width: (N, O, H', W').",
        ),
        Misconception(
            "stride ignored",
            lambda x, w, b, s, p, d: _convolve(x, w, b, ONE, p, d),
            "Your output is that of stride 1. Hand the stride on to im2col.",
        ),
        Misconception(
            "padding ignored",
            lambda x, w, b, s, p, d: _convolve(x, w, b, s, NO, d),
            "Your output is that of padding 0. Hand the padding on to im2col.",
        ),
        Misconception(
            "dilation ignored",
            lambda x, w, b, s, p, d: _convolve(x, w, b, s, p, ONE),
            "Your output is that of dilation 1. Hand the dilation on to im2col.",
        ),
        Misconception(
            "padding added again to the result",
            lambda x, w, b, s, p, d: F.pad(_convolve(x, w, b, s, NO, d), (p[1], p[1], p[0], p[0])),
            "The zeros belong round the input, before the windows are cut, not round the output.",
        ),
        Misconception(
            "kernel flipped",
            lambda x, w, b, *rest: _convolve(x, w.flip(2, 3), b, *rest),
            "This is the mathematician's convolution. PyTorch's slides the kernel as it is.",
        ),
        Misconception(
            "cut from autograd's graph",
            lambda *given: _convolve(*given).detach(),
            "The numbers are right, but no gradient gets back to x, w and b: .data, .detach(), .item(), NumPy and "
            "torch.tensor(...) cut the graph. A layer that is to be trained needs it.",
        ),
        Misconception(
            "weight cut from autograd's graph",
            lambda x, w, b, *rest: _convolve(x, w.detach(), b, *rest),
            "x receives its gradient, w does not: w.data or w.detach() cuts it off. Flatten w itself.",
        ),
    ),
)


class _OnTheAccelerator(torch.Tensor):
    """A tensor that says it lies on a GPU."""

    device = torch.device("cuda", 0)
    is_cuda = True
    is_cpu = False


def _seconds(first, then):
    """The seconds of the calls of a function: `first` for three of them, and `then`, over and over, afterwards."""
    return itertools.chain([first] * 3, itertools.cycle(then))


def _timed(work, fn, reference, accelerator):
    """What `work` measures on a `Machine`: its clock and accelerator stand in for Python's and torch's."""
    machine = Machine(accelerator)
    x = torch.ones(1)
    fn, reference = (
        machine.function(_seconds(one["first"], one["then"]), one.get("returns_after")) for one in (fn, reference)
    )
    waiting = {"is_available": lambda: accelerator, "synchronize": machine.synchronize}
    with (
        machine.clock(),
        mock.patch.multiple(torch.accelerator, **waiting),
        mock.patch.multiple(torch.cuda, **waiting),
    ):
        ratio = work(fn, reference, x.as_subclass(_OnTheAccelerator) if accelerator else x)
    return round(ratio, 6) if isinstance(ratio, float) else ratio


def _by_chance(turn, usual, slow, quick):
    """Times of the calls after the first three: the median of the first five or more is `usual`.

    Of fewer it is not, where the slow ones come first.
    """
    if turn % 2:
        return [slow, slow, quick, *[usual] * 97]
    return ([slow, usual, quick, usual] * 2)[turn // 2 :][:4]


def _timing_cases(draw):
    """Seconds that give each way of measuring a number of its own, however often it repeats the calls."""
    yield case(
        "the worked example",
        fn={"first": 2000.0, "then": [0.006]},
        reference={"first": 5000.0, "then": [0.002]},
        accelerator=False,
    )
    for turn in range(8):
        for aspect, function in (
            ("first calls that are slow", lambda usual, more, share: {"first": 100.0 * more, "then": [usual]}),
            (
                "calls that take longer or shorter by chance",
                lambda usual, more, share, turn=turn: {
                    "first": 1000.0 * share * more,
                    "then": _by_chance(turn, usual, 1000.0 * more, share * usual),
                },
            ),
            (
                "work that goes on after the call",
                lambda usual, more, share: {"first": usual, "then": [usual], "returns_after": more / 1e6},
            ),
        ):
            usual, more = draw.unequal(2, 9), draw.unequal(10, 90)
            fn, reference = (
                function(n / 1000, m, share) for n, m, share in zip(usual, more, (0.5, 0.25), strict=True)
            )
            yield case(aspect, fn=fn, reference=reference, accelerator="returns_after" in fn)


def _measured(
    fn,
    reference,
    x,
    warm_up=(3, 3),
    repeats=5,
    summary=statistics.median,
    ratio=lambda one, other: one / other,
    wait=lambda: torch.accelerator.synchronize() if torch.accelerator.is_available() else None,
    clock=lambda: time.perf_counter(),
):
    """The right answer to `time_ratio`, with each of its decisions open to change."""

    def seconds(function, calls):
        for _ in range(calls):
            function(x)
        times = []
        for _ in range(repeats):
            wait()
            start = clock()
            function(x)
            wait()
            times.append(clock() - start)
        return summary(times)

    return ratio(seconds(fn, warm_up[0]), seconds(reference, warm_up[1]))


def _measuring(**change):
    return lambda fn, reference, x: _measured(fn, reference, x, **change)


def _near(actual, expected):
    """`close`, but a thousandth off is near enough: a mean of times that differ widely is never exact."""
    actual = actual.item() if isinstance(actual, torch.Tensor) and actual.numel() == 1 else actual
    if not (isinstance(actual, float) and isinstance(expected, float)):
        return close(actual, expected)
    return None if math.isclose(actual, expected, rel_tol=1e-3) else f"it gave {actual:g}, expected {expected:g}"


time_ratio = Exercise(
    name="time_ratio",
    reference=_measured,
    cases=_timing_cases,
    points=4,
    difficulty=3,
    minutes=15,
    call=_timed,
    compare=_near,
    misconceptions=(
        Misconception(
            "timing the first call",
            _measuring(warm_up=(0, 0), repeats=1),
            "The first calls do work that later ones need not do: they take memory, load code, choose an "
            "algorithm. Call each function three times before you time it.",
        ),
        Misconception(
            "first calls counted in the average",
            _measuring(warm_up=(0, 0), summary=statistics.mean),
            "The slow first calls are in your average. Call each function three times without a clock, and then "
            "take the median of the calls that follow.",
        ),
        Misconception(
            "warmed up too little",
            _measuring(warm_up=(1, 1)),
            "Some of the slow first calls are among those you time, and push the median up. Call each function "
            "three times before.",
        ),
        Misconception(
            "only fn warmed up",
            _measuring(warm_up=(3, 0)),
            "fn has had its slow first calls when you time it, reference has not, so the comparison is unfair. "
            "Call both three times first.",
        ),
        Misconception(
            "asynchronous work timed without synchronising",
            _measuring(wait=lambda: None),
            "On an accelerator a call only puts work into a queue and returns. You read the clock while the work "
            "is still going on. Where torch.accelerator.is_available(), call torch.accelerator.synchronize() "
            "before you read the clock, the first time and the second.",
        ),
        Misconception(
            "synchronised where there is no accelerator",
            _measuring(wait=lambda: torch.accelerator.synchronize()),
            "torch.accelerator.synchronize() fails on a machine without an accelerator. Ask "
            "torch.accelerator.is_available() first.",
        ),
        Misconception(
            "mean instead of median",
            _measuring(summary=statistics.mean),
            "You take the mean (or the sum), so that one call during which the machine did something else decides "
            "the result. The median does not care how slow the slowest was. Time every call by itself and take "
            "the median.",
        ),
        Misconception(
            "fastest call instead of the median",
            _measuring(summary=min),
            "You compare the fastest calls. That shows what is possible on a good day; the contract asks for the "
            "median, the usual day.",
        ),
        Misconception(
            "three calls only",
            _measuring(repeats=3),
            "Of three calls two may be unlucky, and then the median is as well. Time at least five of each "
            "function.",
        ),
        Misconception(
            "one call only",
            _measuring(repeats=1),
            "One call may be a lucky or an unlucky one. Time at least five of each function and take the median.",
        ),
        Misconception(
            "ratio upside down",
            _measuring(ratio=lambda one, other: other / one),
            "You divide the time of reference by that of fn. The contract asks how many times as long fn takes: "
            "fn above, reference below.",
        ),
        Misconception(
            "difference instead of ratio",
            _measuring(ratio=lambda one, other: one - other),
            "You subtract. A difference in seconds means something else on every machine; a ratio travels.",
        ),
        Misconception(
            "reference never timed",
            _measuring(ratio=lambda one, other: one),
            "This is the time of fn in seconds. Divide it by that of reference.",
        ),
        Misconception(
            "time.time() for perf_counter()",
            _measuring(clock=lambda: time.time()),
            "time.time() tells the date. On some systems it ticks too rarely for a quick call, which then takes "
            "0 seconds, and it jumps when the clock is set. time.perf_counter() is made for measuring.",
        ),
    ),
)

predicted_storage = question(
    "predicted_storage",
    "sha256:650eb3db3b18817c",
    Misconception(
        "a copy beside the original",
        "sha256:4e15d058ef534562",
        "That would be the row and a copy of every window. as_strided copies nothing: the windows are read from "
        "the row's own memory.",
    ),
    Misconception(
        "what is printed is what is stored",
        "sha256:5581e8a7ac371bb4",
        "12 numbers are printed, but several of them are the same place in memory. How many places are there?",
    ),
    Misconception(
        "one window counted",
        "sha256:92657601df70b9ac",
        "3 is the size of one window. Together the windows still show every number of the row.",
    ),
)

predicted_copies = question(
    "predicted_copies",
    "sha256:5819e08ce2e7665d",
    Misconception(
        "windows taken for tiles",
        "sha256:38d5ee7baffb4928",
        "Once would do if the windows lay side by side. At stride 1 they overlap: in how many of them is the "
        "middle cell?",
    ),
    Misconception(
        "one axis counted",
        "sha256:b9316188437a405c",
        "The cell can be in the first, second or third row of a window, and in its first, second or third column. "
        "That is three times three.",
    ),
    Misconception(
        "cells of the image counted",
        "sha256:5148d2f6a97ca67a",
        "There are only 3 × 3 = 9 windows at all. How many of them hold the middle cell?",
    ),
)

predicted_stopwatch = question(
    "predicted_stopwatch",
    "sha256:56460bc85684a7f1",
    Misconception(
        "call and work added up",
        "sha256:58e9a042f28f4b49",
        "8.05 ms is when the GPU is done. Nothing here waits for that: the clock is read as soon as the call "
        "returns.",
    ),
    Misconception(
        "the call waits for its work",
        "sha256:531475fc2468cc62",
        "This would be so if the call waited. It only puts the work into a queue and returns, and then the clock "
        "is read.",
    ),
    Misconception(
        "no answer without waiting",
        "sha256:6729cbdbd2c5d372",
        "Reading the clock needs nothing from the GPU, so it does not wait. Only using the numbers in y would.",
    ),
)
