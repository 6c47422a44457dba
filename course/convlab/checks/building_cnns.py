"""Notebook 10: networks built from layers, traced, counted, and what one of their cells sees."""

from __future__ import annotations

import copy
import functools
import math

import torch
from torch import nn
from torch.nn import functional as F
from torch.nn.modules import module as torch_module

from .exercise import Exercise, Misconception, case, question
from .networks import changed, network, state

# ---------------------------------------------------------------------------------------------- trace_shapes


def _traced(work, init, forward, x, training, judged):
    """A trace of a network; `judged` says what of it: its "layers", or also what the trace left behind."""
    net = network(init, forward).to(x.dtype).train(training)
    before = state(net)
    every = torch_module._global_forward_hooks, torch_module._global_forward_pre_hooks
    known = [set(hooks) for hooks in every]
    try:
        found = {"layers": work(net, x)}
        if found["layers"] is None:
            return None
        found["layers with hooks left on them"] = [
            name
            for name, one in net.named_modules()
            if one._forward_hooks or one._forward_pre_hooks or "forward" in vars(one)
        ]
        found["hooks left on all modules"] = sum(len(set(h) - k) for h, k in zip(every, known, strict=True))
    finally:
        for hooks, keys in zip(every, known, strict=True):
            for key in set(hooks) - keys:
                del hooks[key]
    found["mode"] = ["eval", "train"][net.training]
    found["weights and statistics that changed"] = changed(net, before)
    return {name: found[name] for name in judged}


SHAPES = ("layers",)
WHOLE = (
    "layers",
    "layers with hooks left on them",
    "hooks left on all modules",
    "mode",
    "weights and statistics that changed",
)


def _leaves(model):
    return [(name, one) for name, one in model.named_modules() if not list(one.children())]


def _trace(
    model,
    x,
    hooked=_leaves,
    line=lambda name, module, inputs, output: (name, tuple(output.shape)),
    remove=True,
    evaluate=True,
    restore=True,
):
    """One line for each call of a `hooked` module."""
    lines, handles, was = [], [], model.training
    for name, module in hooked(model):
        handles.append(module.register_forward_hook(lambda *called, name=name: lines.append(line(name, *called))))
    if evaluate:
        model.eval()
    with torch.no_grad():
        model(x)
    if restore:
        model.train(was)
    for handle in handles:
        if remove:
            handle.remove()
    return lines


def _by_definition(model, x):
    lines = dict(_trace(model, x))
    return [(name, lines[name]) for name, _ in _leaves(model) if name in lines]


def _one_after_another(model, x):
    was = model.training
    model.eval()
    lines = []
    for name, layer in _leaves(model):
        x = layer(x)
        lines.append((name, tuple(x.shape)))
    model.train(was)
    return lines


def _last_name(model, x):
    names = [name for name, _ in _leaves(model)]
    return [(names[-1], shape) for _, shape in _trace(model, x)]


def _stages(draw, kind="plain", norm=False):
    """Lines of a network with two or three stages of convolution and ReLU, some with pooling, and an input.

    kind: "plain"; "twice", one ReLU and one pool for all stages; "nested", each stage a block of blocks;
    "shuffled", with the layers defined in another order than called, and one that is never called.
    """
    channels, stages = draw.integer(1, 3), draw.integer(2, 3)
    x = draw.tensor(draw.integer(1, 3), channels, *draw.unequal(11, 16), dtype=draw.choice(DTYPES))
    defined, forward = {}, []
    for stage in range(1, stages + 1):
        out = channels + draw.choice((-1, 1, 2)) if channels > 1 else 3
        conv = f"nn.Conv2d({channels}, {out}, {draw.unequal(1, 3)}, padding=1)"
        bn, pool = f"nn.BatchNorm2d({out})", f"nn.MaxPool2d({draw.choice(('2', '(2, 1)', '(1, 2)'))})"
        if kind == "nested":
            first = f"{conv}, {bn}" if norm else conv
            layers = {f"block{stage}": f"nn.Sequential(nn.Sequential({first}), nn.ReLU(), {pool})"}
        else:
            shared = "" if kind == "twice" else stage
            layers = {f"conv{stage}": conv, f"bn{stage}": bn, f"relu{shared}": "nn.ReLU()", f"pool{shared}": pool}
            if not norm:
                del layers[f"bn{stage}"]
        for name, made in layers.items():
            defined.setdefault(name, made)
            forward.append(f"x = self.{name}(x)")
        channels = out
    if kind == "twice":
        defined["again"] = f"nn.Conv2d({channels}, {channels}, 3, padding=1)"
        forward.append("x = self.relu(self.again(self.relu(self.again(x))))")
    init = [f"self.{name} = {made}" for name, made in defined.items()]
    if kind == "shuffled":
        init = [*init[::-1], f"self.spare = nn.Conv2d({channels}, 1, 1)"]
    forward.append(draw.choice(("x = x.mean((2, 3))", "x = F.relu(x).amax((2, 3))")))
    init.append(f"self.fc = nn.Linear({channels}, {draw.integer(2, 5)})")
    forward.append("x = self.relu(self.fc(x))" if kind == "twice" else "x = self.fc(x)")
    return {"init": init, "forward": forward, "x": x}


DTYPES = (torch.float32, torch.float32, torch.float64)
WORKED = {
    "init": ["self.block = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU())", "self.flat = nn.Flatten()"],
    "forward": ["x = self.flat(self.block(x))"],
}


def _trace_cases(draw):
    yield case("the worked example", **WORKED, x=draw.tensor(2, 1, 5, 6), training=True, judged=SHAPES)
    for kind, aspect in {
        "plain": "layers called one after another",
        "twice": "layers called more than once",
        "nested": "blocks inside blocks",
        "shuffled": "layers defined in another order, or never called",
    }.items():
        for _ in range(5):
            norm = bool(draw.integer(0, 1))
            yield case(aspect, **_stages(draw, kind, norm), training=bool(draw.integer(0, 1)), judged=SHAPES)
    for kind in ("plain", "nested", "plain", "twice"):
        yield case("the model left as it was", **_stages(draw, kind, norm=True), training=True, judged=WHOLE)
    yield case("the model left as it was", **_stages(draw, norm=True), training=False, judged=WHOLE)


