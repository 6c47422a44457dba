"""Notebook 01: a window slid by hand."""

from __future__ import annotations

import torch
from torch.nn import functional as F

from .draw import LAYOUTS
from .exercise import Exercise, Misconception, case, question
from .watch import CONVOLUTION


def _correlate(x, k):
    dtype = torch.promote_types(x.dtype, k.dtype)
    return F.conv2d(x.to(dtype)[None, None], k.to(dtype)[None, None])[0, 0]


def _padded(x, left, right, top, bottom):
    return F.pad(x, (left, right, top, bottom))


X = torch.tensor([[1.0, 2.0, 3.0, 0.0], [0.0, 1.0, 2.0, 3.0], [3.0, 0.0, 1.0, 2.0]])
K = torch.tensor([[1.0, 2.0], [0.0, -1.0]])


def _pair(draw, layout="contiguous", dtypes=(torch.float32, torch.float32)):
    """An input and a kernel that fits into it; neither is square."""
    kernel = draw.unequal(1, 4)
    extra = draw.unequal(1, 4)
    return (
        draw.tensor(kernel[0] + extra[0], kernel[1] + extra[1], dtype=dtypes[0], layout=layout),
        draw.tensor(*kernel, dtype=dtypes[1], layout=layout),
    )


MIXED = (
    (torch.int64, torch.float32),
    (torch.float32, torch.int64),
    (torch.float64, torch.float64),
    (torch.int64, torch.int64),
)


def _pairs(draw):
    """Inputs and kernels for the exercises that take two matrices, aspect by aspect."""
    yield "the worked example", X, K
    for _ in range(10):
        yield "inputs and kernels that are not square", *_pair(draw)
    for layout in LAYOUTS[1:] * 3:
        yield "transposed and sliced inputs", *_pair(draw, layout)
    for dtypes in MIXED * 3:
        yield "other dtypes", *_pair(draw, dtypes=dtypes)


def _window_cases(draw):
    (aspect, x, k), *others = _pairs(draw)
    yield case(aspect, x=x, k=k, i=1, j=1)
    for aspect, x, k in others:
        i = draw.integer(0, x.shape[0] - k.shape[0])
        j = draw.choice([j for j in range(x.shape[1] - k.shape[1] + 1) if j != i])
        yield case(aspect, x=x, k=k, i=i, j=j)


window_dot = Exercise(
    name="window_dot",
    reference=lambda x, k, i, j: (x[i : i + k.shape[0], j : j + k.shape[1]] * k).sum(),
    cases=_window_cases,
    points=4,
    difficulty=1,
    minutes=5,
    forbidden=CONVOLUTION,
    misconceptions=(
        Misconception(
            "row and column swapped",
            lambda x, k, i, j: (x[j : j + k.shape[0], i : i + k.shape[1]] * k).sum(),
            "A tensor is indexed [row, column]: i goes with the height, the first axis, and j with the width. "
            "It is not (x, y) as on graph paper.",
        ),
        Misconception(
            "row and column swapped, cell by cell",
            lambda x, k, i, j: sum(
                x[j + a, i + b] * k[a, b] for a in range(k.shape[0]) for b in range(k.shape[1])
            ),
            "x[j + a, i + b] takes the column for the row. The first index is the row: x[i + a, j + b].",
        ),
        Misconception(
            "kernel height and width swapped",
            lambda x, k, i, j: (x[i : i + k.shape[1], j : j + k.shape[0]] * k).sum(),
            "The window must have the kernel's own shape: k.shape[0] rows and k.shape[1] columns. A square "
            "kernel hides this mistake.",
        ),
        Misconception(
            "every kernel taken for square",
            lambda x, k, i, j: (x[i : i + k.shape[0], j : j + k.shape[0]] * k).sum(),
            "The window's width comes from k.shape[1]. Its height, k.shape[0], is another number unless the "
            "kernel happens to be square.",
        ),
        Misconception(
            "window one short at its end",
            lambda x, k, i, j: (x[i : i + k.shape[0] - 1, j : j + k.shape[1] - 1] * k[:-1, :-1]).sum(),
            "A slice already leaves out its end: x[i : i + 3] has three rows. Take nothing off for that.",
        ),
        Misconception(
            "counting from one",
            lambda x, k, i, j: (x[i - 1 :, j - 1 :][: k.shape[0], : k.shape[1]] * k).sum(),
            "Positions count from zero: at i = 0, j = 0 the window's first cell is x[0, 0].",
        ),
        Misconception(
            "window centred on (i, j)",
            lambda x, k, i, j: (
                _padded(x, k.shape[1] // 2, k.shape[1], k.shape[0] // 2, k.shape[0])[i:, j:][
                    : k.shape[0], : k.shape[1]
                ]
                * k
            ).sum(),
            "(i, j) is where the window's top left corner lies, not its centre: the window reaches down and to "
            "the right from there.",
        ),
        Misconception(
            "mean for sum",
            lambda x, k, i, j: (x[i : i + k.shape[0], j : j + k.shape[1]] * k).sum() / k.numel(),
            "Add the products up and leave it there. Dividing by their number gives an average, which is the "
            "kernel's business: it can hold 1/9s if an average is wanted.",
        ),
        Misconception(
            "kernel flipped",
            lambda x, k, i, j: (x[i : i + k.shape[0], j : j + k.shape[1]] * k.flip(0, 1)).sum(),
            "Lay the kernel on the window as it is, top left on top left. Turning it round is the "
            "mathematician's convolution, which comes later in this notebook.",
        ),
        Misconception(
            "products left unsummed",
            lambda x, k, i, j: x[i : i + k.shape[0], j : j + k.shape[1]] * k,
            "One window gives one number. You have the products; what is left is to add them up.",
        ),
        Misconception(
            "kernel forgotten",
            lambda x, k, i, j: x[i : i + k.shape[0], j : j + k.shape[1]].sum(),
            "This adds up the window itself. Each cell has to be multiplied by the kernel cell that lies on "
            "it first.",
        ),
    ),
)


