"""Every other explorer in JupyterLab: what is done in the browser reaches Python, and the numbers are the same."""

import io
import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from PIL import Image
from playwright.sync_api import expect

pytestmark = pytest.mark.browser

CELLS = {
    "import": "import math, time, torch\nfrom convlab import widgets\nfrom convlab.checks import gabor_init",
    "gabor": "gabor = widgets.GaborDesigner()\ngabor",
    "lab": "lab = widgets.KernelLab('camera')\nlab",
    "wiring": "wiring = widgets.GroupsWiring(8, 8, groups=2)\nwiring",
    "stacker": "stacker = widgets.ReceptiveFieldStacker()\nstacker",
    "digit": (
        "halves = torch.nn.AvgPool2d(2)\n"
        "digit = widgets.DrawDigit(lambda x: halves(x).mean(2)[:, 0, 2:12] * 9, {'halves': halves})\ndigit"
    ),
    "mistakes": (
        "torch.manual_seed(0)\nimages, labels = torch.rand(9, 1, 8, 8), torch.arange(9) % 3\n"
        "weight = torch.randn(64, 3)\nclassify = lambda x: x.flatten(1) @ weight\n"
        "mistakes = widgets.MistakeBrowser(images, labels, classify(images), 'abc', classify)\nmistakes"
    ),
    "dashboard": "dashboard = widgets.TrainingDashboard(10**6)\ndashboard",
    "train": "with dashboard:\n    while dashboard.update(loss=2.5):\n        time.sleep(0.01)",
    "ask": "",
}


@pytest.fixture(scope="module")
def notebook(module_page, lab, checkout, notebooks):
    notebook = notebooks.of(module_page, lab, checkout, CELLS)
    for name in list(CELLS)[:-2]:
        notebook.run(name)
    return notebook


@pytest.fixture
def page(module_page):
    return module_page


@pytest.fixture
def explorer(page, notebook):
    return lambda name: page.get_by_role("group", name=name, exact=True)


@pytest.fixture
def expect_python(notebook):
    return notebook.expect_python


def test_gabor_designer(explorer, expect_python, screenshot):
    gabor = explorer("Gabor designer")
    gabor.get_by_role("slider", name="angle θ").press("PageUp")
    gabor.get_by_role("slider", name="wavelength λ").press("ArrowRight")
    gabor.get_by_label("mean 0 and norm 1").uncheck()
    code = gabor.get_by_text("gabor_kernel(")
    expect(code).to_contain_text("theta=math.radians(36), lambd=6.25")
    reference = code.text_content().replace("gabor_kernel", "gabor_init.gabor_kernel.reference")
    expect_python(f"({reference} - gabor.weight).abs().max().item()", lambda printed: float(printed) < 1e-3)
    caption = gabor.get_by_text(re.compile("^answer, 86 × 86, up to"))
    largest = float(caption.text_content().rpartition("±")[2])
    expect_python("float(f'{gabor.output.abs().max():.2g}')", str(largest))
    screenshot("widget-gabor", gabor)


def test_kernel_lab(explorer, page, expect_python, screenshot):
    lab = explorer("Kernel lab")
    box = lab.get_by_label("kernel row 1 column 1")
    box.fill("-2.5")
    box.press("Enter")
    lab.get_by_label("padding mode").select_option("reflect")
    expect(lab.get_by_text("F.pad(")).to_contain_text('mode="reflect"')
    low, high = re.search("from (.*) to (.*)", lab.get_by_text("128 × 128, from").text_content()).groups()
    expect_python("lab.padding_mode, lab.weight[1, 1].item()", "reflect -2.5")
    expect_python("*(f'{x:.3f}' for x in lab.output.aminmax())", f"{float(low):.3f} {float(high):.3f}")
    screenshot("widget-lab", lab)


