"""Notebook 08: a Conv2d that nobody can tell from PyTorch's."""

from __future__ import annotations

import copy
import math
import re

import torch
from torch import nn
from torch.nn import functional as F

from . import calls
from .compare import close
from .draw import LAYOUTS
from .exercise import Exercise, Misconception, case, question
from .plain import Raised
from .watch import LAYER

MODES = ("reflect", "replicate", "circular")
SETTINGS = (
    "in_channels",
    "out_channels",
    "kernel_size",
    "stride",
    "padding",
    "dilation",
    "groups",
    "padding_mode",
)


def _pair_cases(draw):
    yield case("the worked example", value=3)
    for _ in range(8):
        yield case("one number for both axes", value=draw.integer(0, 9))
    for _ in range(8):
        yield case("height and width given apart", value=draw.unequal(0, 9))
    for _ in range(5):
        yield case("a list", value=list(draw.unequal(0, 9)))


def _as_pair(value):
    return (value, value) if isinstance(value, int) else tuple(value)


as_pair = Exercise(
    name="as_pair",
    reference=_as_pair,
    cases=_pair_cases,
    points=2,
    difficulty=1,
    minutes=3,
    misconceptions=(
        Misconception(
            "height and width swapped",
            lambda value: (value, value) if isinstance(value, int) else tuple(value[::-1]),
            "The order is (height, width), as in a tensor's shape. Keep the two as they are given.",
        ),
        Misconception(
            "first number used twice",
            lambda value: (value, value) if isinstance(value, int) else (value[0], value[0]),
            "The second number is lost. (2, 5) means 2 for the height and 5 for the width; only a single int "
            "stands for both.",
        ),
        Misconception(
            "a pair inside a pair",
            lambda value: (value, value),
            "An int is doubled, but a pair is a pair already: (2, 5) must not become ((2, 5), (2, 5)). Ask "
            "isinstance(value, int) first.",
        ),
        Misconception(
            "a list left a list",
            lambda value: (value, value) if isinstance(value, int) else value,
            "[2, 5] comes out as a list. nn.Conv2d stores a tuple whatever it is given, and [1, 1] == (1, 1) is "
            "False in Python. Use tuple(value).",
        ),
        Misconception(
            "a list for a tuple",
            lambda value: [value, value] if isinstance(value, int) else list(value),
            "The numbers are right, in a list. Settings are tuples: they cannot be changed by accident, and "
            "repr() shows them in round brackets.",
        ),
        Misconception(
            "one number alone in a tuple",
            lambda value: (value,) if isinstance(value, int) else tuple(value),
            "(3,) has one entry. One number counts for the height and for the width: (3, 3).",
        ),
        Misconception(
            "pairs refused",
            lambda value: (int(value), int(value)),
            "int((2, 5)) is a TypeError. Where the caller gives two numbers, take them as they are.",
        ),
    ),
)


