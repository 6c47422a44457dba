"""The explorer with stride, padding, dilation and channels, driven by mouse and keyboard."""

import nbformat
import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.browser

CELLS = {
    "import": "import torch\nfrom convlab.widgets import Conv2dExplorer",
    "plain": "plain = Conv2dExplorer()\nplain",
    "square": "x = torch.zeros(8, 8)\nx[2:6, 2:6] = 1\nsquare = Conv2dExplorer(x, stride=2, padding=1)\nsquare",
    "dilated": "dilated = Conv2dExplorer(x, dilation=2)\ndilated",
    "colour": (
        "torch.manual_seed(0)\n"
        "colour = Conv2dExplorer(torch.randint(0, 4, (3, 5, 5)), torch.randint(-1, 2, (2, 3, 3, 3)))\ncolour"
    ),
    "misfit": "misfit = Conv2dExplorer(torch.ones(5, 6), padding=(0, 1), dilation=2)\nmisfit",
    "read": "print(square.stride, square.position, tuple(square.output.shape))",
}


@pytest.fixture
def notebook(lab, checkout, open_notebook):
    cells = [nbformat.v4.new_code_cell(source, id=name) for name, source in CELLS.items()]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3"}}
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=kernel), checkout / "course" / "explorer.ipynb")
    notebook = open_notebook(lab, "explorer.ipynb")
    notebook.command("notebook:run-all-cells")
    return notebook


def test_stride_padding_dilation_and_channels(notebook, page, screenshot):
    explorers = page.get_by_role("group", name="Conv2d explorer")
    expect(explorers).to_have_count(5)
    plain, square, dilated, colour, misfit = explorers.all()
    names = ("plain", "square", "dilated", "colour", "misfit")
    for name, explorer in zip(names, explorers.all(), strict=True):
        screenshot(f"explorer-{name}", explorer)

    unguarded = ":is(button, input, select, [tabindex]):not([data-lm-suppress-shortcuts])"
    expect(page.locator(f".cl-explorer :is({unguarded})")).to_have_count(0)
    expect(plain.get_by_role("slider")).to_have_count(4)
    expect(plain.get_by_role("group", name="settings")).to_be_hidden()

    expect(
        square.get_by_text("height = floor((8 + 2·1 - 1·(3 - 1) - 1) / 2) + 1 = floor(7 / 2) + 1 = 4")
    ).to_be_visible()
    expect(square.get_by_text("Stride 2 leaves the last row and column of the padding unused")).to_be_visible()
    square.get_by_role("gridcell", name="input padding row -1 column 1").hover()
    expect(square.get_by_text("This 0 of the padding is used by 2 output cells (dashed)")).to_be_visible()
    stride = square.get_by_role("slider", name="stride")
    stride.focus()
    stride.press("ArrowRight")
    expect(square.get_by_role("grid", name="output").get_by_role("gridcell")).to_have_count(9)
    square.get_by_label("height and width apart").check()
    square.get_by_role("slider", name="stride width").press("ArrowLeft")
    expect(square.get_by_role("grid", name="output").get_by_role("gridcell")).to_have_count(12)
    square.get_by_role("gridcell", name="output row 1 column 2").click()
    page.keyboard.press("ArrowRight")
    expect(square.get_by_role("gridcell", name="output row 1 column 3")).to_be_focused()
    notebook.run("read")
    assert notebook.output("read") == "(3, 2) (1, 3) (3, 4)\n"

    expect(dilated.get_by_text("F.conv2d(")).to_contain_text(
        "stride=1, padding=0, dilation=2)  # shape (1, 1, 4, 4)"
    )

    colour.get_by_role("gridcell", name="output channel 1 row 2 column 1").click()
    expect(colour.get_by_role("button", name="filter 1")).to_have_attribute("aria-pressed", "true")
    expect(colour.get_by_text("weight[1, 2]")).to_be_visible()
    arithmetic = colour.get_by_role("group", name="arithmetic")
    expect(arithmetic).to_contain_text("channel 2:")
    expect(arithmetic).to_contain_text("output[1, 2, 1] =")

    misfit.get_by_role("slider", name="dilation height").press("ArrowRight")
    warning = misfit.get_by_role("paragraph").filter(has_text="does not fit into a 5x6 input")
    expect(warning).to_contain_text(
        "it covers 3·(3 - 1) + 1 = 7 rows, but the input with its padding has only 5 + 2·0 = 5"
    )
    expect(misfit.get_by_text("none; the last one is kept")).to_be_visible()
    expect(misfit.get_by_text("# RuntimeError")).to_be_visible()
    screenshot("explorer-misfit", misfit)

    page.set_viewport_size({"width": 600, "height": 900})
    for name, explorer in zip(names, explorers.all(), strict=True):
        screenshot(f"explorer-{name}-narrow", explorer)
