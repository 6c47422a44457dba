"""Right answers to the exercises of notebook 07, each written differently from the solution."""

import torch
from torch.nn import functional as F


def bias_by_axes(g):
    return g.sum(3).sum(2).sum(0)


def bias_by_einsum(g):
    return torch.einsum("nohw->o", g)


def weight_by_windows(x, g, kernel_size, stride, padding):
    """One window after the other, as a student who thinks of the forward loops would."""
    (kH, kW), (sH, sW), (pH, pW) = kernel_size, stride, padding
    padded = F.pad(x, (pW, pW, pH, pH))
    grad = torch.zeros(g.shape[1], x.shape[1], kH, kW, dtype=x.dtype)
    for n in range(g.shape[0]):
        for i in range(g.shape[2]):
            for j in range(g.shape[3]):
                window = padded[n, :, i * sH : i * sH + kH, j * sW : j * sW + kW]
                grad += g[n, :, i, j, None, None, None] * window
    return grad


def weight_by_unfolding(x, g, kernel_size, stride, padding):
    """The matrix product of notebook 06, with the windows as a view."""
    padded = F.pad(x, (padding[1], padding[1], padding[0], padding[0]))
    windows = padded.unfold(2, kernel_size[0], stride[0]).unfold(3, kernel_size[1], stride[1])
    return torch.tensordot(g, windows, dims=([0, 2, 3], [0, 2, 3]))


def input_by_windows(w, g, input_size, stride, padding):
    (H, W), (sH, sW), (pH, pW) = input_size, stride, padding
    grad = torch.zeros(g.shape[0], w.shape[1], H + 2 * pH, W + 2 * pW, dtype=g.dtype)
    for i in range(g.shape[2]):
        for j in range(g.shape[3]):
            sent = torch.tensordot(g[:, :, i, j], w, dims=1)
            grad[:, :, i * sH : i * sH + w.shape[2], j * sW : j * sW + w.shape[3]] += sent
    return grad[:, :, pH : pH + H, pW : pW + W].contiguous()


def input_by_sliding_the_flipped_kernel(w, g, input_size, stride, padding):
    """Spread g out by zeros, ring it with k - 1 more, and cross-correlate it with the flipped kernel."""
    kH, kW = w.shape[2:]
    height, width = (n + 2 * p for n, p in zip(input_size, padding, strict=True))
    ringed = g.new_zeros(*g.shape[:2], height + kH - 1, width + kW - 1)
    rows = slice(kH - 1, kH - 1 + stride[0] * g.shape[2], stride[0])
    columns = slice(kW - 1, kW - 1 + stride[1] * g.shape[3], stride[1])
    ringed[:, :, rows, columns] = g
    windows = ringed.unfold(2, kH, 1).unfold(3, kW, 1)
    grad = torch.einsum("nohwab,oiab->nihw", windows, w.flip(2, 3))
    return grad[:, :, padding[0] : height - padding[0], padding[1] : width - padding[1]]


class FunctionWithAttributes(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, w, b, stride, padding):
        ctx.everything = x, w, stride, padding
        return F.conv2d(x, w, stride=stride, padding=padding, bias=b)

    @staticmethod
    def backward(ctx, g):
        x, w, stride, padding = ctx.everything
        found = [
            lambda: input_by_windows(w, g, x.shape[2:], stride, padding),
            lambda: weight_by_windows(x, g, w.shape[2:], stride, padding),
            lambda: bias_by_axes(g),
        ]
        needed = ctx.needs_input_grad
        return *(one() if need else None for one, need in zip(found, needed, strict=False)), None, None


class FunctionWithContext(torch.autograd.Function):
    """Written in two parts, as PyTorch's own documentation recommends, and with convolutions in the backward."""

    @staticmethod
    def forward(x, w, b, stride, padding):
        return F.conv2d(x, w, b, stride, padding)

    @staticmethod
    def setup_context(ctx, inputs, output):
        x, w, _, ctx.stride, ctx.padding = inputs
        ctx.save_for_backward(x, w)

    @staticmethod
    def backward(ctx, g):
        x, w = ctx.saved_tensors
        grads = [None] * 5
        if ctx.needs_input_grad[0]:
            grads[0] = input_by_sliding_the_flipped_kernel(w, g, x.shape[2:], ctx.stride, ctx.padding)
        if ctx.needs_input_grad[1]:
            grads[1] = weight_by_unfolding(x, g, w.shape[2:], ctx.stride, ctx.padding)
        if ctx.needs_input_grad[2]:
            grads[2] = bias_by_einsum(g)
        return tuple(grads)


RIGHT = {
    "grad_bias": (bias_by_axes, bias_by_einsum),
    "grad_weight": (weight_by_windows, weight_by_unfolding),
    "grad_input": (input_by_windows, input_by_sliding_the_flipped_kernel),
    "Conv2dFunction": (FunctionWithAttributes, FunctionWithContext),
}
