"""Notebook 03: stride, padding and dilation."""

from __future__ import annotations

import torch
from torch.nn import functional as F

from .draw import LAYOUTS
from .exercise import Exercise, Misconception, case, question
from .watch import CONVOLUTION

PADDING = {
    "aten.constant_pad_nd": "PyTorch's own padding (F.pad, nn.ZeroPad2d or a relative)",
    "numpy.lib._arraypad_impl": "NumPy's own padding",
}
"""What pads with a constant: for the exercise that writes it."""


def _pad(x, left, right, top, bottom, value):
    return F.pad(x, (left, right, top, bottom), value=value)


SIDES = ("left", "right", "top", "bottom")


def _widths(draw):
    """A width from 1 to 5 for each side, all different."""
    widths = list(range(1, 6))
    return {side: widths.pop(draw.integer(0, len(widths) - 1)) for side in SIDES}


def _value(draw, whole=False):
    """A value that is no input's: whole, or half of an odd number."""
    return draw.choice((-11, 10, 12)) if whole else draw.choice((-10.5, 9.5, 11.5))


def _pad_cases(draw):
    x = torch.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
    yield case("the worked example", x=x, left=1, right=3, top=2, bottom=1, value=9)
    for i in range(9):
        x = draw.tensor(*draw.unequal(2, 4))
        yield case("four different widths", x=x, **_widths(draw), value=_value(draw, whole=i % 3 == 0))
    for side in (*SIDES, "right", "bottom"):
        widths = _widths(draw) | {side: 0}
        yield case("a side without padding", x=draw.tensor(*draw.unequal(2, 4)), **widths, value=_value(draw))
    for i, layout in enumerate(LAYOUTS * 3):
        whole = i % 2 == 1
        front = ((), (1,), (2, 3))[i // 3]
        x = draw.tensor(*front, *draw.unequal(2, 4), dtype=torch.int64 if whole else torch.float64, layout=layout)
        yield case("more axes, other dtypes and layouts", x=x, **_widths(draw), value=_value(draw, whole))


def _minus_zero(x, left, right, top, bottom, value):
    out = x.new_full((*x.shape[:-2], x.shape[-2] + top + bottom, x.shape[-1] + left + right), value)
    out[..., top:-bottom, left:-right] = x
    return out


def _matrices_only(x, left, right, top, bottom, value):
    _height, _width = x.shape
    return _pad(x, left, right, top, bottom, value)


def _unfronted(x, left, right, top, bottom, value):
    height, width = x.shape[:2]
    out = x.new_full((top + height + bottom, left + width + right), value)
    out[top : top + height, left : left + width] = x
    return out


def _added(x, left, right, top, bottom, value):
    out = _pad(x, left, right, top, bottom, value)
    out[..., top : top + x.shape[-2], left : left + x.shape[-1]] += value
    return out


def _framed(x, left, right, top, bottom, value):
    out = x.clone()
    height, width = x.shape[-2:]
    out[..., :top, :] = value
    out[..., max(height - bottom, 0) :, :] = value
    out[..., :left] = value
    out[..., max(width - right, 0) :] = value
    return out


pad2d = Exercise(
    name="pad2d",
    reference=_pad,
    cases=_pad_cases,
    points=4,
    difficulty=2,
    minutes=8,
    forbidden=PADDING,
    misconceptions=(
        Misconception(
            "[p:-p] at p = 0",
            _minus_zero,
            "A slice such as [top:-bottom] counts the end from the back, and -0 is 0: with bottom = 0 it ends "
            "before it starts and holds nothing. Count from the front instead: [top : top + H].",
        ),
        Misconception(
            "left and right swapped with top and bottom",
            lambda x, left, right, top, bottom, value: _pad(x, top, bottom, left, right, value),
            "left and right make the image wider, top and bottom make it higher. The height is the last axis "
            "but one, and the width the last.",
        ),
        Misconception(
            "left swapped with right, top with bottom",
            lambda x, left, right, top, bottom, value: _pad(x, right, left, bottom, top, value),
            "The shape is right, but x lies in the wrong corner. Row 0 of x has to land on row `top`, and its "
            "column 0 on column `left`.",
        ),
        Misconception(
            "x left in the top left corner",
            lambda x, left, right, top, bottom, value: _pad(x, 0, left + right, 0, top + bottom, value),
            "All the padding ended up below and to the right. x starts at row `top` and column `left`, not at 0.",
        ),
        Misconception(
            "padding counted once",
            lambda x, left, right, top, bottom, value: _pad(x, left, 0, top, 0, value),
            "The padded height is top + H + bottom, and the padded width left + W + right. You counted one "
            "side of each.",
        ),
        Misconception(
            "one width for both sides",
            lambda x, left, right, top, bottom, value: _pad(x, left, left, top, top, value),
            "You used left for the right side as well, and top for the bottom. They can differ: an even kernel "
            "will need that.",
        ),
        Misconception(
            "one width for all four sides",
            lambda x, left, right, top, bottom, value: _pad(x, left, left, left, left, value),
            "You used `left` on all four sides. Each side has a width of its own.",
        ),
        Misconception(
            "always zeros",
            lambda x, left, right, top, bottom, value: _pad(x, left, right, top, bottom, 0),
            "The new cells hold 0 whatever was asked for. Zero is only PyTorch's usual choice: fill them with "
            "`value`.",
        ),
        Misconception(
            "value added to the image as well",
            _added,
            "Your cells of x have grown by `value`: the output was filled with it first, and then x was added. "
            "Put x in with =, not with +=.",
        ),
        Misconception(
            "frame painted over the image",
            _framed,
            "Your output is as large as x, and its outer cells are overwritten. Padding keeps every cell of x "
            "and lays new ones around it.",
        ),
        Misconception(
            "matrices only",
            _matrices_only,
            "`H, W = x.shape` fails as soon as x has channels or a batch. Take the last two axes, whatever "
            "stands in front: `*front, H, W = x.shape`.",
        ),
        Misconception(
            "axes in front forgotten",
            _unfronted,
            "This works for matrices only: your output has two axes, and x may have more. Height and width are "
            "the last two, and what stands in front belongs into the new shape: `*front, H, W = x.shape`.",
        ),
        Misconception(
            "the first two axes padded",
            lambda x, left, right, top, bottom, value: _pad(
                x.movedim((0, 1), (-2, -1)), left, right, top, bottom, value
            ).movedim((-2, -1), (0, 1)),
            "Height and width are the last two axes. In a batch the first two count images and channels, and "
            "padding there would invent new ones.",
        ),
        Misconception(
            "dtype taken from the value",
            lambda x, left, right, top, bottom, value: _pad(x, left, right, top, bottom, value).to(
                torch.int64 if isinstance(value, int) else torch.float32
            ),
            "torch.full takes its dtype from the number that you give it, so value = 9 makes whole numbers. "
            "The output has the dtype of x: pass dtype=x.dtype, or call x.new_full.",
        ),
        Misconception(
            "result always float32",
            lambda x, left, right, top, bottom, value: _pad(x, left, right, top, bottom, value).float(),
            "torch.zeros(h, w) is float32 whatever x is. Pass dtype=x.dtype, or call x.new_full, which takes "
            "dtype and device from x.",
        ),
    ),
)


def _shape(
    places=lambda room, s: room // s + 1,
    span=lambda k, d: d * (k - 1) + 1,
    around=lambda p: 2 * p,
    fits=None,
):
    """An answer to `output_shape`, put together from its parts.

    `places` are found in the room that is left when the window lies at the start; `span` is what the window
    covers; `around` is the padding on both sides. `fits(n, k, p, d)` overrules the test of whether it fits.
    """

    def output_shape(hw, kernel_size, stride, padding, dilation):
        size = []
        for n, k, s, p, d in zip(hw, kernel_size, stride, padding, dilation, strict=True):
            room = n + around(p) - span(k, d)
            if not (fits(n, k, p, d) if fits else room >= 0):
                raise ValueError("the kernel does not fit")
            size.append(places(room, s))
        return tuple(size)

    return output_shape


_right_shape = _shape()


def _shape_cases(draw):
    for aspect, hw, kernel_size, stride, padding, dilation in _shapes(draw):
        yield case(aspect, hw=hw, kernel_size=kernel_size, stride=stride, padding=padding, dilation=dilation)


def _room(kernel_size, padding, dilation, extra):
    """The input that leaves `extra` cells along each axis when the window lies at the start; at least 1 cell."""
    return tuple(
        max(1, d * (k - 1) + 1 - 2 * p + more)
        for k, p, d, more in zip(kernel_size, padding, dilation, extra, strict=True)
    )


def _shapes(draw):
    yield "the worked example", (8, 9), (3, 2), (2, 3), (1, 0), (2, 1)
    for aspect in ("stride and padding", "dilation"):
        for i in range(9):
            dilation = (1, 1) if aspect == "stride and padding" else draw.unequal(2, 4)
            stride = draw.unequal(1, 4)
            if i % 3:
                kernel, padding, extra = draw.unequal(2, 5), draw.unequal(0, 3), draw.unequal(6, 12)
            else:
                kernel, padding, extra = draw.unequal(5, 7), draw.unequal(1, 2), (i % 2, draw.integer(2, 3))
            yield aspect, _room(kernel, padding, dilation, extra), kernel, stride, padding, dilation
    for i in range(6):  # where it would fit with the settings of the other axis
        kernel, padding, dilation = sorted(draw.unequal(5, 7)), (1, 0), (1, 1) if i % 3 == 2 else (2, 3)
        places = kernel, padding, dilation, (draw.integer(3, 5), -draw.integer(1, 2))
        kernel, padding, dilation, extra = (tuple(one)[:: 1 if i % 2 else -1] for one in places)
        hw = _room(kernel, padding, dilation, extra)
        yield "a kernel that does not fit", hw, kernel, draw.unequal(1, 3), padding, dilation


def _strided_first(hw, kernel_size, stride, padding, dilation):
    _right_shape(hw, kernel_size, stride, padding, dilation)
    kept = ((n + 2 * p + s - 1) // s for n, s, p in zip(hw, stride, padding, strict=True))
    return tuple(n - d * (k - 1) for n, k, d in zip(kept, kernel_size, dilation, strict=True))


output_shape = Exercise(
    name="output_shape",
    reference=_right_shape,
    cases=_shape_cases,
    points=8,
    difficulty=2,
    minutes=12,
    forbidden=CONVOLUTION,
    misconceptions=(
        Misconception(
            "rounded up",
            _shape(lambda room, s: -(-room // s) + 1),
            "You round up, which counts a last window that hangs over the edge. A step that does not fit is "
            "not taken: round down, with //.",
        ),
        Misconception(
            "rounded to the nearest",
            _shape(lambda room, s: round(room / s) + 1),
            "round() goes up from a half, now and then, and so counts a step that does not fit. Half a step is "
            "no step: round down, with //.",
        ),
        Misconception(
            "height and width swapped",
            lambda *pairs: _right_shape(*pairs)[::-1],
            "Every pair in PyTorch is (height, width), and so is your answer: height first.",
        ),
        Misconception(
            "every pair taken for square",
            lambda *pairs: _right_shape(*((pair[0], pair[0]) for pair in pairs)),
            "You used the first number of each pair for both axes. Height and width follow the same rule, each "
            "with numbers of its own.",
        ),
        Misconception(
            "one number of each setting for both axes",
            lambda hw, *pairs: _right_shape(hw, *((pair[0], pair[0]) for pair in pairs)),
            "hw is used as a pair, but kernel, stride, padding and dilation only by their first number. The "
            "width has its own: the second.",
        ),
        Misconception(
            "kernel plus dilation",
            _shape(span=lambda k, d: k + d),
            "The window covers d * (k - 1) + 1 cells, not k + d. Test yours at d = 1: nothing is spread, so it "
            "has to give k.",
        ),
        Misconception(
            "dilation counted once, not in every gap",
            _shape(span=lambda k, d: k + d - 1),
            "You widened one gap. A kernel of k cells has k - 1 gaps, and each is d cells long from one kernel "
            "cell to the next: d * (k - 1) + 1 cells in all.",
        ),
        Misconception(
            "kernel times dilation",
            _shape(span=lambda k, d: d * k),
            "d * k counts a gap after the last kernel cell too. k cells have k - 1 gaps between them, like "
            "fence posts: the window covers d * (k - 1) + 1 cells.",
        ),
        Misconception(
            "d empty cells in every gap",
            _shape(span=lambda k, d: (d + 1) * (k - 1) + 1),
            "Dilation d means steps of d from one kernel cell to the next, so d - 1 cells between them are "
            "skipped. Dilation 1 is the ordinary kernel.",
        ),
        Misconception(
            "dilation ignored",
            _shape(span=lambda k, d: k),
            "A dilated kernel covers more cells than it has: d * (k - 1) + 1 along an axis. Put that where you "
            "have k.",
        ),
        Misconception(
            "padding counted once",
            _shape(around=lambda p: p),
            "Padding p adds p cells at both ends of an axis: the padded size is n + 2p, not n + p.",
        ),
        Misconception(
            "padding ignored",
            _shape(around=lambda p: 0),
            "The window slides over the padded input. Its size along an axis is n + 2p, not n.",
        ),
        Misconception(
            "steps counted instead of places",
            _shape(lambda room, s: room // s),
            "room // stride is how many steps the window can take. The place where it starts counts as well: "
            "add 1.",
        ),
        Misconception(
            "1 added before the division",
            _shape(lambda room, s: (room + 1) // s),
            "The + 1 stands for the first place. It comes after the division: steps // stride, and then 1 more.",
        ),
        Misconception(
            "kernel forgotten",
            _shape(lambda room, s: room // s, span=lambda k, d: 0),
            "The padded size divided by the stride leaves the kernel out. The window needs its span for itself; "
            "only the room that is left is cut into steps.",
        ),
        Misconception(
            "stride ignored",
            _shape(lambda room, s: room + 1),
            "You count a place at every cell. With stride s only every s-th of them is visited: divide the "
            "room by the stride before you add 1.",
        ),
        Misconception(
            "stride applied before the window",
            _strided_first,
            "You thin out the input first and then slide. A stride skips windows, not input cells: first find "
            "the room that the window has, then divide that by the stride.",
        ),
        Misconception(
            "a float for a count",
            _shape(lambda room, s: room / s + 1),
            "A size is a whole number. / gives a float, and half a place is no place: use //.",
        ),
        Misconception(
            "a size that cannot be",
            _shape(fits=lambda n, k, p, d: True),
            "Where the kernel covers more cells than the padded input has, no window fits. Raise a ValueError "
            "that says so, rather than returning zero or less.",
        ),
        Misconception(
            "fit tested without the dilation",
            _shape(fits=lambda n, k, p, d: k <= n + 2 * p),
            "You compare kernel_size with the input. It is the spread kernel that has to fit: d * (k - 1) + 1 "
            "cells.",
        ),
        Misconception(
            "fit tested without the padding",
            _shape(fits=lambda n, k, p, d: d * (k - 1) + 1 <= n),
            "You refuse kernels that do fit: the window may lie on padding too. Compare with the padded size, "
            "n + 2p.",
        ),
        Misconception(
            "an exact fit refused",
            _shape(fits=lambda n, k, p, d: d * (k - 1) + 1 < n + 2 * p),
            "A kernel that covers the whole padded input fits: it has one place. Refuse only what is larger.",
        ),
    ),
)


def _convolve(x, w, b, stride, padding, dilation):
    return F.conv2d(x, w, b, stride, padding, dilation)


X = torch.tensor([[[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0], [7.0, 8.0, 9.0]]]])
W = torch.tensor([[[[1.0, 2.0], [0.0, -1.0]]]])
B = torch.tensor([0.5])


def _layer(draw, kernel, stride, padding, dilation, layout="contiguous", dtype=torch.float32):
    """A small layer and a batch for it, with more input channels than output channels or fewer."""
    inputs, outputs = draw.unequal(1, 3)
    height, width = _room(kernel, padding, dilation, draw.unequal(2, 5))
    return {
        "x": draw.tensor(draw.integer(1, 2), inputs, height, width, dtype=dtype, layout=layout),
        "w": draw.tensor(outputs, inputs, *kernel, dtype=dtype),
        "b": draw.tensor(outputs, dtype=dtype),
        "stride": stride,
        "padding": padding,
        "dilation": dilation,
    }


def _conv_cases(draw):
    aspect = "the worked example"
    yield case(aspect, x=X, w=W, b=B, stride=(2, 1), padding=(1, 0), dilation=(1, 2))
    for layout in (*LAYOUTS * 2, "contiguous"):
        sizes = draw.unequal(1, 3), draw.unequal(1, 3), draw.unequal(1, 2), (1, 1)
        yield case("stride and padding", **_layer(draw, *sizes, layout))
    for layout in (*LAYOUTS * 2, "contiguous"):
        sizes = draw.unequal(2, 3), draw.unequal(1, 3), draw.unequal(1, 2), draw.unequal(1, 3)
        yield case("dilation", **_layer(draw, *sizes, layout))
    for layout in LAYOUTS * 2:
        sizes = draw.unequal(2, 3), draw.unequal(1, 2), draw.choice(((0, 1), (1, 0))), draw.unequal(1, 2)
        yield case("float64, and an axis without padding", **_layer(draw, *sizes, layout, torch.float64))


def _cut(out, x, w, b, stride, padding, dilation):
    """As much of `out` from its top left corner as the right answer has."""
    height, width = _convolve(x, w, b, stride, padding, dilation).shape[-2:]
    return out[..., :height, :width]


def _subsampled(x, w, b, stride, padding, dilation):
    thinned = _pad(x, padding[1], padding[1], padding[0], padding[0], 0)[..., :: stride[0], :: stride[1]]
    return F.conv2d(thinned, w, b, dilation=dilation)


def _sides_swapped(x, w, b, stride, padding, dilation):
    """The right size, and windows cut by slices: where one sticks out it is too small, and multiplying fails."""
    height, width = output_shape.reference(x.shape[2:], w.shape[2:], stride, padding, dilation)
    x = _pad(x, padding[0], padding[0], padding[1], padding[1], 0)
    out = x.new_zeros(len(x), len(w), height, width)
    for i in range(height):
        for j in range(width):
            rows, columns = (
                slice(place * s, place * s + d * (k - 1) + 1, d)
                for place, s, k, d in zip((i, j), stride, w.shape[2:], dilation, strict=True)
            )
            out[:, :, i, j] = (x[:, None, :, rows, columns] * w).sum(dim=(2, 3, 4)) + b
    return out


def _padded_by_minus(x, w, b, stride, padding, dilation):
    p, q = padding
    padded = x.new_zeros(*x.shape[:2], x.shape[2] + 2 * p, x.shape[3] + 2 * q)
    padded[:, :, p:-p, q:-q] = x
    return F.conv2d(padded, w, b, stride, 0, dilation)


conv2d = Exercise(
    name="conv2d",
    reference=_convolve,
    cases=_conv_cases,
    points=8,
    difficulty=3,
    minutes=15,
    forbidden=CONVOLUTION,
    misconceptions=(
        Misconception(
            "stride applied before the window",
            _subsampled,
            "You keep every s-th cell of the input and slide over what is left. A window looks at neighbouring "
            "cells of the whole input; the stride says how far the window itself jumps.",
        ),
        Misconception(
            "stride applied before padding and window",
            lambda x, w, b, stride, padding, dilation: F.conv2d(
                x[..., :: stride[0], :: stride[1]], w, b, 1, padding, dilation
            ),
            "x[..., ::s, ::s] throws input cells away before any window sees them. A stride skips windows: slide "
            "over the whole padded input, and jump.",
        ),
        Misconception(
            "stride left out of the position",
            lambda x, w, b, stride, padding, dilation: _cut(
                F.conv2d(x, w, b, 1, padding, dilation), x, w, b, stride, padding, dilation
            ),
            "The output has the right shape, but its windows lie side by side in the top left corner. Output "
            "cell (i, j) belongs to the window that starts at row i * stride[0], column j * stride[1].",
        ),
        Misconception(
            "stride ignored",
            lambda x, w, b, stride, padding, dilation: F.conv2d(x, w, b, 1, padding, dilation),
            "Your window stops at every cell. With a stride it visits every s-th place only, and the output "
            "gets smaller.",
        ),
        Misconception(
            "height and width of the stride swapped",
            lambda x, w, b, stride, padding, dilation: F.conv2d(x, w, b, stride[::-1], padding, dilation),
            "stride[0] is the step down, from row to row, and stride[1] the step to the right.",
        ),
        Misconception(
            "height and width of the padding swapped",
            lambda x, w, b, stride, padding, dilation: F.conv2d(x, w, b, stride, padding[::-1], dilation),
            "padding[0] goes above and below, padding[1] to the left and right.",
        ),
        Misconception(
            "padding given to pad2d in the wrong order",
            _sides_swapped,
            "The output has the right size, but the image is padded on the wrong sides. pad2d takes left and "
            "right first, and these are the width's padding: padding[1].",
        ),
        Misconception(
            "height and width of the dilation swapped",
            lambda x, w, b, stride, padding, dilation: F.conv2d(x, w, b, stride, padding, dilation[::-1]),
            "dilation[0] spreads the kernel's rows, dilation[1] its columns.",
        ),
        Misconception(
            "every pair taken for square",
            lambda x, w, b, *pairs: F.conv2d(x, w, b, *(pair[0] for pair in pairs)),
            "You used the first number of stride, padding and dilation for both axes. The second is the width's.",
        ),
        Misconception(
            "padding counted once",
            lambda x, w, b, stride, padding, dilation: F.conv2d(
                _pad(x, padding[1], 0, padding[0], 0, 0), w, b, stride, 0, dilation
            ),
            "You padded above and on the left only. padding = (1, 2) means 1 row above and 1 below, 2 columns "
            "on the left and 2 on the right.",
        ),
        Misconception(
            "padding ignored",
            lambda x, w, b, stride, padding, dilation: F.conv2d(x, w, b, stride, 0, dilation),
            "Your window never leaves the input. Pad first, then slide over the padded input.",
        ),
        Misconception(
            "padding after the convolution",
            lambda x, w, b, stride, padding, dilation: _pad(
                F.conv2d(x, w, b, stride, 0, dilation), padding[1], padding[1], padding[0], padding[0], 0
            ),
            "You laid zeros around the output. Padding goes around the input, before the window slides, so "
            "that windows at the border see it.",
        ),
        Misconception(
            "[p:-p] at p = 0",
            _padded_by_minus,
            "-0 is 0, so at padding 0 the slice [p:-p] is [0:0], which is empty, and x does not go into it. "
            "Call your pad2d, or write [p : p + H].",
        ),
        Misconception(
            "dilation ignored",
            lambda x, w, b, stride, padding, dilation: F.conv2d(x, w, b, stride, padding),
            "Your kernel cells lie on neighbours. With dilation d they lie d cells apart, so the window reaches "
            "further and has fewer places.",
        ),
        Misconception(
            "gaps in the shape, but not in the window",
            lambda x, w, b, stride, padding, dilation: _cut(
                F.conv2d(x, w, b, stride, padding), x, w, b, stride, padding, dilation
            ),
            "The output has the right shape, but the window that you cut out has no gaps. A slice takes a "
            "step: start : start + d * (k - 1) + 1 : d.",
        ),
        Misconception(
            "bias forgotten",
            lambda x, w, b, stride, padding, dilation: F.conv2d(x, w, None, stride, padding, dilation),
            "Add b[o] once to every cell of output channel o.",
        ),
        Misconception(
            "bias added once per input channel",
            lambda x, w, b, stride, padding, dilation: F.conv2d(x, w, b * x.shape[1], stride, padding, dilation),
            "The bias is added inside the loop over the input channels, so it counts as often as there are "
            "channels. Add it once, after they are summed.",
        ),
        Misconception(
            "kernel flipped",
            lambda x, w, b, stride, padding, dilation: F.conv2d(x, w.flip(2, 3), b, stride, padding, dilation),
            "Your kernel is turned by 180 degrees. Lay it on the window as it is, top left on top left.",
        ),
        Misconception(
            "result always float32",
            lambda x, w, b, stride, padding, dilation: F.conv2d(x, w, b, stride, padding, dilation).float(),
            "torch.zeros(...) is float32 whatever goes in, and float64 loses digits in it. Make the output "
            "with dtype=x.dtype, or with x.new_zeros.",
        ),
    ),
)


def _both(total):
    """`total` cells of padding, shared out as PyTorch does it."""
    return total // 2, total - total // 2


def _same_cases(draw):
    yield case("the worked example", kernel_size=4, dilation=1)
    for kernel_size in (1, 3, 5, 7, 9, 11):
        yield case("odd kernels", kernel_size=kernel_size, dilation=1)
    for kernel_size in (2, 6, 8, 10, 12, 14):
        yield case("even kernels", kernel_size=kernel_size, dilation=1)
    for i in range(12):
        kernel_size, dilation = 2 * draw.integer(1, 5) + i % 2, 2 * draw.integer(1, 2) + i // 2 % 2
        yield case("dilated kernels", kernel_size=kernel_size, dilation=dilation)


same_padding = Exercise(
    name="same_padding",
    reference=lambda kernel_size, dilation: _both(dilation * (kernel_size - 1)),
    cases=_same_cases,
    points=4,
    difficulty=2,
    minutes=8,
    misconceptions=(
        Misconception(
            "extra cell on the wrong side",
            lambda kernel_size, dilation: _both(dilation * (kernel_size - 1))[::-1],
            "The size comes out right, but the odd cell lies before the row. PyTorch puts it after: the first "
            "number is the smaller one.",
        ),
        Misconception(
            "kernel_size // 2 at both ends",
            lambda kernel_size, dilation: (dilation * (kernel_size // 2),) * 2,
            "kernel_size // 2 at both ends fits odd kernels only. An even kernel gets one cell too many that "
            "way: an input of 8 cells comes out with 9.",
        ),
        Misconception(
            "kernel_size // 2 at both ends, dilation ignored",
            lambda kernel_size, dilation: (kernel_size // 2,) * 2,
            "This is the recipe padding = kernel_size // 2 of many tutorials. It fits odd kernels without "
            "dilation. Start from what the window costs, d * (k - 1) cells, and share that out.",
        ),
        Misconception(
            "halved before it is spread",
            lambda kernel_size, dilation: (dilation * ((kernel_size - 1) // 2), dilation * (kernel_size // 2)),
            "You share out k - 1 and multiply by d afterwards, so the two ends differ by d cells. They may differ "
            "by one: multiply first, then share out.",
        ),
        Misconception(
            "the odd cell left out",
            lambda kernel_size, dilation: (dilation * (kernel_size - 1) // 2,) * 2,
            "Where the total is odd, halving with // loses a cell, and the output comes out one too small. The "
            "two numbers must add up to d * (k - 1).",
        ),
        Misconception(
            "rounded up at both ends",
            lambda kernel_size, dilation: ((dilation * (kernel_size - 1) + 1) // 2,) * 2,
            "Where the total is odd, rounding up at both ends adds a cell, and the output comes out one too "
            "large. The two numbers must add up to d * (k - 1).",
        ),
        Misconception(
            "dilation ignored",
            lambda kernel_size, dilation: _both(kernel_size - 1),
            "A dilated window covers d * (k - 1) + 1 cells and so costs d * (k - 1) places, not k - 1.",
        ),
        Misconception(
            "kernel plus dilation",
            lambda kernel_size, dilation: _both(kernel_size + dilation - 1),
            "You take k + d for what the window covers. It covers d * (k - 1) + 1 cells, and 1 fewer than that "
            "is to be padded.",
        ),
        Misconception(
            "dilation counted once, not in every gap",
            lambda kernel_size, dilation: _both(kernel_size + dilation - 2),
            "You widened one gap only. Each of the k - 1 gaps is d cells long, so the total is d * (k - 1).",
        ),
        Misconception(
            "kernel times dilation",
            lambda kernel_size, dilation: _both(dilation * kernel_size - 1),
            "You take d * k for what the window covers, which counts a gap after the last kernel cell too. It "
            "covers d * (k - 1) + 1 cells.",
        ),
        Misconception(
            "all of it at both ends",
            lambda kernel_size, dilation: (dilation * (kernel_size - 1),) * 2,
            "d * (k - 1) is what both ends get together. With that much at each end the output grows.",
        ),
        Misconception(
            "the whole window shared out",
            lambda kernel_size, dilation: _both(dilation * (kernel_size - 1) + 1),
            "You share out what the window covers. What it costs is one cell less, because its first place "
            "gives an output cell too.",
        ),
        Misconception(
            "a float for a count",
            lambda kernel_size, dilation: (dilation * (kernel_size - 1) / 2,) * 2,
            "Half a cell cannot be padded: / gives a float. Use //, and give the rest to the other end.",
        ),
    ),
)

predicted_strided = question(
    "predicted_strided",
    "sha256:9a9fd1da83108505",
    Misconception(
        "rounded up",
        "sha256:2ac5c1f1b5daefc9",
        "The width has room for 100 - 3 = 97 cells of movement. That is 48 steps of 2, with one cell to "
        "spare, and half a step is not taken.",
    ),
    Misconception(
        "steps counted instead of places",
        "sha256:4ece100a1064cad7",
        "You counted steps. The place where the window starts gives an output cell too.",
    ),
    Misconception(
        "stride ignored",
        "sha256:c6d3eab4fa2fda0f",
        "That is the size at stride 1. At stride 2 only every second place is visited.",
    ),
    Misconception(
        "height and width swapped",
        "sha256:b757850f6f23f8f8",
        "Height first: the input has 51 rows and 100 columns.",
    ),
    Misconception(
        "halved, kernel and all",
        "sha256:697faaf741617119",
        "Divide the room that the window has, 51 - 3 for the height, and then add 1 for the first place.",
    ),
    Misconception(
        "the whole shape",
        "sha256:6ab546743f8fcd8a",
        "Right, but asked for are the height and the width only: the last two numbers.",
    ),
)

predicted_unread = question(
    "predicted_unread",
    "sha256:0b7aac0c46332545",
    Misconception(
        "no leftovers allowed",
        "sha256:d158801ff6d2be38",
        "PyTorch does not ask that the stride divides the room. It rounds down, without a word.",
    ),
    Misconception(
        "windows laid side by side",
        "sha256:4bf1a67ec0d90b8e",
        "31 % 5 is what windows would leave that touch but do not overlap. These windows start 4 cells apart.",
    ),
    Misconception(
        "window's own width forgotten",
        "sha256:c4b5f1695dc43bca",
        "31 % 4 leaves out that the first window covers 5 cells by itself. It is the room, 31 - 5, that is "
        "cut into steps of 4.",
    ),
)

predicted_square = question(
    "predicted_square",
    "sha256:bc31710969dba35a",
    Misconception(
        "padding ignored",
        "sha256:92c2f2f7ff650b54",
        "3 x 3 is what stride 2 gives without padding. With padding 1 the window slides over 10 x 10 cells.",
    ),
    Misconception(
        "rounded up, or kernel forgotten",
        "sha256:17275e513122270a",
        "10 / 2 leaves the kernel out. The window has room for 10 - 3 = 7 cells of movement, which is 3 steps"
        " of 2.",
    ),
    Misconception(
        "stride ignored",
        "sha256:5cba2c5f586e211f",
        "Padding 1 with stride 1 would keep the size. Stride 2 visits every second place only.",
    ),
)

predicted_padded = question(
    "predicted_padded",
    "sha256:c43109315bc98978",
    Misconception(
        "padding counted once",
        "sha256:2105fb5fb4f0e1f2",
        "padding = (4, 2) adds 4 rows above and 4 below, 2 columns on the left and 2 on the right.",
    ),
    Misconception(
        "padding ignored",
        "sha256:0b913e271e99010e",
        "The window slides over the padded input, which is 59 x 104.",
    ),
    Misconception(
        "rounded up",
        "sha256:5c9c9c1247047fe4",
        "The height has room for 59 - 3 = 56 cells of movement: 18 steps of 3, and a rest that is not enough "
        "for one more.",
    ),
    Misconception(
        "steps counted instead of places",
        "sha256:d1ebef4343dae626",
        "You counted steps. The place where the window starts gives an output cell too.",
    ),
    Misconception(
        "height and width of the stride swapped",
        "sha256:59c1e5a910e6c7ef",
        "stride = (3, 1) is 3 down and 1 to the right.",
    ),
    Misconception(
        "height and width of the padding swapped",
        "sha256:e66730c4078b5703",
        "padding = (4, 2) is 4 above and below, and 2 on the left and right.",
    ),
    Misconception(
        "height and width of the kernel swapped",
        "sha256:f4a5cc7d0e4cc697",
        "A kernel of (3, 4) has 3 rows and 4 columns.",
    ),
    Misconception(
        "height and width swapped",
        "sha256:2b0f882ad3292404",
        "Height first.",
    ),
    Misconception(
        "the whole shape",
        "sha256:5b8f7bfc51bdab22",
        "Right, but asked for are the height and the width only: the last two numbers.",
    ),
)

predicted_dilated = question(
    "predicted_dilated",
    "sha256:e673119074813d49",
    Misconception(
        "dilation ignored, or rounded up",
        "sha256:c51d0b1ac49ab078",
        "Three kernel rows, 3 apart, cover 7 rows. That leaves room for 59 - 7 = 52 cells of movement: 17 "
        "steps of 3, and a rest that is not enough for one more.",
    ),
    Misconception(
        "kernel times dilation",
        "sha256:2833f07a7b5f7ce8",
        "3 * 3 = 9 counts a gap after the last kernel row. There are two gaps: 3 * 2 + 1 = 7 rows.",
    ),
    Misconception(
        "kernel plus dilation",
        "sha256:cf45ef9b1735bce5",
        "The window is not k + d cells long. At dilation 1 nothing is spread, and the 5 columns stay 5.",
    ),
    Misconception(
        "padding counted once",
        "sha256:1a42b281487dd5f7",
        "padding = (4, 2) adds 4 rows above and 4 below, 2 columns on the left and 2 on the right.",
    ),
    Misconception(
        "steps counted instead of places",
        "sha256:e846fab62065351d",
        "You counted steps. The place where the window starts gives an output cell too.",
    ),
    Misconception(
        "height and width of the dilation swapped",
        "sha256:5d51f95528ec795f",
        "dilation = (3, 1) spreads the kernel's rows; its columns stay together.",
    ),
    Misconception(
        "height and width swapped",
        "sha256:c8ccb403859afaad",
        "Height first.",
    ),
    Misconception(
        "the whole shape",
        "sha256:23a3694345be89db",
        "Right, but asked for are the height and the width only: the last two numbers.",
    ),
)

predicted_paddings = question(
    "predicted_paddings",
    "sha256:e2b3e2523dd610c2",
    Misconception(
        "only what divides without a rest",
        "sha256:eace864f9301ad5c",
        "Padding 2 leaves no rest, but the rest is allowed: it is rounded away. Try the next padding in the "
        "formula.",
    ),
    Misconception(
        "rounded up",
        "sha256:ae30984b54ff2d55",
        "That answers the question for a formula that rounds up. Put 1 in: 40 + 2 - 5 = 37, which is 12 steps"
        " of 3, and so 13 places.",
    ),
    Misconception(
        "padding counted once",
        "sha256:6b3a95810c82e436",
        "Padding 4 adds 4 cells at both ends. Put it in: 40 + 8 - 5 = 43, which is 14 steps, and so 15 places.",
    ),
)
