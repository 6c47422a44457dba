"""Notebook 11: loaders, training, evaluation, and what goes wrong with them."""

from __future__ import annotations

import copy
import re
from functools import partial

import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, Subset, TensorDataset

from .compare import close
from .exercise import Exercise, Misconception, case, question

# --- make_loaders


def _loaders(
    train_set,
    test_set,
    batch_size,
    seed,
    generator=lambda seed: torch.Generator().manual_seed(seed),
    shuffle=True,
    drop_last=False,
    test=(),
):
    """An answer to `make_loaders` with something changed; `test` changes settings of the test loader."""
    train = DataLoader(train_set, batch_size, shuffle=shuffle, drop_last=drop_last, generator=generator(seed))
    return train, DataLoader(test_set, **{"batch_size": batch_size, **dict(test)})


def _seen(loader):
    """The numbers of the images that one pass over a loader gives, batch by batch, and their labels."""
    batches = [(x.flatten().long().tolist(), y.tolist()) for x, y in loader]
    return [x for x, _ in batches], [number for _, y in batches for number in y]


def _order(loader):
    return [number for batch in _seen(loader)[0] for number in batch]


def _two_epochs(loader):
    return _order(loader) + _order(loader)


def _loaded(work, train_labels, test_labels, batch_size, seed, look):
    """What can be seen of the two loaders; `look` says at what. Image i of a set holds the number i in its pixel
    (of the test set, 1000 + i)."""

    def made(seed=seed):
        sets = [
            TensorDataset(first + torch.arange(float(len(labels)))[:, None, None, None], labels)
            for first, labels in ((0, train_labels), (1000, test_labels))
        ]
        train, test = work(*sets, batch_size, seed)
        return train, test

    train, test = made()
    if look == "training batches":
        epochs = [_seen(train) for _ in range(2)]
        images, labels = [number for batch in epochs[0][0] for number in batch], epochs[0][1]
        return {
            "sizes of the batches in two epochs": [[len(batch) for batch in batches] for batches, _ in epochs],
            "images in an epoch, sorted": sorted(images),
            "each image has its own label": dict(zip(images, labels, strict=True))
            == dict(enumerate(train_labels.tolist())),
        }
    if look == "shuffling":
        first, second = _order(train), _order(train)
        return {
            "another order than in the set": first != sorted(first),
            "a new order in the second epoch": first != second,
        }
    if look == "seed":
        torch.rand(3)
        orders = [_two_epochs(made(number)[0]) for number in (seed, seed + 1, seed)]
        later = made()[0]
        torch.rand(3)
        return {
            "the same seed gives the same order": orders[0] == orders[2],
            "random numbers drawn by others do not change it": orders[0] == _two_epochs(later),
            "another seed gives another order": orders[0] != orders[1],
        }
    batches, labels = _seen(test)
    return {
        "sizes of the test batches": [len(batch) for batch in batches],
        "test images, in their order": [number for batch in batches for number in batch],
        "their labels": labels,
    }


LOOKS = {
    "training: every image once, with its label, the last batch as well": "training batches",
    "training: shuffled anew in every epoch": "shuffling",
    "training: the order comes from the seed alone": "seed",
    "test: in order and whole": "test",
}


def _loader_cases(draw):
    def labels(count):
        return torch.tensor([draw.integer(0, 9) for _ in range(count)])

    for look in LOOKS.values():
        batch_size = 4
        given = {"train_labels": labels(18), "test_labels": labels(10), "batch_size": batch_size, "seed": 0}
        yield case("the worked example", **given, look=look)
    for aspect, look in LOOKS.items():
        for _ in range(5):
            batch_size = draw.integer(3, 7)
            count, test_count = (batch_size * draw.integer(2, 4) + draw.integer(1, batch_size - 1) for _ in "ab")
            yield case(
                aspect,
                train_labels=labels(count + 12),
                test_labels=labels(test_count),
                batch_size=batch_size,
                seed=draw.integer(1, 999),
                look=look,
            )


def _apart(train_set, test_set, batch_size, seed):
    images, labels = train_set.tensors
    generator = torch.Generator().manual_seed(seed)
    mixed = TensorDataset(images[torch.randperm(len(images), generator=generator)], labels)
    return _loaders(mixed, test_set, batch_size, seed)


def _shuffled_once(train_set, test_set, batch_size, seed):
    order = torch.randperm(len(train_set), generator=torch.Generator().manual_seed(seed)).tolist()
    return _loaders(Subset(train_set, order), test_set, batch_size, seed, shuffle=False)


def _global_seed(train_set, test_set, batch_size, seed):
    torch.manual_seed(seed)
    return _loaders(train_set, test_set, batch_size, seed, generator=lambda seed: None)


