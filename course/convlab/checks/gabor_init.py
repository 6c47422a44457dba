"""Notebook 05: filters on purpose, Gabor banks and random initialisation."""

from __future__ import annotations

import math

import torch
from torch import nn

from . import calls
from .compare import close
from .draw import LAYOUTS
from .exercise import Exercise, Misconception, case, question
from .plain import Raised, replaced, tensors

SCIKIT_IMAGE = {"skimage.filters": "scikit-image's filters"}
TORCH_INIT = {"torch.nn.init": "torch.nn.init"}


def _pair(size):
    return (size, size) if isinstance(size, int) else tuple(size)


def _grid(size):
    """x of shape (1, kW), to the right, and y of shape (kH, 1), down, in cells from the centre."""
    height, width = _pair(size)
    x = torch.arange(width, dtype=torch.float64)[None] - (width - 1) / 2
    y = torch.arange(height, dtype=torch.float64)[:, None] - (height - 1) / 2
    return x, y


def _wave(x, y, sigma, theta, lambd, psi, gamma):
    """The formula, for an angle or a tensor of angles; computed in float64, given in torch's default dtype."""
    theta = torch.as_tensor(theta, dtype=torch.float64)
    along = x * theta.cos() + y * theta.sin()
    across = y * theta.cos() - x * theta.sin()
    envelope = torch.exp(-(along**2 + (gamma * across) ** 2) / (2 * sigma**2))
    return (envelope * torch.cos(2 * math.pi * along / lambd + psi)).to(torch.get_default_dtype())


def _gabor(size, sigma, theta, lambd, psi, gamma):
    return _wave(*_grid(size), sigma, theta, lambd, psi, gamma)


FLAT = 1e9
"""A sigma or a wavelength so large that the envelope, or the wave, is flat."""


def _envelope_upright(size, sigma, theta, lambd, psi, gamma):
    """The wave turns with theta, the envelope does not."""
    return _gabor(size, sigma, 0, FLAT, 0, gamma) * _gabor(size, FLAT, theta, lambd, psi, 1)


def _centred_on_a_cell(size, *numbers):
    """Counts from size // 2: right for odd sizes."""
    height, width = _pair(size)
    return _gabor((height | 1, width | 1), *numbers)[:height, :width]


def _minus_lost(size, sigma, theta, lambd, psi, gamma):
    x, y = _grid(size)
    across = x * math.cos(theta) + y * math.sin(theta)
    along = x * math.sin(theta) + y * math.cos(theta)
    bell = torch.exp(-(across**2 + (gamma * along) ** 2) / (2 * sigma**2))
    return (bell * torch.cos(2 * math.pi * across / lambd + psi)).to(torch.get_default_dtype())


def _from_minus_one_to_one(size, *numbers):
    (x, y), (height, width) = _grid(size), _pair(size)
    return _wave(x / ((width - 1) / 2), y / ((height - 1) / 2), *numbers)


def _from_the_corner(size, *numbers):
    x, y = _grid(size)
    return _wave(x - x.min(), y - y.min(), *numbers)


def _kernel_cases(draw):
    def numbers(psi=0.0, gamma=1.0):
        return {
            "sigma": draw.integer(4, 12) / 4,
            "theta": math.radians(draw.choice((10, 20, 35, 50, 65, 100, 110, 125, 140, 155))),
            "lambd": draw.integer(5, 12) / 2,
            "psi": psi,
            "gamma": gamma,
        }

    def lopsided():
        psi = draw.choice((-1.25, -0.5, 0.75, 1.0, 2.5))
        return numbers(psi, draw.choice((0.5, 0.75, 1.5, 2.0)))

    yield case("the worked example", size=3, sigma=1.0, theta=0.0, lambd=4.0, psi=math.pi / 2, gamma=1.0)
    for _ in range(8):
        yield case("any angle, width and wavelength", size=draw.choice((3, 5, 7)), **numbers())
    for _ in range(8):
        yield case("phase and aspect", size=draw.choice((3, 5, 7)), **lopsided())
    for _ in range(4):
        yield case("even sizes and kernels that are not square", size=draw.choice((4, 6)), **lopsided())
        yield case("even sizes and kernels that are not square", size=draw.unequal(3, 7), **lopsided())


