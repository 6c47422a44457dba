"""Right answers to the exercises of notebook 03, each written differently from the solution."""

import math

import torch


def pad_by_joining(x, left, right, top, bottom, value):
    def block(height, width):
        return torch.full((*x.shape[:-2], height, width), value, dtype=x.dtype)

    x = torch.cat([block(x.shape[-2], left), x, block(x.shape[-2], right)], dim=-1)
    return torch.cat([block(top, x.shape[-1]), x, block(bottom, x.shape[-1])], dim=-2)


def pad_by_index(x, left, right, top, bottom, value):
    H, W = x.shape[-2:]
    rows, columns = torch.arange(-top, H + bottom), torch.arange(-left, W + right)
    inside = ((rows >= 0) & (rows < H))[:, None] & (columns >= 0) & (columns < W)
    copied = x[..., rows.clamp(0, H - 1), :][..., columns.clamp(0, W - 1)]
    return torch.where(inside, copied, torch.tensor(value, dtype=x.dtype))


def shape_by_counting(hw, kernel_size, stride, padding, dilation):
    def places(axis):
        last = (kernel_size[axis] - 1) * dilation[axis]
        end = hw[axis] + padding[axis]
        return len([start for start in range(-padding[axis], end, stride[axis]) if start + last < end])

    if not places(0) or not places(1):
        raise ValueError("no place")
    return places(0), places(1)


def shape_by_floor(hw, kernel_size, stride, padding, dilation):
    (H, W), (kH, kW), (sH, sW), (pH, pW), (dH, dW) = hw, kernel_size, stride, padding, dilation
    height = math.floor((H + 2 * pH - dH * (kH - 1) - 1) / sH + 1)
    width = math.floor((W + 2 * pW - dW * (kW - 1) - 1) / sW + 1)
    if height < 1 or width < 1:
        raise ValueError("the kernel does not fit")
    return height, width


def conv_by_loops(x, w, b, stride, padding, dilation):
    """Nothing is padded: cells beyond the border are left out of the sum."""
    H, W = x.shape[2:]
    kH, kW = w.shape[2:]
    height, width = shape_by_floor((H, W), (kH, kW), stride, padding, dilation)
    out = torch.empty(len(x), len(w), height, width, dtype=x.dtype)
    for i in range(height):
        for j in range(width):
            total = b.repeat(len(x), 1)
            for a in range(kH):
                for c in range(kW):
                    row = i * stride[0] - padding[0] + a * dilation[0]
                    column = j * stride[1] - padding[1] + c * dilation[1]
                    if 0 <= row < H and 0 <= column < W:
                        total = total + x[:, :, row, column] @ w[:, :, a, c].T
            out[:, :, i, j] = total
    return out


def conv_by_shifts(x, w, b, stride, padding, dilation):
    """Loops over the kernel instead of the output: shifted copies of the padded input, added up."""
    (sH, sW), (pH, pW), (dH, dW) = stride, padding, dilation
    height, width = shape_by_counting(x.shape[2:], w.shape[2:], stride, padding, dilation)
    x = pad_by_joining(x, pW, pW, pH, pH, 0)
    out = b.reshape(1, -1, 1, 1)
    for a in range(w.shape[2]):
        for c in range(w.shape[3]):
            shifted = x[:, :, a * dH :: sH, c * dW :: sW][:, :, :height, :width]
            out = out + torch.einsum("nchw,oc->nohw", shifted, w[:, :, a, c])
    return out


def same_by_search(kernel_size, dilation):
    n = 100
    before, after = 0, 0
    while n + before + after - dilation * (kernel_size - 1) < n:
        if before < after:
            before += 1
        else:
            after += 1
    return before, after


def same_by_ceil(kernel_size, dilation):
    half = dilation * (kernel_size - 1) / 2
    return math.floor(half), math.ceil(half)


RIGHT = {
    "pad2d": (pad_by_joining, pad_by_index),
    "output_shape": (shape_by_counting, shape_by_floor),
    "conv2d": (conv_by_loops, conv_by_shifts),
    "same_padding": (same_by_search, same_by_ceil),
}
