"""What a GPU gave, as a student without one sees it: a page in JupyterLab, reached from the notebook."""

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Notebook

pytestmark = pytest.mark.browser

PICTURES = {"11_mnist/mnist": 15, "12_transfer_learning/transfer_learning": 12, "13_gpu_speed/gpu_speed": 4}


@pytest.mark.parametrize("notebook", PICTURES)
def test_the_notebooks_link_opens_the_recorded_page_with_its_pictures(page, lab, screenshot, notebook):
    Notebook(page, lab, f"{notebook}.ipynb")
    link = page.locator("a[href*='recorded/']")
    while not link.count():
        page.mouse.wheel(0, 2000)
    link.first.click()
    recorded = page.locator(".jp-MarkdownViewer")
    expect(recorded).to_contain_text("Run from top to bottom on one NVIDIA H200")
    pictures = recorded.locator("img")
    expect(pictures).to_have_count(PICTURES[notebook])
    page.wait_for_function(
        "() => [...document.querySelectorAll('.jp-MarkdownViewer img')].every(({ naturalWidth }) => naturalWidth)"
    )
    screenshot(f"recorded_{notebook.partition('_')[0]}", pictures.last)
