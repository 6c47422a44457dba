"""Build the students' notebooks: solutions/*/*.nb.py through nbgrader into course/."""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import logging
import shutil
import sys
import tempfile
from pathlib import Path

import jupytext
import nbformat
from nbgrader.api import Gradebook
from nbgrader.apps import NbGraderAPI
from traitlets.config import Config
from traitlets.config.loader import PyFileConfigLoader

from grader.release import give_ids, is_untouched

ROOT = Path(__file__).resolve().parents[1]
COURSE = ROOT / "course"
SOLUTIONS = ROOT / "solutions"


def sources() -> list[Path]:
    """Every source, solutions/<assignment>/<name>.nb.py, in the order of the course."""
    return sorted(SOLUTIONS.glob("*/*.nb.py"))


def read_source(path: Path) -> nbformat.NotebookNode:
    """The source at `path` as a notebook, solutions included."""
    nb = jupytext.read(path, fmt="py:percent")
    give_ids(nb)
    return nb


def solutions(path: Path) -> dict:
    """What the solution cells of the source at `path` define, by name."""
    names: dict = {}
    exec("import math, torch\nfrom torch import nn\nfrom torch.nn import functional as F", names)
    for cell in read_source(path).cells:
        if cell.cell_type == "code" and cell.metadata.get("nbgrader", {}).get("solution"):
            exec(compile(cell.source, cell.id, "exec"), names)
    return names


def config(**course_directory) -> Config:
    """nbgrader's configuration, with `course_directory` put over its CourseDirectory."""
    loaded = PyFileConfigLoader("nbgrader_config.py", path=str(Path(__file__).parent)).load_config()
    loaded.CourseDirectory.update(course_directory)
    return loaded


def release(into: Path, db_url: str | None = None) -> None:
    """Write the students' notebook of every source to `into`/<assignment>/, and the assignment to a gradebook.

    `db_url` names the gradebook; without it, none is kept.
    """
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "solutions"
        for path in sources():
            assignment = shutil.copytree(
                path.parent, source / path.parent.name, ignore=shutil.ignore_patterns("*.ipynb", "*.nb.py")
            )
            nbformat.write(read_source(path), assignment / path.name.replace(".nb.py", ".ipynb"))
        api = NbGraderAPI(
            config=config(
                root=folder,
                source_directory=str(source),
                release_directory=str(into),
                db_url=db_url or f"sqlite:///{folder}/gradebook.db",
            )
        )
        for path in sources():
            result = api.generate_assignment(path.parent.name)
            if not result["success"]:
                sys.exit(f"{path}: nbgrader could not make the assignment.\n{result['log']}")


def worked_in(course: Path) -> list[Path]:
    """The notebooks of `course` that someone has changed or run since they were released."""
    return [path for path in sorted(course.glob("[0-9]*/*.ipynb")) if not _is_untouched(path)]


def _is_untouched(path: Path) -> bool:
    try:
        return is_untouched(nbformat.read(path, as_version=nbformat.NO_CONVERT))
    except (ValueError, AttributeError):
        return False


def write_course() -> None:
    """Bring course/ up to date; refuse, and change nothing, if a notebook there has been worked in."""
    if changed := worked_in(COURSE):
        names = "\n".join(f"  {path.relative_to(ROOT)}" for path in changed)
        sys.exit(
            f"These notebooks have been worked in, and `make course` would overwrite them:\n{names}\n"
            "Nothing was changed. Move them elsewhere (or `git checkout` them) and run it again."
        )
    with tempfile.TemporaryDirectory() as folder:
        release(Path(folder))
        for path in sorted(Path(folder).iterdir()):
            shutil.copytree(path, COURSE / path.name, dirs_exist_ok=True)
            print(f"course/{path.name}")


def record(db_url: str) -> None:
    """Let the gradebook at `db_url` know the assignments as they are now; course/ is left as it is.

    A file beside it notes from which sources it knows them, so that this takes no time where none has changed.
    """
    noted = Path(f"{db_url.removeprefix('sqlite:///')}.sources")
    files = sorted([*SOLUTIONS.rglob("*.py"), *Path(__file__).parent.glob("*.py")])
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()
    with contextlib.closing(Gradebook(db_url, config().CourseDirectory.course_id)) as gradebook:
        known = {assignment.name for assignment in gradebook.assignments}
    if known >= {path.parent.name for path in sources()} and noted.is_file() and noted.read_text() == digest:
        return
    with tempfile.TemporaryDirectory() as folder:
        release(Path(folder), db_url)
    if noted.parent.is_dir():
        noted.write_text(digest)


def main() -> None:
    logging.disable(logging.WARNING)
    parser = argparse.ArgumentParser(prog="python -m grader.build", description=__doc__.partition("\n")[0])
    parser.add_argument("--gradebook", action="store_true", help="only let the gradebook know the assignments")
    record(config().CourseDirectory.db_url) if parser.parse_args().gradebook else write_course()


if __name__ == "__main__":
    main()