gabor_kernel = Exercise(
    name="gabor_kernel",
    reference=_gabor,
    cases=_kernel_cases,
    points=6,
    difficulty=3,
    minutes=15,
    forbidden=SCIKIT_IMAGE,
    misconceptions=(
        Misconception(
            "degrees for radians",
            lambda size, sigma, theta, lambd, psi, gamma: _gabor(
                size, sigma, math.radians(theta), lambd, psi, gamma
            ),
            "theta comes in radians already, as math.cos wants it. You converted it from degrees once more, so "
            "every angle is nearly 0.",
        ),
        Misconception(
            "phase taken for degrees",
            lambda size, sigma, theta, lambd, psi, gamma: _gabor(
                size, sigma, theta, lambd, math.radians(psi), gamma
            ),
            "psi comes in radians, like theta. Add it to the wave's argument as it is.",
        ),
        Misconception(
            "axes swapped",
            lambda size, *numbers: _gabor(_pair(size)[::-1], *numbers).mT,
            "Your x changes from row to row. In a tensor the row comes first, but x runs to the right, along "
            "the columns, and y runs down: x belongs to the second axis.",
        ),
        Misconception(
            "angle turned the other way",
            lambda size, sigma, theta, lambd, psi, gamma: _gabor(size, sigma, -theta, lambd, psi, gamma),
            "Your kernel is the mirror image, top to bottom. Row 0 is at the top and y grows downwards, and "
            "x' = x cos(theta) + y sin(theta), with a plus.",
        ),
        Misconception(
            "wave along the stripes",
            lambda size, sigma, theta, lambd, psi, gamma: _gabor(
                size, sigma, theta + math.pi / 2, lambd, psi, gamma
            ),
            "theta is the direction in which the wave goes up and down, across the stripes. At theta = 0 the "
            "values change from left to right, so the stripes stand upright.",
        ),
        Misconception(
            "wavelength taken for a frequency",
            lambda size, sigma, theta, lambd, psi, gamma: _gabor(size, sigma, theta, 1 / lambd, psi, gamma),
            "lambd is the length of one wave in cells, so a larger lambd means broader stripes. Divide by it; "
            "to multiply is right for a frequency.",
        ),
        Misconception(
            "2 pi forgotten",
            lambda size, sigma, theta, lambd, psi, gamma: _gabor(
                size, sigma, theta, 2 * math.pi * lambd, psi, gamma
            ),
            "One step of lambd cells must take the cosine once round, which is 2 pi. Without the 2 pi your "
            "stripes are six times too broad.",
        ),
        Misconception(
            "envelope forgotten",
            lambda size, sigma, theta, lambd, psi, gamma: _gabor(size, FLAT, theta, lambd, psi, gamma),
            "This is the wave alone, which stops dead at the kernel's edge. A Gabor kernel fades out: multiply "
            "by the Gaussian of width sigma.",
        ),
        Misconception(
            "wave forgotten",
            lambda size, sigma, theta, lambd, psi, gamma: _gabor(size, sigma, theta, FLAT, 0, gamma),
            "This is the Gaussian alone, a blur. Multiply it by the cosine.",
        ),
        Misconception(
            "envelope not turned",
            _envelope_upright,
            "Your wave turns with theta and your envelope does not. Both use the turned coordinates, x' and y'. "
            "At gamma = 1 the envelope is round, which hides this.",
        ),
        Misconception(
            "sigma not squared",
            lambda size, sigma, theta, lambd, psi, gamma: _gabor(size, math.sqrt(sigma), theta, lambd, psi, gamma),
            "The exponent is divided by 2 sigma squared. With sigma alone the result is right only at sigma = 1.",
        ),
        Misconception(
            "factor 2 of the Gaussian forgotten",
            lambda size, sigma, theta, lambd, psi, gamma: _gabor(
                size, sigma / math.sqrt(2), theta, lambd, psi, gamma
            ),
            "Divide the exponent by 2 sigma squared. Without the 2 the envelope is too narrow, and sigma is "
            "no longer its standard deviation.",
        ),
        Misconception(
            "gamma ignored",
            lambda size, sigma, theta, lambd, psi, gamma: _gabor(size, sigma, theta, lambd, psi, 1),
            "Your envelope is always round. gamma multiplies y' inside the Gaussian: below 1 it makes the "
            "stripes longer, above 1 shorter.",
        ),
        Misconception(
            "gamma not squared",
            lambda size, sigma, theta, lambd, psi, gamma: _gabor(size, sigma, theta, lambd, psi, math.sqrt(gamma)),
            "gamma stretches y', and then the whole is squared: (gamma y') squared, which is gamma squared "
            "times y' squared.",
        ),
        Misconception(
            "gamma on the wrong axis",
            lambda size, sigma, theta, lambd, psi, gamma: _gabor(
                size, sigma / gamma, theta, lambd, psi, 1 / gamma
            ),
            "Your gamma stretches x', across the stripes. It belongs to y', along them; across, the width is "
            "sigma whatever gamma is.",
        ),
        Misconception(
            "gamma divides",
            lambda size, sigma, theta, lambd, psi, gamma: _gabor(size, sigma, theta, lambd, psi, 1 / gamma),
            "You divide y' by gamma. It multiplies: gamma = 0.5 makes the envelope twice as long as it is wide.",
        ),
        Misconception(
            "phase ignored",
            lambda size, sigma, theta, lambd, psi, gamma: _gabor(size, sigma, theta, lambd, 0, gamma),
            "psi shifts the wave under the envelope: it is added inside the cosine. Without it every kernel "
            "has its crest in the middle.",
        ),
        Misconception(
            "phase subtracted",
            lambda size, sigma, theta, lambd, psi, gamma: _gabor(size, sigma, theta, lambd, -psi, gamma),
            "Your kernel is turned by 180 degrees, which is the same as psi with a minus. Add psi. (OpenCV "
            "stores its kernels turned round like this; scikit-image and this exercise do not.)",
        ),
        Misconception(
            "sine for cosine",
            lambda size, sigma, theta, lambd, psi, gamma: _gabor(
                size, sigma, theta, lambd, psi - math.pi / 2, gamma
            ),
            "With a sine the middle of the kernel is 0 at psi = 0. The formula has a cosine: its crest is there.",
        ),
        Misconception(
            "centre on a cell",
            _centred_on_a_cell,
            "An even number of cells has its middle between two cells. Count from (size - 1) / 2; size // 2 is "
            "half a cell off.",
        ),
        Misconception(
            "origin in the corner",
            _from_the_corner,
            "Your x and y start at 0 in the top left corner, and so the bell sits there. Count from the centre: "
            "subtract (size - 1) / 2.",
        ),
        Misconception(
            "multiplied by sigma squared",
            lambda size, sigma, theta, lambd, psi, gamma: _gabor(size, 1 / sigma, theta, lambd, psi, gamma),
            "Your larger sigma gives a narrower bell. In Python a / 2 * sigma**2 multiplies by sigma**2: put "
            "brackets around (2 * sigma**2).",
        ),
        Misconception(
            "phase counted in cells",
            lambda size, sigma, theta, lambd, psi, gamma: _gabor(
                size, sigma, theta, lambd, 2 * math.pi * psi / lambd, gamma
            ),
            "You add psi to x', as if it were cells. It is an angle, so it is added to the angle: "
            "2 pi x' / lambd + psi.",
        ),
        Misconception(
            "minus of y' lost",
            _minus_lost,
            "Your y' is x sin(theta) + y cos(theta). It needs a minus: -x sin(theta) + y cos(theta), or x' and y' "
            "do not stand at right angles.",
        ),
        Misconception(
            "norm 1 already",
            lambda size, *numbers: (kernel := _gabor(size, *numbers)) / kernel.norm(),
            "This is the formula divided by its norm. That comes in the next exercise; here give the formula as "
            "it is.",
        ),
        Misconception(
            "phase multiplied by 2 pi",
            lambda size, sigma, theta, lambd, psi, gamma: _gabor(
                size, sigma, theta, lambd, 2 * math.pi * psi, gamma
            ),
            "psi is an angle already, so it is added after the multiplication: 2 pi x' / lambd + psi.",
        ),
        Misconception(
            "height and width swapped",
            lambda size, *numbers: _gabor(_pair(size)[::-1], *numbers),
            "A pair is (height, width), as for nn.Conv2d: rows first. Only square kernels forgive the swap.",
        ),
        Misconception(
            "coordinates from -1 to 1",
            _from_minus_one_to_one,
            "You scaled x and y to run from -1 to 1. sigma and lambd are in cells, so neighbours differ by 1.",
        ),
        Misconception(
            "mean taken off already",
            lambda size, *numbers: (kernel := _gabor(size, *numbers)) - kernel.mean(),
            "This is the formula minus its mean. That comes in the next exercise; here give the formula as it is.",
        ),
    ),
)


