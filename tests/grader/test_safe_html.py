"""What a student wrote, as HTML that is safe to read."""

import re

import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output

from grader import safe_html


@pytest.mark.parametrize("data", ["aGk=", "aG8="])
def test_the_same_text_shows_the_attachment_of_its_own_cell(data):
    context = {"cell": {"attachments": {"a.png": {"image/png": data}}}}
    html = safe_html.markdown(context, "**A** ![figure](attachment:a.png)")
    assert "<strong>A</strong>" in html
    assert f"data:image/png;base64,{data}" in html


def test_markdown_cannot_run_anything():
    html = safe_html.markdown({}, "<script>alert(1)</script> [a](javascript:alert(1)) $\\href{javascript:b}{x}$")
    assert "<script" not in html
    assert 'href="javascript' not in html
    assert "\\href" not in html


def test_of_an_output_the_picture_is_shown_and_described():
    output = new_output("display_data", {"image/png": "aGk=", "image/svg+xml": "<svg onload=alert(1)>"})
    nb = new_notebook(cells=[new_code_cell("total = 7", outputs=[output])])
    nb, _ = safe_html.KeepPlainOutputs().preprocess(nb, {})
    html, _ = safe_html.Exporter(template_name="classic").from_notebook_node(nb)
    (picture,) = re.findall("<img [^>]*>", html)
    assert 'src="data:image/png;base64,aGk="' in picture
    assert 'alt="a picture without a description"' in picture
    assert "onload" not in html
