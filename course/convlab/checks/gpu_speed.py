"""Notebook 13: measured time, mixed precision, data that stays, captured steps, and accuracy that stays too."""

from __future__ import annotations

import itertools
import random
import re
import statistics
import time
from functools import partial
from unittest import mock

import torch
from torch import nn
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

from ..graphs import CpuGraph
from .compare import close
from .exercise import Exercise, Misconception, case, question
from .machine import Machine
from .plain import Raised, described, mapped, plain, replaced, tensors


def _close(actual, expected):
    """`close`, but errors of PyTorch differ where their messages do: it has few types for many of them."""
    fault = close(actual, expected)
    if fault is None and isinstance(expected, Raised) and expected.type in ("RuntimeError", "AssertionError"):
        return None if actual.message == expected.message else "it stopped with another error"
    return fault


# --- to_device


TENSOR = re.compile(r"(\w+) tensor of shape \((.*)\)")
DTYPES = "float32", "float64", "bfloat16", "uint8", "int64", "bool"


def _moved(work, batch, device, there):
    """What `work` makes of a batch, with tensors told in words; the first `there` are on the device already."""
    order = itertools.count()

    def made(leaf):
        found = TENSOR.fullmatch(leaf) if isinstance(leaf, str) else None
        if not found:
            return leaf
        shape = [int(size) for size in found[2].split(", ")]
        return torch.zeros(shape, dtype=getattr(torch, found[1]), device=device if next(order) < there else "cpu")

    def told(leaf):
        if not isinstance(leaf, torch.Tensor):
            return leaf
        kept = leaf.untyped_storage()._cdata in memories
        return f"{described(leaf)} on {leaf.device}, {'where it was' if kept else 'new in memory'}"

    batch = mapped(batch, made)
    memories = [leaf.untyped_storage()._cdata for leaf in tensors(batch)]
    before = mapped(batch, told)
    returned = mapped(work(batch, torch.device(device)), told)
    return {"returned": returned, "the batch itself was changed": mapped(batch, told) != before}


def _move_cases(draw):
    def tensor(*dtypes):
        return f"{draw.choice(dtypes or DTYPES)} tensor of shape ({draw.integer(1, 3)}, {draw.integer(1, 3)})"

    def images():
        return tensor("float32", "float64")

    def labels():
        return tensor("int64", "uint8")

    def one(aspect, batch, device="meta", there=0):
        return case(aspect, batch=batch, device=device, there=there)

    yield one("the worked example", ("float32 tensor of shape (2, 1, 3, 3)", "int64 tensor of shape (2)"))
    for _ in range(4):
        yield one("a tensor, or a pair of images and labels", tensor())
        yield one("a tensor, or a pair of images and labels", (images(), labels()))
    for _ in range(3):
        yield one("lists and dicts", [tensor(), labels(), tensor("float64")])
        yield one("lists and dicts", {"images": images(), "labels": labels()})
    for _ in range(3):
        yield one("nested to any depth", [tensor(), (labels(), [tensor(), {"a": (tensor(),), "b": [labels()]}])])
        yield one("nested to any depth", {"images": [images(), tensor()], "rest": ({"labels": labels()}, [])})
    for _ in range(3):
        number, name = draw.integer(1, 9), draw.choice(("cat", "dog"))
        yield one(
            "numbers and text among the tensors", {"images": images(), "names": [name, "x"], "epoch": number}
        )
        yield one("numbers and text among the tensors", [tensor(), (number, None, 0.5, labels()), name])
    for device, there in (("cpu", 2), ("meta", 2), ("meta", 1)) * 2:
        yield one("tensors that are there already", [images(), {"labels": labels()}], device, there)


def _to_device(batch, device):
    return replaced(batch, lambda x: x.to(device))


def _moving(function):
    """An answer that is right but for tensors, of which it makes `function(tensor, device)`."""
    return lambda batch, device: replaced(batch, lambda x: function(x, device))


def _first_only(batch, device):
    if isinstance(batch, list | tuple):
        return type(batch)([_first_only(batch[0], device), *batch[1:]]) if batch else batch
    if isinstance(batch, dict):
        first = next(iter(batch), None)
        return {key: _first_only(item, device) if key == first else item for key, item in batch.items()}
    return _to_device(batch, device)


def _one_level(batch, device):
    if isinstance(batch, dict):
        return {key: item.to(device) if isinstance(item, torch.Tensor) else item for key, item in batch.items()}
    if isinstance(batch, list | tuple):
        return type(batch)(item.to(device) if isinstance(item, torch.Tensor) else item for item in batch)
    return batch.to(device)


def _sequences_as(kind):
    def work(batch, device):
        if isinstance(batch, dict):
            return {key: work(item, device) for key, item in batch.items()}
        if isinstance(batch, list | tuple):
            return kind(work(item, device) for item in batch)
        return _to_device(batch, device)

    return work


def _pair(batch, device):
    images, labels = batch
    return images.to(device), labels.to(device)


def _lists_and_dicts(batch, device):
    if isinstance(batch, list):
        return [_lists_and_dicts(item, device) for item in batch]
    if isinstance(batch, dict):
        return {key: _lists_and_dicts(item, device) for key, item in batch.items()}
    return batch if isinstance(batch, tuple) else _to_device(batch, device)


def _into_the_containers(batch, device):
    if isinstance(batch, list | dict):
        for key in batch if isinstance(batch, dict) else range(len(batch)):
            batch[key] = _into_the_containers(batch[key], device)
        return batch
    if isinstance(batch, tuple):
        return tuple(_into_the_containers(item, device) for item in batch)
    return _to_device(batch, device)


def _dict_as(change):
    def work(batch, device):
        if isinstance(batch, dict):
            return change(work, batch, device)
        if isinstance(batch, list | tuple):
            return type(batch)(work(item, device) for item in batch)
        return _to_device(batch, device)

    return work


def _tensors_kept(batch, device):
    if isinstance(batch, dict):
        return {key: _tensors_kept(item, device) for key, item in batch.items() if not isinstance(item, int | str)}
    if isinstance(batch, list | tuple):
        kept = [item for item in batch if isinstance(item, torch.Tensor | list | tuple | dict)]
        return type(batch)(_tensors_kept(item, device) for item in kept)
    return _to_device(batch, device)


def _as_tensors(leaf, device):
    return torch.as_tensor(leaf, device=device) if isinstance(leaf, torch.Tensor | int | float) else leaf


