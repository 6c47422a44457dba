"""The ladder of speed: one training of MNIST, made faster rung by rung, each rung timed and tested.

A *recipe* is a function. It gets the training images (uint8, shape (N, 28, 28)) and their labels (int64, shape
(N,)), both on the device that trains, and makes everything ready: it compiles, warms up, captures. It returns a
function `train(seed)`, which trains from scratch and returns a model: a function from uint8 images to logits. The
clock runs while `train` does.
"""

from __future__ import annotations

import datetime
import json
import platform
import statistics
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from PIL import Image
from torch.nn import functional as F
from torch.profiler import ProfilerActivity
from torch.utils.data import DataLoader, Dataset
from torchvision.transforms.functional import to_tensor

from convlab import data, whole_run
from convlab.graphs import graph
from convlab.training import three_layers

TARGET = 0.99
"""The mean test accuracy that a recipe must reach to have a place on the leaderboard."""

FLOPS_A_SECOND, BYTES_A_SECOND = 989e12, 4.8e12
"""What an NVIDIA H200 can do, in bfloat16 and without sparsity (data sheet of the H200 SXM)."""

RECORDED = Path(__file__).with_name("recorded")


@dataclass(frozen=True)
class StepByStep:
    """A recipe that trains notebook 11's network one step after the other, with more and more of the tricks.

    `rate` is Adam's learning rate. With `falls` it is the largest: the rate rises over the first fifth of the
    steps and falls over the others. `captured` needs a CUDA device.
    """

    batch_size: int = 32
    epochs: int = 15
    rate: float = 0.001
    falls: bool = False
    resident: bool = False
    channels_last: bool = False
    bf16: bool = False
    compiled: bool = False
    captured: bool = False

    def __call__(self, images: torch.Tensor, labels: torch.Tensor) -> Callable:
        device = images.device
        layout = torch.channels_last if self.channels_last else torch.contiguous_format
        model = three_layers().to(device, memory_format=layout)
        forward = torch.compile(model) if self.compiled else model
        rate = torch.tensor(self.rate, device=device)
        opt = torch.optim.Adam(model.parameters(), rate if self.captured else self.rate, capturable=self.captured)

        def scaled(images):
            return (images[:, None] / 255).contiguous(memory_format=layout)

        def step(x, y):
            opt.zero_grad()
            with torch.autocast(device.type, torch.bfloat16, enabled=self.bf16):
                loss = F.cross_entropy(forward(x), y)
            loss.backward()
            opt.step()
            return loss.detach()

        example = scaled(images[: self.batch_size]), labels[: self.batch_size].clone()
        if self.captured:
            step = _captured(step, *example)
        else:
            step(*example)

        def train(seed: int) -> Callable:
            torch.manual_seed(seed)
            with device:
                model.load_state_dict(three_layers().state_dict())
            for one in (tensor for state in opt.state.values() for tensor in state.values()):
                one.zero_()
            steps = self.epochs * (len(images) // self.batch_size)
            batches = _looked_up if self.resident else _loaded
            for number, (x, y) in zip(range(steps), batches(images, labels, self.batch_size), strict=False):
                if self.falls:
                    share = number / steps
                    now = rate.fill_(self.rate * min(0.1 + 4.5 * share, 1.25 * (1 - share)))
                    opt.param_groups[0]["lr"] = now if self.captured else now.item()
                if self.resident:
                    step(scaled(x), y)
                else:
                    step(x.to(device, memory_format=layout), y.to(device)).item()  # to print it, as is usual
            return lambda images: model(scaled(images))

        return train


def _loaded(images: torch.Tensor, labels: torch.Tensor, batch_size: int) -> Iterator:
    loader = DataLoader(_Digits(images.cpu(), labels.cpu()), batch_size, shuffle=True, drop_last=True)
    while True:
        yield from loader


def _looked_up(images: torch.Tensor, labels: torch.Tensor, batch_size: int) -> Iterator:
    whole = len(images) // batch_size * batch_size
    while True:
        for picked in torch.randperm(len(images), device=images.device)[:whole].split(batch_size):
            yield images[picked], labels[picked]


class _Digits(Dataset):
    """What torchvision's MNIST does with ToTensor: one image after the other, through PIL."""

    def __init__(self, images: torch.Tensor, labels: torch.Tensor):
        self.images, self.labels = images, labels

    def __len__(self):
        return len(self.images)

    def __getitem__(self, index: int):
        return to_tensor(Image.fromarray(self.images[index].numpy())), int(self.labels[index])


def _captured(step: Callable, images: torch.Tensor, labels: torch.Tensor) -> Callable:
    """`step` as a CUDA graph. Its warm-up trains on the example: `train` sets the weights anew."""
    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        for _ in range(3):
            step(images, labels)
    torch.cuda.current_stream().wait_stream(stream)
    whole = graph(images.device)
    with whole.capture():
        loss = step(images, labels)

    def replay(x, y):
        images.copy_(x)
        labels.copy_(y)
        whole.replay()
        return loss

    return replay


@dataclass(frozen=True)
class Rung:
    """A recipe, and in a sentence what is new in it."""

    recipe: Callable
    why: str


def _rungs() -> Iterator[tuple[str, Rung]]:
    one = StepByStep()
    yield "tutorial", Rung(one, "Each image goes through PIL by itself, 32 make a batch, every loss is looked at.")
    one = replace(one, batch_size=512, rate=0.002)
    yield "larger batch", Rung(one, "512 to a batch: a sixteenth of the steps for as many images.")
    one = replace(one, resident=True)
    yield "data on the GPU", Rung(one, "All images lie on the GPU, and a batch is looked up there.")
    one = replace(one, channels_last=True)
    yield "channels_last", Rung(one, "The channels of a pixel lie side by side, as tensor cores read them.")
    one = replace(one, bf16=True)
    yield "bf16", Rung(one, "Two bytes for a number instead of four, and tensor cores at full speed.")
    one = replace(one, compiled=True)
    yield "torch.compile", Rung(one, "Neighbouring operations become one kernel.")
    one = replace(one, captured=True)
    yield "CUDA graph", Rung(one, "A step is one launch. Python no longer stands between the kernels.")
    one = replace(one, epochs=4, rate=0.004, falls=True)
    yield "fewer epochs", Rung(one, "With a learning rate that rises and falls, 4 epochs do for 15.")
    yield (
        "whole run",
        Rung(whole_run.recipe, "Network, schedule and batch made for speed; all steps are one graph."),
    )


RUNGS = dict(_rungs())


def digits(train: bool, device: torch.device | str) -> tuple[torch.Tensor, torch.Tensor]:
    """MNIST's images, uint8 of shape (N, 28, 28), and labels, int64 of shape (N,), on `device`."""
    one = data.mnist(train=train)
    return one.data.to(device), one.targets.to(device)


def measure(recipe: Callable, seeds: Iterable[int], device: torch.device | str = "cuda") -> dict:
    """Train once with each seed, and test each time on the 10,000 test images.

    Returns what the leaderboard reads: `seconds`, the median of the trainings; `seconds_with_warm_up`, from the
    call of the recipe to the end of its first training; `accuracies`, one for each seed, from 0 to 1; `accuracy`,
    their mean; device, versions and date.
    """
    images, labels = digits(True, device)
    test_images, test_labels = digits(False, device)
    wait = torch.cuda.synchronize if images.is_cuda else lambda: None
    wait()
    begin = time.perf_counter()
    train = recipe(images, labels)
    times, accuracies = [], []
    for seed in seeds:
        wait()
        start = time.perf_counter()
        model = train(seed)
        wait()
        end = time.perf_counter()
        times.append(end - start)
        if len(times) == 1:
            with_warm_up = end - begin
        accuracies.append(accuracy(model, test_images, test_labels))
    return {
        "seconds": statistics.median(times),
        "seconds_with_warm_up": with_warm_up,
        "accuracy": statistics.mean(accuracies),
        "accuracies": accuracies,
        "device": torch.cuda.get_device_name() if images.is_cuda else platform.processor() or "cpu",
        "versions": {"torch": torch.__version__, "python": platform.python_version()},
        "date": datetime.date.today().isoformat(),
    }


@torch.no_grad()
def accuracy(model: Callable, images: torch.Tensor, labels: torch.Tensor) -> float:
    """The share of `images` for which the largest of the model's logits is at the label."""
    parts = zip(images.split(2500), labels.split(2500), strict=True)
    return sum((model(x).argmax(1) == y).sum().item() for x, y in parts) / len(images)


def work(steps: int = whole_run.STEPS, batch_size: int = whole_run.BATCH_SIZE) -> tuple[int, int]:
    """FLOPs and bytes that `steps` steps of the last rung cannot do without.

    Two FLOPs a multiplication, three products a layer: forward, and backward for the weights and for the input
    (which the first layer needs not). Two bytes a number of a map, which is written once and read once forward,
    and read again, and its gradient written and read, backward. And seven passes over the float32 weights:
    gradient, both of Adam's averages (read and written), the weights (read and written).
    """
    places = 12 * 12, 10 * 10, 3 * 3, 1
    numbers = [n * shape[0] for n, shape in zip(places, whole_run.SHAPES[::2], strict=True)]
    products = [n * fan for n, fan in zip(numbers, whole_run.FANS[::2], strict=True)]
    flops = 2 * (3 * sum(products) - products[0]) * batch_size * steps
    maps = sum(numbers) + 5 * 5 * 64  # and what the pooling makes
    return flops, (2 * 5 * maps * batch_size + 4 * 7 * sum(whole_run.SIZES)) * steps


def floor() -> dict:
    """The last rung's `flops` and `bytes`, and the `seconds` below which an H200 cannot do them."""
    flops, moved = work()
    return {"flops": flops, "bytes": moved, "seconds": max(flops / FLOPS_A_SECOND, moved / BYTES_A_SECOND)}


def profile(recipe: Callable, images: torch.Tensor, labels: torch.Tensor, window: float) -> list[dict]:
    """What CPU and GPU do while `recipe` trains: the events of `window` microseconds, half-way.

    Each has `name`, `start_us` from the window's begin, `duration_us`, and `lane`, "cpu" or "gpu". Needs a CUDA
    device.
    """
    train = recipe(images, labels)
    train(0)
    torch.cuda.synchronize()
    activities = [ProfilerActivity.CPU, ProfilerActivity.CUDA]
    with torch.profiler.profile(activities=activities, acc_events=True) as profiler:
        train(1)
        torch.cuda.synchronize()
    lanes = {torch.autograd.DeviceType.CPU: "cpu", torch.autograd.DeviceType.CUDA: "gpu"}
    events = [one for one in profiler.events() if one.device_type in lanes and one.cpu_parent is None]
    kernels = [one.time_range for one in events if lanes[one.device_type] == "gpu"]
    begin = (min(one.start for one in kernels) + max(one.end for one in kernels)) / 2
    return [
        {
            "name": one.name[:60],
            "start_us": round(one.time_range.start - begin, 1),
            "duration_us": round(one.time_range.end - one.time_range.start, 1),
            "lane": lanes[one.device_type],
        }
        for one in events
        if begin <= one.time_range.start < begin + window
    ]


def profiles(window: float = 4000) -> dict[str, list[dict]]:
    """`profile` of the `first` rung and of the `last`."""
    images, labels = digits(True, "cuda")
    few = 16 * RUNGS["tutorial"].recipe.batch_size
    return {
        "first": profile(replace(RUNGS["tutorial"].recipe, epochs=1), images[:few], labels[:few], window),
        "last": profile(RUNGS["whole run"].recipe, images, labels, window),
    }


def climb(seeds: Iterable[int], names: Iterable[str] = tuple(RUNGS)) -> list[dict]:
    """`measure` each rung on a GPU, with its `name`; says so as it goes."""
    rungs = []
    for name in names:
        rungs.append({"name": name} | measure(RUNGS[name].recipe, seeds))
        print(f"{name}: {rungs[-1]['seconds']:.3g} s, {rungs[-1]['accuracy']:.2%}")
    return rungs


def recorded() -> dict:
    """The ladder as it was measured for this course: `rungs`, `floor`, `profiles`, `gpu`, versions, date."""
    ladder, events = (RECORDED / f"mnist_{name}.json" for name in ("ladder", "profiles"))
    return json.loads(ladder.read_text()) | {"profiles": json.loads(events.read_text())}


def save(name: str, result: dict, path: Path | str = "leaderboard.json") -> None:
    """Write what `measure` returned, under a `name` for the class to see, to `path`; hand it in beside the
    notebook.

    Raises ValueError for a name that is empty or longer than 40 characters.
    """
    if not 0 < len(name.strip()) <= 40:
        raise ValueError(f"A name on the leaderboard has 1 to 40 characters, not {name!r}.")
    Path(path).write_text(json.dumps({"name": name.strip()} | result, indent=2) + "\n")
    print(f"{path}: {name.strip()}, {result['seconds']:.3g} s, {result['accuracy']:.2%} on {result['device']}")
