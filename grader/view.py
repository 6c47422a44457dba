"""What a student's code sees of this course while it is graded: `convlab` without the answers.

The package is copied, except that each module of `convlab.checks` keeps only what it takes to call a student's
work: the exercises' `call`, and the definitions that it needs. No reference, case, misconception or test is left,
so no code in the sandbox can look one up.
"""

from __future__ import annotations

import ast
import shutil
from pathlib import Path

import convlab.checks

CALLING = ("calls", "compare", "machine", "networks", "plain", "run", "watch", "wire")
"""The modules of `convlab.checks` that know no answers."""

DESCRIBING = ("draw", "exercise")
"""Those that every description needs, and no student's code."""

ENDING = """

def __getattr__(name):
    if name in CALLS:
        return lambda work: print("This is checked when the notebook is graded.")
    raise AttributeError(f"there is no exercise {name}")
"""


def write(folder: Path) -> None:
    """Write the package `convlab`, and the program that starts a kernel, to the empty `folder`."""
    checks = Path(convlab.checks.__file__).parent
    ignored = shutil.ignore_patterns("__pycache__", "checks")
    shutil.copytree(checks.parent, folder / "convlab", ignore=ignored)
    (folder / "convlab" / "checks").mkdir()
    for path in sorted(checks.glob("*.py")):
        if path.stem not in DESCRIBING:
            text = path.read_text(encoding="utf-8")
            kept = path.stem in CALLING or path.stem == "__init__"
            (folder / "convlab" / "checks" / path.name).write_text(
                text if kept else callable_part(text), encoding="utf-8"
            )
    shutil.copy(Path(__file__).with_name("kernel.py"), folder)


def callable_part(source: str) -> str:
    """Of a module that describes exercises: CALLS, how to call what a student wrote, by the exercise's name.

    With it comes every definition and import of the module that a call mentions, directly or through others.
    """
    tree = ast.parse(source)
    defined, called = {}, {}
    for node in tree.body:
        for name in _names(node):
            defined[name] = node
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call):
            maker = getattr(node.value.func, "id", "")
            if maker in ("Exercise", "question"):
                given = {word.arg: word.value for word in node.value.keywords}
                default = "calls.answer" if maker == "question" else "calls.function"
                called[node.targets[0].id] = given.get("call", ast.parse(default, mode="eval").body)
    needed, found = set(), [*called.values()]
    while found:
        for node in ast.walk(found.pop()):
            if isinstance(node, ast.Name) and node.id in defined and defined[node.id] not in needed:
                needed.add(defined[node.id])
                found.append(defined[node.id])
    parts = [
        ast.unparse(node) for node in tree.body if node in needed or getattr(node, "module", "") == "__future__"
    ]
    table = ", ".join(f"{name!r}: {ast.unparse(call)}" for name, call in called.items())
    return "\n".join([*parts, "from . import calls", f"CALLS = {{{table}}}"]) + ENDING


def _names(node) -> list[str]:
    """The names that a statement of a module binds."""
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        return [node.name]
    if isinstance(node, ast.Import | ast.ImportFrom):
        return [(alias.asname or alias.name).partition(".")[0] for alias in node.names]
    if isinstance(node, ast.Assign | ast.AnnAssign):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        return [leaf.id for target in targets for leaf in ast.walk(target) if isinstance(leaf, ast.Name)]
    return []