to_device = Exercise(
    name="to_device",
    reference=_to_device,
    cases=_move_cases,
    points=4,
    difficulty=2,
    minutes=7,
    call=_moved,
    misconceptions=(
        Misconception(
            "result of .to() thrown away",
            _moving(lambda x, device: x),
            "The tensors are where they were. x.to(device) does not move x: it returns another tensor, on the "
            "device. (Only for modules does model.to(device) work in place.) Return what .to() gives.",
        ),
        Misconception(
            "labels left behind",
            _moving(lambda x, device: x.to(device) if x.is_floating_point() else x),
            "Whole numbers stayed behind. Labels have to be where the logits are, or the loss fails: every tensor "
            "moves, whatever its dtype.",
        ),
        Misconception(
            "only the first element moved",
            _first_only,
            "You move the first element alone, the images. The labels and all the rest have to follow.",
        ),
        Misconception(
            "everything made float",
            _moving(lambda x, device: x.to(device, torch.float32)),
            "Your tensors come out as float32. cross_entropy wants labels as whole numbers, and bytes cross to "
            "the GPU four times as fast as floats: move, and leave the dtype alone.",
        ),
        Misconception(
            "halves the precision on the way",
            _moving(lambda x, device: x.to(device, torch.bfloat16) if x.is_floating_point() else x.to(device)),
            "You change the dtype of images as well. Precision is another rung: move, and nothing else.",
        ),
        Misconception(
            "a pair taken for granted",
            _pair,
            "You unpack a pair (images, labels). A batch may also be one tensor, a dict, or a list of three: look "
            "at what has come.",
        ),
        Misconception(
            "tuples forgotten",
            _lists_and_dicts,
            "A tuple comes back as it went in, its tensors unmoved. Most loaders give tuples or lists: treat "
            "both.",
        ),
        Misconception(
            "None for what is no tensor",
            lambda batch, device: mapped(
                batch, lambda leaf: leaf.to(device) if isinstance(leaf, torch.Tensor) else None
            ),
            "Where there was a number or a text, there is None now: the function ends without a return. Hand back "
            "what needs no moving.",
        ),
        Misconception(
            "nested level forgotten",
            _one_level,
            "What lies deeper, a list within a dict for example, stays where it was. Call to_device itself for "
            "each element: it ends at tensors, and at what is no container.",
        ),
        Misconception(
            "lists become tuples",
            _sequences_as(tuple),
            "A list comes back as a tuple. The same kind of container should: type(batch)(...) makes either.",
        ),
        Misconception(
            "tuples become lists",
            _sequences_as(list),
            "A tuple comes back as a list. The same kind of container should: type(batch)(...) makes either.",
        ),
        Misconception(
            "dicts become lists of their values",
            _dict_as(lambda work, batch, device: [work(item, device) for item in batch.values()]),
            'The names are lost: batch["labels"] no longer works. Build a dict: {key: ... for key, item in '
            "batch.items()}.",
        ),
        Misconception(
            "dicts forgotten",
            _dict_as(lambda work, batch, device: batch),
            "A dict comes back as it went in, its tensors unmoved. Many data sets give dicts: treat them as well.",
        ),
        Misconception(
            "batch changed in place",
            _into_the_containers,
            "You write the moved tensors into the caller's own list or dict, which may belong to a data set. "
            "Build a new one.",
        ),
        Misconception(
            "everything has .to()",
            lambda batch, device: mapped(batch, lambda leaf: leaf.to(device)),
            "Numbers, text and None have no .to(). Ask isinstance(batch, torch.Tensor), and hand back what is "
            "neither tensor nor container.",
        ),
        Misconception(
            "numbers and text dropped",
            _tensors_kept,
            "Elements are missing: what is no tensor was left out. Keep it as it is, in its place.",
        ),
        Misconception(
            "numbers made tensors",
            lambda batch, device: mapped(batch, lambda leaf: _as_tensors(leaf, device)),
            "Plain numbers came back as tensors. What is no tensor stays as it is.",
        ),
        Misconception(
            "copied although it is there",
            _moving(lambda x, device: x.to(device, copy=True)),
            "A tensor that is on the device already is copied once more, by copy=True, clone() or "
            "torch.tensor(...). x.to(device) returns x itself then, which costs nothing.",
        ),
    ),
)

# --- synchronised_time


def _timed(work, seconds, warmup, repeats, returns_after=None, busy=0.0):
    """What `work` measures on a `Machine`, and how often it called the function."""
    machine = Machine(accelerator=True, busy=busy)
    function = machine.function(itertools.cycle(seconds), returns_after)
    with machine.clock(), mock.patch.multiple(torch.cuda, synchronize=_another_machine):
        found = work(function, machine.synchronize, warmup, repeats)
    found = round(float(found), 6) if isinstance(found, float | torch.Tensor) else found
    return {"seconds": found, "calls of fn": machine.calls}


def _another_machine(*device):
    raise RuntimeError("this is not the device that fn works on: call the function synchronise that you are given")


def _timing_cases(draw):
    def one(aspect, warmup, repeats, **how):
        """Calls that take different times, in disorder, after a warm-up that is slower than all of them."""
        steps = [draw.integer(1, 9) for _ in range(warmup + repeats)]
        usual = [10 + sum(steps[:n]) for n in range(repeats)]
        usual[-1] *= 5  # a mean notices
        order = sorted(range(repeats), key=lambda i: ((i + 1) * 7919) % 13)
        first = [900 + steps[repeats + n] + 10 * n for n in range(warmup)]
        calls = first + [usual[i] for i in order]
        return case(aspect, seconds=[n / 1000 for n in calls], warmup=warmup, repeats=repeats, **how)

    example = [0.9, 0.8, 0.003, 0.001, 0.002, 0.009, 0.002]
    yield case("the worked example", seconds=example, warmup=2, repeats=5)
    for repeats in (5, 7, 3, 6, 4, 8):
        yield one("calls that take longer by chance", 0, repeats)
    for _ in range(6):
        repeats = draw.integer(3, 6)
        yield one("first calls that are slow", draw.integer(1, 2 * repeats), repeats)
    for _ in range(6):
        warmup, repeats = draw.integer(0, 4), draw.integer(3, 7)
        yield one("work that goes on after the call", warmup, repeats, returns_after=draw.integer(1, 9) / 1e5)
    for repeats in (1, 2, 1, 2, 1):
        how = {"returns_after": draw.integer(1, 9) / 1e5, "busy": float(draw.integer(2, 9))}
        yield one("work left over from before", draw.integer(0, 2), repeats, **how)


def _synchronised_time(
    fn,
    synchronise,
    warmup,
    repeats,
    before=lambda synchronise: synchronise(),
    after=lambda synchronise: synchronise(),
    summary=statistics.median,
    uncounted=lambda warmup: warmup,
    counted=lambda warmup, repeats: repeats,
    clock=lambda: time.perf_counter(),
):
    """An answer to `synchronised_time` with something changed."""
    for _ in range(uncounted(warmup)):
        fn()
    times = []
    for _ in range(counted(warmup, repeats)):
        before(synchronise)
        start = clock()
        fn()
        after(synchronise)
        times.append(clock() - start)
    return summary(times)


def _synchronised_and_cut(fn, synchronise, warmup, repeats):
    return _synchronised_time(fn, synchronise, 0, repeats, summary=lambda times: statistics.median(times[warmup:]))


def _nothing(synchronise):
    return None


