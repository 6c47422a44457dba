"""The explorer with stride, padding, dilation and channels, driven by mouse and keyboard."""

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
    "layer": (
        "torch.manual_seed(0)\nconv = torch.nn.Conv2d(4, 2, 3, padding=1, padding_mode='reflect', groups=2)\n"
        "layer = Conv2dExplorer(torch.randint(-2, 3, (4, 5, 5)), conv)\nlayer"
    ),
    "size": "size = Conv2dExplorer(x, stride=2, padding=1, predict='size')\nsize",
    "cell": "cell = Conv2dExplorer(predict=(1, 1))\ncell",
    "ask": "",
}


@pytest.fixture
def notebook(page, lab, checkout, notebooks):
    notebook = notebooks.of(page, lab, checkout, CELLS)
    notebook.command("notebook:run-all-cells")
    return notebook


def test_stride_padding_dilation_and_channels(notebook, page, screenshot):
    explorers = page.get_by_role("group", name="Conv2d explorer")
    expect(explorers).to_have_count(8)
    plain, square, dilated, colour, misfit, *_ = explorers.all()
    names = ("plain", "square", "dilated", "colour", "misfit")
    for name, explorer in zip(names, explorers.all(), strict=False):
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
    notebook.expect_python("square.stride, square.position, tuple(square.output.shape)", "(3, 2) (1, 3) (3, 4)")

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
    for name, explorer in zip(names, explorers.all(), strict=False):
        screenshot(f"explorer-{name}-narrow", explorer)


def test_the_input_stays_in_its_place_while_padding_grows_and_shrinks_around_it(notebook, page, screenshot):
    square = page.get_by_role("group", name="Conv2d explorer").nth(1)
    cells = square.get_by_role("grid", name="input").get_by_role("gridcell")
    first = square.get_by_role("textbox", name="input row 0 column 0")
    corner = square.get_by_role("gridcell", name="input padding row -1 column -1")
    frame = square.locator(".cl-input .cl-frame")
    padding = square.get_by_role("slider", name="padding")

    padding.press("ArrowRight")
    expect(cells).to_have_count(12 * 12)
    place = first.bounding_box()
    padding.press("ArrowLeft")
    expect(cells).to_have_count(10 * 10)
    assert first.bounding_box() == place
    assert [frame.bounding_box()[side] for side in "xy"] == [corner.bounding_box()[side] for side in "xy"]
    screenshot("explorer-padding", square)

    corner.focus()
    padding.evaluate("slider => { slider.value = 0; slider.dispatchEvent(new Event('input')); }")
    expect(cells).to_have_count(8 * 8)
    expect(first).to_be_focused()
    first.fill("3")
    notebook.expect_python("square.input[0, 0], square.padding", "tensor(3.) (0, 0)")


def test_the_output_comes_back_beside_the_input_once_there_is_room_for_it(notebook, page, screenshot):
    square = page.get_by_role("group", name="Conv2d explorer").nth(1)
    input_grid, output_grid = (square.get_by_role("grid", name=name) for name in ("input", "output"))
    padding = square.get_by_role("slider", name="padding", exact=True)
    are_beside = "([one, other]) => one.getBoundingClientRect().top === other.getBoundingClientRect().top"
    grids = [input_grid.element_handle(), output_grid.element_handle()]

    assert page.evaluate(are_beside, grids)
    padding.press("End")
    expect(input_grid.get_by_role("gridcell")).to_have_count(20 * 20)
    assert not page.evaluate(are_beside, grids)
    padding.press("Home")
    expect(input_grid.get_by_role("gridcell")).to_have_count(8 * 8)
    page.wait_for_function(are_beside, arg=grids)
    screenshot("explorer-beside", square)


