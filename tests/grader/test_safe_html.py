"""What a student wrote, as HTML that is safe to read."""

import pytest

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
