"""The figures of the notebooks: colour-blind-safe, labelled, each with its alt text."""

from __future__ import annotations

import base64
import html
import io
import math
import zlib
from collections.abc import Collection, Mapping, Sequence

import torch
from IPython.display import HTML, display
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import EngFormatter
from PIL.Image import Image

BLUE, ORANGE, INK = "#2b6cb0", "#d9700e", "#1a202c"
DIVERGING = LinearSegmentedColormap.from_list("blue-white-orange", ["#64a4e4", "#ffffff", "#ee8e30"])
"""Blue below zero, white at zero, orange above, light enough to write on: told apart with any colour vision."""
LINES = (BLUE, ORANGE, "#2f855a", "#6b46c1")
MARKERS = "osD^"


def signed_colours(values: torch.Tensor) -> tuple[torch.Tensor, float]:
    """`values` of shape (H, W) in `DIVERGING`'s colours, and their limit: the largest size, 1 where all are 0.

    The colours are red, green and blue from 0 to 1, of shape (H, W, 3), deepest at the limit.
    """
    limit = float(values.abs().max()) or 1.0
    return torch.from_numpy(DIVERGING((values / limit / 2 + 0.5).numpy())[..., :3]), limit


def show(figure: Figure, alt: str, box: str | None = "tight") -> None:
    """Display `figure` as an image that says `alt` to those who do not see it, on a static page as well.

    With None as `box`, it is shown as it is: to find what is "tight" takes as long as to draw it.
    """
    display(HTML(drawn(figure, alt, box)))


def drawn(figure: Figure, alt: str, box: str | None = "tight") -> str:
    """`figure` as an HTML image that says `alt` to those who do not see it."""
    file = io.BytesIO()
    fast = {"compress_type": zlib.Z_RLE}  # no larger, and in two thirds of the time
    figure.savefig(file, format="png", dpi=160, bbox_inches=box, facecolor="white", pil_kwargs=fast)
    width = round(figure.get_figwidth() * 80)
    text = html.escape(alt, quote=True)
    return f'<img alt="{text}" width="{width}" style="max-width: 100%" src="{_address(file, "png")}">'


def address(image: Image, kind: str = "png") -> str:
    """A picture as an address that holds it, for an HTML page that loads nothing; `kind` is "png" or "jpeg"."""
    file = io.BytesIO()
    image.save(file, kind, quality=90)
    return _address(file, kind)


def _address(file: io.BytesIO, kind: str) -> str:
    return f"data:image/{kind};base64,{base64.b64encode(file.getvalue()).decode()}"


def grids(
    tensors: Mapping[str, torch.Tensor],
    alt: str,
    windows: Mapping[str, tuple[int, int, int, int]] | None = None,
    labels: Mapping[str, tuple[Sequence[str], Sequence[str]]] | None = None,
) -> None:
    """Draw matrices of shape (H, W) side by side, with their numbers, on one colour scale centred at zero.

    `windows` maps a title to (row, column, height, width) of a window to outline, in cells. `labels` maps a
    title to what to call its rows and its columns, which are numbered otherwise.
    """
    shapes = [tensor.shape for tensor in tensors.values()]
    cell = min(0.6, 9.6 / sum(width for _, width in shapes))
    tallest = max(height for height, _ in shapes)
    limit = max(float(tensor.abs().max()) for tensor in tensors.values()) or 1.0
    names = [(labels or {}).get(title, tuple(map(range, tensor.shape))) for title, tensor in tensors.items()]
    places, end = [], 0.0
    for (title, (_, width)), (rows, _) in zip(zip(tensors, shapes, strict=True), names, strict=True):
        start = end + (0.25 + 0.085 * max(len(str(name)) for name in rows)) / cell
        places.append(start + max(0, 0.1 * len(title) / cell - width) / 2)
        end = 2 * places[-1] - start + width
    axis = _sheet(end + 0.12 / cell, tallest + 0.75 / cell, cell)
    for x, (title, tensor), (rows, columns) in zip(places, tensors.items(), names, strict=True):
        height, width = tensor.shape
        y = 0.42 / cell + (tallest - height) / 2
        _grid(axis, (x, y), tensor, limit)
        axis.text(x + width / 2, y - 0.14 / cell, title, ha="center", fontsize=12, color=INK)
        small = {"va": "center", "fontsize": 10, "color": "#4a5568"}
        for i, name in enumerate(rows):
            axis.text(x - 0.1 / cell, y + i + 0.5, name, ha="right", **small)
        for j, name in enumerate(columns):
            axis.text(x + j + 0.5, y + height + 0.15 / cell, name, ha="center", **small)
        if title in (windows or {}):
            i, j, down, across = windows[title]
            axis.add_patch(Rectangle((x + j, y + i), across, down, fill=False, ec=INK, lw=3))
    show(axis.figure, alt, box=None)