trace_shapes = Exercise(
    name="trace_shapes",
    reference=_trace,
    cases=_trace_cases,
    points=6,
    difficulty=3,
    minutes=15,
    call=_traced,
    misconceptions=(
        Misconception(
            "one ReLU called twice, listed once",
            lambda model, x: list(dict(_trace(model, x)).items()),
            "A dict has one place for each name, so a layer's second call overwrites its first. One ReLU module "
            "may be called after every convolution: append a line for each call to a list.",
        ),
        Misconception(
            "equal lines listed once",
            lambda model, x: list(dict.fromkeys(_trace(model, x))),
            "Two calls of one layer with one shape give two equal lines, and you keep only one. Each call has its "
            "line.",
        ),
        Misconception(
            "a dict for a list",
            lambda model, x: dict(_trace(model, x)),
            "A dict cannot hold one name twice, and a layer may be called twice. Return a list of pairs.",
        ),
        Misconception(
            "order of definition for order of calls",
            _by_definition,
            "named_modules() has the order in which the layers were defined. What happens is in forward(): let "
            "the hooks write the list while the model runs.",
        ),
        Misconception(
            "layers called by hand",
            _one_after_another,
            "You call each layer yourself, in the order of their definition. forward() may do it otherwise, call "
            "a layer twice or never, and do more between them (a flatten, for instance). Call model(x), and let "
            "hooks watch.",
        ),
        Misconception(
            "blocks listed as well as their layers",
            lambda model, x: _trace(model, x, hooked=lambda model: list(model.named_modules())),
            "The whole model and its blocks are modules too, and you list them. A layer, here, is a module "
            "without modules inside: not list(module.children()).",
        ),
        Misconception(
            "a block listed as one layer",
            lambda model, x: _trace(model, x, hooked=lambda model: list(model.named_children())),
            "named_children() stops at the first level, so a block counts as one layer. named_modules() goes all "
            "the way down, and gives full names such as block1.0.",
        ),
        Misconception(
            "input's shape for the output's",
            lambda model, x: _trace(model, x, line=lambda name, m, inputs, out: (name, tuple(inputs[0].shape))),
            "A hook is called with (module, inputs, output). You note the shape of what goes in; the output is "
            "the third argument.",
        ),
        Misconception(
            "batch left out",
            lambda model, x: _trace(model, x, line=lambda name, m, inputs, out: (name, tuple(out.shape[1:]))),
            "The first axis, the batch, is missing. Give the whole shape: where the batch comes out larger or "
            "smaller, that is the bug to find.",
        ),
        Misconception(
            "kind of layer for its name",
            lambda model, x: _trace(
                model, x, line=lambda name, module, inputs, out: (type(module).__name__, tuple(out.shape))
            ),
            "This is the layer's class. Two ReLUs could not be told apart: use its name in named_modules().",
        ),
        Misconception(
            "every line has the last name",
            _last_name,
            "All hooks look up the loop variable when they are called, and by then it holds the last name. Bind "
            "it when the hook is made: lambda module, inputs, output, name=name: ..., or with a function that "
            "makes the hook.",
        ),
        Misconception(
            "hooks left on the model",
            lambda model, x: _trace(model, x, remove=False),
            "Your hooks are still on the model, and will run at every later call. register_forward_hook returns "
            "a handle: keep it, and call handle.remove() at the end.",
        ),
        Misconception(
            "batch-norm statistics moved",
            lambda model, x: _trace(model, x, evaluate=False),
            "In training mode a batch norm updates its running mean and variance at every call, also at yours. "
            "Switch to model.eval() for the trace, and back.",
        ),
        Misconception(
            "left in eval mode",
            lambda model, x: _trace(model, x, restore=False),
            "The model was in training mode, and now it is in eval mode. Note model.training first, and go back "
            "with model.train(was).",
        ),
        Misconception(
            "always left in training mode",
            lambda model, x: (_trace(model, x), model.train())[0],
            "You end with model.train(), but the model may have come in eval mode. Note model.training first, "
            "and go back with model.train(was).",
        ),
    ),
)


# ------------------------------------------------------------------------------------------ count_parameters


def _counted(work, init):
    return work(network(init))


def _count(model):
    parameters = list(model.parameters())
    return sum(one.numel() for one in parameters), sum(one.numel() for one in parameters if one.requires_grad)


def _both(parameters):
    """(all, trainable) of a list of tensors."""
    parameters = list(parameters)
    return sum(one.numel() for one in parameters), sum(one.numel() for one in parameters if one.requires_grad)


def _some_layers(draw, norm=True):
    """Lines of `__init__`: a convolution, a batch norm, a block, a linear layer."""
    a, b = draw.unequal(1, 5)
    kernel, groups = draw.unequal(1, 4), draw.choice((1, 2))
    lines = [f"self.conv = nn.Conv2d({2 * a}, {2 * b}, {kernel}, groups={groups}, bias={draw.integer(0, 1) == 1})"]
    if norm:
        lines.append(f"self.bn = nn.BatchNorm2d({2 * b})")
    lines.append(f"self.block = nn.Sequential(nn.Conv2d({2 * b}, {a}, {draw.unequal(1, 3)}), nn.ReLU())")
    lines.append(f"self.fc = nn.Linear({a}, {draw.integer(2, 6)})")
    return lines


def _count_cases(draw):
    shared = ["self.first = nn.Linear(3, 3)", "self.again = self.first"]
    yield case("the worked example", init=[*shared, "self.fc = nn.Linear(3, 2).requires_grad_(False)"])
    for norm in (True, False, True, True, False, True):
        yield case("layers of several kinds", init=_some_layers(draw, norm))
    for _ in range(3):
        c, k = draw.integer(2, 5), draw.unequal(1, 3)
        yield case(
            "shared layers and weights",
            init=[
                f"self.conv = nn.Conv2d({c}, {c}, {k})",
                "self.again = self.conv",
                f"self.block = nn.Sequential(self.conv, nn.ReLU(), nn.Conv2d({c}, {draw.integer(2, 5)}, 1))",
            ],
        )
        i, o = draw.unequal(2, 6)
        yield case(
            "shared layers and weights",
            init=[
                f"self.first = nn.Linear({i}, {o})",
                f"self.second = nn.Linear({i}, {o})",
                "self.second.weight = self.first.weight",
            ],
        )
    for _ in range(3):
        frozen = draw.choice(("conv", "block", "fc"))
        yield case("frozen parameters", init=[*_some_layers(draw), f"self.{frozen}.requires_grad_(False)"])
        yield case("frozen parameters", init=[*_some_layers(draw), "self.fc.weight.requires_grad_(False)"])
    for _ in range(4):
        n = draw.integer(2, 9)
        extra = [
            f"self.scale = nn.Parameter(torch.ones({n}, 1))",
            f"self.register_buffer('mean', torch.zeros({n}))",
        ]
        yield case("buffers, and parameters outside of layers", init=[*_some_layers(draw), *extra])


def _layer_by_layer(model):
    """Adds up the layers under every name that they have."""
    leaves = [one for _, one in model.named_modules(remove_duplicate=False) if not list(one.children())]
    own = list(model.parameters(recurse=False))
    return _both([*own, *(parameter for layer in leaves for parameter in layer.parameters())])


def _own_parameters(model):
    return _both(one for module in model.modules() for one in module.parameters(recurse=False))


def _whole_state(model):
    state = model.state_dict(keep_vars=True).values()
    return sum(one.numel() for one in state), sum(one.numel() for one in state if one.requires_grad)


