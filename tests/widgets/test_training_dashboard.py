"""The dashboard in Python, in a kernel without a page, and its JavaScript (node runs the very file that ships)."""

import re
import signal
import subprocess
import sys
import time

import comm
import nbformat
import pytest
import torch
from nbclient import NotebookClient

from convlab.widgets import TrainingDashboard, training_dashboard


@pytest.fixture
def sent(monkeypatch):
    """The states that the browser is told, with a clock that stands still until `sent.clock` is moved."""

    class Sent(list):
        clock = 100.0

    sent = Sent()
    monkeypatch.setattr(training_dashboard, "_in_kernel", lambda: True)
    monkeypatch.setattr(training_dashboard, "display", lambda *args, **kwargs: None)
    monkeypatch.setattr(time, "monotonic", lambda: sent.clock)
    return sent


def watched(sent, steps):
    dashboard = TrainingDashboard(steps)
    dashboard.observe(lambda change: sent.append(change["new"]), "_run")
    return dashboard


def press_stop(dashboard):
    """What ipykernel does with the comm that the browser opens."""
    comm.get_comm_manager().targets[dashboard._stop_target](None, {})


def test_five_messages_a_second_and_always_the_last_step(sent):
    dashboard = watched(sent, 1000)
    with dashboard:
        for step in range(1000):
            sent.clock += 0.01
            assert dashboard.update(loss=1 / (step + 1), accuracy=step / 1000)
        assert 40 <= len(sent) <= 52
        assert sent[-1]["step"] == 1000
    assert sent[-1]["phase"] == "closed"
    assert sent[-1]["line"] == "All 1000 steps done in 10 s: loss 0.001, accuracy 99.9 %."


def test_a_point_is_the_mean_of_its_steps(sent):
    dashboard = watched(sent, 600)
    with dashboard:
        for step in range(600):
            dashboard.update(loss=step, accuracy=0.5 if step % 100 == 99 else None)
    assert dashboard._run["span"] == 2
    assert dashboard._run["loss"][:2] == [[2, 0.5], [4, 2.5]]
    assert dashboard._run["accuracy"] == [[step, 0.5] for step in range(100, 601, 100)]
    assert dashboard.losses == list(range(600))
    assert dashboard.accuracies.count(None) == 594


def test_time_gone_and_left(sent):
    dashboard = watched(sent, 100)
    for _ in range(3):
        dashboard.update(loss=1)
        sent.clock += 40
    assert sent[0]["line"] == "Step 1 of 100: loss 1. 0.0 s gone."
    assert sent[2]["line"] == "Step 3 of 100: loss 1. 1 min 20 s gone, about 1 h 4 min left."


def test_stop_ends_the_loop_after_its_step(sent):
    dashboard = watched(sent, 100)
    press_stop(dashboard)
    with dashboard:
        assert dashboard.update(loss=3)
        press_stop(dashboard)
        assert not dashboard.update(loss=2)
        assert sent[-1]["phase"] == "stopping"
    assert dashboard.stopped
    assert sent[-1]["line"].startswith("Stopped after step 2 of 100, in ")


def test_interrupting_the_kernel_ends_the_run_and_not_the_cell(sent):
    dashboard = watched(sent, 100)
    with dashboard:
        dashboard.update(loss=3)
        signal.raise_signal(signal.SIGINT)
    assert dashboard.stopped
    assert sent[-1]["phase"] == "closed"


def test_an_error_closes_the_run_and_goes_on(sent):
    dashboard = watched(sent, 100)
    with pytest.raises(ZeroDivisionError), dashboard:
        dashboard.update(loss=3)
        dashboard.update(loss=1 / 0)
    assert not dashboard.stopped
    assert sent[-1]["line"].startswith("Ended after step 1 of 100")


def test_a_second_run_begins_anew(sent):
    dashboard = watched(sent, 2)
    for loss in (4, 3, 2, 1):
        dashboard.update(loss)
        if loss % 2:
            dashboard.close_run()
            dashboard.close_run()
    assert dashboard.losses == [2, 1]
    assert sent[-1]["loss"] == [[1, 2], [2, 1]]


def test_a_loss_that_is_no_number_is_shown_as_such(sent):
    dashboard = watched(sent, 5)
    dashboard.update(loss=torch.tensor(2.0))
    dashboard.close_run()
    dashboard.update(loss=torch.nan)
    assert sent[-1]["loss"] == [[1, None]]
    assert "diverged" in sent[-1]["line"]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"loss": torch.ones(4)}, "loss must be one number, such as loss.item(), not shape (4,)"),
        ({"loss": "1e"}, "loss must be one number, such as loss.item(), not '1e'"),
        (
            {"loss": 1, "accuracy": 97.5},
            "accuracy must be a fraction from 0 to 1, not 97.5: divide a percentage by 100",
        ),
        ({"loss": 1, "accuracy": torch.nan}, "accuracy must be a fraction from 0 to 1, not nan"),
    ],
)
def test_wrong_numbers_are_refused(sent, arguments, sentence):
    dashboard = TrainingDashboard(5)
    with pytest.raises(ValueError, match=re.escape(sentence)):
        dashboard.update(**arguments)
    assert dashboard.losses == []


def test_wrong_steps_are_refused(sent):
    for steps in (0, -1, 2.5, "ten"):
        with pytest.raises(ValueError, match="steps must be"):
            TrainingDashboard(steps)
    dashboard = TrainingDashboard(1)
    dashboard.update(loss=1)
    with pytest.raises(ValueError, match="this is update 2 of a run of 1 steps"):
        dashboard.update(loss=1)


def test_a_script_prints_a_line_now_and_then_and_nothing_on_stderr():
    script = """
from convlab.widgets import TrainingDashboard
dashboard = TrainingDashboard(3000)
with dashboard:
    for step in range(3000):
        dashboard.update(loss=1 / (step + 1), accuracy=0.5)
print("stopped:", dashboard.stopped)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=120, check=True)
    lines = done.stdout.splitlines()
    assert lines[0].startswith("Step 1 of 3000: loss 1, accuracy 50.0 %. ")
    assert lines[-2].startswith("All 3000 steps done in ")
    assert lines[-1] == "stopped: False"
    assert len(lines) < 10
    assert done.stderr == ""


def test_a_kernel_without_a_page_leaves_the_final_numbers_and_curves_and_nothing_else():
    cells = [
        "from convlab.widgets import TrainingDashboard\ndashboard = TrainingDashboard(5000)\ndashboard",
        "for step in range(5000):\n    dashboard.update(loss=1 / (step + 1))\ndashboard.close_run()",
    ]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    NotebookClient(notebook, timeout=120).execute()
    (output,) = notebook.cells[0].outputs
    assert notebook.cells[1].outputs == []
    assert "All 5000 steps done in " in output.data["text/html"]
    assert '<img alt="loss against the step. All 5000 steps' in output.data["text/html"]
    assert output.data["text/plain"].startswith("TrainingDashboard: All 5000 steps done in ")
    assert "application/vnd.jupyter.widget-view+json" in output.data
