"""What all explorers share: their files, and what a page without them shows."""

import base64
import html
import json
import pathlib
import re
import string

import anywidget
import traitlets

HERE = pathlib.Path(__file__).parent
PADDING_MODES = ("zeros", "reflect", "replicate", "circular")


def sources(name):
    """The JavaScript and the CSS of an explorer, each with what all share in front: a widget has one of each."""
    scripts = [(HERE / f"{part}.js").read_text("utf-8") for part in ("base", name)]
    scripts[1] = re.sub(r'import \{[^}]*\} from "./base.js";\n', "", scripts[1])
    styles = [(HERE / f"{part}.css").read_text("utf-8") for part in ("base", name)]
    return "\n".join(scripts), "\n".join(styles)


def side_by_side(parts):
    """Parts of a still in a row, which wraps where the page is narrow."""
    return f'<div style="display: flex; flex-wrap: wrap; gap: 1em 2em">{"".join(parts)}</div>'


def drawing(shapes, width, height, alt):
    """An image made of SVG, of so many pixels, that says `alt` to those who do not see it."""
    size = f'width="{width:g}" height="{height:g}"'
    svg = f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="sans-serif">{shapes}</svg>'
    source = f"data:image/svg+xml;base64,{base64.b64encode(svg.encode()).decode()}"
    return f'<img alt="{html.escape(alt)}" {size} style="max-width: 100%; background: white" src="{source}">'


class Explorer(anywidget.AnyWidget):
    """A widget that saves itself as a page, with a still for pages that cannot show widgets.

    A subclass sets `_esm, _css = sources(name)` and `_title`, says in `_use` what one can do with it in
    JupyterLab, and makes the HTML of the still in `_still`.
    """

    _start = traitlets.Dict().tag(sync=True)
    _without_python = "All of it works in this page; in a notebook it also shares its numbers with Python."

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        for name in self._own:
            self.traits()[name].tag(echo_update=False)  # an echo would undo what has changed in the page since

    @property
    def _own(self):
        """The names of what an explorer shares with the page, beyond what every widget does."""
        return set(self.keys) - set(anywidget.AnyWidget.class_trait_names()) - {"_esm", "_css", "_anywidget_id"}

    def to_html(self, path):
        """Write the explorer, as it stands, into one HTML file that needs neither a kernel nor a network.

        Args:
            path: where to write it, such as "explorer.html"; a file that is there is replaced.
        """
        state = json.dumps(self.get_state(self._own), allow_nan=False, default=_text_of_bytes)
        page = string.Template((HERE / "page.html").read_text("utf-8")).substitute(
            title=self._title,
            without_python=self._without_python,
            style=self._css,
            script=self._esm,
            state=state.replace("<", r"\u003c"),
        )
        pathlib.Path(path).write_text(page, "utf-8")

    def _plain(self):
        """What a terminal shows."""
        return repr(self)

    def _repr_mimebundle_(self, **kwargs):
        data, metadata = super()._repr_mimebundle_(**kwargs)
        data["text/plain"] = self._plain()
        data["text/html"] = (
            f"{self._still()}<p>{html.escape(repr(self).rstrip('.'))}. "
            f"Open the notebook in JupyterLab and run this cell to {self._use}.</p>"
        )
        return data, metadata


def _text_of_bytes(value):
    return {"base64": base64.b64encode(value).decode()}
