"""How long to train on this machine, and what the training cells of a notebook share."""

from __future__ import annotations

import copy
import itertools
import os
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import torch
from torch import nn


@dataclass(frozen=True)
class Budget:
    """How much a training cell does: on which device, with how many images, for how many epochs."""

    device: str
    images: int
    test_images: int
    epochs: int

    def __str__(self):
        epochs = "1 epoch" if self.epochs == 1 else f"{self.epochs} epochs"
        return f"{epochs} of {self.images:,} images on {self.device}"


def budget() -> Budget:
    """The whole of MNIST: 15 epochs on a GPU, 1 on a CPU; 600 images where `is_marking`."""
    if is_marking():
        return Budget("cpu", 600, 300, 1)
    if torch.cuda.is_available():
        return Budget("cuda", 60_000, 10_000, 15)
    return Budget("cpu", 60_000, 10_000, 1)


def is_marking() -> bool:
    """Whether a program runs the notebook to mark it, so that training cells should be short.

    nbgrader sets NBGRADER_EXECUTION when it grades or validates (autograde.py and validator.py of version 0.9);
    the tests of this course set it too. Nothing that is graded reads it.
    """
    return bool(os.environ.get("NBGRADER_EXECUTION"))


def three_layers() -> nn.Sequential:
    """A known tutorial's network for MNIST: three convolutions and two linear layers.

    Two things differ. The ReLU after the first linear layer is applied; the tutorial makes it and then goes round
    it. And there is no dropout; the tutorial's drops with a probability of 0, which is the same.
    """
    model = nn.Sequential(
        *(nn.Conv2d(1, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Conv2d(32, 64, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Conv2d(64, 128, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2, padding=1)),
        *(nn.Flatten(), nn.Linear(128 * 4 * 4, 625), nn.ReLU(), nn.Linear(625, 10)),
    )
    for layer in model:
        if isinstance(layer, nn.Linear):
            nn.init.xavier_uniform_(layer.weight)
    return model


def parts(loader: Iterable, size: int) -> Iterator[list]:
    """The batches of `loader`, in lists of `size` (the last may be shorter): pauses in which to look at things."""
    batches = iter(loader)
    while part := list(itertools.islice(batches, size)):
        yield part


def seconds_ahead(train_epoch: Callable, model: nn.Module, loader, epochs: int) -> float:
    """How long `epochs` epochs will take, from a few steps with a copy of `model`; `loader` must have a length."""
    model = copy.deepcopy(model)
    optimizer = torch.optim.Adam(model.parameters())
    batches = list(itertools.islice(loader, 12))
    half = len(batches) // 2
    train_epoch(model, batches[:half], optimizer)  # the first steps are slower than the others
    start = time.perf_counter()
    train_epoch(model, batches[half:], optimizer)  # reading the loss waits for the GPU
    return (time.perf_counter() - start) / (len(batches) - half) * len(loader) * epochs


@torch.no_grad()
def answers(model: nn.Module, loader: Iterable) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """The images of `loader`, their labels, and the model's logits, on the CPU. The model is in eval mode then."""
    model.eval()
    found = [(x, y, model(x)) for x, y in loader]
    return tuple(torch.cat(column).cpu() for column in zip(*found, strict=True))