count_parameters = Exercise(
    name="count_parameters",
    reference=_count,
    cases=_count_cases,
    points=5,
    difficulty=2,
    minutes=8,
    call=_counted,
    misconceptions=(
        Misconception(
            "shared layer counted twice",
            _layer_by_layer,
            "A layer that the model holds under two names has its numbers only once, and is trained once. Adding "
            "up layer by layer counts it twice; model.parameters() lists every Parameter once.",
        ),
        Misconception(
            "shared weight counted twice",
            _own_parameters,
            "Two layers may own one Parameter together (tied weights), and you count it for each. "
            "model.parameters() lists every Parameter once.",
        ),
        Misconception(
            "whole state_dict counted",
            _whole_state,
            "A state_dict also has buffers, such as a batch norm's running mean, and lists shared tensors under "
            "each of their names. Parameters are what model.parameters() lists.",
        ),
        Misconception(
            "buffers counted",
            lambda model: (_count(model)[0] + sum(one.numel() for one in model.buffers()), _count(model)[1]),
            "Buffers (a batch norm's running mean and variance, for instance) are saved and moved, but they are "
            "no parameters.",
        ),
        Misconception(
            "frozen parameters counted as trainable",
            lambda model: (_count(model)[0], _count(model)[0]),
            "A parameter with requires_grad=False gets no gradient and is not trained. It belongs to the first "
            "number only.",
        ),
        Misconception(
            "frozen parameters left out of both",
            lambda model: (_count(model)[1], _count(model)[1]),
            "A frozen parameter is still a parameter of the model: it belongs to the first number, all of them.",
        ),
        Misconception(
            "order swapped",
            lambda model: _count(model)[::-1],
            "First all parameters, then those that are trained. You give them the other way round.",
        ),
        Misconception(
            "tensors counted, not their numbers",
            lambda model: (
                len(list(model.parameters())),
                sum(one.requires_grad for one in model.parameters()),
            ),
            "len counts tensors. A weight of shape (16, 3, 3, 3) is 432 parameters: add up numel().",
        ),
        Misconception(
            "biases forgotten",
            lambda model: _both(one for name, one in model.named_parameters() if "bias" not in name),
            "The biases are learned too. Count every Parameter, whatever its name.",
        ),
        Misconception(
            "only convolutions and linear layers",
            lambda model: _both(
                one
                for layer in model.modules()
                if isinstance(layer, nn.Conv2d | nn.Linear)
                for one in layer.parameters()
            ),
            "Other layers have parameters as well: a batch norm has a weight and a bias for each channel, and a "
            "model may hold Parameters of its own. Ask model.parameters().",
        ),
        Misconception(
            "parameters outside of layers forgotten",
            lambda model: _both({id(p): p for c in model.children() for p in c.parameters()}.values()),
            "A Parameter may belong to the model itself and to none of its layers. model.parameters() has it.",
        ),
        Misconception(
            "blocks counted again and again",
            lambda model: _both(one for module in model.modules() for one in module.parameters()),
            "module.parameters() already looks into a module's submodules. Called on every one of modules(), it "
            "counts a layer once for each block around it. Call it on the model alone.",
        ),
        Misconception(
            "first axis only",
            lambda model: (
                sum(len(one) for one in model.parameters()),
                sum(len(one) for one in model.parameters() if one.requires_grad),
            ),
            "len(parameter) is the length of its first axis. numel() is the number of its elements.",
        ),
        Misconception(
            "one number only",
            lambda model: _count(model)[0],
            "Two numbers are asked for, in a tuple: all parameters, and those that are trained.",
        ),
    ),
)


# ------------------------------------------------------------------------------------------- receptive_field


def _field(
    layers,
    grow=lambda k, s, d, jump: d * (k - 1) * jump,
    shift=lambda p, jump: -p * jump,
    leap=lambda s, d, jump: jump * s,
    size=1,
    jump=1,
):
    start = 0
    for k, s, p, d in layers:
        size, start, jump = size + grow(k, s, d, jump), start + shift(p, jump), leap(s, d, jump)
    return size, jump, start


def _multiplied(layers):
    _, jump, start = _field(layers)
    return math.prod(d * (k - 1) + 1 for k, _, _, d in layers), jump, start


def _wrong_way(layers):
    size, (_, jump, start) = 1, _field(layers)
    for k, s, _, d in layers:
        size = (size - 1) * s + d * (k - 1) + 1
    return size, jump, start


SEED = [(3, 1, 1, 1), (2, 2, 0, 1)] * 3


def _field_cases(draw):
    def layers(count, strides=(1,), dilations=(1,), paddings=(0,), kernels=(2, 3, 5)):
        return [
            (draw.choice(kernels), draw.choice(strides), draw.choice(paddings), draw.choice(dilations))
            for _ in range(count)
        ]

    yield case("the worked example", layers=SEED)
    for count in (1, 2, 3, 4):
        yield case("stride 1", layers=layers(count))
    for count in (2, 3, 3, 4, 5, 2):
        yield case("strides", layers=[(draw.integer(2, 5), draw.integer(2, 3), 0, 1), *layers(count, (1, 2, 3))])
    for count in (1, 2, 2, 3, 3):
        yield case("dilation", layers=[*layers(1), *layers(count, dilations=(2, 3, 4))])
    for count in (3, 4, 5, 6, 4, 5):
        drawn = layers(count, (1, 2, 3), (1, 2, 3), (0, 1, 2, 3), (1, 2, 3, 4, 5, 7))
        yield case("everything together", layers=[*drawn, (3, 1, 1, 1)])
    yield case("everything together", layers=[])


