"""The whole check suite with 100 seeds: how often does it say something else than it should?

With every seed each solution has to get full marks, and each misconception has to lose points and be told its own
sentence; a seed with which one of them does not is a flaky run. Writes results/checks.json.
"""

from concurrent.futures import ProcessPoolExecutor

import torch
from record import write

from grader.build import solutions, sources
from grader.mutants import exercises, hand_in, named

SEEDS = range(100)


def surprises(module: str, name: str) -> list[tuple[int, str]]:
    """What the check of an exercise got wrong: with which seed, and what."""
    (exercise,) = (one for found, one in exercises() if (found, one.name) == (module, name))
    (source,) = (path for path in sources() if path.name == f"{module}.nb.py")
    work, found = solutions(source)[name], []
    for seed in SEEDS:
        if exercise.check(work, seed).points != exercise.points:
            found.append((seed, f"{name}: the solution lost points"))
        for misconception in exercise.misconceptions:
            verdict = hand_in(exercise, misconception.variant, seed)
            if verdict.points == exercise.points or not named(misconception, verdict):
                found.append((seed, f"{name}: {misconception.name}\n{verdict.text}"))
    return found


def main() -> None:
    described = list(exercises())
    names = [(module, exercise.name) for module, exercise in described]
    with ProcessPoolExecutor(initializer=torch.set_num_threads, initargs=(1,)) as pool:
        found = [one for some in pool.map(surprises, *zip(*names, strict=True)) for one in some]
    for seed, what in found:
        print(f"seed {seed}  {what}")
    figures = {
        "notebooks": len({module for module, _ in described}),
        "exercises_and_questions": len(described),
        "misconceptions": sum(len(exercise.misconceptions) for _, exercise in described),
        "runs": len(SEEDS),
        "flaky_runs": len({seed for seed, _ in found}),
    }
    print(f"flaky runs: {figures['flaky_runs']} of {figures['runs']}")
    write("checks", figures, ("torch",))


if __name__ == "__main__":
    main()
