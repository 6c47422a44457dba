"""Right answers to the exercises of notebook 01, each written differently from the solution."""

import torch


def window_by_numbers(x, k, i, j):
    total = torch.zeros((), dtype=torch.promote_types(x.dtype, k.dtype))
    for a in range(k.shape[0]):
        for b in range(k.shape[1]):
            total = total + x[i + a, j + b] * k[a, b]
    return total


def window_by_narrow(x, k, i, j):
    return torch.sum(x.narrow(0, i, k.size(0)).narrow(1, j, k.size(1)).mul(k))


def size_by_counting(n, k):
    places = len([start for start in range(n) if start + k <= n])
    if places == 0:
        raise ValueError("no place")
    return places


def size_by_steps(n, k):
    steps = n - k
    if steps < 0:
        raise ValueError("the kernel does not fit")
    return steps + 1


def correlate_by_shifts(x, k):
    """Loops over the kernel instead of the output: shifted copies of the input, added up."""
    height, width = x.shape[0] - k.shape[0] + 1, x.shape[1] - k.shape[1] + 1
    return sum(
        k[a, b] * x[a : a + height, b : b + width] for a in range(k.shape[0]) for b in range(k.shape[1])
    ).to(torch.promote_types(x.dtype, k.dtype))


def correlate_by_lists(x, k):
    rows = [
        [
            sum(x[i + a, j + b].item() * k[a, b].item() for a in range(k.shape[0]) for b in range(k.shape[1]))
            for j in range(x.shape[1] - k.shape[1] + 1)
        ]
        for i in range(x.shape[0] - k.shape[0] + 1)
    ]
    return torch.tensor(rows, dtype=torch.promote_types(x.dtype, k.dtype))


def convolve_by_rotation(x, k):
    return correlate_by_shifts(x, torch.rot90(k, 2))


def convolve_by_index(x, k):
    kH, kW = k.shape
    out = torch.empty(x.shape[0] - kH + 1, x.shape[1] - kW + 1, dtype=torch.promote_types(x.dtype, k.dtype))
    for i in range(out.shape[0]):
        for j in range(out.shape[1]):
            out[i, j] = sum(x[i + kH - 1 - a, j + kW - 1 - b] * k[a, b] for a in range(kH) for b in range(kW))
    return out


RIGHT = {
    "window_dot": (window_by_numbers, window_by_narrow),
    "output_size": (size_by_counting, size_by_steps),
    "cross_correlate2d": (correlate_by_shifts, correlate_by_lists),
    "convolve2d": (convolve_by_rotation, convolve_by_index),
}
