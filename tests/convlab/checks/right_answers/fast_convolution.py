"""Right answers to the exercises of notebook 06, each written differently from the solution."""

import statistics
import time

import torch
from torch.nn import functional as F


def windows_by_unfold(x, kernel_size, stride):
    return x.unfold(2, kernel_size[0], stride[0]).unfold(3, kernel_size[1], stride[1])


def windows_by_slices(x, kernel_size, stride):
    """The windows of stride 1, of which every stride-th is kept."""
    (kH, kW), (sH, sW) = kernel_size, stride
    N, C, H, W = x.shape
    view = torch.as_strided(x, (N, C, H - kH + 1, W - kW + 1, kH, kW), x.stride() + x.stride()[-2:])
    return view[:, :, ::sH, ::sW]


def padded(x, padding):
    """x among zeros, without F.pad."""
    N, C, H, W = x.shape
    out = x.new_zeros(N, C, H + 2 * padding[0], W + 2 * padding[1])
    out[:, :, padding[0] : padding[0] + H, padding[1] : padding[1] + W] = x
    return out


def shifts(x, kernel_size, stride, padding, dilation):
    """For each kernel cell the values under it at every place: (N, C, H', W') each."""
    x = padded(x, padding)
    reach = [d * (k - 1) for k, d in zip(kernel_size, dilation, strict=True)]
    rows, columns = x.shape[2] - reach[0], x.shape[3] - reach[1]
    return [
        x[:, :, a * dilation[0] :, b * dilation[1] :][:, :, : rows : stride[0], : columns : stride[1]]
        for a in range(kernel_size[0])
        for b in range(kernel_size[1])
    ]


def im2col_by_kernel_cells(x, kernel_size, stride, padding, dilation):
    return torch.stack(
        [cells.flatten(2) for cells in shifts(x, kernel_size, stride, padding, dilation)], 2
    ).flatten(1, 2)


def im2col_by_places(x, kernel_size, stride, padding, dilation):
    """A loop over the places, one column each."""
    x = F.pad(x, (padding[1], padding[1], padding[0], padding[0]))
    reach = [d * (k - 1) + 1 for k, d in zip(kernel_size, dilation, strict=True)]
    return torch.stack(
        [
            x[:, :, i : i + reach[0] : dilation[0], j : j + reach[1] : dilation[1]].flatten(1)
            for i in range(0, x.shape[2] - reach[0] + 1, stride[0])
            for j in range(0, x.shape[3] - reach[1] + 1, stride[1])
        ],
        dim=-1,
    )


def convolve_by_one_matrix(x, w, b, stride, padding, dilation):
    """The whole batch in one matrix, places as rows."""
    cells = torch.stack(shifts(x, w.shape[2:], stride, padding, dilation), 2)
    rows = cells.flatten(1, 2).permute(0, 2, 3, 1)
    out = torch.addmm(b, rows.reshape(-1, rows.shape[-1]), w.flatten(1).t())
    return out.view(*rows.shape[:3], -1).permute(0, 3, 1, 2)


def convolve_by_tensordot(x, w, b, stride, padding, dilation):
    cells = torch.stack(shifts(x, w.shape[2:], stride, padding, dilation), 2).unflatten(2, w.shape[2:])
    return torch.einsum("ncabhw,ocab->nohw", cells, w) + b.view(-1, 1, 1)


def wait():
    if torch.cuda.is_available():
        torch.cuda.synchronize()


def ratio_by_turns(fn, reference, x):
    """The two take turns, and the times are kept in a tensor."""
    times = torch.zeros(12, 2, dtype=torch.float64)
    for turn in times:
        for i, function in enumerate((fn, reference)):
            wait()
            start = time.perf_counter()
            function(x)
            wait()
            turn[i] = time.perf_counter() - start
    one, other = times[3:].median(0).values
    return float(one / other)


def ratio_in_nanoseconds(fn, reference, x):
    def median(function):
        times = []
        for call in range(4 + 20):
            start = time.perf_counter_ns()
            function(x)
            if x.is_cuda:
                torch.accelerator.synchronize()
            if call >= 4:
                times.append(time.perf_counter_ns() - start)
        return statistics.median(times)

    return median(fn) / median(reference)


RIGHT = {
    "windows": (windows_by_unfold, windows_by_slices),
    "im2col": (im2col_by_kernel_cells, im2col_by_places),
    "conv2d_im2col": (convolve_by_one_matrix, convolve_by_tensordot),
    "time_ratio": (ratio_by_turns, ratio_in_nanoseconds),
}