make_loaders = Exercise(
    name="make_loaders",
    reference=_loaders,
    cases=_loader_cases,
    points=5,
    difficulty=2,
    minutes=8,
    call=_loaded,
    misconceptions=(
        Misconception(
            "no generator",
            lambda *given: _loaders(*given, generator=lambda seed: None),
            "The order comes from torch's global random numbers, so your seed does nothing. Give the training "
            "loader its own generator=torch.Generator().manual_seed(seed).",
        ),
        Misconception(
            "the global seed set",
            _global_seed,
            "torch.manual_seed sets the numbers that everybody draws from. Whatever draws in between, a new model "
            "for example, changes your order. A generator of its own is the loader's alone.",
        ),
        Misconception(
            "seed not used",
            lambda *given: _loaders(*given, generator=lambda seed: torch.Generator().manual_seed(0)),
            "Every seed gives the same order. Hand your argument seed on to the generator's manual_seed.",
        ),
        Misconception(
            "training not shuffled",
            lambda *given: _loaders(*given, shuffle=False),
            "The training images come in the order of the set, in every epoch. Say shuffle=True.",
        ),
        Misconception(
            "shuffled once for all epochs",
            _shuffled_once,
            "The order is random, but every epoch repeats it. A DataLoader with shuffle=True draws a new order "
            "each time it is looped over.",
        ),
        Misconception(
            "test shuffled",
            lambda *given: _loaders(*given, test={"shuffle": True}),
            "The test images come in a random order. Nothing is learned from them, so it helps nobody, and you "
            "can no longer tell which prediction belongs to which image.",
        ),
        Misconception(
            "last training batch dropped",
            lambda *given: _loaders(*given, drop_last=True),
            "drop_last=True leaves out the images that do not fill a batch. Every training image belongs to the "
            "epoch: the last batch may be shorter.",
        ),
        Misconception(
            "last test batch dropped",
            lambda *given: _loaders(*given, test={"drop_last": True}),
            "The end of the test set is missing, because its last batch was not full. An accuracy is about all of "
            "the test images: do not drop any.",
        ),
        Misconception(
            "both last batches dropped",
            lambda *given: _loaders(*given, drop_last=True, test={"drop_last": True}),
            "drop_last=True loses images at the end of both sets. A shorter last batch does no harm; missing "
            "images do.",
        ),
        Misconception(
            "labels shuffled apart from images",
            _apart,
            "Images and labels no longer belong together: one was shuffled without the other. Let the DataLoader "
            "shuffle, which draws numbers of whole examples.",
        ),
        Misconception(
            "loaders swapped",
            lambda *given: _loaders(*given)[::-1],
            "You return the test loader first. Training comes first, then test.",
        ),
        Misconception(
            "training set used twice",
            lambda train_set, test_set, *given: _loaders(train_set, train_set, *given),
            "Your second loader gives training images. Who tests on what was trained on finds out nothing.",
        ),
        Misconception(
            "batch size forgotten",
            lambda train_set, test_set, batch_size, seed: _loaders(train_set, test_set, 1, seed),
            "Every batch holds one image, which is DataLoader's default. Hand batch_size on.",
        ),
        Misconception(
            "batch size fixed",
            lambda train_set, test_set, batch_size, seed: _loaders(train_set, test_set, 32, seed),
            "Your batches hold 32 images whatever is asked for. Use the argument batch_size.",
        ),
        Misconception(
            "whole test set in one batch",
            lambda *given: _loaders(*given, test={"batch_size": len(given[1])}),
            "All the test images are in one batch. That fits into memory for small sets only: batch_size is for "
            "both loaders.",
        ),
        Misconception(
            "test batch size forgotten",
            lambda *given: _loaders(*given, test={"batch_size": 1}),
            "The test loader gives one image at a time, which is slow. Hand batch_size on to both loaders.",
        ),
    ),
)

# --- training and evaluating a small network with known weights

SIDES = ((4, 3), (3, 4), (5, 3))
CLASSES = 3


def _network(state):
    """A network with batch normalisation, so that the mode it runs in can be told from its state afterwards.

    The convolution has no bias: its gradient would be nothing but rounding, which Adam makes large.
    """
    features = state["4.weight"].shape[1]
    model = nn.Sequential(
        nn.Conv2d(1, 2, 2, bias=False), nn.BatchNorm2d(2), nn.ReLU(), nn.Flatten(), nn.Linear(features, CLASSES)
    )
    model.to(state["4.weight"].dtype).load_state_dict(state)
    return model


def _state(draw, height, width):
    def small(*shape):
        return draw.tensor(*shape, dtype=torch.float64) / 8

    features = 2 * (height - 1) * (width - 1)
    return {
        "0.weight": small(2, 1, 2, 2),
        "1.weight": small(2),
        "1.bias": small(2),
        "1.running_mean": small(2),
        "1.running_var": small(2).abs() + 0.5,
        "1.num_batches_tracked": torch.tensor(0),
        "4.weight": small(CLASSES, features),
        "4.bias": small(CLASSES),
    }


OPTIMISERS = {
    "SGD": lambda parameters: torch.optim.SGD(parameters, lr=0.05),
    "SGD with long steps": lambda parameters: torch.optim.SGD(parameters, lr=2.0),
    "SGD with momentum": lambda parameters: torch.optim.SGD(parameters, lr=0.02, momentum=0.9),
    "Adam": lambda parameters: torch.optim.Adam(parameters, lr=0.02),
}


class _Stream:
    """Gives batches, and has nothing else that a DataLoader has."""

    def __init__(self, batches):
        self._batches = batches

    def __iter__(self):
        return iter(self._batches)