def test_a_trained_layer_its_padding_groups_and_undo(notebook, page, screenshot):
    layer = page.get_by_role("group", name="Conv2d explorer").nth(5)

    def expect_the_same(grids="output channel"):
        """What the page shows in its output is what the explorer computes in Python, to two decimals."""
        cells = layer.get_by_role("grid", name=grids).get_by_role("gridcell")
        notebook.expect_python(
            "*(f'{float(f\"{x:.2f}\") + 0:g}' for x in layer.output.flatten())",
            lambda printed: printed.split() == [cell.text_content() for cell in cells.all()],
        )

    expect(layer.get_by_text("filter 0 does not read this channel")).to_have_count(2)
    screenshot("explorer-layer", layer)
    expect_the_same()
    layer.get_by_label("padding mode").select_option("circular")
    expect(layer.get_by_text("copies from the other side")).to_be_visible()
    layer.get_by_role("slider", name="stride").press("ArrowRight")
    expect(layer.get_by_text("nn.Conv2d(")).to_have_text(
        'nn.Conv2d(4, 2, 3, stride=2, padding=1, groups=2, padding_mode="circular")'
    )
    expect_the_same()

    groups = layer.get_by_role("slider", name="groups")
    groups.press("ArrowRight")
    expect(layer.get_by_text("3 groups cannot share 4 channels of the input evenly")).to_be_visible()
    expect(layer.get_by_role("grid", name="output channel 1").get_by_role("gridcell")).to_have_count(9)
    groups.evaluate(  # both before a frame is drawn: each is a step of its own
        """slider => [2, 1].forEach((n) => {
            slider.value = n;
            slider.dispatchEvent(new Event("input"));
        })"""
    )
    expect(layer.get_by_role("grid", name="kernel channel 3")).to_be_visible()
    expect_the_same()
    for _ in range(3):
        layer.get_by_role("button", name="Undo").click()
    expect(layer.get_by_role("grid", name="kernel channel 3")).to_be_hidden()
    expect_the_same()
    groups.press("Control+z")
    expect(layer.get_by_text("stride=1, dilation=1")).to_be_visible()
    groups.press("Control+Shift+z")
    expect(layer.get_by_text("stride=2, dilation=1")).to_be_visible()
    expect_the_same()

    layer.get_by_text("Keep or restore this state").click()
    state = layer.get_by_label("state", exact=True)
    notebook.expect_python("layer.state_string", state.input_value())
    state.fill("conv2d?input=[[1,2],[3,4]]&weight=[[0.5]]")
    state.press("Enter")
    expect(layer.get_by_role("grid", name="output").get_by_role("gridcell")).to_have_text(["0.5", "1", "1.5", "2"])
    expect_the_same("output")
    screenshot("explorer-layer-loaded", layer)


def test_a_prediction_reaches_python(notebook, page, screenshot):
    size, cell = (page.get_by_role("group", name="Conv2d explorer").nth(n) for n in (6, 7))
    answers = "size.answer, cell.answer"
    notebook.expect_python(answers, "None None")
    expect(size.get_by_role("grid", name="output")).to_be_hidden()
    height, width = (size.get_by_label(f"predicted {side}") for side in ("height", "width"))
    height.fill("3")
    width.fill("4")
    size.get_by_role("button", name="Check").click()
    expect(size.get_by_text("Not 3 × 4.")).to_be_visible()
    screenshot("explorer-predict", size)
    notebook.expect_python(answers, "(3, 4) None")
    height.fill("4")
    size.get_by_role("button", name="Check").click()
    expect(size.get_by_text("You said 4 × 4.")).to_be_visible()
    expect(size.get_by_role("grid", name="output").get_by_role("gridcell")).to_have_count(16)

    hidden = cell.get_by_role("gridcell", name="output row 1 column 1: hidden")
    hidden.click()
    expect(hidden).to_have_text("?")
    expect(cell.get_by_role("group", name="arithmetic")).to_contain_text("output[1, 1] =(-1)×1")
    cell.get_by_label("predicted value").fill("0.5")
    cell.get_by_role("button", name="Check").click()
    expect(cell.get_by_text("Not 0.5.")).to_be_visible()
    screenshot("explorer-predict-cell", cell)
    cell.get_by_role("button", name="Show it").click()
    expect(cell.get_by_role("gridcell", name="output row 1 column 1: 0")).to_be_visible()
    notebook.expect_python(answers, "(4, 4) 0.5")