def _filters(angles, size, side=max):
    """The Gabor kernels of the course's bank at these angles, as the formula gives them."""
    k = side(_pair(size))
    turned = torch.tensor(angles, dtype=torch.float64)[:, None, None]
    return _gabor(size, k / 4, turned, (k + 1) / 2, 0, 1)


def _centred(filters):
    return filters - filters.mean((1, 2), keepdim=True)


def _normed(filters):
    return filters / filters.norm(dim=(1, 2), keepdim=True)


def _banked(make):
    """An answer to `gabor_bank` that refuses, as it should, a kernel without room for a stripe."""

    def gabor_bank(n, size):
        if min(_pair(size)) < 3:
            raise ValueError(f"a kernel of size {size} has no room for a stripe")
        return make(n, size)

    return gabor_bank


def _half_turn(n):
    return [i * math.pi / n for i in range(n)]


def _bank_of(n, size):
    return _normed(_centred(_filters(_half_turn(n), size)))


_bank = _banked(_bank_of)


def _turning(angles):
    """`gabor_bank` with other angles: `angles(n)` lists them."""
    return _banked(lambda n, size: _normed(_centred(_filters(angles(n), size))))


def _scaled(scale):
    """`gabor_bank` with another last step than the norm of each filter: `scale(filters)` of centred ones."""
    return _banked(lambda n, size: scale(_centred(_filters(_half_turn(n), size))))


def _bank_cases(draw):
    yield case("the worked example", n=4, size=5)
    for n in (1, 2, 3, 5, 6, 7, 8, 12):
        yield case("any number of orientations", n=n, size=draw.choice((3, 5, 7)))
    for turn in range(4):  # wide, tall, wide, tall
        n, sides = draw.integer(2, 9), sorted(draw.unequal(3, 7), reverse=turn % 2 == 1)
        yield case("even sizes and kernels that are not square", n=n, size=draw.choice((4, 6)))
        yield case("even sizes and kernels that are not square", n=n, size=tuple(sides))
    for size in ((1, 4), (5, 2), (2, 3), 2, 1):
        yield case("kernels without room for a stripe", n=draw.integer(1, 4), size=size)