def _sheet(width: float, height: float, cell: float):
    """Axes that fill a figure of `width` x `height` cells of `cell` inches; y counts from the top."""
    axis = Figure(figsize=(cell * width, cell * height)).add_axes((0, 0, 1, 1))
    axis.set(xlim=(0, width), ylim=(height, 0))
    axis.set_axis_off()
    axis.autoscale(False)
    return axis


def _grid(axis, corner: tuple[float, float], tensor: torch.Tensor, limit: float) -> None:
    """Draw a matrix with its numbers on a sheet; its upper left corner is at `corner`, in cells."""
    (x, y), (height, width) = corner, tensor.shape
    edges = [x + j for j in range(width + 1)], [y + i for i in range(height + 1)]
    style = {"cmap": DIVERGING, "vmin": -limit, "vmax": limit, "edgecolors": "#a0aec0", "linewidth": 0.8}
    axis.pcolormesh(*edges, tensor.numpy(), **style)
    axis.add_patch(Rectangle((x, y), width, height, fill=False, ec=INK, lw=0.8))
    for i, row in enumerate(tensor.tolist()):
        for j, number in enumerate(row):
            place = x + j + 0.5, y + i + 0.5
            axis.text(*place, f"{number:.3g}", ha="center", va="center", fontsize=12, color=INK)


def pictures(
    images: Mapping[str, torch.Tensor],
    alt: str,
    signed: Collection[str] = (),
    windows: Mapping[str, tuple[int, int, int, int]] | None = None,
) -> None:
    """Show images side by side under their titles, each as large as the others.

    Shape (3, H, W) with values in [0, 1] is shown in colour, shape (H, W) in greys from 0 to 1. The titles in
    `signed` are shown with blue below zero, white at zero and orange above, on one scale for all of them.
    `windows` maps a title to (row, column, height, width) of a window to outline, in pixels.
    """
    height, width = next(iter(images.values())).shape[-2:]
    side = min(10 / len(images), 3.3)
    figure = Figure(figsize=(side * len(images), side * height / width + 0.3), layout="constrained")
    axes = figure.subplots(1, len(images), squeeze=False)[0]
    limit = max((float(images[title].abs().max()) for title in signed), default=0.0) or 1.0
    for axis, (title, image) in zip(axes, images.items(), strict=True):
        pixels = image.movedim(0, -1) if image.ndim == 3 else image
        low, colours = (-limit, DIVERGING) if title in signed else (0, "gray")
        axis.imshow(pixels.detach().numpy(), cmap=colours, vmin=low, vmax=limit if low else 1)
        axis.set_title(title, fontsize=10, color=INK)
        axis.set(xticks=[], yticks=[])
        if title in (windows or {}):
            i, j, rows, columns = windows[title]
            axis.add_patch(Rectangle((j - 0.5, i - 0.5), columns, rows, fill=False, ec=ORANGE, lw=1.5))
    show(figure, alt)