receptive_field = Exercise(
    name="receptive_field",
    reference=_field,
    cases=_field_cases,
    points=5,
    difficulty=3,
    minutes=12,
    misconceptions=(
        Misconception(
            "cumulative stride left out",
            lambda layers: _field(layers, grow=lambda k, s, d, jump: d * (k - 1)),
            "Every layer adds d * (k - 1) cells of its own input. After strides, neighbours there are several "
            "cells of the image apart: multiply by the jump so far.",
        ),
        Misconception(
            "cumulative stride left out of size and start",
            lambda layers: _field(layers, grow=lambda k, s, d, jump: d * (k - 1), shift=lambda p, jump: -p),
            "After strides, neighbours in a layer's input are several cells of the image apart. Multiply by the "
            "jump so far both what a layer adds to the size, d * (k - 1), and its padding, which moves the start.",
        ),
        Misconception(
            "a layer's own stride counted too early",
            lambda layers: _field(layers, grow=lambda k, s, d, jump: d * (k - 1) * jump * s),
            "A layer's window lies on its input, where cells are as far apart as the layers before have made "
            "them. Let the size grow first, then multiply the jump by this layer's stride.",
        ),
        Misconception(
            "only the last stride",
            lambda layers: _field(layers, leap=lambda s, d, jump: s),
            "Strides multiply: two layers of stride 2 take four cells of the image a step. You keep only the "
            "latest stride.",
        ),
        Misconception(
            "strides added",
            lambda layers: _field(layers, leap=lambda s, d, jump: jump + s - 1),
            "Two layers of stride 3 make a step of 9 cells, not of 5: multiply the strides.",
        ),
        Misconception(
            "dilation ignored",
            lambda layers: _field(layers, grow=lambda k, s, d, jump: (k - 1) * jump),
            "A dilated kernel has gaps: its k cells spread over d * (k - 1) + 1.",
        ),
        Misconception(
            "dilation times the whole kernel",
            lambda layers: _field(layers, grow=lambda k, s, d, jump: (d * k - 1) * jump),
            "k cells have k - 1 gaps between them. A layer adds d * (k - 1) cells, not d * k - 1.",
        ),
        Misconception(
            "dilation taken for a stride",
            lambda layers: _field(layers, leap=lambda s, d, jump: jump * s * d),
            "Dilation spreads the cells of one window. The next window still begins one stride further on, so "
            "the jump grows by the stride alone.",
        ),
        Misconception(
            "k cells added, not k - 1",
            lambda layers: _field(layers, grow=lambda k, s, d, jump: d * k * jump),
            "One of the kernel's k cells is there already: a 3 x 3 layer adds 2 cells to the size, not 3. A 1 x 1 "
            "layer adds none.",
        ),
        Misconception(
            "size starts at 0",
            lambda layers: _field(layers, size=0),
            "Without any layer a cell sees itself: the size starts at 1.",
        ),
        Misconception(
            "kernel sizes multiplied",
            _multiplied,
            "Two 3 x 3 layers at stride 1 see 5 cells, not 9: the windows of neighbours overlap. Sizes add up; "
            "only strides multiply.",
        ),
        Misconception(
            "layers taken from the wrong end",
            _wrong_way,
            "size = (size - 1) * s + d * (k - 1) + 1 is right when you walk from the last layer to the first. You "
            "walk from the first to the last; then grow by d * (k - 1) * jump.",
        ),
        Misconception(
            "padding not scaled",
            lambda layers: _field(layers, shift=lambda p, jump: -p),
            "One padded cell of a later layer is as wide as jump cells of the image. Move the start by p * jump.",
        ),
        Misconception(
            "padding moves the start inwards",
            lambda layers: _field(layers, shift=lambda p, jump: p * jump),
            "Padding lies outside, before cell 0. With it the first field begins at a negative position.",
        ),
        Misconception(
            "padding ignored",
            lambda layers: _field(layers, shift=lambda p, jump: 0),
            "Padding lets the first window begin before the image: each layer moves the start by -p * jump.",
        ),
        Misconception(
            "padding added to the size",
            lambda layers: (_field(layers)[0] + 2 * sum(p for _, _, p, _ in layers), *_field(layers)[1:]),
            "Padding does not change how many cells one output sees, only where the first one begins.",
        ),
        Misconception(
            "jump counted before the padding",
            lambda layers: _before_padding(layers),
            "A layer pads its own input, where cells are as far apart as before its stride. Move the start first, "
            "then multiply the jump.",
        ),
    ),
)


def _before_padding(layers):
    size, jump, start = 1, 1, 0
    for k, s, p, d in layers:
        size += d * (k - 1) * jump
        jump *= s
        start -= p * jump
    return size, jump, start


# ----------------------------------------------------------------------------------- measure_receptive_field


@torch.no_grad()
def _set(net, weights):
    """Give the convolutions of `net` weights of this kind."""
    for one in net.parameters():
        if weights == "all zero":
            one.zero_()
        elif weights == "all negative":
            one.copy_(-one.abs() - 0.1)
        elif weights == "every second filter the negative of the one before":
            one[1::2] = -one[::2]


def _measured(work, init, forward, weights, shape, judged):
    """A measurement on a network; `judged`: only its "size", or also what became of the network."""
    net = network(init, forward)
    _set(net, weights)
    before = state(net)
    size = work(net, shape)
    if size is None:
        return None
    found = {"size": size, "mode": ["eval", "train"][net.training]}
    found["weights and statistics that changed"] = changed(net, before)
    return {name: found[name] for name in judged}


def _averaging(net):
    """`net` with averages in place of maxima."""
    for name, child in net.named_children():
        if isinstance(child, nn.MaxPool2d):
            setattr(net, name, nn.AvgPool2d(child.kernel_size, child.stride, child.padding))
        else:
            _averaging(child)
    return net


def _span(seen, plus=1):
    """From the first to the last row, and to the last column, in which something is not zero."""
    if not seen.any():
        return 0, 0
    return tuple((lines[-1] - lines[0] + plus).item() for lines in (seen.any(1).nonzero(), seen.any(0).nonzero()))


