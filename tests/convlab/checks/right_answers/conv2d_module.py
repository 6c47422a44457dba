"""Right answers to the exercises of notebook 08, each written differently from the solution."""

import math

import torch
from torch import nn
from torch.nn import functional as F


def pair_by_trying(value):
    try:
        height, width = value
    except TypeError:
        height = width = value
    return height, width


def pair_by_kind(value):
    if type(value) in (tuple, list):
        return value[0], value[1]
    return (value,) * 2


def widths_by_axis(padding, kernel_size, dilation):
    widths = []
    for axis in (1, 0):
        if padding == "same":
            total = (kernel_size[axis] - 1) * dilation[axis]
            before = math.floor(total / 2)
            widths += [before, total - before]
        elif padding == "valid":
            widths += [0, 0]
        else:
            widths += [padding[axis]] * 2
    return tuple(widths)


def widths_by_table(padding, kernel_size, dilation):
    (kH, kW), (dH, dW) = kernel_size, dilation
    spare_h, spare_w = dH * kH - dH, dW * kW - dW
    if padding == "same":
        return spare_w // 2, (spare_w + 1) // 2, spare_h // 2, (spare_h + 1) // 2
    top, left = (0, 0) if padding == "valid" else padding
    return left, left, top, top


def init_by_kaiming(weight, bias):
    if bias is not None:
        fan_in, _ = nn.init._calculate_fan_in_and_fan_out(weight)
        bias.data.uniform_(-(fan_in**-0.5), fan_in**-0.5)
    nn.init.kaiming_uniform_(weight, a=math.sqrt(5))


def init_by_rand(weight, bias):
    with torch.no_grad():
        bound = weight.shape[1:].numel() ** -0.5
        weight.copy_((torch.rand_like(weight) * 2 - 1) * bound)
        if bias is not None:
            bias.copy_((torch.rand_like(bias) * 2 - 1) * bound)


class AlwaysPads(nn.Module):
    """Leaves nothing of the padding to F.conv2d."""

    def __init__(
        self,
        in_channels,
        out_channels,
        kernel_size,
        stride=1,
        padding=0,
        dilation=1,
        groups=1,
        bias=True,
        padding_mode="zeros",
    ):
        if groups < 1:
            raise ValueError("groups")
        if in_channels % groups != 0:
            raise ValueError("in_channels")
        if out_channels % groups != 0:
            raise ValueError("out_channels")
        if padding_mode not in {"zeros", "reflect", "replicate", "circular"}:
            raise ValueError("padding_mode")
        super().__init__()
        self.in_channels, self.out_channels, self.groups = in_channels, out_channels, groups
        self.kernel_size, self.stride, self.dilation = map(pair_by_kind, (kernel_size, stride, dilation))
        self.padding, self.padding_mode = padding, padding_mode
        if not isinstance(padding, str):
            self.padding = pair_by_kind(padding)
        elif padding not in {"same", "valid"} or (padding == "same" and self.stride != (1, 1)):
            raise ValueError("padding")
        self.weight = nn.Parameter(torch.zeros((out_channels, in_channels // groups, *self.kernel_size)))
        self.bias = nn.Parameter(torch.zeros(out_channels)) if bias else None
        init_by_rand(self.weight, self.bias)

    def forward(self, x):
        mode = {"zeros": "constant"}.get(self.padding_mode, self.padding_mode)
        padded = F.pad(x, widths_by_axis(self.padding, self.kernel_size, self.dilation), mode)
        return F.conv2d(
            padded, self.weight, self.bias, stride=self.stride, dilation=self.dilation, groups=self.groups
        )

    def extra_repr(self):
        parts = [f"{self.in_channels}", f"{self.out_channels}"]
        parts += [f"{name}={getattr(self, name)}" for name in ("kernel_size", "stride")]
        for name, default in {"padding": (0, 0), "dilation": (1, 1), "groups": 1}.items():
            if getattr(self, name) != default:
                parts.append(f"{name}={getattr(self, name)}")
        parts += ["bias=False"] * (self.bias is None)
        parts += [f"padding_mode={self.padding_mode}"] * (self.padding_mode != "zeros")
        return ", ".join(parts)


class Unfolds(AlwaysPads):
    """One matrix product, as in notebook 06, and a bias drawn before the weight."""

    def __init__(self, in_channels, out_channels, kernel_size, **settings):
        super().__init__(in_channels, out_channels, kernel_size, **settings)
        init_by_kaiming(self.weight, self.bias)

    def forward(self, x):
        images = x if x.ndim == 4 else x[None]
        mode = "constant" if self.padding_mode == "zeros" else self.padding_mode
        images = F.pad(images, widths_by_table(self.padding, self.kernel_size, self.dilation), mode)
        spans = [d * (k - 1) + 1 for k, d in zip(self.kernel_size, self.dilation, strict=True)]
        sizes = [(n - span) // s + 1 for n, span, s in zip(images.shape[2:], spans, self.stride, strict=True)]
        columns = F.unfold(images, self.kernel_size, self.dilation, stride=self.stride)
        columns = columns.unflatten(1, (self.groups, -1))
        filters = self.weight.flatten(1).unflatten(0, (self.groups, -1))
        out = torch.einsum("gof,ngfl->ngol", filters, columns).flatten(1, 2).unflatten(2, sizes)
        if self.bias is not None:
            out = out + self.bias[:, None, None]
        return out if x.ndim == 4 else out[0]


def copy_by_name(conv):
    names = (
        "in_channels",
        "out_channels",
        "kernel_size",
        "stride",
        "padding",
        "dilation",
        "groups",
        "padding_mode",
    )
    made = AlwaysPads(**{name: getattr(conv, name) for name in names}, bias=conv.bias is not None)
    made = made.to(dtype=conv.weight.dtype, device=conv.weight.device)
    with torch.no_grad():
        for one, other in zip(made.parameters(), conv.parameters(), strict=True):
            one.copy_(other)
    return made.train() if conv.training else made.eval()


def copy_by_new_parameters(conv):
    made = Unfolds(
        conv.in_channels,
        conv.out_channels,
        conv.kernel_size,
        stride=conv.stride,
        padding=conv.padding,
        dilation=conv.dilation,
        groups=conv.groups,
        bias=conv.bias is not None,
        padding_mode=conv.padding_mode,
    )
    made.weight = nn.Parameter(conv.weight.detach().clone())
    if conv.bias is not None:
        made.bias = nn.Parameter(conv.bias.detach().clone())
    made.training = conv.training
    return made


RIGHT = {
    "as_pair": (pair_by_trying, pair_by_kind),
    "pad_widths": (widths_by_axis, widths_by_table),
    "init_uniform_": (init_by_kaiming, init_by_rand),
    "Conv2d": (AlwaysPads, Unfolds),
    "copy_from": (copy_by_name, copy_by_new_parameters),
}
