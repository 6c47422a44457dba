"""The leaderboard: who is on it, in which order, and what becomes of files that are no recipe."""

import io
import json
import math

import pytest
from rich.console import Console

from grader import leaderboard

GOOD = {"name": "one", "seconds": 0.5, "seconds_with_warm_up": 9.0, "accuracies": [0.991, 0.99], "device": "a GPU"}


def hand_in(folder, student, content):
    path = folder / student / leaderboard.ASSIGNMENT / leaderboard.FILE
    path.parent.mkdir(parents=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


def test_the_fastest_of_those_that_are_accurate_enough_comes_first(tmp_path):
    hand_in(tmp_path, "slow", GOOD | {"seconds": 2})
    hand_in(tmp_path, "fast", GOOD | {"seconds": 0.02})
    hand_in(tmp_path, "careless", GOOD | {"seconds": 0.001, "accuracies": [0.9905, 0.9893]})
    found = leaderboard.entries(tmp_path)
    assert [entry.student for entry in found] == ["fast", "slow", "careless"]
    assert [entry.problem for entry in found] == [None, None, "98.990% on average, below 99%"]


@pytest.mark.parametrize(
    "content, said",
    [
        ("no recipe", "Expecting value"),
        ("[" * 90_000, ""),
        ([1], "list indices"),
        ({key: value for key, value in GOOD.items() if key != "device"}, "'device' is missing"),
        (GOOD | {"seconds": 0}, "seconds must be positive"),
        (GOOD | {"seconds": math.nan}, "seconds must be positive"),
        (GOOD | {"seconds": "soon"}, "could not convert"),
        (GOOD | {"accuracies": []}, "accuracies must be"),
        (GOOD | {"accuracies": [99.1]}, "accuracies must be"),
        (GOOD | {"name": "x" * leaderboard.LARGEST}, "too large"),
    ],
)
def test_a_file_that_is_no_recipe_has_no_place_and_says_why(tmp_path, content, said):
    hand_in(tmp_path, "odd", content)
    hand_in(tmp_path, "good", GOOD)
    good, odd = leaderboard.entries(tmp_path)
    assert good.problem is None
    assert odd.problem.startswith("leaderboard.json cannot be used: ")
    assert said in odd.problem


def test_a_link_is_not_followed(tmp_path):
    elsewhere = tmp_path / "elsewhere.json"
    elsewhere.write_text(json.dumps(GOOD))
    path = hand_in(tmp_path, "sly", "")
    path.unlink()
    path.symlink_to(elsewhere)
    assert "a link" in leaderboard.read(path, "sly").problem


def test_the_table_has_places_and_nothing_a_terminal_would_obey(tmp_path):
    hand_in(tmp_path, "fast", GOOD | {"name": "[bold]flash\x1b[2J"})
    hand_in(tmp_path, "odd", "?")
    text = io.StringIO()
    Console(file=text, width=160).print(leaderboard.table(leaderboard.entries(tmp_path)))
    line = next(line for line in text.getvalue().splitlines() if "flash" in line)
    assert [cell.strip() for cell in line.strip("│").split("│")] == [
        *("1", "[bold]flash[2J", "fast", "0.5", "9", "99.050%", "2", "a GPU"),
    ]
    assert "\x1b" not in text.getvalue()
