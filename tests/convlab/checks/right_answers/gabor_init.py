"""Right answers to the exercises of notebook 05, each written differently from the solution."""

import math

import torch
from torch import nn


def both_sides(size):
    return (size, size) if isinstance(size, int) else size


def kernel_by_loops(size, sigma, theta, lambd, psi, gamma):
    height, width = both_sides(size)
    kernel = torch.empty(height, width)
    for i in range(height):
        for j in range(width):
            x, y = j - (width - 1) / 2, i - (height - 1) / 2
            u = x * math.cos(theta) + y * math.sin(theta)
            v = -x * math.sin(theta) + y * math.cos(theta)
            kernel[i, j] = math.exp(-(u * u + gamma * gamma * v * v) / (2 * sigma * sigma)) * math.cos(
                2 * math.pi * u / lambd + psi
            )
    return kernel


def kernel_by_complex_numbers(size, sigma, theta, lambd, psi, gamma):
    """The turn is a product of complex numbers, and the wave the real part of an exponential."""
    height, width = both_sides(size)
    rows, columns = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    place = torch.complex((2.0 * columns - width + 1) / 2, (2.0 * rows - height + 1) / 2)
    turned = place * torch.exp(torch.tensor(-1j * theta))
    exponent = torch.complex(
        -0.5 * ((turned.real / sigma) ** 2 + (gamma * turned.imag / sigma) ** 2),
        2 * math.pi / lambd * turned.real + psi,
    )
    return torch.exp(exponent).real


def bank_by_appending(n, size, kernel=kernel_by_loops):
    height, width = both_sides(size)
    if height < 3 or width < 3:
        raise ValueError("too small")
    bank = []
    for i in range(n):
        one = kernel(size, max(height, width) / 4, math.pi * i / n, (max(height, width) + 1) / 2, 0, 1)
        one = one - one.sum() / one.numel()
        bank.append(one / math.sqrt((one * one).sum()))
    return torch.stack(bank)


def bank_by_normalize(n, size):
    height, width = both_sides(size)
    if min(height, width) <= 2:
        raise ValueError("too small")
    longest = max(height, width)
    rows = torch.stack(
        [
            kernel_by_complex_numbers(size, longest / 4, angle.item(), (longest + 1) / 2, 0.0, 1.0).flatten()
            for angle in torch.arange(n) * torch.pi / n
        ]
    )
    return nn.functional.normalize(rows - rows.mean(1, keepdim=True), dim=1).view(n, height, width)


def init_by_loops(conv):
    out, channels = conv.weight.shape[:2]
    n = min(8, out)
    bank = bank_by_appending(n, conv.kernel_size)
    with torch.no_grad():
        for i in range(out):
            for c in range(channels):
                conv.weight[i, c] = bank[i % n] / channels
        if conv.bias is not None:
            conv.bias.fill_(0)


def init_by_data(conv):
    """Through .data, which is no worse where it is filled and not assigned."""
    bank = bank_by_normalize(min(8, conv.out_channels), conv.kernel_size).double()
    repeated = bank.repeat(math.ceil(conv.out_channels / len(bank)), 1, 1)[: conv.out_channels, None]
    conv.weight.data.copy_(repeated * conv.groups / conv.in_channels)
    if conv.bias is not None:
        nn.init.zeros_(conv.bias)


def fans_by_products(weight):
    out, inside, *kernel = weight.shape
    return inside * math.prod(kernel), out * math.prod(kernel)


def fans_by_division(weight):
    return weight.numel() // weight.shape[0], weight.numel() // weight.shape[1]


def kaiming_by_normal_(weight):
    with torch.no_grad():
        weight.normal_(0, math.sqrt(2 / fans_by_products(weight)[0]))


@torch.no_grad()
def kaiming_by_copy(weight):
    weight.copy_(torch.randn(weight.shape, dtype=weight.dtype) * (2 / weight[0].numel()) ** 0.5)
    return weight


RIGHT = {
    "gabor_kernel": (kernel_by_loops, kernel_by_complex_numbers),
    "gabor_bank": (bank_by_appending, bank_by_normalize),
    "init_gabor_": (init_by_loops, init_by_data),
    "fan_in_fan_out": (fans_by_products, fans_by_division),
    "kaiming_normal_": (kaiming_by_normal_, kaiming_by_copy),
}
