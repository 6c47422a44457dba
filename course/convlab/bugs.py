"""Six trainers with a fault each, for notebook 11. To read this file is one way to find the faults; try without.

They train a small edition of the tutorial's network (4, 8 and 16 filters, and dropout) on 2,000 digits of MNIST
and test it on 449, a number that leaves one image for the last batch: a hard one, number 1226 of the test set.
"""

from __future__ import annotations

import statistics
from dataclasses import dataclass, field

import torch
from torch import nn
from torch.nn import functional as F

TRAINING, EPOCHS, BATCH, SEED = 2000, 6, 20, 3
TEST = (*range(448), 1226)


def network() -> nn.Sequential:
    return nn.Sequential(
        *(nn.Conv2d(1, 4, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Conv2d(4, 8, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Conv2d(8, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2, padding=1)),
        *(nn.Flatten(), nn.Dropout(0.5), nn.Linear(256, 32), nn.ReLU(), nn.Linear(32, 10)),
    )


@dataclass
class Trainer:
    """Trains on images of raw pixels, 0 to 255; reports accuracies in percent. As it stands, it is sound."""

    train: tuple[torch.Tensor, torch.Tensor]
    losses: list[float] = field(default_factory=list)

    def __post_init__(self):
        torch.manual_seed(SEED)
        self.model = network()
        self.optimizer = torch.optim.Adam(self.model.parameters(), lr=0.002)
        self.train = self.pair(*self.train)

    def pair(self, raw, labels):
        return raw, labels

    def scaled(self, raw):
        return raw / 255

    def scaled_for_test(self, raw):
        return self.scaled(raw)

    def before_step(self):
        self.optimizer.zero_grad()

    def loss(self, logits, labels):
        return F.cross_entropy(logits, labels)

    def test_mode(self):
        self.model.eval()

    def summary(self, hits: list[torch.Tensor]) -> float:
        return torch.cat(hits).mean().item()

    def epoch(self):
        self.model.train()
        raw, labels = self.train
        for batch in torch.randperm(len(raw)).split(BATCH):
            self.before_step()
            loss = self.loss(self.model(self.scaled(raw[batch])), labels[batch])
            loss.backward()
            self.optimizer.step()
            self.losses.append(loss.item())

    @torch.no_grad()
    def test(self, raw, labels, batch=64, scaled=None) -> float:
        self.test_mode()
        x = (scaled or self.scaled_for_test)(raw)
        hits = [self.model(x).argmax(1) == y for x, y in zip(x.split(batch), labels.split(batch), strict=True)]
        return 100 * self.summary([one.float() for one in hits])


class InTrainingMode(Trainer):
    def test_mode(self):
        self.model.train()


class ShuffledApart(Trainer):
    def pair(self, raw, labels):
        return raw[torch.randperm(len(raw))], labels


class RawAtTest(Trainer):
    def scaled_for_test(self, raw):
        return raw


class SoftmaxFirst(Trainer):
    def loss(self, logits, labels):
        return F.cross_entropy(logits.softmax(1), labels)


class NoZeroGrad(Trainer):
    def before_step(self):
        pass


class MeanOfBatches(Trainer):
    def summary(self, hits):
        return statistics.mean(one.mean().item() for one in hits)


TRAINERS = {
    "sound": Trainer,
    "1": InTrainingMode,
    "2": ShuffledApart,
    "3": RawAtTest,
    "4": SoftmaxFirst,
    "5": NoZeroGrad,
    "6": MeanOfBatches,
}


@dataclass(frozen=True)
class Chart:
    """What can be seen of a trainer from outside: its loss at each step, and measurements (in percent)."""

    losses: list[float]
    rows: dict[str, str]


def charts(train, test) -> dict[str, Chart]:
    """Run all trainers, and a sound one, on two torchvision MNIST sets, and examine each in the same way."""
    kept = torch.tensor(TEST)
    training = train.data[:TRAINING, None].float(), train.targets[:TRAINING]
    testing = test.data[kept, None].float(), test.targets[kept]
    with torch.random.fork_rng(devices=[]):
        return {name: _examined(kind(training), testing) for name, kind in TRAINERS.items()}


def _examined(trainer: Trainer, testing) -> Chart:
    tests = []
    for _ in range(EPOCHS):
        trainer.epoch()
        tests.append(trainer.test(*testing))
    train = trainer.train
    percent = "{:.0f}".format
    rows = {
        "loss, mean of the last 20 steps": f"{statistics.mean(trainer.losses[-20:]):.2f}",
        "training images, scaled as in training": percent(trainer.test(*train, scaled=trainer.scaled)),
        "training images, through the test code": percent(trainer.test(*train)),
        "test images, after each epoch": " ".join(map(percent, tests)),
        "... the last test three times": " ".join(f"{trainer.test(*testing):.1f}" for _ in range(3)),
        "... in batches of 32, 64, 448, 449": " ".join(
            percent(trainer.test(*testing, batch)) for batch in (32, 64, 448, 449)
        ),
    }
    return Chart(trainer.losses, rows)
