"""The training of notebook 11 on a GPU, full length and as on a CPU, and the tutorial's, over several seeds.

After each epoch the test accuracy is measured with the test images scaled as in training (0 to 1) and, as the
tutorial does, on raw pixels (0 to 255). Writes results/mnist.json. Without a GPU it says so and does nothing.

Needs torch, torchvision and MNIST, nothing else: where convlab.data cannot be imported, torchvision finds the .gz
files in $CONVLAB_DATA/MNIST/raw, or downloads them there.
"""

import os
import statistics
from concurrent.futures import ProcessPoolExecutor
from functools import cache, partial
from multiprocessing import get_context

import torch
from record import gpu, write
from torch import nn
from torch.nn import functional as F
from torchvision.datasets import MNIST

from convlab.training import three_layers

PAUSE = 10
"""The notebook's learning rate is set anew after this many steps."""

PROCESSES = 14
"""How many trainings share the GPU: one by itself leaves it waiting for Python most of the time."""


def tutorial() -> nn.Sequential:
    """The tutorial's network as it runs: without the ReLU between the two linear layers."""
    layers = list(three_layers())
    del layers[-2]
    return nn.Sequential(*layers)


RECIPES = {  # network, batch size, does the learning rate shrink, epochs, seeds
    "the tutorial's, 15 epochs": (tutorial, 32, False, 15, 3),
    "notebook 11 on a GPU, 15 epochs": (three_layers, 64, True, 15, 20),
    "notebook 11 on a CPU, 1 epoch": (three_layers, 64, True, 1, 20),
}


@cache
def read_mnist(device: str) -> dict[str, tuple[torch.Tensor, torch.Tensor]]:
    """Images of shape (N, 1, 28, 28), 0 to 1, and labels, of the training and the test set."""
    try:
        from convlab.data import mnist
    except ImportError:
        mnist = partial(MNIST, os.environ["CONVLAB_DATA"], download=True)
    sets = {name: mnist(train=name == "train") for name in ("train", "test")}
    return {name: (one.data[:, None].to(device) / 255, one.targets.to(device)) for name, one in sets.items()}


def train(recipe: str, seed: int, device: str = "cuda") -> dict:
    """One training: the test accuracy after each epoch with both scales, and at the end on the training images."""
    make, batch, shrinks, epochs, _ = RECIPES[recipe]
    sets = read_mnist(device)
    (x, y), test = sets["train"], sets["test"]
    torch.manual_seed(seed)
    model = make().to(x.device)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.001)
    updates = epochs * -(-len(x) // (batch * PAUSE))
    schedule = torch.optim.lr_scheduler.LinearLR(optimizer, 1, 0.02, total_iters=updates)
    found = {"seed": seed, "scaled": [], "raw": []}
    for _ in range(epochs):
        model.train()
        for step, picked in enumerate(torch.randperm(len(x)).to(x.device).split(batch), 1):
            optimizer.zero_grad()
            F.cross_entropy(model(x[picked]), y[picked]).backward()
            optimizer.step()
            if shrinks and (step % PAUSE == 0 or step * batch >= len(x)):
                schedule.step()
        for name, factor in (("scaled", 1), ("raw", 255)):
            found[name].append(accuracy(model, test, factor))
    found["training"] = accuracy(model, sets["train"])
    return found


@torch.no_grad()
def accuracy(model: nn.Module, pair: tuple[torch.Tensor, torch.Tensor], factor: int = 1) -> float:
    """Percent of the images, times `factor`, that the model classifies correctly."""
    model.eval()
    parts = zip(*(one.split(1000) for one in pair), strict=True)
    right = sum((model(x * factor).argmax(1) == y).sum().item() for x, y in parts)
    return round(100 * right / len(pair[0]), 2)


def summary(runs: list[dict]) -> dict:
    """Smallest, mean and largest accuracy after the last epoch, over the seeds; raw over all epochs too."""
    ends = {scale: [run[scale][-1] for run in runs] for scale in ("scaled", "raw")}
    ends["raw, over all epochs"] = [one for run in runs for one in run["raw"]]
    return {
        name: {"min": min(values), "mean": round(statistics.mean(values), 2), "max": max(values)}
        for name, values in ends.items()
    }


def main() -> None:
    if not (name_of_gpu := gpu()):
        return
    read_mnist("cpu")  # unpacked once, before several processes ask for it
    jobs = [(recipe, seed) for recipe, (*_, seeds) in RECIPES.items() for seed in range(seeds)]
    with ProcessPoolExecutor(PROCESSES, mp_context=get_context("spawn")) as pool:
        runs = list(zip(jobs, pool.map(train, *zip(*jobs, strict=True)), strict=True))
    recipes = {}
    for name, (_, batch, _, epochs, _) in RECIPES.items():
        own = [run for (recipe, _), run in runs if recipe == name]
        recipes[name] = {"batch": batch, "epochs": epochs, "summary": summary(own), "runs": own}
        print(name, recipes[name]["summary"])
    write("mnist", {"gpu": name_of_gpu, "recipes": recipes}, ("torch",))


if __name__ == "__main__":
    main()
