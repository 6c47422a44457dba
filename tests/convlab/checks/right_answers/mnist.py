"""Right answers to the exercises of notebook 11, each written differently from the solution."""

import itertools

import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import BatchSampler, DataLoader, RandomSampler, SequentialSampler


def loaders_by_samplers(train_set, test_set, batch_size, seed):
    generator = torch.Generator()
    generator.manual_seed(seed)
    shuffled = RandomSampler(train_set, generator=generator)
    return (
        DataLoader(train_set, batch_size=batch_size, sampler=shuffled, num_workers=0),
        DataLoader(test_set, batch_sampler=BatchSampler(SequentialSampler(test_set), batch_size, drop_last=False)),
    )


class Shuffled:
    """A loader without DataLoader: its own order in every epoch, from a generator that goes on."""

    def __init__(self, dataset, batch_size, seed):
        self.dataset, self.batch_size = dataset, batch_size
        self.generator = torch.Generator().manual_seed(seed + 1) if seed is not None else None

    def __iter__(self):
        count = len(self.dataset)
        order = torch.randperm(count, generator=self.generator) if self.generator else torch.arange(count)
        for part in order.split(self.batch_size):
            images, labels = zip(*(self.dataset[int(i)] for i in part), strict=True)
            yield torch.stack(images), torch.stack(labels)


def loaders_by_hand(train_set, test_set, batch_size, seed):
    return Shuffled(train_set, batch_size, seed), Shuffled(test_set, batch_size, None)


def epoch_with_the_sum(model, loader, opt):
    """Differentiates the sum, divided; clears the gradients before and after."""
    model.train(True)
    losses, sizes = [], []
    for images, labels in loader:
        model.zero_grad()
        loss = F.cross_entropy(model(images), labels, reduction="sum")
        (loss / labels.numel()).backward()
        opt.step()
        opt.zero_grad()
        losses.append(loss.detach())
        sizes.append(labels.numel())
    return (torch.stack(losses).sum() / sum(sizes)).item()


def epoch_with_a_module(model, loader, opt):
    """A running mean, nn.CrossEntropyLoss, and gradients from autograd.grad."""
    model.train()
    criterion, mean, seen = nn.CrossEntropyLoss(), 0.0, 0
    parameters = list(model.parameters())
    for images, labels in loader:
        loss = criterion(model(images), labels)
        for one, gradient in zip(parameters, torch.autograd.grad(loss, parameters), strict=True):
            one.grad = gradient
        opt.step()
        seen += len(labels)
        mean += (float(loss) - mean) * len(labels) / seen
    return torch.tensor(mean, dtype=torch.float64)


def overfit_by_loop(model, batch, opt, steps):
    images, labels = batch
    model.train()
    losses = []
    while len(losses) < steps:
        opt.zero_grad(set_to_none=False)
        loss = F.nll_loss(F.log_softmax(model(images), dim=1), labels)
        loss.backward()
        opt.step()
        losses.append(loss.item())
    return losses


def overfit_by_repeat(model, batch, opt, steps):
    return [epoch_with_the_sum(model, [one], opt) for one in itertools.repeat(batch, steps)]


@torch.no_grad()
def evaluate_by_cat(model, loader):
    was = model.training
    model.train(False)
    hits = torch.cat([model(images).max(dim=1).indices.eq(labels) for images, labels in loader])
    model.train(was)
    return hits.double().mean()


def evaluate_by_trying(model, loader):
    was, right, count = model.training, 0.0, 0
    try:
        model.eval()
        with torch.inference_mode():
            for images, labels in loader:
                probabilities = model(images).softmax(dim=-1)
                for row, label in zip(probabilities, labels, strict=True):
                    right += int(row.argmax()) == int(label)
                    count += 1
    finally:
        model.train(was)
    return right / count


RIGHT = {
    "make_loaders": (loaders_by_samplers, loaders_by_hand),
    "train_epoch": (epoch_with_the_sum, epoch_with_a_module),
    "overfit_one_batch": (overfit_by_loop, overfit_by_repeat),
    "evaluate": (evaluate_by_cat, evaluate_by_trying),
}
