"""Right answers to the exercises of notebook 02, each written differently from the solution."""

import math

import torch


def one_filter_by_shifts(x, w):
    """Loops over the filter instead of the output: shifted copies of the channels, added up."""
    if len(x) != len(w):
        raise ValueError("the channels do not match")
    channels, kH, kW = w.shape
    height, width = x.size(1) - kH + 1, x.size(2) - kW + 1
    out = x.new_zeros(height, width)
    for c in range(channels):
        for a in range(kH):
            for b in range(kW):
                out += w[c, a, b] * x[c, a : a + height, b : b + width]
    return out


def one_filter_by_lists(x, w):
    if x.shape[0] != w.shape[0]:
        raise ValueError("the channels do not match")
    _, kH, kW = w.shape
    rows = range(x.shape[1] - kH + 1)
    columns = range(x.shape[2] - kW + 1)
    return torch.tensor(
        [
            [sum((w[c] * x[c, i : i + kH, j : j + kW]).sum().item() for c in range(len(x))) for j in columns]
            for i in rows
        ],
        dtype=x.dtype,
    )


def filters_by_windows(x, w, b):
    windows = x.unfold(1, w.shape[2], 1).unfold(2, w.shape[3], 1)
    out = (windows * w[:, :, None, None]).sum(dim=(1, 4, 5))
    return out if b is None else out + b.reshape(-1, 1, 1)


def filters_by_loops(x, w, b):
    filters, _, kH, kW = w.shape
    out = torch.zeros(filters, x.shape[1] - kH + 1, x.shape[2] - kW + 1, dtype=x.dtype)
    for o in range(filters):
        for i in range(out.shape[1]):
            for j in range(out.shape[2]):
                out[o, i, j] = (x[:, i : i + kH, j : j + kW] * w[o]).sum()
                if b is not None:
                    out[o, i, j] += b[o]
    return out


def batch_by_filters(x, w, b):
    return torch.cat([filters_by_loops(image, w, b).unsqueeze(0) for image in x], dim=0)


def batch_by_matrix_product(x, w, b):
    """Windows as rows, filters as columns."""
    windows = x.unfold(2, w.shape[2], 1).unfold(3, w.shape[3], 1)
    n, _, height, width = windows.shape[:4]
    columns = windows.permute(0, 2, 3, 1, 4, 5).reshape(n, height, width, -1)
    out = (columns @ w.reshape(len(w), -1).T).permute(0, 3, 1, 2)
    return out if b is None else out + b[:, None, None]


def count_empty_tensors(in_channels, out_channels, kernel_size, bias):
    height, width = kernel_size if isinstance(kernel_size, tuple) else (kernel_size, kernel_size)
    weight = torch.empty(out_channels, in_channels, height, width)
    return weight.numel() + torch.empty(out_channels).numel() * bias


def count_filter_by_filter(in_channels, out_channels, kernel_size, bias):
    if not isinstance(kernel_size, tuple):
        kernel_size = (kernel_size,) * 2
    return (math.prod(kernel_size) * in_channels + bias) * out_channels


RIGHT = {
    "conv_one_filter": (one_filter_by_shifts, one_filter_by_lists),
    "conv_filters": (filters_by_windows, filters_by_loops),
    "conv_batch": (batch_by_filters, batch_by_matrix_product),
    "count_parameters": (count_empty_tensors, count_filter_by_filter),
}
