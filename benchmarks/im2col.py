"""The im2col convolution of notebook 06, as its solution writes it, next to F.conv2d on layers of real networks.

The two take turns, with as many threads as torch uses by itself; the ratio is that of their median times.
Writes results/im2col.json.
"""

import math
import os
import statistics
import time

import torch
from record import write
from torch.nn import functional as F

from grader.build import SOLUTIONS, solutions

NOTEBOOK = SOLUTIONS / "06_fast_convolution" / "fast_convolution.nb.py"
WARM_UP, TURNS = 5, 101
LIMIT = 1.5
LAYERS = {  # (N, C, H, W), (O, C, kH, kW), stride and padding
    "ResNet-18, first layer, 7x7 stride 2": ((1, 3, 224, 224), (64, 3, 7, 7), 2, 3),
    "ResNet-50, first block, 1x1 expansion": ((4, 64, 56, 56), (256, 64, 1, 1), 1, 0),
    "ResNet-18, second stage, 3x3": ((4, 128, 28, 28), (128, 128, 3, 3), 1, 1),
    "ResNet-18, third stage, 3x3 stride 2": ((8, 128, 28, 28), (256, 128, 3, 3), 2, 1),
    "VGG-16, fifth block, 3x3": ((1, 512, 14, 14), (512, 512, 3, 3), 1, 1),
}


def milliseconds(functions: dict, *given) -> dict[str, float]:
    """Median wall time of each of `functions` on `given`; they take turns."""
    times = {name: [] for name in functions}
    for turn in range(WARM_UP + TURNS):
        for name, function in functions.items():
            start = time.perf_counter()
            function(*given)
            if turn >= WARM_UP:
                times[name].append(1000 * (time.perf_counter() - start))
    return {name: round(statistics.median(values), 3) for name, values in times.items()}


def main() -> None:
    functions = {"im2col": solutions(NOTEBOOK)["conv2d_im2col"], "F.conv2d": F.conv2d}
    load = os.getloadavg()[0]
    torch.manual_seed(0)
    rows = []
    for name, (x_shape, w_shape, stride, padding) in LAYERS.items():
        x, w, b = (
            torch.randn(x_shape),
            torch.randn(w_shape) / math.sqrt(math.prod(w_shape[1:])),
            torch.randn(w_shape[0]),
        )
        given = x, w, b, (stride, stride), (padding, padding), (1, 1)
        outputs = [function(*given) for function in functions.values()]
        torch.testing.assert_close(*outputs, rtol=1e-4, atol=1e-4)
        median = milliseconds(functions, *given)
        ratio = round(median["im2col"] / median["F.conv2d"], 2)
        rows.append(
            {
                "layer": name,
                "input": x_shape,
                "weight": w_shape,
                "stride": stride,
                "padding": padding,
                "milliseconds": median,
                "ratio": ratio,
                "columns_over_input": round(outputs[0][:, 0].numel() * math.prod(w_shape[1:]) / x.numel(), 2),
            }
        )
        print(f"{name:40} im2col / F.conv2d = {ratio}")
    within = sum(row["ratio"] <= LIMIT for row in rows)
    print(f"within {LIMIT} times on {within} of {len(rows)} layers")
    figures = {
        "layers": rows,
        "limit": LIMIT,
        "within_limit": within,
        "threads": torch.get_num_threads(),
        "load_at_start": round(load, 2),
    }
    write("im2col", figures, ("torch",))


if __name__ == "__main__":
    main()
