"""Notebook 12: a trained network with a new head: frozen, in groups, or run once for its features."""

from __future__ import annotations

import copy
import itertools
import re
from functools import partial

import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset

from .compare import close
from .exercise import Exercise, Misconception, case, question
from .networks import changed, network, state
from .plain import Other, Raised, described, plain

# --- the networks of the cases

TRUNKS = ("residual", "features", "blocks")
HEADS = ("fc", "classifier", "fc first", "nested", "hidden", "deep")


def _trunk(draw, kind):
    """Lines of a small network with batch norm and dropout, the number of its features, and one of its layers."""
    c, d, kernel, other = draw.integer(2, 4), draw.integer(6, 9), draw.unequal(1, 3), draw.unequal(1, 3)
    if kind == "residual":
        init = [
            f"self.conv1 = nn.Conv2d(3, {c}, {kernel}, padding=1, bias=False)",
            f"self.bn1 = nn.BatchNorm2d({c})",
            f"self.layer1 = nn.Sequential(nn.Conv2d({c}, {c}, 3, padding=1), nn.BatchNorm2d({c}))",
            f"self.layer2 = nn.Sequential(nn.Conv2d({c}, {d}, {other}), nn.BatchNorm2d({d}))",
        ]
        forward = ["x = F.relu(self.bn1(self.conv1(x)))", "x = self.layer2(F.relu(x + self.layer1(x)))"]
        layer = "self.layer1"
    elif kind == "features":
        init = [
            f"self.features = nn.Sequential(nn.Conv2d(3, {c}, {kernel}), nn.BatchNorm2d({c}), nn.ReLU(), "
            f"nn.Conv2d({c}, {d}, {other}), nn.BatchNorm2d({d}))"
        ]
        forward = ["x = self.features(x)"]
        layer = "self.features[0]"
    else:
        init = [
            f"self.scale = nn.Parameter(torch.full(({c}, 1, 1), 0.5))",
            f"self.blocks = nn.ModuleList([nn.Conv2d(3, {c}, {kernel}), nn.BatchNorm2d({c}), "
            f"nn.Conv2d({c}, {d}, {other})])",
            f"self.gate = nn.Linear({d}, {d})",
        ]
        forward = [
            "x = self.blocks[2](F.relu(self.scale * self.blocks[1](self.blocks[0](x))))",
            "x = x * torch.sigmoid(self.gate(x.mean((2, 3))))[..., None, None]",
        ]
        layer = "self.blocks[0]"
    init.append("self.drop = nn.Dropout(0.5)")
    forward.append("x = self.drop(F.relu(x).mean((2, 3)))")
    return init, forward, d, layer


def _lines(draw, trunk=None, head=None, classes=None, freeze=None, bias=None):
    """Lines of a network: `freeze` is "all", "one layer", "all but one layer" or None; `bias` is the head's."""
    head = head or draw.choice(HEADS)
    trunk = trunk or draw.choice(TRUNKS[:2] if head == "fc first" else TRUNKS)
    init, forward, d, layer = _trunk(draw, trunk)
    classes = classes or draw.integer(3, 7)
    bias = draw.choice(("", "", ", bias=False")) if bias is None else f", bias={bias}"
    if head in ("fc", "fc first", "classifier"):
        name = head.split()[0]
        line, call = f"self.{name} = nn.Linear({d}, {classes}{bias})", f"self.{name}(x)"
    elif head == "nested":
        line = f"self.classifier = nn.Sequential(nn.Dropout(0.5), nn.Linear({d}, {classes}{bias}))"
        call = "self.classifier(x)"
    elif head == "hidden":
        line = f"self.head = nn.Sequential(nn.Linear({d}, 10), nn.ReLU(), nn.Linear(10, {classes}{bias}))"
        call = "self.head(x)"
    else:
        out = f"nn.Sequential(nn.Linear({d}, {classes}{bias}), nn.Identity())"
        line = f"self.head = nn.ModuleDict({{'norm': nn.BatchNorm1d({d}), 'out': {out}}})"
        call = "self.head['out'](self.head['norm'](x))"
    init = [line, *init] if head == "fc first" else [*init, line]
    if freeze:
        init.append(f"{layer if freeze == 'one layer' else 'self'}.requires_grad_(False)")
    if freeze == "all but one layer":
        init.append(f"{layer}.requires_grad_(True)")
    return {"init": init, "forward": [*forward, f"x = {call}"]}


def _net(init, forward=()):
    """The network of a case, with statistics as an earlier training leaves them."""
    net = network(init, forward)
    for name, one in net.named_buffers():
        if name.endswith("running_mean"):
            one.uniform_(-0.5, 0.5)
        elif name.endswith("running_var"):
            one.uniform_(0.5, 2)
        else:
            one.fill_(7)
    return net


def _trainable(net):
    return [name for name, one in net.named_parameters() if one.requires_grad]


def _switched(net, before):
    """The parameters of `net` that were trainable `before` and are not now, or the other way round."""
    return sorted({*_trainable(net)} ^ {*before})


def _in_training(net):
    return [name or "the whole model" for name, one in net.named_modules() if one.training]


def _names(net):
    """The names of the parameters, buffers and layers of `net`, by their ids."""
    known = [*net.named_modules(), *net.named_buffers(), *net.named_parameters()]
    return {id(one): name for name, one in known}


def _called(thing, names):
    """The name of a parameter, buffer or layer, or what `thing` is instead."""
    foreign = "a Parameter that the model does not have"
    return names.get(id(thing)) or (foreign if isinstance(thing, nn.Parameter) else described(plain(thing)))


# --- prepare


def _channels(numbers):
    return torch.tensor(numbers)[:, None, None]


def _prepare(images, mean, std, scale=255, shape=_channels, formula=lambda x, mean, std: (x - mean) / std):
    """An answer to `prepare` with something changed."""
    return formula(images / scale, shape(mean), shape(std))


def _prepare_cases(draw):
    def one(aspect, n, h, w, order=(0, 1, 2, 3)):
        images = ((draw.tensor(n, 3, h, w, dtype=torch.int64) + 9) * 14).to(torch.uint8)
        images = images.permute(order).contiguous().permute([order.index(axis) for axis in range(4)])
        mean, std = ([(draw.integer(3 * i, 3 * i + 2) + 4) / 20 for i in channels] for channels in orders())
        kind = draw.choice((list, tuple))
        return case(aspect, images=images, mean=kind(mean), std=kind(std))

    def orders():
        """Three different numbers in some order, for mean and std."""
        return [draw.choice(((0, 1, 2), (2, 0, 1), (1, 2, 0), (2, 1, 0))) for _ in "ms"]

    pixels = torch.tensor([[0, 51], [102, 153], [204, 255]], dtype=torch.uint8)[None, :, None]
    yield case("the worked example", images=pixels, mean=(0.5, 0.4, 0.3), std=(0.2, 0.25, 0.5))
    for _ in range(6):
        yield one("any number of images of any size", draw.integer(1, 4), *draw.unequal(2, 6))
    for n, h, w in ((3, 2, 5), (2, 3, 4), (2, 4, 3), (1, 3, 3), (3, 3, 3), (3, 4, 3)):
        yield one("three images, rows or columns", n, h, w)
    for n in (1, 2, 3, 4):
        yield one("images of one row, of one pixel", n, 1, draw.integer(1, 3))
    for order in ((0, 2, 3, 1), (1, 0, 2, 3), (3, 2, 1, 0), (0, 2, 3, 1)):
        yield one("images that lie otherwise in memory", draw.integer(2, 4), *draw.unequal(2, 5), order)


def _scaled_in_place(images, mean, std):
    images /= 255
    return (images - _channels(mean)) / _channels(std)