def _loader(images, labels, batch_size, kind):
    loader = DataLoader(TensorDataset(images, labels), batch_size)
    return loader if kind == "DataLoader" else list(loader) if kind == "list" else _Stream(list(loader))


def _ready(state, training, optimiser, leftover):
    """The network in its mode, and its optimiser; with gradients from before where there is a `leftover`."""
    model = _network(state).train(training)
    if leftover:
        for one in model.parameters():
            one.grad = torch.full_like(one, leftover)
    return model, OPTIMISERS[optimiser](model.parameters())


def _numbers(returned):
    """Tensors of one number as that number, in a list as well: either will do."""
    if isinstance(returned, list):
        return [_numbers(one) for one in returned]
    return returned.item() if isinstance(returned, torch.Tensor) and returned.ndim == 0 else returned


def _same(actual, expected):
    """`close`, and where a returned number is wrong, what it is and what it should be."""
    fault = close(actual, expected)
    if found := re.match(r"returned(?:\[(\d+)\])?: 1 of 1 ", fault or ""):
        pair = actual["returned"], expected["returned"]
        yours, right = (one[int(found[1])] for one in pair) if found[1] else pair
        return f"{found[0].partition(':')[0]}: {yours:.8g}, expected {right:.8g}"
    return fault


def _after(returned, model):
    several = returned if isinstance(returned, list | tuple) else [returned]
    return {
        "returned": _numbers(returned),
        "it holds on to the graph": any(isinstance(one, torch.Tensor) and one.requires_grad for one in several),
        "weights": model.state_dict(),
    }


def _trained(work, state, images, labels, batch_size, loader, optimiser, training, leftover):
    """An epoch of training: what it returns, and the model's state_dict afterwards."""
    model, opt = _ready(state, training, optimiser, leftover)
    return _after(work(model, _loader(images, labels, batch_size, loader), opt), model)


def _data(draw, count):
    height, width = draw.choice(SIDES)
    return {
        "state": _state(draw, height, width),
        "images": draw.tensor(count, 1, height, width, dtype=torch.float64) / 4,
        "labels": torch.tensor([draw.integer(0, CLASSES - 1) for _ in range(count)]),
    }


def _epoch_cases(draw):
    def one(aspect, batch_size, rest=0, loader="DataLoader", optimiser="SGD", training=True, leftover=0.0):
        data = _data(draw, batch_size * draw.integer(2, 4) + rest)
        how = {"batch_size": batch_size, "loader": loader, "optimiser": optimiser}
        return case(aspect, **data, **how, training=training, leftover=leftover)

    yield one("the worked example", 4)
    for _ in range(5):
        yield one("the weights after a few steps", draw.integer(3, 6))
    for _ in range(5):
        batch_size = draw.integer(4, 6)
        yield one("a last batch that is shorter", batch_size, rest=draw.integer(2, batch_size - 2))
    for optimiser in ("SGD with momentum", "Adam") * 2:
        yield one("optimisers with a memory", draw.integer(3, 6), optimiser=optimiser)
    for leftover in (0.5, -1.0, 2.0):
        yield one("gradients left over from before", draw.integer(3, 6), leftover=leftover)
    for _ in range(3):
        yield one("a model handed over in eval mode", draw.integer(3, 6), training=False)
    for loader in ("list", "stream") * 2:
        yield one("batches that are no DataLoader", draw.integer(3, 6), loader=loader)


def _epoch(
    model,
    loader,
    opt,
    mode=lambda model: model.train(),
    zero="before",
    criterion=F.cross_entropy,
    step=True,
    take=None,
    result=lambda losses, sizes, loader: sum(n * one for n, one in zip(sizes, losses, strict=True)) / sum(sizes),
    keep=torch.Tensor.item,
    optimiser=lambda model, opt: opt,
):
    """An answer to `train_epoch` with something changed."""
    opt = optimiser(model, opt)
    mode(model)
    losses, sizes = [], []
    if zero == "once":
        opt.zero_grad()
    for x, y in loader:
        if zero == "before":
            opt.zero_grad()
        loss = criterion(model(x), y)
        loss.backward()
        if step:
            opt.step()
        if zero == "after":
            opt.zero_grad()
        losses.append(keep(loss))
        sizes.append(len(x))
        if len(losses) == take:
            break
    return result(losses, sizes, loader)


def _step_at_the_end(model, loader, opt):
    opt.zero_grad()
    returned = _epoch(model, loader, opt, zero="never", step=False)
    opt.step()
    return returned


def _loss_after_step(model, loader, opt):
    model.train()
    total = count = 0
    for x, y in loader:
        opt.zero_grad()
        F.cross_entropy(model(x), y).backward()
        opt.step()
        total += F.cross_entropy(model(x), y).item() * len(x)
        count += len(x)
    return total / count


def _softmax_first(logits, labels):
    return F.cross_entropy(logits.softmax(1), labels)


def _summed(logits, labels):
    return F.cross_entropy(logits, labels, reduction="sum")


def _own_sgd(model, opt):
    return torch.optim.SGD(model.parameters(), lr=0.01)


def _own_adam(model, opt):
    return torch.optim.Adam(model.parameters(), lr=0.001)


