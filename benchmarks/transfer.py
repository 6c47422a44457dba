"""Notebook 12's four ways to train with 400 flower photos, over 5 seeds: accuracy on 200 others after each epoch.

Writes results/transfer.json, which is a link to the file of the same name that the notebook shows. Without a GPU
it says so and does nothing; with --cpu it works there, for hours.
"""

import statistics
import sys
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from multiprocessing import get_context

import torch
from record import write
from torch import nn

from convlab import transfer
from convlab.backbone import backbone
from convlab.data import flower_photos, photos

PROCESSES = 5
"""How many trainings share the GPU: one by itself leaves it waiting for Python most of the time."""


@cache
def prepared(device: str):
    """The backbone, the photos, and their images as it wants them."""
    network, flowers = backbone(), photos(flower_photos())
    mean, std = (torch.tensor(values)[:, None, None] for values in (network.mean, network.std))
    return network, flowers, ((flowers.images / 255 - mean) / std).to(device), flowers.labels.to(device)


def train(way: str, seed: int, device: str) -> list[float]:
    """The share of the test photos that are classified correctly, after each epoch."""
    network, flowers, x, y = prepared(device)
    torch.manual_seed(seed)
    trunk = network.trunk(pretrained=way != "from scratch").to(device)
    with torch.no_grad():
        features = torch.cat([trunk(part) for part in x.split(100)]) if way == "frozen" else trunk(x[:1])
    head = nn.Linear(features.shape[1], len(flowers.classes)).to(device)
    rates = zip((head, trunk), transfer.WAYS[way], strict=True)
    groups = [{"params": list(part.parameters()), "lr": rate} for part, rate in rates if rate]
    if way == "frozen":
        epochs = transfer.fit(head, groups, features, y, flowers.split(seed))
    else:
        model = nn.Sequential(trunk, head)
        epochs = transfer.fit(model, groups, x, y, flowers.split(seed), transfer.mirrored)
    return [round(accuracy, 3) for _, accuracy in epochs]


def main() -> None:
    if not torch.cuda.is_available() and "--cpu" not in sys.argv:
        print("benchmarks/transfer.py needs a GPU, and there is none here: nothing was measured.")
        return
    device, processes = ("cuda", PROCESSES) if torch.cuda.is_available() else ("cpu", 1)
    network, _, x, _ = prepared("cpu")  # fetched once, before several processes ask for it
    jobs = [(way, seed, device) for way in transfer.WAYS for seed in range(transfer.SEEDS)]
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        runs = list(zip(jobs, pool.map(train, *zip(*jobs, strict=True)), strict=True))
    accuracies = {way: [run for (name, *_), run in runs if name == way] for way in transfer.WAYS}
    ends = {way: [run[-1] for run in of_seeds] for way, of_seeds in accuracies.items()}
    summary = {
        way: {"min": min(values), "mean": round(statistics.mean(values), 3), "max": max(values)}
        for way, values in ends.items()
    }
    for way, values in summary.items():
        print(f"{way:24}{values}")
    measured = {
        "backbone": network.name,
        "photos": f"{len(x)} flower photos, {x.shape[2]} × {x.shape[3]}",
        "device": torch.cuda.get_device_name() if device == "cuda" else "CPU",
        "summary": summary,
        "accuracies": accuracies,
    }
    write("transfer", measured, ("torch", "torchvision", "timm"))


if __name__ == "__main__":
    main()
