"""Notebook 04: what a kernel does, what happens at the border, and pooling."""

from __future__ import annotations

import itertools

import torch
from torch.nn import functional as F

from .draw import LAYOUTS
from .exercise import Exercise, Misconception, case, question

PADDING = {
    "aten.constant_pad_nd": "PyTorch's F.pad",
    "aten.reflection_pad1d": "PyTorch's F.pad",
    "aten.reflection_pad2d": "PyTorch's F.pad",
    "aten.replication_pad1d": "PyTorch's F.pad",
    "aten.replication_pad2d": "PyTorch's F.pad",
    "torch.nn.functional": "PyTorch's F.pad",
    "numpy.lib._arraypad_impl": "numpy.pad",
}
"""What pads. Circular padding is no operator of its own, so the module that holds F.pad is watched as well."""

POOLING = {
    "aten.max_pool2d_with_indices": "PyTorch's own pooling",
    "aten.max_pool3d_with_indices": "PyTorch's own pooling",
    "aten.adaptive_max_pool2d": "PyTorch's own pooling",
    "aten.fractional_max_pool2d": "PyTorch's own pooling",
    "aten.avg_pool2d": "PyTorch's own pooling",
    "aten.avg_pool3d": "PyTorch's own pooling",
    "aten._adaptive_avg_pool2d": "PyTorch's own pooling",
    "scipy.ndimage": "scipy.ndimage",
}


def _direct(direction, horizontal):
    """The kernel for `direction`, given the one for horizontal edges."""
    if direction not in ("horizontal", "vertical"):
        raise ValueError(f"no direction {direction!r}")
    return horizontal if direction == "horizontal" else horizontal.mT.contiguous()


