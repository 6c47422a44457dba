"""Right answers to the exercises of notebook 04, each written differently from the solution."""

import math

import torch
from torch.nn import functional as F


def edge_by_cells(size, direction):
    if size % 2 != 1 or size < 3 or direction not in {"horizontal", "vertical"}:
        raise ValueError("no such kernel")
    middle = size // 2
    kernel = torch.zeros(size, size)
    for i in range(size):
        for j in range(size):
            along = i if direction == "horizontal" else j
            kernel[i, j] = (along < middle) - (along > middle)
    return kernel / kernel.clamp(min=0).sum()


def edge_by_outer_product(size, direction):
    if direction == "vertical":
        return edge_by_outer_product(size, "horizontal").T
    if direction != "horizontal" or size not in range(3, 1000, 2):
        raise ValueError("no such kernel")
    half = size // 2
    profile = torch.cat([torch.ones(half), torch.zeros(1), -torch.ones(half)])
    return torch.outer(profile / half, torch.full((size,), 1 / size))


def gaussian_by_cells(size, sigma):
    if not sigma > 0:
        raise ValueError("sigma must be positive")
    centre = (size - 1) / 2
    weights = [
        [math.exp(-((i - centre) ** 2 + (j - centre) ** 2) / (2 * sigma**2)) for j in range(size)]
        for i in range(size)
    ]
    total = sum(map(sum, weights))
    return torch.tensor([[weight / total for weight in row] for row in weights])


def gaussian_by_outer_product(size, sigma):
    if sigma <= 0:
        raise ValueError("sigma must be positive")
    steps = torch.linspace(-(size - 1) / 2, (size - 1) / 2, size)
    row = torch.softmax(-(steps**2) / (2 * sigma**2), dim=0)
    return torch.outer(row, row)


def pad_by_slices(x, p, mode):
    if mode not in ("zeros", "reflect", "replicate", "circular"):
        raise ValueError(mode)
    for q in (p, p) if isinstance(p, int) else p:
        n = x.shape[0]
        if mode == "reflect" and q >= n:
            raise ValueError("too wide")
        before, after = {
            "zeros": (torch.zeros_like(x[:1]).expand(q, -1),) * 2,
            "reflect": (x[1 : q + 1].flip(0), x[n - q - 1 : n - 1].flip(0)),
            "replicate": (x[:1].expand(q, -1), x[n - 1 :].expand(q, -1)),
            "circular": (x[n - q :], x[:q]),
        }[mode]
        x = torch.cat([before, x, after]).T
    return x


def pad_by_cells(x, p, mode):
    def source(i, n):
        if 0 <= i < n:
            return i
        if mode == "reflect":
            return -i if i < 0 else 2 * (n - 1) - i
        return {"zeros": None, "replicate": 0 if i < 0 else n - 1, "circular": i % n}[mode]

    top, left = p if isinstance(p, tuple) else (p, p)
    height, width = x.shape
    if mode not in ("zeros", "reflect", "replicate", "circular"):
        raise ValueError(mode)
    if mode == "reflect" and not (top < height and left < width):
        raise ValueError("too wide")
    out = x.new_zeros(height + 2 * top, width + 2 * left)
    for i in range(out.shape[0]):
        for j in range(out.shape[1]):
            row, column = source(i - top, height), source(j - left, width)
            if row is not None and column is not None:
                out[i, j] = x[row, column]
    return out


def _pair(value):
    return value if isinstance(value, tuple) else (value, value)


def _pool_by_windows(x, kernel_size, stride, padding, reduce):
    """`reduce(window, cells)`: the part of x under the window, and the number of cells in the window."""
    (kH, kW), (top, left) = _pair(kernel_size), _pair(padding)
    sH, sW = _pair(kernel_size if stride is None else stride)
    H, W = x.shape[-2:]
    out = x.new_empty(*x.shape[:-2], (H + 2 * top - kH) // sH + 1, (W + 2 * left - kW) // sW + 1)
    for i in range(out.shape[-2]):
        for j in range(out.shape[-1]):
            a, b = i * sH - top, j * sW - left
            out[..., i, j] = reduce(x[..., max(a, 0) : a + kH, max(b, 0) : b + kW], kH * kW)
    return out


def max_by_windows(x, kernel_size, stride=None, padding=0):
    return _pool_by_windows(x, kernel_size, stride, padding, lambda window, _: window.amax((-2, -1)))


def max_by_columns(x, kernel_size, stride=None, padding=0):
    (kH, kW), (top, left) = _pair(kernel_size), _pair(padding)
    sH, sW = _pair(stride or kernel_size)
    x = F.pad(x, (left, left, top, top), value=float("-inf"))
    return x.unfold(-2, kH, sH).unfold(-2, kW, sW).flatten(-2).max(-1).values


def mean_by_windows(x, kernel_size, stride=None, padding=0, count_include_pad=True):
    def mean(window, cells):
        return window.sum((-2, -1)) / (cells if count_include_pad else window.shape[-2] * window.shape[-1])

    return _pool_by_windows(x, kernel_size, stride, padding, mean)


def mean_by_convolution(x, kernel_size, stride=None, padding=0, count_include_pad=True):
    kH, kW = _pair(kernel_size)
    ones = x.new_ones(1, 1, kH, kW)

    def sums(planes):
        return F.conv2d(planes, ones, stride=stride or kernel_size, padding=padding)

    planes = x.reshape(-1, 1, *x.shape[-2:])
    means = sums(planes) / (kH * kW if count_include_pad else sums(torch.ones_like(planes)))
    return means.reshape(*x.shape[:-2], *means.shape[-2:])


RIGHT = {
    "edge_kernel": (edge_by_cells, edge_by_outer_product),
    "gaussian_kernel": (gaussian_by_cells, gaussian_by_outer_product),
    "pad_mode": (pad_by_slices, pad_by_cells),
    "max_pool2d": (max_by_windows, max_by_columns),
    "avg_pool2d": (mean_by_windows, mean_by_convolution),
}
