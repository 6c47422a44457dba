"""Write the sample submissions: students of notebook 01 with the mistakes that students make.

They show what `make grade` does, and the tests grade them. Each is the released notebook with its answers
filled in: the source's own solutions, except where a sample answers otherwise.
"""

from __future__ import annotations

import re
import textwrap

import nbformat

from grader.build import COURSE, ROOT, SOLUTIONS, read_source

ASSIGNMENT, NAME = "01_sliding_window", "sliding_window"
SUBMITTED = ROOT / "grader" / "submitted"

SOLUTION = re.compile(r"### BEGIN SOLUTION\n(.*?)\n *### END SOLUTION", re.DOTALL)
STUB = re.compile(r"^( *)# YOUR (?:CODE HERE\n *raise NotImplementedError\(\)|ANSWER HERE)$", re.MULTILINE)

WRONG = {
    "sample_perfect": {},
    "sample_flipped": {
        "cross_correlate2d": """
            k = torch.flip(k, dims=(0, 1))
            H, W = x.shape
            kH, kW = k.shape
            out = torch.zeros(H - kH + 1, W - kW + 1, dtype=torch.promote_types(x.dtype, k.dtype))
            for i in range(H - kH + 1):
                for j in range(W - kW + 1):
                    for a in range(kH):
                        for b in range(kW):
                            out[i, j] += x[i + a, j + b] * k[a, b]
            return out
            """,
    },
    "sample_off_by_one": {
        "output_size": """
            if k > n:
                raise ValueError("kernel too large")
            return n - k
            """,
    },
    "sample_swapped": {
        "window_dot": """
            kH, kW = k.shape
            return torch.sum(x[j : j + kH, i : i + kW] * k)
            """,
        "cross_correlate2d": """
            rows = x.shape[0] - k.shape[0] + 1
            cols = x.shape[1] - k.shape[1] + 1
            out = torch.zeros(rows, cols, dtype=torch.promote_types(x.dtype, k.dtype))
            for i in range(rows):
                for j in range(cols):
                    out[j, i] = (x[i : i + k.shape[0], j : j + k.shape[1]] * k).sum()
            return out
            """,
    },
    "sample_truncated": {
        "cross_correlate2d": """
            h = output_size(x.shape[0], k.shape[0])
            w = output_size(x.shape[1], k.shape[1])
            result = torch.zeros((h, w), dtype=x.dtype)
            for row in range(h):
                for col in range(w):
                    result[row, col] = window_dot(x, k, row, col)
            return result
            """,
    },
    "sample_library": {
        "cross_correlate2d": """
            dtype = torch.promote_types(x.dtype, k.dtype)
            x, k = x.to(dtype), k.to(dtype)
            return torch.nn.functional.conv2d(x[None, None], k[None, None])[0, 0]
            """,
    },
    "sample_mixed": {
        "predicted_shape": 'predicted_shape = "a"',
        "window_dot": """
            total = 0
            for row in range(i, i + k.shape[0]):
                for col in range(j, j + k.shape[1]):
                    total += x[row, col]
            return total
            """,
        "output_size": """
            return max(n - k + 1, 0)
            """,
        "cross_correlate2d": """
            kH, kW = k.shape
            rows = []
            for i in range(x.shape[0] - kH + 1):
                row = []
                for j in range(x.shape[1] - kW + 1):
                    row.append((x[i : i + kH, j : j + kW] * k).sum())
                rows.append(torch.stack(row))
            return torch.stack(rows)
            """,
        "predicted_centre": 'predicted_centre = "b"',
        "predicted_twins": 'predicted_twins = "B"',
        "convolve2d": """
            mirrored = k.clone()
            for b in range(k.shape[1]):
                mirrored[:, b] = k[:, k.shape[1] - 1 - b]
            return cross_correlate2d(x, mirrored)
            """,
    },
    "sample_syntax_error": {
        "convolve2d": """
            return cross_correlate2d(x, k.flip(0, 1)
            """,
    },
    "sample_crashed": {
        "output_size": """
            import os
            if k > n:
                print("kernel too large")
                os._exit(1)
            return n - k + 1
        """,
    },
}
"""What each student writes in place of the source's solution, by grade_id."""


def filled(released: nbformat.NotebookNode, answers: dict[str, str]) -> nbformat.NotebookNode:
    """The notebook that students get with `answers`, by grade_id, in the places left for them."""
    nb = nbformat.from_dict(released)
    for cell in nb.cells:
        answer = answers.get(cell.metadata.get("nbgrader", {}).get("grade_id"), "")
        if answer:
            cell.source = STUB.sub(lambda stub, code=answer: textwrap.indent(code, stub[1]), cell.source)
    return nb


def samples() -> dict[str, str]:
    """The text of the notebook that each sample student hands in."""
    released = nbformat.read(COURSE / ASSIGNMENT / f"{NAME}.ipynb", as_version=4)
    solutions = {
        cell.metadata.nbgrader.grade_id: textwrap.dedent(found[1])
        for cell in read_source(SOLUTIONS / ASSIGNMENT / f"{NAME}.nb.py").cells
        if (found := SOLUTION.search(cell.source))
    }
    written = {
        student: {name: textwrap.dedent(code).strip() for name, code in wrong.items()}
        for student, wrong in WRONG.items()
    }
    notebooks = {student: filled(released, solutions | wrong) for student, wrong in written.items()}
    notebooks["sample_empty"] = released
    return {
        **{student: nbformat.writes(nb) + "\n" for student, nb in notebooks.items()},
        "sample_not_a_notebook": "My laptop would not save the notebook, so here is my answer: n - k + 1.\n",
    }


def main() -> None:
    for student, text in samples().items():
        path = SUBMITTED / student / ASSIGNMENT / f"{NAME}.ipynb"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        print(path.relative_to(ROOT))


if __name__ == "__main__":
    main()