def weight(weight: torch.Tensor, alt: str) -> None:
    """Draw a weight of shape (O, C, kH, kW) as a table: a row for each filter, a column for each input channel."""
    filters, channels, height, width = weight.shape
    cell = min(0.6, 9.6 / (channels * width))
    across = max(width + 0.35 / cell, 1.6 / cell)
    down = height + 0.25 / cell
    axis = _sheet(0.5 / cell + channels * across, 0.5 / cell + filters * down, cell)
    limit = float(weight.abs().max()) or 1.0
    for c in range(channels):
        middle = 0.5 / cell + (c + 0.5) * across
        axis.text(middle, 0.25 / cell, f"input channel {c}", ha="center", va="center", fontsize=12, color=INK)
        for o in range(filters):
            _grid(axis, (middle - width / 2, 0.5 / cell + o * down), weight[o, c], limit)
    for o in range(filters):
        place = 0.25 / cell, 0.5 / cell + o * down + height / 2
        axis.text(*place, f"filter {o}", ha="center", va="center", rotation=90, fontsize=12, color=INK)
    show(axis.figure, alt, box=None)


def filters(banks: Mapping[str, torch.Tensor], alt: str) -> None:
    """Show banks of filters, (n, kH, kW) each, one under the other: its title and then its filters in a row.

    Blue is below zero, white is zero and orange above; each bank has a scale of its own.
    """
    most = max(len(bank) for bank in banks.values())
    figure = Figure(figsize=(0.9 * most, 1.2 * len(banks)), layout="constrained")
    for part, (title, bank) in zip(figure.subfigures(len(banks), squeeze=False)[:, 0], banks.items(), strict=True):
        limit = float(bank.abs().max()) or 1.0
        part.suptitle(title, fontsize=10, color=INK, x=0.01, ha="left")
        axes = part.subplots(1, most, squeeze=False)[0]
        for axis, one in zip(axes, bank, strict=False):
            axis.imshow(one.detach().numpy(), cmap=DIVERGING, vmin=-limit, vmax=limit)
        for axis in axes:
            axis.set(xticks=[], yticks=[])
            axis.spines[:].set_color("#a0aec0")
    show(figure, alt)


def curves(
    x: Sequence[float],
    ys: Mapping[str, Sequence[float]],
    xlabel: str,
    ylabel: str,
    alt: str,
    log: bool = False,
    doublings: bool = False,
) -> None:
    """Plot up to four lines against `x`, each named at its right end; `log` is for the vertical axis.

    With `doublings`, each `x` is twice the one before it, and they stand at equal distances.
    """
    figure = Figure(figsize=(6.4, 3.6))
    axis = figure.subplots()
    for (name, values), colour, marker in zip(ys.items(), LINES, MARKERS, strict=False):
        axis.plot(x, values, color=colour, marker=marker, ms=4)
        at = x[-1], values[-1]
        axis.annotate(name, at, xytext=(8, 0), textcoords="offset points", va="center", color=colour)
    if log:
        axis.set_yscale("log")
    if doublings:
        axis.set_xscale("log", base=2)
        axis.set_xticks(x, [f"{value:g}" for value in x])
    axis.set(xlabel=xlabel, ylabel=ylabel)
    axis.grid(color="#e2e8f0")
    axis.spines[["top", "right"]].set_visible(False)
    show(figure, alt)


def runs(values: Mapping[str, Sequence[float]], ylabel: str, alt: str) -> None:
    """Show one dot for each run (seed), and beside the dots their mean with a bar of one standard deviation."""
    figure = Figure(figsize=(2 * len(values) + 1, 3.2))
    axis = figure.subplots()
    for place, (colour, marker, numbers) in enumerate(zip(LINES, MARKERS, values.values(), strict=False)):
        sample = torch.tensor(numbers, dtype=torch.float64)
        axis.plot([place] * len(numbers), numbers, ls="", marker=marker, ms=5, color=colour, alpha=0.5)
        style = {"fmt": "_", "ms": 16, "mew": 2, "capsize": 5, "color": INK}
        axis.errorbar(place + 0.2, sample.mean(), sample.std(), **style)
    axis.set_xticks(range(len(values)), list(values))
    axis.set(xlim=(-0.5, len(values) - 0.3), ylabel=ylabel)
    axis.grid(axis="y", color="#e2e8f0")
    axis.spines[["top", "right"]].set_visible(False)
    show(figure, alt)


