"""What is kept of a notebook that was run: no code, no checks, its pictures in files."""

import base64
import io

import executed
import nbformat.v4 as v4
from PIL import Image


def ran(source, *outputs, **nbgrader):
    return v4.new_code_cell(source, outputs=list(outputs), metadata={"nbgrader": nbgrader} if nbgrader else {})


def test_outputs_and_sections_are_kept_and_code_and_checks_are_not(tmp_path):
    file = io.BytesIO()
    Image.new("RGB", (3, 2), "orange").save(file, "png")
    picture = f'<img alt="orange" src="data:image/png;base64,{base64.b64encode(file.getvalue()).decode()}">'
    nb = v4.new_notebook(
        cells=[
            v4.new_markdown_cell("# Title\n\nprose"),
            ran("secret()", v4.new_output("stream", text="10%\r50%\rdone\nnext\n")),
            v4.new_markdown_cell("## Nothing here\n\n### small"),
            ran("answer = 1", grade=False),
            v4.new_markdown_cell("## Pictures"),
            ran(
                "draw()", v4.new_output("display_data", {"text/html": f"<p>{picture}</p>", "text/plain": "<HTML>"})
            ),
            ran("check()", v4.new_output("execute_result", {"text/plain": "0.5"}), grade=True, points=2),
        ]
    )
    text = executed.page(nb, tmp_path, "facts")
    assert text.split("\n\n") == [
        *("# Title", "facts", "```text\ndone\nnext\n```", "## Pictures"),
        f'<p><img alt="orange" src="{tmp_path.name}/1.png"></p>\n',
    ]
    assert Image.open(tmp_path / "1.png").convert("RGB").getcolors() == [(6, (255, 165, 0))]
    assert executed.points(nb) == (0.5, 2)
