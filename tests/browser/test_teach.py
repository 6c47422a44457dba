"""An instructor's way: `make teach`, Formgrader, its Autograde button, and the sources as notebooks."""

import re

import pytest
from playwright.sync_api import expect

from grader.build import sources
from tests.browser.conftest import TIMEOUT

pytestmark = pytest.mark.browser

ASSIGNMENT = "01_sliding_window"


def test_formgrader_lists_the_assignment_and_gives_the_same_score(teach, page, screenshot):
    page.goto(f"{teach}/formgrader")
    expect(page.get_by_role("link", name=ASSIGNMENT)).to_be_visible()
    assert page.locator("tbody tr").count() == len(sources())
    screenshot("formgrader")

    page.goto(f"{teach}/formgrader/manage_submissions/{ASSIGNMENT}")
    row = page.get_by_role("row").filter(has_text="sample_truncated")
    expect(row).to_contain_text("needs autograding")
    row.locator(".autograde a").click()
    dialog = page.get_by_role("dialog").filter(visible=True)
    expect(dialog).to_contain_text(
        "Successfully autograded", timeout=3 * TIMEOUT
    )  # its processes start with torch
    screenshot("formgrader-autograded")
    page.reload()
    expect(row).to_contain_text(re.compile(r"graded.*20\s*/\s*23"))
    screenshot("formgrader-scores")


def test_formgrader_opens_from_the_menu_inside_jupyterlab(teach, page, screenshot):
    page.goto(f"{teach}/lab?reset")
    page.get_by_role("menuitem", name="Nbgrader").click()
    page.get_by_role("menuitem", name="Formgrader", exact=True).click()
    frame = page.frame_locator("iframe")
    expect(frame.get_by_role("link", name=ASSIGNMENT)).to_be_visible()
    screenshot("formgrader-in-lab")


def test_an_edit_of_the_source_notebook_reaches_the_text(teach, page, notebooks, checkout):
    source = checkout / "solutions" / ASSIGNMENT / "sliding_window.nb.py"
    before = source.read_text()
    notebook = notebooks(page, teach, f"solutions/{ASSIGNMENT}/sliding_window.ipynb")
    notebook.write("predicted_shape", "predicted_shape = None  # changed\n### BEGIN SOLUTION\n### END SOLUTION")
    notebook.command("docmanager:save")
    after = source.read_text()
    removed = set(before.splitlines()) - set(after.splitlines())
    added = set(after.splitlines()) - set(before.splitlines())
    assert added == {"predicted_shape = None  # changed"}
    assert removed == {'predicted_shape = None  # "a", "b", "c" or "d"', 'predicted_shape = "c"'} - set(
        after.splitlines()
    )