synchronised_time = Exercise(
    name="synchronised_time",
    reference=_synchronised_time,
    cases=_timing_cases,
    points=4,
    difficulty=2,
    minutes=7,
    call=_timed,
    misconceptions=(
        Misconception(
            "no synchronise before the clock is stopped",
            partial(_synchronised_time, after=_nothing),
            "The call comes back at once, while the GPU is still at work, and you read the clock then. Call "
            "synchronise() after every fn(), before you stop: once before or after the loop is not enough.",
        ),
        Misconception(
            "no synchronise before the clock is started",
            partial(_synchronised_time, before=_nothing),
            "There may be work in the queue from before, of the warm-up for example. Your first timing waits for "
            "it too. Call synchronise() before you start the clock.",
        ),
        Misconception(
            "torch.cuda.synchronize() instead of synchronise()",
            partial(_synchronised_time, before=lambda synchronise: torch.cuda.synchronize()),
            "You wait for CUDA, whatever fn runs on. Call the function synchronise that you are given: it knows "
            "the device.",
        ),
        Misconception(
            "warm-up never run",
            partial(_synchronised_time, uncounted=lambda warmup: 0),
            "You time from the first call on. The first `warmup` calls take memory, load code and choose "
            "algorithms: make them without a clock.",
        ),
        Misconception(
            "warm-up counted",
            partial(
                _synchronised_time,
                uncounted=lambda warmup: 0,
                counted=lambda warmup, repeats: warmup + repeats,
            ),
            "The times of the warm-up are among those you summarise. Only the `repeats` calls after it count.",
        ),
        Misconception(
            "three calls to warm up, whatever is asked",
            partial(_synchronised_time, uncounted=lambda warmup: 3),
            "You make three calls to warm up. Make as many as `warmup` says; it may be none.",
        ),
        Misconception(
            "repeats ignored",
            partial(_synchronised_time, counted=lambda warmup, repeats: 10),
            "You time ten calls. Time as many as `repeats` says.",
        ),
        Misconception(
            "one call too many",
            partial(_synchronised_time, uncounted=lambda warmup: warmup + 1),
            "fn is called once too often before you start to time. Exactly `warmup` calls, then `repeats` timed "
            "ones.",
        ),
        Misconception(
            "one call too few",
            partial(_synchronised_time, counted=lambda warmup, repeats: repeats - 1),
            "One timed call is missing. range(repeats) counts from 0 to repeats - 1, and range(1, repeats) is "
            "shorter.",
        ),
        Misconception(
            "warm-up cut from the timed calls",
            _synchronised_and_cut,
            "You call fn `repeats` times in all and leave the first ones out. The warm-up comes on top: `warmup` "
            "calls without a clock, then `repeats` with.",
        ),
        Misconception(
            "list instead of its median",
            partial(_synchronised_time, summary=lambda times: times),
            "You return all the times. Asked for is their median, one float.",
        ),
        Misconception(
            "mean instead of median",
            partial(_synchronised_time, summary=statistics.fmean),
            "You take the mean, or time all calls together and divide. One call during which the machine did "
            "something else decides it then. Time every call by itself, and take the median.",
        ),
        Misconception(
            "fastest call",
            partial(_synchronised_time, summary=min),
            "You return the fastest call, a lucky one. Asked for is the median, the usual one.",
        ),
        Misconception(
            "slowest call",
            partial(_synchronised_time, summary=max),
            "You return the slowest call. Asked for is the median, the usual one.",
        ),
        Misconception(
            "last call",
            partial(_synchronised_time, summary=lambda times: times[-1]),
            "You return the time of the last call only. Keep them all in a list, and take the median.",
        ),
        Misconception(
            "total instead of per call",
            partial(_synchronised_time, summary=sum),
            "This is the time of all the calls together, which grows with `repeats`. Asked for is that of one "
            "call.",
        ),
        Misconception(
            "middle of the list, not sorted",
            partial(_synchronised_time, summary=lambda times: times[len(times) // 2]),
            "times[len(times) // 2] is whichever call came half way. A median sorts first: statistics.median.",
        ),
        Misconception(
            "upper of the two in the middle",
            partial(_synchronised_time, summary=statistics.median_high),
            "For an even number of calls you take the upper one of the two in the middle. The median is their "
            "mean.",
        ),
        Misconception(
            "lower of the two in the middle",
            partial(_synchronised_time, summary=statistics.median_low),
            "For an even number of calls you take the lower one of the two in the middle, as torch.median does. "
            "The median is their mean: statistics.median.",
        ),
        Misconception(
            "milliseconds",
            partial(_synchronised_time, summary=lambda times: 1000 * statistics.median(times)),
            "These are milliseconds. Return seconds, as everywhere in Python; whoever prints can multiply.",
        ),
        Misconception(
            "time.time() for perf_counter()",
            partial(_synchronised_time, clock=lambda: time.time()),
            "time.time() tells the date: it may tick too rarely, and jumps when the clock is set. "
            "time.perf_counter() is made for measuring.",
        ),
    ),
)

# --- amp_step

CLASSES = 3


def _as_numbers(returned):
    """A list of numbers and tensors of one number as one tensor; anything else as it is."""
    if all(isinstance(one, float) or (isinstance(one, torch.Tensor) and one.ndim == 0) for one in returned):
        return torch.tensor([float(one) for one in returned])
    return returned


def _amp_stepped(work, state, images, labels, dtype, scale, steps, leftover):
    """What some steps with the same batch return, and what they did to the network and to the scaler.

    `scale` is the scaler's at the start; with 0 it is switched off.
    """
    features = state["3.weight"].shape[1]
    model = nn.Sequential(nn.Conv2d(1, 2, 2), nn.ReLU(), nn.Flatten(), nn.Linear(features, CLASSES))
    model.load_state_dict(state)
    for one in model.parameters():
        one.grad = torch.full_like(one, leftover) if leftover else None
    used = []
    model[3].register_forward_hook(lambda layer, given, output: used.append((output.dtype, layer.weight.dtype)))
    opt = torch.optim.SGD(model.parameters(), lr=0.25)
    scaler = torch.amp.GradScaler("cpu", init_scale=scale or 1.0, growth_interval=1, enabled=bool(scale))
    before = {name: one.clone() for name, one in model.state_dict().items()}
    batch = images.float(), labels
    returned = [work(model, batch, opt, scaler, getattr(torch, dtype)) for _ in range(steps)]
    return {
        "returned": _as_numbers(returned),
        "it holds on to the graph": any(isinstance(one, torch.Tensor) and one.requires_grad for one in returned),
        "dtype that the layers computed in": [str(output) for output, _ in used],
        "dtype of the weights": [str(weight) for _, weight in used],
        "change of the weights": {name: one - before[name] for name, one in model.state_dict().items()},
        "scale afterwards": float(scaler.get_scale()),
    }


def _amp_cases(draw):
    def small(*shape):
        return draw.tensor(*shape) / 8

    def one(aspect, dtype="bfloat16", scale=1024.0, steps=1, leftover=0.0, light=False):
        height, width = draw.choice(((4, 3), (3, 4), (5, 3)))
        features, count = 2 * (height - 1) * (width - 1), draw.integer(3, 6)
        state = {
            "0.weight": small(2, 1, 2, 2),
            "0.bias": small(2),
            "3.weight": small(CLASSES, features),
            "3.bias": small(CLASSES),
        }
        # bright images make gradients longer than 1
        images = draw.tensor(count, 1, height, width).abs() / 4 * (1 / 8 if light else 2)
        labels = torch.tensor([draw.integer(0, CLASSES - 1) for _ in range(count)])
        logits = F.linear(
            F.conv2d(images, state["0.weight"], state["0.bias"]).relu().flatten(1), state["3.weight"]
        )
        labels[0] = logits[0].argmin()  # a mistake to learn from
        given = {"dtype": dtype, "scale": scale, "steps": steps, "leftover": leftover}
        return case(aspect, state=state, images=images, labels=labels, **given)

    yield one("the worked example")
    for dtype in ("bfloat16", "float16") * 3:
        yield one("one step, long gradients", dtype, scale=2.0 ** draw.integer(8, 11))
    for dtype in ("bfloat16", "float16") * 2:
        yield one("one step, short gradients", dtype, scale=2.0 ** draw.integer(8, 11), light=True)
    for dtype in ("bfloat16", "float16") * 2:
        yield one("two steps", dtype, scale=2.0 ** draw.integer(8, 11), steps=2)
    for leftover in (500.0, -1000.0, 2000.0):  # scaled, as the others are
        yield one("gradients left over from before", leftover=leftover)
    for steps in (1, 2) * 2:
        yield one("gradients that overflow float16", "float16", scale=2.0**30, steps=steps)
    for steps in (1, 2) * 2:
        yield one("a scaler that is switched off", scale=0.0, steps=steps)


def _roughly(actual, expected):
    """`close`, to the two digits that half precision gives."""
    rounded = (
        replaced(value, lambda x: x.bfloat16() if x.is_floating_point() else x) for value in (actual, expected)
    )
    return _close(*rounded)


def _amp_step(
    model,
    batch,
    opt,
    scaler,
    dtype,
    zero="before",
    prepare=lambda model, dtype: None,
    autocast=lambda dtype: torch.autocast("cpu", dtype),
    criterion=F.cross_entropy,
    scale=lambda scaler, loss: scaler.scale(loss),
    backward=True,
    then=("unscale", "clip", "step", "update"),
    result=lambda loss, scaled: loss.item(),
):
    """An answer to `amp_step` with something changed; `then` is what follows backward."""
    actions = {
        "unscale": lambda: scaler.unscale_(opt),
        "clip": lambda: nn.utils.clip_grad_norm_(model.parameters(), 1.0),
        "clip values": lambda: nn.utils.clip_grad_value_(model.parameters(), 1.0),
        "step": lambda: scaler.step(opt),
        "shorten or lengthen": lambda: _made_one([one.grad for one in model.parameters()]),
        "own step": opt.step,
        "update": scaler.update,
    }
    images, labels = batch
    prepare(model, dtype)
    if zero == "before":
        opt.zero_grad()
    with autocast(dtype):
        loss = criterion(model(images.to(model[0].weight.dtype)), labels)
    scaled = scale(scaler, loss)
    if backward:
        scaled.backward()
    if zero == "after backward":
        opt.zero_grad(set_to_none=False)
    for name in then:
        actions[name]()
    if zero == "at the end":
        opt.zero_grad()
    return result(loss, scaled)


def _made_one(gradients):
    norm = torch.stack([one.norm() for one in gradients]).norm()
    for one in gradients:
        one.div_(norm)


amp_step = Exercise(
    name="amp_step",
    reference=_amp_step,
    cases=_amp_cases,
    points=6,
    difficulty=4,
    minutes=10,
    call=_amp_stepped,
    compare=_roughly,
    misconceptions=(
        Misconception(
            "clipping scaled gradients",
            partial(_amp_step, then=("clip", "step", "update")),
            "You clip while the gradients are still multiplied by the scale, so their norm is shrunk to 1 / scale "
            "and hardly anything is learned. scaler.unscale_(opt) comes first, then clip_grad_norm_.",
        ),
        Misconception(
            "step before unscale_ and clip",
            partial(_amp_step, then=("step", "unscale", "clip", "update")),
            "unscale_ comes after the step, too late, and PyTorch refuses. The order: backward, unscale_, clip, "
            "step, update.",
        ),
        Misconception(
            "gradients not clipped",
            partial(_amp_step, then=("unscale", "step", "update")),
            "Long gradients make long steps: they are not clipped, or only after the step. "
            "nn.utils.clip_grad_norm_(model.parameters(), 1.0), between unscale_ and step.",
        ),
        Misconception(
            "values clipped instead of the norm",
            partial(_amp_step, then=("unscale", "clip values", "step", "update")),
            "clip_grad_value_ cuts each number by itself, which bends the direction. clip_grad_norm_ shortens "
            "them all together, to a norm of 1.",
        ),
        Misconception(
            "gradients made longer as well",
            partial(_amp_step, then=("unscale", "shorten or lengthen", "step", "update")),
            "You divide every gradient by the norm, and short gradients become longer. Clipping shortens those "
            "above 1 and leaves the others alone.",
        ),
        Misconception(
            "update forgotten",
            partial(_amp_step, then=("unscale", "clip", "step")),
            "scaler.update() is missing. The scale never adapts, and the second step stops because the scaler "
            "believes itself still in the first.",
        ),
        Misconception(
            "update before step",
            partial(_amp_step, then=("unscale", "clip", "update", "step")),
            "After scaler.update() the scaler forgets that the gradients are unscaled, and step divides them by "
            "the scale again. update is the last line.",
        ),
        Misconception(
            "opt.step() instead of scaler.step(opt)",
            partial(_amp_step, then=("unscale", "clip", "own step", "update")),
            "opt.step() steps even where gradients have overflowed, and the weights are NaN for ever. "
            "scaler.step(opt) leaves such a step out.",
        ),
        Misconception(
            "two steps in one",
            partial(_amp_step, then=("unscale", "clip", "step", "own step", "update")),
            "scaler.step(opt) calls opt.step() itself. You call it once more.",
        ),
        Misconception(
            "backward forgotten",
            partial(_amp_step, backward=False),
            "scaler.scale(loss) only multiplies. Nothing has been differentiated: scaler.scale(loss).backward().",
        ),
        Misconception(
            "scaler not used",
            partial(_amp_step, scale=lambda scaler, loss: loss, then=("clip", "own step")),
            "You do without the scaler. In float16 small gradients then vanish to 0; bfloat16 would not need it, "
            "and whoever calls you switches it off for that: GradScaler(enabled=False).",
        ),
        Misconception(
            "loss not scaled",
            partial(_amp_step, scale=lambda scaler, loss: (scaler.scale(loss), loss)[1]),
            "You differentiate the loss as it is, and then unscale gradients that nobody has scaled: they come "
            "out as good as 0. scaler.scale(loss).backward().",
        ),
        Misconception(
            "scale never called",
            partial(_amp_step, scale=lambda scaler, loss: loss),
            "The scaler is asked to unscale and has never scaled anything. scaler.scale(loss).backward() comes "
            "first.",
        ),
        Misconception(
            "scaled loss returned",
            partial(_amp_step, result=lambda loss, scaled: scaled.item()),
            "You return the loss times the scale. The scale is for backward alone: return loss.item().",
        ),
        Misconception(
            "autocast missing",
            partial(_amp_step, autocast=lambda dtype: torch.autocast("cpu", dtype, enabled=False)),
            "The layers computed in float32. Run model and loss within torch.autocast(images.device.type, dtype); "
            'with "cuda" hard-coded it does nothing for a batch on the CPU.',
        ),
        Misconception(
            "dtype ignored",
            partial(_amp_step, autocast=lambda dtype: torch.autocast("cpu", torch.bfloat16)),
            "Without a dtype of its own autocast chooses: bfloat16 on a CPU, float16 on a GPU. Hand it your "
            "argument dtype.",
        ),
        Misconception(
            "model converted by .half() or .to(dtype)",
            partial(_amp_step, prepare=lambda model, dtype: model.to(dtype)),
            "You convert the weights themselves. They then have two or three digits, and small steps are rounded "
            "away. autocast keeps them in float32, and converts what it computes with.",
        ),
        Misconception(
            "no zero_grad",
            partial(_amp_step, zero="never"),
            "Gradients of earlier steps are still there and add up. opt.zero_grad() in every step.",
        ),
        Misconception(
            "zero_grad only at the end",
            partial(_amp_step, zero="at the end"),
            "Whoever trained before you may have left gradients behind. Clear them at the beginning of the step.",
        ),
        Misconception(
            "no step taken",
            partial(_amp_step, zero="after backward"),
            "The weights are what they were. Is scaler.step(opt) missing? Or do you clear the gradients that you "
            "have just computed? zero_grad comes before backward.",
        ),
        Misconception(
            "graph kept",
            partial(_amp_step, result=lambda loss, scaled: loss),
            "You return a tensor that holds on to the whole graph and its memory. Take the number out: "
            "loss.item().",
        ),
        Misconception(
            "loss summed over the batch",
            partial(_amp_step, criterion=lambda logits, labels: F.cross_entropy(logits, labels, reduction="sum")),
            "You sum the loss over the batch. F.cross_entropy gives the mean by itself, which the learning rate "
            "is made for.",
        ),
    ),
)

# --- device_loader

FETCHES = {"to", "cpu", "cuda", "numpy", "__array__", "tolist", "item", "__int__", "__index__", "pin_memory"}
"""Tensor methods that bring numbers to the GPU or fetch them from there, and wait."""


class _Noticed(TorchFunctionMode):
    """Counts what is done with tensors: `fetches`, `results` that are tensors, and the `numbers` newly written."""

    def __init__(self):
        super().__init__()
        self.fetches = self.results = self.numbers = 0

    def __torch_function__(self, function, types, args=(), kwargs=None):
        result = function(*args, **(kwargs or {}))
        self.fetches += function.__name__ in FETCHES
        if isinstance(result, torch.Tensor):
            self.results += 1
            known = [one.untyped_storage().data_ptr() for one in args if isinstance(one, torch.Tensor)]
            self.numbers += result.numel() * (result.untyped_storage().data_ptr() not in known)
        return result


def _seen(loader, steps):
    """An epoch: the number of each image batch by batch, and the labels. Not much longer than it should be."""
    batches = [
        (images.flatten(1)[:, 0].long().tolist(), labels.tolist())
        for images, labels in itertools.islice(loader, 2 * steps + 2)
    ]
    return [numbers for numbers, _ in batches], [one for _, labels in batches for one in labels]


def _loaded(work, labels, shape, batch_size, seed, look):
    """What can be seen of a loader; `look` says at what. Image i holds the number i in all of its pixels."""
    count = len(labels)
    steps = count // batch_size
    images = torch.arange(float(count)).view(-1, *(1 for _ in shape)).repeat(1, *shape)
    if look == "dtype":
        images = images.bfloat16()

    def made(seed=seed):
        return work(images, labels, batch_size, torch.Generator().manual_seed(seed))

    if made() is None:
        return None
    if look == "work":
        loader = made()
        with _Noticed() as noticed:
            for _ in itertools.islice(loader, 2 * steps + 2):
                pass
        return {
            "numbers are moved to or from the device in every step": noticed.fetches >= steps,
            "a Python loop over the examples": noticed.results > 10 * steps + 10,
            "the whole set is copied in every step": noticed.numbers > 3 * images.numel(),
        }
    if look == "seed":
        torch.rand(3)
        state = torch.get_rng_state()
        orders = [[_seen(loader, steps)[0] for _ in range(2)] for loader in map(made, (seed, seed + 1, seed))]
        return {
            "the same seed gives the same two epochs": orders[0] == orders[2],
            "another seed gives other epochs": orders[0] != orders[1],
            "torch's global random numbers are left alone": torch.equal(state, torch.get_rng_state()),
        }
    loader = made()
    epochs = [_seen(loader, steps) for _ in range(2)]
    flat = [[number for batch in batches for number in batch] for batches, _ in epochs]
    if look == "shuffling":
        return {
            "another order than in the set": flat[0] != sorted(flat[0]),
            "a new order in the second epoch": flat[0] != flat[1],
            "images meet others than in the first epoch": not {frozenset(batch) for batch in epochs[0][0]}
            & {frozenset(batch) for batch in epochs[1][0]},
        }
    own = [labels[numbers].tolist() for numbers in flat]
    return {
        "sizes of the batches in two epochs": [[len(batch) for batch in batches] for batches, _ in epochs],
        "no image comes twice in an epoch": all(len(set(numbers)) == len(numbers) for numbers in flat),
        "each image has its own label": own == [given for _, given in epochs],
        "an image and a label of the first batch": [
            f"{described(x[0])}, {described(y[0])}" for x, y in itertools.islice(loader, 1)
        ],
    }


def _loader_cases(draw):
    def one(aspect, look, full=False):
        batch_size, shape = draw.integer(16, 20), (1, *draw.unequal(2, 4))
        count = batch_size * draw.integer(5, 7) + (0 if full else draw.integer(2, batch_size - 1))
        labels = torch.tensor([draw.integer(0, 9) for _ in range(count)])
        return case(
            aspect, labels=labels, shape=shape, batch_size=batch_size, seed=draw.integer(1, 999), look=look
        )

    for look in ("batches", "shuffling", "seed", "work"):
        given = {"labels": torch.arange(75) % 10, "shape": (1, 2, 2), "batch_size": 16, "seed": 0}
        yield case("the worked example", **given, look=look)
    for _ in range(4):
        yield one("full batches of images with their labels", "batches")
        yield one("a number of images that the batch size divides", "batches", full=True)
        yield one("shuffled anew in every epoch", "shuffling")
        yield one("the order comes from the generator alone", "seed")
        yield one("no number moves without need", "work")
    for _ in range(2):
        yield one("full batches of images with their labels", "dtype")


class _Batches:
    """Gives `batches(order)` for a new order in every epoch."""

    def __init__(self, order, batches):
        self._order, self._batches = order, batches

    def __iter__(self):
        return iter(self._batches(self._order()))


def _device_loader(
    images,
    labels,
    batch_size,
    generator,
    order=lambda count, generator, size: torch.randperm(count, generator=generator),
    cut=lambda order, size: order[: len(order) // size * size].split(size),
    pick=lambda images, labels, index: (images[index], labels[index]),
    loader=_Batches,
):
    """An answer to `device_loader` with something changed."""
    return loader(
        lambda: order(len(images), generator, batch_size),
        lambda order: (pick(images, labels, index) for index in cut(order, batch_size)),
    )


def _once(order, batches):
    """A generator: it can be looped over once."""
    yield from batches(order())


def _shuffled_once(order, batches):
    numbers = order()
    return _Batches(lambda: numbers, batches)


def _apart(images, labels, batch_size, generator):
    mixed = labels[torch.randperm(len(labels), generator=generator)]
    return _device_loader(images, mixed, batch_size, generator)


def _one_by_one(images, labels, index):
    return torch.stack([images[i] for i in index]), torch.stack([labels[i] for i in index])


def _endless(order, batches):
    def forever():
        while True:
            yield from batches(order())

    return _Batches(order, lambda _: forever())


def _first(index, images):
    """An order of the whole set that begins with `index`."""
    return torch.cat([index, torch.zeros(len(images) - len(index), dtype=torch.long)])


def _whole_batches(count, generator, size):
    starts = size * torch.randperm(count // size, generator=generator)
    return (starts[:, None] + torch.arange(size)).flatten()


def _order_of_zero(count):
    return torch.randperm(count, generator=torch.Generator().manual_seed(0))


device_loader = Exercise(
    name="device_loader",
    reference=_device_loader,
    cases=_loader_cases,
    points=5,
    difficulty=3,
    minutes=9,
    call=_loaded,
    misconceptions=(
        Misconception(
            "data copied every step",
            partial(_device_loader, pick=lambda x, y, index: (x[index].to(x.device), y[index].to(y.device))),
            "In every step you call .to(), .cpu(), .numpy(), .item() or .tolist(). The data is where it is "
            "needed: index it, and move nothing.",
        ),
        Misconception(
            "whole set shuffled in every step",
            partial(_device_loader, pick=lambda x, y, index: (x[_first(index, x)][: len(index)], y[index])),
            "Each step copies the whole set to take one batch of it. Cut the order into batches, and index the "
            "images with one batch of numbers.",
        ),
        Misconception(
            "short last batch kept",
            partial(_device_loader, cut=lambda order, size: order.split(size)),
            "The last batch is shorter than the others. A captured step has one shape for ever: leave out what "
            "does not fill a batch. In the next epoch others are left out.",
        ),
        Misconception(
            "last full batch lost",
            partial(_device_loader, cut=lambda order, size: order[: (len(order) - 1) // size * size].split(size)),
            "Where the batch size divides the number of images, your last batch is missing although it is full. "
            "There are len(images) // batch_size batches.",
        ),
        Misconception(
            "batch size taken for the number of batches",
            partial(_device_loader, cut=lambda order, size: order[: len(order) // size * size].chunk(size)),
            "chunk(n) makes n pieces; split(n) makes pieces of n.",
        ),
        Misconception(
            "same order in every epoch",
            partial(_device_loader, loader=_shuffled_once),
            "Every epoch repeats the first: the order is drawn once, when the loader is made, or the generator is "
            "seeded again. Draw a new order in __iter__, and leave the generator's state alone: it moves on by "
            "itself.",
        ),
        Misconception(
            "not shuffled",
            partial(_device_loader, order=lambda count, *given: torch.arange(count)),
            "The images come in the order of the set. torch.randperm gives a random order of numbers.",
        ),
        Misconception(
            "batches shuffled, not images",
            partial(_device_loader, order=_whole_batches),
            "You cut the set into batches and shuffle these, so that the same images meet in every epoch, and the "
            "last ones never come. Shuffle the images, then cut.",
        ),
        Misconception(
            "images and labels shuffled apart",
            _apart,
            "Images and labels no longer belong together. Draw one order and index both with it.",
        ),
        Misconception(
            "drawn with replacement",
            partial(
                _device_loader,
                order=lambda count, generator, size: torch.randint(count, (count,), generator=generator),
            ),
            "randint draws some images twice and others never. An epoch sees each image at most once: randperm.",
        ),
        Misconception(
            "global random numbers",
            partial(_device_loader, order=lambda count, *given: torch.randperm(count)),
            "You draw from torch's global random numbers, and the generator does nothing. "
            "torch.randperm(..., generator=generator).",
        ),
        Misconception(
            "Python's or NumPy's random numbers",
            partial(_device_loader, order=lambda count, *given: torch.tensor(random.sample(range(count), count))),
            "The order does not come from the generator: you draw with random or numpy.random. "
            "torch.randperm(..., generator=generator).",
        ),
        Misconception(
            "generator of its own",
            partial(_device_loader, order=lambda count, *given: _order_of_zero(count)),
            "You make and seed a generator yourself in every epoch, so every epoch and every seed has the same "
            "order. Use the one that you are given.",
        ),
        Misconception(
            "only one epoch possible",
            partial(_device_loader, loader=_once),
            "A generator function (with yield) can be looped over once; a second epoch gets nothing. Return an "
            "object of a class whose __iter__ yields: each for loop calls it afresh.",
        ),
        Misconception(
            "it never ends",
            partial(_device_loader, loader=_endless),
            "Your loop goes on after the last batch. An epoch ends: one pass over the order.",
        ),
        Misconception(
            "one example at a time",
            partial(_device_loader, pick=_one_by_one),
            "You index each example by itself and stack them, which is a Python loop over all examples and "
            "thousands of tiny calls. images[index], with a tensor of numbers, takes a whole batch in one call.",
        ),
        Misconception(
            "everything made float",
            partial(_device_loader, pick=lambda x, y, index: (x[index].float(), y[index].float())),
            "You change dtypes. Give images and labels as they are stored.",
        ),
    ),
)

# --- captured_step


def _captured(work, weights, batches, look):
    """What a captured step does to a small network; `look` says at what to look.

    `batches` are tensors of shape (count, N, 1, H, W) and (count, N). The first batch makes an eager step, so that
    the optimiser has its memory. The second is handed over to be captured, the others train.
    """
    images, labels = batches
    features = weights["3.weight"].shape[1]
    model = nn.Sequential(nn.Conv2d(1, 2, 2), nn.ReLU(), nn.Flatten(), nn.Linear(features, CLASSES)).double()
    model.load_state_dict(weights)
    opt = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    calls = 0

    def step(images, labels):
        nonlocal calls
        calls += 1
        opt.zero_grad()
        loss = F.cross_entropy(model(images), labels)
        loss.backward()
        opt.step()
        return loss.detach()

    step(images[0], labels[0])
    state = [*model.parameters(), *(opt.state[one]["momentum_buffer"] for one in model.parameters())]
    before = [one.detach().clone() for one in state]
    given = images[1].clone(), labels[1].clone()
    calls = 0
    run = work(step, list(state), *given, CpuGraph())
    if run is None:
        return None
    if not callable(run):
        raise TypeError(f"a function run(images, labels) is to be returned, not {described(plain(run))}")
    preparing, calls = calls, 0
    names = [*weights, *(f"momentum of {name}" for name in weights)]
    if look == "capture":
        changed = [
            name for name, one, other in zip(names, state, before, strict=True) if not torch.equal(one, other)
        ]
        return {"changed by preparing": changed, "step called at least three times to warm up": preparing >= 4}
    if look == "shape":
        return run(images[2, :1], labels[2, :1])
    losses = [run(*batch) for batch in zip(images[2:], labels[2:], strict=True)]
    if look == "losses":
        return {
            "losses, read at the end": [float(one) if isinstance(one, torch.Tensor) else one for one in losses],
            "they are tensors": [isinstance(one, torch.Tensor) for one in losses],
        }
    if look == "work":
        intact = all(map(torch.equal, given, (images[1], labels[1])))
        return {"calls of step in run": calls, "the batch handed over is as it was": intact}
    return {name: one.detach().clone() for name, one in zip(names, state, strict=True)}


def _capture_cases(draw):
    def one(aspect, look, count=3):
        height, width = draw.choice(((4, 3), (3, 4), (5, 3)))
        features, size = 2 * (height - 1) * (width - 1), draw.integer(3, 5)
        shapes = {"0.weight": (2, 1, 2, 2), "0.bias": (2,), "3.weight": (CLASSES, features), "3.bias": (CLASSES,)}
        weights = {name: draw.tensor(*shape, dtype=torch.float64) / 8 for name, shape in shapes.items()}
        images = draw.tensor(count + 2, size, 1, height, width, dtype=torch.float64) / 4
        labels = torch.tensor([[draw.integer(0, CLASSES - 1) for _ in range(size)] for _ in range(count + 2)])
        return case(aspect, weights=weights, batches=(images, labels), look=look)

    yield one("the worked example", "state")
    for _ in range(5):
        yield one("preparing changes no weight", "capture")
    for _ in range(5):
        yield one("each run trains on its own batch", "state", draw.integer(1, 4))
    for _ in range(5):
        yield one("losses that stay as they were returned", "losses", draw.integer(2, 4))
    for _ in range(4):
        yield one("run replays, and nothing else", "work", draw.integer(1, 3))
    for _ in range(2):
        yield one("a batch of another shape: ValueError", "shape")


def _captured_step(
    step,
    state,
    images,
    labels,
    graph,
    static=torch.clone,
    warmup=3,
    restore=lambda one, numbers: one.copy_(numbers),
    captured=lambda step, images, labels: step(images, labels),
    afterwards=lambda graph, state, saved: None,
    checks=True,
    fill=("images", "labels"),
    when="before",
    replay=lambda graph, step, images, labels, loss: graph.replay(),
    result=torch.clone,
):
    """An answer to `captured_step` with something changed."""
    held = {"images": static(images), "labels": static(labels)}
    saved = [one.detach().clone() for one in state]
    for _ in range(warmup):
        step(**held)
    with torch.no_grad():
        for one, numbers in zip(state, saved, strict=True):
            restore(one, numbers)
    with graph.capture():
        loss = captured(step, held["images"], held["labels"])
    afterwards(graph, state, saved)

    def copy(given):
        for name in fill:
            held[name].copy_(given[name])

    def run(images, labels):
        given = {"images": images, "labels": labels}
        if checks and images.shape != held["images"].shape:
            raise ValueError(f"captured for {held['images'].shape}, not {images.shape}")
        if when == "before":
            copy(given)
        found = replay(graph, step, images, labels, loss)
        if when == "after":
            copy(given)
        return result(loss if found is None else found)

    return run


def _other_memory(graph, state, saved):
    for one, numbers in zip(state, saved, strict=True):
        one.data = numbers


def _again(graph, step, images, labels, loss):
    with graph.capture():
        return step(images, labels)


captured_step = Exercise(
    name="captured_step",
    reference=_captured_step,
    cases=_capture_cases,
    points=6,
    difficulty=4,
    minutes=14,
    call=_captured,
    compare=_close,
    misconceptions=(
        Misconception(
            "batch never copied",
            partial(_captured_step, fill=()),
            "It trains on the first batch for ever. Replaying reads the memory of capture time: fill it, "
            "static_images.copy_(images). An assignment, static_images = images, only gives another tensor that "
            "name.",
        ),
        Misconception(
            "labels never copied",
            partial(_captured_step, fill=("images",)),
            "New images are learned with the labels of the first batch. Labels need a static tensor too, and a "
            "copy_ in each run.",
        ),
        Misconception(
            "images never copied",
            partial(_captured_step, fill=("labels",)),
            "New labels are learned with the images of the first batch. Images need a copy_ in each run as well.",
        ),
        Misconception(
            "copied after the replay",
            partial(_captured_step, when="after"),
            "You replay first and copy then, so each step trains on the batch before. Copy, then replay.",
        ),
        Misconception(
            "the caller's tensors taken as static inputs",
            partial(_captured_step, static=lambda x: x),
            "Your static inputs are the very tensors that were handed over, so run writes into the caller's "
            "batch, or into the data set that it is a slice of. Clone them.",
        ),
        Misconception(
            "warm-up counted as training",
            partial(_captured_step, restore=lambda one, numbers: None),
            "The warm-up has moved the weights. Save a clone of each tensor in state before it (list(state) holds "
            "the tensors themselves, which change), and copy_ it back after; an assignment (one = saved) changes "
            "nothing.",
        ),
        Misconception(
            "optimiser's memory not restored",
            partial(
                _captured_step,
                restore=lambda one, numbers: one.copy_(numbers) if one.requires_grad else None,
            ),
            "You put the weights back, and the optimiser still remembers the warm-up: its momentum is in state as "
            "well. Restore all of state.",
        ),
        Misconception(
            "given other memory after the capture",
            partial(_captured_step, afterwards=_other_memory),
            "After the capture you gave the weights other memory (one.data = saved), and the graph goes on "
            "writing into the old one. Fill what is there: one.copy_(saved).",
        ),
        Misconception(
            "replayed while preparing",
            partial(_captured_step, afterwards=lambda graph, state, saved: graph.replay()),
            "You replay once before anybody calls run, and that is a step on the example. Preparing must not "
            "train.",
        ),
        Misconception(
            "several steps captured",
            partial(_captured_step, captured=lambda step, *batch: [step(*batch) for _ in range(4)][-1]),
            "You capture several calls of step, and each replay repeats them all. Warm up before the block, "
            "capture one call in it.",
        ),
        Misconception(
            "no warm-up",
            partial(_captured_step, warmup=0),
            "Capturing the very first call fails on a GPU, where libraries still have to be loaded and memory to "
            "be taken. Call step three times before.",
        ),
        Misconception(
            "replay missing",
            partial(_captured_step, replay=lambda graph, step, images, labels, loss: None),
            "run copies the batch and computes nothing: it needs graph.replay().",
        ),
        Misconception(
            "step called instead of replayed",
            partial(_captured_step, replay=lambda graph, step, images, labels, loss: step(images, labels)),
            "run calls step, in Python, which is what we wanted to get rid of. Call graph.replay().",
        ),
        Misconception(
            "captured again in every run",
            partial(_captured_step, replay=_again),
            "You capture in run. Capturing is slow and does no work: capture once, outside of run, and replay "
            "inside.",
        ),
        Misconception(
            "replayed twice",
            partial(_captured_step, replay=lambda graph, *rest: (graph.replay(), graph.replay())[0]),
            "Each run makes two steps. One replay is one step.",
        ),
        Misconception(
            "called outside of capture",
            partial(_captured_step, captured=lambda step, images, labels: None),
            "Nothing was captured. The call of step belongs into the block of `with graph.capture():`.",
        ),
        Misconception(
            "number read while capturing",
            partial(_captured_step, captured=lambda step, images, labels: step(images, labels).item()),
            "While capturing nothing is computed, so there is no number to read: no .item(), no float(loss), no "
            "print(loss) in there. Keep the tensor; it is filled by each replay.",
        ),
        Misconception(
            "loss not cloned",
            partial(_captured_step, result=lambda loss: loss),
            "All your losses are the last one. Each replay writes its loss into the same memory: return "
            "loss.clone().",
        ),
        Misconception(
            "loss as a Python number",
            partial(_captured_step, result=lambda loss: loss.item()),
            "loss.item() waits for the GPU in every step, and the queue runs empty. Return a clone, and let the "
            "caller read it at the end.",
        ),
        Misconception(
            "no loss returned",
            partial(_captured_step, result=lambda loss: None),
            "run returns nothing. Return a clone of the loss.",
        ),
        Misconception(
            "wrong shape accepted",
            partial(_captured_step, checks=False),
            "A batch of one image was accepted: copy_ spreads it over the whole static batch, without a word. "
            "Compare the shapes, and raise ValueError.",
        ),
    ),
)

# --- best_rung


def _rung_cases(draw):
    """Accuracies are multiples of 1/1024, so that means are exact whatever the order of adding."""

    def rung(seconds, mean, spread=0):
        """Four to eight accuracies with this `mean`, in 1024ths; `spread` is how far one of them lies above it."""
        count = 2 * draw.integer(2, 4)
        off = [spread or draw.integer(1, 3)] + [draw.integer(0, 3) for _ in range(count // 2 - 1)]
        values = [mean + one for one in off] + [mean - one for one in off]
        order = sorted(range(count), key=lambda _: draw.integer(0, 99))
        return seconds, [values[i] / 1024 for i in order]

    def one(aspect, target, *rungs):
        order = sorted(range(len(rungs)), key=lambda _: draw.integer(0, 99))
        names = draw.choice((("loop", "loader", "bf16", "graph", "tuned"), ("a", "b", "c", "d", "e")))
        found = [
            {"name": names[n], "seconds": rungs[i][0], "accuracies": rungs[i][1]} for n, i in enumerate(order)
        ]
        return case(aspect, rungs=found, target=target / 1024)

    def times():
        return sorted(draw.integer(1, 40) * 0.25 + n / 100 for n in range(5))

    example = [
        {"name": "loop", "seconds": 90.0, "accuracies": [0.9921875, 0.9921875]},
        {"name": "captured", "seconds": 0.5, "accuracies": [0.9921875, 0.990234375]},
        {"name": "reckless", "seconds": 0.25, "accuracies": [0.98828125, 0.9921875]},
    ]
    yield case("the worked example", rungs=example, target=0.9912109375)
    for _ in range(6):
        target, (a, b, c, d, e) = draw.integer(960, 1000), times()
        yield one(
            "the fastest that is good enough",
            target,
            *(rung(a, target - draw.integer(20, 60)), rung(b, target - draw.integer(10, 60))),
            *(rung(c, target + 4), rung(d, target + draw.integer(6, 9)), rung(e, target + 1)),
        )
    for _ in range(5):
        target, (a, b, c, d, _) = draw.integer(960, 1000), times()
        lucky, unlucky = rung(a, target - 8, spread=12), rung(b, target + 2, spread=9)
        others = rung(c, target + 6), rung(d, target + 8)
        yield one("one lucky seed, one unlucky seed", target, lucky, unlucky, *others)
    for _ in range(5):
        target, (a, b, c, *_) = draw.integer(960, 1000), times()
        yield one(
            "just short of the target", target, rung(a, target - 1), rung(b, target + 3), rung(c, target + 5)
        )
    for _ in range(5):
        target, (a, b, c, *_) = draw.integer(960, 1000), times()
        yield one("exactly the target", target, rung(a, target - 9), rung(b, target), rung(c, target + 5))
    for count in (3, 2, 1, 0):
        target, seconds = draw.integer(960, 1000), times()
        yield one("none is good enough", target, *(rung(seconds[n], target - 5, spread=4) for n in range(count)))


def _best_rung(
    rungs,
    target,
    accuracy=statistics.fmean,
    reaches=lambda accuracy, target: accuracy >= target,
    choose=lambda passing: min(passing, key=lambda one: one["seconds"]),
    none=lambda rungs: None,
    result=lambda rung, rungs: rung,
):
    """An answer to `best_rung` with something changed."""
    passing = [one for one in rungs if reaches(accuracy(one["accuracies"]), target)]
    return result(choose(passing), rungs) if passing else none(rungs)


def _most_accurate(passing):
    return max(passing, key=lambda one: statistics.fmean(one["accuracies"]))


def _fastest(rungs):
    return min(rungs, key=lambda one: one["seconds"], default=None)


best_rung = Exercise(
    name="best_rung",
    reference=_best_rung,
    cases=_rung_cases,
    points=2,
    difficulty=1,
    minutes=4,
    misconceptions=(
        Misconception(
            "accuracy lost unnoticed",
            lambda rungs, target: _fastest(rungs),
            "You take the fastest, whatever it has learned. A training that does nothing would win. Drop what "
            "does not reach the target first.",
        ),
        Misconception(
            "best seed instead of the mean",
            partial(_best_rung, accuracy=max),
            "One lucky seed lets a rung pass. What you can expect is the mean over all of the seeds.",
        ),
        Misconception(
            "worst seed instead of the mean",
            partial(_best_rung, accuracy=min),
            "You ask every seed to reach the target. Asked for is their mean.",
        ),
        Misconception(
            "first seed only",
            partial(_best_rung, accuracy=lambda accuracies: accuracies[0]),
            "You look at the first seed alone. Take the mean over all of them.",
        ),
        Misconception(
            "median instead of the mean",
            partial(_best_rung, accuracy=lambda accuracies: sorted(accuracies)[len(accuracies) // 2]),
            "For times we took the median, because chance only slows down. Here the mean is asked for: seeds that "
            "fail are part of what you may expect.",
        ),
        Misconception(
            "most accurate instead of fastest",
            partial(_best_rung, choose=_most_accurate),
            "Among those that reach the target you take the most accurate. The question was which is fastest.",
        ),
        Misconception(
            "most accurate of all, whatever the target",
            lambda rungs, target: max(rungs, key=lambda one: statistics.fmean(one["accuracies"]), default=None),
            "You take the most accurate of all. Is its mean at least the target? And is none faster that reaches "
            "it?",
        ),
        Misconception(
            "slowest instead of fastest",
            partial(_best_rung, choose=lambda passing: max(passing, key=lambda one: one["seconds"])),
            "You take the one with the most seconds. Fast means few of them: min.",
        ),
        Misconception(
            "rounded up",
            partial(_best_rung, reaches=lambda accuracy, target: round(accuracy, 2) >= round(target, 2)),
            "You round before you compare. 98.96 % is not 99 %: a target is reached or it is not.",
        ),
        Misconception(
            "more than the target",
            partial(_best_rung, reaches=lambda accuracy, target: accuracy > target),
            "A mean of exactly the target reaches it: >=, not >.",
        ),
        Misconception(
            "first that passes",
            partial(_best_rung, choose=lambda passing: passing[0]),
            "You take the first in the list that reaches the target. The list is in no order: look at the "
            "seconds.",
        ),
        Misconception(
            "last that passes",
            partial(_best_rung, choose=lambda passing: passing[-1]),
            "You take the last in the list that reaches the target. The list is in no order: look at the seconds.",
        ),
        Misconception(
            "fastest where none passes",
            partial(_best_rung, none=_fastest),
            "Where none reaches the target you return one all the same. Say so honestly: None.",
        ),
        Misconception(
            "min of nothing",
            partial(_best_rung, none=lambda rungs: min([])),
            "Where none reaches the target, min has nothing to choose from and fails. Return None: "
            "min(..., default=None).",
        ),
        Misconception(
            "name instead of the rung",
            partial(_best_rung, result=lambda rung, rungs: rung["name"]),
            "You return the name alone. Return the whole dict, as it is in the list.",
        ),
        Misconception(
            "seconds instead of the rung",
            partial(_best_rung, result=lambda rung, rungs: rung["seconds"]),
            "You return its seconds. Return the whole dict, as it is in the list.",
        ),
        Misconception(
            "place instead of the rung",
            partial(_best_rung, result=lambda rung, rungs: rungs.index(rung)),
            "You return its place in the list. Return the whole dict.",
        ),
    ),
)

# --- questions

predicted_floor = question(
    "predicted_floor",
    "sha256:eebaa725d4c8b85c",
    Misconception(
        "forward pass only",
        "sha256:be27352c0611b4e4",
        "That is the forward pass. Backward takes about twice as much: a product for the gradient of the weights, "
        "one for that of the input.",
    ),
    Misconception(
        "multiplications counted, additions not",
        "sha256:a347a5ae651565ea",
        "The 67 · 10¹² count a multiplication and the addition that goes with it as two. So must you.",
    ),
    Misconception(
        "milli and micro",
        "sha256:91da453e35b5af3c",
        "3.4 · 10⁹ divided by 67 · 10¹² is 5 · 10⁻⁵ seconds. How many milliseconds is that?",
    ),
)

predicted_batch = question(
    "predicted_batch",
    "sha256:d716fe498786fa28",
    Misconception(
        "arithmetic taken for the limit",
        "sha256:5390159de7aed65e",
        "Twice as much arithmetic it is. But at this size the GPU is done with each kernel before Python has "
        "launched the next, and there are no more kernels than before.",
    ),
    Misconception(
        "twice as fast",
        "sha256:f67b7cb64a2974b4",
        "An epoch may take half as long: it has half as many steps. One step cannot become quicker by having more "
        "to do.",
    ),
    Misconception(
        "quadratic",
        "sha256:e4e9112eabf89cf7",
        "Work grows with the number of images, not with its square.",
    ),
)

predicted_rate = question(
    "predicted_rate",
    "sha256:bed5e61739ad8c50",
    Misconception(
        "a graph reads Python",
        "sha256:0af3fab7e6d575fd",
        "Replaying runs no Python, so nobody reads the optimiser's settings again. The number is part of what was "
        "recorded.",
    ),
    Misconception(
        "a graph that watches",
        "sha256:34e4bd6e73e03147",
        "Nobody watches the setting, so nobody complains. That makes it so easy to miss.",
    ),
    Misconception(
        "nothing recorded",
        "sha256:670d70b8185b072f",
        "The step was recorded with the number that it had. Replays do work: they move the weights.",
    ),
)