gabor_bank = Exercise(
    name="gabor_bank",
    reference=_bank,
    cases=_bank_cases,
    points=4,
    difficulty=2,
    minutes=10,
    forbidden=SCIKIT_IMAGE,
    misconceptions=(
        Misconception(
            "theta = 0 and pi both in the bank",
            _turning(lambda n: torch.linspace(0, math.pi, n, dtype=torch.float64).tolist()),
            "Your first filter is at 0 and your last at pi. Half a turn brings the stripes back onto themselves, "
            "so those two are the same filter. Step by pi / n and leave pi itself out.",
        ),
        Misconception(
            "angles over a whole turn",
            _turning(lambda n: [2 * angle for angle in _half_turn(n)]),
            "Your angles run over 2 pi. Stripes turned by pi are the same stripes, so the second half of the "
            "bank repeats the first, as in the tutorial. n filters share pi, half a turn.",
        ),
        Misconception(
            "degrees handed on",
            _turning(lambda n: [180 * i / n for i in range(n)]),
            "gabor_kernel takes radians, and you hand it degrees: 45 radians is seven turns and a bit. Half a "
            "turn is math.pi.",
        ),
        Misconception(
            "step that does not know n",
            _turning(lambda n: [i * math.pi / 8 for i in range(n)]),
            "You step by pi / 8 for every n. Four filters then cover a quarter turn only, and twelve come round "
            "again. The step is pi / n.",
        ),
        Misconception(
            "angles backwards",
            _turning(lambda n: [-angle for angle in _half_turn(n)]),
            "Your angles go the other way round. Filter i is at + i pi / n.",
        ),
        Misconception(
            "first angle left out",
            _turning(lambda n: [math.pi * (i + 1) / n for i in range(n)]),
            "Your bank starts at pi / n. Filter 0 is at angle 0: count i from 0.",
        ),
        Misconception(
            "nonzero mean",
            _banked(lambda n, size: _normed(_filters(_half_turn(n), size))),
            "Your filters do not add up to 0, so they answer to plain brightness: on a flat grey wall all of "
            "them fire. Subtract each filter's mean before you scale it.",
        ),
        Misconception(
            "norm left as it is",
            _scaled(lambda filters: filters),
            "The mean is gone, the length is not 1. Divide each filter by the root of the sum of its squares, so "
            "that no orientation is louder than another.",
        ),
        Misconception(
            "scaled first, centred afterwards",
            _banked(lambda n, size: _centred(_normed(_filters(_half_turn(n), size)))),
            "The order matters: taking the mean off changes the length. Centre first, then divide by the norm.",
        ),
        Misconception(
            "one mean for all",
            _banked(lambda n, size: _normed((filters := _filters(_half_turn(n), size)) - filters.mean((0, 1, 2)))),
            "You subtracted one number from the whole bank. Each filter has its own mean, and each has to end "
            "at 0.",
        ),
        Misconception(
            "one norm for all",
            _scaled(lambda filters: filters / filters.norm()),
            "You divided by the length of the whole bank. Each filter gets length 1, so take the norm over rows "
            "and columns only.",
        ),
        Misconception(
            "absolute values add up to 1",
            _scaled(lambda filters: filters / filters.abs().sum((1, 2), keepdim=True)),
            "You divided by the sum of the absolute values, which is the L1 norm. The L2 norm is the root of the "
            "sum of the squares.",
        ),
        Misconception(
            "largest value is 1",
            _scaled(lambda filters: filters / filters.amax((1, 2), keepdim=True)),
            "You divided by the largest value. Asked for is the L2 norm, over all the cells of a filter.",
        ),
        Misconception(
            "standard deviation is 1",
            _scaled(lambda filters: filters / filters.std((1, 2), keepdim=True)),
            "You divided by the standard deviation. Then a larger kernel is louder; the norm does not grow with "
            "the number of cells.",
        ),
        Misconception(
            "square root forgotten",
            _scaled(lambda filters: filters / filters.square().sum((1, 2), keepdim=True)),
            "You divided by the sum of the squares. The norm is its square root.",
        ),
        Misconception(
            "k is the shorter side",
            _banked(lambda n, size: _normed(_centred(_filters(_half_turn(n), size, min)))),
            "sigma and lambd follow k, the longer side of the kernel. You took the shorter one.",
        ),
        Misconception(
            "k is the height",
            _banked(lambda n, size: _normed(_centred(_filters(_half_turn(n), size, lambda pair: pair[0])))),
            "sigma and lambd follow k, the longer side of the kernel. You took its height, which is right for "
            "tall kernels only.",
        ),
        Misconception(
            "orientations last",
            _banked(lambda n, size: _bank_of(n, size).permute(1, 2, 0)),
            "Your orientations are the last axis. A bank has shape (n, height, width), like the filters of a "
            "layer: torch.stack puts the new axis first.",
        ),
        Misconception(
            "filters without a stripe",
            _bank_of,
            "With fewer than three cells along a side there is no room for a crest between two troughs; some "
            "filters come out as 0 / 0. Raise a ValueError.",
        ),
    ),
)


def _layer(weight, bias, groups):
    """A Conv2d with these parameters; weight has shape (out, in / groups, kH, kW)."""
    conv = nn.Conv2d(
        weight.shape[1] * groups,
        weight.shape[0],
        weight.shape[2:],
        groups=groups,
        bias=bias is not None,
        dtype=weight.dtype,
    )
    with torch.no_grad():
        conv.weight.copy_(weight)
        if bias is not None:
            conv.bias.copy_(bias)
    return conv


def _init_cases(draw):
    def layer(out, inside, groups=1, size=None, bias=True, dtype=torch.float32):
        weight = draw.tensor(out, inside, *(size or 2 * (draw.integer(3, 5),)), dtype=dtype)
        return {"weight": weight, "bias": draw.tensor(out, dtype=dtype) if bias else None, "groups": groups}

    yield case("the worked example", **layer(4, 3, size=(5, 5)))
    for n, out in enumerate((1, 3, 5, 8, 9, 11, 17)):
        yield case("any number of filters, grey and colour", **layer(out, (1, 3)[n % 2]))
    for n, out in enumerate((1, 5, 3, 6, 2, 4, 1, 5)):  # of each group; beyond 8 the orientations start again
        groups = draw.integer(2, 3)
        made = layer(groups * out, draw.integer(2, 3) if n % 2 else 1, groups, bias=n % 4 < 2)
        yield case("groups, with and without a bias", **made)
    for n, dtype in enumerate((torch.float32, torch.float64) * 3):
        out = draw.integer(2, 10) if n else draw.integer(9, 12)
        made = layer(out, draw.integer(2, 4), size=draw.unequal(3, 6), dtype=dtype)
        yield case("kernels that are not square, and float64", **made)


def _filled(actual, expected):
    """`close` for parameters after an initialiser, to float32's accuracy, in which students make their banks.

    Of two errors, those that come from a change recorded by autograd equal only each other.
    """
    if isinstance(actual, Raised) and isinstance(expected, Raised):
        by_autograd = ["leaf Variable" in one.message for one in (actual, expected)]
        return close(actual, expected) if by_autograd[0] == by_autograd[1] else "another error was expected"
    in_single = [
        replaced(one, lambda tensor: tensor.float() if tensor.dtype == torch.float64 else tensor)
        for one in (actual, expected)
    ]
    dtypes = [[str(tensor.dtype) for tensor in tensors(one)] for one in (actual, expected)]
    return close(*in_single) or close(*dtypes, "dtypes")