prepare = Exercise(
    name="prepare",
    reference=_prepare,
    cases=_prepare_cases,
    points=3,
    difficulty=1,
    minutes=5,
    misconceptions=(
        Misconception(
            "not divided by 255",
            partial(_prepare, scale=1),
            "mean and std belong to pixels from 0 to 1, and yours still run from 0 to 255. The network would see "
            "numbers hundreds of times too large. Divide by 255 first.",
        ),
        Misconception(
            "divided by 256",
            partial(_prepare, scale=256),
            "A uint8 goes from 0 to 255, so white is 255 and should become 1. Divide by 255.",
        ),
        Misconception(
            "only divided by 255",
            partial(_prepare, formula=lambda x, mean, std: x),
            "Pixels from 0 to 1 are the first half. Then, channel by channel, subtract mean and divide by std: so "
            "the network was trained.",
        ),
        Misconception(
            "std forgotten",
            partial(_prepare, formula=lambda x, mean, std: x - mean),
            "You subtract the mean and stop there. Divide by std as well, channel by channel.",
        ),
        Misconception(
            "mean forgotten",
            partial(_prepare, formula=lambda x, mean, std: x / std),
            "You divide by std without subtracting the mean first.",
        ),
        Misconception(
            "multiplied by std",
            partial(_prepare, formula=lambda x, mean, std: (x - mean) * std),
            "Divide by std: afterwards a typical pixel is about 1 away from 0. You multiply by it.",
        ),
        Misconception(
            "undone rather than done",
            partial(_prepare, formula=lambda x, mean, std: x * std + mean),
            "x * std + mean is the way back, from the network's numbers to a picture. Here it is the way in: "
            "(x - mean) / std.",
        ),
        Misconception(
            "variance for standard deviation",
            partial(_prepare, formula=lambda x, mean, std: (x - mean) / std**2),
            "std is the standard deviation already. Divide by it, not by its square.",
        ),
        Misconception(
            "variance taken for the standard deviation",
            partial(_prepare, formula=lambda x, mean, std: (x - mean) / std.sqrt()),
            "You take the root of std. It is the standard deviation already, not the variance.",
        ),
        Misconception(
            "brackets forgotten",
            partial(_prepare, formula=lambda x, mean, std: x - mean / std),
            "Division comes before subtraction, so only the mean is divided by std. Put brackets: (x - mean) / "
            "std.",
        ),
        Misconception(
            "mean and std swapped",
            lambda images, mean, std: _prepare(images, std, mean),
            "You subtract std and divide by mean. It is the other way round.",
        ),
        Misconception(
            "mean divided by 255 too",
            partial(_prepare, formula=lambda x, mean, std: (x - mean / 255) / std),
            "mean is meant for pixels in [0, 1]. Divide the pixels by 255, and only them, before you subtract it.",
        ),
        Misconception(
            "the batch's own statistics",
            lambda images, mean, std: (
                (images / 255 - (images / 255).mean((0, 2, 3), keepdim=True))
                / (images / 255).std((0, 2, 3), keepdim=True)
            ),
            "You subtract the mean of the batch at hand. The network was trained with one fixed mean and std, so "
            "use the arguments: then a dark photo stays dark, and no photo depends on its neighbours.",
        ),
        Misconception(
            "each image's own statistics",
            lambda images, mean, std: (
                (images / 255 - (images / 255).mean((2, 3), keepdim=True))
                / (images / 255).std((2, 3), keepdim=True)
            ),
            "You take mean and std from each image itself. That makes dark photos and bright ones alike. Use the "
            "arguments, which the network was trained with.",
        ),
        Misconception(
            "scaled to the brightest pixel",
            lambda images, mean, std: _prepare(images, mean, std, scale=images.max()),
            "You divide by the largest value that happens to be there. Divide by 255, whatever the photo shows.",
        ),
        Misconception(
            "scaled to -1 to 1",
            partial(_prepare, formula=lambda x, mean, std: 2 * x - 1),
            "-1 to 1 is what some other networks want. This one comes with its own mean and std: use the "
            "arguments.",
        ),
        Misconception(
            "along the width",
            partial(_prepare, shape=torch.tensor),
            "A tensor of 3 numbers lines up with the last axis, the width. Give it the shape (3, 1, 1), so that "
            "there is one number for each channel.",
        ),
        Misconception(
            "along the height",
            partial(_prepare, shape=lambda numbers: torch.tensor(numbers)[:, None]),
            "Shape (3, 1) lines up with the rows. The channels are two axes further left of the width: (3, 1, 1).",
        ),
        Misconception(
            "along the batch",
            partial(_prepare, shape=lambda numbers: torch.tensor(numbers)[:, None, None, None]),
            "Shape (3, 1, 1, 1) gives each image a mean of its own. The channels are axis 1: (3, 1, 1) or "
            "(1, 3, 1, 1).",
        ),
        Misconception(
            "one mean for all channels",
            partial(_prepare, shape=lambda numbers: sum(numbers) / 3),
            "You average the three means (and the three stds) first. Red, green and blue each have their own.",
        ),
        Misconception(
            "red's numbers for all channels",
            partial(_prepare, shape=lambda numbers: numbers[0]),
            "Every channel gets the numbers of the first one. Channel c has mean[c] and std[c].",
        ),
        Misconception(
            "channels turned round",
            lambda images, mean, std: _prepare(images, mean, std).flip(1),
            "Your channels come out in the order blue, green, red. Leave them as they are: red, green, blue.",
        ),
        Misconception(
            "mean and std turned round",
            lambda images, mean, std: _prepare(images, mean[::-1], std[::-1]),
            "Red gets blue's mean and std. Both are in the order of the channels: mean[0] is for channel 0.",
        ),
        Misconception(
            "channels last",
            lambda images, mean, std: _prepare(images, mean, std).permute(0, 2, 3, 1),
            "Your channels are the last axis, as pictures on a disk have them. A Conv2d wants (N, 3, H, W).",
        ),
        Misconception(
            "whole-number division",
            lambda images, mean, std: (images // 255 - _channels(mean)) / _channels(std),
            "// throws the fraction away, so that only black and white are left. Divide with /.",
        ),
        Misconception(
            "negative numbers cut off",
            lambda images, mean, std: _prepare(images, mean, std).clamp(0, 1),
            "You cut the result to [0, 1]. What is darker than the mean should come out negative.",
        ),
        Misconception(
            "float64 given",
            lambda images, mean, std: _prepare(images.double(), mean, std),
            "Your result is float64, and the network's weights are float32: Conv2d would refuse. NumPy arrays and "
            ".double() lead there; end with .float().",
        ),
        Misconception(
            "in place on whole numbers",
            _scaled_in_place,
            "images holds whole numbers from 0 to 255, so /= cannot leave fractions in it, and it would change "
            "the caller's images. Make a new tensor: images / 255.",
        ),
        Misconception(
            "lists are no tensors",
            partial(_prepare, shape=lambda numbers: numbers),
            "mean is a list or a tuple, and Python cannot subtract that from a tensor. Make a tensor of it, of "
            "shape (3, 1, 1).",
        ),
    ),
)

# --- freeze


def _is_frozen(work, init, forward, training, x):
    """What freezing has done to a network, and what a forward pass then does to it."""
    net = _net(init, forward).to(x.dtype).train(training)
    before, parameters = state(net), [id(one) for one in net.parameters()]
    with torch.enable_grad():
        returned = work(net)
        if returned is None:
            return None
        found = {
            "it returns the model itself": returned is net,
            "parameters that still require a gradient": _trainable(net),
            "attributes that PyTorch does not look at": _idle_attributes(net),
            "layers in training mode": _in_training(net),
            "the same Parameter objects": [id(one) for one in net.parameters()] == parameters,
            "parameters and buffers that freezing changed": changed(net, before),
            "autograd works elsewhere": torch.is_grad_enabled(),
        }
        before = state(net)
        output = net(x.requires_grad_())
    found["buffers that a forward pass changes"] = changed(net, before)
    found["a gradient gets through to the input"] = output.requires_grad
    found["output"] = output
    return found


def _idle_attributes(net):
    """Attributes that someone gave to modules and parameters of `net`, which is not frozen."""
    modules = [name or "the model" for name, one in net.named_modules() if "requires_grad" in vars(one)]
    return [
        *(f"requires_grad of {name}" for name in modules if _trainable(net)),
        *(f"{key} of {name}" for name, one in net.named_parameters() if one.requires_grad for key in vars(one)),
    ]


def _freeze(model, frozen=nn.Module.named_parameters, mode=nn.Module.eval):
    """An answer to `freeze` with something changed; `frozen` lists parameters with their names."""
    for _, one in list(frozen(model)):
        one.requires_grad_(False)
    mode(model)
    return model


def _freeze_cases(draw):
    def one(aspect, training=True, dtype=torch.float32, **lines):
        x = draw.tensor(draw.integer(2, 3), 3, *draw.unequal(5, 8), dtype=dtype)
        return case(aspect, **_lines(draw, **lines), training=training, x=x)

    worked = {"init": ["self.bn = nn.BatchNorm2d(3)", "self.fc = nn.Linear(3, 5)"]}
    worked["forward"] = ["x = self.fc(self.bn(x).mean((2, 3)))"]
    yield case("the worked example", **worked, training=True, x=draw.tensor(2, 3, 2, 1))
    for trunk, head in zip(TRUNKS * 2, HEADS, strict=True):
        yield one("parameters on every level", trunk=trunk, head=head)
    for head in HEADS:
        yield one("heads of every kind", head=head)
    for freeze, head in (("one layer", "fc"), ("all but one layer", None), ("all", None), ("one layer", None)):
        yield one("a model that is partly frozen", freeze=freeze, head=head)
    for freeze, head in ((None, "fc"), ("all", None), ("one layer", None)):
        yield one("a model in eval mode", training=False, freeze=freeze, head=head)
    for trunk, head in zip(TRUNKS, ("fc", None, None), strict=True):
        yield one("a model in float64", dtype=torch.float64, trunk=trunk, head=head)


def _only(*kinds):
    """The parameters of layers of these kinds."""
    return lambda model: [
        pair for one in model.modules() if isinstance(one, kinds) for pair in one.named_parameters(recurse=False)
    ]


def _except(leave_out):
    """The parameters whose name `leave_out(name, model)` does not refuse."""
    return lambda model: [pair for pair in model.named_parameters() if not leave_out(pair[0], model)]


def _last_linear(model):
    return [name for name, one in model.named_modules() if isinstance(one, nn.Linear)][-1]


def _batch_norms(model):
    return [one for one in model.modules() if isinstance(one, nn.BatchNorm2d | nn.BatchNorm1d)]


def _attribute_on(which, name="requires_grad"):
    def freeze(model):
        for one in which(model):
            setattr(one, name, False)
        return model.eval()

    return freeze


def _and(then, right=lambda model: _freeze(model)):
    """The right answer, and one thing more: `then(model)`."""

    def work(model):
        right(model)
        then(model)
        return model

    return work


def _forward_without_grad(model):
    model.forward = torch.no_grad()(model.forward)


def _standing_by_momentum(model):
    for one in _batch_norms(model):
        one.momentum = 0.0


def _reset_statistics(model):
    for one in _batch_norms(model):
        one.reset_running_stats()


def _own_flag(model):
    model.training = False


def _toggled(model):
    for one in model.parameters():
        one.requires_grad = not one.requires_grad
    return model.eval()


def _norms_to_eval(model):
    for one in _batch_norms(model):
        one.eval()


freeze = Exercise(
    name="freeze",
    reference=_freeze,
    cases=_freeze_cases,
    points=5,
    difficulty=2,
    minutes=8,
    call=_is_frozen,
    misconceptions=(
        Misconception(
            "batch-norm statistics still moving",
            partial(_freeze, mode=lambda model: model),
            "No parameter gets a gradient any more, but in training mode every forward pass still moves the "
            "running mean and variance of the batch norms, and dropout throws dice. Say model.eval() too.",
        ),
        Misconception(
            "training mode switched on",
            partial(_freeze, mode=nn.Module.train),
            "You end with model.train(), in which batch norms go on learning their statistics. A frozen model is "
            "in eval mode.",
        ),
        Misconception(
            "eval mode taken for freezing",
            partial(_freeze, frozen=lambda model: []),
            "eval() changes what dropout and batch norm do, and nothing else: the parameters still get gradients. "
            "Set requires_grad of each parameter to False. (A block of torch.no_grad() does not do it: it is over "
            "when the function is.)",
        ),
        Misconception(
            "nothing frozen",
            lambda model: model,
            "The model is as it came. A loop that gives its variable a new value (p = p.detach()), or compares "
            "(p.requires_grad == False), changes no parameter: set p.requires_grad = False.",
        ),
        Misconception(
            "requires_grad set on the model",
            _attribute_on(lambda model: [model]),
            "model.requires_grad = False only gives the module a new attribute, which nobody looks at. Set it on "
            "each parameter, or call model.requires_grad_(False), with the underscore.",
        ),
        Misconception(
            "requires_grad set on the children",
            _attribute_on(lambda model: list(model.children())),
            "A layer has no requires_grad: you gave it an attribute that nobody looks at. Parameters have one: "
            "loop over model.parameters().",
        ),
        Misconception(
            "requires_grad set on every module",
            _attribute_on(lambda model: list(model.modules())),
            "Modules have no requires_grad: you gave each an attribute that nobody looks at. Parameters have one: "
            "loop over model.parameters(), not over model.modules().",
        ),
        Misconception(
            "requires_grad misspelt",
            _attribute_on(nn.Module.parameters, name="require_grad"),
            "require_grad without its s is a new attribute that PyTorch never reads, and Python does not "
            "complain. It is called requires_grad; the method requires_grad_(False) would have noticed.",
        ),
        Misconception(
            "only the model's own parameters",
            partial(_freeze, frozen=partial(nn.Module.named_parameters, recurse=False)),
            "recurse=False lists only the parameters that belong to the model itself and to none of its layers. "
            "Go down into the layers: model.parameters().",
        ),
        Misconception(
            "only layers on the first level",
            partial(
                _freeze,
                frozen=lambda model: [
                    pair for layer in model.children() for pair in layer.named_parameters(recurse=False)
                ],
            ),
            "You freeze the layers that are the model's own children. Those inside a block are further down: "
            "model.parameters() reaches them all.",
        ),
        Misconception(
            "only convolutions",
            partial(_freeze, frozen=_only(nn.Conv2d)),
            "Only the convolutions are frozen. Batch norms and linear layers have parameters as well.",
        ),
        Misconception(
            "only convolutions and linear layers",
            partial(_freeze, frozen=_only(nn.Conv2d, nn.Linear)),
            "A batch norm has a weight and a bias for each channel, and a model may own parameters itself: they "
            "still get gradients. Loop over model.parameters(), whatever the kind of layer.",
        ),
        Misconception(
            "batch norms left out",
            partial(
                _freeze,
                frozen=_except(
                    lambda name, model: isinstance(
                        model.get_submodule(name.rpartition(".")[0]), nn.BatchNorm2d | nn.BatchNorm1d
                    )
                ),
            ),
            "The weights and biases of the batch norms still get gradients. Some recipes want that; here every "
            "parameter is frozen.",
        ),
        Misconception(
            "weights but not biases",
            partial(_freeze, frozen=_except(lambda name, model: not name.endswith("weight"))),
            "Only parameters called weight are frozen. The biases are trained too: freeze every parameter, "
            "whatever its name.",
        ),
        Misconception(
            "all but the head",
            partial(_freeze, frozen=_except(lambda name, model: name.startswith(_last_linear(model) + "."))),
            "You left the last linear layer trainable. Freeze everything: the new head, which comes later, is "
            "trainable by itself.",
        ),
        Misconception(
            "all but fc",
            partial(_freeze, frozen=_except(lambda name, model: "fc" in name)),
            "You left the layer called fc trainable. Freeze everything; the new head comes later.",
        ),
        Misconception(
            "toggled",
            _toggled,
            "`not p.requires_grad` freezes what was trainable and thaws what was frozen. Set it to False, "
            "whatever it was.",
        ),
        Misconception(
            "thawed",
            _and(lambda model: model.requires_grad_(True)),
            "requires_grad=True is the contrary: now everything is trained. Frozen is False.",
        ),
        Misconception(
            "a copy frozen",
            lambda model: _freeze(copy.deepcopy(model)),
            "You froze a copy, and the model that was handed over still trains. Freeze the model itself, and "
            "return it.",
        ),
        Misconception(
            "statistics reset",
            _and(_reset_statistics),
            "You reset the running mean and variance, which the network learned with its weights. They have to "
            "stand still, at the values they have.",
        ),
        Misconception(
            "forward wrapped in no_grad",
            _and(_forward_without_grad),
            "With the whole forward pass under torch.no_grad() nothing in it can ever get a gradient: neither a "
            "new head nor the input. requires_grad=False of the old parameters is enough.",
        ),
        Misconception(
            "gradients switched off everywhere",
            _and(lambda model: torch.set_grad_enabled(False)),
            "torch.set_grad_enabled(False) switches autograd off for the whole program, so that nothing can be "
            "trained any more. Freeze this model's parameters only.",
        ),
        Misconception(
            "the flag of the model alone",
            partial(_freeze, mode=_own_flag),
            "model.training = False sets the flag of the outermost module; its batch norms have flags of their "
            "own and still learn. model.eval() goes through all of them.",
        ),
        Misconception(
            "only batch norms in eval mode",
            partial(_freeze, mode=_norms_to_eval),
            "The batch norms stand still, but the dropout layers still throw dice: the same photo gives another "
            "answer each time. Put the whole model in eval mode.",
        ),
        Misconception(
            "momentum 0",
            partial(_freeze, mode=_standing_by_momentum),
            "With momentum 0 the stored statistics stand still, but in training mode a batch norm does not use "
            "them: it takes those of the batch. In eval mode it uses what is stored, and keeps it.",
        ),
    ),
)

# --- replace_head


def _headed(work, init, forward, n, dtype, device, training):
    """What has become of a network whose head was replaced. On the meta device there are no values to look at."""
    net = _net(init, forward).to(device, getattr(torch, dtype)).train(training)
    name = _last_linear(net)
    before, values = net.state_dict(keep_vars=True), state(net)
    rest = {key: one for key, one in before.items() if not key.startswith(f"{name}.")}
    returned = work(net, n)
    if returned is None:
        return None
    after, modules = net.state_dict(keep_vars=True), dict(net.named_modules())
    old, new = before[f"{name}.weight"], modules.get(name)
    own = [] if new is None else list(new.parameters())
    found = {
        "it returns the model itself": returned is net,
        "the head": str(new),
        "layers": [f"{key}: {type(one).__name__}" for key, one in modules.items() if key],
        "dtype and device as before": all(one.dtype == old.dtype and one.device == old.device for one in own),
        "trainable parameters": _trainable(net),
        "parameters and buffers that are others now": [key for key in rest if after.get(key) is not rest[key]],
        "layers in training mode, the head aside": [key for key in _in_training(net) if key != name],
    }
    if device == "cpu":
        found["parameters and buffers that changed"] = changed(net, {key: values[key] for key in rest})
        found["numbers of the old head in the new one"] = _taken_over(values, after, name)
        found["drawn as nn.Linear draws them"] = _is_new(new)
    return found


def _taken_over(before, after, name):
    """How many rows of the weight, and numbers of the bias, of the layer `name` were there before."""
    count = 0
    for key in {f"{name}.weight", f"{name}.bias"} & before.keys() & after.keys():
        old, new = (one[key].reshape(len(one[key]), -1) for one in (before, after))
        if old.shape[1] == new.shape[1]:
            count += (new[:, None] == old).all(2).any(1).sum().item()
    return count


def _is_new(layer):
    """Whether weight and bias look as nn.Linear leaves them: evenly spread up to 1 / sqrt(in_features)."""
    if not isinstance(layer, nn.Linear):
        return False
    bound, weight, bias = layer.weight.shape[1] ** -0.5, layer.weight, layer.bias
    inside = weight.abs().max() <= bound and weight.std() > bound / 4
    return bool(inside and (bias is None or (0 < bias.abs().max() <= bound)))


def _linear(old, n, **changes):
    settings = {"in_features": old.in_features, "dtype": old.weight.dtype, "device": old.weight.device}
    return nn.Linear(**settings | {"out_features": n} | changes)


def _replace_head(model, n, make=_linear, pick=_last_linear, before=lambda model: None, after=lambda model: None):
    """An answer to `replace_head` with something changed."""
    name = pick(model)
    above, _, own = name.rpartition(".")
    before(model)
    setattr(model.get_submodule(above), own, make(model.get_submodule(name), n))
    after(model)
    return model


def _head_cases(draw):
    training, bias = itertools.cycle((True, False)), itertools.cycle((True, False, True))

    def one(aspect, trunk, head, dtype="float32", device="cpu", freeze=None):
        classes, n = draw.unequal(3, 9)
        lines = _lines(draw, trunk, head, classes, freeze, next(bias))
        return case(aspect, **lines, n=n, dtype=dtype, device=device, training=next(training))

    worked = {"init": ["self.conv = nn.Conv2d(3, 8, 3)", "self.fc = nn.Linear(8, 10)"]}
    worked["forward"] = ["x = self.fc(self.conv(x).mean((2, 3)))"]
    yield case("the worked example", **worked, n=5, dtype="float32", device="cpu", training=True)
    for trunk in TRUNKS:
        for head in ("fc", "classifier", *(["fc first"] if trunk != "blocks" else [])):
            yield one("heads of any name, in any place", trunk, head)
    for n, head in enumerate(("nested", "hidden", "deep", "hidden", "nested", "deep")):
        yield one("heads inside a block", TRUNKS[n % 3], head)
    freezes = "all", "one layer", "all", "all but one layer"
    for freeze, head in zip(freezes, ("fc", "fc first", "deep", "nested"), strict=True):
        yield one("frozen stays frozen, trainable stays trainable", "residual", head, freeze=freeze)
        yield one("frozen stays frozen, trainable stays trainable", "blocks", "hidden", freeze=freeze)
    for trunk, head, dtype, device in (
        ("blocks", "fc", "float64", "cpu"),
        ("features", "deep", "float32", "meta"),
        ("residual", "fc first", "float64", "cpu"),
        ("blocks", "nested", "float64", "meta"),
    ):
        yield one("dtype and device as before", trunk, head, dtype, device)


def _appended(old, n):
    return nn.Sequential(old, _linear(old, n, in_features=old.out_features))


def _sliced(old, n):
    new = _linear(old, n)
    with torch.no_grad():
        k = min(n, old.out_features)
        new.weight[:k] = old.weight[:k]
        if old.bias is not None:
            new.bias[:k] = old.bias[:k]
    return new


def _zeroed(old, n):
    new = _linear(old, n)
    nn.init.zeros_(new.weight)
    nn.init.zeros_(new.bias)
    return new


def _only_relabelled(old, n):
    old.out_features = n
    return old


def _first_linear(model):
    return next(name for name, one in model.named_modules() if isinstance(one, nn.Linear))


def _last_child(model):
    return list(model.named_children())[-1][0]


def _last_module(model):
    return list(model.named_modules())[-1][0]


def _full_name_as_attribute(model, n):
    name = _last_linear(model)
    setattr(model, name, _linear(model.get_submodule(name), n))
    return model


def _whole_block_replaced(model, n):
    name = _last_linear(model)
    setattr(model, name.partition(".")[0], _linear(model.get_submodule(name), n))
    return model


def _beside(model, n):
    model.new_head = _linear(model.get_submodule(_last_linear(model)), n)
    return model


def _every_linear(model, n):
    for name in [name for name, one in model.named_modules() if isinstance(one, nn.Linear)]:
        _replace_head(model, n, pick=lambda model, name=name: name)
    return model


replace_head = Exercise(
    name="replace_head",
    reference=_replace_head,
    cases=_head_cases,
    points=6,
    difficulty=3,
    minutes=12,
    call=_headed,
    misconceptions=(
        Misconception(
            "head frozen too",
            partial(_replace_head, after=lambda model: model.requires_grad_(False)),
            "The new head is frozen as well, so nothing at all would be trained. A new layer is trainable by "
            "itself: freeze before you replace, or leave requires_grad alone here.",
        ),
        Misconception(
            "the rest frozen as well",
            partial(_replace_head, before=lambda model: model.requires_grad_(False)),
            "You freeze the rest of the model. That is freeze's work; here what was trainable stays trainable, so "
            "that the function also serves for fine-tuning.",
        ),
        Misconception(
            "whole model thawed",
            partial(_replace_head, after=lambda model: model.requires_grad_(True)),
            "You set requires_grad=True for the whole model, and the frozen trunk would be trained again. Only "
            "the new layer trains, and it does so by itself.",
        ),
        Misconception(
            "in_features fixed",
            partial(_replace_head, make=partial(_linear, in_features=512)),
            "512 fits ResNet-18 and few others. The old head knows how many features come in: old.in_features.",
        ),
        Misconception(
            "out_features for in_features",
            partial(_replace_head, make=lambda old, n: _linear(old, n, in_features=old.out_features)),
            "Your head takes as many numbers as the old one gave. It takes the old one's place, so it gets what "
            "that got: old.in_features.",
        ),
        Misconception(
            "appended after the old head",
            partial(_replace_head, make=_appended),
            "Your layer comes after the old head and sees its class scores, not the features. Put it in the old "
            "one's place.",
        ),
        Misconception(
            "head added beside the old one",
            _beside,
            "You gave the model a new attribute, and forward() still calls the old head. The new layer must have "
            "the old one's name.",
        ),
        Misconception(
            "first linear layer replaced",
            partial(_replace_head, pick=_first_linear),
            "You replace the first nn.Linear that you meet. Linear layers may be inside the trunk too: the head "
            "is the last one, so go on to the end.",
        ),
        Misconception(
            "every linear layer replaced",
            _every_linear,
            "You replace each nn.Linear of the model. Only the last one is the head; the others hold what was "
            "learned.",
        ),
        Misconception(
            "only fc known",
            partial(_replace_head, pick=lambda model: "fc"),
            "A ResNet calls its head fc; others call it classifier or head, or have it inside a block. Search "
            "named_modules() for the last nn.Linear.",
        ),
        Misconception(
            "fc or classifier",
            partial(_replace_head, pick=lambda model: "fc" if hasattr(model, "fc") else "classifier"),
            "fc and classifier are two names of many, and a classifier may be a block with the linear layer "
            "inside it. Search named_modules() for the last nn.Linear.",
        ),
        Misconception(
            "last child taken for the head",
            partial(_replace_head, pick=_last_child),
            "The last child of the model need not be a linear layer: it may be a block with the head inside it, "
            "or a dropout. Search named_modules(), which goes all the way down, for the last nn.Linear.",
        ),
        Misconception(
            "last module of any kind",
            partial(_replace_head, pick=_last_module),
            "The last of named_modules() may be a dropout or another layer without weights. Ask for the last "
            "that is an nn.Linear.",
        ),
        Misconception(
            "full name as attribute",
            _full_name_as_attribute,
            "A name such as classifier.1 is a path, and setattr takes one step only. Split the last part off, get "
            "the parent by model.get_submodule(...), and set the attribute there; or use model.set_submodule.",
        ),
        Misconception(
            "whole block replaced",
            _whole_block_replaced,
            "Your layer takes the place of the whole block around the head, and what else was in it (a dropout, a "
            "hidden layer) is gone. Replace the linear layer inside it.",
        ),
        Misconception(
            "bias lost",
            partial(_replace_head, make=partial(_linear, bias=False)),
            "Your head has no bias. A class may be more frequent than another, and the bias learns that: leave "
            "bias=True, the default.",
        ),
        Misconception(
            "bias as the old one's",
            partial(_replace_head, make=lambda old, n: _linear(old, n, bias=old.bias is not None)),
            "The old head had no bias, and so yours has none. The new one always has one.",
        ),
        Misconception(
            "dtype lost",
            partial(_replace_head, make=partial(_linear, dtype=None)),
            "nn.Linear is float32 unless told otherwise, and cannot take the features of a float64 model. Hand on "
            "dtype=old.weight.dtype.",
        ),
        Misconception(
            "device lost",
            partial(_replace_head, make=partial(_linear, device="cpu")),
            'nn.Linear is made on the CPU unless told otherwise. We try it with the device "meta", which has no '
            "memory; on a GPU the same would fail. Hand on device=old.weight.device.",
        ),
        Misconception(
            "dtype and device lost",
            partial(_replace_head, make=partial(_linear, dtype=None, device=None)),
            "Your head is float32 and on the CPU, wherever the model is. Hand on both: "
            "nn.Linear(..., dtype=old.weight.dtype, device=old.weight.device).",
        ),
        Misconception(
            "old weights sliced",
            partial(_replace_head, make=_sliced),
            "Your head keeps rows of the old one. They answer for other classes, so class 0 would begin as "
            "ImageNet's first fish. Start with a new layer.",
        ),
        Misconception(
            "other starting values",
            partial(_replace_head, make=_zeroed),
            "Your head does not start with what nn.Linear draws: it holds zeros, or what another initialiser "
            "gave. Leave the starting values as they are.",
        ),
        Misconception(
            "out_features relabelled",
            partial(_replace_head, make=_only_relabelled),
            "out_features is only a note: changing it does not change the weight, which still has a row for each "
            "old class. Make a new nn.Linear.",
        ),
        Misconception(
            "softmax added",
            partial(_replace_head, make=lambda old, n: nn.Sequential(_linear(old, n), nn.Softmax(1))),
            "You put a softmax behind the head. F.cross_entropy contains it; the head gives logits.",
        ),
        Misconception(
            "a copy changed",
            lambda model, n: _replace_head(copy.deepcopy(model), n),
            "You return another model, a copy or a new nn.Sequential, and the one that was handed over still has "
            "its old head. Replace it in that model itself.",
        ),
        Misconception(
            "the head returned",
            lambda model, n: _replace_head(model, n).get_submodule(_last_linear(model)),
            "You return the new layer. Return the model that it is in.",
        ),
        Misconception(
            "switched to eval mode",
            partial(_replace_head, after=nn.Module.eval),
            "You put the model in eval mode. Only the head was to change; the mode is up to the caller.",
        ),
        Misconception(
            "switched to training mode",
            partial(_replace_head, after=nn.Module.train),
            "You put the model in training mode, and a frozen trunk's batch norms would learn again. Only the "
            "head was to change.",
        ),
    ),
)

# --- trainable_parameters


def _listed(work, init):
    """A list of parameters, by their names, and whether the model is still as it was."""
    net = _net(init)
    before, trainable = state(net), _trainable(net)
    found = work(net)
    if found is None:
        return None
    kind = type(found).__name__
    if kind in ("list", "tuple", "set", "dict", "dict_values", "generator", "filter", "map"):
        names = _names(net)
        called = [_called(one, names) for one in found]
        found = sorted(called) if kind == "set" else called
    return {
        "type": kind,
        "the parameters": plain(found),
        "requires_grad changed": _switched(net, trainable),
        "values that changed": changed(net, before),
    }


def _parameters(model):
    return [one for one in model.parameters() if one.requires_grad]


def _listed_cases(draw):
    def one(aspect, *more, **lines):
        return case(aspect, init=[*_lines(draw, **lines)["init"], *more])

    worked = ["self.conv = nn.Conv2d(3, 8, 3)", "self.fc = nn.Linear(8, 10)", "self.conv.requires_grad_(False)"]
    yield case("the worked example", init=worked)
    for n, freeze in enumerate(("one layer", "all but one layer") * 3):
        yield one("some layers frozen", freeze=freeze, trunk=TRUNKS[n % 3])
    for name in ("weight", "bias", "weight"):
        yield one("some layers frozen", f"self.fc.{name} = nn.Parameter(torch.ones(3), False)", head="fc")
    for freeze, trunk in (("all", None), (None, "residual"), ("all", None), (None, "features"), (None, "blocks")):
        yield one("everything frozen, or nothing", freeze=freeze, trunk=trunk)
    for trunk in (*TRUNKS, "residual"):
        layer = {"residual": "layer1", "features": "features", "blocks": "gate"}[trunk]
        yield one("shared layers and weights", f"self.again = self.{layer}", trunk=trunk)
        i, o = draw.unequal(3, 6)
        yield one(
            "shared layers and weights",
            f"self.one = nn.Linear({i}, {o})",
            f"self.two = nn.Linear({i}, {o})",
            "self.two.weight = self.one.weight",
            trunk=trunk,
            freeze=draw.choice(("one layer", "all")),
        )
    for freeze in (None, "one layer", None, "one layer"):
        buffer = f"self.register_buffer('mean', torch.zeros({draw.integer(2, 5)}))"
        yield one("parameters outside of layers, and buffers", buffer, trunk="blocks", freeze=freeze)


def _thawed(model):
    return list(model.requires_grad_(True).parameters())


trainable_parameters = Exercise(
    name="trainable_parameters",
    reference=_parameters,
    cases=_listed_cases,
    points=3,
    difficulty=1,
    minutes=5,
    call=_listed,
    misconceptions=(
        Misconception(
            "all parameters",
            lambda model: list(model.parameters()),
            "You list the frozen ones as well. An optimiser that holds them does useless work, and weight decay "
            "or a momentum can still change them. Keep those whose requires_grad is True.",
        ),
        Misconception(
            "the frozen ones",
            lambda model: [one for one in model.parameters() if not one.requires_grad],
            "You list the frozen parameters, the others are asked for.",
        ),
        Misconception(
            "everything thawed",
            _thawed,
            "You set requires_grad=True for all of them. The function asks what is trainable; it changes nothing.",
        ),
        Misconception(
            "a generator",
            lambda model: (one for one in model.parameters() if one.requires_grad),
            "A generator gives its parameters once; the second to ask gets none, and a count and an optimiser "
            "make two. Square brackets make a list.",
        ),
        Misconception(
            "a filter",
            lambda model: filter(lambda one: one.requires_grad, model.parameters()),
            "filter() gives its parameters once; the second to ask gets none. Put list(...) around it.",
        ),
        Misconception(
            "a tuple",
            lambda model: tuple(_parameters(model)),
            "You return a tuple. Asked for is a list.",
        ),
        Misconception(
            "a set",
            lambda model: set(_parameters(model)),
            "A set has no order, and an optimiser refuses it: saved momenta would go to other parameters the next "
            "time. model.parameters() lists each once already: make a list.",
        ),
        Misconception(
            "a dict",
            lambda model: {name: one for name, one in model.named_parameters() if one.requires_grad},
            "You return a dict of names. Asked for is a list of the parameters.",
        ),
        Misconception(
            "names for parameters",
            _trainable,
            "These are the names. An optimiser needs the parameters themselves.",
        ),
        Misconception(
            "pairs of name and parameter",
            lambda model: [pair for pair in model.named_parameters() if pair[1].requires_grad],
            "named_parameters() gives pairs. Keep the second of each, the parameter.",
        ),
        Misconception(
            "numbers for parameters",
            lambda model: [one.numel() for one in _parameters(model)],
            "You list how many numbers each parameter has. Asked for are the parameters themselves.",
        ),
        Misconception(
            "data for parameters",
            lambda model: [one.data for one in _parameters(model)],
            ".data and .detach() give new tensors without a gradient. An optimiser needs the Parameter objects, "
            "whose .grad backward() fills.",
        ),
        Misconception(
            "copies for parameters",
            lambda model: [nn.Parameter(one.detach().clone()) for one in _parameters(model)],
            "These are copies. An optimiser would train them, and the model would never hear of it.",
        ),
        Misconception(
            "a parameter once for each block around it",
            lambda model: [one for module in model.modules() for one in _parameters(module)],
            "module.parameters() already looks into its submodules; called on each of modules(), it lists a "
            "parameter once for every block around it, and an optimiser refuses duplicates. Call it on the model.",
        ),
        Misconception(
            "shared weight twice",
            lambda model: [
                one for module in model.modules() for one in module.parameters(recurse=False) if one.requires_grad
            ],
            "Two layers may own one Parameter together, and you list it for each. model.parameters() lists every "
            "Parameter once.",
        ),
        Misconception(
            "shared layer twice",
            lambda model: [one for _, one in model.named_parameters(remove_duplicate=False) if one.requires_grad],
            "A layer with two names is listed twice, because of remove_duplicate=False. Each Parameter once: "
            "leave the default.",
        ),
        Misconception(
            "child by child",
            lambda model: [one for child in model.children() for one in _parameters(child)],
            "Going through the children you miss the parameters that belong to the model itself, and a weight "
            "that two children share comes twice. model.parameters() gets it right.",
        ),
        Misconception(
            "first level only",
            lambda model: [
                one for child in model.children() for one in child.parameters(recurse=False) if one.requires_grad
            ],
            "You look at the model's children, but not into blocks inside them. model.parameters() goes all the "
            "way down.",
        ),
        Misconception(
            "buffers too",
            lambda model: [*_parameters(model), *model.buffers()],
            "Buffers, such as a batch norm's running mean, are not trained by an optimiser. Parameters only.",
        ),
        Misconception(
            "nothing listed",
            lambda model: [one for one in model.state_dict().values() if one.requires_grad],
            "Your list is empty. A state_dict holds detached tensors, none of which requires a gradient, and "
            "before the first backward() no parameter has a .grad: ask requires_grad of the model.parameters().",
        ),
        Misconception(
            "only the head's",
            lambda model: _parameters(model.get_submodule(_last_linear(model))),
            "You list those of the last linear layer. Whatever is not frozen is trainable: look at all.",
        ),
        Misconception(
            "only weights",
            lambda model: [
                one for name, one in model.named_parameters() if one.requires_grad and name.endswith("weight")
            ],
            "You list only what is called weight. Biases are trained too, and parameters with other names.",
        ),
        Misconception(
            "in the order of their names",
            lambda model: [one for _, one in sorted(model.named_parameters()) if one.requires_grad],
            "You sorted by name. Keep the model's order: saved optimisers count on it.",
        ),
        Misconception(
            "last layer first",
            lambda model: _parameters(model)[::-1],
            "Your list runs from the last layer to the first. Keep the model's order.",
        ),
        Misconception(
            "layers for parameters",
            lambda model: [one for one in model.modules() if _parameters(one)],
            "You list modules. An optimiser takes parameters.",
        ),
    ),
)

# --- parameter_groups


def _grouped(work, init, lrs):
    """The groups of a model's parameters, by name, in the model's order within each group."""
    net = _net(init)
    trainable, names = _trainable(net), _names(net)
    order = [name for name, _ in net.named_parameters()]
    groups = work(net, lrs)
    if groups is None:
        return None
    if not isinstance(groups, list):
        return Other(type(groups).__name__)
    found = [_shown(group, names, order) for group in groups]
    return {"groups": found, "requires_grad changed": _switched(net, trainable)}


def _shown(group, names, order):
    if not isinstance(group, dict):
        return Other(type(group).__name__)
    if not {"params", "lr"} <= set(group):
        return {"keys": [str(key) for key in group]}
    params = group["params"]
    if isinstance(params, list):
        called = [_called(one, names) for one in params]
        params = sorted(called, key=lambda name: order.index(name) if name in order else -1)
    return {"params": plain(params), "lr": plain(group["lr"])}


def _same_groups(actual, expected):
    """`close`, and of two errors' messages, that they name a parameter both or neither."""
    if fault := close(actual, expected):
        return fault
    if isinstance(expected, Raised):
        named, right = (set(re.findall(r"\w+(?:\.\w+)+", one.message)) for one in (actual, expected))
        if right and not named & right:
            return f"the message of the {expected.type} does not name a parameter that no prefix fits"
        if named and not right:
            return "another message was expected"
    return None


def _fits(name, prefix):
    return prefix == "" or f"{name}.".startswith(f"{prefix}.")


def _groups(
    model,
    lrs,
    parameters=lambda model: [pair for pair in model.named_parameters() if pair[1].requires_grad],
    fits=_fits,
    winners=lambda fitting: [max(fitting, key=len)],
    order=lambda groups, lrs: lrs,
    error=ValueError,
    message="no prefix fits {}",
    keep_empty=False,
    lr=lambda lrs, prefix: lrs[prefix],
    group=lambda params, lr: {"params": params, "lr": lr},
    finish=list,
):
    """An answer to `parameter_groups` with something changed."""
    groups, unfit = {}, []
    for name, one in parameters(model):
        fitting = [prefix for prefix in lrs if fits(name, prefix)]
        if not fitting:
            unfit.append(name)
        for prefix in fitting and winners(fitting):
            groups.setdefault(prefix, []).append(one)
    if unfit and error:
        raise error(message.format(", ".join(unfit)))
    ordered = [prefix for prefix in order(groups, lrs) if keep_empty or prefix in groups]
    return finish([group(groups.get(prefix, []), lr(lrs, prefix)) for prefix in ordered])


RATES = (0.1, 0.03, 0.01, 0.003, 0.001, 0.0003, 0.0001, 0.00003)


def _group_cases(draw):
    def lines(scale=True):
        c, d = draw.unequal(2, 5)
        return [
            *([f"self.scale = nn.Parameter(torch.ones({c}, 1, 1))"] if scale else []),
            f"self.conv1 = nn.Conv2d(3, {c}, {draw.unequal(1, 3)})",
            f"self.layer1 = nn.Sequential(nn.Conv2d({c}, {c}, 1), nn.BatchNorm2d({c}))",
            f"self.layer10 = nn.Sequential(nn.Conv2d({c}, {d}, 1), nn.Conv2d({d}, {d}, 1))",
            f"self.head = nn.ModuleDict({{'conv1': nn.Conv2d({d}, {d}, 1), 'fc': nn.Linear({d}, 4)}})",
            f"self.fc = nn.Linear({d}, {draw.integer(2, 6)})",
        ]

    def mixed(items):
        return sorted(items, key=lambda item: draw.integer(0, 10**6))

    def rated(*prefixes):
        return dict(zip(mixed(prefixes), mixed(RATES), strict=False))

    parts = ("scale", "conv1", "layer1", "layer10", "head", "fc")
    worked = ["self.conv1 = nn.Conv2d(3, 4, 3)", "self.layer4 = nn.Conv2d(4, 8, 3)", "self.fc = nn.Linear(8, 5)"]
    worked.append("self.conv1.requires_grad_(False)")
    yield case("the worked example", init=worked, lrs={"fc": 0.01, "layer4": 0.001})
    for _ in range(4):
        yield case("each parameter once, under its prefix", init=lines(), lrs=rated(*parts))
    for layer in ("layer1", "layer10", "conv1"):
        init = [*lines(), f"self.again = self.{layer}"]
        yield case("each parameter once, under its prefix", init=init, lrs=rated(*parts, "again"))
    for _ in range(3):
        rate = draw.choice(RATES)
        yield case("each parameter once, under its prefix", init=lines(), lrs=dict.fromkeys(mixed(parts), rate))
    for _ in range(3):
        gone, other = mixed(("conv1", "layer1", "layer10"))[:2]
        init = [*lines(), f"self.{gone}.requires_grad_(False)", f"self.{other}[0].requires_grad_(False)"]
        init = [line for line in init if line != "self.conv1[0].requires_grad_(False)"]
        yield case("frozen parameters in no group", init=init, lrs=rated(*parts))
        yield case(
            "frozen parameters in no group", init=init, lrs=rated(*(name for name in parts if name != gone))
        )
    frozen = [*lines(), "self.requires_grad_(False)"]
    yield case("frozen parameters in no group", init=frozen, lrs=rated("fc", "layer1"))
    for inner, whole in (("layer10.0", "fc.weight"), ("head.fc", "conv1.bias"), ("layer10.1", "head.fc.bias")):
        some, outer = ("", "fc"), inner.split(".")[0]
        yield case(
            "the longest prefix wins", init=lines(), lrs=rated(*dict.fromkeys((*some, outer, inner, whole)))
        )
        yield case("the longest prefix wins", init=lines(), lrs=rated(*parts, inner, whole))
    for short in (("", "layer1"), ("", "conv1", "fc"), ("", "layer1", "fc"), ("", "conv", "lay", "fc")):
        yield case("a prefix fits whole parts of a name", init=lines(), lrs=rated(*short))
    for _ in range(4):
        names = ("layer", "layer9", "fc.weights", "layer10.2", "classifier", "1", "head.conv")
        lost = mixed(names)[:2]
        yield case("groups without parameters left out", init=lines(), lrs=rated("", "fc", "head", *lost))
    for gone in ("fc", "layer10", "head", "layer1", "conv1"):
        lrs = rated(*(name for name in parts[1:] if name != gone), "other")
        yield case("a ValueError where no prefix fits", init=lines(scale=False), lrs=lrs)
    yield case("a ValueError where no prefix fits", init=lines(scale=False), lrs={})


def _top_part(name, prefix):
    return name.split(".")[0] == prefix


def _merged(groups):
    found = {}
    for one in groups:
        found.setdefault(one["lr"], []).extend(one["params"])
    return [{"params": params, "lr": lr} for lr, params in found.items()]


def _rest_with_smallest(model, lrs):
    groups = _groups(model, lrs, error=None)
    listed = {id(one) for group in groups for one in group["params"]}
    if rest := [one for one in _parameters(model) if id(one) not in listed]:
        groups.append({"params": rest, "lr": min(lrs.values(), default=0.001)})
    return groups


def _refusing_unused(model, lrs):
    groups = _groups(model, lrs)
    if len(groups) < len(lrs):
        raise ValueError("a prefix fits nothing")
    return groups


parameter_groups = Exercise(
    name="parameter_groups",
    reference=_groups,
    cases=_group_cases,
    points=6,
    difficulty=4,
    minutes=15,
    call=_grouped,
    compare=_same_groups,
    misconceptions=(
        Misconception(
            "a parameter in several groups",
            partial(_groups, winners=lambda fitting: fitting),
            "Where several prefixes fit, you put the parameter in every one of their groups, and an optimiser "
            "refuses that. It belongs to the longest prefix alone.",
        ),
        Misconception(
            "first match wins",
            partial(_groups, winners=lambda fitting: fitting[:1]),
            "You take the first prefix in lrs that fits. The longest is meant, wherever it stands: it says most "
            "about the parameter.",
        ),
        Misconception(
            "last match wins",
            partial(_groups, winners=lambda fitting: fitting[-1:]),
            "You take the last prefix in lrs that fits: a later one overwrites an earlier. The longest is meant, "
            "wherever it stands.",
        ),
        Misconception(
            "shortest match wins",
            partial(_groups, winners=lambda fitting: [min(fitting, key=len)]),
            "You take the shortest prefix that fits. The longest says most about the parameter.",
        ),
        Misconception(
            "startswith without the dot",
            partial(_groups, fits=str.startswith),
            '"layer10.0.weight" starts with "layer1" too. A prefix fits whole parts of a name: it is the name '
            'itself, or the name starts with prefix + ".".',
        ),
        Misconception(
            "found anywhere in the name",
            partial(_groups, fits=lambda name, prefix: prefix in name),
            '`prefix in name` finds "fc" inside "head.fc.weight" too. A prefix stands at the beginning, and ends '
            "where a part of the name ends.",
        ),
        Misconception(
            "any part of the name",
            partial(_groups, fits=lambda name, prefix: f".{prefix}." in f".{name}." or prefix == ""),
            'You compare the prefix with any part of the name, so that "fc" fits "head.fc.weight". It has to be '
            "at the beginning.",
        ),
        Misconception(
            "only the first part of a name",
            partial(_groups, fits=lambda name, prefix: prefix in ("", name.split(".")[0])),
            'You look only at what comes before the first dot. "layer10.0" is a prefix too: it fits '
            '"layer10.0.weight".',
        ),
        Misconception(
            "the empty prefix fits nothing",
            partial(_groups, fits=lambda name, prefix: f"{name}.".startswith(f"{prefix}.")),
            'The empty prefix fits every name. With a dot added it is ".", and no name starts with a dot.',
        ),
        Misconception(
            "the empty prefix and longer ones unknown",
            partial(_groups, fits=_top_part),
            'You compare a prefix with the first part of the name only. "" fits every name, and "layer10.0" fits '
            '"layer10.0.weight".',
        ),
        Misconception(
            "a whole name is no prefix",
            partial(_groups, fits=lambda name, prefix: name.startswith(prefix + ".") or prefix == ""),
            'A prefix may be the whole name, such as "fc.weight" or "scale". Yours needs a dot after it.',
        ),
        Misconception(
            "frozen parameters given to the optimiser",
            partial(_groups, parameters=lambda model: list(model.named_parameters())),
            "Frozen parameters are in your groups, or you ask a learning rate for them. Leave out what does not "
            "require a gradient.",
        ),
        Misconception(
            "frozen parameters refused",
            lambda model, lrs: (
                _groups(model, lrs, parameters=lambda model: list(model.named_parameters())),
                _groups(model, lrs),
            )[1],
            "A frozen parameter needs no learning rate, so it is no error when no prefix fits it. Skip frozen "
            "ones before you look for a prefix.",
        ),
        Misconception(
            "no ValueError",
            partial(_groups, error=None),
            "A trainable parameter that no prefix fits is left out without a word, and would never be trained. A "
            "misspelt prefix does that easily: raise a ValueError.",
        ),
        Misconception(
            "the rest with a rate of its own",
            _rest_with_smallest,
            "You give the parameters that no prefix fits a group of your own. Nobody asked for that rate: raise a "
            'ValueError. Who wants a rate for the rest says so by the prefix "".',
        ),
        Misconception(
            "ValueError without the name",
            partial(_groups, message="no prefix fits"),
            "The error should help to find the mistake: put the name of the parameter into its message. (max() of "
            "nothing raises a ValueError too, but does not know the name.)",
        ),
        Misconception(
            "KeyError for ValueError",
            partial(_groups, error=KeyError),
            "A KeyError comes out where no prefix fits. Notice it yourself and raise a ValueError that names the "
            "parameter.",
        ),
        Misconception(
            "empty groups kept",
            partial(_groups, keep_empty=True),
            "Some of your groups have no parameters. Leave them out.",
        ),
        Misconception(
            "unused prefixes refused",
            _refusing_unused,
            "You raise an error where a prefix fits no trainable parameter. That is allowed (its layer may be "
            "frozen): leave the group out.",
        ),
        Misconception(
            "learning rates swapped",
            partial(_groups, lr=lambda lrs, prefix: list(lrs.values())[::-1][list(lrs).index(prefix)]),
            "The groups are right, but each has another one's learning rate. Take lrs[prefix] for the group of "
            "prefix.",
        ),
        Misconception(
            "rates handed out in turn",
            lambda model, lrs: [
                {**group, "lr": lr} for group, lr in zip(_groups(model, lrs), lrs.values(), strict=False)
            ],
            "You hand the rates out in turn, so that after a group left out each gets its neighbour's. Take "
            "lrs[prefix].",
        ),
        Misconception(
            "one learning rate for all",
            partial(_groups, lr=lambda lrs, prefix: next(iter(lrs.values()))),
            "Every group has the same learning rate. Take lrs[prefix] for each.",
        ),
        Misconception(
            "groups merged by learning rate",
            lambda model, lrs: _merged(_groups(model, lrs)),
            "You put prefixes with the same rate into one group. Each prefix has its own, so that its rate can be "
            "changed later.",
        ),
        Misconception(
            "groups in the model's order",
            partial(_groups, order=lambda groups, lrs: groups),
            "Your groups come in the order in which the model's parameters meet them. Keep the order of lrs.",
        ),
        Misconception(
            "groups by length of their prefix",
            partial(_groups, order=lambda groups, lrs: sorted(lrs, key=len, reverse=True)),
            "You sorted the prefixes by length, which finds the longest first, and returned the groups in that "
            "order. Keep the order of lrs.",
        ),
        Misconception(
            "groups in alphabetical order",
            partial(_groups, order=lambda groups, lrs: sorted(lrs)),
            "Your groups are in alphabetical order. Keep the order of lrs.",
        ),
        Misconception(
            "a group for each parameter",
            lambda model, lrs: [
                {"params": [one], "lr": group["lr"]} for group in _groups(model, lrs) for one in group["params"]
            ],
            "You make a group for each parameter. All parameters of one prefix belong into one list.",
        ),
        Misconception(
            "shared layer twice",
            partial(
                _groups,
                parameters=lambda model: [
                    pair for pair in model.named_parameters(remove_duplicate=False) if pair[1].requires_grad
                ],
            ),
            "A layer with two names comes twice. named_parameters() lists each Parameter once, under its first "
            "name, unless told otherwise.",
        ),
        Misconception(
            "only weights",
            partial(
                _groups,
                parameters=lambda model: [
                    pair
                    for pair in model.named_parameters()
                    if pair[1].requires_grad and pair[0].endswith("weight")
                ],
            ),
            "Only what is called weight is in your groups. Biases, and parameters with other names, are trained "
            "too.",
        ),
        Misconception(
            "names for parameters",
            partial(
                _groups,
                parameters=lambda model: [
                    (name, name) for name, one in model.named_parameters() if one.requires_grad
                ],
            ),
            "Your lists hold names. An optimiser needs the parameters themselves.",
        ),
        Misconception(
            "pairs of name and parameter",
            partial(
                _groups,
                parameters=lambda model: [
                    (name, (name, one)) for name, one in model.named_parameters() if one.requires_grad
                ],
            ),
            "Your lists hold pairs of a name and a parameter. Keep the parameter.",
        ),
        Misconception(
            "a dict of lists",
            partial(_groups, finish=lambda groups: dict(enumerate(groups))),
            "You return a dict. An optimiser wants a list of dicts, each with params and lr.",
        ),
        Misconception(
            "pairs for dicts",
            partial(_groups, group=lambda params, lr: (params, lr)),
            'Your groups are tuples. An optimiser wants dicts with the keys "params" and "lr".',
        ),
        Misconception(
            "other keys",
            partial(_groups, group=lambda params, lr: {"parameters": params, "learning_rate": lr}),
            'The keys have to be called "params" and "lr": that is what optimisers look for.',
        ),
        Misconception(
            "lr forgotten",
            partial(_groups, group=lambda params, lr: {"params": params}),
            'Your groups have no "lr", and the optimiser would give all of them its default.',
        ),
    ),
)

# --- extract_features


class _Loader(DataLoader):
    """Notes the labels that each pass has given so far."""

    def __init__(self, *given, **settings):
        super().__init__(*given, **settings)
        self.passes = []

    def __iter__(self):
        labels = []
        self.passes.append(labels)
        for batch in super().__iter__():
            labels += batch[1].tolist()
            yield batch


def _extracted(work, init, forward, images, labels, batch_size, loader, training):
    """The features, sorted by label where there is one for each, and what the extraction left behind.

    No two images have the same label, so that the labels tell in which order the images came.
    """
    net = _net(init, forward).to(images.dtype).train(training)
    generator, shuffle = torch.Generator().manual_seed(0), loader == "shuffling DataLoader"
    batches = _Loader(TensorDataset(images, labels), batch_size, shuffle=shuffle, generator=generator)
    given = list(batches) if loader == "list" else batches
    before, trainable, seen, recorded = state(net), _trainable(net), [], []

    def note(module, given, output):
        seen.append(len(output))
        recorded.append(output.requires_grad)

    next(net.children()).register_forward_hook(note)
    found = work(net, given)
    if found is None:
        return None
    pair = list(found) if isinstance(found, tuple | list) and len(found) == 2 else None
    tensors = pair and all(isinstance(one, torch.Tensor) for one in pair)
    if tensors and pair[0].ndim > 0 and pair[1].shape == pair[0].shape[:1] == labels.shape:
        in_order = pair[1].tolist() in batches.passes
        features, found_labels = (one[pair[1].argsort()] for one in pair)
    else:
        in_order, (features, found_labels) = False, pair or (found, None)
    return {
        "features, sorted by label": features,
        "labels, sorted": found_labels,
        "in the loader's order": in_order,
        "images that the model has seen": sum(seen),
        "gradients recorded": any(recorded),
        "tied to a graph": bool(tensors) and any(one.requires_grad for one in pair),
        "made in inference mode": bool(tensors) and any(one.is_inference() for one in pair),
        "layers in training mode afterwards": _in_training(net),
        "requires_grad changed": _switched(net, trainable),
        "weights and statistics that changed": changed(net, before),
    }


def _extract(
    model,
    loader,
    before=nn.Module.eval,
    after=nn.Module.train,
    no_grad=torch.no_grad,
    run=lambda model, x: model(x),
    keep=lambda features: features,
    only=slice(None),
    join=torch.cat,
    result=lambda features, labels: (features, labels),
):
    """An answer to `extract_features` with something changed."""
    was = model.training
    before(model)
    features, labels = [], []
    with no_grad():
        for x, y in loader:
            features.append(keep(run(model, x)))
            labels.append(y)
        returned = result(join(features[only]), join(labels[only]))
    after(model, was)
    return returned


def _feature_cases(draw):
    def one(aspect, trunk, rest=0, loader="DataLoader", training=True, dtype=torch.float32):
        init, forward, *_ = _trunk(draw, trunk)
        batch_size = draw.integer(3, 5)
        n = batch_size * draw.integer(2, 3) + rest
        return case(
            aspect,
            init=init,
            forward=forward,
            images=draw.tensor(n, 3, *draw.unequal(5, 8), dtype=dtype) / 2,
            labels=torch.tensor(sorted(range(n), key=lambda _: draw.integer(0, 10**6))),
            batch_size=batch_size,
            loader=loader,
            training=training,
        )

    worked = {"init": ["self.bn = nn.BatchNorm2d(3)"], "forward": ["x = self.bn(x).mean((2, 3))"]}
    how = {"batch_size": 2, "loader": "DataLoader", "training": True}
    yield case("the worked example", **worked, images=draw.tensor(4, 3, 2, 1), labels=torch.arange(4), **how)
    for trunk in TRUNKS * 2:
        yield one("features and labels of all batches", trunk)
    for trunk in TRUNKS * 2:
        yield one("a last batch that is shorter, of one image too", trunk, rest=draw.integer(1, 2))
    for trunk in TRUNKS * 2:
        yield one("a loader that shuffles", trunk, loader="shuffling DataLoader")
    for trunk in TRUNKS:
        yield one("a model in eval mode", trunk, training=False)
        yield one("a model in float64", trunk, dtype=torch.float64, rest=1)
        yield one("batches that are no DataLoader", trunk, rest=1, loader="list")


def _labels_of_another_pass(model, loader):
    features, _ = _extract(model, loader)
    return features, torch.cat([y for _, y in loader])


def _labels_of_the_dataset(model, loader):
    features, _ = _extract(model, loader)
    return features, loader.dataset.tensors[1]


def _gone_through_twice(model, x):
    model(x[:1])
    return model(x)


def _thaw_no_more(model, was):
    model.train(was)
    model.requires_grad_(False)


def _full_batches_only(model, loader):
    batches = list(loader)
    return _extract(model, [batch for batch in batches if len(batch[0]) == len(batches[0][0])])


extract_features = Exercise(
    name="extract_features",
    reference=_extract,
    cases=_feature_cases,
    points=6,
    difficulty=3,
    minutes=12,
    call=_extracted,
    misconceptions=(
        Misconception(
            "eval mode forgotten",
            partial(_extract, before=lambda model: model),
            "The trunk ran in the mode it came in. In training mode dropout throws dice, a batch norm looks at "
            "the other photos of the batch, and its statistics move. model.eval() first.",
        ),
        Misconception(
            "training mode switched on",
            partial(_extract, before=nn.Module.train),
            "You call model.train(). The trunk is not trained here: it has to stand still, in eval mode.",
        ),
        Misconception(
            "left in eval mode",
            partial(_extract, after=lambda model, was: model),
            "The model stays in eval mode. Note model.training at the start and put it back: "
            "model.train(was_training).",
        ),
        Misconception(
            "always training mode afterwards",
            partial(_extract, after=lambda model, was: model.train()),
            "A model that came in eval mode goes back in training mode, and its batch norms would move. Put back "
            "what was there: model.train(was_training) takes True or False.",
        ),
        Misconception(
            "gradients recorded",
            partial(_extract, no_grad=torch.enable_grad),
            "Your features hang on the graphs of all batches, and all of it stays in memory. Wrap the loop in "
            "`with torch.no_grad():`.",
        ),
        Misconception(
            "detached too late",
            partial(_extract, no_grad=torch.enable_grad, keep=torch.Tensor.detach_),
            "The features are cut from the graph, but only after autograd recorded the whole trunk, which costs "
            "memory and time. Wrap the loop in `with torch.no_grad():`.",
        ),
        Misconception(
            "made in inference mode",
            partial(_extract, no_grad=torch.inference_mode),
            "Tensors made in inference mode can never take part in a training: the probe would stop with an "
            "error. Use torch.no_grad(), or make the final tensors outside of the block.",
        ),
        Misconception(
            "frozen for good",
            partial(_extract, after=_thaw_no_more),
            "You switched requires_grad off and left it so: the trunk can no longer be fine-tuned. `with "
            "torch.no_grad():` is over when its block is.",
        ),
        Misconception(
            "last batch only",
            partial(_extract, only=slice(-1, None)),
            "Only the last batch is left: each one overwrote the one before. Append to lists, and torch.cat at "
            "the end.",
        ),
        Misconception(
            "returned inside the loop",
            partial(_extract, only=slice(1)),
            "Only the first batch is returned: does your `return` stand inside the loop?",
        ),
        Misconception(
            "shorter last batch left out",
            _full_batches_only,
            "The images of a last batch that is not full are missing. Every image has features.",
        ),
        Misconception(
            "lists of batches",
            partial(_extract, join=list),
            "You return lists with a tensor for each batch. torch.cat(...) makes one tensor of each.",
        ),
        Misconception(
            "a list of labels",
            partial(_extract, result=lambda features, labels: (features, labels.tolist())),
            "Your labels are a list. A loss needs a tensor: torch.cat of the batches' labels.",
        ),
        Misconception(
            "a list of features",
            partial(_extract, result=lambda features, labels: (features.tolist(), labels)),
            "Your features are a list. A layer needs a tensor: torch.cat of the batches' features.",
        ),
        Misconception(
            "stacked for joined",
            partial(_extract, join=torch.stack),
            "torch.stack makes a new axis for the batches, and refuses a shorter one. torch.cat joins them along "
            "the axis that is there.",
        ),
        Misconception(
            "joined along the features",
            partial(_extract, join=lambda parts: torch.cat(parts, -1)),
            "You join the batches side by side, along the last axis. Images go below each other: axis 0, the "
            "default of torch.cat.",
        ),
        Misconception(
            "NumPy arrays",
            partial(_extract, result=lambda features, labels: (features.numpy(), labels.numpy())),
            "You return NumPy arrays. Asked for are tensors.",
        ),
        Misconception(
            "labels of another pass",
            _labels_of_another_pass,
            "You went through the loader twice, once for the features and once for the labels. A loader that "
            "shuffles gives another order each time, and they no longer belong together. Collect both in one "
            "loop.",
        ),
        Misconception(
            "labels of the data set",
            _labels_of_the_dataset,
            "You took the labels from loader.dataset, in the order of the set. A loader that shuffles gives "
            "another one: collect the labels in the loop, with their images.",
        ),
        Misconception(
            "loader.dataset asked for its length",
            lambda model, loader: (len(loader.dataset), _extract(model, loader))[1],
            "Only a DataLoader has a dataset, and a plain list of batches should do as well. Collect what comes, "
            "and join it at the end.",
        ),
        Misconception(
            "features alone",
            partial(_extract, result=lambda features, labels: features),
            "You return the features alone. Without their labels, in the same order, nothing can be learned from "
            "them.",
        ),
        Misconception(
            "labels first",
            partial(_extract, result=lambda features, labels: (labels, features)),
            "You return the labels first. Features come first, then labels.",
        ),
        Misconception(
            "trunk run twice",
            partial(_extract, run=_gone_through_twice),
            "The model sees some images twice, perhaps to find out the shape of its output. Every image goes "
            "through the trunk once, which is what makes the probe cheap.",
        ),
        Misconception(
            "flattened over the batch",
            partial(_extract, keep=torch.flatten),
            "torch.flatten(x) flattens the batch axis too, so that all features are in one row. Keep one row an "
            "image: x.flatten(1), or leave them as they are.",
        ),
        Misconception(
            "mean over the batch",
            partial(_extract, keep=lambda features: features.mean(0, keepdim=True)),
            "You average over axis 0, the batch, and one row is left for all its images. Each image has its own "
            "features.",
        ),
        Misconception(
            "mean of the features",
            partial(_extract, keep=lambda features: features.mean(1)),
            "You average the features of an image to one number. Keep all D of them.",
        ),
        Misconception(
            "class number for features",
            partial(_extract, keep=lambda features: features.argmax(1)),
            "argmax gives one number an image. There are no classes yet: return what the trunk returns.",
        ),
        Misconception(
            "softmax of the features",
            partial(_extract, keep=lambda features: features.softmax(1)),
            "These are features, not logits. Return what the trunk returns.",
        ),
        Misconception(
            "features scaled to length 1",
            partial(_extract, keep=lambda features: F.normalize(features, dim=1)),
            "You scaled each row to length 1. Some recipes do that; here return what the trunk returns.",
        ),
        Misconception(
            "squeezed",
            partial(_extract, keep=torch.squeeze),
            "squeeze() takes away every axis of length 1, also the batch axis of a last batch of one image. The "
            "features are (N, D) as they come.",
        ),
        Misconception(
            "float32 whatever came",
            partial(_extract, keep=torch.Tensor.float),
            "Your features are always float32. Keep the dtype that the trunk gives.",
        ),
        Misconception(
            "labels as floats",
            partial(_extract, result=lambda features, labels: (features, labels.float())),
            "Your labels are floats. They are numbers of classes, and cross_entropy wants them as int64: keep the "
            "dtype that the loader gives.",
        ),
        Misconception(
            "images for features",
            partial(_extract, run=lambda model, x: x.flatten(1)),
            "These are the pixels: the trunk was never called. Features are what model(images) returns.",
        ),
    ),
)

# --- adapt_stem


def _stem(weight, bias, stride, padding, dilation, padding_mode):
    conv = nn.Conv2d(
        *(weight.shape[1], weight.shape[0], weight.shape[2:], stride, padding, dilation),
        bias=bias is not None,
        padding_mode=padding_mode,
        dtype=weight.dtype,
    )
    conv.load_state_dict({"weight": weight} if bias is None else {"weight": weight, "bias": bias})
    return conv


def _adapted(work, x, **settings):
    """The layer for grey images, its answer to `x` of shape (N, 1, H, W), and what became of the original."""
    conv = _stem(**settings)
    before, as_written, trainable = state(conv), str(conv), _trainable(conv)
    made = work(conv)
    if not isinstance(made, nn.Conv2d):
        return made
    memory = {one.untyped_storage().data_ptr() for one in conv.parameters()}
    fits = made.weight.shape[1:] == (1, *made.kernel_size) and len({one.dtype for one in made.parameters()}) == 1
    return {
        "the layer": str(made),
        "weight": made.weight,
        "bias": made.bias,
        "trainable": [one.requires_grad and one.is_leaf for one in made.parameters()],
        "a new layer": made is not conv,
        "what changed in the original": changed(conv, before) + ["settings"] * (str(conv) != as_written),
        "requires_grad changed in the original": _switched(conv, trainable),
        "memory shared with the original": [
            name for name, one in made.named_parameters() if one.untyped_storage().data_ptr() in memory
        ],
        "output": made(x.to(made.weight.dtype)) if fits else None,
    }


def _same_layer(actual, expected):
    """`close`; but two errors must both come from autograd, or both from a shape, or both from neither."""
    if isinstance(actual, Raised) and isinstance(expected, Raised):
        causes = [
            ("leaf Variable" in one.message, "shape" in one.message or "size" in one.message)
            for one in (actual, expected)
        ]
        return close(actual, expected) if causes[0] == causes[1] else "another error was expected"
    return close(actual, expected)


def _summed(weight):
    return weight.sum(1, keepdim=True)


SETTINGS = ("out_channels", "kernel_size", "stride", "padding", "dilation", "padding_mode")


def _adapt(conv, weight_from=_summed, bias_from=torch.clone, **changes):
    """An answer to `adapt_stem` with something changed."""
    settings = {name: getattr(conv, name) for name in SETTINGS}
    settings |= {"in_channels": 1, "bias": conv.bias is not None, "dtype": conv.weight.dtype} | changes
    new = nn.Conv2d(**settings)
    with torch.no_grad():
        if weight_from:
            new.weight.copy_(weight_from(conv.weight))
        if bias_from and new.bias is not None:
            new.bias.copy_(bias_from(conv.bias))
    return new


def _stem_cases(draw):
    def one(aspect, bias=True, dtype=torch.float32, size=None, **settings):
        out, size = draw.integer(2, 5), size or draw.unequal(2, 4)
        usual = {"stride": 1, "padding": 0, "dilation": 1, "padding_mode": "zeros"}
        return case(
            aspect,
            x=draw.tensor(draw.integer(1, 3), 1, *draw.unequal(8, 11), dtype=dtype),
            weight=draw.tensor(out, 3, *size, dtype=dtype),
            bias=draw.tensor(out, dtype=dtype) if bias else None,
            **usual | settings,
        )

    usual = {"bias": None, "stride": 1, "padding": 0, "dilation": 1, "padding_mode": "zeros"}
    yield case("the worked example", x=torch.ones(1, 1, 2, 2), weight=draw.tensor(1, 3, 2, 1), **usual)
    for size in ((7, 7), (3, 3), (1, 1), None, None):
        yield one("weights of any size, no bias", bias=False, size=size)
    for _ in range(4):
        yield one("a bias", stride=draw.integer(1, 2))
    for name in ("stride", "padding", "dilation") * 2:
        low = 0 if name == "padding" else 1
        yield one("stride, padding and dilation", draw.integer(0, 1) == 1, **{name: draw.unequal(low, low + 2)})
    for _ in range(3):
        pairs = {"stride": draw.unequal(1, 3), "padding": draw.unequal(0, 2), "dilation": draw.unequal(1, 2)}
        yield one("stride, padding and dilation", draw.integer(0, 1) == 1, **pairs)
    for mode in ("reflect", "circular", "replicate", "reflect"):
        yield one("other paddings", padding=draw.unequal(1, 3), padding_mode=mode)
    for mode in ("zeros", "circular"):
        yield one("other paddings", bias=False, padding="same", padding_mode=mode)
    for bias in (True, False, True):
        yield one("a layer in float64", bias, torch.float64)


def _weighted(red, green, blue):
    return lambda weight: (weight * torch.tensor([red, green, blue], dtype=weight.dtype)[:, None, None]).sum(
        1, keepdim=True
    )


def _changed_in_place(conv):
    conv.weight = nn.Parameter(_summed(conv.weight))
    conv.in_channels = 1
    return conv


def _bias_shared(conv):
    new = _adapt(conv)
    new.bias = conv.bias
    return new


def _sum_without_its_axis(conv):
    new = copy.deepcopy(conv)
    new.weight, new.in_channels = nn.Parameter(conv.weight.sum(1)), 1
    return new


def _copy_with_old_channels(conv):
    new = copy.deepcopy(conv)
    new.weight = nn.Parameter(_summed(conv.weight))
    return new


class _Repeat(nn.Module):
    def forward(self, x):
        return x.expand(-1, 3, -1, -1)


def _tensor_for_parameter(conv):
    new = _adapt(conv)
    new.weight = _summed(conv.weight)
    return new


adapt_stem = Exercise(
    name="adapt_stem",
    reference=_adapt,
    cases=_stem_cases,
    points=5,
    difficulty=3,
    minutes=10,
    call=_adapted,
    compare=_same_layer,
    misconceptions=(
        Misconception(
            "mean for sum",
            partial(_adapt, weight_from=lambda weight: weight.mean(1, keepdim=True)),
            "A grey image in three channels is seen three times, by three planes of the weight, and their answers "
            "are added. Your mean gives a third of that: take the sum.",
        ),
        Misconception(
            "first channel only",
            partial(_adapt, weight_from=lambda weight: weight[:, :1]),
            "You keep the weights for red and throw green and blue away. On a replicated grey image all three "
            "planes answer: add them up.",
        ),
        Misconception(
            "green only",
            partial(_adapt, weight_from=lambda weight: weight[:, 1:2]),
            "You keep the weights for green alone. On a replicated grey image all three planes answer: add them "
            "up.",
        ),
        Misconception(
            "last channel only",
            partial(_adapt, weight_from=lambda weight: weight[:, 2:]),
            "You keep the weights for blue alone. On a replicated grey image all three planes answer: add them "
            "up.",
        ),
        Misconception(
            "brightness weights",
            partial(_adapt, weight_from=_weighted(0.299, 0.587, 0.114)),
            "0.299, 0.587 and 0.114 make a grey image of a colour image. Here the image is grey already, and "
            "comes three times with full weight: add the planes up as they are.",
        ),
        Misconception(
            "three times the brightness weights",
            partial(_adapt, weight_from=_weighted(0.897, 1.761, 0.342)),
            "The size is about right, but red, green and blue count differently. In a replicated grey image all "
            "three are the same: add the planes up as they are.",
        ),
        Misconception(
            "three times the sum",
            partial(_adapt, weight_from=lambda weight: 3 * _summed(weight)),
            "The sum already counts the image three times. Do not multiply by 3 again.",
        ),
        Misconception(
            "divided by the root of 3",
            partial(_adapt, weight_from=lambda weight: _summed(weight) / 3**0.5),
            "Dividing by the root of 3 keeps the variance for independent channels. Those of a grey image are "
            "equal: the plain sum gives exactly the same answer as before.",
        ),
        Misconception(
            "largest of the three",
            partial(_adapt, weight_from=lambda weight: weight.amax(1, keepdim=True)),
            "You take the largest of the three weights. A convolution adds its channels up.",
        ),
        Misconception(
            "fresh weights",
            partial(_adapt, weight_from=None),
            "Your layer starts with random weights, and what the first layer had learned is lost. Sum the old "
            "weights over the input channels.",
        ),
        Misconception(
            "fresh layer",
            partial(_adapt, weight_from=None, bias_from=None),
            "This is a new layer with the right settings and random numbers: neither weight nor bias was taken "
            "over.",
        ),
        Misconception(
            "bias lost",
            partial(_adapt, bias=False),
            "The old layer had a bias and yours has none. It is added once, whatever the number of channels: copy "
            "it.",
        ),
        Misconception(
            "bias zero",
            partial(_adapt, bias_from=torch.zeros_like),
            "Your bias is zero. It is added once, whatever the number of channels: copy it.",
        ),
        Misconception(
            "bias not copied",
            partial(_adapt, bias_from=None),
            "The weight is right, but the bias still holds the random numbers of a new layer. Copy it as well.",
        ),
        Misconception(
            "bias divided by 3",
            partial(_adapt, bias_from=lambda bias: bias / 3),
            "The bias is added once to each output, not once for each channel. Copy it as it is.",
        ),
        Misconception(
            "bias times 3",
            partial(_adapt, bias_from=lambda bias: 3 * bias),
            "The bias is added once to each output, not once for each channel. Do not multiply it: copy it as it "
            "is.",
        ),
        Misconception(
            "always a bias",
            partial(_adapt, bias=True),
            "Many stems, ResNet's among them, have no bias: conv.bias is None. Hand on bias=conv.bias is not "
            "None.",
        ),
        Misconception(
            "the default bias for none",
            lambda conv: _adapt(conv, bias=True, bias_from=None if conv.bias is None else torch.clone),
            "The old layer has no bias, and nn.Conv2d gives yours one with random numbers. Hand on "
            "bias=conv.bias is not None.",
        ),
        Misconception(
            "stride lost",
            partial(_adapt, stride=1),
            "Your layer has stride 1, the default. Hand on conv.stride.",
        ),
        Misconception(
            "padding lost",
            partial(_adapt, padding=0),
            "Your layer has no padding, the default. Hand on conv.padding.",
        ),
        Misconception(
            "stride and padding lost",
            partial(_adapt, stride=1, padding=0, dilation=1, padding_mode="zeros"),
            "Only the kernel size was handed on. Stride, padding, dilation and padding_mode have defaults in "
            "nn.Conv2d, which need not be those of conv.",
        ),
        Misconception(
            "dilation lost",
            partial(_adapt, dilation=1),
            "Your layer has dilation 1, the default. Hand on conv.dilation.",
        ),
        Misconception(
            "padding mode lost",
            partial(_adapt, padding_mode="zeros"),
            "Your layer pads with zeros, the default. Hand on conv.padding_mode.",
        ),
        Misconception(
            "dilation and padding mode lost",
            partial(_adapt, dilation=1, padding_mode="zeros"),
            "Stride and padding are there, but dilation and padding_mode are settings of a Conv2d too: hand them "
            "on.",
        ),
        Misconception(
            "every kernel taken for square",
            lambda conv: _adapt(conv, kernel_size=conv.kernel_size[0]),
            "kernel_size is a pair, height and width. You used only the first: hand on the whole pair.",
        ),
        Misconception(
            "height and width swapped",
            lambda conv: _adapt(conv, kernel_size=conv.kernel_size[::-1]),
            "A kernel size is (height, width), as in conv.kernel_size. Yours comes out the other way round: hand "
            "on the pair as it is.",
        ),
        Misconception(
            "one stride for both axes",
            lambda conv: _adapt(conv, stride=conv.stride[0]),
            "stride is a pair, for rows and for columns. You used only the first: hand on the whole pair.",
        ),
        Misconception(
            "one padding for both axes",
            lambda conv: _adapt(conv, padding=conv.padding if isinstance(conv.padding, str) else conv.padding[0]),
            "padding is a pair, for rows and for columns. You used only the first: hand on the whole pair.",
        ),
        Misconception(
            "dtype lost",
            partial(_adapt, dtype=None),
            "nn.Conv2d is float32 unless told otherwise, and the next layers of a float64 model refuse its "
            "output. Hand on dtype=conv.weight.dtype.",
        ),
        Misconception(
            "original changed",
            _changed_in_place,
            "You changed conv itself. Somebody may still need it for colour images: make a new layer.",
        ),
        Misconception(
            "a copy that still says 3 channels",
            _copy_with_old_channels,
            "The weight fits, but in_channels of your copy still says 3, and whoever reads it is misled. Make an "
            "nn.Conv2d with in_channels=1.",
        ),
        Misconception(
            "bias shared with the original",
            _bias_shared,
            "Your layer and conv have one bias together: training one changes the other. Copy the numbers, "
            "new.bias.copy_(conv.bias).",
        ),
        Misconception(
            "sum without keepdim",
            _sum_without_its_axis,
            "sum(1) takes the axis of the channels away, and a weight needs four axes. Keep it with length 1: "
            "sum(1, keepdim=True).",
        ),
        Misconception(
            "numbers of another shape",
            partial(_adapt, weight_from=lambda weight: weight.sum(0, keepdim=True)),
            "What you copy into the weight does not have its shape, (out, 1, height, width). Axis 0 of a weight "
            "counts the filters, axis 1 the input channels: sum over axis 1, and keep it, by keepdim=True.",
        ),
        Misconception(
            "tensor for Parameter",
            _tensor_for_parameter,
            "A layer takes only an nn.Parameter as its weight. Fill the one that is there: "
            "new.weight.copy_(...) under torch.no_grad().",
        ),
        Misconception(
            "no_grad forgotten",
            lambda conv: _adapt(conv, weight_from=None).weight.copy_(_summed(conv.weight)),
            "Autograd refuses: a parameter that is to be trained must not be changed by an operation that it "
            "records. Copy inside `with torch.no_grad():`.",
        ),
        Misconception(
            "frozen",
            lambda conv: _adapt(conv).requires_grad_(False),
            "Your layer requires no gradient. It is a new one, to be trained like others: leave requires_grad.",
        ),
        Misconception(
            "channels repeated before conv",
            lambda conv: nn.Sequential(_Repeat(), conv),
            "You repeat the image three times and use conv as it is. The answer is right, for three times the "
            "work. One channel is enough: a Conv2d with the summed weight.",
        ),
        Misconception(
            "conv returned as it is",
            copy.deepcopy,
            "Your layer still takes three channels. Make one with in_channels=1.",
        ),
    ),
)


# --- predictions

predicted_trainable = question(
    "predicted_trainable",
    "sha256:3c285237e7f9e8e1",
    Misconception(
        "all of the network",
        "sha256:111420d62ba9efab",
        "That is the whole network with its new head. Frozen parameters are not trained: what is left?",
    ),
    Misconception(
        "biases forgotten",
        "sha256:e14fcf7ca8364b5a",
        "512 · 5 weights. Each of the 5 classes has a bias too.",
    ),
    Misconception(
        "old head counted",
        "sha256:3bb4412f682044a3",
        "That is the old head, with its 1000 classes. The new one has 5.",
    ),
)

predicted_cost = question(
    "predicted_cost",
    "sha256:30af6aad88e9d948",
    Misconception(
        "no work saved",
        "sha256:3efb25e5e61fc3bb",
        "A frozen trunk in eval mode gives the same features for the same photo in every epoch. How often "
        "must it run, then?",
    ),
    Misconception(
        "only the backward pass saved",
        "sha256:f30fd7749698e82d",
        "Leaving the backward pass of the trunk out is what freezing saves already. Here its forward pass is "
        "left out too, in all epochs but one.",
    ),
    Misconception(
        "numbers trained for passes",
        "sha256:34cc5f62d6b8fd89",
        "So many times fewer numbers are trained than ResNet-18 has. Count how often each photo goes through the "
        "trunk.",
    ),
)

predicted_scratch = question(
    "predicted_scratch",
    "sha256:a9ce1ca53eddc3a3",
    Misconception(
        "training from scratch taken for better",
        "sha256:984ae2872902d04f",
        "All of 11 million numbers have to be learned from 400 photos then, edges and textures included. The "
        "frozen trunk has seen more than a million photos.",
    ),
    Misconception(
        "the same expected",
        "sha256:0181000d5c0184b1",
        "The networks are the same, but what they know is not: one begins with random filters, and 400 photos"
        " are few to learn good ones from.",
    ),
    Misconception(
        "chance expected",
        "sha256:ff7d8d2ae1b27cad",
        "The features were learned for other classes, but edges, textures and petals are useful for these too.",
    ),
)