NO_STEP = (
    "The weights are what they were before. In each step: opt.zero_grad(), loss.backward(), opt.step(), in this "
    "order. Is one of them missing, or does zero_grad come between the other two?"
)

train_epoch = Exercise(
    name="train_epoch",
    reference=_epoch,
    cases=_epoch_cases,
    points=7,
    difficulty=3,
    minutes=12,
    call=_trained,
    compare=_same,
    misconceptions=(
        Misconception(
            "no zero_grad",
            partial(_epoch, zero="never"),
            "backward() adds to the gradients that are there. Without opt.zero_grad() every step uses the sum of "
            "all gradients so far.",
        ),
        Misconception(
            "zero_grad once, before the loop",
            partial(_epoch, zero="once"),
            "You clear the gradients once for the whole epoch. They pile up from the second batch on: clear them "
            "in every step.",
        ),
        Misconception(
            "zero_grad only after the step",
            partial(_epoch, zero="after"),
            "Your first step still uses the gradients that somebody else left behind. Clear them before "
            "backward(), and it does not matter what was there.",
        ),
        Misconception("no step taken", partial(_epoch, step=False), NO_STEP),
        Misconception(
            "one step for the whole epoch",
            _step_at_the_end,
            "opt.step() stands after the loop, so the epoch makes one step with the sum of all gradients. Every "
            "batch makes a step.",
        ),
        Misconception(
            "mean of batch losses",
            partial(_epoch, result=lambda losses, sizes, loader: sum(losses) / len(losses)),
            "The training is right; the loss you return is the mean over batches. A short last batch then counts "
            "as much as a full one. Add up loss * len(x), and divide by the number of examples.",
        ),
        Misconception(
            "sum of batch losses",
            partial(_epoch, result=lambda losses, sizes, loader: sum(losses)),
            "You return the sum of the batches' losses, which grows with their number. Asked for is the mean per "
            "example.",
        ),
        Misconception(
            "sum over all examples",
            partial(
                _epoch,
                result=lambda losses, sizes, loader: sum(n * one for n, one in zip(sizes, losses, strict=True)),
            ),
            "You add up the loss of every example, and do not divide by how many there were.",
        ),
        Misconception(
            "divided by the number of batches",
            partial(
                _epoch,
                result=lambda losses, sizes, loader: (
                    sum(n * one for n, one in zip(sizes, losses, strict=True)) / len(sizes)
                ),
            ),
            "You add up loss * len(x), which is a sum over examples, and then divide by the number of batches. "
            "Divide by the number of examples.",
        ),
        Misconception(
            "last loss only",
            partial(_epoch, result=lambda losses, sizes, loader: losses[-1]),
            "You return the loss of the last batch alone. It jumps from batch to batch: take the mean over all "
            "the examples of the epoch.",
        ),
        Misconception(
            "returned inside the loop",
            partial(_epoch, take=1),
            "Only the first batch was used: your `return` stands inside the loop. Move it to the left.",
        ),
        Misconception(
            "softmax before cross_entropy",
            partial(_epoch, criterion=_softmax_first),
            "F.cross_entropy contains the softmax. With one of your own before it, probabilities are taken for "
            "logits: the loss cannot come near 0, and gradients are small. Hand it what the model returns.",
        ),
        Misconception(
            "nll_loss on logits",
            partial(_epoch, criterion=F.nll_loss),
            "F.nll_loss expects the logarithms of probabilities, and your model returns logits. F.cross_entropy "
            "does both steps.",
        ),
        Misconception(
            "loss summed over the batch",
            partial(
                _epoch,
                criterion=_summed,
                result=lambda losses, sizes, loader: sum(losses) / sum(sizes),
            ),
            'With reduction="sum" the gradient grows with the batch size, and so does every step. Differentiate '
            "the mean, which is what F.cross_entropy gives by itself.",
        ),
        Misconception(
            "model.train() forgotten",
            partial(_epoch, mode=lambda model: None),
            "Somebody may have left the model in eval mode, after an evaluation for example. Then dropout is off "
            "and batch normalisation frozen. Begin with model.train().",
        ),
        Misconception(
            "trained in eval mode",
            partial(_epoch, mode=lambda model: model.eval()),
            "You switch to eval mode, in which dropout is off and batch normalisation does not learn. Training "
            "wants model.train().",
        ),
        Misconception(
            "loss measured after the step",
            _loss_after_step,
            "You run the model a second time after the step. That is half of the time wasted, batch normalisation "
            "sees everything twice, and the loss flatters. Keep the loss that you differentiated.",
        ),
        Misconception(
            "count taken from loader.dataset",
            partial(
                _epoch,
                result=lambda losses, sizes, loader: (
                    sum(n * one for n, one in zip(sizes, losses, strict=True)) / len(loader.dataset)
                ),
            ),
            "len(loader.dataset) works with a DataLoader only, and is wrong where batches are left out. Count the "
            "examples as they come: count += len(x).",
        ),
        Misconception(
            "graph kept",
            partial(_epoch, keep=lambda loss: loss),
            "Your loss is still tied to the graph of every batch, and all of them stay in memory. Take the number "
            "out at once: loss.item().",
        ),
        Misconception(
            "an SGD of your own",
            partial(_epoch, optimiser=_own_sgd),
            "You made a new optimiser, with settings of its own, and opt is not used. Whoever calls the function "
            "chooses the optimiser.",
        ),
        Misconception(
            "an Adam of your own",
            partial(_epoch, optimiser=_own_adam),
            "You made a new Adam inside the function. It forgets its memory in each epoch, and the one that was "
            "handed over does nothing.",
        ),
    ),
)

