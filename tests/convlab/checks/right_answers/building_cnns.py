"""Right answers to the exercises of notebook 10, each written differently from the solution."""

import copy
from collections import OrderedDict

import torch
from torch import nn
from torch.nn import functional as F
from torch.nn.modules.module import register_module_forward_hook


def trace_by_one_hook_for_all(model, x):
    """One global hook, and the names looked up afterwards."""
    names = {module: name for name, module in model.named_modules()}
    lines = []

    def note(module, inputs, output):
        if module in names and not list(module.children()):
            lines.append((names[module], output.shape))

    training = model.training
    model.eval()
    handle = register_module_forward_hook(note)
    try:
        model(x)
    finally:
        handle.remove()
        model.train(training)
    return lines


class Note:
    def __init__(self, name, lines):
        self.name, self.lines = name, lines

    def __call__(self, module, inputs, output):
        self.lines += [(self.name, tuple(output.size()))]


def trace_a_copy(model, x):
    """What happens to a copy leaves the model as it was."""
    model = copy.deepcopy(model).eval()
    lines = []
    for name, module in model.named_modules():
        if len(list(module.named_children())) == 0:
            module.register_forward_hook(Note(name, lines))
    with torch.inference_mode():
        model(x)
    return lines


def count_by_identity(model):
    seen, total, trained = set(), 0, 0
    for module in model.modules():
        for parameter in module._parameters.values():
            if parameter is not None and id(parameter) not in seen:
                seen.add(id(parameter))
                total += parameter.numel()
                trained += parameter.numel() * parameter.requires_grad
    return total, trained


def count_by_difference(model):
    sizes = [(one.requires_grad, one.detach().flatten().shape[0]) for _, one in model.named_parameters()]
    frozen = sum(n for trained, n in sizes if not trained)
    everything = sum(n for _, n in sizes)
    return everything, everything - frozen


def field_from_the_last_layer(layers):
    """Walk back from one output cell: which cells of each layer's input does it need?"""

    def needs(first, last):
        for k, s, p, d in reversed(layers):
            first, last = first * s - p, last * s - p + d * (k - 1)
        return first, last

    first, last = needs(0, 0)
    return last - first + 1, needs(1, 1)[0] - first, first


def field_by_strides_before(layers):
    jump, reach, start = 1, 0, 0
    for kernel, stride, padding, dilation in layers:
        reach += jump * dilation * (kernel - 1)
        start -= jump * padding
        jump *= stride
    return reach + 1, jump, start


def measure_by_averages(net, shape):
    """Every maximum becomes an average, every parameter 1."""
    net = copy.deepcopy(net).eval()
    for name, layer in list(net.named_modules()):
        if isinstance(layer, nn.MaxPool2d):
            above, _, own = name.rpartition(".")
            setattr(net.get_submodule(above), own, nn.AvgPool2d(layer.kernel_size, layer.stride, layer.padding))
    for parameter in net.parameters():
        parameter.data = torch.ones_like(parameter)
    x = torch.ones(1, *shape, requires_grad=True)
    y = net(x)
    (seen,) = torch.autograd.grad(y[0, 0, y.shape[2] // 2, y.shape[3] // 2], x)
    rows, columns = seen[0].sum(0).nonzero(as_tuple=True)
    return int(rows.max() - rows.min() + 1), int(columns.max() - columns.min() + 1)


def measure_many_times(net, shape):
    """Many random images, one at a time, positive random weights; and the net gets back what it had."""
    state, training = copy.deepcopy(net.state_dict()), net.training
    net.eval()
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.uniform_(0.5, 1)
    seen = torch.zeros(shape[1:], dtype=torch.bool)
    for _ in range(40):
        x = torch.rand(1, *shape, requires_grad=True)
        y = net(x)
        y[..., (y.shape[2] - 1) // 2, (y.shape[3] - 1) // 2].sum().backward()
        seen |= (x.grad[0] > 0).any(0)
    net.load_state_dict(state)
    net.train(training)
    rows, columns = (seen.any(axis).nonzero() for axis in (1, 0))
    return (rows[-1] - rows[0]).item() + 1, (columns[-1] - columns[0]).item() + 1


class Simple(nn.Module):
    """Functions for everything that has no parameters."""

    def __init__(self):
        super().__init__()
        self.a = nn.Conv2d(3, 16, 3, padding="same")
        self.b = nn.Conv2d(16, 32, (3, 3), padding=(1, 1))
        self.c = nn.Conv2d(32, 64, 3, 1, 1)
        self.last = nn.Linear(1024, 10)

    def forward(self, x):
        for conv in (self.a, self.b, self.c):
            x = F.max_pool2d(conv(x), 2).relu()
        return self.last(x.reshape(len(x), -1))


def simple_in_a_row():
    layers = []
    for i, o in ((3, 16), (16, 32), (32, 64)):
        layers += [nn.Conv2d(i, o, 3, padding=1), nn.ReLU(inplace=True), nn.MaxPool2d(2, 2)]
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(layers[-3].out_channels * 4 * 4, 10))


class Landmark(nn.Module):
    def __init__(self, classes):
        super().__init__()
        self.blocks = nn.ModuleList()
        for i, o in zip((3, 32, 64), (32, 64, 128), strict=True):
            self.blocks.append(nn.ModuleDict({"conv": nn.Conv2d(i, o, 3, padding=1), "norm": nn.BatchNorm2d(o)}))
        self.hidden = nn.Linear(2048, 512)
        self.out = nn.Linear(512, classes)

    def forward(self, x):
        for block in self.blocks:
            x = torch.max_pool2d(torch.relu(block["norm"](block["conv"](x))), 2)
        x = F.relu(self.hidden(x.flatten(start_dim=1)))
        return self.out(F.dropout(x, training=self.training))


def landmark_with_names(num_classes):
    """Dropout before the ReLU, which is the same: the factor is not negative."""
    layers, channels = OrderedDict(), 3
    for i in range(3):
        layers[f"conv{i}"] = nn.Conv2d(channels, 32 * 2**i, 3, padding=1)
        channels = 32 * 2**i
        layers |= {f"norm{i}": nn.BatchNorm2d(channels), f"relu{i}": nn.ReLU(), f"pool{i}": nn.MaxPool2d(2)}
    layers |= {"flat": nn.Flatten(), "fc1": nn.Linear(channels * 16, 512), "drop": nn.Dropout()}
    layers |= {"relu": nn.ReLU(), "fc2": nn.Linear(512, num_classes)}
    return nn.Sequential(layers)


RIGHT = {
    "trace_shapes": (trace_by_one_hook_for_all, trace_a_copy),
    "count_parameters": (count_by_identity, count_by_difference),
    "receptive_field": (field_from_the_last_layer, field_by_strides_before),
    "measure_receptive_field": (measure_by_averages, measure_many_times),
    "build_simple_cnn": (Simple, simple_in_a_row),
    "build_landmark_cnn": (Landmark, landmark_with_names),
}
