"""What all explorers share, on each of them."""

import pytest
import torch
from ipywidgets import IntSlider

from convlab import widgets

EXPLORERS = {
    "Conv2dExplorer": widgets.Conv2dExplorer,
    "DrawDigit": lambda: widgets.DrawDigit(lambda images: images.view(1, -1)[:, :10]),
    "GaborDesigner": widgets.GaborDesigner,
    "GroupsWiring": widgets.GroupsWiring,
    "KernelLab": widgets.KernelLab,
    "MistakeBrowser": lambda: widgets.MistakeBrowser(
        torch.rand(3, 1, 8, 8), torch.tensor([0, 1, 0]), torch.eye(2)[[1, 1, 1]], "ab"
    ),
    "ReceptiveFieldStacker": widgets.ReceptiveFieldStacker,
    "TrainingDashboard": lambda: widgets.TrainingDashboard(3),
}


@pytest.fixture(params=EXPLORERS)
def explorer(request):
    return EXPLORERS[request.param]()


def test_every_explorer_is_here():
    assert list(EXPLORERS) == widgets.__all__


def test_the_joined_script_is_a_module_of_its_own(explorer, node, tmp_path):
    assert "import {" not in explorer._esm
    script = tmp_path / "joined.mjs"
    script.write_text(explorer._esm)
    assert node("-e", f"import({str(script)!r}).then((m) => console.log(typeof m.default.render))") == "function\n"


def test_what_the_page_sends_is_not_echoed(explorer, monkeypatch):
    sent = []
    monkeypatch.setattr(explorer, "_send", lambda message, buffers=None: sent.append(message["method"]))
    explorer.set_state({"_start": {"of": "the page"}})
    assert explorer._start == {"of": "the page"} and "echo_update" not in sent
    assert IntSlider().trait_metadata("layout", "echo_update", True)  # other widgets are as they were


def test_a_page_without_widgets_has_a_still_and_a_sentence(explorer):
    data, _ = explorer._repr_mimebundle_()
    assert "application/vnd.jupyter.widget-view+json" in data
    assert data["text/plain"].startswith(f"{type(explorer).__name__}: ")
    assert "Open the notebook in JupyterLab and run this cell to " in data["text/html"]
