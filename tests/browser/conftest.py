"""JupyterLab as the README's commands start it, on a copy of the repository, and Chromium to look at it."""

import os
import shutil
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from contextlib import contextmanager, suppress
from pathlib import Path

import nbformat
import pytest
from playwright.sync_api import expect, sync_playwright

ROOT = Path(__file__).parents[2]
ARTEFACTS = ROOT / "tests" / "artefacts"
CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")


TIMEOUT = 60_000  # milliseconds; reached only where something is broken
expect.set_options(timeout=TIMEOUT)


def copied(folder):
    """A copy of the repository, in `folder`, that may be worked in; it shares the virtual environment."""
    copy = folder / "conv2d"
    kept_out = shutil.ignore_patterns(
        ".venv", ".git", "*.egg-info", "artefacts", "gradebook.db", "autograded", "feedback"
    )
    shutil.copytree(ROOT, copy, ignore=kept_out)
    (copy / ".venv").symlink_to(ROOT / ".venv")
    return copy


@pytest.fixture(scope="session")
def checkout(tmp_path_factory):
    return copied(tmp_path_factory.mktemp("checkout"))


@contextmanager
def served(checkout, target):
    """The address of JupyterLab started by `make TARGET`, once it answers."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    flags = (
        f"--no-browser --allow-root --ServerApp.ip=127.0.0.1 --ServerApp.port={port} --ServerApp.port_retries=0 "
        "--IdentityProvider.token= --LabApp.expose_app_in_browser=True"
    )
    home = checkout.parent / f"home-{target}"
    home.mkdir()
    environment = {name: value for name, value in os.environ.items() if not name.startswith("JUPYTER")}
    server = subprocess.Popen(
        ["make", "-o", ".venv/ready", target, f"LAB_FLAGS={flags}"],  # it is set up, and not by the copy
        cwd=checkout,
        env=environment | {"HOME": str(home), "CONDA_DEFAULT_ENV": ""},
        stdout=(home / "log").open("w"),
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        address = f"http://127.0.0.1:{port}"
        wait_for(f"{address}/api/status", server, home / "log")
        yield address
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait()


def wait_for(address, server, log):
    """Ask until the server answers; fail with its log if it ends first."""
    while server.poll() is None:
        try:
            return urllib.request.urlopen(address, timeout=60).close()
        except urllib.error.URLError:
            with suppress(subprocess.TimeoutExpired):
                server.wait(timeout=0.2)
    raise AssertionError(f"the server stopped:\n{log.read_text()}")


@pytest.fixture(scope="session")
def lab(checkout):
    with served(checkout, "lab") as address:
        yield address


@pytest.fixture(scope="session")
def teach(checkout):
    with served(checkout, "teach") as address:
        yield address


@contextmanager
def chromium(*more_flags):
    """Debian's Chromium, or the one that CHROMIUM names."""
    assert CHROMIUM, "Chromium is needed: install it (on Debian: apt install chromium) or set CHROMIUM"
    flags = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=[*flags, *more_flags])
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def browser():
    with chromium() as browser:
        yield browser


def new_page(browser):
    context = browser.new_context(viewport={"width": 1280, "height": 900}, reduced_motion="reduce")
    context.set_default_timeout(TIMEOUT)
    yield context.new_page()
    context.close()


page = pytest.fixture(new_page)
module_page = pytest.fixture(new_page, scope="module")


@pytest.fixture
def screenshot(page):
    """Keep a picture of the page, scrolled to `part`, in tests/artefacts/."""
    ARTEFACTS.mkdir(exist_ok=True)

    def take(name, part=None):
        if part:
            bring_into_view(part)
        page.screenshot(path=ARTEFACTS / f"{name}.png")

    return take


def bring_into_view(locator):
    """Scroll an element to the middle and wait until nothing above it moves it any more."""
    locator.evaluate(
        """element => new Promise(done => {
            let top, still = 0;
            const step = () => {
                element.scrollIntoView({ block: "center" });
                const now = element.getBoundingClientRect().top;
                still = now === top ? still + 1 : 0;
                top = now;
                still < 30 ? requestAnimationFrame(step) : done();
            };
            step();
        })"""
    )
    expect(locator).to_be_in_viewport()


class Notebook:
    """A notebook opened in JupyterLab, driven by its commands."""

    def __init__(self, page, address, path):
        self.page = page
        page.goto(f"{address}/lab/tree/{path}?reset")
        self.wait_until_idle()

    def wait_until_idle(self):
        self.page.wait_for_function(
            """() => {
                const context = window.jupyterapp?.shell.currentWidget?.context;
                return context?.isReady && context.sessionContext.session?.kernel?.status === "idle";
            }"""
        )

    def command(self, name):
        self.page.evaluate("name => window.jupyterapp.commands.execute(name)", name)
        self.wait_until_idle()

    def start(self, name):
        """Run one cell, and do not wait for its end."""
        self._choose(name)
        self.page.evaluate("() => { window.jupyterapp.commands.execute('notebook:run-cell') }")

    def run(self, name):
        """Run one cell."""
        self._choose(name)
        self.command("notebook:run-cell")

    def _choose(self, name):
        self.page.evaluate(
            """name => {
                const notebook = window.jupyterapp.shell.currentWidget.content;
                notebook.activeCellIndex = notebook.widgets.findIndex(({ model }) => model.id === name);
            }""",
            name,
        )

    def write(self, name, source):
        """Replace the source of a cell, as typing would."""
        self._with_cell(name, "(cell, source) => cell.setSource(source)", source)

    def expect_python(self, expression, wanted):
        """Print an expression in the last cell until `wanted` is printed, or holds for what is.

        More than once, because ipykernel takes the messages of widgets in another thread than the cells.
        """
        name = self.page.evaluate("() => window.jupyterapp.shell.currentWidget.content.widgets.at(-1).model.id")
        is_wanted = wanted if callable(wanted) else wanted.__eq__
        end = time.monotonic() + TIMEOUT / 1000
        self.write(name, f"print({expression})")
        self.run(name)
        while not is_wanted(self.output(name).strip()):
            assert time.monotonic() < end, f"{expression} is {self.output(name)}, not {wanted}"
            self.run(name)

    def output(self, name):
        """The text of the outputs of a cell."""
        return self._with_cell(
            name,
            """cell => cell.getOutputs()
                .map(out => [out.text ?? out.data?.["text/plain"] ?? out.evalue].flat().join(""))
                .join("\\n")""",
        )

    def _with_cell(self, name, function, argument=None):
        """Call a function of JavaScript on the cell whose id or grade_id is `name`."""
        return self.page.evaluate(
            f"""([name, argument]) => {{
                for (const {{ sharedModel: cell }} of window.jupyterapp.shell.currentWidget.content.model.cells)
                    if (name === cell.id || name === cell.getMetadata("nbgrader")?.grade_id)
                        return ({function})(cell, argument);
                throw new Error(`no cell ${{name}}`);
            }}""",
            [name, argument],
        )

    @classmethod
    def of(cls, page, address, checkout, cells):
        """Write a notebook of these cells, sources by their ids, and open it."""
        path = checkout / "course" / "cells.ipynb"
        cells = [nbformat.v4.new_code_cell(source, id=name) for name, source in cells.items()]
        kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3"}}
        nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=kernel), path)
        return cls(page, address, path.name)


@pytest.fixture(scope="session")
def notebooks():
    return Notebook