def _middle(y):
    return y[:, :, y.shape[2] // 2, y.shape[3] // 2].sum()


def _gradient(net, x, cell=_middle):
    x = x.to(next(net.parameters())).requires_grad_()
    cell(net(x)).backward()
    return torch.zeros(x.shape[2:]) if x.grad is None else x.grad.abs().sum((0, 1))


def _measure(net, shape):
    """The right answer, without chance: in an average no cell loses, and positive numbers do not cancel."""
    net = _averaging(copy.deepcopy(net)).double().eval()
    _ones(net)
    return _span(_gradient(net, torch.rand(1, *shape)) != 0)


@torch.no_grad()
def _ones(net):
    for one in net.parameters():
        one.fill_(1)


def _by_images(
    net,
    shape,
    change=_ones,
    images=48,
    image=torch.rand,
    mode=nn.Module.eval,
    cell=_middle,
    span=_span,
    copied=True,
):
    """The answer of a student who lets many random images decide where a maximum lies."""
    net = mode(copy.deepcopy(net) if copied else net)
    change(net)
    return span(_gradient(net, image(images, *shape), cell))


def _given(net):
    """Weights as they are."""


def _in_place(net, shape):
    was = net.training
    found = _by_images(net, shape, copied=False)
    net.train(was)
    return found


def _mode_lost(net, shape):
    before = state(net)
    found = _by_images(net, shape, copied=False)
    net.load_state_dict(before)
    return found


def _count_lines(seen):
    return int((seen.sum(1) > 0).sum()), int((seen.sum(0) > 0).sum())


def _strong(seen):
    return _span(seen > 0.1 * seen.max())


def _linear_but_given(net, shape):
    """No maxima and no ReLUs, but the weights as they are."""
    net = _averaging(copy.deepcopy(net)).double().eval()
    for module in list(net.modules()):
        if isinstance(module, nn.ReLU):
            module.forward = lambda x: x
    return _span(_gradient(net, torch.rand(1, *shape)) != 0)


def _layers_added_up(net, shape):
    """From the list of layers, as if each followed the one before."""
    leaves = [one for one in net.modules() if isinstance(one, nn.Conv2d | nn.MaxPool2d | nn.AvgPool2d)]
    return tuple(
        _field([tuple(_axis(getattr(one, name, 1), axis) for name in SETTINGS) for one in leaves])[0]
        for axis in (0, 1)
    )


def _axis(value, axis):
    return value if isinstance(value, int) else value[axis]


SETTINGS = ("kernel_size", "stride", "padding", "dilation")
JUST_SIZE = ("size",)
UNTOUCHED = ("size", "mode", "weights and statistics that changed")
GIVEN = "as PyTorch draws them"


def _seeing(draw, parts, branch=False, norm=False, channels=(2, 3)):
    """Lines of a network of these parts ("conv", "relu", "max", "mean", "wide"), and an image that has room.

    "wide" is a dilated convolution. Nothing is square. With `branch`, one more convolution is added to its input.
    """
    c, layers, settings = draw.choice(channels), [], []
    inside = c
    for part in parts:
        if part in ("conv", "wide"):
            out = draw.choice((2, 4))
            kernel, stride = draw.unequal(2, 4), (1, draw.integer(1, 2)) if part == "conv" else (1, 1)
            dilation = draw.unequal(2, 3) if part == "wide" else (1, 1)
            padding = draw.unequal(1, 2)
            layers.append(
                f"nn.Conv2d({inside}, {out}, {kernel}, stride={stride}, padding={padding}, dilation={dilation})"
            )
            inside = out
            if norm:
                layers.append(f"nn.BatchNorm2d({out})")
        elif part == "relu":
            layers.append("nn.ReLU()")
            continue
        else:
            kernel = draw.choice(((2, 3), (3, 2), (2, 2)))
            stride, padding, dilation = kernel, (0, 0), (1, 1)
            layers.append(f"nn.{'MaxPool2d' if part == 'max' else 'AvgPool2d'}({kernel})")
        settings.append((kernel, stride, padding, dilation))
    init = [f"self.body = nn.Sequential({', '.join(layers)})"]
    forward = ["x = self.body(x)"]
    if branch:
        kernel = draw.choice(((3, 5), (5, 3)))
        padding = kernel[0] // 2, kernel[1] // 2
        init.append(f"self.near = nn.Conv2d({inside}, {inside}, 3, padding=1)")
        init.append(f"self.far = nn.Conv2d({inside}, {inside}, {kernel}, padding={padding})")
        forward.append("x = x + self.near(x) + self.far(x)")
        settings.append((kernel, (1, 1), padding, (1, 1)))
    sides = []
    for axis in (0, 1):
        size, jump, _ = _field([tuple(one[axis] for one in setting) for setting in settings])
        sides.append(size + 3 * jump + draw.integer(1, 4))
    return {"init": init, "forward": forward, "shape": (c, *sides)}


SMALL = {
    "init": ["self.body = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(4, 2, 3))"],
    "forward": ["x = self.body(x)"],
}


def _measure_cases(draw):
    def cases(aspect, parts, weights=GIVEN, judged=JUST_SIZE, **chosen):
        lines = _seeing(draw, parts, **chosen)
        shape = lines.pop("shape")
        return case(aspect, **lines, weights=weights, shape=shape, judged=judged)

    yield case("the worked example", **SMALL, weights=GIVEN, shape=(1, 20, 20), judged=JUST_SIZE)
    for parts in (
        ("conv", "wide"),
        ("wide",),
        ("conv", "conv", "mean", "conv", "conv"),
        ("conv", "conv", "conv", "wide"),
        ("conv", "mean", "wide"),
    ):
        yield cases("convolutions", parts)
    aspect = "ReLU and max pooling"
    for parts in (("conv", "relu", "max", "conv", "relu", "max"), ("conv", "relu", "max", "wide", "relu")):
        for _ in range(3):
            yield cases(aspect, parts)
    aspect = "zero, negative and opposite weights"
    for parts in (("conv", "relu", "conv"), ("conv", "mean", "conv", "relu")):
        for weights in ("all zero", "all negative"):
            yield cases(aspect, parts, weights)
    for parts in (("conv", "conv"), ("conv", "mean", "conv"), ("conv", "wide")):
        yield cases(aspect, parts, "every second filter the negative of the one before")
    for _ in range(2):
        for parts in (("conv", "relu", "conv"), ("conv", "relu", "max", "conv", "relu")):
            yield cases("batch norm, and the net left as it was", parts, judged=UNTOUCHED, norm=True)
    for parts in (("conv", "relu"), ("conv", "mean"), ("conv", "relu", "max"), ("conv", "max")):
        yield cases("branches that are added", parts, branch=True)


measure_receptive_field = Exercise(
    name="measure_receptive_field",
    reference=_measure,
    cases=_measure_cases,
    points=6,
    difficulty=4,
    minutes=20,
    call=_measured,
    misconceptions=(
        Misconception(
            "dead gradients taken for blind cells",
            lambda net, shape: _by_images(net, shape, change=_given, images=1),
            "One image, and the weights as they came: where a ReLU is closed, a maximum lies elsewhere or a "
            "weight is zero, no gradient passes, though the cell is connected. Fill a copy of the net with "
            "positive weights, and try many images.",
        ),
        Misconception(
            "weights as they came",
            lambda net, shape: _by_images(net, shape, change=_given),
            "Weights that are zero, cancel or close every ReLU hide connections, however many images you try. "
            "Fill a copy of the net with positive numbers: then all of its ReLUs are open, and nothing cancels.",
        ),
        Misconception(
            "ReLU and max taken out, but weights as they came",
            _linear_but_given,
            "Without ReLU and maximum the gradient is the same for each image, but zero weights still stop it, "
            "and opposite ones cancel. Fill a copy with positive numbers.",
        ),
        Misconception(
            "one image through a maximum",
            lambda net, shape: _by_images(net, shape, images=1),
            "A maximum passes the gradient to one cell of its window, the winner, and one image has one winner a "
            "window. Add up the gradients of many random images, so that every cell wins somewhere.",
        ),
        Misconception(
            "an image of ones",
            lambda net, shape: _by_images(net, shape, image=torch.ones),
            "In an image of one brightness all cells of a window tie, and the maximum always takes the same one. "
            "Random images let every cell win somewhere.",
        ),
        Misconception(
            "batch norm in training mode",
            lambda net, shape: _by_images(net, shape, mode=nn.Module.train),
            "In training mode a batch norm uses the mean of the whole image, so every cell depends on every "
            "other. Call eval() on your copy: then it uses fixed numbers.",
        ),
        Misconception(
            "whole output differentiated",
            lambda net, shape: _by_images(net, shape, cell=torch.sum),
            "You differentiate the sum of all output cells, which together see the whole image. The question is "
            "what one of them sees: y[:, :, row, column].sum().",
        ),
        Misconception(
            "a corner cell",
            lambda net, shape: _by_images(net, shape, cell=lambda y: y[:, :, 0, 0].sum()),
            "Part of what a corner cell sees is padding, and has no gradient. Take the cell in the middle.",
        ),
        Misconception(
            "rows and columns counted that have a gradient",
            lambda net, shape: _by_images(net, shape, span=_count_lines),
            "A dilated kernel leaves rows out, but they lie within the field. Take the distance from the first "
            "row with a gradient to the last, not the number of them.",
        ),
        Misconception(
            "last minus first",
            lambda net, shape: _by_images(net, shape, span=lambda seen: _span(seen, plus=0)),
            "From row 3 to row 7 there are five rows: last - first + 1.",
        ),
        Misconception(
            "height and width swapped",
            lambda net, shape: _by_images(net, shape, span=lambda seen: _span(seen)[::-1]),
            "The order is (rows, columns), as in a shape.",
        ),
        Misconception(
            "only strong gradients counted",
            lambda net, shape: _by_images(net, shape, span=_strong),
            "Cells at the edge of the field have few ways to the output, so their gradient is small, but it is "
            "not zero. Ask for != 0, not for a share of the largest. (With the share you measure the effective "
            "field, which is another question.)",
        ),
        Misconception(
            "net overwritten",
            _in_place,
            "The net that was handed in has lost its weights. Work on copy.deepcopy(net).",
        ),
        Misconception(
            "net left in eval mode",
            _mode_lost,
            "The net came in training mode and leaves in eval mode. Work on copy.deepcopy(net).",
        ),
        Misconception(
            "layers added up from a list",
            _layers_added_up,
            "You add the layers up as if each followed the one before. In a branch they run side by side, and "
            "the larger field counts. The gradient knows: measure.",
        ),
    ),
)


# ------------------------------------------------------------------------------------------- building networks


@functools.cache
def _numbers() -> torch.Tensor:
    """Normal random numbers to fill networks with."""
    return torch.randn(1_400_000, generator=torch.Generator().manual_seed(0))


@torch.no_grad()
def _fill(net, seed, one_unit_each=False):
    """Give the parameters, in their order, and the buffers numbers that depend on the seed and their shapes.

    With `one_unit_each` the last matrix lets class i read hidden unit i alone.
    """
    numbers, used = _numbers(), seed % 100_003
    for one in [*net.parameters(), *net.buffers()]:
        if not one.is_floating_point():
            continue
        if used + one.numel() > len(numbers):
            used = seed % 100_003
        drawn = numbers[used : used + one.numel()].reshape(one.shape)
        used += one.numel()
        if one.ndim < 2:
            one.copy_(0.5 + drawn.abs())
        else:
            one.copy_(drawn * (0.3 if one.ndim == 2 else 1) * math.sqrt(2 / one[0].numel()))
    matrices = [one for one in net.parameters() if one.ndim == 2]
    if one_unit_each and matrices:
        matrices[-1].copy_(torch.eye(*matrices[-1].shape))


def _assembled(work, ask, weights_seed=0, x=None, training=False, **arguments):
    """A network that `work` builds, asked for one thing.

    ask: "parameters": what it registers, in order; "output": of `x`; "gradient": output and gradient in `x`, which
    has to be float64, because rounding can turn a ReLU or a maximum; "another size": whether it refuses `x`;
    "training": what dropout and batch norm do to copies of the images `x`.
    """
    net = work(*arguments.values())
    if net is None:
        return None
    if ask == "parameters":
        return {
            "parameters": [tuple(one.shape) for one in net.parameters()],
            "buffers": [tuple(one.shape) for one in net.buffers()],
            "all trainable": all(one.requires_grad for one in net.parameters()),
            "mode": ["eval", "train"][net.training],
        }
    net = net.to(x.dtype)
    _fill(net, weights_seed, one_unit_each=ask == "training")
    if ask == "another size":
        found = {"32 x 32": tuple(net.eval()(x.new_zeros(1, 3, 32, 32)).shape)}
        try:
            found["the shape that x gives"] = tuple(net(x).shape)
        except Exception:
            found["the shape that x gives"] = "refused"
        return found
    if ask == "training":
        return _trained(net.train(), x)
    if ask == "output":
        return {"output": net.train(training)(x).detach()}
    x = x.requires_grad_()
    output = net.train(training)(x)
    upstream = _numbers()[: output.numel()].reshape(output.shape).to(output.dtype)
    if output.requires_grad:
        (output * upstream).sum().backward()
    return {"output": output, "gradient": x.grad}


COPIES = 24


def _trained(net, x):
    """The smallest and the largest answer to each image among copies of the batch, and the statistics after it."""
    with torch.no_grad():
        answers = net(x.repeat(COPIES, 1, 1, 1)).unflatten(0, (COPIES, len(x)))
    low, high = answers.amin(0), answers.amax(0)
    slack = 1e-3 * answers.abs().max()
    varied = (high - low > slack).expand_as(answers)
    share = ((answers - low < slack) & varied).sum() / varied.sum().clamp(min=1)
    return {
        "smallest answers": low,
        "largest answers": high,
        "answers between": int(((answers - low > slack) & (high - answers > slack)).sum()),
        "about half of the answers are the smallest": bool(0.25 < share < 0.75),
        "buffers": [one.to(x.dtype) for one in net.buffers()],
    }


def _block(i, o, padding=1, kernel=3, relu=nn.ReLU, pool=nn.MaxPool2d, **settings):
    return nn.Sequential(nn.Conv2d(i, o, kernel, padding=padding, **settings), relu(), pool(2))


class _Do(nn.Module):
    """A function as a layer."""

    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, x):
        return self.function(x)