def test_kernel_lab_takes_a_file_and_a_drawing_and_compares(explorer, page, expect_python, screenshot):
    lab = explorer("Kernel lab")
    picture = io.BytesIO()
    Image.new("RGB", (300, 150), (10, 20, 30)).save(picture, "png")
    file = lab.get_by_label("own file")
    file.set_input_files({"name": "own.png", "mimeType": "image/png", "buffer": picture.getvalue()})
    expect(lab.get_by_text("64 × 128", exact=True)).to_be_visible()
    expect_python("tuple(lab.photo.shape), *(255 * lab.photo).unique().tolist()", "(64, 128) 20.0")
    file.set_input_files({"name": "notes.txt", "mimeType": "text/plain", "buffer": b"no picture"})
    expect(lab.get_by_role("alert")).to_have_text(
        "The browser cannot read notes.txt as a picture. Choose a PNG or a JPEG."
    )

    lab.get_by_role("button", name="Blank page").click()
    expect_python("tuple(lab.photo.shape), lab.photo.sum().item()", "(64, 64) 0.0")
    board = lab.get_by_role("application")
    board.focus()
    for key in [" ", *["ArrowRight"] * 8, " "]:
        board.press(key)
    expect_python("lab.photo[31:33, 33:47].min().item(), lab.photo[:, 52:].sum().item()", "1.0 0.0")
    side = board.bounding_box()["width"]
    start, end = ({"x": side / 4, "y": part * side} for part in (0.25, 0.75))
    board.drag_to(board, source_position=start, target_position=end)
    expect_python("lab.photo[20:44, 15].min().item()", "1.0")

    def uncovered():
        """Which part of the output the photo leaves free, as CSS has it."""
        return lab.locator(".cl-lab-over").evaluate("node => getComputedStyle(node).clipPath")

    wipe = lab.get_by_role("slider", name="before and after")
    assert uncovered() == "inset(0px 100% 0px 0px)"
    wipe.press("PageUp")
    expect(wipe).to_have_attribute("aria-valuetext", "10 %")
    assert uncovered() == "inset(0px 90% 0px 0px)"
    screenshot("widget-lab-drawing", lab)
    lab.get_by_role("button", name="Reset").click()
    expect_python("tuple(lab.photo.shape), lab.weight.sum().item()", "(128, 128) 1.0")
    expect(lab.get_by_role("application")).to_have_accessible_name(re.compile("border of 1, padding zeros"))


def test_groups_wiring(explorer, page, expect_python, screenshot):
    wiring = explorer("Groups wiring")
    groups = wiring.get_by_role("slider", name="groups")
    groups.press("ArrowRight")
    expect(wiring.get_by_role("alert")).to_contain_text("groups=3 does not divide in_channels=8")
    groups.press("ArrowRight")
    expect(wiring.get_by_role("alert")).to_be_hidden()
    wiring.get_by_role("button", name="output channel 0").click()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    expect(wiring.get_by_text("Output 2 hears inputs 2, 3: 2 of 8.")).to_be_visible()
    numbers = wiring.get_by_role("row", name="parameters").get_by_role("cell").first.text_content()
    expect_python("f'{wiring.parameters:,}', wiring.chosen, wiring.groups", f"{numbers} out 2 4")
    screenshot("widget-wiring", wiring)


def test_receptive_field_stacker(explorer, expect_python, screenshot):
    stacker = explorer("Receptive-field stacker")
    stacker.get_by_role("button", name="Add convolution").click()
    stacker.get_by_label("dilation of layer 3").fill("2")
    verdict = stacker.get_by_text("Measured from gradients: 12.")
    expect(verdict).to_contain_text("Output cell 8 sees 12 cells")
    stacker.locator("[data-output='3']").click()
    expect(verdict).to_contain_text("Output cell 3 sees 12 cells")
    expect_python("stacker.size, stacker.measured, stacker.layers[2]", "12 12 ['conv', 3, 1, 1, 2]")
    expect_python("stacker.cell", "3")
    stacker.get_by_role("button", name="remove layer 3").click()
    expect(stacker.locator("[data-output='3']")).to_have_attribute("class", "cl-field-seen")
    screenshot("widget-stacker", stacker)


