"""Run notebooks from top to bottom, with their solutions, and keep what came out: `make executed`, on a GPU.

Writes course/convlab/recorded/<assignment>.md for each notebook: its sections, and its outputs without the code
and without the checks, so that students may read it; pictures lie beside it. The machine, the versions, the date,
the seconds and the points are at the top. Arguments choose assignments; without any it runs 11, 12 and 13. Without
a GPU it says so and does nothing.
"""

import base64
import datetime
import io
import platform
import re
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path

import jupytext
from nbclient import NotebookClient
from PIL import Image
from record import gpu

from convlab.cache import cache_folder

ROOT = Path(__file__).resolve().parents[1]
RECORDED = ROOT / "course" / "convlab" / "recorded"
PICTURE = re.compile(r'(?<= src=")data:image/\w+;base64,([^"]+)')


def shown(output, folder: Path) -> str:
    """An output in Markdown; its pictures go into `folder`."""
    if output.output_type == "stream":
        lines = (line.rpartition("\r")[2] for line in output.text.rstrip("\n").split("\n"))
        return "```text\n" + "\n".join(lines) + "\n```"
    data = output.get("data", {})
    if "text/html" in data:
        return PICTURE.sub(lambda found: picture(found, folder), data["text/html"])
    return f"```text\n{data['text/plain']}\n```" if set(data) == {"text/plain"} else ""


def picture(found: re.Match, folder: Path) -> str:
    """The address of a picture that gets a file of its own, in 256 colours."""
    path = folder / f"{len(list(folder.iterdir())) + 1}.png"
    image = Image.open(io.BytesIO(base64.b64decode(found[1]))).convert("RGB")
    image.quantize(256).save(path, optimize=True)
    return f"{folder.name}/{path.name}"


def page(nb, folder: Path, facts: str) -> str:
    """The sections and the outputs of an executed notebook, in Markdown; a section without outputs is left out."""
    parts = []
    for cell in nb.cells:
        if cell.cell_type == "markdown":
            parts += re.findall(r"^##? .*$", cell.source, re.MULTILINE)
        elif not cell.metadata.get("nbgrader", {}).get("grade"):
            parts += (shown(output, folder) for output in cell.outputs)
    title, *rest = filter(None, parts)
    texts = [
        text for text, after in zip(rest, [*rest[1:], "#"], strict=True) if not (heading(text) and heading(after))
    ]
    return "\n\n".join([title, facts, *texts]) + "\n"


def heading(text: str) -> bool:
    return text.startswith("#")


def points(nb) -> tuple[float, float]:
    """What the checks gave, and what they could give."""
    graded = [
        cell for cell in nb.cells if cell.metadata.get("nbgrader", {}).get("grade") and cell.cell_type == "code"
    ]
    given = [float(one.data["text/plain"]) for cell in graded for one in cell.outputs if "data" in one]
    return sum(given), sum(cell.metadata["nbgrader"]["points"] for cell in graded)


def main(assignments: list[str]) -> None:
    if not (name_of_gpu := gpu()):
        return
    for assignment in assignments:
        (source,) = (ROOT / "solutions" / assignment).glob("*.nb.py")
        folder = RECORDED / assignment
        folder.mkdir(parents=True, exist_ok=True)
        for old in folder.iterdir():
            old.unlink()
        nb = jupytext.read(source)
        with tempfile.TemporaryDirectory() as work:
            start = time.perf_counter()
            NotebookClient(
                nb, timeout=1200, coalesce_streams=True, resources={"metadata": {"path": work}}
            ).execute()
            seconds = time.perf_counter() - start
        versions = ", ".join(f"{name} {version(name)}" for name in ("torch", "torchvision"))
        machine = f"one {name_of_gpu}, Python {platform.python_version()}, {versions}"
        given, possible = points(nb)
        facts = (
            f"Run from top to bottom on {machine}, on {datetime.date.today()}: {seconds:.0f} s, {given:g} of "
            f"{possible:g} points that a program gives. "
            "Written by `make executed`: its sections and outputs, without the code."
        )
        text = page(nb, folder, facts).replace(str(cache_folder()), "~/.cache/convlab")  # no one's own folders
        (RECORDED / f"{assignment}.md").write_text(text)
        print(f"{assignment}: {seconds:.0f} s, {given:g} of {possible:g} points", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:] or ["11_mnist", "12_transfer_learning", "13_gpu_speed"])