def _simple(features=64 * 4 * 4, flat=nn.Flatten, end=nn.Identity, third=None, **settings):
    return nn.Sequential(
        _block(3, 16, **settings),
        _block(16, 32, **settings),
        third or _block(32, 64, **settings),
        flat(),
        nn.Linear(features, 10),
        end(),
    )


def _mixing(features):
    """view(-1, features), as in the tutorial."""
    return lambda: _Do(lambda x: x.reshape(-1, features))


class _Listed(nn.Module):
    """Its layers are in a Python list, so that nobody registers them."""

    def __init__(self):
        super().__init__()
        self.layers = [_simple()]

    def forward(self, x):
        return self.layers[0].to(x.dtype)(x)


class _Chain(nn.Module):
    """Every convolution takes the image's three channels."""

    def __init__(self):
        super().__init__()
        self.convs = nn.ModuleList(nn.Conv2d(3, o, 3, padding=1) for o in (16, 32, 64))
        self.fc = nn.Linear(1024, 10)

    def forward(self, x):
        for conv in self.convs:
            x = F.max_pool2d(F.relu(conv(x)), 2)
        return self.fc(x.flatten(1))


OTHER_SIZES = ((2, 3, 64, 64), (1, 3, 64, 32), (4, 3, 16, 16), (2, 3, 32, 48), (1, 3, 40, 40))


def _images(draw, *shape, dtype=torch.float32):
    return draw.tensor(*shape, dtype=dtype) / 4


def _simple_cases(draw):
    def drawn(aspect, shape, dtype=torch.float32, **more):
        return case(aspect, weights_seed=draw.integer(1, 10**6), x=_images(draw, *shape, dtype=dtype), **more)

    yield case("parameters, in order", ask="parameters")
    for n in (1, 2, 3, 1, 4, 2, 3, 2):
        yield drawn("logits, in training and in eval mode", (n, 3, 32, 32), ask="output", training=n % 2 == 0)
    for n in (2, 1, 3):
        aspect = "logits, in training and in eval mode"
        yield drawn(aspect, (n, 3, 32, 32), torch.float64, ask="gradient", training=n != 2)
    for training in (False, True):
        yield drawn("a batch of one", (1, 3, 32, 32), ask="output", training=training)
    for shape in (*OTHER_SIZES, *OTHER_SIZES[:3]):
        yield drawn("images of another size refused", shape, ask="another size")