def test_draw_digit(explorer, page, expect_python, screenshot):
    digit = explorer("Draw a digit")
    board = digit.get_by_role("application")
    board.focus()
    for key in [*["ArrowUp"] * 8, " ", *["ArrowDown"] * 16, " "]:
        board.press(key)
    expect_python("bool((digit.image[4:24, 13:15] > 0.5).all())", "True")
    rows = digit.get_by_role("list", name="probabilities").get_by_role("listitem")
    expect_python(
        "*(f'{n}{100 * p:.1f} %' for n, p in enumerate(digit.probabilities)), sep=','",
        lambda printed: printed.split(",") == [row.text_content() for row in rows.all()],
    )
    maps = digit.get_by_role("group", name="feature maps")
    expect(maps).to_contain_text("halves: 1 map of 14 × 14")
    shown = maps.get_by_role("img", name="map 0 of halves").evaluate(
        """canvas => [canvas.width, ...canvas.getContext("2d").getImageData(0, 0, 14, 14).data]"""
    )
    assert shown[0] == 14
    expect_python(
        "*((digit.feature_maps['halves'][0] > 0).int().flatten().tolist())",
        lambda printed: printed.split() == [str(int(blue < 255)) for blue in shown[3::4]],
    )
    digit.get_by_role("button", name="Clear").click()
    expect(digit.get_by_text("Nothing drawn yet")).to_be_visible()
    expect_python("digit.image.sum().item()", "0.0")
    screenshot("widget-digit", digit)


def test_mistake_browser(explorer, expect_python, screenshot):
    mistakes = explorer("Mistake browser")
    title = mistakes.get_by_text(re.compile(r"^Image \d+:"))
    expect_python("mistakes.mistakes[0]", re.search(r"\d+", title.text_content())[0])
    before = title.text_content()
    mistakes.get_by_role("button", name="next mistake").click()
    expect(title).not_to_have_text(before)
    shown = re.search(r"\d+", title.text_content())[0]
    expect_python("mistakes.mistakes[1], mistakes.index", f"{shown} {shown}")
    expect(mistakes.get_by_text("Why: orange pixels spoke for")).to_be_visible()
    expect(mistakes.get_by_role("img", name=re.compile("^why: the pixels for [abc] in orange"))).to_be_visible()
    screenshot("widget-mistakes", mistakes)
    mistakes.get_by_label("which mistakes").select_option("class")
    by_class = "sorted(mistakes.mistakes, key=lambda i: (labels[i].item(), classify(images)[i].argmax().item()))"
    expect_python(f"{by_class}[0] == mistakes.index", "True")


def test_training_dashboard_stops_at_once(explorer, notebook, page, expect_python, screenshot):
    dashboard = explorer("Training dashboard")
    notebook.start("train")
    expect(dashboard.get_by_text("loss 2.5")).to_be_visible()
    dashboard.get_by_role("button", name="Stop").click()
    line = dashboard.get_by_text(re.compile(r"^Stopped after step \d+ of 1000000, in"))
    expect(line).to_be_visible()
    notebook.wait_until_idle()
    steps = re.search(r"step (\d+)", line.text_content())[1]
    expect_python("dashboard.stopped, len(dashboard.losses)", f"True {steps}")
    screenshot("widget-dashboard", dashboard)


@pytest.mark.parametrize("theme", ["Light", "Dark"])
def test_axe_finds_no_violation_in_jupyterlab(page, notebook, screenshot, theme):
    page.evaluate(
        "theme => jupyterapp.commands.execute('apputils:change-theme', { theme })", f"JupyterLab {theme}"
    )
    expect(page.locator("body")).to_have_attribute("data-jp-theme-light", str(theme == "Light").lower())
    for n, explorer in enumerate(page.locator(".cl-explorer").all()):
        screenshot(f"widgets-{theme}-{n}", explorer)
    found = Axe().run(page, context={"include": [".cl-explorer"]})
    assert found.violations_count == 0, found.generate_report()
