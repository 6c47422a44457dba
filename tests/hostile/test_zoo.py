"""Every hostile hand-in gets its score, what it did is recorded, and the honest ones beside it get their marks."""

import json
import os
import socket
from html.parser import HTMLParser
from types import SimpleNamespace

import nbformat
import pytest
from nbgrader.api import Gradebook
from nbgrader.coursedir import CourseDirectory

from grader import grade, report
from grader.build import config
from tests.hostile.zoo import ALL, ASSIGNMENT, NAME, ZOO, Hostile, hand_in
from tests.sandboxes import RUNS

if not RUNS:
    pytest.skip("no sandbox works here, and the zoo runs nowhere else", allow_module_level=True)

pytestmark = pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SAWarning")

NEIGHBOURS = 5


@pytest.fixture(scope="module")
def run(tmp_path_factory, monkeymodule):
    """A course folder in which the whole zoo, and honest hand-ins among it, have been graded."""
    root = tmp_path_factory.mktemp("course")
    listening = socket.create_server(("127.0.0.1", 0))
    port = listening.getsockname()[1]
    abstract = socket.socket(socket.AF_UNIX)
    abstract.bind(f"\0hostile-{port}")
    abstract.listen()
    monkeymodule.setenv("HOSTILE_CANARY", "sings")
    submitted = root / "grader" / "submitted"
    for name, one in ZOO.items():
        hand_in(one, submitted / name / ASSIGNMENT, root, port)
    for number in range(NEIGHBOURS):
        letter = "bdhps"[number]
        hand_in(Hostile("honest", ALL), submitted / f"{letter}_honest" / ASSIGNMENT, root, port)
    settings = config(root=str(root), db_url=f"sqlite:///{root}/grader/gradebook.db")
    settings.Sandbox.update(
        cell_seconds=10, submission_seconds=60, memory_mib=2048, disk_mib=64, file_mib=32, output_mib=2
    )
    complete = grade.grade_all(settings)
    yield SimpleNamespace(
        root=root, coursedir=CourseDirectory(config=settings), complete=complete, settings=settings
    )
    listening.close()
    abstract.close()


@pytest.fixture(scope="module")
def monkeymodule():
    with pytest.MonkeyPatch.context() as patch:
        yield patch


def submission(run, student):
    with Gradebook(run.coursedir.db_url, run.coursedir.course_id) as gradebook:
        found = gradebook.find_submission(ASSIGNMENT, student)
        return found.score, found.max_score, found.needs_manual_grade


def page(run, student):
    return (run.root / "grader" / "feedback" / student / ASSIGNMENT / NAME).with_suffix(".html").read_text()


class Elements(HTMLParser):
    """What there is in a page."""

    def __init__(self):
        super().__init__()
        self.tags, self.attributes, self.scripts = set(), [], []

    def handle_starttag(self, tag, attributes):
        self.tags.add(tag)
        self.attributes += [(name, value or "") for name, value in attributes]

    def handle_data(self, data):
        if self.lasttag == "script":
            self.scripts.append(data)


def test_the_zoo_is_large_and_of_all_families():
    assert len(ZOO) >= 40
    families = {
        "exhaustion",
        "exit",
        "escape",
        "secrets",
        "network",
        "forged",
        "malformed",
        "survivors",
        "poisoned",
    }
    assert {one.family for one in ZOO.values()} == families


@pytest.mark.parametrize("name", ZOO)
def test_a_hostile_hand_in_gets_what_it_deserves_and_is_recorded(run, name):
    one = ZOO[name]
    ledger = report.ledger(run.coursedir, ASSIGNMENT, name)
    assert one.recorded in json.dumps(ledger, ensure_ascii=False)
    assert submission(run, name) == (one.score, ALL, one.flagged), json.dumps(ledger, indent=1)
    text = (run.root / "grader" / "autograded" / name / ASSIGNMENT / NAME).read_text()
    assert "ESCAPED" not in text
    assert len(text) < 8_000_000
    assert ledger["sandbox"] != "none"


@pytest.mark.parametrize("letter", "bdhps"[:NEIGHBOURS])
def test_its_neighbours_are_graded_right(run, letter):
    assert submission(run, f"{letter}_honest") == (ALL, ALL, False)


def test_all_of_them_are_recorded(run):
    assert run.complete


def test_nothing_survives(run):
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as file:
                assert b"98765" not in file.read()
        except (FileNotFoundError, ProcessLookupError):
            continue


@pytest.mark.parametrize("name", [name for name, one in ZOO.items() if one.family == "poisoned"])
def test_no_script_of_a_hand_in_is_in_its_feedback(run, name):
    html = page(run, name)
    found = Elements()
    found.feed(html)
    assert not [text for text in found.scripts if "alert(" in text]
    assert not [name for name, _ in found.attributes if name.startswith("on")]
    addresses = [value for name, value in found.attributes if name in ("href", "src")]
    assert not [value for value in addresses if not value.startswith(("#", "http", "data:image/"))]
    assert not found.tags & {"iframe", "object", "embed", "form", "base"}
    assert "\\href" not in html


def test_what_was_recorded_has_no_output_of_another_kind(run):
    nb = nbformat.read(run.root / "grader" / "autograded" / "scripts_in_outputs" / ASSIGNMENT / NAME, as_version=4)
    kinds = {kind for cell in nb.cells for output in cell.get("outputs", []) for kind in output.get("data", {})}
    assert kinds <= {"text/plain", "text/html", "text/markdown", "image/png", "image/jpeg"}


def test_no_seed_and_no_reference_reaches_the_feedback(run):
    ledger = report.ledger(run.coursedir, ASSIGNMENT, "library_call")
    seeds = [entry["seed"] for entry in ledger["notebooks"]["sliding_window"]["ledger"]]
    assert len(set(seeds)) == 7
    folder = run.root / "grader" / "feedback" / "library_call" / ASSIGNMENT
    assert [path.name for path in folder.iterdir()] == [NAME.replace(".ipynb", ".html")]
    assert not [seed for seed in seeds if seed in page(run, "library_call")]
