"""A student's way: open JupyterLab, run the notebook, touch the explorer, press Validate."""

import re

import pytest
import torch
from playwright.sync_api import expect
from torch.nn import functional as F

from grader.build import read_source, sources

pytestmark = pytest.mark.browser

NOTEBOOK = "01_sliding_window/sliding_window.ipynb"


@pytest.fixture(scope="module")
def solved():
    (source,) = (path for path in sources() if path.parent.name in NOTEBOOK)
    return {
        cell.id: cell.source
        for cell in read_source(source).cells
        if cell.metadata.get("nbgrader", {}).get("solution")
    }


def numbers(page, grid):
    """The numbers in a grid of the explorer, as a tensor."""
    cells = page.get_by_role("group", name="Conv2d explorer").get_by_role("grid", name=grid, exact=True)
    rows = cells.get_by_role("row").all()
    table = [[one.get_attribute("aria-label") for one in row.get_by_role("gridcell").all()] for row in rows]
    return torch.tensor([[float(label.rpartition(": ")[2]) for label in row] for row in table if row])


def test_a_student_works_through_the_notebook(lab, page, notebooks, screenshot, solved):
    notebook = notebooks(page, lab, NOTEBOOK)
    for cell_id, source in solved.items():
        notebook.write(cell_id, source)
    notebook.write("convolve2d", "def convolve2d(x, k):\n    return cross_correlate2d(x, k)")
    notebook.command("notebook:run-all-cells")
    assert "8 of 8 points" in notebook.output("check_cross_correlate2d")
    screenshot("verdict", page.get_by_text("This looks like: kernel not flipped."))

    explorer = page.get_by_role("group", name="Conv2d explorer")
    screenshot("explorer", explorer)
    laplacian = torch.tensor([[-1.0, -1, -1], [-1, 8, -1], [-1, -1, -1]])
    square = F.pad(torch.ones(3, 3), (1, 1, 1, 1))
    assert torch.equal(numbers(page, "output"), F.conv2d(square[None, None], laplacian[None, None])[0, 0])

    width = explorer.get_by_role("slider", name="kernel width")
    width.focus()
    width.press("ArrowLeft")
    expect(explorer.get_by_role("grid", name="output").get_by_role("gridcell")).to_have_count(12)
    expected = F.conv2d(square[None, None], laplacian[None, None, :, :2])[0, 0]
    assert torch.equal(numbers(page, "output"), expected)
    screenshot("explorer-narrower", explorer)

    notebook.command("docmanager:save")
    page.get_by_role("button", name="Validate").click()
    dialog = page.locator(".jp-Dialog-content")
    expect(dialog).to_contain_text("Validation Results")
    expect(dialog).to_contain_text("The following cell failed:")
    expect(dialog).to_contain_text("check.convolve2d(convolve2d)")
    screenshot("validate-failed")
    dialog.get_by_role("button").last.click()

    notebook.write("convolve2d", solved["convolve2d"])
    notebook.command("docmanager:save")
    page.get_by_role("button", name="Validate").click()
    expect(dialog).to_contain_text(re.compile("success", re.IGNORECASE))
    screenshot("validate-passed")
