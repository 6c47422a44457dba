"""Notebook 07: the three gradients of a convolution."""

from __future__ import annotations

import torch
from torch.nn import functional as F
from torch.nn.grad import conv2d_input, conv2d_weight

from . import calls
from .draw import LAYOUTS
from .exercise import Exercise, Misconception, case, question
from .watch import CONVOLUTION

OWN_BACKWARD = dict.fromkeys(
    ("aten.convolution_backward", "aten._slow_conv2d_backward"), "PyTorch's own backward pass of a convolution"
)
BY_HAND = {
    **CONVOLUTION,
    **OWN_BACKWARD,
    "aten.col2im": "PyTorch's F.fold",
    "torch.autograd.graph": "autograd",
}

X = torch.tensor([[[[1.0, 2, 0, 3, 1], [0, 1, 3, 1, 2], [2, 0, 1, 4, 0], [1, 3, 2, 0, 5]]]])
W = torch.tensor([[[[1.0, 0, -2], [3, -1, 2]]]])
G = torch.tensor([[[[2.0, -1], [1, 3]]]])
STRIDE = (2, 2)
NONE = (0, 0)


def _axis(kernel, out, stride, padding, leftover):
    """Padding and input size for `out` windows that leave `leftover` cells over; the input has a cell or more."""
    used = stride * (out - 1) + kernel
    padding = min(padding, (used - 1) // 2)
    return padding, used + leftover - 2 * padding


def _drawn(draw, leftover=False, layout="contiguous", dtype=torch.float32):
    """x, w, g, stride and padding; no kernel, stride or output is square, and no layer has as many ins as outs.

    With `leftover` the last rows and columns of the padded input lie in no window.
    """
    kernel, out, padding = draw.unequal(1 + leftover, 4), draw.unequal(2, 4), draw.unequal(0, 2)
    stride = draw.unequal(1 + leftover, 3)
    over = [draw.integer(1, one - 1) if leftover else 0 for one in stride]
    axes = zip(kernel, out, stride, padding, over, strict=True)
    padding, size = zip(*(_axis(*axis) for axis in axes), strict=True)
    n, (channels, filters) = draw.integer(1, 3), draw.unequal(1, 4)

    def tensor(*shape):
        return draw.tensor(*shape, dtype=dtype, layout=layout)

    return (
        tensor(n, channels, *size),
        tensor(filters, channels, *kernel),
        tensor(n, filters, *out),
        stride,
        padding,
    )


def _layers(draw):
    """Layers for the two exercises about gradients of a layer, aspect by aspect."""
    yield "the worked example", (X, W, G, STRIDE, NONE)
    for _ in range(9):
        yield "any stride and padding", _drawn(draw)
    for _ in range(8):
        yield "leftover rows and columns", _drawn(draw, leftover=True)
    for layout in LAYOUTS[1:] * 2:
        yield "transposed and sliced inputs, float64", _drawn(draw, layout=layout)
        yield "transposed and sliced inputs, float64", _drawn(draw, layout=layout, dtype=torch.float64)


def _bias_cases(draw):
    yield case("the worked example", g=G)
    for _ in range(14):
        yield case("any shape", g=_drawn(draw)[2])
    for layout in LAYOUTS * 3:
        dtype = draw.choice((torch.float32, torch.float64))
        yield case("transposed and sliced inputs, float64", g=_drawn(draw, layout=layout, dtype=dtype)[2])


def _bias(g):
    return g.sum((0, 2, 3))


grad_bias = Exercise(
    name="grad_bias",
    reference=_bias,
    cases=_bias_cases,
    points=3,
    difficulty=1,
    minutes=5,
    misconceptions=(
        Misconception(
            "gradient kept for every position",
            lambda g: g.sum(0),
            "You have one number for each position. But b[o] is a single number that is added at all of them, "
            "and its gradient has the shape of b: add up over the positions too.",
        ),
        Misconception(
            "gradient kept for every image",
            lambda g: g.sum((2, 3)),
            "You have one row for each image. The whole batch shares one bias, so what the images ask for adds "
            "up: sum over the first axis too.",
        ),
        Misconception(
            "averaged over the batch",
            lambda g: g.sum((2, 3)).mean(0),
            "You divided by the number of images. Each image pulls at the same bias and the pulls add up. Where "
            "a loss is a mean, the division has already happened inside g.",
        ),
        Misconception(
            "averaged over the positions",
            lambda g: g.mean((2, 3)).sum(0),
            "You averaged over the positions. Raising the bias by a little raises every position of the output "
            "by as much, so the effects add up: sum, not mean.",
        ),
        Misconception(
            "averaged over batch and positions",
            lambda g: g.mean((0, 2, 3)),
            "A mean divides by the number of places where the bias was used. A number that is used in many "
            "places gets the sum of what each place sends back.",
        ),
        Misconception(
            "upstream gradient ignored",
            lambda g: torch.full_like(g[0, :, 0, 0], g[:, 0].numel()),
            "You counted the places where the bias is used. Each place has its own say, g[n, o, i, j]: add "
            "those up. Counting is right only if every g is 1.",
        ),
        Misconception(
            "channels added up as well",
            lambda g: g.sum(),
            "One number for the whole layer is too few: each output channel has a bias of its own. Leave axis 1 "
            "as it is.",
        ),
        Misconception(
            "summed over the channels instead of the batch",
            lambda g: g.sum((1, 2, 3)),
            "You kept the axis of images and added up the channels. The axes of g are (N, O, H', W'), and the "
            "bias has one number for each of the O channels.",
        ),
        Misconception(
            "summed axes kept",
            lambda g: g.sum((0, 2, 3), keepdim=True),
            "The numbers are right, the shape is not: a bias has shape (O,), and so has its gradient. Leave "
            "keepdim away.",
        ),
    ),
)


def _weight(x, g, kernel_size, stride, padding):
    return conv2d_weight(x, (g.shape[1], x.shape[1], *kernel_size), g, stride, padding)


def _weight_cases(draw):
    for aspect, (x, w, g, stride, padding) in _layers(draw):
        yield case(aspect, x=x, g=g, kernel_size=tuple(w.shape[2:]), stride=stride, padding=padding)


def _met(x, g, stride, padding, beyond=NONE):
    """Padded x correlated with g spread out by the stride: the gradient, then what the leftover adds to it."""
    x = F.pad(x, (padding[1], padding[1] + beyond[1], padding[0], padding[0] + beyond[0]))
    return F.conv2d(x.transpose(0, 1), g.transpose(0, 1), dilation=stride).transpose(0, 1)


ROOM = (20, 20)


def _last_only(g):
    """g with zeros everywhere but in the last row and column."""
    return F.pad(g[..., -1:, -1:], (g.shape[3] - 1, 0, g.shape[2] - 1, 0))


grad_weight = Exercise(
    name="grad_weight",
    reference=_weight,
    cases=_weight_cases,
    points=8,
    difficulty=3,
    minutes=15,
    forbidden=BY_HAND,
    misconceptions=(
        Misconception(
            "upstream gradient ignored",
            lambda x, g, *layer: _weight(x, torch.ones_like(g), *layer),
            "You added up the inputs that the weight meets, each counted once. Each has to be multiplied by the "
            "g of the output where they met. Leaving g out is right only if every g is 1.",
        ),
        Misconception(
            "averaged over the batch",
            lambda x, g, *layer: _weight(x, g, *layer) / x.shape[0],
            "You divided by the number of images. All images use the same weight, and what they send back adds "
            "up. Where a loss is a mean, the division has already happened inside g.",
        ),
        Misconception(
            "averaged over the positions",
            lambda x, g, *layer: _weight(x, g, *layer) / g[0, 0].numel(),
            "You divided by the number of output positions. The weight is used at all of them, and the effects "
            "add up: sum, not mean.",
        ),
        Misconception(
            "only the first image",
            lambda x, g, *layer: _weight(x[:1], g[:1], *layer),
            "This is the gradient that the first image sends. Every image of the batch uses the same weight: "
            "add up over the first axis of x and g.",
        ),
        Misconception(
            "only the last image",
            lambda x, g, *layer: _weight(x[-1:], g[-1:], *layer),
            "This is the gradient that the last image sends: each image has overwritten the one before. Use += "
            "and not =, or sum over the first axis.",
        ),
        Misconception(
            "windows overwritten",
            lambda x, g, *layer: _weight(x, _last_only(g), *layer),
            "This is the gradient from the last window alone: each window has overwritten the one before. Use += "
            "and not =, for the effects of all places add up.",
        ),
        Misconception(
            "windows and images overwritten",
            lambda x, g, *layer: _weight(x[-1:], _last_only(g)[-1:], *layer),
            "This is the gradient from the last window of the last image: each has overwritten the one before. "
            "Use += and not =, for the effects of all places and images add up.",
        ),
        Misconception(
            "stride left out",
            lambda x, g, kernel_size, stride, padding: _met(x, g, (1, 1), padding, ROOM)[
                ..., : kernel_size[0], : kernel_size[1]
            ],
            "Output i and output i + 1 looked at windows that lie a stride apart, but you pair their g with "
            "neighbouring cells of x. Step through x by the stride: x[..., a : a + sH * height : sH, ...]. (Or "
            "spread g out by the stride.)",
        ),
        Misconception(
            "stride's height and width swapped",
            lambda x, g, kernel_size, stride, padding: _met(x, g, stride[::-1], padding, ROOM)[
                ..., : kernel_size[0], : kernel_size[1]
            ],
            "stride is (down, across): its first number belongs to the rows, its second to the columns. Yours "
            "are the other way round.",
        ),
        Misconception(
            "padding's height and width swapped",
            lambda x, g, kernel_size, stride, padding: _met(x, g, stride, padding[::-1], ROOM)[
                ..., : kernel_size[0], : kernel_size[1]
            ],
            "padding is (rows, columns), but F.pad starts from the last axis: it wants (left, right, top, "
            "bottom). Yours pads the wrong axis.",
        ),
        Misconception(
            "leftover rows and columns kept",
            lambda x, g, kernel_size, stride, padding: _met(x, g, stride, padding),
            "Your gradient is larger than the kernel. The last rows and columns of x, which the stride never "
            "reached, gave you positions that the kernel does not have: keep the first kH rows and kW columns.",
        ),
        Misconception(
            "leftover cut off at the wrong end",
            lambda x, g, kernel_size, stride, padding: _met(x, g, stride, padding)[
                ..., -kernel_size[0] :, -kernel_size[1] :
            ],
            "The windows start at the top left, so what is left over lies at the bottom and on the right. Keep "
            "the first kH rows and kW columns, not the last.",
        ),
        Misconception(
            "kernel flipped",
            lambda *layer: _weight(*layer).flip(2, 3),
            "Your numbers are right but turned by half a turn. In the gradient of the weight nothing is "
            "flipped: weight [a, b] met the cells that lie a rows down and b columns across from each window's "
            "corner.",
        ),
        Misconception(
            "kernel's height and width swapped",
            lambda x, g, kernel_size, stride, padding: _met(x, g, stride, padding, ROOM)[
                ..., : kernel_size[1], : kernel_size[0]
            ],
            "kernel_size is (kH, kW): rows first. Your gradient has kW rows and kH columns.",
        ),
        Misconception(
            "in and out channels swapped",
            lambda *layer: _weight(*layer).transpose(0, 1),
            "The weight's axes are (out, in, kH, kW), and its gradient has the same. Yours starts with the "
            "input channels. In einsum the letters after -> give the order.",
        ),
        Misconception(
            "input channels added up",
            lambda *layer: _weight(*layer).sum(1, keepdim=True).expand(-1, layer[0].shape[1], -1, -1),
            "All input channels got the same gradient, namely their sum. w[o, c, a, b] meets channel c of x "
            "alone: keep the axis of input channels when you add up.",
        ),
        Misconception(
            "result always float32",
            lambda *layer: _weight(*layer).float(),
            "torch.zeros(...) is float32 whatever goes in, so float64 loses digits, and gradcheck will fail. "
            "x.new_zeros(...) takes over the dtype (and device) of x.",
        ),
    ),
)


def _input(w, g, input_size, stride, padding):
    return conv2d_input((g.shape[0], w.shape[1], *input_size), w, g, stride, padding)


def _input_cases(draw):
    for aspect, (x, w, g, stride, padding) in _layers(draw):
        yield case(aspect, w=w, g=g, input_size=tuple(x.shape[2:]), stride=stride, padding=padding)


def _fed(w, g, input_size, stride, padding):
    """The gradient in the padded input: g fed back through w, on as many cells as the padded input has."""
    fed = F.conv_transpose2d(g, w, stride=stride)
    height, width = (n + 2 * p for n, p in zip(input_size, padding, strict=True))
    return F.pad(fed, (0, width - fed.shape[3], 0, height - fed.shape[2]))


def _cropped(fed, input_size, padding):
    return fed[:, :, padding[0] :, padding[1] :][:, :, : input_size[0], : input_size[1]]


def _small(w, g, input_size, stride, padding):
    """The gradient without the rows and columns that no window reaches."""
    return F.conv_transpose2d(g, w, stride=stride, padding=padding)


def _leftover_first(w, g, input_size, stride, padding):
    small = _small(w, g, input_size, stride, padding)
    return F.pad(small, (input_size[1] - small.shape[3], 0, input_size[0] - small.shape[2], 0))


def _overwritten_by_weights(w, g, input_size, stride, padding):
    fed = torch.zeros_like(_fed(w, g, input_size, stride, padding))
    height, width = g.shape[2:]
    for a in range(w.shape[2]):
        for b in range(w.shape[3]):
            rows, columns = slice(a, a + stride[0] * height, stride[0]), slice(b, b + stride[1] * width, stride[1])
            fed[:, :, rows, columns] = torch.einsum("nohw,oi->nihw", g, w[:, :, a, b])
    return _cropped(fed, input_size, padding)


def _overwritten_by_windows(w, g, input_size, stride, padding):
    fed = torch.zeros_like(_fed(w, g, input_size, stride, padding))
    for i in range(g.shape[2]):
        for j in range(g.shape[3]):
            rows = slice(i * stride[0], i * stride[0] + w.shape[2])
            columns = slice(j * stride[1], j * stride[1] + w.shape[3])
            fed[:, :, rows, columns] = torch.einsum("no,oihw->nihw", g[:, :, i, j], w)
    return _cropped(fed, input_size, padding)


grad_input = Exercise(
    name="grad_input",
    reference=_input,
    cases=_input_cases,
    points=8,
    difficulty=4,
    minutes=15,
    forbidden=BY_HAND,
    misconceptions=(
        Misconception(
            "kernel not flipped",
            lambda w, *layer: _input(w.flip(2, 3), *layer),
            "Your weights arrive turned by half a turn. If you slide the kernel over the gradient, flip it along "
            "both axes first. If you add slice by slice, do not: g times w[:, :, a, b] goes a rows down and b "
            "columns across from the window's corner.",
        ),
        Misconception(
            "flipped top to bottom only",
            lambda w, *layer: _input(w.flip(3), *layer),
            "The columns of the kernel arrive in reverse order, its rows do not. The picture in one dimension "
            "holds for each axis: both have to be flipped.",
        ),
        Misconception(
            "flipped left to right only",
            lambda w, *layer: _input(w.flip(2), *layer),
            "The rows of the kernel arrive in reverse order, its columns do not. The picture in one dimension "
            "holds for each axis: both have to be flipped.",
        ),
        Misconception(
            "gradient not dilated by the stride",
            lambda w, g, input_size, stride, padding: _cropped(
                F.pad(F.conv_transpose2d(g, w), (0, 20, 0, 20)), input_size, padding
            ),
            "The window of output i started at row i * sH, but you send its gradient back to row i, as if the "
            "stride were 1. Put the gradients a stride apart, with zeros between them (or step through the "
            "slice by the stride).",
        ),
        Misconception(
            "one zero too many",
            lambda w, g, input_size, stride, padding: _cropped(
                F.pad(F.conv_transpose2d(g, w, stride=tuple(s + 1 for s in stride)), (0, 20, 0, 20)),
                input_size,
                padding,
            ),
            "Your gradients stand a stride and one apart. Windows start at 0, s, 2s, so neighbours are s apart, "
            "and between them there is room for s - 1 zeros: none at all at stride 1.",
        ),
        Misconception(
            "stride's height and width swapped",
            lambda w, g, input_size, stride, padding: _cropped(
                F.pad(F.conv_transpose2d(g, w, stride=stride[::-1]), (0, 20, 0, 20)), input_size, padding
            ),
            "stride is (down, across): its first number belongs to the rows, its second to the columns. Yours "
            "are the other way round.",
        ),
        Misconception(
            "leftover rows and columns missing",
            _small,
            "Your gradient is smaller than x. The last rows and columns of x lay in no window, but they are "
            "cells of x: their gradient is 0, and 0 has to be written. This is why input_size is given.",
        ),
        Misconception(
            "zeros end with the last window",
            lambda w, g, input_size, stride, padding: _cropped(
                F.conv_transpose2d(g, w, stride=stride), input_size, padding
            ),
            "You start with zeros that end where the last window ends, so what lies beyond it is missing. Start "
            "with zeros as large as the padded input: H + 2 pH rows and W + 2 pW columns.",
        ),
        Misconception(
            "leftover rows and columns at the wrong end",
            _leftover_first,
            "You put the zeros at the top and on the left, and everything else has moved. Windows start at the "
            "top left, so the cells that no window reaches lie at the bottom and on the right.",
        ),
        Misconception(
            "padding not cropped",
            _fed,
            "Your gradient is as large as the padded input. The border of zeros is no part of x: what arrives "
            "there is thrown away. Cut pH rows off at the top and bottom, pW columns on the left and right.",
        ),
        Misconception(
            "padding cropped at one end only",
            lambda w, g, input_size, stride, padding: _cropped(
                _fed(w, g, input_size, stride, padding), input_size, NONE
            ),
            "Your gradient has the right size but starts in the padding. Row 0 of x is row pH of the padded "
            "input, so keep pH : pH + H, and the same for the columns.",
        ),
        Misconception(
            "padding's height and width swapped",
            lambda w, g, input_size, stride, padding: _cropped(
                F.pad(_fed(w, g, input_size, stride, padding), (0, 20, 0, 20)), input_size, padding[::-1]
            ),
            "padding is (rows, columns). You cut the number for the columns off the rows, and the other way "
            "round.",
        ),
        Misconception(
            "padding cropped with p : -p",
            lambda w, g, input_size, stride, padding: _fed(w, g, input_size, stride, padding)[
                :, :, padding[0] : -padding[0], padding[1] : -padding[1]
            ],
            "Where pH is 0, pH : -pH is 0 : 0 and keeps nothing. Say where the slice ends instead: pH : pH + H.",
        ),
        Misconception(
            "contributions overwritten, weight by weight",
            _overwritten_by_weights,
            "A cell of x that feeds several outputs hears from each of them. Your = keeps the last one only: "
            "write += .",
        ),
        Misconception(
            "contributions overwritten, window by window",
            _overwritten_by_windows,
            "Neighbouring windows overlap, and where they do your = throws away what the earlier window sent "
            "back. Write += .",
        ),
        Misconception(
            "upstream gradient ignored",
            lambda w, g, *layer: _input(w, torch.ones_like(g), *layer),
            "You added up the weights through which a cell is used. Each has to be multiplied by the g of the "
            "output that used it. Leaving g out is right only if every g is 1.",
        ),
        Misconception(
            "averaged over the batch",
            lambda w, g, *layer: _input(w, g, *layer) / g.shape[0],
            "You divided by the number of images. Each image has cells of its own, which no other image uses, "
            "so there is nothing to average.",
        ),
        Misconception(
            "added up over the batch",
            lambda w, g, *layer: _input(w, g, *layer).sum(0, keepdim=True),
            "You added up over the images. That is right for the weight and the bias, which all images share. "
            "Each image's cells are its own: the gradient has the shape of x, batch and all.",
        ),
        Misconception(
            "result always float32",
            lambda *layer: _input(*layer).float(),
            "torch.zeros(...) is float32 whatever goes in, so float64 loses digits, and gradcheck will fail. "
            "g.new_zeros(...) takes over the dtype (and device) of g.",
        ),
    ),
)


def _function(
    forward=F.conv2d, input=_input, weight=_weight, bias=_bias, needs=lambda ctx, b: ctx.needs_input_grad
):
    """An answer to `Conv2dFunction`, put together from its parts."""

    class Conv2dFunction(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x, w, b, stride, padding):
            ctx.save_for_backward(x, w, b)
            ctx.stride, ctx.padding = stride, padding
            return forward(x, w, b, stride, padding)

        @staticmethod
        def backward(ctx, g):
            x, w, b = ctx.saved_tensors
            needs_x, needs_w, needs_b, *_ = needs(ctx, b)
            layer = ctx.stride, ctx.padding
            return (
                input(w, g, x.shape[2:], *layer) if needs_x else None,
                weight(x, g, w.shape[2:], *layer) if needs_w else None,
                bias(g) if needs_b else None,
                None,
                None,
            )

    return Conv2dFunction


def _function_case(aspect, layer, b, needs):
    x, w, g, stride, padding = layer
    return case(aspect, upstream=g, needs=needs, x=x, w=w, b=b, stride=stride, padding=padding)


def _function_cases(draw):
    def b(layer):
        return draw.tensor(layer[1].shape[0], dtype=layer[1].dtype)

    yield _function_case("the worked example", (X, W, G, STRIDE, NONE), torch.tensor([0.5]), ("x", "w", "b"))
    for i in range(12):
        layout, dtype = draw.choice(LAYOUTS), draw.choice((torch.float32, torch.float64))
        layer = _drawn(draw, leftover=i % 2 == 0, layout=layout, dtype=dtype)
        yield _function_case("any layer with a bias", layer, b(layer), ("x", "w", "b"))
    for needs in (("x", "w"), ("w",), ("x", "w")):
        yield _function_case("a layer without a bias", _drawn(draw), None, needs)
    for needs in (("w", "b"), ("x", "b"), ("x",), ("w",), ("b",), ("x", "w")):
        layer = _drawn(draw)
        yield _function_case("gradients that nobody needs", layer, b(layer), needs)


Conv2dFunction = Exercise(
    name="Conv2dFunction",
    reference=_function(),
    cases=_function_cases,
    points=8,
    difficulty=3,
    minutes=10,
    forbidden=OWN_BACKWARD,
    call=calls.autograd_function,
    misconceptions=(
        Misconception(
            "needs_input_grad ignored, missing bias apart",
            _function(needs=lambda ctx, b: (True, True, b is not None)),
            "You compute gradients that nobody asked for. The first layer's x is an image, which has no use for "
            "a gradient, and in a frozen layer neither have w and b. Ask ctx.needs_input_grad, one flag for each "
            "argument of forward, and return None where it is False.",
        ),
        Misconception(
            "needs_input_grad ignored",
            _function(needs=lambda ctx, b: (True, True, True)),
            "You compute all three gradients whoever asks. A first layer's x has no use for one, and where b is "
            "None autograd refuses one. Ask ctx.needs_input_grad, one flag for each argument of forward, and "
            "return None where it is False.",
        ),
        Misconception(
            "one flag for all three",
            _function(
                needs=lambda ctx, b: (ctx.needs_input_grad[0],) * 2 + (ctx.needs_input_grad[0] and b is not None,)
            ),
            "You let x decide for all. needs_input_grad has a flag for each argument of forward, in the same "
            "order: [0] is for x, [1] for w and [2] for b. A first layer's weight learns although its x needs "
            "no gradient.",
        ),
        Misconception(
            "bias gets no gradient",
            _function(needs=lambda ctx, b: (*ctx.needs_input_grad[:2], False)),
            "The bias never gets a gradient, so it would never learn. The third thing that backward returns "
            "belongs to the third argument of forward.",
        ),
        Misconception(
            "weight gets no gradient",
            _function(needs=lambda ctx, b: (ctx.needs_input_grad[0], False, ctx.needs_input_grad[2])),
            "The weight never gets a gradient, so it would never learn. The second thing that backward returns "
            "belongs to the second argument of forward.",
        ),
        Misconception(
            "input gets no gradient",
            _function(needs=lambda ctx, b: (False, *ctx.needs_input_grad[1:])),
            "x never gets a gradient, so no layer below this one would learn. The first thing that backward "
            "returns belongs to the first argument of forward.",
        ),
        Misconception(
            "upstream gradient ignored",
            _function(
                input=lambda w, g, *layer: _input(w, torch.ones_like(g), *layer),
                weight=lambda x, g, *layer: _weight(x, torch.ones_like(g), *layer),
                bias=lambda g: _bias(torch.ones_like(g)),
            ),
            "Your gradients do not depend on g: they are those of out.sum(). The layers above have put all "
            "they want into g, so each gradient has to be made from it.",
        ),
        Misconception(
            "averaged over the batch",
            _function(
                weight=lambda x, g, *layer: _weight(x, g, *layer) / x.shape[0],
                bias=lambda g: _bias(g) / g.shape[0],
            ),
            "The gradients of w and b are divided by the number of images. The images' shares add up. Where a "
            "loss is a mean, the division has already happened inside g.",
        ),
        Misconception(
            "bias left out of the forward pass",
            _function(forward=lambda x, w, b, stride, padding: F.conv2d(x, w, None, stride, padding)),
            "The output lacks the bias. forward has to return F.conv2d with everything that it was given.",
        ),
        Misconception(
            "stride left out of the forward pass",
            _function(forward=lambda x, w, b, stride, padding: F.conv2d(x, w, b, 1, padding)),
            "The output is that of stride 1. Hand the stride on to F.conv2d, and keep it in ctx for backward.",
        ),
        Misconception(
            "padding left out of the forward pass",
            _function(forward=lambda x, w, b, stride, padding: F.conv2d(x, w, b, stride)),
            "The output is that of a layer without padding. Hand the padding on to F.conv2d, and keep it in ctx "
            "for backward.",
        ),
    ),
)

predicted_readers = question(
    "predicted_readers",
    "sha256:70f3e24f92b4be2e",
    Misconception(
        "one output for one input",
        "sha256:b029136465a8bc51",
        "y3 is not the only one. The window of y2 covers x2, x3 and x4, so it holds x3 as well. Which others do?",
    ),
    Misconception(
        "looked to the right",
        "sha256:7ab49fec6448265e",
        "You looked to the right of 3, as an output does: y3 reads x3, x4 and x5. Its readers lie on the left: "
        "y4 starts at x4 and never sees x3, while y2 covers x2, x3 and x4.",
    ),
    Misconception(
        "windows centred on their output",
        "sha256:3798d01f60f0d477",
        "The window of an output starts at its number: y4 covers x4, x5 and x6, and x3 is not in it. Which "
        "three windows do hold x3?",
    ),
)

predicted_leftover = question(
    "predicted_leftover",
    "sha256:837bfa63fab85941",
    Misconception(
        "copied from its neighbour",
        "sha256:9f09d1992afdf5a7",
        "x5 does not get what x4 gets. Draw the windows: they cover cells 0 to 2 and 2 to 4. Change x5: which "
        "output notices?",
    ),
    Misconception(
        "gradient only where a window was",
        "sha256:53982383d91e3a6e",
        "x has six cells, and each has a gradient: how fast the loss rises with it. A cell that changes nothing "
        "has a gradient too.",
    ),
    Misconception(
        "undefined where no window was",
        "sha256:4ec711dd2ecea247",
        "A gradient says how fast the loss changes. Wiggle x5: no output notices, so the loss does not change "
        "at all. That is a number, and not nan.",
    ),
)
