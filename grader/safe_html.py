"""Nothing that a student wrote or showed runs in the browser of who reads it: Formgrader's pages and feedback."""

from __future__ import annotations

import functools
import json
import re

import bleach
import jinja2
from bleach.css_sanitizer import CSSSanitizer
from nbconvert.exporters import HTMLExporter, TemplateExporter
from nbconvert.filters import Highlight2HTML
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath
from nbconvert.filters.widgetsdatatypefilter import WidgetsDataTypeFilter
from nbgrader.preprocessors import NbGraderPreprocessor

BASE64 = re.compile(r"[A-Za-z0-9+/=\s]*")
SHOWN = ("text/plain", "text/html", "text/markdown", "image/png", "image/jpeg")
"""What is kept of an output; HTML is cleaned when a page is made."""

UNDESCRIBED = "a picture without a description"

TAGS = {
    *bleach.ALLOWED_TAGS,
    *("h1", "h2", "h3", "h4", "h5", "h6", "p", "br", "hr", "div", "span", "pre", "img", "figure", "figcaption"),
    *("details", "summary", "sub", "sup", "del", "small", "dl", "dt", "dd"),
    *("table", "thead", "tbody", "tr", "th", "td", "caption"),
}
ATTRIBUTES = {"class", "id", "style", "title", "alt", "width", "height", "colspan", "rowspan", "open", "align"}
COMMANDS = re.compile(r"\\(href|style|class|cssId|require|unicode)\b")
"""TeX commands by which MathJax makes links and attributes."""

STYLE = CSSSanitizer(
    allowed_css_properties=(
        *("color", "background", "background-color", "border", "border-collapse", "display", "gap", "margin"),
        *("padding", "width", "height", "max-width", "text-align", "vertical-align", "font-size", "font-weight"),
        *("font-family", "white-space", "image-rendering", "flex", "flex-wrap", "align-items", "line-height"),
    )
)


def _allowed(tag: str, name: str, value: str) -> bool:
    if name == "src":
        return tag == "img" and value.startswith("data:image/")
    if name == "href":
        return not value.strip().lower().startswith("data:")
    return name in ATTRIBUTES


CLEANER = bleach.Cleaner(
    tags=TAGS, attributes=_allowed, protocols={"http", "https", "mailto", "data"}, css_sanitizer=STYLE
)


def clean(html) -> str:
    """HTML with the tags and attributes of text, tables and embedded pictures; all others are shown as text."""
    text = html.decode(errors="replace") if isinstance(html, bytes) else str(html)
    return CLEANER.clean(COMMANDS.sub(r"\1", text))


@jinja2.pass_context
def markdown(context, source) -> str:
    """Markdown as clean HTML: nbconvert's filter, for pages whose templates do not clean what it gives."""
    attachments = context.get("cell", {}).get("attachments", {})
    return _markdown(source, json.dumps(attachments))


@functools.lru_cache(256)  # most of it is the course's own text, the same in every hand-in
def _markdown(source: str, attachments: str) -> str:
    renderer = IPythonRenderer(escape=False, attachments=json.loads(attachments))
    return clean(MarkdownWithMath(renderer=renderer).render(source))


def highlight(source, language=None, metadata=None) -> str:
    """Code as HTML in colours: nbconvert's filter, but for Python, whatever a notebook says that it is."""
    return _highlight(source)


@functools.lru_cache(256)
def _highlight(source: str) -> str:
    return Highlight2HTML()(source)


class Compiled(jinja2.BytecodeCache):
    """Compiled templates, for as long as this process lasts."""

    def __init__(self):
        self._found = {}

    def load_bytecode(self, bucket):
        bucket.code = self._found.get((bucket.key, bucket.checksum))

    def dump_bytecode(self, bucket):
        self._found[bucket.key, bucket.checksum] = bucket.code


COMPILED = Compiled()


TEST_CELL = re.compile(r'(<a href="#check_(\w+)">)Test cell</a>')
TRIANGLES = "<style>summary { display: list-item; }</style>"
"""Hints look like what can be opened: nbgrader's page comes with a Bootstrap that takes their triangles away."""


class Exporter(HTMLExporter):
    """nbconvert's, but its contents name the exercises, and it compiles its templates for the first page only.

    Nor does it read each page again with BeautifulSoup, to find the pictures without a description: that takes
    longer than to write it. `KeepPlainOutputs` has described them.
    """

    def default_filters(self):
        yield from super().default_filters()
        yield "highlight_code", highlight

    def from_notebook_node(self, nb, resources=None, **kw):
        resources = self._init_resources(resources)
        shown = WidgetsDataTypeFilter(notebook_metadata=self._nb_metadata, parent=self, resources=resources)
        self.register_filter("filter_data_type", shown)
        html, resources = TemplateExporter.from_notebook_node(self, nb, resources, **kw)
        return TEST_CELL.sub(r"\1\2</a>", html).replace("</head>", f"{TRIANGLES}</head>", 1), resources

    def _create_environment(self):
        environment = super()._create_environment()
        environment.bytecode_cache = COMPILED
        return environment


class KeepPlainOutputs(NbGraderPreprocessor):
    """Keeps of the outputs what a page can show safely."""

    def preprocess_cell(self, cell, resources, cell_index):
        for output in cell.get("outputs", []):
            if "data" in output:
                output.data = {kind: data for kind, data in output.data.items() if _is_safe(kind, data)}
                pictures = [kind for kind in output.data if kind.startswith("image/")]
                output.metadata = {kind: {"alt": UNDESCRIBED} for kind in pictures}
        return cell, resources


def _is_safe(kind: str, data) -> bool:
    text = "".join(data) if isinstance(data, list) else data
    if not isinstance(text, str):
        return False
    return kind in SHOWN and (not kind.startswith("image/") or BASE64.fullmatch(text) is not None)