def repeated(
    x: Sequence[float], runs: Mapping[str, Sequence[Sequence[float]]], xlabel: str, ylabel: str, alt: str
) -> None:
    """Plot up to four lines against `x`: each the mean of several runs, with bars of one standard deviation."""
    figure = Figure(figsize=(6.4, 3.8))
    axis = figure.subplots()
    for place, (name, values) in enumerate(runs.items()):
        sample = torch.tensor(values, dtype=torch.float64)
        style = {"color": LINES[place], "marker": MARKERS[place], "ms": 4, "capsize": 2, "label": name}
        axis.errorbar(x, sample.mean(0), sample.std(0), errorevery=(place, len(runs)), **style)
    axis.set(xlabel=xlabel, ylabel=ylabel)
    axis.grid(color="#e2e8f0")
    axis.legend(frameon=False, loc="center left", bbox_to_anchor=(1, 0.5), labelcolor=INK)
    axis.spines[["top", "right"]].set_visible(False)
    show(figure, alt)


def race(
    sizes: Sequence[int],
    seconds: Mapping[str, Sequence[float]],
    alt: str,
    memory: Mapping[str, Sequence[int]] | None = None,
) -> None:
    """Plot `seconds` per call against `sizes` (the side of a square image, in cells), both axes logarithmic.

    `memory`, in bytes, is plotted beside it, in the colours that its names have among `seconds`.
    """
    panels = {("time of a call", "s"): seconds} | ({("memory", "B"): memory} if memory else {})
    styles = dict(zip(seconds, zip(LINES, MARKERS, strict=True), strict=False))
    figure = Figure(figsize=(6.4 * len(panels), 3.6))
    for axis, ((what, unit), lines) in zip(
        figure.subplots(1, len(panels), squeeze=False)[0], panels.items(), strict=True
    ):
        for name, values in lines.items():
            colour, marker = styles.get(name, (INK, "x"))
            axis.loglog(sizes, values, color=colour, marker=marker)
        _name_lines(axis, sizes[-1], {name: values[-1] for name, values in lines.items()})
        axis.set_xticks(sizes, [f"{n}" for n in sizes])
        axis.minorticks_off()
        axis.set_xlabel("side of the image, in cells")
        axis.set_ylabel(what)
        axis.yaxis.set_major_formatter(EngFormatter(unit))
        axis.grid(color="#e2e8f0")
        axis.spines[["top", "right"]].set_visible(False)
    figure.subplots_adjust(wspace=0.6)
    show(figure, alt)


def _name_lines(axis, last: float, ends: Mapping[str, float]) -> None:
    """Write its name beside the end of each line of a loglog plot, where the names leave each other room."""
    low, high = map(math.log, axis.get_ylim())
    height = math.inf
    for line, (name, end) in sorted(zip(axis.lines, ends.items(), strict=True), key=lambda pair: -pair[1][1]):
        height = min(height - 0.08, (math.log(end) - low) / (high - low))
        axis.annotate(
            name,
            (last, end),
            xytext=(1.03, height),
            textcoords="axes fraction",
            va="center",
            color=INK,
            arrowprops={"arrowstyle": "-", "color": line.get_color()},
        )


