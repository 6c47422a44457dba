"""Right answers to the exercises of notebook 09, each written differently from the solution."""

import math

import torch
from torch import nn
from torch.nn import functional as F


def grouped_by_einsum(x, w, b, groups):
    """All groups at once, on an axis of their own."""
    if x.shape[1] % groups != 0 or len(w) % groups != 0:
        raise ValueError("groups")
    windows = x.unfold(2, w.shape[2], 1).unfold(3, w.shape[3], 1).unflatten(1, (groups, -1))
    out = torch.einsum("ngchwab,gocab->ngohw", windows, w.unflatten(0, (groups, -1))).flatten(1, 2)
    return out if b is None else out + b.reshape(1, -1, 1, 1)


def grouped_by_loops(x, w, b, groups):
    """Filter by filter, and the first input channel that it reads."""
    N, C, H, W = x.shape
    O, size, kH, kW = w.shape  # noqa: E741
    if C % groups:
        raise ValueError("input channels")
    if O % groups:
        raise ValueError("output channels")
    out = torch.zeros(N, O, H - kH + 1, W - kW + 1, dtype=x.dtype)
    for o in range(O):
        start = o // (O // groups) * size
        for i in range(out.shape[2]):
            for j in range(out.shape[3]):
                window = x[:, start : start + size, i : i + kH, j : j + kW]
                out[:, o, i, j] = (window * w[o]).sum(dim=(1, 2, 3))
        if b is not None:
            out[:, o] += b[o]
    return out


def macs_by_running(layer, hw):
    with torch.no_grad():
        out = layer(torch.zeros(1, layer.in_channels, *hw))
    return out.numel() * layer.weight.numel() // layer.out_channels


def macs_by_groups(layer, hw):
    (kH, kW), (sH, sW), (pH, pW), (dH, dW) = layer.kernel_size, layer.stride, layer.padding, layer.dilation
    height = math.floor((hw[0] + 2 * pH - dH * (kH - 1) - 1) / sH + 1)
    width = math.floor((hw[1] + 2 * pW - dW * (kW - 1) - 1) / sW + 1)
    reads, filters = layer.in_channels // layer.groups, layer.out_channels // layer.groups
    return layer.groups * reads * filters * kH * kW * height * width


class Separable(nn.Module):
    """The two layers as attributes; padding by hand."""

    def __init__(self, in_channels, out_channels, kernel_size, multiplier=1):
        super().__init__()
        kH, kW = kernel_size
        wide = multiplier * in_channels
        self.around = (kW // 2, kW // 2, kH // 2, kH // 2)
        self.spatial = nn.Conv2d(in_channels, wide, kernel_size, groups=in_channels, bias=False)
        self.mix = nn.Conv2d(wide, out_channels, kernel_size=1)

    def forward(self, x):
        return self.mix(self.spatial(F.pad(x, self.around)))


def separable_by_list(in_channels, out_channels, kernel_size, multiplier=1):
    padding = [(k - 1) // 2 for k in kernel_size]
    layers = [
        nn.Conv2d(in_channels, in_channels * multiplier, kernel_size, 1, padding, 1, in_channels, False),
        nn.Conv2d(in_channels * multiplier, out_channels, (1, 1)),
    ]
    return nn.Sequential(*layers)


def size_by_marking(n, kernel_size, stride, padding, output_padding, dilation):
    """Where the last cell lies that a window reaches."""
    reached = {i * stride + a * dilation for i in range(n) for a in range(kernel_size)}
    return max(reached) + 1 - padding - padding + output_padding


def size_by_search(n, kernel_size, stride, padding, output_padding, dilation):
    """The smallest size that leads forwards to n, and output_padding more."""
    size = 1
    while (size + 2 * padding - dilation * (kernel_size - 1) - 1) // stride + 1 < n:
        size += 1
    return size + output_padding


def transpose_by_copies(x, w, stride, padding):
    """Each cell of x sends its copy of the kernel."""
    (N, I, H, W), (kH, kW), (sH, sW) = x.shape, w.shape[2:], stride  # noqa: E741
    out = torch.zeros(N, w.shape[1], (H - 1) * sH + kH, (W - 1) * sW + kW, dtype=x.dtype)
    for i in range(H):
        for j in range(W):
            for c in range(I):
                copy = x[:, c, i, j].reshape(N, 1, 1, 1) * w[c]
                out[:, :, i * sH : i * sH + kH, j * sW : j * sW + kW] += copy
    top, left = padding
    return out[:, :, top:, left:][:, :, : out.shape[2] - 2 * top, : out.shape[3] - 2 * left]


def transpose_by_sliding(x, w, stride, padding):
    """The flipped kernel slides over x, spread out by zeros."""
    (sH, sW), (kH, kW) = stride, w.shape[2:]
    spread = x.new_zeros(*x.shape[:2], (x.shape[2] - 1) * sH + 1, (x.shape[3] - 1) * sW + 1)
    spread[..., ::sH, ::sW] = x
    spread = F.pad(spread, (kW - 1, kW - 1, kH - 1, kH - 1))
    windows = spread.unfold(2, kH, 1).unfold(3, kW, 1)
    out = torch.einsum("nihwab,ioab->nohw", windows, w.flip(2, 3))
    return out[:, :, padding[0] : out.shape[2] - padding[0], padding[1] : out.shape[3] - padding[1]]


RIGHT = {
    "grouped_conv2d": (grouped_by_einsum, grouped_by_loops),
    "count_macs": (macs_by_running, macs_by_groups),
    "depthwise_separable": (Separable, separable_by_list),
    "transposed_output_size": (size_by_marking, size_by_search),
    "conv_transpose2d": (transpose_by_copies, transpose_by_sliding),
}
