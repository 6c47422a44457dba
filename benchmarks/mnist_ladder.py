"""The ladder of notebook 13 on a GPU: each rung's time and accuracies, the floor, and what the GPU does meanwhile.

The tutorial's loop, which takes minutes, is trained with one seed, the last rung with 30, the others with 3.
Writes results/mnist_ladder.json, and the events of the first and the last rung to
course/convlab/recorded/mnist_profiles.json. Without a GPU it says so and does nothing.
"""

import json

from record import gpu, write

from convlab import ladder

SEEDS = dict.fromkeys(ladder.RUNGS, range(3)) | {"tutorial": range(1), "whole run": range(30)}


def main() -> None:
    if not (name_of_gpu := gpu()):
        return
    rungs = [ladder.climb(seeds, [name])[0] for name, seeds in SEEDS.items()]
    profiles = ladder.profiles()
    for rung in rungs:
        rung["seeds"] = len(rung["accuracies"])
        for key in ("device", "versions", "date"):
            del rung[key]
    write("mnist_ladder", {"gpu": name_of_gpu, "rungs": rungs, "floor": ladder.floor()}, ("torch",))
    path = ladder.RECORDED / "mnist_profiles.json"
    path.write_text(json.dumps(profiles, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