def _orientations(out):
    return min(8, out)


def _fills(share=lambda conv: conv.weight.shape[1], n=_orientations, order=lambda i, out, n: i % n, bank=_bank_of):
    """An initialiser: filter i gets orientation order(i, out, n) of n(out), divided by share(conv)."""

    def init_gabor_(conv):
        out = conv.out_channels
        filters = bank(n(out), conv.kernel_size)[[order(i, out, n(out)) for i in range(out)]]
        with torch.no_grad():
            conv.weight.copy_(filters[:, None] / share(conv))
            if conv.bias is not None:
                conv.bias.zero_()

    return init_gabor_


_init = _fills()


def _without_no_grad(conv):
    conv.weight.copy_(_bank_of(_orientations(conv.out_channels), conv.kernel_size)[:1, None])


def _and(then):
    """The right initialiser, and one thing more: `then(conv, weight, bias)`, given what was there before."""

    def init_gabor_(conv):
        before = conv.weight.detach().clone(), None if conv.bias is None else conv.bias.detach().clone()
        _init(conv)
        with torch.no_grad():
            then(conv, *before)

    return init_gabor_


def _replace_weight(conv, weight, bias):
    conv.weight = nn.Parameter(conv.weight.clone())


def _replace_bias(conv, weight, bias):
    if bias is not None:
        conv.bias = nn.Parameter(torch.zeros_like(bias))


def _assign_data(conv, weight, bias):
    conv.weight.data = conv.weight.float()


def _restore_weight(conv, weight, bias):
    conv.weight.copy_(weight)


def _restore_bias(conv, weight, bias):
    if bias is not None:
        conv.bias.copy_(bias)


def _drop_bias(conv, weight, bias):
    conv.bias = None


def _only_first_channel(others):
    def then(conv, weight, bias):
        channels = weight.shape[1]
        conv.weight[:, :1] *= channels
        conv.weight[:, 1:] = others(weight[:, 1:])

    return then


