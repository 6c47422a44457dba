"""Right answers to the exercises of notebook 13, each written differently from the solution."""

import time

import torch
from torch import nn
from torch.nn import functional as F
from torch.utils._pytree import tree_map_only


def moved_by_pytree(batch, device):
    return tree_map_only(torch.Tensor, lambda x: x.to(device=device, non_blocking=True), batch)


def moved_by_trying(batch, device):
    if isinstance(batch, dict):
        return dict(zip(batch, (moved_by_trying(value, device) for value in batch.values()), strict=True))
    if isinstance(batch, list):
        return [moved_by_trying(item, device) for item in batch]
    if isinstance(batch, tuple):
        return tuple(moved_by_trying(item, device) for item in batch)
    return batch.to(device) if hasattr(batch, "to") else batch


def timed_by_nanoseconds(fn, synchronise, warmup, repeats):
    """One wait for the end of a call and the start of the next; a median by hand."""
    while warmup:
        fn()
        warmup -= 1
    synchronise()
    times = []
    while len(times) < repeats:
        begin = time.perf_counter_ns()
        fn()
        synchronise()
        times.append(time.perf_counter_ns() - begin)
    times.sort()
    return (times[(repeats - 1) // 2] + times[repeats // 2]) / 2 / 1e9


def timed_by_quantile(fn, synchronise, warmup, repeats):
    def once():
        synchronise()
        begin = time.perf_counter()
        fn()
        synchronise()
        return time.perf_counter() - begin

    for _ in range(warmup):
        fn()
    return torch.quantile(torch.tensor([once() for _ in range(repeats)], dtype=torch.float64), 0.5)


def amp_with_backward_inside(model, batch, opt, scaler, dtype):
    """Backward within autocast, a module for the loss, clipping by hand."""
    images, labels = batch
    for one in model.parameters():
        one.grad = None
    with torch.amp.autocast(device_type=images.device.type, dtype=dtype):
        loss = nn.CrossEntropyLoss()(model(images), labels)
        scaler.scale(loss).backward()
    scaler.unscale_(opt)
    norm = torch.stack([one.grad.norm() for one in model.parameters()]).norm()
    for one in model.parameters():
        one.grad.mul_((1 / (norm + 1e-6)).clamp(max=1.0))
    scaler.step(opt)
    scaler.update()
    return float(loss)


def amp_with_zero_grad_twice(model, batch, opt, scaler, dtype):
    opt.zero_grad(set_to_none=False)
    context = torch.autocast(batch[1].device.type, dtype=dtype)
    with context:
        logits = model(batch[0])
        loss = F.nll_loss(logits.float().log_softmax(1), batch[1])
    scaler.scale(loss).backward()
    scaler.unscale_(opt)
    torch.nn.utils.clip_grad_norm_(list(model.parameters()), max_norm=1)
    scaler.step(opt)
    scaler.update()
    opt.zero_grad()
    return loss.detach()


def loader_that_shuffles_the_set(images, labels, batch_size, generator):
    """One copy of the set in an epoch; batches are slices of it."""

    class Loader:
        def __iter__(self):
            order = torch.randperm(labels.numel(), generator=generator).to(images.device)
            mixed, own = images[order], labels[order]
            for start in range(0, len(order) - batch_size + 1, batch_size):
                yield mixed[start : start + batch_size], own[start : start + batch_size]

    return Loader()


class LoaderBySorting:
    """Random numbers, sorted, give the order; it counts its batches."""

    def __init__(self, images, labels, batch_size, generator):
        self.images, self.labels, self.batch_size, self.generator = images, labels, batch_size, generator

    def __len__(self):
        return len(self.images) // self.batch_size

    def __iter__(self):
        order = torch.rand(len(self.images), generator=self.generator).argsort()
        self.rows = order[: len(self) * self.batch_size].view(len(self), self.batch_size)
        self.done = 0
        return self

    def __next__(self):
        if self.done == len(self):
            raise StopIteration
        self.done += 1
        picked = self.rows[self.done - 1]
        return self.images.index_select(0, picked), self.labels.gather(0, picked)


def captured_by_a_class(step, state, images, labels, graph):
    class Run:
        def __init__(self):
            self.images, self.labels = torch.empty_like(images), torch.empty_like(labels)
            self.images.copy_(images)
            self.labels.copy_(labels)
            before = [one.detach().clone() for one in state]
            for _ in range(5):
                step(self.images, self.labels)
            for one, number in zip(state, before, strict=True):
                one.data.copy_(number)
            with graph.capture():
                self.loss = step(self.images, self.labels)

        def __call__(self, images, labels):
            if (images.shape, labels.shape) != (self.images.shape, self.labels.shape):
                raise ValueError("another shape")
            self.images[...] = images
            self.labels[...] = labels
            graph.replay()
            return self.loss + 0

    return Run()


def captured_and_restored_afterwards(step, state, images, labels, graph):
    """Saves as one vector, and puts it back both before the capture and after."""
    saved = torch.cat([one.detach().flatten() for one in state])

    @torch.no_grad()
    def restore():
        for one, numbers in zip(state, saved.split([one.numel() for one in state]), strict=True):
            one.view(-1).copy_(numbers)

    held = [images.clone(), labels.clone()]
    for _ in range(3):
        step(*held)
    restore()
    with graph.capture():
        out = step(*held)
    restore()

    def run(*batch):
        for mine, given in zip(held, batch, strict=True):
            if mine.shape != given.shape:
                raise ValueError(f"captured for batches of shape {tuple(mine.shape)}, not {tuple(given.shape)}")
            mine.copy_(given)
        graph.replay()
        return out.detach().clone()

    return run


def best_by_sorting(rungs, target):
    for rung in sorted(rungs, key=lambda one: one["seconds"]):
        if sum(rung["accuracies"]) / len(rung["accuracies"]) >= target:
            return rung


def best_by_loop(rungs, target):
    best = None
    for rung in rungs:
        good = torch.tensor(rung["accuracies"], dtype=torch.float64).mean() >= target
        if good and (best is None or rung["seconds"] < best["seconds"]):
            best = rung
    return best


RIGHT = {
    "to_device": (moved_by_pytree, moved_by_trying),
    "synchronised_time": (timed_by_nanoseconds, timed_by_quantile),
    "amp_step": (amp_with_backward_inside, amp_with_zero_grad_twice),
    "device_loader": (loader_that_shuffles_the_set, LoaderBySorting),
    "captured_step": (captured_by_a_class, captured_and_restored_afterwards),
    "best_rung": (best_by_sorting, best_by_loop),
}