def places(n: int, kernel_size: int, alt: str, stride: int = 1, padding: int = 0, dilation: int = 1) -> None:
    """Draw a row of `n` cells with its padding, and under it, line by line, every place of the window.

    Padding is dashed. Cells after the end of the last window, which none reads, are orange.
    """
    span = dilation * (kernel_size - 1) + 1
    starts = range(-padding, n + padding - span + 1, stride)
    figure = Figure(figsize=(0.45 * (n + 2 * padding + 3), 0.36 * (len(starts) + 1)), layout="constrained")
    axis = figure.subplots()
    for cell in range(-padding, n + padding):
        inside, unread = 0 <= cell < n, cell >= starts[-1] + span
        style = {"fc": DIVERGING(0.85) if unread else "white", "ec": INK, "ls": "-" if inside else "--"}
        axis.add_patch(Rectangle((cell - 0.46, -0.42), 0.92, 0.84, **style))
        axis.text(cell, 0, f"{cell}" if inside else "pad", ha="center", va="center", fontsize=9, color=INK)
    for place, start in enumerate(starts):
        cells = [start + dilation * a for a in range(kernel_size)]
        axis.plot(cells, [place + 1] * kernel_size, color=BLUE, lw=2, marker="s", ms=11)
        axis.text(-padding - 0.8, place + 1, f"place {place}", ha="right", va="center", fontsize=9, color=INK)
    axis.text(-padding - 0.8, 0, "cell", ha="right", va="center", fontsize=9, color=INK)
    axis.set(xlim=(-padding - 2.6, n + padding - 0.4), ylim=(len(starts) + 0.5, -0.6))
    axis.set_axis_off()
    show(figure, alt)