# --- overfit_one_batch


def _overfitted(work, state, images, labels, steps, optimiser, training, leftover):
    """Training on one batch: what is returned, and the model's state_dict afterwards."""
    model, opt = _ready(state, training, optimiser, leftover)
    return _after(work(model, (images, labels), opt, steps), model)


def _overfit_cases(draw):
    def one(aspect, steps, optimiser="SGD", training=True, leftover=0.0):
        data = _data(draw, draw.integer(4, 7))
        return case(aspect, **data, steps=steps, optimiser=optimiser, training=training, leftover=leftover)

    yield one("the worked example", 3)
    for optimiser in ("SGD", "SGD with long steps") * 4:  # long steps: losses that go up as well
        yield one("weights and losses, step by step", draw.integer(3, 6), optimiser)
    for steps in (1, 2, 0):
        yield one("few steps, or none", steps)
    for optimiser in ("SGD with momentum", "Adam") * 2:
        yield one("optimisers with a memory", draw.integer(3, 6), optimiser=optimiser)
    for leftover in (0.5, -1.0, 2.0):
        yield one("gradients left over from before", draw.integer(3, 6), leftover=leftover)
    for _ in range(4):
        yield one("a model handed over in eval mode", draw.integer(3, 6), training=False)


def _overfit(model, batch, opt, steps, result=lambda losses: losses, **changed):
    """An answer to `overfit_one_batch` with something changed."""
    losses = _epoch(model, [batch] * steps, opt, result=lambda losses, sizes, loader: losses, **changed)
    return result(losses)


def _losses_after(model, batch, opt, steps):
    model.train()
    losses = []
    for _ in range(steps):
        opt.zero_grad()
        F.cross_entropy(model(batch[0]), batch[1]).backward()
        opt.step()
        with torch.no_grad():
            losses.append(F.cross_entropy(model(batch[0]), batch[1]).item())
    return losses


def _example_by_example(model, batch, opt, steps):
    model.train()
    losses = []
    for step in range(steps):
        i = step % len(batch[0])
        opt.zero_grad()
        loss = F.cross_entropy(model(batch[0][i : i + 1]), batch[1][i : i + 1])
        loss.backward()
        opt.step()
        losses.append(loss.item())
    return losses


overfit_one_batch = Exercise(
    name="overfit_one_batch",
    reference=_overfit,
    cases=_overfit_cases,
    points=4,
    difficulty=2,
    minutes=6,
    call=_overfitted,
    compare=_same,
    misconceptions=(
        Misconception(
            "no zero_grad",
            partial(_overfit, zero="never"),
            "The gradients of all steps add up, so the steps get longer and longer. opt.zero_grad() in every "
            "step.",
        ),
        Misconception(
            "zero_grad once, before the loop",
            partial(_overfit, zero="once"),
            "opt.zero_grad() belongs into the loop: backward() adds to what the step before has left.",
        ),
        Misconception(
            "zero_grad only after the step",
            partial(_overfit, zero="after"),
            "Gradients may be there before your first step. Clear them before backward().",
        ),
        Misconception("no step taken", partial(_overfit, step=False), NO_STEP),
        Misconception(
            "losses after the steps",
            _losses_after,
            "You run the model once more after each step for its loss. Asked for is the loss that each step "
            "starts from: it is there already.",
        ),
        Misconception(
            "last loss only",
            partial(_overfit, result=lambda losses: losses[-1] if losses else 0.0),
            "You return one number. To see whether the loss falls, one needs them all: a list, a loss for each "
            "step.",
        ),
        Misconception(
            "mean of the losses",
            partial(_overfit, result=lambda losses: sum(losses) / max(len(losses), 1)),
            "You return the mean. It hides what we want to see, the way down: return the list.",
        ),
        Misconception(
            "a tensor of losses",
            partial(_overfit, result=lambda losses: torch.tensor(losses, dtype=torch.float64)),
            "You return a tensor. Asked for is a list of floats, which is easy to plot and to append to.",
        ),
        Misconception(
            "one step too many",
            lambda model, batch, opt, steps: _overfit(model, batch, opt, steps + 1),
            "You make one step more than asked for. range(steps) counts from 0 to steps - 1.",
        ),
        Misconception(
            "one step too few",
            lambda model, batch, opt, steps: _overfit(model, batch, opt, max(steps - 1, 0)),
            "You make one step less than asked for. range(1, steps) leaves one out: range(steps).",
        ),
        Misconception(
            "one step only",
            lambda model, batch, opt, steps: _overfit(model, batch, opt, min(steps, 1)),
            "You stop after one step: is your `return` inside the loop?",
        ),
        Misconception(
            "graph kept",
            partial(_overfit, keep=lambda loss: loss),
            "Your list holds tensors that are tied to their graphs, and all of these stay in memory. Append "
            "loss.item().",
        ),
        Misconception(
            "softmax before cross_entropy",
            partial(_overfit, criterion=_softmax_first),
            "F.cross_entropy contains the softmax. With a second one the loss stays far above 0, and this test "
            "would tell you that something is wrong when only the test is.",
        ),
        Misconception(
            "loss summed over the batch",
            partial(_overfit, criterion=_summed),
            'reduction="sum" multiplies loss and gradient by the number of images. Take the mean, the default.',
        ),
        Misconception(
            "model.train() forgotten",
            partial(_overfit, mode=lambda model: None),
            "The model came in eval mode, and you left it there. Begin with model.train().",
        ),
        Misconception(
            "trained in eval mode",
            partial(_overfit, mode=lambda model: model.eval()),
            "You switched to eval mode. It is for measuring; here we train: model.train().",
        ),
        Misconception(
            "a copy trained",
            lambda model, batch, opt, steps: _overfit(
                twin := copy.deepcopy(model), batch, type(opt)(twin.parameters(), **opt.defaults), steps
            ),
            "The losses are right, but the model that was handed over is untouched: you trained a copy of it. "
            "Train the model itself.",
        ),
        Misconception(
            "one image at a time",
            _example_by_example,
            "Each of your steps uses one image. A step uses the whole batch.",
        ),
    ),
)