def _size_cases(draw):
    yield case("the worked example", n=5, k=3)
    for i in range(10):
        k = 2 * draw.integer(1, 3) + i % 2
        yield case("any size", n=k + draw.integer(1, 30), k=k)
    for n in (1, 4, 9):
        yield case("kernels of size 1", n=n, k=1)
    for i in range(5):
        n = 2 * draw.integer(1, 4) + i % 2
        yield case("a kernel that does not fit, and one that just does", n=n, k=n + draw.integer(1, 4))
        yield case("a kernel that does not fit, and one that just does", n=n, k=n)


def _sized(formula):
    """An answer to `output_size` that refuses, as it should, what does not fit."""

    def output_size(n, k):
        if k > n:
            raise ValueError(f"a kernel of size {k} does not fit into an input of size {n}")
        return formula(n, k)

    return output_size


output_size = Exercise(
    name="output_size",
    reference=_sized(lambda n, k: n - k + 1),
    cases=_size_cases,
    points=4,
    difficulty=1,
    minutes=5,
    misconceptions=(
        Misconception(
            "off by one",
            _sized(lambda n, k: n - k),
            "n - k is how far the window can move. The place where it starts counts as well: five fence posts "
            "have four gaps between them, and you are counting posts.",
        ),
        Misconception(
            "size of the input kept",
            _sized(lambda n, k: n),
            "The window has to lie wholly inside the input, so its first cell cannot reach the last k - 1 "
            "places. (Padding, in notebook 03, is what keeps the size.)",
        ),
        Misconception(
            "windows laid side by side",
            _sized(lambda n, k: n // k),
            "This counts windows that do not overlap, like tiles. A sliding window moves on by one cell, so "
            "neighbouring windows overlap.",
        ),
        Misconception(
            "every touching place counted",
            _sized(lambda n, k: n + k - 1),
            "This counts every place where kernel and input touch at all, even by one cell. Here the window "
            "must lie wholly inside the input.",
        ),
        Misconception(
            "kernel cut off on both sides",
            _sized(lambda n, k: n - 2 * (k // 2)),
            "Taking k // 2 off at both ends fits odd kernels only. Count for k = 2 on a row of 4 cells.",
        ),
        Misconception(
            "a float for a count",
            _sized(lambda n, k: (n - k) / 1 + 1),
            "A size is a whole number: range() and torch.zeros() refuse 3.0. In Python / always gives a float; "
            "use // where you divide, and here you need not divide at all.",
        ),
        Misconception(
            "a size that cannot be",
            lambda n, k: n - k + 1,
            "Where the kernel is larger than the input there is no place for it. Raise a ValueError that says "
            "so, instead of returning zero or less for someone else to stumble over.",
        ),
        Misconception(
            "an exact fit refused",
            lambda n, k: _sized(lambda n, k: n - k + 1)(n, k + (k == n)),
            "A kernel as large as the input fits: it has one place. Refuse only what is larger, k > n.",
        ),
        Misconception(
            "no output instead of an error",
            lambda n, k: max(n - k + 1, 0),
            "Returning 0 hides the mistake: a kernel larger than the input is an error, and PyTorch raises "
            "one. Raise a ValueError.",
        ),
    ),
)


def _correlate_cases(draw):
    for aspect, x, k in _pairs(draw):
        yield case(aspect, x=x, k=k)


def _swapping(x, k):
    """Writes into out[j, i]."""
    right = _correlate(x, k)
    out = torch.zeros_like(right)
    for i in range(out.shape[0]):
        for j in range(out.shape[1]):
            out[j, i] = right[i, j]
    return out


def _overwriting(x, k):
    """Multiplies the kernel into the input itself, window by window."""
    height, width = k.shape
    out = torch.zeros(x.shape[0] - height + 1, x.shape[1] - width + 1, dtype=torch.promote_types(x.dtype, k.dtype))
    for i in range(out.shape[0]):
        for j in range(out.shape[1]):
            window = x[i : i + height, j : j + width]
            window *= k
            out[i, j] = window.sum()
    return out


cross_correlate2d = Exercise(
    name="cross_correlate2d",
    reference=_correlate,
    cases=_correlate_cases,
    points=8,
    difficulty=2,
    minutes=15,
    forbidden=CONVOLUTION,
    misconceptions=(
        Misconception(
            "off by one in the range",
            lambda x, k: _correlate(x, k)[:-1, :-1],
            "The last row and column of windows are missing. range(n - k) stops one early: there are "
            "n - k + 1 places, which is what your output_size says.",
        ),
        Misconception(
            "last row and column left at zero",
            lambda x, k: _padded(_correlate(x, k)[:-1, :-1], 0, 1, 0, 1),
            "The output has the right shape, but its last row and column were never visited: the loops stop "
            "one step early. They have to run over the whole of the output.",
        ),
        Misconception(
            "row and column swapped",
            _swapping,
            "A tensor is indexed [row, column]. i counts rows and j columns, of the output as of the input: "
            "out[i, j] and not out[j, i]. Only square outputs forgive the swap.",
        ),
        Misconception(
            "output transposed",
            lambda x, k: _correlate(x, k).mT,
            "Your output is transposed: its height has to come from the heights, x.shape[0] and k.shape[0], "
            "and its width from the widths.",
        ),
        Misconception(
            "kernel transposed",
            lambda x, k: _correlate(x, k.mT),
            "The kernel's rows lie on the input's rows: k[a, b] belongs to x[i + a, j + b]. Square symmetric "
            "kernels hide this mistake.",
        ),
        Misconception(
            "mean for sum",
            lambda x, k: _correlate(x, k) / k.numel(),
            "Each output cell is a sum of products. You divided by the number of kernel cells as well.",
        ),
        Misconception(
            "kernel flipped",
            lambda x, k: _correlate(x, k.flip(0, 1)),
            "This is the mathematician's convolution: the kernel turned by 180 degrees. PyTorch's conv2d, and "
            "this exercise, slide the kernel as it is.",
        ),
        Misconception(
            "kernel flipped top to bottom",
            lambda x, k: _correlate(x, k.flip(0)),
            "The kernel's rows come in reverse order. Nothing is flipped in a cross-correlation: top row on "
            "top row.",
        ),
        Misconception(
            "kernel flipped left to right",
            lambda x, k: _correlate(x, k.flip(1)),
            "The kernel's columns come in reverse order. Nothing is flipped in a cross-correlation: left "
            "column on left column.",
        ),
        Misconception(
            "result left as an int dtype",
            lambda x, k: _correlate(x.double(), k.double()).to(x.dtype),
            "The output took the input's dtype. With an image of whole numbers and a kernel of fractions that "
            "cuts the fractions off. Make the output with dtype=torch.promote_types(x.dtype, k.dtype).",
        ),
        Misconception(
            "dtype taken from the kernel alone",
            lambda x, k: _correlate(x.double(), k.double()).to(k.dtype),
            "The output took the kernel's dtype. With an image of fractions and a kernel of whole numbers that "
            "cuts the fractions off. Make the output with dtype=torch.promote_types(x.dtype, k.dtype).",
        ),
        Misconception(
            "result always float32",
            lambda x, k: _correlate(x, k).float(),
            "torch.zeros(h, w) is float32 whatever goes in, so float64 loses digits and whole numbers stop "
            "being whole. Make the output with dtype=torch.promote_types(x.dtype, k.dtype).",
        ),
        Misconception(
            "loop over the input instead of the output",
            lambda x, k: _correlate(_padded(x, 0, k.shape[1] - 1, 0, k.shape[0] - 1), k),
            "Your output is as large as the input: the loops run over the input's cells, so the last windows "
            "hang over its edge. Loop over the cells of the output.",
        ),
        Misconception(
            "edges padded with zeros",
            lambda x, k: _correlate(
                _padded(x, (k.shape[1] - 1) // 2, k.shape[1] // 2, (k.shape[0] - 1) // 2, k.shape[0] // 2), k
            ),
            "Your output is as large as the input because the window may hang over the edges, over zeros. "
            "That is padding, the subject of notebook 03; here the window stays inside.",
        ),
        Misconception(
            "kernel forgotten",
            lambda x, k: _correlate(x, torch.ones_like(k)),
            "Each cell of your output is the plain sum of its window. Multiply by the kernel before you add.",
        ),
        Misconception(
            "input overwritten",
            _overwriting,
            "`window *= k` writes into x, because a slice of a tensor shares its memory, and the next window "
            "overlaps this one. Write `window * k`, which makes a new tensor.",
        ),
    ),
)

convolve2d = Exercise(
    name="convolve2d",
    reference=lambda x, k: _correlate(x, k.flip(0, 1)),
    cases=_correlate_cases,
    points=4,
    difficulty=2,
    minutes=5,
    forbidden=CONVOLUTION,
    misconceptions=(
        Misconception(
            "kernel not flipped",
            _correlate,
            "This is the cross-correlation again. A convolution turns the kernel by 180 degrees first: its "
            "last row becomes its first, and its last column its first.",
        ),
        Misconception(
            "flipped top to bottom only",
            lambda x, k: _correlate(x, k.flip(0)),
            "The rows are reversed, the columns are not. In two dimensions the kernel is flipped along both axes.",
        ),
        Misconception(
            "flipped left to right only",
            lambda x, k: _correlate(x, k.flip(1)),
            "The columns are reversed, the rows are not. In two dimensions the kernel is flipped along both axes.",
        ),
        Misconception(
            "transposed instead of flipped",
            lambda x, k: _correlate(x, k.mT),
            "Transposing swaps rows with columns. Flipping leaves the shape alone and reverses the order along "
            "an axis: k.flip(0, 1).",
        ),
        Misconception(
            "input flipped instead of the kernel",
            lambda x, k: _correlate(x.flip(0, 1), k),
            "You flipped the image. That gives the right numbers in the wrong places: the whole output comes "
            "out turned by 180 degrees.",
        ),
        Misconception(
            "output flipped",
            lambda x, k: _correlate(x, k).flip(0, 1),
            "You flipped the result of a cross-correlation. That moves its numbers about but changes none of "
            "them; flipping the kernel gives other numbers.",
        ),
        Misconception(
            "every overlap counted",
            lambda x, k: _correlate(
                _padded(x, k.shape[1] - 1, k.shape[1] - 1, k.shape[0] - 1, k.shape[0] - 1), k.flip(0, 1)
            ),
            "This is the 'full' convolution, with every place where kernel and input overlap at all. The "
            "exercise asks for the places where the kernel lies wholly inside.",
        ),
    ),
)

predicted_shape = question(
    "predicted_shape",
    "sha256:871f4f1bf105dfce",
    Misconception(
        "size of the input kept",
        "sha256:76c3c9e1061790b2",
        "The window must lie wholly inside. Put its left edge on the last column: two of its columns hang over.",
    ),
    Misconception(
        "one cell lost instead of two",
        "sha256:e696cd753bb9f6f7",
        "Count the places where the window's left edge can be. In a row of five cells a window of three "
        "starts at 0, 1 or 2.",
    ),
    Misconception(
        "steps counted instead of places",
        "sha256:52f7e9ff41fe1074",
        "From its first place the window can take two steps. The place where it starts is a place too.",
    ),
)

predicted_centre = question(
    "predicted_centre",
    "sha256:bc9d98a8d8137ca7",
    Misconception(
        "weights all added up as positive",
        "sha256:7266cbeaf6cde24a",
        "The eight weights around the middle are -1, so the white cells under them are taken off.",
    ),
    Misconception(
        "neighbours forgotten",
        "sha256:bbd39c9ae7eae243",
        "8 is what the middle cell alone gives. The eight white cells around it each take 1 away.",
    ),
    Misconception(
        "pixel copied",
        "sha256:9dda829377c0ee05",
        "1 is the pixel. The output is the sum of nine products: 8 for the middle and -1 for each neighbour.",
    ),
)

predicted_twins = question(
    "predicted_twins",
    "sha256:14f18f17830e3b9f",
    Misconception(
        "sign change overlooked",
        "sha256:bc535133b5540ad6",
        "Turn it by 180 degrees: the column of 1s moves to the right and the column of -1s to the left. "
        "That is another kernel (minus the first).",
    ),
    Misconception(
        "order within the kernel overlooked",
        "sha256:f919a9409458b705",
        "Turned by 180 degrees its 3 stands in the top left corner. Another kernel, so on most images "
        "another result.",
    ),
    Misconception(
        "flipping always matters",
        "sha256:73a96ebc25dbf15a",
        "Some kernels look the same after half a turn. Look for one among the three.",
    ),
)