build_simple_cnn = Exercise(
    name="build_simple_cnn",
    reference=_simple,
    cases=_simple_cases,
    points=4,
    difficulty=2,
    minutes=10,
    call=_assembled,
    misconceptions=(
        Misconception(
            "softmax before cross-entropy",
            lambda: _simple(end=lambda: nn.Softmax(1)),
            "F.cross_entropy takes logits and applies a log-softmax itself. With a softmax in the network it is "
            "applied twice, and the gradients become small. Return the linear layer's output as it is.",
        ),
        Misconception(
            "log-softmax before cross-entropy",
            lambda: _simple(end=lambda: nn.LogSoftmax(1)),
            "A log-softmax belongs in front of F.nll_loss. F.cross_entropy brings its own; logits are the linear "
            "layer's output as it is.",
        ),
        Misconception(
            "ReLU on the logits",
            lambda: _simple(end=nn.ReLU),
            "A logit may be negative: that is how the network says 'not this class'. No ReLU after the last "
            "layer.",
        ),
        Misconception(
            "class number for logits",
            lambda: _simple(end=lambda: _Do(lambda x: x.argmax(1))),
            "argmax gives the number of the class, and no gradient passes through it. The network returns ten "
            "logits an image; whoever uses it takes the argmax.",
        ),
        Misconception(
            "flatten size guessed",
            lambda: _simple(features=64 * 8 * 8),
            "Three poolings halve 32 three times: 16, 8, 4. So 64 * 4 * 4 numbers an image reach the linear "
            "layer, not 64 * 8 * 8. Trace the shapes instead of guessing.",
        ),
        Misconception(
            "view(-1, n) mixes the batch",
            lambda: _simple(flat=_mixing(1024)),
            "view(-1, 1024) cuts whatever comes into rows of 1024, so two images of 64 x 64 become eight rows "
            "without a word. Keep the batch axis: x.flatten(1), or nn.Flatten(). Then the linear layer refuses "
            "a wrong size.",
        ),
        Misconception(
            "batch flattened too",
            lambda: _simple(flat=lambda: _Do(torch.flatten)),
            "torch.flatten(x) flattens the batch axis as well, and all images become one row. Begin at axis 1: "
            "x.flatten(1), or nn.Flatten().",
        ),
        Misconception(
            "ReLU forgotten",
            lambda: _simple(relu=nn.Identity),
            "There is no ReLU after the convolutions. Each of the three blocks is convolution, ReLU, pooling.",
        ),
        Misconception(
            "padding forgotten",
            lambda: _simple(features=64 * 2 * 2, padding=0),
            "Without padding=1 a 3 x 3 convolution takes two rows and columns away each time, and 2 x 2 cells are "
            "left in place of 4 x 4.",
        ),
        Misconception(
            "last pooling left out",
            lambda: _simple(features=64 * 8 * 8, third=nn.Sequential(nn.Conv2d(32, 64, 3, padding=1), nn.ReLU())),
            "The third block has a pooling too, so that 4 x 4 cells are left and 64 * 4 * 4 numbers.",
        ),
        Misconception(
            "average for maximum",
            lambda: _simple(pool=nn.AvgPool2d),
            "The description says max pooling; yours takes averages.",
        ),
        Misconception(
            "global average for flatten",
            lambda: _simple(features=64, flat=lambda: _Do(lambda x: x.mean((2, 3)))),
            "You take the mean over all cells of a channel. That is a good idea, and the network would take "
            "images of any size, but it is another network: here all 64 * 4 * 4 numbers are kept.",
        ),
        Misconception(
            "channels not handed on",
            _Chain,
            "Each convolution takes the channels that the one before gives: 3 to 16, 16 to 32, 32 to 64.",
        ),
        Misconception(
            "layers in a Python list",
            _Listed,
            "Layers in a plain list are not registered: parameters() does not know them, so no optimiser trains "
            "them. Use nn.Sequential or nn.ModuleList, or one attribute a layer.",
        ),
        Misconception(
            "the class, not a network",
            lambda: _Chain,
            "You return the class. Build a network from it: put () behind its name.",
        ),
    ),
)


def _landmark(
    num_classes,
    norm=nn.BatchNorm2d,
    after_block=nn.Identity,
    order="norm relu pool",
    flat=nn.Flatten,
    features=128 * 4 * 4,
    hidden=nn.ReLU,
    drop=lambda: nn.Dropout(0.5),
    end=nn.Identity,
    bias=True,
):
    layers = []
    for i, o in ((3, 32), (32, 64), (64, 128)):
        parts = {"norm": norm(o), "relu": nn.ReLU(), "pool": nn.MaxPool2d(2)}
        layers += [
            nn.Conv2d(i, o, 3, padding=1, bias=bias),
            *(parts[name] for name in order.split()),
            after_block(),
        ]
    return nn.Sequential(
        *layers, flat(), nn.Linear(features, 512), hidden(), drop(), nn.Linear(512, num_classes), end()
    )


class _ByKind(nn.Module):
    """The right layers, defined kind by kind."""

    def __init__(self, num_classes):
        super().__init__()
        self.convs = nn.ModuleList(nn.Conv2d(i, o, 3, padding=1) for i, o in ((3, 32), (32, 64), (64, 128)))
        self.norms = nn.ModuleList(nn.BatchNorm2d(o) for o in (32, 64, 128))
        self.hidden, self.drop, self.last = nn.Linear(2048, 512), nn.Dropout(0.5), nn.Linear(512, num_classes)

    def forward(self, x):
        for conv, norm in zip(self.convs, self.norms, strict=True):
            x = F.max_pool2d(F.relu(norm(conv(x))), 2)
        return self.last(self.drop(F.relu(self.hidden(x.flatten(1)))))


def _landmark_cases(draw):
    def drawn(aspect, shape, dtype=torch.float32, **more):
        seed, classes = draw.integer(1, 10**6), draw.integer(2, 20)
        return case(aspect, **more, weights_seed=seed, x=_images(draw, *shape, dtype=dtype), num_classes=classes)

    yield case("parameters and buffers, in order", ask="parameters", num_classes=10)
    for _ in range(10):
        classes = draw.choice((2, 3, 5, 7, 12, 15, 20))
        yield case("parameters and buffers, in order", ask="parameters", num_classes=classes)
    for n in (2, 1, 3):
        yield drawn("logits in eval mode", (n, 3, 32, 32), ask="output")
    for n in (1, 2):
        yield drawn("logits in eval mode", (n, 3, 32, 32), torch.float64, ask="gradient")
    for n in (1, 2, 1):
        yield drawn("dropout and batch norm in training mode", (n, 3, 32, 32), ask="training")
    for shape in OTHER_SIZES[1:4]:
        yield drawn("images of another size refused", shape, ask="another size")