# --- evaluate


def _evaluated(work, state, images, labels, batch_size, loader, training):
    """An evaluation: the accuracy, and what has become of the model."""
    model = _network(state).train(training)
    recorded = []
    model.register_forward_hook(lambda module, given, output: recorded.append(output.requires_grad))
    returned = work(model, _loader(images, labels, batch_size, loader))
    return {
        "returned": _numbers(returned),
        "gradients recorded": any(recorded),
        "training mode afterwards": model.training,
        "parameters still trainable": all(one.requires_grad for one in model.parameters()),
        "weights": model.state_dict(),
    }


def _wrong_ones(draw, count, batch_size):
    """Which answers to make wrong, about a third: not half, nor as many of the first or last batch."""
    while True:
        wrong = torch.tensor([draw.integer(0, 2) == 1 for _ in range(count)])
        wrong[0], wrong[-2], wrong[-1] = False, False, True
        batches = wrong.float().split(batch_size)
        part = wrong.float().mean()
        if part not in (0.5, batches[0].mean(), batches[-1].mean()):
            return wrong


def _evaluate_cases(draw):
    def one(aspect, batch_size, batches, rest=0, loader="DataLoader", training=False):
        data = _data(draw, batch_size * batches + rest)
        model = _network(data["state"]).eval()
        with torch.no_grad():
            right = model(data["images"]).argmax(1)
        wrong = _wrong_ones(draw, len(right), batch_size)
        data["labels"] = torch.where(wrong, (right + 1) % CLASSES, right)
        return case(aspect, **data, batch_size=batch_size, loader=loader, training=training)

    yield one("the worked example", 4, 3)
    for _ in range(5):
        yield one("the accuracy", draw.integer(3, 6), draw.integer(2, 4))
    for _ in range(6):
        yield one("a last batch that is shorter", draw.integer(4, 6), draw.integer(2, 4), rest=2)
    for _ in range(6):
        yield one("a model handed over in training mode", draw.integer(3, 6), draw.integer(2, 4), training=True)
    for loader in ("list", "stream") * 2:
        yield one("batches that are no DataLoader", draw.integer(3, 6), draw.integer(2, 4), loader=loader)


def _evaluate(
    model,
    loader,
    before=lambda model: model.eval(),
    after=lambda model, was: model.train(was),
    hits=lambda logits, y: (logits.argmax(1) == y).sum().item(),
    result=lambda right, sizes, loader: sum(right) / sum(sizes),
    take=None,
    grad=False,
):
    """An answer to `evaluate` with something changed."""
    was = model.training
    before(model)
    right, sizes = [], []
    with torch.set_grad_enabled(grad):
        for x, y in loader:
            right.append(hits(model(x), y))
            sizes.append(len(y))
            if len(sizes) == take:
                break
    after(model, was)
    return result(right, sizes, loader)


def _frozen(model):
    model.eval()
    model.requires_grad_(False)