def _signs(size):
    """1 in the rows above the middle one, 0 in it, -1 below."""
    rows = (size // 2 - torch.arange(size)).sign()
    return rows[:, None].expand(size, size).to(torch.get_default_dtype())


def _edge(size, direction):
    if size < 3 or size % 2 == 0:
        raise ValueError(f"no middle row with rows on both sides of it in a kernel of size {size}")
    return _direct(direction, _signs(size) / (size * (size // 2)))


def _edged(horizontal):
    """An answer to `edge_kernel` that refuses what it should; `horizontal(size)` is its kernel."""

    def edge_kernel(size, direction):
        _edge(size, direction)
        return _direct(direction, horizontal(size))

    return edge_kernel


def _edge_cases(draw):
    yield case("the worked example", size=3, direction="horizontal")
    for size in (5, 7, *(2 * draw.integer(4, 7) + 1 for _ in range(5))):
        yield case("horizontal edges", size=size, direction="horizontal")
    for size in (3, 5, 7, *(2 * draw.integer(4, 7) + 1 for _ in range(5))):
        yield case("vertical edges", size=size, direction="vertical")
    for _ in range(3):
        direction = draw.choice(["horizontal", "vertical"])
        yield case("sizes and directions that must be refused", size=2 * draw.integer(1, 5), direction=direction)
        yield case("sizes and directions that must be refused", size=1, direction=direction)
    for direction in ("diagonal", "Horizontal", "rows"):
        size = 2 * draw.integer(1, 3) + 1
        yield case("sizes and directions that must be refused", size=size, direction=direction)


def _middle_row(size, sign):
    signs = _signs(size).clone()
    signs[size // 2] = sign
    return signs / (size * (size // 2))


def _outer_rows(size):
    signs = _signs(size).clone()
    signs[1:-1] = 0
    return signs / size


edge_kernel = Exercise(
    name="edge_kernel",
    reference=_edge,
    cases=_edge_cases,
    points=4,
    difficulty=2,
    minutes=8,
    misconceptions=(
        Misconception(
            "weights left at 1 and -1",
            _edged(_signs),
            "These are the tutorial's weights. Size 3 answers 3 to a step of height 1, size 7 answers 21. "
            "Divide by the number of positive weights, and every size answers 1.",
        ),
        Misconception(
            "signs the wrong way round",
            _edged(lambda size: -_signs(size) / (size * (size // 2))),
            "Yours answers -1 where it is bright above (or left) and dark below (or right). The positive weights "
            "belong on the rows above the middle, or on the columns left of it.",
        ),
        Misconception(
            "directions swapped",
            lambda size, direction: _edge(size, direction).mT,
            "A horizontal edge has bright above and dark below it. To find it, compare the rows above with the "
            "rows below; the weights change from row to row. Yours change from column to column.",
        ),
        Misconception(
            "direction ignored",
            lambda size, direction: (
                _edged(lambda size: _edge(size, "horizontal"))(size, direction)
                if direction != "vertical"
                else _edge(size, "horizontal")
            ),
            "You return the same kernel for both directions. For 'vertical', compare columns: the transpose of "
            "the horizontal kernel does that.",
        ),
        Misconception(
            "one kernel size hard-coded",
            _edged(lambda size: _edge(3, "horizontal")),
            "This is the 3 x 3 kernel, whatever size was asked for. Build the rows above and below from `size`.",
        ),
        Misconception(
            "divided by all the weights",
            _edged(lambda size: _signs(size) / size**2),
            "You divide by size * size, but the middle row is 0 and the lower rows lie on the dark side. Only the "
            "positive weights meet the bright side: divide by their number.",
        ),
        Misconception(
            "positive and negative weights both counted",
            _edged(lambda size: _signs(size) / (2 * size * (size // 2))),
            "With all absolute values adding up to 1, a step of height 1 answers 1/2: only the positive half "
            "meets the bright side. The positive weights alone should add up to 1.",
        ),
        Misconception(
            "divided by the rows only",
            _edged(lambda size: _signs(size) / (size // 2)),
            "Each of the size // 2 bright rows has `size` cells. You divide by the rows and forget how wide "
            "they are.",
        ),
        Misconception(
            "divided by the columns only",
            _edged(lambda size: _signs(size) / size),
            "This is right for size 3, where there is one row above the middle. A larger kernel has size // 2 of "
            "them, each with `size` cells. Divide by both.",
        ),
        Misconception(
            "divided by the sum of the weights",
            _edged(lambda size: _signs(size) / _signs(size).sum()),
            "An edge kernel's weights add up to 0, and dividing by 0 gives inf and nan. Divide by the sum of the "
            "positive weights.",
        ),
        Misconception(
            "middle row counted as above",
            _edged(lambda size: _middle_row(size, 1)),
            "The middle row belongs to neither side: its weights are 0. Yours do not add up to 0, so the kernel "
            "answers something other than 0 where the picture is plain.",
        ),
        Misconception(
            "middle row counted as below",
            _edged(lambda size: _middle_row(size, -1)),
            "Your negative weights begin with the middle row. It belongs to neither side: its weights are 0, "
            "and the negative ones begin at row size // 2 + 1.",
        ),
        Misconception(
            "first and last row only",
            _edged(_outer_rows),
            "All rows above the middle are alike, and so are all rows below it. In yours those between the "
            "outermost rows and the middle are 0.",
        ),
        Misconception(
            "even sizes let through",
            lambda size, direction: (
                _direct(direction, _signs(size) / max(size * (size // 2), 1))
                if size % 2 == 0
                else _edge(size, direction)
            ),
            "A kernel of even size has no middle row, and its output would sit between the pixels. Raise a "
            "ValueError.",
        ),
        Misconception(
            "size 1 let through",
            lambda size, direction: _direct(direction, torch.zeros(1, 1)) if size == 1 else _edge(size, direction),
            "A kernel of one cell has nothing above its middle row and nothing below: it cannot compare. Raise a "
            "ValueError for sizes below 3.",
        ),
        Misconception(
            "any other direction taken for vertical",
            lambda size, direction: _edge(size, direction if direction == "horizontal" else "vertical"),
            "Your `else` takes everything that is not 'horizontal' for 'vertical', misprints as well. Test for "
            "both, and raise a ValueError for the rest.",
        ),
    ),
)


def _exponents(size, sigma, centre=None):
    """-(distance from the centre, in sigmas) ** 2 / 2 for each cell."""
    steps = (torch.arange(size) - ((size - 1) / 2 if centre is None else centre)) / sigma
    return -(steps[:, None] ** 2 + steps**2) / 2


def _sum_1(kernel):
    return kernel / kernel.sum()


def _gaussian(size, sigma):
    if sigma <= 0:
        raise ValueError(f"sigma must be positive, not {sigma}")
    return _sum_1(_exponents(size, sigma).exp())


def _bell(kernel):
    """An answer to `gaussian_kernel` that refuses what it should."""

    def gaussian_kernel(size, sigma):
        _gaussian(size, sigma)
        return kernel(size, sigma)

    return gaussian_kernel


SIGMAS = (0.6, 0.75, 0.8, 1.25, 1.4, 1.5, 2.0, 2.5)
HALVING = 0.8493218
"""The sigma at which a neighbour of the centre weighs half of it: 1 / sqrt(2 ln 2)."""


def _gaussian_cases(draw):
    yield case("the worked example", size=3, sigma=HALVING)
    for size in (1, 3, 5, 7, *(2 * draw.integer(1, 5) + 1 for _ in range(6))):
        yield case("odd sizes", size=size, sigma=draw.choice(SIGMAS))
    for _ in range(8):
        yield case("even sizes", size=2 * draw.integer(1, 5), sigma=draw.choice(SIGMAS))
    for _ in range(4):
        sigma = draw.choice([0, -1, -0.5])
        yield case("a sigma that must be refused", size=draw.integer(2, 7), sigma=sigma)


gaussian_kernel = Exercise(
    name="gaussian_kernel",
    reference=_gaussian,
    cases=_gaussian_cases,
    points=4,
    difficulty=2,
    minutes=6,
    misconceptions=(
        Misconception(
            "unnormalised blur",
            _bell(lambda size, sigma: _exponents(size, sigma).exp()),
            "Your weights have the right proportions but add up to more than 1, so the blurred picture gets "
            "brighter. Divide the kernel by its own sum.",
        ),
        Misconception(
            "divided by the formula's constant",
            _bell(lambda size, sigma: _exponents(size, sigma).exp() / (2 * torch.pi * sigma**2)),
            "1 / (2 pi sigma^2) makes the whole endless bell add up to 1. Your kernel cuts the bell off and "
            "reads it at a few points, so its sum is something else. Divide by the sum that you have.",
        ),
        Misconception(
            "sigma taken for its square",
            _bell(lambda size, sigma: _sum_1(_exponents(size, sigma**0.5).exp())),
            "You divide the squared distance by 2 * sigma. It has to be 2 * sigma ** 2: sigma is a distance in "
            "cells, like the one above it in the fraction.",
        ),
        Misconception(
            "factor 2 forgotten",
            _bell(lambda size, sigma: _sum_1((2 * _exponents(size, sigma)).exp())),
            "The exponent is minus the squared distance over 2 * sigma ** 2. Without the 2 the bell is narrower "
            "than its sigma says.",
        ),
        Misconception(
            "distance not squared",
            _bell(lambda size, sigma: _sum_1((-((-2 * _exponents(size, 1)).sqrt()) / (2 * sigma**2)).exp())),
            "You took the distance itself (a square root too many). A Gaussian falls with the square of the "
            "distance: dy ** 2 + dx ** 2.",
        ),
        Misconception(
            "square of the sum",
            _bell(
                lambda size, sigma: _sum_1(
                    (
                        -((torch.arange(size)[:, None] + torch.arange(size) - (size - 1)) ** 2) / (2 * sigma**2)
                    ).exp()
                )
            ),
            "You squared dy + dx. Along a diagonal the two cancel, and the blur runs out into that corner. Square "
            "each by itself: dy ** 2 + dx ** 2.",
        ),
        Misconception(
            "centre in the top left corner",
            _bell(lambda size, sigma: _sum_1(_exponents(size, sigma, centre=0).exp())),
            "The distance is counted from cell [0, 0], so the peak sits in the corner and the blur shifts the "
            "picture. Count from the centre, (size - 1) / 2.",
        ),
        Misconception(
            "centre at size / 2",
            _bell(lambda size, sigma: _sum_1(_exponents(size, sigma, centre=size / 2).exp())),
            "Cells are counted from 0, so three cells have their centre at 1 and not at 1.5. It is (size - 1) / "
            "2.",
        ),
        Misconception(
            "even sizes off centre",
            _bell(lambda size, sigma: _sum_1(_exponents(size, sigma, centre=size // 2).exp())),
            "size // 2 is the centre of odd sizes only. Four cells, 0 to 3, have their centre between 1 and 2, at "
            "1.5: (size - 1) / 2.",
        ),
        Misconception(
            "blurred along the rows only",
            _bell(
                lambda size, sigma: _sum_1(
                    _exponents(size, sigma)[size // 2].exp().expand(size, size).contiguous()
                )
            ),
            "Every row of yours is the same bell. The weight must fall with the distance up and down as well: "
            "dy ** 2 + dx ** 2, a hill and not a ridge.",
        ),
        Misconception(
            "each row normalised by itself",
            _bell(lambda size, sigma: _exponents(size, sigma).softmax(dim=1)),
            "Each of your rows adds up to 1, so the kernel adds up to `size`. One sum over the whole kernel, one "
            "division.",
        ),
        Misconception(
            "all weights equal",
            _bell(lambda size, sigma: torch.full((size, size), 1 / size**2)),
            "This is the mean over a square. A Gaussian weighs near cells more than far ones, and sigma says how "
            "fast that falls.",
        ),
        Misconception(
            "one kernel size hard-coded",
            _bell(lambda size, sigma: _gaussian(3, sigma)),
            "This kernel is 3 x 3 whatever size was asked for. Count the cells with torch.arange(size).",
        ),
        Misconception(
            "sigma of 0 and below let through",
            lambda size, sigma: (
                _sum_1(_exponents(size, sigma).exp()) if sigma else torch.full((size,) * 2, torch.nan)
            ),
            "With sigma = 0 you divide 0 by 0, and a negative sigma passes because it is squared. Neither is a "
            "width. Raise a ValueError.",
        ),
    ),
)

MODES = ("zeros", "reflect", "replicate", "circular")
_LIBRARY_NAME = dict(zip(MODES, ("constant", *MODES[1:]), strict=True))


def _two(value):
    return (value, value) if isinstance(value, int) else value


def _pad(x, p, mode):
    (top, left), (height, width) = _two(p), x.shape
    if mode not in MODES:
        raise ValueError(f"no mode {mode!r}")
    if mode == "reflect" and (top >= height or left >= width):
        raise ValueError("the mirror has too few cells")
    return F.pad(x[None].double(), (left, left, top, top), mode=_LIBRARY_NAME[mode])[0].to(x.dtype)


def _by_index(source):
    """An answer to `pad_mode`: out[i, j] is x[source(i), source(j)], counted from x's own corner.

    `source(i, n, mode)` maps whole numbers to cells of an axis of n; zeros and errors are as they should be.
    """

    def pad_mode(x, p, mode):
        right = _pad(x, p, mode)
        if mode == "zeros":
            return right
        rows, columns = (source(torch.arange(-q, n + q), n, mode) for q, n in zip(_two(p), x.shape, strict=True))
        return x[rows][:, columns]

    return pad_mode


def _source(i, n, mode):
    if mode == "reflect":
        return n - 1 - (n - 1 - i.abs()).abs()
    return i.clamp(0, n - 1) if mode == "replicate" else i % n


def _symmetric(i, n, mode):
    return torch.where(i < 0, -1 - i, torch.where(i >= n, 2 * n - 1 - i, i)).clamp(0, n - 1)


def _late_mirror(i, n):
    i = i.abs()
    return torch.where(i >= n, 2 * n - 1 - i, i).clamp(0, n - 1)


def _by_slices(before, after):
    """An answer to `pad_mode` that joins slices of x: `before(x, p, mode)`, x itself, `after(x, p, mode)`.

    Both are called for the rows and then, on the transpose, for the columns. Zeros are as they should be.
    """

    def pad_mode(x, p, mode):
        if mode == "zeros" or mode not in MODES:
            return _pad(x, p, mode)
        for q in _two(p):
            x = torch.cat([before(x, q, mode), x, after(x, q, mode)]).mT
        return x.contiguous()

    return pad_mode


def _before(x, p, mode):
    return {"reflect": x[1 : p + 1].flip(0), "replicate": x[:1].expand(p, -1)}.get(mode, x[len(x) - p :])


def _after(x, p, mode):
    return {"reflect": x[-p - 1 : -1].flip(0), "replicate": x[-1:].expand(p, -1)}.get(mode, x[:p])


def _corners_zero(x, p, mode):
    out = _pad(x, p, mode)
    top, left = _two(p)
    for rows in (slice(0, top), slice(len(out) - top, None)):
        for columns in (slice(0, left), slice(out.shape[1] - left, None)):
            out[rows, columns] = 0
    return out


def _sliced_to_minus_p(x, p, mode):
    out = _pad(x, p, mode)
    top, left = _two(p)
    out[top:-top, left:-left] = x
    return out


def _reflect_only_as(fallback):
    """Right, but for a reflection that is too wide, where `fallback(x, p)` answers."""

    def pad_mode(x, p, mode):
        if mode == "reflect" and any(q >= n for q, n in zip(_two(p), x.shape, strict=True)):
            return fallback(x, p)
        return _pad(x, p, mode)

    return pad_mode


def _bounced(x, p):
    def source(q, n):
        period = max(2 * (n - 1), 1)
        i = torch.arange(-q, n + q) % period
        return torch.where(i < n, i, period - i)

    rows, columns = (source(q, n) for q, n in zip(_two(p), x.shape, strict=True))
    return x[rows][:, columns]


def _narrow_only(x, p, mode):
    if mode in MODES:
        _pad(x, p, "reflect")
    return _pad(x, p, mode)


def _index_error(x, p):
    raise IndexError("index out of range")


X = torch.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
DTYPES = (torch.float64, torch.int64, torch.uint8)


def _padding_case(draw, aspect, mode, n, dtype=torch.float32, layout="contiguous"):
    """With n = 0 one border for all sides, with 1 two different ones, with 2 and 3 none on two of the sides."""
    height, width = draw.unequal(3, 6)
    p = [draw.integer(1, 2), draw.unequal(1, min(height, width) - 1), (0, 2), (2, 0)][n]
    return case(aspect, x=draw.tensor(height, width, dtype=dtype, layout=layout), p=p, mode=mode)


def _pad_cases(draw):
    yield case("the worked example", x=X, p=1, mode="reflect")
    for n, mode in itertools.product(range(4), ("zeros", "replicate")):
        yield _padding_case(draw, "zeros and replicate", mode, n)
    for mode in ("zeros", "replicate"):
        yield case("zeros and replicate", x=draw.tensor(3, 4), p=(4, 5), mode=mode)
    for mode in ("reflect", "circular"):
        yield case("reflect and circular", x=draw.tensor(3, 4), p=(0, 1), mode=mode)
    yield case("reflect and circular", x=draw.tensor(3, 4), p=(3, 4), mode="circular")
    for n, mode in itertools.product(range(4), ("reflect", "circular")):
        yield _padding_case(draw, "reflect and circular", mode, n)
    for mode in MODES:
        yield _padding_case(draw, "other dtypes and layouts", mode, 1, dtype=draw.choice(DTYPES))
        yield _padding_case(draw, "other dtypes and layouts", mode, 2, layout=draw.choice(LAYOUTS[1:]))
    for n in range(4):
        height, width = sorted(draw.unequal(1, 4))
        p = [(height, 0), (0, width), (height + 1, 0), width][n]
        yield case("what must be refused", x=draw.tensor(height, width), p=p, mode="reflect")
        x = draw.tensor(*draw.unequal(3, 5))
        yield case("what must be refused", x=x, p=1, mode=draw.choice(["mirror", "wrap", "constant"]))


pad_mode = Exercise(
    name="pad_mode",
    reference=_pad,
    cases=_pad_cases,
    points=10,
    difficulty=3,
    minutes=15,
    forbidden=PADDING,
    misconceptions=(
        Misconception(
            "reflect that repeats the edge",
            _by_index(lambda i, n, mode: _symmetric(i, n, mode) if mode == "reflect" else _source(i, n, mode)),
            "The edge row appears twice in yours: the mirror stands outside it. PyTorch's 'reflect' puts the "
            "mirror on the edge row, so the first cell outside is a copy of the second cell inside.",
        ),
        Misconception(
            "reflection one off at the far end",
            _by_index(lambda i, n, mode: _late_mirror(i, n) if mode == "reflect" else _source(i, n, mode)),
            "Top and left are right; at the bottom and on the right the edge appears twice. The last row is n - "
            "1, so place n - 1 + a shows row n - 1 - a: that is 2 * (n - 1) - i, and not 2 * n - 1 - i.",
        ),
        Misconception(
            "reflection not turned round",
            _by_slices(
                lambda x, p, mode: x[1 : p + 1] if mode == "reflect" else _before(x, p, mode),
                lambda x, p, mode: x[-p - 1 : -1] if mode == "reflect" else _after(x, p, mode),
            ),
            "You took the right rows but kept their order. In a mirror the near comes first: row 1 lies next to "
            "row 0, row 2 beyond it. Turn them with flip.",
        ),
        Misconception(
            "wrap on the wrong side",
            _by_slices(
                lambda x, p, mode: x[:p] if mode == "circular" else _before(x, p, mode),
                lambda x, p, mode: x[len(x) - p :] if mode == "circular" else _after(x, p, mode),
            ),
            "Going round means that above the top row comes the bottom of the picture. Yours has the top once "
            "more. The last p rows go on top, the first p rows go below.",
        ),
        Misconception(
            "reflect and replicate swapped",
            lambda x, p, mode: _pad(x, p, {"reflect": "replicate", "replicate": "reflect"}.get(mode, mode)),
            "'replicate' repeats the edge cell over and over. 'reflect' is the mirror. You have them the other "
            "way round.",
        ),
        Misconception(
            "replicate as a mirror",
            _by_index(lambda i, n, mode: _symmetric(i, n, mode) if mode == "replicate" else _source(i, n, mode)),
            "'replicate' repeats the edge cell itself p times. Yours goes back into the picture from the second "
            "cell on.",
        ),
        Misconception(
            "mode ignored",
            lambda x, p, mode: _pad(x, p, "zeros" if mode in MODES else mode),
            "Yours pads with zeros in every mode. The other three take their cells from x.",
        ),
        Misconception(
            "corners left empty",
            _corners_zero,
            "The four sides are right and the corners are 0. Pad the rows first, and then pad the columns of the "
            "result: the corners come by themselves.",
        ),
        Misconception(
            "one side only",
            _by_slices(_before, lambda x, p, mode: x[:0]),
            "The padding is missing below and on the right. p cells are added on each side, so an axis grows by "
            "2 p.",
        ),
        Misconception(
            "[p:-p] at p = 0",
            _sliced_to_minus_p,
            "Where p is 0, the slice [p:-p] is [0:0], which is empty. Write [p : p + H] instead.",
        ),
        Misconception(
            "[-p:] at p = 0",
            _by_slices(lambda x, p, mode: x[-p:] if mode == "circular" else _before(x, p, mode), _after),
            "Where p is 0, the slice x[-p:] is x[0:], the whole picture instead of nothing. Write x[H - p :], or "
            "use indices and no slices.",
        ),
        Misconception(
            "height and width swapped",
            lambda x, p, mode: _pad(x, _two(p)[::-1], mode),
            "p = (rows, columns), as always height first: p[0] is for top and bottom, p[1] for left and right.",
        ),
        Misconception(
            "one number for both axes",
            lambda x, p, mode: _pad(x, _two(p)[0], mode),
            "You use p[0] for the columns as well. A pair holds the rows for top and bottom first, then the "
            "columns for left and right.",
        ),
        Misconception(
            "result always float32",
            lambda x, p, mode: _pad(x, p, mode).float(),
            "torch.zeros(h, w) is float32 whatever goes in. Say dtype=x.dtype, or use x.new_zeros(h, w).",
        ),
        Misconception(
            "a reflection cut short",
            _reflect_only_as(_by_slices(lambda x, p, mode=None: x[1 : p + 1].flip(0), _after)),
            "A slice that runs out of cells is short without a word, so the output has the wrong size. Where p is "
            "not smaller than the side, the mirror has too few cells: raise a ValueError.",
        ),
        Misconception(
            "a reflection that runs on",
            _reflect_only_as(_bounced),
            "Your mirror image is mirrored again when it runs out of cells. PyTorch refuses that. Raise a "
            "ValueError where p is not smaller than the side.",
        ),
        Misconception(
            "every wide border refused",
            _narrow_only,
            "Only the mirror runs out of cells. Zeros and repeated edges go on for ever, and 'circular' has as "
            "many cells as the side. Ask for the mode before you raise.",
        ),
        Misconception(
            "IndexError for ValueError",
            _reflect_only_as(_index_error),
            "Where the mirror has too few cells your code stumbles over an index. Look before you reach: raise a "
            "ValueError that says what is wrong, where p >= the side.",
        ),
        Misconception(
            "any other mode taken for circular",
            lambda x, p, mode: _pad(x, p, mode if mode in MODES else "circular"),
            "Your `else` takes every unknown mode for 'circular'. A misprint should be told: raise a ValueError.",
        ),
        Misconception(
            "any other mode taken for zeros",
            lambda x, p, mode: _pad(x, p, mode if mode in MODES else "zeros"),
            "You answer an unknown mode with zeros. A misprint should be told: raise a ValueError.",
        ),
    ),
)


def _windows(x, kernel_size, stride, padding, value):
    """The windows of x, padded with `value`: shape (..., out height, out width, kH, kW)."""
    (kH, kW), (top, left) = _two(kernel_size), _two(padding)
    sH, sW = _two(kernel_size if stride is None else stride)
    return F.pad(x, (left, left, top, top), value=value).unfold(-2, kH, sH).unfold(-2, kW, sW)


def _max(x, kernel_size, stride=None, padding=0, value=-torch.inf):
    return _windows(x, kernel_size, stride, padding, value).amax((-2, -1))


def _mean(x, kernel_size, stride=None, padding=0, count_include_pad=True, value=0.0):
    total = _windows(x, kernel_size, stride, padding, value).sum((-2, -1))
    counted = torch.full_like(x, 1)
    return total / _windows(counted, kernel_size, stride, padding, float(count_include_pad)).sum((-2, -1))


def _reversed(value):
    return value[::-1] if isinstance(value, tuple) else value


def _first(value):
    return value[0] if isinstance(value, tuple) else value


def _all_channels(out):
    return out.amax(tuple(range(out.ndim - 2)), keepdim=True).expand_as(out)


def _crowded(pool, x, kernel_size, stride, padding, *more):
    """Windows that start one cell apart, as many as there should be."""
    height, width = pool(x, kernel_size, stride, padding, *more).shape[-2:]
    return pool(x, kernel_size, 1, padding, *more)[..., :height, :width]


def _batch_needed(x):
    _, _, _, _ = x.shape


def _shared_mistakes(pool, library, word):
    """The misconceptions that both kinds of pooling have; `pool` and `library` take x, kernel, stride, padding."""
    return (
        Misconception(
            "stride defaulting to 1",
            lambda x, k, s=None, p=0, *more: pool(x, k, 1 if s is None else s, p, *more),
            "A convolution's stride is 1 unless you say otherwise, but a pooling window's is its own size: "
            "windows lie side by side like tiles. stride=None means stride = kernel_size.",
        ),
        Misconception(
            "stride ignored",
            lambda x, k, s=None, p=0, *more: pool(x, k, None, p, *more),
            "Your windows always lie side by side. Where a stride is given, the next window starts that many "
            "cells on, even if the two overlap.",
        ),
        Misconception(
            "stride used for the size alone",
            lambda x, k, s=None, p=0, *more: _crowded(pool, x, k, s, p, *more),
            "Your output has the right size, but its windows start one cell apart, all in the top left corner. "
            "The window of output [i, j] starts at row i * stride and column j * stride.",
        ),
        Misconception(
            "one kernel size hard-coded",
            lambda x, k, s=None, p=0, *more: pool(x, 2, 2, 0),
            "Yours pools by 2 x 2 whatever was asked for. Take the window's height and width from kernel_size.",
        ),
        Misconception(
            "every window square",
            lambda x, k, s=None, p=0, *more: pool(x, _first(k), s if s is None else _first(s), _first(p), *more),
            "You use the first number for height and width alike. Each of kernel_size, stride and padding may be "
            "a pair: (height, width).",
        ),
        Misconception(
            "height and width swapped",
            lambda x, k, s=None, p=0, *more: pool(x, _reversed(k), _reversed(s), _reversed(p), *more),
            "A pair is (height, width): the first number goes with the rows, the axis before the last. You have "
            "them the other way round.",
        ),
        Misconception(
            "a last window that is not whole",
            lambda x, k, s=None, p=0, *more: library(x, k, s, p, True, *more),
            "You round the number of windows up, so the last one hangs over the edge. Pooling rounds down: rows "
            "and columns left over are dropped, floor((n + 2 p - k) / s) + 1.",
        ),
        Misconception(
            "padding forgotten",
            lambda x, k, s=None, p=0, *more: pool(x, k, s, 0, *more),
            "The padding is missing: p cells on each side of each axis, before the first window.",
        ),
        Misconception(
            "channels and pictures mixed",
            lambda x, k, s=None, p=0, *more: _all_channels(pool(x, k, s, p, *more)),
            f"There is one {word} over all channels and all pictures of the batch. Pooling works on each of them "
            "alone: reduce the window's two axes only, with dim=(-2, -1).",
        ),
        Misconception(
            "only with a batch axis",
            lambda x, k, s=None, p=0, *more: (_batch_needed(x), pool(x, k, s, p, *more))[1],
            "N, C, H, W = x.shape needs four axes, and a single picture has three. Count the axes from the end: "
            "x.shape[-2:] is (H, W) for both.",
        ),
        Misconception(
            "result always float32",
            lambda x, k, s=None, p=0, *more: pool(x, k, s, p, *more).float(),
            "torch.zeros and torch.full give float32 unless told otherwise. Use dtype=x.dtype, or "
            "x.new_full(...).",
        ),
    )


def _pool_inputs(draw, n, square=False, layout="contiguous", dtype=torch.float32):
    """A picture or a batch, depending on n, and the kernel, stride and padding to pool it with."""
    kernel = draw.unequal(2, 4)
    stride = draw.unequal(1, 3)
    padding = draw.integer(0, kernel[0] // 2), draw.integer(0, kernel[1] // 2)
    if square:
        kernel, stride, padding = draw.integer(2, 4), draw.integer(1, 3), 1
    height, width = (k + extra for k, extra in zip(_two(kernel), draw.unequal(1, 5), strict=True))
    channels = draw.integer(2, 3)
    lead = [(channels,), (1, channels), (2, channels)][n // 2 % 3]
    return draw.tensor(*lead, height, width, dtype=dtype, layout=layout), kernel, stride, padding


def _pooling_cases(draw):
    """Inputs for both kinds of pooling: aspect, x, kernel_size, then maybe stride and padding."""
    for n in range(8):
        dtype = torch.float64 if n % 4 == 3 else torch.float32
        yield "pairs and numbers", *_pool_inputs(draw, n, n % 3 == 2, LAYOUTS[n % 3], dtype)
    for n in range(4):
        x, kernel, _, padding = _pool_inputs(draw, n, n % 2 == 1)
        yield "stride left out", x, kernel
        yield "stride left out", x, kernel, None, padding


ARGUMENTS = ("x", "kernel_size", "stride", "padding", "count_include_pad")


def _named(aspect, *values):
    return case(aspect, **dict(zip(ARGUMENTS, values, strict=False)))


TILES = torch.tensor([[[1.0, 3.0, 2.0, 0.0], [5.0, 2.0, 1.0, 4.0], [0.0, 1.0, 8.0, 2.0], [2.0, 0.0, 3.0, 7.0]]])


def _max_cases(draw):
    yield case("the worked example", x=TILES, kernel_size=2)
    for inputs in _pooling_cases(draw):
        yield _named(*inputs)
    yield case("padding round negative inputs", x=-draw.tensor(1, 2, 3).abs(), kernel_size=2, stride=2, padding=1)
    for n in range(5):
        x, kernel, stride, _ = _pool_inputs(draw, n, n % 2 == 1)
        yield _named("padding round negative inputs", -x.abs() * 1e10 ** (n % 2), kernel, stride, (1, 1))


max_pool2d = Exercise(
    name="max_pool2d",
    reference=lambda x, k, s=None, p=0: F.max_pool2d(x, k, s, p),
    cases=_max_cases,
    points=8,
    difficulty=3,
    minutes=12,
    forbidden=POOLING,
    misconceptions=(
        Misconception(
            "zero-padded max on negative inputs",
            lambda x, k, s=None, p=0: _max(x, k, s, p, value=0.0),
            "What you pad with wins against smaller numbers, as a 0 does against negative ones, and your output "
            "holds it though it is nowhere in x. The padding must never win: pad with -inf (float('-inf')).",
        ),
        Misconception(
            "mean for maximum",
            lambda x, k, s=None, p=0: _mean(x, k, s, p),
            "This is the mean of each window. Take the largest value.",
        ),
        Misconception(
            "largest size, sign forgotten",
            lambda x, k, s=None, p=0: _max(x.abs(), k, s, p),
            "You compare sizes without signs. -5 is smaller than 1: the maximum counts from -inf upwards.",
        ),
        *_shared_mistakes(_max, lambda x, k, s, p, ceil: F.max_pool2d(x, k, s, p, ceil_mode=ceil), "maximum"),
    ),
)


def _replicated(x, padding):
    top, left = _two(padding)
    return F.pad(x, (left, left, top, top), mode="replicate")


def _not_zero(x, kernel_size, stride=None, padding=0, count_include_pad=True):
    if count_include_pad:
        return _mean(x, kernel_size, stride, padding)
    windows = _windows(x, kernel_size, stride, padding, 0.0)
    return windows.sum((-2, -1)) / (windows != 0).sum((-2, -1))


def _mean_cases(draw):
    yield case("the worked example", x=TILES, kernel_size=2)
    for inputs in _pooling_cases(draw):
        yield _named(*inputs)
    for n in range(6):
        x, kernel, stride, _ = _pool_inputs(draw, n, n % 2 == 1)
        yield _named("count_include_pad=False", x.clamp(min=0), kernel, draw.choice([None, stride]), (1, 1), False)


avg_pool2d = Exercise(
    name="avg_pool2d",
    reference=lambda x, k, s=None, p=0, count_include_pad=True: F.avg_pool2d(
        x, k, s, p, count_include_pad=count_include_pad
    ),
    cases=_mean_cases,
    points=4,
    difficulty=3,
    minutes=5,
    forbidden=POOLING,
    misconceptions=(
        Misconception(
            "padding always counted",
            lambda x, k, s=None, p=0, include=True: _mean(x, k, s, p, True),
            "With count_include_pad=False the padded zeros do not count: divide by the number of cells of x in "
            "the window. At a corner that is fewer than kH * kW.",
        ),
        Misconception(
            "padding never counted",
            lambda x, k, s=None, p=0, include=True: _mean(x, k, s, p, False),
            "By default the padded zeros count like cells: divide by kH * kW everywhere. Only "
            "count_include_pad=False divides by the cells of x alone.",
        ),
        Misconception(
            "zeros of the picture not counted",
            _not_zero,
            "You count the cells that are not 0. But x may hold zeros of its own, and these count. Pool a "
            "tensor that is 1 on every cell of x, or work out how far the window reaches over the border.",
        ),
        Misconception(
            "count_include_pad the wrong way round",
            lambda x, k, s=None, p=0, include=True: _mean(x, k, s, p, not include),
            "True means that the zeros of the padding count and you divide by kH * kW. You do that for False.",
        ),
        Misconception(
            "sum for mean",
            lambda x, k, s=None, p=0, include=True: _windows(x, k, s, p, 0.0).sum((-2, -1)),
            "These are the sums of the windows. A mean is divided by the number of cells.",
        ),
        Misconception(
            "maximum for mean",
            lambda x, k, s=None, p=0, include=True: _max(x, k, s, p),
            "These are the maxima of the windows. Here the mean is asked for.",
        ),
        Misconception(
            "padded with -inf",
            lambda x, k, s=None, p=0, include=True: _mean(x, k, s, p, include, value=-torch.inf),
            "-inf never wins a maximum, but it swallows every sum. For a mean, pad with zeros.",
        ),
        Misconception(
            "edge repeated outside",
            lambda x, k, s=None, p=0, include=True: _mean(_replicated(x, p), k, s),
            "You repeat the edge cells outside. Average pooling pads with zeros, and count_include_pad says "
            "whether they count.",
        ),
        *_shared_mistakes(
            _mean,
            lambda x, k, s, p, ceil, include=True: F.avg_pool2d(x, k, s, p, ceil, include),
            "mean",
        ),
    ),
)

predicted_scale = question(
    "predicted_scale",
    "sha256:6422f7275f327cb6",
    Misconception(
        "size forgotten",
        "sha256:ad8f3bd1e0406043",
        "Each bright cell adds 1. The 3 x 3 kernel has three cells above its middle row. Count those of the 7 x "
        "7.",
    ),
    Misconception(
        "one row counted",
        "sha256:a8af1ae1d130f372",
        "7 is what one row of seven cells gives. How many rows lie above the middle one of seven?",
    ),
    Misconception(
        "all weights counted",
        "sha256:8594696aebf867ef",
        "49 weights there are, but the middle row is 0 and the lower rows lie on black. Count those that meet "
        "white.",
    ),
)

predicted_cost = question(
    "predicted_cost",
    "sha256:f30fd7749698e82d",
    Misconception(
        "one side compared",
        "sha256:3efb25e5e61fc3bb",
        "7 / 3 compares the sides. There is one multiply-add for every weight, and a square kernel has side times "
        "side of them.",
    ),
    Misconception(
        "difference of the sides",
        "sha256:30af6aad88e9d948",
        "7 - 3 is the difference of the sides. Count the weights of each kernel and divide.",
    ),
    Misconception(
        "output pixels counted",
        "sha256:34cc5f62d6b8fd89",
        "The number of output pixels is the same, yes. But each of them is a sum of as many products as the "
        "kernel has weights.",
    ),
)

predicted_border = question(
    "predicted_border",
    "sha256:840ad17dc57d7673",
    Misconception(
        "mirror taken for a change",
        "sha256:583c3f78449e0ab2",
        "The mirror image of white is white. The kernel meets nothing but ones, and its weights add up to 0.",
    ),
    Misconception(
        "repetition taken for a change",
        "sha256:606f90d0e6cc4af6",
        "White repeated is white. The kernel meets nothing but ones, and its weights add up to 0.",
    ),
    Misconception(
        "other side taken for a change",
        "sha256:a291bbfa89693ffc",
        "Going round you come to the other side of the picture, which is white here as well. On a photograph you "
        "would be right.",
    ),
)
