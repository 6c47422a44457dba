"""The ladder of notebook 13 on a GPU: every rung's time and accuracies, the floor, and what the GPU does
meanwhile.

A rung is timed while nothing else runs. The first two take minutes: they are timed with one seed, and their other
seeds are trained side by side afterwards, for the accuracy alone. Writes results/mnist_ladder.json, and the
events of the first and the last rung to course/convlab/recorded/mnist_profiles.json. Without a GPU it says so and
does nothing.
"""

import json
import statistics
import sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import torch
from record import write

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "course"))  # where convlab is not installed

from convlab import ladder

SLOW = ("tutorial", "larger batch")
SEEDS = dict.fromkeys(ladder.RUNGS, range(3)) | {"whole run": range(30)}


def accuracies(name: str, seed: int) -> list[float]:
    return ladder.measure(ladder.RUNGS[name].recipe, [seed])["accuracies"]


def main() -> None:
    if not torch.cuda.is_available():
        print("benchmarks/mnist_ladder.py needs a GPU, and there is none here: nothing was measured.")
        return
    rungs = [ladder.climb(seeds[:1] if name in SLOW else seeds, [name])[0] for name, seeds in SEEDS.items()]
    profiles = ladder.profiles()
    jobs = [(name, seed) for name in SLOW for seed in SEEDS[name][1:]]
    with ProcessPoolExecutor(len(jobs), mp_context=get_context("spawn")) as pool:
        for (name, _), found in zip(jobs, pool.map(accuracies, *zip(*jobs, strict=True)), strict=True):
            rung = next(rung for rung in rungs if rung["name"] == name)
            rung["accuracies"] += found
            rung["accuracy"] = statistics.mean(rung["accuracies"])
    for rung in rungs:
        for key in ("device", "versions", "date"):
            del rung[key]
        print(rung["name"], rung["seconds"], rung["seconds_with_warm_up"], rung["accuracy"])
    write(
        "mnist_ladder", {"gpu": torch.cuda.get_device_name(), "rungs": rungs, "floor": ladder.floor()}, ("torch",)
    )(ladder.RECORDED / "mnist_profiles.json").write_text(json.dumps(profiles, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