def _pad_widths(padding, kernel_size, dilation, split=lambda total: (total // 2, total - total // 2), reach=None):
    """(left, right, top, bottom); `split` shares the total of 'same' out, `reach` says how large it is."""
    if padding == "valid":
        return 0, 0, 0, 0
    if padding == "same":
        reach = reach or (lambda k, d: d * (k - 1))
        height, width = (split(reach(k, d)) for k, d in zip(kernel_size, dilation, strict=True))
        return *width, *height
    return padding[1], padding[1], padding[0], padding[0]


def _pad_cases(draw):
    yield case("the worked example", padding="same", kernel_size=(2, 5), dilation=(1, 1))
    for _ in range(8):
        yield case(
            "pairs", padding=draw.unequal(0, 4), kernel_size=draw.unequal(1, 5), dilation=draw.unequal(1, 3)
        )
    for _ in range(10):
        kernel = 2 * draw.integer(1, 3), 2 * draw.integer(0, 2) + 1
        kernel = draw.choice((kernel, kernel[::-1]))
        yield case("'same'", padding="same", kernel_size=kernel, dilation=draw.unequal(1, 4))
    for _ in range(4):
        yield case("'valid'", padding="valid", kernel_size=draw.unequal(1, 5), dilation=draw.unequal(1, 3))


def _height_first(padding, kernel_size, dilation):
    left, right, top, bottom = _pad_widths(padding, kernel_size, dilation)
    return top, bottom, left, right


pad_widths = Exercise(
    name="pad_widths",
    reference=_pad_widths,
    cases=_pad_cases,
    points=4,
    difficulty=3,
    minutes=10,
    misconceptions=(
        Misconception(
            "height first",
            _height_first,
            "F.pad counts from the last axis backwards: left and right come first, then top and bottom. The "
            "pairs that you are given have the height first, so the order turns round.",
        ),
        Misconception(
            "extra cell on the wrong side",
            lambda padding, kernel_size, dilation: _pad_widths(
                padding, kernel_size, dilation, lambda total: (total - total // 2, total // 2)
            ),
            "Where 'same' needs an odd number of cells, the two sides differ by one. PyTorch puts the odd one "
            "after: on the right, and at the bottom.",
        ),
        Misconception(
            "dilation forgotten",
            lambda padding, kernel_size, dilation: _pad_widths(
                padding, kernel_size, dilation, reach=lambda k, d: k - 1
            ),
            "A dilated kernel spans more cells: its last row lies d * (k - 1) rows below its first. That is "
            "how much 'same' has to add.",
        ),
        Misconception(
            "dilation times the whole kernel",
            lambda padding, kernel_size, dilation: _pad_widths(
                padding, kernel_size, dilation, reach=lambda k, d: d * k - 1
            ),
            "k cells have k - 1 gaps between them, each d wide. So the output is d * (k - 1) short, not "
            "d * k - 1. At d = 1 the two agree.",
        ),
        Misconception(
            "the same on both sides",
            lambda padding, kernel_size, dilation: _pad_widths(
                padding, kernel_size, dilation, lambda total: (total // 2, total // 2)
            ),
            "With an even kernel the total is odd, and half of it rounded down, twice, is one cell short. One "
            "side gets total // 2, the other what is left: total - total // 2.",
        ),
        Misconception(
            "rounded up on both sides",
            lambda padding, kernel_size, dilation: _pad_widths(
                padding, kernel_size, dilation, lambda total: ((total + 1) // 2, (total + 1) // 2)
            ),
            "This adds one cell too many with an even kernel, and the output grows. The two sides together "
            "must add d * (k - 1): total // 2 and the rest.",
        ),
        Misconception(
            "whole padding on both sides",
            lambda padding, kernel_size, dilation: _pad_widths(
                padding, kernel_size, dilation, lambda total: (total, total)
            ),
            "d * (k - 1) is what both sides add together. You give it to each, so the output comes out larger "
            "than the input.",
        ),
        Misconception(
            "a float for a count",
            lambda padding, kernel_size, dilation: _pad_widths(
                padding, kernel_size, dilation, lambda total: (total / 2, total / 2)
            ),
            "In Python / gives a float, and half a cell cannot be added. Use //; the rest is for the other side.",
        ),
        Misconception(
            "padding counted once",
            lambda padding, kernel_size, dilation: (
                _pad_widths(padding, kernel_size, dilation)
                if isinstance(padding, str)
                else (padding[1], 0, padding[0], 0)
            ),
            "padding=(1, 2) is added on both sides: 2 columns on the left and 2 on the right, 1 row on top and "
            "1 at the bottom.",
        ),
        Misconception(
            "'same' taken for 'valid'",
            lambda padding, kernel_size, dilation: _pad_widths(
                "valid" if padding == "same" else padding, kernel_size, dilation
            ),
            "'valid' adds nothing, and the output shrinks. 'same' adds d * (k - 1) cells to each axis, so that "
            "at stride 1 the output is as large as the input.",
        ),
        Misconception(
            "'valid' taken for 'same'",
            lambda padding, kernel_size, dilation: _pad_widths(
                "same" if padding == "valid" else padding, kernel_size, dilation
            ),
            "'valid' means no padding: only windows that lie wholly inside are valid. All four widths are 0.",
        ),
        Misconception(
            "strings forgotten",
            lambda padding, kernel_size, dilation: (int(padding[1]), int(padding[1]), padding[0], padding[0]),
            "padding may be a string. Deal with 'same' and 'valid' before you take numbers out of a pair: "
            "'same'[0] is 's'.",
        ),
    ),
)


SURPRISE = math.log(2 / 1e-9)


def same_law(actual: torch.Tensor, expected: torch.Tensor) -> str | None:
    """None where two (seeds, numbers) tables can come from one bounded law, else the difference in words.

    Two tests, each of which fails two samples of one law about once in a billion times (alpha = 1e-9, n
    numbers each). The largest gap between the two distribution functions is beyond sqrt(ln(2 / alpha) / n)
    with probability alpha (Smirnov's two-sample test). The largest of n uniform magnitudes falls short
    of their bound by more than the share t with probability (1 - t)^n < exp(-n t), which is alpha / 2 at
    t = ln(2 / alpha) / n.
    """
    if actual.shape != expected.shape or actual.dtype != expected.dtype:
        return close(actual, expected)
    if torch.equal(actual[0], actual[1]) != torch.equal(expected[0], expected[1]):
        return "different seeds must give different numbers"
    kinds, usual = actual[0].unique().numel(), expected[0].unique().numel()
    if kinds < 0.9 * usual:
        return f"only {kinds} of the {usual} numbers are different"
    n = expected.numel()
    largest, limit = actual.abs().max().item(), expected.abs().max().item()
    if not abs(largest - limit) <= SURPRISE / n * limit:
        return f"the largest magnitude over {len(expected)} seeds is {largest:.4g}, expected {limit:.4g}"
    one, other = actual.flatten().sort().values, expected.flatten().sort().values
    grid = torch.cat((one, other))
    shares = [torch.searchsorted(values, grid, right=True) / n for values in (one, other)]
    gap = (shares[0] - shares[1]).abs().max().item()
    if gap > math.sqrt(SURPRISE / n):
        return (
            f"over {len(expected)} seeds the numbers are spread differently between {-limit:.4g} and {limit:.4g}"
        )
    return None


def _complaints(error: Raised) -> list[str]:
    """What load_state_dict complained about."""
    return re.findall(r"Missing key|Unexpected key|size mismatch for \w+", error.message)


def _agree(actual, expected) -> str | None:
    """`close`, but where numbers were drawn at random they need only follow the same law.

    Two state_dicts that would not load are alike if they were refused for the same reasons.
    """
    if isinstance(actual, Raised) and isinstance(expected, Raised):
        return close(actual, expected) or close(_complaints(actual), _complaints(expected))
    if not (isinstance(expected, dict) and "draws" in expected and isinstance(actual, dict)):
        return close(actual, expected)
    drawn, wanted = actual.get("draws", {}), expected["draws"]
    if list(drawn) != list(wanted):
        return f"the parameters are {list(drawn)}, expected {list(wanted)}"
    rest = [{key: value for key, value in one.items() if key != "draws"} for one in (actual, expected)]
    faults = [(name, same_law(drawn[name], wanted[name])) for name in wanted]
    return close(*rest) or next((f"{name}: {fault}" for name, fault in faults if fault), None)


def _fill_many(work, shape, bias, first_seed, seeds):
    """An initialiser of a weight and a bias, used with `seeds` seeds from `first_seed` on."""
    draws, trainable = {}, True
    for seed in range(first_seed, first_seed + seeds):
        torch.default_generator.manual_seed(seed)
        parameters = {"weight": nn.Parameter(torch.full(shape, 7.0))}
        parameters["bias"] = nn.Parameter(torch.full(shape[:1], 7.0)) if bias else None
        work(*parameters.values())
        for name, one in parameters.items():
            if one is not None:
                draws.setdefault(name, []).append(one.detach().flatten())
                trainable = trainable and one.requires_grad and one.is_leaf
    return {"draws": {name: torch.stack(one) for name, one in draws.items()}, "trainable leaves": trainable}


def _fill(
    weight, bias, bound=lambda shape: 1 / math.sqrt(math.prod(shape[1:])), draw=nn.init.uniform_, bias_bound=None
):
    """Both from U(-bound, bound), or what else `draw(tensor, -bound, bound)` fills in."""
    draw(weight, -bound(weight.shape), bound(weight.shape))
    if bias is not None:
        limit = (bias_bound or bound)(weight.shape)
        draw(bias, -limit, limit)


def _init_cases(draw):
    def drawn(aspect, seeds, shape, bias=True):
        return case(aspect, shape=shape, bias=bias, first_seed=draw.integer(1, 10**6), seeds=seeds)

    yield case("the worked example", shape=(8, 2, 3, 4), bias=True, first_seed=0, seeds=100)
    for seeds in (100, *[3] * 9):
        channels = draw.choice(((8, 2), (9, 3), (3, 8), (4, 9)))
        yield drawn("weight and bias", seeds, (*channels, *draw.unequal(2, 4)))
    for seeds in (100, *[3] * 4):
        yield drawn("no bias", seeds, (draw.integer(6, 8), draw.integer(2, 3), *draw.unequal(2, 4)), bias=False)
    for seeds in (100, *[3] * 4):  # with a length of the bias that is far from every fan-in: 6, 8 and 12
        yield drawn("grouped layers", seeds, (draw.choice((3, 24)), 1, *draw.unequal(2, 4)))


def _rebound(weight, bias):
    limit = 1 / math.sqrt(math.prod(weight.shape[1:]))
    weight = torch.empty_like(weight).uniform_(-limit, limit)
    if bias is not None:
        bias = torch.empty_like(bias).uniform_(-limit, limit)


def _taped(weight, bias):
    limit = 1 / math.sqrt(math.prod(weight.shape[1:]))
    weight.uniform_(-limit, limit)


def _zero_bias(weight, bias):
    _fill(weight, None)
    if bias is not None:
        nn.init.zeros_(bias)


def _bias_untouched(weight, bias):
    _fill(weight, None)


def _bias_taken_for_granted(weight, bias):
    _fill(weight, None)
    limit = 1 / math.sqrt(math.prod(weight.shape[1:]))
    nn.init.uniform_(bias.data, -limit, limit)


def _one_filter(weight, bias):
    _fill(weight, bias)
    weight.data.copy_(weight[:1].clone().expand_as(weight))


def _seeded(weight, bias):
    torch.default_generator.manual_seed(0)
    _fill(weight, bias)


init_uniform_ = Exercise(
    name="init_uniform_",
    reference=_fill,
    cases=_init_cases,
    points=4,
    difficulty=2,
    minutes=10,
    call=_fill_many,
    compare=_agree,
    misconceptions=(
        Misconception(
            "fan-out for fan-in",
            lambda weight, bias: _fill(weight, bias, lambda shape: 1 / math.sqrt(shape[0] * math.prod(shape[2:]))),
            "The bound counts what flows into one output: weight.shape[1:], the input channels times the "
            "kernel's cells. You counted the output channels, shape[0]. Layers with as many of one as of the "
            "other hide this.",
        ),
        Misconception(
            "square root forgotten",
            lambda weight, bias: _fill(weight, bias, lambda shape: 1 / math.prod(shape[1:])),
            "1 / fan_in is too small. A sum of fan_in random terms grows like the square root of fan_in, "
            "so the bound is 1 / sqrt(fan_in).",
        ),
        Misconception(
            "channels counted, kernel forgotten",
            lambda weight, bias: _fill(weight, bias, lambda shape: 1 / math.sqrt(shape[1])),
            "Each output adds up one product for every input channel and every kernel cell. fan_in is the "
            "product of weight.shape[1:], kernel height and width included.",
        ),
        Misconception(
            "kernel counted, channels forgotten",
            lambda weight, bias: _fill(weight, bias, lambda shape: 1 / math.sqrt(math.prod(shape[2:]))),
            "fan_in is one filter's size: its channels too, not only the height and width of its kernel. That "
            "is the product of weight.shape[1:].",
        ),
        Misconception(
            "every weight of the layer counted",
            lambda weight, bias: _fill(weight, bias, lambda shape: 1 / math.sqrt(math.prod(shape))),
            "weight.numel() counts all filters. One output is fed by one filter only: leave out shape[0].",
        ),
        Misconception(
            "Kaiming's bound for ReLU",
            lambda weight, bias: _fill(weight, bias, lambda shape: math.sqrt(6 / math.prod(shape[1:]))),
            "sqrt(6 / fan_in) is what kaiming_uniform_ gives by default. nn.Conv2d calls it with "
            "a=math.sqrt(5), which makes the bound 1 / sqrt(fan_in).",
        ),
        Misconception(
            "variance taken for the bound",
            lambda weight, bias: _fill(weight, bias, lambda shape: math.sqrt(3 / math.prod(shape[1:]))),
            "A uniform number from -b to b has the variance b * b / 3. You chose b so that the variance is "
            "1 / fan_in; PyTorch's bound b itself is 1 / sqrt(fan_in).",
        ),
        Misconception(
            "normal for uniform",
            lambda weight, bias: _fill(
                weight, bias, draw=lambda tensor, low, high: nn.init.normal_(tensor, 0, high)
            ),
            "A normal law has no bound, and some of your numbers lie outside. The law asked for is uniform: "
            "every number between -bound and bound is equally likely.",
        ),
        Misconception(
            "normal with the right spread",
            lambda weight, bias: _fill(
                weight, bias, draw=lambda tensor, low, high: nn.init.normal_(tensor, 0, high / math.sqrt(3))
            ),
            "Mean and variance agree with PyTorch's, the shape does not: yours is a bell with tails. "
            "Draw from a uniform law, as uniform_(-bound, bound) does.",
        ),
        Misconception(
            "positive numbers only",
            lambda weight, bias: _fill(
                weight, bias, draw=lambda tensor, low, high: nn.init.uniform_(tensor, 0, high)
            ),
            "torch.rand gives numbers from 0 to 1, and uniform_(0, bound) none below 0. Weights start on both "
            "sides: from -bound to bound.",
        ),
        Misconception(
            "bias bound from its own length",
            lambda weight, bias: _fill(weight, bias, bias_bound=lambda shape: 1 / math.sqrt(shape[0])),
            "The bias has no fan-in of its own. It takes the weight's bound, 1 / sqrt(fan_in of the weight).",
        ),
        Misconception(
            "bias starts at zero",
            _zero_bias,
            "A bias of zeros is a sound choice, but nn.Conv2d does not make it: its bias follows the "
            "same uniform law as its weight.",
        ),
        Misconception(
            "bias left as it was",
            _bias_untouched,
            "The bias still holds what it held before. Fill it as well, with the same law as the weight.",
        ),
        Misconception(
            "missing bias not allowed for",
            _bias_taken_for_granted,
            "A layer built with bias=False has no bias: it is None here, and None cannot be filled. "
            "Ask `if bias is not None` first.",
        ),
        Misconception(
            "name bound to a new tensor",
            _rebound,
            "`weight = ...` only lets the name point at another tensor; the layer's own weight stays as it was. "
            "Fill it in place, with a method that ends in an underscore.",
        ),
        Misconception(
            "filled on autograd's tape",
            _taped,
            "A Parameter that requires gradients cannot be overwritten while autograd is watching. Fill it "
            "inside `with torch.no_grad():`, or with a function of nn.init, which does so for you.",
        ),
        Misconception(
            "one filter copied to all",
            _one_filter,
            "You drew one filter and copied it. Filters that start the same get the same gradients and stay the "
            "same: draw every number.",
        ),
        Misconception(
            "seed set inside",
            _seeded,
            "Every layer now starts with the same numbers, whatever seed the user chose, and the rest of "
            "the program's random numbers begin anew. Leave the seed to whoever runs the program.",
        ),
    ),
)


def _settings(made) -> dict:
    return {name: getattr(made, name, "missing") for name in SETTINGS}


def _use(work, ask, arguments, **inputs):
    """A convolution class, built with `arguments` and asked for one thing.

    ask: "state": its settings, and what it registers; "call": see `calls.module`; "repr": its
    extra_repr; "draws": its parameters for `seeds` seeds from `first_seed` on; "build": whether it can be built.
    """
    if ask == "call":
        return calls.module(work, arguments, **inputs)
    if ask == "draws":
        draws = {}
        for seed in range(inputs["first_seed"], inputs["first_seed"] + inputs["seeds"]):
            torch.default_generator.manual_seed(seed)
            for name, one in work(**arguments).named_parameters():
                draws.setdefault(name, []).append(one.detach().flatten())
        return {"draws": {name: torch.stack(one) for name, one in draws.items()}}
    made = work(**arguments)
    if ask == "repr":
        return made.extra_repr()
    if ask == "build":
        return "no error"
    return {
        "state_dict": {name: tuple(one.shape) for name, one in made.state_dict().items()},
        "trained": {name: one.requires_grad and one.is_leaf for name, one in made.named_parameters()},
        "bias is None": getattr(made, "bias", "missing") is None,
        "settings": _settings(made),
    }


def _arguments(draw, **chosen) -> dict:
    """Arguments of a layer: nothing square, in_channels never out_channels."""
    groups = draw.integer(1, 3)
    channels = draw.unequal(1, 3)
    return {
        "in_channels": groups * channels[0],
        "out_channels": groups * channels[1],
        "kernel_size": draw.unequal(1, 3),
        "stride": draw.unequal(1, 3),
        "padding": draw.unequal(0, 2),
        "dilation": draw.unequal(1, 2),
        "groups": groups,
        "bias": draw.choice((True, False)),
        **chosen,
    }


def _state(draw, arguments, dtype=torch.float32) -> dict:
    """A state_dict for a layer with these arguments."""
    o, i = arguments["out_channels"], arguments["in_channels"] // arguments.get("groups", 1)
    state = {"weight": draw.tensor(o, i, *_as_pair(arguments["kernel_size"]), dtype=dtype)}
    return {**state, "bias": draw.tensor(o, dtype=dtype)} if arguments.get("bias", True) else state


def _called(draw, aspect, arguments, batch=(2,), layout="contiguous", dtype=torch.float32):
    """A case that calls the layer on an input of which it can make something, and differentiates it."""
    kernel, dilation = _as_pair(arguments["kernel_size"]), _as_pair(arguments.get("dilation", 1))
    spans = [d * (k - 1) + 1 for k, d in zip(kernel, dilation, strict=True)]
    extra = draw.unequal(2, 4)
    sides = [span + more for span, more in zip(spans, extra, strict=True)]
    x = draw.tensor(*batch, arguments["in_channels"], *sides, dtype=dtype, layout=layout)
    left, right, top, bottom = _pad_widths(arguments["padding"], kernel, dilation)
    padded = sides[0] + top + bottom, sides[1] + left + right
    sizes = [(n - span) // s + 1 for n, span, s in zip(padded, spans, _as_pair(arguments["stride"]), strict=True)]
    return case(
        aspect,
        ask="call",
        arguments=arguments,
        state=_state(draw, arguments, dtype),
        x=x,
        upstream=draw.tensor(*batch, arguments["out_channels"], *sizes, dtype=dtype),
    )


EXAMPLE = {
    "in_channels": 4,
    "out_channels": 6,
    "kernel_size": (2, 3),
    "stride": (2, 1),
    "padding": (0, 1),
    "groups": 2,
}
BAD = (
    {"groups": 0},
    {"groups": -2},
    {"groups": 3},
    {"in_channels": 5, "groups": 2},
    {"out_channels": 5, "groups": 2},
    {"padding": "sam"},
    {"padding": "full"},
    {"padding": "same", "stride": 2},
    {"padding": "same", "stride": (1, 2)},
    {"padding_mode": "zero"},
    {"padding_mode": "mirror", "padding": 1},
)
GOOD = ({}, {"groups": 2}, {"padding": "same"}, {"padding": "valid", "stride": 2}, {"padding_mode": "reflect"})


def _conv_cases(draw):
    aspect = "settings, Parameters and state_dict"
    yield case(aspect, ask="state", arguments=EXAMPLE)
    for _ in range(4):
        arguments = _arguments(draw)
        yield case(aspect, ask="state", arguments=arguments)
    for bias in (True, False):
        i, o = draw.unequal(1, 4)
        arguments = {
            "in_channels": i,
            "out_channels": o,
            "kernel_size": draw.integer(1, 4),
            "stride": draw.integer(2, 3),
            "padding": draw.integer(1, 2),
            "bias": bias,
        }
        yield case(aspect, ask="state", arguments=arguments)

    aspect = "outputs and gradients"
    for batch in ((2,), (3,), (1,)):
        yield _called(draw, aspect, _arguments(draw), batch)
    for layout in LAYOUTS[1:]:
        yield _called(draw, aspect, _arguments(draw), layout=layout)
    yield _called(draw, aspect, _arguments(draw), dtype=torch.float64)
    for _ in range(2):
        yield _called(draw, aspect, _arguments(draw), batch=())

    aspect = "padding: 'same', 'valid' and padding_mode"
    for padding in ("same", "valid", "same"):
        yield _called(draw, aspect, _arguments(draw, kernel_size=(2, 3), stride=1, padding=padding))
    for mode in MODES:
        yield _called(draw, aspect, _arguments(draw, padding=draw.unequal(1, 2), padding_mode=mode))
        arguments = _arguments(
            draw, kernel_size=(3, 2), stride=1, padding="same", dilation=(1, 1), padding_mode=mode
        )
        yield _called(draw, aspect, arguments, batch=draw.choice(((2,), ())))
    yield _called(draw, aspect, _arguments(draw, padding="valid", padding_mode=draw.choice(MODES)))

    aspect = "initial weights"
    arguments = {"in_channels": 4, "out_channels": 16, "kernel_size": draw.unequal(2, 4), "groups": 2}
    yield case(aspect, ask="draws", arguments=arguments, first_seed=draw.integer(1, 10**6), seeds=100)

    aspect = "repr"
    plain = {"in_channels": 1, "out_channels": 2, "kernel_size": draw.unequal(1, 5)}
    extras = (
        {"padding": draw.unequal(0, 3)},
        {"padding": draw.choice(("same", "valid"))},
        {"dilation": draw.unequal(1, 3)},
        {"bias": False},
        {"padding_mode": draw.choice(MODES)},
    )
    yield case(aspect, ask="repr", arguments=plain)
    for extra in extras:
        yield case(aspect, ask="repr", arguments={**plain, **extra})
    yield case(aspect, ask="repr", arguments=_arguments(draw, in_channels=12, out_channels=6))

    aspect = "bad arguments refused, good ones not"
    base = {"in_channels": 4, "out_channels": 6, "kernel_size": draw.unequal(1, 4)}
    for bad in BAD:
        yield case(aspect, ask="build", arguments={**base, **bad})
    for good in GOOD:
        yield case(aspect, ask="build", arguments={**base, **good})


def _call(self, x, weight=None, bias=None, **changed):
    """What nn.Conv2d's forward does, with some settings changed."""
    setting = {**_settings(self), **changed}
    padding = setting["padding"]
    if setting["padding_mode"] != "zeros":
        widths = _pad_widths(padding, setting["kernel_size"], setting["dilation"])
        x, padding = F.pad(x, widths, mode=setting["padding_mode"]), 0
    weight = self.weight if weight is None else weight
    bias = self.bias if bias is None else bias
    return F.conv2d(x, weight, bias, setting["stride"], padding, setting["dilation"], setting["groups"])


def _with(**methods) -> type:
    """nn.Conv2d with some methods replaced."""
    return type("Conv2d", (nn.Conv2d,), methods)


def _built(change) -> type:
    """nn.Conv2d changed by `change(self, arguments)` after it is built."""

    def __init__(self, in_channels, out_channels, kernel_size, **arguments):
        arguments = {
            "in_channels": in_channels,
            "out_channels": out_channels,
            "kernel_size": kernel_size,
            **arguments,
        }
        nn.Conv2d.__init__(self, **arguments)
        change(self, arguments)

    return _with(__init__=__init__)


def _plain_tensors(self, arguments):
    for name in ("weight", "bias"):
        value = getattr(self, name)
        delattr(self, name)
        setattr(self, name, None if value is None else value.detach().requires_grad_())


def _buffers(self, arguments):
    for name in ("weight", "bias"):
        value = getattr(self, name)
        delattr(self, name)
        self.register_buffer(name, None if value is None else value.detach())


def _always_bias(self, arguments):
    if self.bias is None:
        self.bias = nn.Parameter(torch.zeros(self.out_channels))


def _bias_first(self, arguments):
    weight = self.weight
    del self.weight
    self.weight = weight


def _full_weight(self, arguments):
    self.weight = nn.Parameter(torch.empty(self.out_channels, self.in_channels, *self.kernel_size))
    _fill(self.weight, self.bias)


def _renamed(self, arguments):
    weight = self.weight
    del self.weight
    self.kernel = weight


def _transposed_weight(self, arguments):
    self.weight = nn.Parameter(self.weight.detach().mT.contiguous())


def _in_out_swapped(self, arguments):
    self.weight = nn.Parameter(self.weight.detach().transpose(0, 1).contiguous())


def _as_given(self, arguments):
    for name in ("kernel_size", "stride", "padding", "dilation"):
        if name in arguments:
            setattr(self, name, arguments[name])


def _reset(**change):
    return lambda self: _fill(self.weight, self.bias, **change)


def _unbatched_refused(self, x):
    _batch, _channels, _height, _width = x.shape
    return nn.Conv2d.forward(self, x)


def _unbatched_kept_batched(self, x):
    return nn.Conv2d.forward(self, x if x.ndim == 4 else x[None])


def _padded_twice(self, x):
    if self.padding_mode != "zeros":
        x = F.pad(x, _pad_widths(self.padding, self.kernel_size, self.dilation), mode=self.padding_mode)
    return F.conv2d(x, self.weight, self.bias, self.stride, self.padding, self.dilation, self.groups)


def _wrong_side(self, x):
    widths = _pad_widths(
        self.padding, self.kernel_size, self.dilation, lambda total: (total - total // 2, total // 2)
    )
    mode = "constant" if self.padding_mode == "zeros" else self.padding_mode
    return _call(self, F.pad(x, widths, mode=mode), padding=(0, 0), padding_mode="zeros")


def _half_kernel(self, x):
    half = tuple(k // 2 for k in self.kernel_size)
    return _call(self, x, padding=half if self.padding == "same" else self.padding)


def _height_padded_first(self, x):
    if self.padding_mode == "zeros":
        return nn.Conv2d.forward(self, x)
    widths = _height_first(self.padding, self.kernel_size, self.dilation)
    return _call(self, F.pad(x, widths, mode=self.padding_mode), padding=(0, 0), padding_mode="zeros")


def _without_tape(self, x):
    with torch.no_grad():
        return nn.Conv2d.forward(self, x)


def _all_in_repr(self):
    return (
        f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}, stride={self.stride}, "
        f"padding={self.padding}, dilation={self.dilation}, groups={self.groups}, bias={self.bias is not None}, "
        f"padding_mode={self.padding_mode}"
    )


def _quoted_repr(self):
    text = nn.Conv2d.extra_repr(self)
    for word in ("same", "valid", *MODES):
        text = text.replace(f"={word}", f"='{word}'")
    return text


def _unchecked(refused=lambda arguments: False, error=ValueError) -> type:
    """nn.Conv2d that is built with bad arguments all the same, unless `refused`, and raises `error` then."""

    def __init__(self, in_channels, out_channels, kernel_size, **arguments):
        try:
            nn.Conv2d.__init__(self, in_channels, out_channels, kernel_size, **arguments)
        except ValueError:
            if refused({"in_channels": in_channels, "out_channels": out_channels, **arguments}):
                raise error from None
            nn.Module.__init__(self)

    return _with(__init__=__init__)


def _divides(arguments):
    """Whether only the divisions by groups are looked at, and refuse."""
    groups = arguments.get("groups", 1)
    return groups == 0 or arguments["in_channels"] % groups != 0 or arguments["out_channels"] % groups != 0


Conv2d = Exercise(
    name="Conv2d",
    reference=nn.Conv2d,
    cases=_conv_cases,
    points=12,
    difficulty=4,
    minutes=25,
    forbidden=LAYER,
    call=_use,
    compare=_agree,
    misconceptions=(
        Misconception(
            "another name",
            _built(_renamed),
            "Your Parameter is there, but under another name. Saved models know their numbers by the names in "
            "state_dict(): weight and bias.",
        ),
        Misconception(
            "frozen",
            _built(lambda self, arguments: self.weight.requires_grad_(False)),
            "The weight's requires_grad is False, so it would never be trained. An nn.Parameter starts with True: "
            "leave it.",
        ),
        Misconception(
            "plain tensor for Parameter",
            _built(_plain_tensors),
            "A tensor kept as an attribute is invisible: not in parameters(), so no optimiser moves it; not in "
            "state_dict(), so it is not saved; and .to() leaves it behind. Wrap it in nn.Parameter.",
        ),
        Misconception(
            "buffer for Parameter",
            _built(_buffers),
            "A buffer is saved and moved, but not trained: parameters() does not list it. What is to be learned "
            "is an nn.Parameter.",
        ),
        Misconception(
            "weight detached",
            _with(forward=lambda self, x: _call(self, x, weight=self.weight.detach())),
            "The weight gets no gradient: forward uses weight.detach() or weight.data, which cuts it from "
            "the graph. Hand self.weight itself to F.conv2d.",
        ),
        Misconception(
            "forward without a tape",
            _with(forward=_without_tape),
            "Nothing gets a gradient: the output is cut from the graph. torch.no_grad() is for filling weights, "
            "not for forward.",
        ),
        Misconception(
            "swapped tuple: kernel",
            _built(_transposed_weight),
            "The weight's shape ends in (kernel height, kernel width), and kernel_size has that order already. "
            "Yours is turned round. Only square kernels forgive it.",
        ),
        Misconception(
            "swapped tuple: stride",
            _with(forward=lambda self, x: _call(self, x, stride=self.stride[::-1])),
            "The stride's first number is for the height, its second for the width. Your forward uses them "
            "the other way round.",
        ),
        Misconception(
            "in and out channels swapped",
            _built(_in_out_swapped),
            "A weight has the shape (out_channels, in_channels // groups, height, width): one filter for "
            "every output channel. Yours has the first two in the other order.",
        ),
        Misconception(
            "bias=False still a key",
            _built(_always_bias),
            "With bias=False there must be no bias at all: no key in state_dict(), no Parameter of zeros. "
            "Write self.register_parameter('bias', None), and F.conv2d takes the None.",
        ),
        Misconception(
            "a buffer too many",
            _built(lambda self, arguments: self.register_buffer("pad_widths", torch.zeros(4))),
            "Your state_dict() has a key that nn.Conv2d's has not, so neither loads the other's. Settings "
            "are plain attributes; only what is learned or tracked gets registered.",
        ),
        Misconception(
            "bias registered first",
            _built(_bias_first),
            "The bias comes before the weight. parameters() keeps the order in which they are assigned, and a "
            "saved optimiser goes by it: assign self.weight first.",
        ),
        Misconception(
            "settings kept as given",
            _built(_as_given),
            "nn.Conv2d stores kernel_size, stride, padding and dilation as pairs, (2, 2) where 2 was given. "
            "Other code reads them. Store as_pair(...), and leave only a padding string as it is.",
        ),
        Misconception(
            "groups forgotten in the weight's shape",
            _built(_full_weight),
            "With groups each filter sees in_channels // groups channels only, so that is the second number of "
            "the weight's shape.",
        ),
        Misconception(
            "groups not handed on",
            _with(forward=lambda self, x: _call(self, x, groups=1)),
            "The weight is made for groups, but F.conv2d is not told of them and expects filters as deep as "
            "the input. Its last argument is groups.",
        ),
        Misconception(
            "dilation ignored",
            _with(forward=lambda self, x: _call(self, x, dilation=(1, 1))),
            "Your forward does not hand the dilation on to F.conv2d, so the kernel's cells stay side by side.",
        ),
        Misconception(
            "stride ignored",
            _with(forward=lambda self, x: _call(self, x, stride=(1, 1))),
            "Your forward does not hand the stride on to F.conv2d, so the window moves by one cell at a time.",
        ),
        Misconception(
            "bias ignored",
            _with(forward=lambda self, x: _call(self, x, bias=torch.zeros(()).expand(self.out_channels).to(x))),
            "The bias is there, but your forward does not use it: F.conv2d takes it as its third argument.",
        ),
        Misconception(
            "padding string ignored",
            _with(forward=lambda self, x: _call(self, x, padding=0 if self.padding == "same" else self.padding)),
            "padding='same' must keep the height and width. Your output shrinks as if nothing were added. "
            "F.conv2d knows the string; F.pad needs your pad_widths.",
        ),
        Misconception(
            "half the kernel on both sides",
            _with(forward=_half_kernel),
            "k // 2 cells on both sides keep the size for odd kernels without dilation only. 'same' adds "
            "d * (k - 1) in all: F.conv2d knows the string, and your pad_widths has the widths for F.pad.",
        ),
        Misconception(
            "padding_mode ignored",
            _with(forward=lambda self, x: _call(self, x, padding_mode="zeros")),
            "F.conv2d can add zeros only. For the other modes pad first, with F.pad(x, widths, "
            "mode=self.padding_mode), and then convolve without padding.",
        ),
        Misconception(
            "padded twice",
            _with(forward=_padded_twice),
            "You pad with F.pad and then let F.conv2d pad once more, with zeros. After F.pad its padding is 0.",
        ),
        Misconception(
            "extra cell on the wrong side",
            _with(forward=_wrong_side),
            "With an even kernel 'same' adds an odd number of cells. PyTorch puts the odd one on the right and "
            "at the bottom; yours lies on the other side, so everything moves by one cell.",
        ),
        Misconception(
            "F.pad given the height first",
            _with(forward=_height_padded_first),
            "F.pad wants (left, right, top, bottom), width first. You gave the height's numbers to the width.",
        ),
        Misconception(
            "unbatched input refused",
            _with(forward=_unbatched_refused),
            "One image of shape (C, H, W) without a batch is allowed too. F.conv2d and F.pad take both; your own "
            "line that unpacks four sizes, or counts axes, does not.",
        ),
        Misconception(
            "batch axis left on",
            _with(forward=_unbatched_kept_batched),
            "An input of three axes gives an output of three axes. You add a batch axis to it and forget to take "
            "it off again; F.conv2d needs no such help.",
        ),
        Misconception(
            "fan-out for fan-in",
            _with(reset_parameters=_reset(bound=lambda shape: 1 / math.sqrt(shape[0] * math.prod(shape[2:])))),
            "The initial bound counts what flows into one output, weight.shape[1:]. You counted the outputs, "
            "shape[0]. Where in_channels equals out_channels nobody notices.",
        ),
        Misconception(
            "groups forgotten in the fan-in",
            _with(
                reset_parameters=lambda self: _fill(
                    self.weight,
                    self.bias,
                    lambda shape: 1 / math.sqrt(self.in_channels * math.prod(self.kernel_size)),
                )
            ),
            "With groups, one output is fed by in_channels // groups channels. Take the fan-in from "
            "weight.shape[1:], which has it right, and not from in_channels.",
        ),
        Misconception(
            "Kaiming's bound for ReLU",
            _with(reset_parameters=_reset(bound=lambda shape: math.sqrt(6 / math.prod(shape[1:])))),
            "kaiming_uniform_ by default gives sqrt(6 / fan_in), which is 2.4 times too wide here. "
            "nn.Conv2d passes a=math.sqrt(5), so that the bound is 1 / sqrt(fan_in).",
        ),
        Misconception(
            "normal for uniform",
            _with(
                reset_parameters=_reset(
                    draw=lambda tensor, low, high: nn.init.normal_(tensor, 0, high / math.sqrt(3))
                )
            ),
            "Your initial weights follow a normal law. nn.Conv2d's are uniform between -1 / sqrt(fan_in) and "
            "1 / sqrt(fan_in).",
        ),
        Misconception(
            "standard normal weights",
            _with(reset_parameters=_reset(draw=lambda tensor, low, high: nn.init.normal_(tensor))),
            "torch.randn has a spread of 1 whatever the layer's size. The outputs of a wide layer would be "
            "huge. Call your init_uniform_ on the weight and the bias.",
        ),
        Misconception(
            "bias starts at zero",
            _with(reset_parameters=lambda self: _zero_bias(self.weight, self.bias)),
            "nn.Conv2d does not start its bias at zero: it draws it from the same law as the weight.",
        ),
        Misconception(
            "every setting in the repr",
            _with(extra_repr=_all_in_repr),
            "The repr hides what has its default, except the stride: no padding=(0, 0), no bias=True. A printed "
            "network of a hundred layers stays readable.",
        ),
        Misconception(
            "repr left empty",
            _with(extra_repr=lambda self: ""),
            "Conv2d() tells a reader nothing. nn.Module prints what extra_repr returns: the channels, "
            "kernel_size, stride, and whatever differs from its default.",
        ),
        Misconception(
            "name of the class in the repr",
            _with(extra_repr=lambda self: f"Conv2d({nn.Conv2d.extra_repr(self)})"),
            "nn.Module writes the name and the brackets itself, and would print Conv2d(Conv2d(...)). extra_repr "
            "gives only what stands between the brackets.",
        ),
        Misconception(
            "quotes in the repr",
            _with(extra_repr=_quoted_repr),
            "nn.Conv2d prints padding=same and padding_mode=reflect without quotes. {self.padding} in an "
            "f-string does that; {self.padding!r} adds them.",
        ),
        Misconception(
            "bias=False not in the repr",
            _with(extra_repr=lambda self: nn.Conv2d.extra_repr(self).replace(", bias=False", "")),
            "A layer without bias has to say so: add ', bias=False' where self.bias is None.",
        ),
        Misconception(
            "nothing refused",
            _unchecked(),
            "Bad arguments are accepted. Refuse them in __init__, with a ValueError that says what is wrong: "
            "later they turn into an error that nobody understands, or into none.",
        ),
        Misconception(
            "assert for raise",
            _unchecked(lambda arguments: True, AssertionError),
            "assert gives an AssertionError, and python -O leaves it out. Callers expect what nn.Conv2d "
            "raises: `if ...: raise ValueError(...)`.",
        ),
        Misconception(
            "'same' with a stride accepted",
            _unchecked(lambda arguments: arguments.get("padding") != "same"),
            "With a stride the output is smaller than the input whatever is added, so nn.Conv2d refuses "
            "padding='same' unless both strides are 1. Raise a ValueError.",
        ),
        Misconception(
            "strings not looked at",
            _unchecked(_divides),
            "Misspelt strings get through: padding='sam', padding_mode='zero'. Compare them with the ones that "
            "exist, and raise a ValueError otherwise.",
        ),
        Misconception(
            "out_channels not looked at",
            _unchecked(lambda arguments: arguments["out_channels"] % arguments.get("groups", 1) == 0),
            "You look at in_channels, not at out_channels. groups must divide both: each group makes as many "
            "output channels as the others.",
        ),
        Misconception(
            "groups not looked at",
            _unchecked(lambda arguments: "groups" not in arguments),
            "groups must be positive and divide both in_channels and out_channels, or some channel belongs "
            "to no group. Raise a ValueError.",
        ),
    ),
)


class _Own(nn.Conv2d):
    """Stands for the student's class in answers to `copy_from`."""


def _copy(conv, load=True, finish=lambda made, conv: made.to(conv.weight).train(conv.training), **changed):
    settings = {**_settings(conv), "bias": conv.bias is not None, **changed}
    made = _Own(**settings)
    if load:
        made.load_state_dict(conv.state_dict())
    finish(made, conv)
    return made


def _copied(work, arguments, state, training):
    """A copy of an nn.Conv2d: the copy, the copy after its original has changed, and the original."""
    conv = nn.Conv2d(**arguments).to(state["weight"].dtype).train(training)
    conv.load_state_dict(state)
    made = work(conv)
    found = {
        "class": "nn.Conv2d" if type(made) is nn.Conv2d else "your own",
        "settings": _settings(made),
        "training": made.training,
        "state_dict": {name: one.clone() for name, one in made.state_dict().items()},
        "Parameters of its own": {name: one is not getattr(conv, name) for name, one in made.named_parameters()},
        "trained": {name: one.requires_grad for name, one in made.named_parameters()},
        "original": {name: one.clone() for name, one in conv.state_dict().items()},
    }
    with torch.no_grad():
        for one in conv.parameters():
            one.add_(100)
    return {**found, "state_dict after the original changed": dict(made.state_dict())}


def _copy_cases(draw):
    def cases(aspect, count, training=True, dtype=torch.float32, **chosen):
        for _ in range(count):
            arguments = _arguments(draw, **chosen)
            if "bias" not in chosen:
                arguments["bias"] = True
            state = _state(draw, arguments, dtype)
            yield case(aspect, arguments=arguments, state=state, training=training)

    yield case("the worked example", arguments=EXAMPLE, state=_state(draw, EXAMPLE), training=True)
    yield from cases("any settings", 6)
    yield from cases("any settings", 3, padding=1, padding_mode=draw.choice(MODES))
    yield from cases("any settings", 2, padding="same", stride=1)
    yield from cases("no bias", 4, bias=False)
    yield from cases("float64 and eval mode", 3, dtype=torch.float64)
    yield from cases("float64 and eval mode", 3, training=False)


def _share(made, conv):
    made.weight, made.bias = conv.weight, conv.bias
    made.train(conv.training)


def _share_data(made, conv):
    for name, one in made.named_parameters():
        one.data = getattr(conv, name).data
    made.train(conv.training)


def _assign(made, conv):
    made.weight = conv.weight.detach().clone()


copy_from = Exercise(
    name="copy_from",
    reference=_copy,
    cases=_copy_cases,
    points=4,
    difficulty=2,
    minutes=7,
    call=_copied,
    compare=_agree,
    misconceptions=(
        Misconception(
            "Parameters shared",
            lambda conv: _copy(conv, load=False, finish=_share),
            "made.weight = conv.weight lets both layers own one Parameter: train one and the other changes "
            "too. Copy the numbers, as load_state_dict does.",
        ),
        Misconception(
            "memory shared through .data",
            lambda conv: _copy(conv, load=False, finish=_share_data),
            "made.weight.data = conv.weight.data looks like a copy, but both names now point at the same memory, "
            "and at the original's changes. load_state_dict copies.",
        ),
        Misconception(
            "weights not copied",
            lambda conv: _copy(conv, load=False),
            "The settings are right, the numbers are fresh random ones. Load the original's state_dict().",
        ),
        Misconception(
            "tensor assigned over a Parameter",
            lambda conv: _copy(conv, finish=_assign),
            "nn.Module refuses a plain tensor where a Parameter stands. Keep the Parameter, and copy into it: "
            "with load_state_dict, or with copy_ inside torch.no_grad().",
        ),
        Misconception(
            "nn.Conv2d itself",
            lambda conv: copy.deepcopy(conv),
            "This is another nn.Conv2d. Build one of your own class with its settings, then load the numbers.",
        ),
        Misconception(
            "stride, padding and dilation forgotten",
            lambda conv: _copy(conv, stride=1, padding=0, dilation=1),
            "The numbers are copied, but stride, padding and dilation have their defaults. They are settings: a "
            "state_dict() does not hold them, so hand them to the constructor.",
        ),
        Misconception(
            "padding_mode forgotten",
            lambda conv: _copy(conv, padding_mode="zeros"),
            "padding_mode is a setting too, and not in the state_dict(). Without it the copy pads with zeros.",
        ),
        Misconception(
            "dilation forgotten",
            lambda conv: _copy(conv, dilation=1),
            "The dilation is a setting, and not in the state_dict(): the copy's kernel cells lie side by side.",
        ),
        Misconception(
            "groups forgotten",
            lambda conv: _copy(conv, groups=1),
            "Without groups the copy's weight has another shape, and load_state_dict refuses. Hand groups on.",
        ),
        Misconception(
            "bias always there",
            lambda conv: _copy(conv, bias=True),
            "An original without bias has no key 'bias', so load_state_dict misses one. Build the copy with "
            "bias=conv.bias is not None.",
        ),
        Misconception(
            "bias itself for a yes or no",
            lambda conv: _copy(conv, bias=conv.bias),
            "conv.bias is the Parameter, or None. As a yes or no it is ambiguous when it holds several numbers: "
            "pass bias=conv.bias is not None.",
        ),
        Misconception(
            "dtype forgotten",
            lambda conv: _copy(conv, finish=lambda made, conv: made.train(conv.training)),
            "A fresh layer is float32, and load_state_dict casts what it loads to that: a float64 original loses "
            "digits. made.to(conv.weight) takes over its dtype and device.",
        ),
        Misconception(
            "training flag forgotten",
            lambda conv: _copy(conv, finish=lambda made, conv: made.to(conv.weight)),
            "A new module starts in training mode. Where the original was put into eval mode, its copy should "
            "be as well: made.train(conv.training).",
        ),
    ),
)

predicted_keys = question(
    "predicted_keys",
    "sha256:1cd0ab84f4cd5850",
    Misconception(
        "bias=False overlooked",
        "sha256:43d2a56330c48a2e",
        "With bias=False there is no bias to save, and so no such name.",
    ),
    Misconception(
        "settings counted as state",
        "sha256:61a4c7c0d92384b5",
        "stride and groups are settings: plain attributes that the constructor sets. A state_dict holds "
        "only registered tensors.",
    ),
    Misconception(
        "None counted as a tensor",
        "sha256:0efe9f146809f62a",
        "The attribute layer.bias is there, and None. A state_dict lists tensors only, so None is left out.",
    ),
)

predicted_padded = question(
    "predicted_padded",
    "sha256:57e88873ccef6c8e",
    Misconception(
        "height first",
        "sha256:4c2950ddb1f3fce9",
        "F.pad begins with the last axis, the width: 1 on the left and 0 on the right. The 2 and 2 are "
        "rows, on top and at the bottom.",
    ),
    Misconception(
        "all on every axis",
        "sha256:396adb3a560c736e",
        "1 + 0 + 2 + 2 = 5 cells are not added to both axes. The first two numbers belong to the width, "
        "the last two to the height.",
    ),
    Misconception(
        "first two numbers for one side",
        "sha256:a584f297099d32db",
        "The numbers come in pairs for one axis: (left, right), then (top, bottom). So 1 column and 4 "
        "rows are added.",
    ),
)

predicted_double = question(
    "predicted_double",
    "sha256:d94e7eb166f3302e",
    Misconception(
        "plain tensors counted",
        "sha256:fc82ce3ca3f0fc50",
        "A plain tensor in an attribute is not registered, and .double() does not know about it. It "
        "stays float32.",
    ),
    Misconception(
        "buffers forgotten",
        "sha256:55a114f28fccca10",
        "Buffers are registered too: saved and moved like Parameters, only not trained.",
    ),
    Misconception(
        "copy expected",
        "sha256:45d49e34d64acb01",
        "Unlike a tensor's .double(), a module's .double() changes the module itself, in what is registered.",
    ),
)
