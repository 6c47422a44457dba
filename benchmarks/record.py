"""Where a benchmark's figures are kept: results/<name>.json, with the machine, the versions and the date."""

import datetime
import json
import os
import platform
import sys
from importlib.metadata import version
from pathlib import Path

import torch

RESULTS = Path(__file__).parent / "results"

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "course"))  # where convlab is not installed


def gpu() -> str | None:
    """The name of this machine's GPU; None where there is none, which it says."""
    if torch.cuda.is_available():
        return torch.cuda.get_device_name()
    print(f"benchmarks/{Path(sys.argv[0]).name} needs a GPU, and there is none here: nothing was measured.")
    return None


def write(name: str, figures: dict, packages: tuple[str, ...]) -> None:
    """Write `figures` to results/`name`.json, with the versions of Python and of `packages`."""
    result = figures | {
        "machine": {"cpus": os.cpu_count(), "model": cpu_model()},
        "versions": {"python": platform.python_version(), **{package: version(package) for package in packages}},
        "date": datetime.date.today().isoformat(),
    }
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}.json"
    path.write_text(json.dumps(result, indent=2) + "\n")
    print(f"benchmarks/results/{path.name}")


def cpu_model() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    return next((line.split(": ")[1] for line in lines if line.startswith("model name")), platform.processor())