init_gabor_ = Exercise(
    name="init_gabor_",
    reference=_init,
    cases=_init_cases,
    points=6,
    difficulty=3,
    minutes=10,
    call=calls.in_place(_layer),
    compare=_filled,
    misconceptions=(
        Misconception(
            "Parameter replaced rather than filled",
            _and(_replace_weight),
            "conv.weight is a new Parameter now. An optimiser made earlier still holds the old one and would "
            "train that, in vain. Fill the one that is there: conv.weight.copy_(...).",
        ),
        Misconception(
            "bias replaced rather than filled",
            _and(_replace_bias),
            "conv.bias is a new Parameter now. An optimiser made earlier still holds the old one. Fill the one "
            "that is there: conv.bias.zero_().",
        ),
        Misconception(
            "data assigned",
            _and(_assign_data),
            "conv.weight.data = ... takes whatever it is given: a float64 layer has become a float32 one "
            "without a word. copy_ under torch.no_grad() keeps dtype and shape, or complains.",
        ),
        Misconception(
            "no_grad forgotten",
            _without_no_grad,
            "Autograd refuses: a parameter that is to be trained must not be changed by an operation that "
            "autograd records. Do it inside `with torch.no_grad():`.",
        ),
        Misconception(
            "frozen",
            _and(lambda conv, weight, bias: conv.weight.requires_grad_(False)),
            "The weight no longer requires a gradient, so it would never be trained. This is a starting "
            "point: leave requires_grad as it is.",
        ),
        Misconception(
            "a copy filled",
            _and(_restore_weight),
            "The layer's weight is what it was before. Did you fill a copy, or give the name `weight` to a new "
            "tensor? Write into conv.weight itself.",
        ),
        Misconception(
            "gain x3 on RGB",
            _fills(share=lambda conv: 1),
            "Each input channel has a full copy of the filter, and a convolution adds the channels up. On three "
            "equal channels the answer is three times too large. Divide by the number of channels.",
        ),
        Misconception(
            "norm kept instead of the response",
            _fills(share=lambda conv: math.sqrt(conv.weight.shape[1])),
            "You divided by the root of the number of channels, which keeps the norm 1. Asked for is that a grey "
            "image gives the same answer as in one channel: the copies have to add up to one filter.",
        ),
        Misconception(
            "groups forgotten",
            _fills(share=lambda conv: conv.in_channels),
            "A filter sees in_channels / groups channels, not all of them. conv.weight.shape[1] is that number.",
        ),
        Misconception(
            "first channel only, the others 0",
            _and(_only_first_channel(torch.zeros_like)),
            "Only the first input channel has a filter; the layer is blind to the others. Every channel gets a "
            "copy, divided by the number of channels.",
        ),
        Misconception(
            "first channel only, the others left",
            _and(_only_first_channel(lambda others: others)),
            "Only the first input channel was filled, the others hold what was there before. conv.weight[i] has "
            "one plane for each channel: fill them all.",
        ),
        Misconception(
            "bias left",
            _and(_restore_bias),
            "The bias still holds its old values, so the layer answers to a black image. Set it to 0, if there "
            "is one.",
        ),
        Misconception(
            "bias removed",
            _and(_drop_bias),
            "You took the bias away. It is a parameter of the layer, with a place in its state_dict: keep it, "
            "and fill it with zeros.",
        ),
        Misconception(
            "every layer has a bias",
            lambda conv: (conv.bias.data.zero_(), _init(conv)),
            "With bias=False conv.bias is None, and None cannot be filled. Look before you fill.",
        ),
        Misconception(
            "always eight orientations",
            _fills(n=lambda out: 8),
            "A layer of four filters gets the first four of eight orientations, which cover a quarter turn only. "
            "Make min(8, out_channels) orientations, so that few filters still cover half a turn.",
        ),
        Misconception(
            "as many orientations as filters",
            _fills(n=lambda out: out),
            "Every filter got an orientation of its own. The bank has at most eight; after the last one, begin "
            "again with the first: filter i gets orientation i % n.",
        ),
        Misconception(
            "cycle stopped after one round",
            _and(lambda conv, weight, bias: conv.weight[8:].copy_(weight[8:])),
            "Only the first eight filters were filled; the others hold what was there before. Loop over all "
            "the filters of the layer, and begin the bank again with i % n.",
        ),
        Misconception(
            "orientations in blocks",
            _fills(order=lambda i, out, n: i * n // out),
            "Your equal orientations stand next to each other. Cycle through the bank instead: filter i gets "
            "orientation i % n.",
        ),
        Misconception(
            "one orientation for all",
            _fills(order=lambda i, out, n: 0),
            "Every filter is the same. Then all of them compute the same answer, and one would do.",
        ),
        Misconception(
            "every kernel taken for square",
            _fills(bank=lambda n, size: _bank_of(n, size[0])),
            "You made the bank with kernel_size[0] alone, which does not fit a kernel that is not square. Hand "
            "on the whole conv.kernel_size: it is a pair.",
        ),
    ),
)


def _fans(weight):
    return weight[0].numel(), weight[:, 0].numel()


def _fan_cases(draw):
    yield case("the worked example", weight=draw.tensor(16, 3, 5, 5))
    for layout in (*LAYOUTS, "contiguous") * 3:
        channels, size = draw.unequal(1, 6), draw.unequal(1, 5)
        yield case("convolutions of any shape", weight=draw.tensor(*channels, *size, layout=layout))
    for _ in range(3):
        yield case("linear layers", weight=draw.tensor(*draw.unequal(1, 9)))
        yield case("convolutions in one and three dimensions", weight=draw.tensor(*draw.unequal(1, 6), 5))
        size = *draw.unequal(1, 4), draw.integer(2, 4)
        yield case("convolutions in one and three dimensions", weight=draw.tensor(*draw.unequal(1, 5), *size))


def _four_axes(weight):
    out, inside, height, width = weight.shape
    return inside * height * width, out * height * width


fan_in_fan_out = Exercise(
    name="fan_in_fan_out",
    reference=_fans,
    cases=_fan_cases,
    points=4,
    difficulty=2,
    minutes=5,
    forbidden=TORCH_INIT,
    misconceptions=(
        Misconception(
            "fan taken from the wrong axis",
            lambda weight: _fans(weight)[::-1],
            "The two are swapped. A weight has shape (out, in, ...): one output adds up everything in weight[0], "
            "so fan-in comes from the second axis and the kernel.",
        ),
        Misconception(
            "receptive field forgotten",
            lambda weight: (weight.shape[1], weight.shape[0]),
            "These are channels alone. One output cell adds up a whole window of each input channel: multiply by "
            "the number of kernel cells.",
        ),
        Misconception(
            "receptive field in fan-in only",
            lambda weight: (weight[0].numel(), weight.shape[0]),
            "Fan-out has the kernel in it as well: one input cell lies under every kernel cell of every filter "
            "once.",
        ),
        Misconception(
            "every kernel taken for square",
            lambda weight: tuple(
                n * weight.shape[2:3].numel() ** max(weight.ndim - 2, 0) for n in weight.shape[1::-1]
            ),
            "You took one side of the kernel for all of them. Height and width may differ: multiply them.",
        ),
        Misconception(
            "kernel sides added up",
            lambda weight: tuple(n * (sum(weight.shape[2:]) or 1) for n in weight.shape[1::-1]),
            "You added height and width. A window of 3 by 5 has 15 cells, not 8.",
        ),
        Misconception(
            "all the weights counted",
            lambda weight: (weight.numel(), weight.numel()),
            "This is the number of all weights. One output cell uses one filter of them, weight[0].",
        ),
        Misconception(
            "kernel cells alone",
            lambda weight: (weight[0, 0].numel(), weight[0, 0].numel()),
            "These are the cells of one kernel plane. A filter has one plane for each input channel, and they "
            "are all added up.",
        ),
        Misconception(
            "not an int",
            lambda weight: (weight.numel() / weight.shape[0], weight.numel() / weight.shape[1]),
            "A count is an int. / always gives a float, and torch.prod a tensor. Use //, or math.prod, or numel() "
            "of a slice.",
        ),
        Misconception(
            "four axes unpacked",
            _four_axes,
            "`out, inside, height, width = weight.shape` demands four axes. A linear layer's weight has two and "
            "a Conv1d's three: take shape[0], shape[1] and the product of whatever is left.",
        ),
        Misconception(
            "four axes indexed",
            lambda weight: tuple(n * weight.shape[2] * weight.shape[3] for n in weight.shape[1::-1]),
            "shape[2] and shape[3] are there in two dimensions only. Take the product of shape[2:], however "
            "long it is; of nothing, it is 1.",
        ),
    ),
)


def _random_cases(draw):
    def shape():
        few = draw.integer(18, 20)
        return few, 2 * few, *draw.choice(((2, 3), (3, 2), (2, 4), (4, 2)))

    yield case("the worked example", weight=draw.tensor(64, 32, 3, 3))
    for _ in range(7):
        few, many, *size = shape()
        yield case("more channels out than in", weight=draw.tensor(many, few, *size))
        yield case("more channels in than out", weight=draw.tensor(few, many, *size))
    for dtype in (torch.float32, torch.float64) * 3:
        few, many, *size = shape()
        weight = draw.tensor(few, many, *size, dtype=dtype, layout="transposed")
        yield case("other layouts and float64", weight=weight)


SIGMAS = 6
"""How many standard errors a statistic of two samples from one law may differ: 2e-9 of all pairs do."""


def drawn_alike(actual, expected):
    """None where each parameter looks like a sample of the same size from the law of the expected one.

    For n independent normal numbers of standard deviation s the standard errors are s / sqrt(n) for the mean,
    s / sqrt(2 n) for the standard deviation and sqrt(24 / n) for the kurtosis (Kendall and Stuart, The Advanced
    Theory of Statistics, vol. 1); the difference of two samples has sqrt(2) times these. With n >= 3888, as
    drawn above, 6 of them allow 9.6 % in the standard deviation, and the nearest wrong answer, the mean of both
    fans with twice as many channels in as out, is 15 % off; they allow 0.67 in the kurtosis, where the uniform law
    is 1.2 off. Numbers that repeat, as in one filter copied to all, are counted.
    """
    if isinstance(actual, Raised) or isinstance(expected, Raised):
        return _filled(actual, expected)
    shapes = [replaced(one, torch.zeros_like) for one in (actual, expected)]
    if fault := close(*shapes):
        return fault
    for sample, model in zip(tensors(actual), tensors(expected), strict=True):
        if fault := _law_differs(sample.double().flatten(), model.double().flatten()):
            return fault
    return None


def _law_differs(sample, model):
    mean, spread = model.mean().item(), model.std().item()
    margin = SIGMAS * math.sqrt(2 / len(model))
    if not abs(sample.mean().item() - mean) <= margin * spread + 1e-6 * abs(mean):
        return f"the mean is {sample.mean():.3g}, expected about {mean:.3g}"
    if not abs(sample.std().item() - spread) <= margin / math.sqrt(2) * spread + 1e-6 * abs(mean):
        return f"the standard deviation is {sample.std():.3g}, expected about {spread:.3g}"
    if sample.unique().numel() < 0.9 * model.unique().numel():
        return f"only {sample.unique().numel()} of the {sample.numel()} numbers are different"
    if spread and abs(_kurtosis(sample) - _kurtosis(model)) > margin * math.sqrt(24):
        return "mean and standard deviation are right, but the numbers do not follow a normal law"
    return None


def _kurtosis(sample):
    return ((sample - sample.mean()) / sample.std()).pow(4).mean().item()


def _kaiming(spread=lambda fan_in, fan_out: math.sqrt(2 / fan_in), fill=torch.Tensor.normal_):
    """An initialiser that draws with the standard deviation spread(fan_in, fan_out)."""

    def kaiming_normal_(weight):
        std = spread(*_fans(weight))
        with torch.no_grad():
            fill(weight, 0, std)

    return kaiming_normal_


def _dtype_lost(weight):
    weight.data = math.sqrt(2 / _fans(weight)[0]) * torch.randn(weight.shape)


def _seeded(weight):
    torch.default_generator.manual_seed(0)
    _kaiming()(weight)


def _freeze(weight):
    _kaiming()(weight)
    weight.requires_grad_(False)


def _uniform(weight, mean, std):
    weight.uniform_(-math.sqrt(3) * std, math.sqrt(3) * std)


def _parameter(weight):
    return nn.Parameter(weight.clone())


def _filled_twice(work, weight):
    """What `work` makes of one Parameter, and whether it draws other numbers for the next."""
    found = calls.in_place(_parameter)(work, weight=weight)
    work(again := _parameter(weight))
    return {**found, "other numbers the next time": not torch.equal(found["parameters"]["weight"], again)}


kaiming_normal_ = Exercise(
    name="kaiming_normal_",
    reference=_kaiming(),
    cases=_random_cases,
    points=4,
    difficulty=2,
    minutes=10,
    call=_filled_twice,
    compare=drawn_alike,
    forbidden=TORCH_INIT,
    misconceptions=(
        Misconception(
            "fan-out for fan-in",
            _kaiming(lambda fan_in, fan_out: math.sqrt(2 / fan_out)),
            "Your spread comes from fan-out, which keeps the gradients' size on the way back. Asked for is "
            "fan-in, which keeps the activations' size on the way forward.",
        ),
        Misconception(
            "gain forgotten",
            _kaiming(lambda fan_in, fan_out: math.sqrt(1 / fan_in)),
            "1 / sqrt(fan_in) keeps the size of a sum. The ReLU after it then throws half of its power away: "
            "the gain sqrt(2) makes up for that.",
        ),
        Misconception(
            "gain not under the root",
            _kaiming(lambda fan_in, fan_out: 2 / math.sqrt(fan_in)),
            "You multiplied by 2. The gain is sqrt(2): 2 is what the variance needs.",
        ),
        Misconception(
            "variance for standard deviation",
            _kaiming(lambda fan_in, fan_out: 2 / fan_in),
            "2 / fan_in is the variance. normal_ takes a standard deviation, which is its square root.",
        ),
        Misconception(
            "receptive field forgotten",
            lambda weight: _kaiming(lambda fan_in, fan_out: math.sqrt(2 / weight.shape[1]))(weight),
            "You counted the input channels and not the kernel cells. One output adds up fan_in products, which "
            "is channels times height times width.",
        ),
        Misconception(
            "one side of the kernel",
            lambda weight: _kaiming(lambda *fans: math.sqrt(2 / weight.shape[1:3].numel()))(weight),
            "You counted the kernel's rows and not its cells. fan_in is channels times height times width: your "
            "fan_in_fan_out has it.",
        ),
        Misconception(
            "Xavier's spread",
            _kaiming(lambda fan_in, fan_out: math.sqrt(2 / (fan_in + fan_out))),
            "This is Xavier's law: the mean of fan-in and fan-out, and no gain for the ReLU.",
        ),
        Misconception(
            "Xavier's spread with the gain",
            _kaiming(lambda fan_in, fan_out: math.sqrt(4 / (fan_in + fan_out))),
            "You took the mean of fan-in and fan-out, as Xavier does. Kaiming's law takes fan-in alone.",
        ),
        Misconception(
            "one spread for every layer",
            _kaiming(lambda fan_in, fan_out: 0.01),
            "0.01 is the tutorial's number, whatever the layer's size. The spread has to follow fan-in, or the "
            "signal dies on its way through a deep network.",
        ),
        Misconception(
            "uniform with the right spread",
            _kaiming(fill=_uniform),
            "Mean and spread are right, but the numbers are spread evenly. That is kaiming_uniform_; normal was "
            "asked.",
        ),
        Misconception(
            "uniform between plus and minus the spread",
            _kaiming(fill=lambda weight, mean, std: weight.uniform_(-std, std)),
            "Numbers spread evenly between -std and std have a standard deviation of only std / sqrt(3), and "
            "are not normal. Use normal_(0, std).",
        ),
        Misconception(
            "positive numbers only",
            _kaiming(fill=lambda weight, mean, std: weight.normal_(0, std).abs_()),
            "All your weights are positive, so their mean is not 0. Half of them have to be negative.",
        ),
        Misconception(
            "spread added as the mean",
            _kaiming(fill=lambda weight, mean, std: weight.normal_(std, std)),
            "Your numbers lie around the standard deviation. The mean comes first: normal_(0, std).",
        ),
        Misconception(
            "a constant",
            _kaiming(fill=lambda weight, mean, std: weight.fill_(std)),
            "Every weight has the same value. Then all filters compute the same, get the same gradient, and stay "
            "the same for ever. Draw random numbers.",
        ),
        Misconception(
            "one filter copied to all",
            _kaiming(fill=lambda weight, mean, std: weight.copy_(weight[0].clone().normal_(0, std))),
            "You drew one filter and copied it. Filters that start the same stay the same: draw every number.",
        ),
        Misconception(
            "a new tensor returned",
            lambda weight: torch.randn(weight.shape) * math.sqrt(2 / _fans(weight)[0]),
            "The weight that was handed in is as it was. The underscore in the name promises to fill it in "
            "place: weight.normal_(...), or weight.copy_(...).",
        ),
        Misconception(
            "no_grad forgotten",
            lambda weight: weight.normal_(0, 1),
            "Autograd refuses: a parameter that is to be trained must not be changed by an operation that "
            "autograd records. Do it inside `with torch.no_grad():`.",
        ),
        Misconception(
            "frozen",
            _freeze,
            "The weight no longer requires a gradient, so it would never be trained. Leave requires_grad alone.",
        ),
        Misconception(
            "seed set inside",
            _seeded,
            "Every layer of one shape now starts with the same numbers, whatever seed the user chose. Leave the "
            "seed to whoever runs the program.",
        ),
        Misconception(
            "dtype lost",
            _dtype_lost,
            "A float64 weight has become float32: assigning to .data takes whatever it is given. Fill in place, "
            "and the dtype stays.",
        ),
    ),
)

predicted_stripes = question(
    "predicted_stripes",
    "sha256:9ee0fc7f9a2cf8a8",
    Misconception(
        "angle of the stripes",
        "sha256:39337cd07cd908bd",
        "At theta = 0 the wave is cos(2 pi x / lambd): walk to the right and the values go up and down, walk "
        "down and they stay. How do the stripes run?",
    ),
    Misconception(
        "angle mixed up with its half",
        "sha256:9e43e4d0196fc0e9",
        "For slanted stripes x and y must both count. At theta = 0 the sine is 0, and y has no say in the wave.",
    ),
    Misconception(
        "no angle, no stripes",
        "sha256:6288e9700610b1ca",
        "An angle of 0 is a direction like any other: that of x. The wave runs along it.",
    ),
)

predicted_repeats = question(
    "predicted_repeats",
    "sha256:ce03a90ea5252bb3",
    Misconception(
        "every angle a filter of its own",
        "sha256:f34286d673a96b71",
        "Filters 0 and 8 are at 0 and pi. The cosine of -a is the cosine of a: what does half a turn do to "
        "the stripes?",
    ),
    Misconception(
        "only the ends meet",
        "sha256:45c4e2cca5c68067",
        "You look for one pair that meets. Half a turn, which is eight steps, brings every filter back onto "
        "itself, not the first alone.",
    ),
    Misconception(
        "mirror images taken for equal",
        "sha256:84689766f7168618",
        "Stripes that rise to the right and stripes that fall to the right are different filters. Only half a "
        "turn gives the same ones.",
    ),
)

predicted_depth = question(
    "predicted_depth",
    "sha256:084b59df2b41edf3",
    Misconception(
        "size kept",
        "sha256:ff73d6112bea52b2",
        "Each output adds up 576 products with weights of about 0.01: about 0.01 times the root of 576, which is "
        "0.24, and the ReLU takes more. Ten times over?",
    ),
    Misconception(
        "one layer's loss for ten",
        "sha256:32d56a32c8b60e30",
        "That is about what one or two layers do. The factors of ten layers multiply.",
    ),
    Misconception(
        "losses added up",
        "sha256:5b263d18c82cf3cb",
        "The factors multiply: a layer leaves about 0.17 of what comes in, and 0.17 to the power of 10 is far "
        "smaller.",
    ),
)