build_landmark_cnn = Exercise(
    name="build_landmark_cnn",
    reference=_landmark,
    cases=_landmark_cases,
    points=6,
    difficulty=3,
    minutes=12,
    call=_assembled,
    misconceptions=(
        Misconception(
            "num_classes ignored",
            lambda num_classes: _landmark(10),
            "The last layer always has ten outputs. It needs num_classes of them.",
        ),
        Misconception(
            "layers defined kind by kind",
            _ByKind,
            "All layers are there, but parameters() lists the convolutions first and the batch norms after them. "
            "Define them in the order in which they are used: saved weights are loaded in that order here.",
        ),
        Misconception(
            "dropout that never stops",
            lambda num_classes: _landmark(num_classes, drop=lambda: _Do(lambda x: F.dropout(x, 0.5))),
            "F.dropout drops by default, also in eval mode: it does not know the network. Use nn.Dropout, or hand "
            "on training=self.training.",
        ),
        Misconception(
            "dropout forgotten",
            lambda num_classes: _landmark(num_classes, drop=nn.Identity),
            "In training mode the same image gives the same answer every time: there is no dropout. It comes "
            "between the two linear layers, after the ReLU.",
        ),
        Misconception(
            "dropout on the logits",
            lambda num_classes: _landmark(num_classes, drop=nn.Identity, end=lambda: nn.Dropout(0.5)),
            "Your dropout comes last and sets half of the logits to zero, the right class's too. It belongs in "
            "front of the last layer, on the 512 hidden units.",
        ),
        Misconception(
            "dropout before the first linear layer",
            lambda num_classes: _landmark(
                num_classes,
                flat=lambda: nn.Sequential(nn.Flatten(), nn.Dropout(0.5)),
                drop=nn.Identity,
            ),
            "Your dropout acts on the flattened features. It belongs after the first linear layer and its ReLU, "
            "on the 512 hidden units.",
        ),
        Misconception(
            "dropout after every block",
            lambda num_classes: _landmark(num_classes, after_block=lambda: nn.Dropout(0.5)),
            "There is dropout in the convolutional blocks too. The description has one, between the linear "
            "layers.",
        ),
        Misconception(
            "another share dropped",
            lambda num_classes: _landmark(num_classes, drop=lambda: nn.Dropout(0.2)),
            "p is the share that is dropped, and the rest is scaled by 1 / (1 - p). With p = 0.5 that is a factor "
            "of 2; yours is another.",
        ),
        Misconception(
            "batch norm forgotten",
            lambda num_classes: _landmark(num_classes, norm=lambda channels: nn.Identity()),
            "There is no batch norm: each convolution is followed by nn.BatchNorm2d with as many channels as it "
            "gives.",
        ),
        Misconception(
            "batch norm after the ReLU",
            lambda num_classes: _landmark(num_classes, order="relu norm pool"),
            "The order in a block is convolution, batch norm, ReLU, pooling. Yours normalises after the ReLU.",
        ),
        Misconception(
            "batch norm after the pooling",
            lambda num_classes: _landmark(num_classes, order="relu pool norm"),
            "The order in a block is convolution, batch norm, ReLU, pooling. Yours normalises at the end of the "
            "block.",
        ),
        Misconception(
            "the batch's statistics in eval mode too",
            lambda num_classes: _landmark(
                num_classes, norm=lambda channels: nn.BatchNorm2d(channels, track_running_stats=False)
            ),
            "Without running statistics a batch norm uses the batch at hand in eval mode as well, so the answer "
            "for one photo depends on the others. Leave track_running_stats at its default.",
        ),
        Misconception(
            "convolutions without bias",
            lambda num_classes: _landmark(num_classes, bias=False),
            "Well thought: a batch norm takes the bias out again. But the description has layers with their "
            "defaults, and saved weights have to fit. Leave bias=True.",
        ),
        Misconception(
            "ReLU between the linear layers forgotten",
            lambda num_classes: _landmark(num_classes, hidden=nn.Identity),
            "Two linear layers without a ReLU between them are one linear layer. It comes after the first one.",
        ),
        Misconception(
            "softmax before cross-entropy",
            lambda num_classes: _landmark(num_classes, end=lambda: nn.Softmax(1)),
            "F.cross_entropy takes logits and applies a log-softmax itself. Return the last layer's output as it "
            "is.",
        ),
        Misconception(
            "flatten size guessed",
            lambda num_classes: _landmark(num_classes, features=128 * 8 * 8),
            "32 halved three times is 4: 128 * 4 * 4 numbers reach the first linear layer, not 128 * 8 * 8.",
        ),
        Misconception(
            "view(-1, n) mixes the batch",
            lambda num_classes: _landmark(num_classes, flat=_mixing(2048)),
            "view(-1, 2048) cuts images of another size into rows, and the batch grows without a word. Keep the "
            "batch axis: x.flatten(1), or nn.Flatten().",
        ),
        Misconception(
            "returned in eval mode",
            lambda num_classes: _landmark(num_classes).eval(),
            "A new network is in training mode. Whoever uses it calls eval() when it is time.",
        ),
    ),
)


# -------------------------------------------------------------------------------------------------- questions

predicted_batch = question(
    "predicted_batch",
    "sha256:e4e9112eabf89cf7",
    Misconception(
        "an error expected",
        "sha256:d716fe498786fa28",
        "The last layer is content: every row it gets has 1024 numbers. How many rows does view(-1, 1024) "
        "make of them?",
    ),
    Misconception(
        "batch size taken as kept",
        "sha256:5390159de7aed65e",
        "view(-1, 1024) does not know what a batch is. Two images have 2 * 64 * 8 * 8 = 8192 numbers; cut "
        "them into rows of 1024.",
    ),
    Misconception(
        "one row for all",
        "sha256:f67b7cb64a2974b4",
        "The rows have 1024 numbers each, and there are 8192 in all.",
    ),
)

predicted_loss = question(
    "predicted_loss",
    "sha256:72f318a3f7e6f8cf",
    Misconception(
        "untrained taken for a loss of 0",
        "sha256:3c412209fdf1c3aa",
        "A loss of 0 would mean that the network is sure, and right. It knows nothing yet.",
    ),
    Misconception(
        "probability for its logarithm",
        "sha256:8ec5b3e25b6e89f6",
        "0.1 is about the probability that each class gets. The loss is minus its logarithm.",
    ),
    Misconception(
        "number of classes for the loss",
        "sha256:912d966b73a02cd3",
        "Each of ten classes gets a probability of about 1/10. The loss is -ln(1/10), not 10.",
    ),
)

predicted_modes = question(
    "predicted_modes",
    "sha256:f6a6603aac5824a1",
    Misconception(
        "the same in both modes expected",
        "sha256:ec0ee4e415d5037d",
        "In training mode dropout draws anew at each call, and batch norm takes mean and variance of the "
        "batch, in which the other photo changed.",
    ),
    Misconception(
        "training mode taken for the steady one",
        "sha256:59bdf766d79e0a9a",
        "It is the other way round: in training mode dropout draws at random, and batch norm looks at the "
        "whole batch.",
    ),
    Misconception(
        "chance seen everywhere",
        "sha256:17f2cb5cce7979a3",
        "In eval mode nothing is random: dropout does nothing, and batch norm uses statistics that it has stored.",
    ),
)