def wires(n: int, kernel_size: int, panels: Mapping[str, tuple[str, int]], alt: str, stride: int = 1) -> None:
    """Draw, in one dimension, `n` inputs x below and above them the outputs that read them, wire by wire.

    `panels` maps a title to the cell whose wires stand out, with their weights: ("output", 1) for what output 1
    reads, ("input", 3) for which outputs read input 3. There the outputs show their gradient g, spread out by
    zeros (dashed) where the stride is more than 1.
    """
    figure = Figure(figsize=(4.6 * len(panels), 2.5), layout="constrained")
    axes = figure.subplots(1, len(panels), squeeze=False)[0]
    for axis, (title, (kind, chosen)) in zip(axes, panels.items(), strict=True):
        for place in range(n - kernel_size + 1):
            real, top = place % stride == 0, place + (kernel_size - 1) / 2
            if not real and kind == "output":
                continue
            name = f"{'y' if kind == 'output' else 'g'}{place // stride}" if real else "0"
            _box(axis, top, 1, name, real, kind == "output" and place // stride == chosen)
            for a in range(kernel_size):
                stands_out = chosen == (place // stride if kind == "output" else place + a)
                if not real and not stands_out:
                    continue
                style = {"color": BLUE, "lw": 2.2} if stands_out else {"color": "#cbd5e0", "lw": 1}
                axis.plot((place + a, top), (0.17, 0.83), ls="-" if real else ":", zorder=stands_out, **style)
                if stands_out:
                    x = place + a + 0.5 * (top - place - a)
                    white = {"fc": "white", "ec": "none", "pad": 1}
                    axis.text(x, 0.5, f"w{a}", ha="center", va="center", fontsize=11, color=INK, bbox=white)
        for i in range(n):
            _box(axis, i, 0, f"x{i}", True, kind == "input" and i == chosen)
        axis.set_title(title, fontsize=10, color=INK)
        axis.set(xlim=(-0.6, n - 0.4), ylim=(-0.25, 1.25))
        axis.set_axis_off()
    show(figure, alt)


def _box(axis, x: float, y: float, text: str, solid: bool, filled: bool) -> None:
    colours = {"fc": DIVERGING(0.85) if filled else "white", "ec": INK if solid else "#718096"}
    axis.add_patch(Rectangle((x - 0.4, y - 0.17), 0.8, 0.34, ls="-" if solid else "--", zorder=2, **colours))
    axis.text(x, y, text, ha="center", va="center", fontsize=10, color=INK, zorder=3)


def laws(numbers: Mapping[str, torch.Tensor], bound: float, alt: str) -> None:
    """Draw how the `numbers` of each name are distributed, as outlined histograms, with ±`bound` marked."""
    figure = Figure(figsize=(6.4, 3.2))
    axis = figure.subplots()
    for (name, values), colour, dashes in zip(numbers.items(), LINES, ("-", "--", ":", "-."), strict=False):
        shown = -1.25 * bound, 1.25 * bound
        density, edges = torch.histogram(values.detach().flatten().float(), 40, range=shown, density=True)
        axis.stairs(density, edges, color=colour, ls=dashes, lw=2, label=name)
    axis.set_xticks([-bound, 0, bound], [f"−{bound:.3g}", "0", f"{bound:.3g}"])
    axis.set_xlabel("initial weight")
    axis.set_ylabel("density")
    axis.grid(axis="x", color="#e2e8f0")
    axis.legend(frameon=False, loc="center left", bbox_to_anchor=(1, 0.5), labelcolor=INK)
    axis.spines[["top", "right"]].set_visible(False)
    show(figure, alt)


def gallery(images: Sequence[torch.Tensor], titles: Sequence[str], alt: str, columns: int = 6) -> None:
    """Show images, grey of shape (H, W) or in colour, (3, H, W), in rows of `columns`, each under its title."""
    rows = math.ceil(len(images) / columns)
    figure = Figure(figsize=(1.3 * columns, 1.55 * rows), layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False).flatten()
    for axis, image, title in zip(axes, images, titles, strict=False):
        pixels = image.movedim(0, -1) if image.ndim == 3 else image
        axis.imshow(pixels.detach().numpy(), cmap="gray", vmin=0, vmax=1)
        axis.set_title(title, fontsize=9, color=INK)
        axis.set(xticks=[], yticks=[])
    for axis in axes[len(images) :]:
        axis.set_axis_off()
    show(figure, alt)


def confusion(counts: torch.Tensor, classes: Sequence[str], alt: str) -> None:
    """Draw counts of shape (K, K), a row for each true class and a column for each predicted one.

    The diagonal, what was right, is blue; the mistakes are orange, the more the darker.
    """
    figure = Figure(figsize=(0.5 * len(classes) + 1, 0.5 * len(classes) + 0.8), layout="constrained")
    axis = figure.subplots()
    mistakes = counts.float() * (1 - torch.eye(len(classes)))
    shades = mistakes / mistakes.max().clamp_min(1) - 0.6 * torch.eye(len(classes))
    axis.imshow(shades.numpy(), cmap=DIVERGING, vmin=-1, vmax=1)
    for i, row in enumerate(counts.tolist()):
        for j, count in enumerate(row):
            axis.text(j, i, count or "", ha="center", va="center", fontsize=9, color=INK)
    axis.set_xticks(range(len(classes)), classes)
    if max(len(str(name)) for name in classes) > 3:
        axis.tick_params("x", labelrotation=90)
    axis.set_yticks(range(len(classes)), classes)
    axis.set(xlabel="predicted", ylabel="true")
    axis.tick_params(length=0)
    show(figure, alt)


def history(steps: Sequence[int], panels: Mapping[str, Sequence[float]], xlabel: str, alt: str) -> None:
    """Plot what happened in training, one panel beside the other, each with its own scale, against `steps`."""
    figure = Figure(figsize=(4.6 * len(panels), 3), layout="constrained")
    axes = figure.subplots(1, len(panels), squeeze=False)[0]
    for axis, (name, values), colour in zip(axes, panels.items(), LINES, strict=False):
        axis.plot(steps, values, color=colour, lw=1.5, marker="o", ms=2.5)
        axis.set_title(name, fontsize=10, color=INK)
        axis.set_xlabel(xlabel)
        axis.grid(color="#e2e8f0")
        axis.spines[["top", "right"]].set_visible(False)
    show(figure, alt)


def against(lines: Mapping[str, Sequence[float]], sound: Sequence[float], ylabel: str, alt: str) -> None:
    """Plot each of `lines` in a panel of its own, three a row, over the grey line `sound`, on one scale."""
    rows = math.ceil(len(lines) / 3)
    figure = Figure(figsize=(9.6, 2.2 * rows), layout="constrained")
    axes = figure.subplots(rows, 3, squeeze=False, sharex=True, sharey=True)
    for axis, (name, values) in zip(axes.flatten(), lines.items(), strict=False):
        axis.plot(sound, color="#a0aec0", lw=1)
        axis.plot(values, color=BLUE, lw=1)
        axis.set_title(name, fontsize=10, color=INK)
        axis.grid(color="#e2e8f0")
        axis.spines[["top", "right"]].set_visible(False)
    for axis in axes[-1]:
        axis.set_xlabel("step")
    for axis in axes[:, 0]:
        axis.set_ylabel(ylabel)
    show(figure, alt)


def ladder(rungs: Sequence[Mapping], floor_seconds: float, alt: str) -> None:
    """Show how long each rung trains, on a logarithmic axis, the first on top, and its mean accuracy in words.

    A rung has `name`, `seconds`, `seconds_with_warm_up` (where the thin line ends) and `accuracy`, from 0 to 1.
    The dashed line is at `floor_seconds`, below which no program for this work can come.
    """
    figure = Figure(figsize=(8, 0.42 * len(rungs) + 1))
    axis = figure.subplots()
    for place, rung in enumerate(rungs):
        seconds, all_seconds = rung["seconds"], max(rung["seconds"], rung["seconds_with_warm_up"])
        axis.plot((seconds, all_seconds), (place, place), color=ORANGE, lw=1.5, marker="|", ms=6, markevery=[1])
        axis.plot(seconds, place, color=BLUE, marker="o", ms=8, ls="")
        text = f"{seconds:.3g} s · {rung['accuracy']:.2%}"
        axis.annotate(text, (all_seconds, place), (8, 0), textcoords="offset points", va="center", color=INK)
    axis.axvline(floor_seconds, color=INK, ls="--", lw=1.2)
    axis.annotate(
        f"floor {floor_seconds:.2g} s",
        (floor_seconds, 1),
        (0, 4),
        xycoords=("data", "axes fraction"),
        textcoords="offset points",
        ha="center",
        color=INK,
    )
    axis.set_xscale("log")
    axis.set_yticks(range(len(rungs)), [rung["name"] for rung in rungs])
    axis.invert_yaxis()
    axis.set_xlabel("seconds of a training (thin line: with everything that comes before the first one)")
    axis.grid(axis="x", color="#e2e8f0")
    axis.spines[["top", "right"]].set_visible(False)
    show(figure, alt)


def timeline(events: Sequence[Mapping], alt: str) -> None:
    """Draw what CPU and GPU do, a row for each, against microseconds, and for how much of the time they are busy.

    Of the CPU a profiler lists PyTorch's operations and no other work. An event has `name`, `start_us`,
    `duration_us` and `lane`, "cpu" or "gpu". The picture ends with the GPU's last event, and cuts off a CPU that
    waits for longer.
    """
    end = max(event["start_us"] + event["duration_us"] for event in events if event["lane"] == "gpu")
    figure = Figure(figsize=(9, 1.6))
    axis = figure.subplots()
    names = []
    rows = {"cpu": ("CPU, PyTorch", ORANGE), "gpu": ("GPU", BLUE)}
    for place, (lane, (name, colour)) in enumerate(rows.items()):
        bars = sorted((one["start_us"], one["duration_us"]) for one in events if one["lane"] == lane)
        axis.broken_barh(bars, (place - 0.35, 0.7), color=colour, lw=0)
        busy = reached = 0.0
        for start, duration in bars:  # they may overlap
            stop = min(start + duration, end)
            busy += max(0.0, stop - max(start, reached))
            reached = max(reached, stop)
        names.append(f"{name}: {busy / end:.0%}")
    axis.set_yticks(range(2), names)
    axis.set(xlim=(0, end), ylim=(1.5, -0.5), xlabel="microseconds")
    axis.spines[["top", "right", "left"]].set_visible(False)
    axis.tick_params(axis="y", length=0)
    show(figure, alt)


def table(columns: Mapping[str, Mapping[str, str]]) -> None:
    """Display a table of text with its headings: each column maps the names of the rows to its cells."""
    head = "".join(f'<th scope="col">{html.escape(name)}</th>' for name in ("", *columns))
    body = "".join(
        f'<tr><th scope="row" style="text-align: left">{html.escape(row)}</th>'
        + "".join(f"<td>{html.escape(column[row])}</td>" for column in columns.values())
        + "</tr>"
        for row in next(iter(columns.values()))
    )
    display(HTML(f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"))
