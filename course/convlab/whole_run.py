"""The last rung of the ladder: all of a training, from the first weights to the last, as one CUDA graph.

What makes it fast:

- few steps: 70 of 512 images, 60 % of one epoch, with a learning rate that rises and falls, batch normalisation,
  and a little label smoothing;
- a cheap first layer: its 6 x 6 windows, two pixels apart, are laid out as rows, so that it is one matrix product;
- few kernels: all weights lie in one vector, and one step (look up the images, forward, backward, Adam) is
  compiled as one function;
- no Python while it trains: the graph holds every step.
"""

from __future__ import annotations

import math

import torch
from torch.nn import functional as F

from convlab.graphs import graph

BATCH_SIZE = 512
STEPS = 70
PEAK = 0.03
"""The largest learning rate, reached after 30 % of the steps; then it falls in a straight line."""
BETAS = 0.75, 0.9
SMOOTHING = 0.05
SCALE = 0.2
"""Logits are made smaller by this factor, so that the first steps are not too sure of themselves."""
STATISTICS_FROM = 4096
"""How many images give the means and variances that batch normalisation uses for testing."""

SIDE, STRIDE, COLUMNS = 6, 2, 40
"""The first layer's window and stride; its 36 columns are filled up to 40: tensor cores want multiples of 8."""
SHAPES = ((32, COLUMNS), (32,), (64, 3, 3, 32), (64,), (128, 3, 3, 64), (128,), (10, 128 * 3 * 3))
"""Weights and shifts: 28 x 28 -> 12 x 12 (32 maps) -> 10 x 10 (64), pooled to 5 x 5 -> 3 x 3 (128) -> 10."""
FANS = (SIDE**2, 0, 9 * 32, 0, 9 * 64, 0, 128 * 3 * 3)
SIZES = [math.prod(shape) for shape in SHAPES]


def windows(images: torch.Tensor) -> torch.Tensor:
    """uint8 images of shape (N, 28, 28) to the first layer's windows as rows: bfloat16, (N * 12 * 12, 40)."""
    x = (images.to(torch.bfloat16) / 255 - 0.1307) / 0.3081  # MNIST's mean and standard deviation
    x = x.unfold(1, SIDE, STRIDE).unfold(2, SIDE, STRIDE).reshape(-1, SIDE**2)
    return F.pad(x, (0, COLUMNS - SIDE**2))


def network(weights: torch.Tensor, images: torch.Tensor, statistics: list | None = None):
    """Logits of shape (N, 10), float32, and the (mean, variance) of each layer's maps.

    `weights` is one vector, cut as `SHAPES` says. Maps are normalised by `statistics`, or where there are none,
    as in training, by their own.
    """
    parts = iter(weights.to(torch.bfloat16).split(SIZES))
    stem, *convolutions, head = SHAPES[::2]
    found = []

    def normalised(maps):
        maps = maps.float()
        variance, mean = torch.var_mean(maps, (0, 2, 3), correction=0)
        found.append((mean, variance))
        if statistics:
            mean, variance = statistics[len(found) - 1]
        scaled = (maps - mean[:, None, None]) * (variance + 1e-5).rsqrt()[:, None, None]
        return F.relu((scaled + next(parts).float()[:, None, None]).to(torch.bfloat16))

    rows = windows(images) @ next(parts).view(stem).T
    maps = normalised(rows.view(-1, 12, 12, stem[0]).permute(0, 3, 1, 2))
    for shape, pool in zip(convolutions, (2, 1), strict=True):
        maps = F.conv2d(maps, next(parts).view(shape).permute(0, 3, 1, 2))
        maps = normalised(F.max_pool2d(maps, pool) if pool > 1 else maps)
    return F.linear(maps.permute(0, 2, 3, 1).flatten(1), next(parts).view(head)).float() * SCALE, found


def adam_step(weights, momentum, square, images, labels, rate, corrections) -> None:
    """One step of Adam, in place (Kingma and Ba, 2015, algorithm 1).

    `corrections` are 1 - beta**t, t steps after the start, for both averages.
    """

    def loss(weights):
        return F.cross_entropy(network(weights, images)[0], labels, label_smoothing=SMOOTHING)

    gradient = torch.func.grad(loss)(weights)
    momentum.lerp_(gradient, 1 - BETAS[0])
    square.lerp_(gradient * gradient, 1 - BETAS[1])
    weights.sub_(rate * (momentum / corrections[0]) / ((square / corrections[1]).sqrt() + 1e-8))


def rates(steps: int) -> list[float]:
    """The learning rate of each step: up to `PEAK` over 30 % of them, then down."""
    shares = [(step + 1) / steps for step in range(steps)]
    return [PEAK * (0.1 + 3 * share if share < 0.3 else 0.02 + 1.4 * (1 - share)) for share in shares]


def recipe(images: torch.Tensor, labels: torch.Tensor, steps: int = STEPS, batch_size: int = BATCH_SIZE):
    """A recipe as `convlab.ladder` wants it: compile and capture the training now, run it when a seed comes.

    `images` is uint8 of shape (N, 28, 28), `labels` int64 of shape (N,), both on the device that trains. Raises
    ValueError where they are too few: no image comes twice.
    """
    if steps * batch_size > len(images):
        raise ValueError(
            f"{steps} steps of {batch_size} images need {steps * batch_size} images, and there are {len(images)}"
        )
    device = images.device
    weights, momentum, square = (torch.zeros(sum(SIZES), device=device) for _ in range(3))
    order = torch.zeros(steps, batch_size, dtype=torch.long, device=device)
    rate = torch.tensor(rates(steps), device=device)
    corrections = torch.tensor([[1 - beta ** (t + 1) for beta in BETAS] for t in range(steps)], device=device)

    def one_step(picked, rate, corrections):
        adam_step(weights, momentum, square, images[picked], labels[picked], rate, corrections)

    def measure(picked):
        return network(weights, images[picked])[1]

    if device.type == "cuda":
        one_step, measure = (torch.compile(one, fullgraph=True, dynamic=False) for one in (one_step, measure))
    sample = order.flatten()[-STATISTICS_FROM:]

    def run(count):
        for step in range(count):
            one_step(order[step], rate[step], corrections[step])
        return measure(sample)

    def start(seed):
        generator = torch.Generator(device).manual_seed(seed)
        for one in (momentum, square):
            one.zero_()
        for part, fan in zip(weights.split(SIZES), FANS, strict=True):
            gain = 0.5 if part.numel() == SIZES[-1] else math.sqrt(2)
            part.normal_(0, gain / math.sqrt(fan), generator=generator) if fan else part.zero_()
        order.copy_(
            torch.randperm(len(images), generator=generator, device=device)[: order.numel()].view_as(order)
        )

    with torch.no_grad():
        start(0)
        run(2)  # compiles, and warms up: the first calls of a library must not be captured
        whole = graph(device)
        with whole.capture():
            statistics = run(steps)

    @torch.no_grad()
    def train(seed: int):
        start(seed)
        whole.replay()
        trained, fixed = weights.clone(), [(mean.clone(), variance.clone()) for mean, variance in statistics]
        return lambda images: network(trained, images, fixed)[0]

    train.reads = images, labels, rate, corrections  # kept alive: the graph knows their addresses and nothing else
    return train