evaluate = Exercise(
    name="evaluate",
    reference=_evaluate,
    cases=_evaluate_cases,
    points=5,
    difficulty=2,
    minutes=8,
    call=_evaluated,
    compare=_same,
    misconceptions=(
        Misconception(
            "evaluation in train mode",
            partial(_evaluate, before=lambda model: None),
            "The model ran in the mode it came in. In training mode dropout throws dice, and batch normalisation "
            "looks at the other images of the batch and even learns from the test set. model.eval() first.",
        ),
        Misconception(
            "train mode switched on",
            partial(_evaluate, before=lambda model: model.train()),
            "You call model.train() before testing. That is for training: dropout throws dice and batch "
            "normalisation learns from the test set. Testing wants model.eval().",
        ),
        Misconception(
            "left in eval mode",
            partial(_evaluate, after=lambda model, was: None),
            "The model stays in eval mode, and the next epoch would train without dropout. Remember "
            "model.training at the start, and put it back: model.train(was_training).",
        ),
        Misconception(
            "always train mode afterwards",
            partial(_evaluate, after=lambda model, was: model.train()),
            "A model that came in eval mode goes back in training mode. Put back what was there: "
            "model.train(was_training) takes True or False.",
        ),
        Misconception(
            "gradients recorded",
            partial(_evaluate, grad=True),
            "Autograd takes notes for a backward pass that never comes, and they cost memory and time. Wrap the "
            "loop in `with torch.no_grad():`.",
        ),
        Misconception(
            "frozen for good",
            partial(_evaluate, before=_frozen),
            "You switched requires_grad off in the parameters and left it so: the model can no longer be trained. "
            "`with torch.no_grad():` is over when its block is.",
        ),
        Misconception(
            "mean of batch accuracies",
            partial(
                _evaluate,
                result=lambda right, sizes, loader: (
                    sum(one / n for one, n in zip(right, sizes, strict=True)) / len(sizes)
                ),
            ),
            "You average the accuracies of the batches, so that each image of a short last batch counts more than "
            "others. Count what is right, and divide once by the number of images.",
        ),
        Misconception(
            "number instead of share",
            partial(_evaluate, result=lambda right, sizes, loader: float(sum(right))),
            "This is how many are right. Divide by how many there are.",
        ),
        Misconception(
            "percent",
            partial(_evaluate, result=lambda right, sizes, loader: 100 * sum(right) / sum(sizes)),
            "You return percent. Asked for is a share, from 0 to 1.",
        ),
        Misconception(
            "error rate",
            partial(_evaluate, result=lambda right, sizes, loader: 1 - sum(right) / sum(sizes)),
            "This is the share that is wrong. Count where prediction and label are equal.",
        ),
        Misconception(
            "divided by the number of batches",
            partial(_evaluate, result=lambda right, sizes, loader: sum(right) / len(sizes)),
            "len(loader) is the number of batches. Divide by the number of images.",
        ),
        Misconception(
            "every batch counted as full",
            partial(_evaluate, result=lambda right, sizes, loader: sum(right) / (len(sizes) * sizes[0])),
            "You take every batch to be as large as the first. The last one may be shorter: count the images as "
            "they come.",
        ),
        Misconception(
            "count taken from loader.dataset",
            partial(_evaluate, result=lambda right, sizes, loader: sum(right) / len(loader.dataset)),
            "Only a DataLoader has a dataset, and we also want to test on a part of it. Count the images as they "
            "come: count += len(y).",
        ),
        Misconception(
            "whole-number division",
            partial(_evaluate, result=lambda right, sizes, loader: float(sum(right) // sum(sizes))),
            "// throws the fraction away, so that only 0 and 1 are left. Divide with /.",
        ),
        Misconception(
            "returned inside the loop",
            partial(_evaluate, take=1),
            "Only the first batch was tested: is your `return` inside the loop?",
        ),
        Misconception(
            "last batch only",
            partial(_evaluate, result=lambda right, sizes, loader: right[-1] / sizes[-1]),
            "This is the accuracy on the last batch. Add the counts up over all batches.",
        ),
        Misconception(
            "argmax over the batch",
            partial(_evaluate, hits=lambda logits, y: (logits.argmax(0) == y).sum().item()),
            "argmax(0) looks down the batch: for each class, which image has most of it. For each image you want "
            "the class: argmax(1).",
        ),
        Misconception(
            "argmax without an axis",
            partial(_evaluate, hits=lambda logits, y: (logits.argmax() == y).sum().item()),
            "argmax() without an axis gives one number for the whole batch. For each image you want its class: "
            "argmax(1).",
        ),
        Misconception(
            "loss for accuracy",
            partial(_evaluate, hits=lambda logits, y: F.cross_entropy(logits, y, reduction="sum").item()),
            "You return the mean loss. An accuracy counts how often the largest logit is at the label.",
        ),
    ),
)

# --- predictions

predicted_batches = question(
    "predicted_batches",
    "sha256:db4e527875ac322a",
    Misconception(
        "last batch dropped",
        "sha256:d787c6611adcf09a",
        "937 full batches hold 59,968 images. The other 32 make one more, shorter batch.",
    ),
    Misconception(
        "batch size for number of batches",
        "sha256:7a23853d21dd8225",
        "64 is how many images a batch holds, not how many batches there are.",
    ),
    Misconception(
        "a step for each image",
        "sha256:a16a7ad4dd2e5e67",
        "One step is made for a whole batch of 64 images.",
    ),
)

predicted_flatten = question(
    "predicted_flatten",
    "sha256:682386d19d9ad73b",
    Misconception(
        "padding of the last pool overlooked",
        "sha256:3f7da8396fc3d62e",
        "Without padding 7 would become 3, and 128 · 3 · 3 = 1152. With one cell on each side the rows count 9, "
        "and (9 - 2) // 2 + 1 = 4.",
    ),
    Misconception(
        "channels forgotten",
        "sha256:9da0969458b4cdf4",
        "4 · 4 is one map. There are 128 of them.",
    ),
    Misconception(
        "last pool forgotten",
        "sha256:5df164e460f12828",
        "128 · 7 · 7 come into the last pool. It halves each side once more.",
    ),
)

predicted_untrained = question(
    "predicted_untrained",
    "sha256:8d81f287128842b0",
    Misconception(
        "no loss yet",
        "sha256:d8d9b516872f2e9f",
        "0 would mean that it is sure and always right. It knows nothing yet.",
    ),
    Misconception(
        "share of mistakes",
        "sha256:fe0f58b518b655f6",
        "Nine guesses of ten are wrong, but the loss is not the share of mistakes. It is minus the logarithm of "
        "the probability that the true class gets, 1/10.",
    ),
    Misconception(
        "number of classes",
        "sha256:cb13f5d577082d6b",
        "There are 10 classes. The loss takes a logarithm: the natural one of 10.",
    ),
)

# --- find the bug: what each wrong cause would look like

bug_1 = question(
    "bug_1",
    "sha256:58d7239bb3a72021",
    Misconception(
        "batches averaged",
        "sha256:0b40181748f1d94c",
        "An average over batches comes out the same when you repeat it. Here the same test gives three results.",
    ),
    Misconception(
        "scale",
        "sha256:73b633871d4dcb64",
        "With another scale at test the training images would do worse through the test code than as in training. "
        "And a repeated test would give the same.",
    ),
    Misconception(
        "learned by heart",
        "sha256:5d3642bdecc9246c",
        "Then it would know the training images better. And something throws dice here: look at the repeated "
        "test.",
    ),
    Misconception(
        "too small",
        "sha256:94ebd0b25e70528a",
        "The sound trainer has the same network. And no network gives three results for one test, unless "
        "something throws dice.",
    ),
)

bug_2 = question(
    "bug_2",
    "sha256:309ee24e1cd3a666",
    Misconception(
        "no zero_grad",
        "sha256:f6b7158c04d2b986",
        "Without zero_grad the loss swings, and goes above where it began. This one lies still, at the loss of "
        "pure guessing.",
    ),
    Misconception(
        "too small",
        "sha256:97821aadf32677ac",
        "The same network learns well in the sound trainer. Here there is nothing to learn: why?",
    ),
    Misconception(
        "softmax",
        "sha256:cd6a68e1922f9562",
        "With a second softmax the loss falls slowly and the accuracy rises. Here neither moves.",
    ),
    Misconception(
        "scale",
        "sha256:ab58cafedba5622f",
        "The scale of the test images cannot disturb the training loss, and that does not fall either.",
    ),
)

bug_3 = question(
    "bug_3",
    "sha256:e3d1b8654763b799",
    Misconception(
        "learned by heart",
        "sha256:0fce0db06a7f3712",
        "A good guess when training is far better than test. But send the training images through the test code: "
        "they do badly as well.",
    ),
    Misconception(
        "test in training mode",
        "sha256:4c62b7a9bbe3201c",
        "In training mode dropout throws dice, and three tests would differ. These agree.",
    ),
    Misconception(
        "batches averaged",
        "sha256:004adc0cf36a2649",
        "Then the result would depend on the batch size. It does not.",
    ),
    Misconception(
        "shuffled apart",
        "sha256:38d3ba8f48c6857d",
        "Then the training loss could not fall, and it does.",
    ),
)

bug_4 = question(
    "bug_4",
    "sha256:9912fcf49fa49f08",
    Misconception(
        "no zero_grad",
        "sha256:919c525140e56c31",
        "Without zero_grad the loss swings and the network forgets. This one learns steadily; only its loss is "
        "far too high for so good an accuracy.",
    ),
    Misconception(
        "too small",
        "sha256:96b49a2923f1b098",
        "The accuracy is nearly that of the sound trainer, with the same network. What keeps the loss high when "
        "the answers are right?",
    ),
    Misconception(
        "shuffled apart",
        "sha256:5baf47312d80e41a",
        "Then no accuracy above chance could come out.",
    ),
)

bug_5 = question(
    "bug_5",
    "sha256:3ef47236ade8e248",
    Misconception(
        "shuffled apart",
        "sha256:60d1b45dc7da2281",
        "It begins to learn: look at the test accuracy after the first two epochs. With labels shuffled apart it "
        "never could.",
    ),
    Misconception(
        "softmax",
        "sha256:0aa970507e28875c",
        "A second softmax keeps the loss between 1.46 and 2.46 and the steps small. This loss jumps far above "
        "that.",
    ),
    Misconception(
        "too small",
        "sha256:fe4d24620a4acdcb",
        "The same network learns well in the sound trainer. Here the steps are too long: what makes them grow?",
    ),
    Misconception(
        "learned by heart",
        "sha256:1e0cff89feef53dd",
        "Then it would do well on the training images. It is at chance on both.",
    ),
)

bug_6 = question(
    "bug_6",
    "sha256:3b1a3c13f66ecc40",
    Misconception(
        "scale",
        "sha256:20b14b3884f50823",
        "Then the training images, through the test code, would do badly too. And why would the batch size "
        "matter?",
    ),
    Misconception(
        "test in training mode",
        "sha256:3408e4b897839542",
        "In training mode a repeated test gives other results. These agree to the last digit; only the batch size "
        "changes them.",
    ),
    Misconception(
        "learned by heart",
        "sha256:dbfa22bdd85090fb",
        "Look at the last row: in one batch of all 449 images the same network does as well as the sound one.",
    ),
)
