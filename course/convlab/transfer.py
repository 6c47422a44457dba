"""Training with a few hundred photos, as notebook 12 and benchmarks/transfer.py do it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional as F

from .backbone import Backbone, backbone, untrained
from .data import Photos, photos, textures
from .training import is_marking

EPOCHS, BATCH, SEEDS = 30, 32, 5
WAYS = {
    "frozen": (1e-3, 0),
    "fine-tuned, one rate": (1e-2, 1e-2),
    "fine-tuned, two rates": (1e-2, 1e-3),
    "from scratch": (1e-3, 1e-3),
}
"""The ways to train: the learning rate of the head and that of the trunk, which only the last draws at random."""
RECORDED = Path(__file__).with_name("recorded") / "transfer.json"


def materials(folder: str | Path | None = None) -> tuple[Backbone, Photos]:
    """The network and the photos of notebook 12; see `backbone` and `photos` for where they come from.

    Where a program runs the notebook to mark it, a network with random weights and small textures, so that nothing
    is downloaded.
    """
    if is_marking():
        return untrained(), textures(size=48, count=30)
    return backbone(), photos(folder)


def mirrored(images: torch.Tensor) -> torch.Tensor:
    """Images (N, C, H, W), each with a chance of one half mirrored left to right."""
    chosen = torch.rand(len(images), device=images.device) < 0.5
    return torch.where(chosen[:, None, None, None], images.flip(3), images)


def fit(
    model: nn.Module,
    groups: Iterable,
    x: torch.Tensor,
    y: torch.Tensor,
    parts: tuple[torch.Tensor, torch.Tensor],
    augment: Callable[[torch.Tensor], torch.Tensor] = lambda x: x,
) -> Iterator[tuple[float, float]]:
    """Train with Adam for 30 epochs; after each, give the mean loss and the accuracy on what is for the test.

    Args:
        model: makes logits (N, K) of rows of x. In training mode while it trains, in eval mode in between.
        groups: its parameters, or parameter groups with a learning rate each. The rates fall to a fiftieth.
        x, y: images or features, (N, ...), and labels, (N,), on the model's device.
        parts: which rows are for training and which are for the test.
        augment: changes a batch of x before the model sees it in training.
    """
    train, test = parts
    optimizer = torch.optim.Adam(groups)
    schedule = torch.optim.lr_scheduler.LinearLR(optimizer, 1, 0.02, total_iters=EPOCHS - 1)
    for _ in range(EPOCHS):
        total = 0.0
        model.train()
        for batch in train[torch.randperm(len(train))].split(BATCH):
            optimizer.zero_grad()
            loss = F.cross_entropy(model(augment(x[batch])), y[batch])
            loss.backward()
            optimizer.step()
            total += loss.item() * len(batch)
        schedule.step()
        model.eval()
        with torch.no_grad():
            hits = [model(x[batch]).argmax(1) == y[batch] for batch in test.split(100)]
        yield total / len(train), torch.cat(hits).float().mean().item()


def recorded(curves: dict[str, list]) -> dict[str, list]:
    """`curves`, and for each other way to train what benchmarks/transfer.py recorded; it says where and when.

    They map a way to the accuracies after each epoch, a list for each seed.
    """
    kept = json.loads(RECORDED.read_text())
    others = {way: runs for way, runs in kept["accuracies"].items() if way not in curves}
    where = ", ".join(kept[name] for name in ("backbone", "photos", "device", "date"))
    print(f"Here is no GPU. Recorded, not trained here ({where}): {', '.join(others)}.")
    return curves | others
