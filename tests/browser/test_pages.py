"""Each explorer as the page that to_html() writes: without kernel and network, in light and dark, and zoomed."""

import pytest
import torch
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from convlab import widgets

pytestmark = pytest.mark.browser


def training_dashboard():
    dashboard = widgets.TrainingDashboard(4)
    for step in range(3):
        dashboard.update(loss=1 / (step + 1), accuracy=step / 4)
    return dashboard


def draw_digit():
    torch.manual_seed(0)
    network = torch.nn.Sequential(torch.nn.Conv2d(1, 20, 3), torch.nn.ReLU(), torch.nn.MaxPool2d(4))
    return widgets.DrawDigit(lambda x: network(x)[:, :10, 0, 0], {"convolution": network[0], "pool": network[2]})


def mistake_browser():
    torch.manual_seed(0)
    logits = torch.randn(20, 6)
    return widgets.MistakeBrowser(
        torch.rand(20, 3, 28, 28), torch.arange(20) % 6, logits, "abcdef", lambda x: x.flatten(1)[:, :6]
    )


EXPLORERS = {
    "Conv2dExplorer": lambda: widgets.Conv2dExplorer(
        torch.ones(3, 6, 5), torch.randn(2, 3, 3, 3), stride=2, padding=1
    ),
    "DrawDigit": draw_digit,
    "GaborDesigner": widgets.GaborDesigner,
    "GroupsWiring": lambda: widgets.GroupsWiring(two_layers=True, shuffle=True, chosen="in 1"),
    "KernelLab": lambda: widgets.KernelLab("camera", [[-1, -1, -1], [-1, 8, -1], [-1, -1, -1]]),
    "MistakeBrowser": mistake_browser,
    "ReceptiveFieldStacker": widgets.ReceptiveFieldStacker,
    "TrainingDashboard": training_dashboard,
}


@pytest.fixture(params=EXPLORERS.values(), ids=EXPLORERS)
def explorer(request):
    return request.param()


def impossible_wiring():
    wiring = widgets.GroupsWiring(8, 8)
    wiring.groups = 3
    return wiring


OTHERS = {
    "kernel too large": lambda: widgets.Conv2dExplorer(torch.ones(5, 6), padding=(0, 1), dilation=3),
    "trained layer": lambda: widgets.Conv2dExplorer(torch.rand(4, 5, 5), torch.nn.Conv2d(4, 2, 3, groups=2)),
    "size to predict": lambda: widgets.Conv2dExplorer(stride=2, predict="size"),
    "cell to predict": lambda: widgets.Conv2dExplorer(predict=(0, 1)),
    "no network": lambda: widgets.DrawDigit(lambda images: images.missing),
    "groups do not divide": impossible_wiring,
    "photo too small": lambda: widgets.KernelLab(torch.rand(1, 5), padding_mode="reflect"),
    "no mistakes": lambda: widgets.MistakeBrowser(
        torch.rand(1, 1, 8, 8), torch.tensor([0]), torch.eye(2)[:1], "ab"
    ),
    "no place": lambda: widgets.ReceptiveFieldStacker([["conv", 9, 1, 0, 1]], n=8),
}


@pytest.fixture
def opened(page, explorer, tmp_path):
    """The page of the explorer in a browser without a network; `complaints` has what it logs or asks for."""
    page.complaints = []
    page.on("console", lambda message: page.complaints.append(message.text))
    page.on("pageerror", lambda error: page.complaints.append(str(error)))
    page.on("request", lambda asked: asked.url.startswith("data:") or page.complaints.append(asked.url))
    page.context.set_offline(True)
    file = tmp_path / "explorer.html"
    explorer.to_html(file)
    page.goto(file.as_uri())
    assert page.complaints.pop(0) == file.as_uri()
    return page


def test_every_explorer_is_here():
    assert list(EXPLORERS) == widgets.__all__


def test_a_page_has_a_title_a_language_and_what_needs_python(opened, explorer, screenshot):
    expect(opened).to_have_title(explorer._title)
    expect(opened.locator("html")).to_have_attribute("lang", "en")
    expect(opened.get_by_role("heading", name=explorer._title, level=1)).to_be_visible()
    expect(opened.get_by_role("group", name=explorer._title)).to_be_visible()
    expect(opened.get_by_text("Python.", exact=False).last).to_be_visible()
    assert opened.evaluate("parseFloat(getComputedStyle(document.body).fontSize)") >= 16
    screenshot(f"page-{type(explorer).__name__}")
    assert opened.complaints == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_violation(opened, explorer, scheme, screenshot):
    opened.emulate_media(color_scheme=scheme)
    screenshot(f"page-{type(explorer).__name__}-{scheme}")
    found = Axe().run(opened)
    assert found.violations_count == 0, found.generate_report()


@pytest.mark.parametrize("explorer", OTHERS.values(), ids=OTHERS, indirect=True)
def test_axe_finds_no_violation_in_other_states(opened):
    found = Axe().run(opened)
    assert found.violations_count == 0, found.generate_report()


@pytest.mark.parametrize("zoom", [1, 2])
def test_nothing_is_cut_off(opened, explorer, zoom, screenshot):
    """At 1280 pixels, and at 200 % zoom, which leaves half as many."""
    opened.set_viewport_size({"width": 1280 // zoom, "height": 900 // zoom})
    screenshot(f"page-{type(explorer).__name__}-zoom{zoom}")
    cut = opened.evaluate(
        """() => [...document.querySelectorAll(":not(input, .cl-live)")]
            .filter((node) => node.matches("html, text") || getComputedStyle(node).overflowX !== "visible")
            .filter((node) => node.scrollWidth > node.clientWidth + 1)
            .map((node) => node.outerHTML.slice(0, 200))"""
    )
    assert cut == []


def test_every_control_is_reached_by_tab_and_shows_it(opened):
    controls = opened.evaluate(
        """() => [...document.querySelectorAll("button, input, select, [tabindex='0']")]
            .filter((node) => node.checkVisibility() && !node.disabled && node.tabIndex >= 0).length"""
    )
    reached = set()
    for _ in range(controls):
        opened.keyboard.press("Tab")
        place, outline = opened.evaluate(
            """() => {
                const node = document.activeElement;
                const outlines = [node, node.parentElement].map((one) => getComputedStyle(one))
                    .filter((style) => style.outlineStyle === "solid")
                    .map((style) => parseFloat(style.outlineWidth));
                return [[...document.querySelectorAll("*")].indexOf(node), Math.max(...outlines, 0)];
            }"""
        )
        reached.add(place)
        assert outline >= 3, opened.evaluate("document.activeElement.outerHTML")
    assert len(reached) == controls
