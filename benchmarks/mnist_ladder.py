"""The ladder of notebook 13 on a GPU: each rung's time and accuracies, the floor, and what the GPU does meanwhile.

The tutorial's loop, which takes minutes, is trained with one seed, the last rung with 30, the others with 3.
Writes results/mnist_ladder.json, and the events of the first and the last rung to
course/convlab/recorded/mnist_profiles.json. Without a GPU it says so and does nothing.
"""

import json
import sys
from pathlib import Path

import torch
from record import write

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "course"))  # where convlab is not installed

from convlab import ladder

SEEDS = dict.fromkeys(ladder.RUNGS, range(3)) | {"tutorial": range(1), "whole run": range(30)}


def main() -> None:
    if not torch.cuda.is_available():
        print("benchmarks/mnist_ladder.py needs a GPU, and there is none here: nothing was measured.")
        return
    rungs = [ladder.climb(seeds, [name])[0] for name, seeds in SEEDS.items()]
    profiles = ladder.profiles()
    for rung in rungs:
        for key in ("device", "versions", "date"):
            del rung[key]
    gpu = torch.cuda.get_device_name()
    write("mnist_ladder", {"gpu": gpu, "rungs": rungs, "floor": ladder.floor()}, ("torch",))
    path = ladder.RECORDED / "mnist_profiles.json"
    path.write_text(json.dumps(profiles, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
