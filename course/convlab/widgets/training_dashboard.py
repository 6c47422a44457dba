"""Loss and accuracy while a network trains, with a button that ends the training cleanly."""

import math
import operator
import time

import comm
import traitlets
from IPython import get_ipython
from IPython.display import display
from matplotlib.figure import Figure

from ..figures import BLUE, ORANGE, drawn
from .base import Explorer, sources

SEND_SECONDS = 0.2
PRINT_SECONDS = 5
MOST_POINTS = 300


class Curve:
    """Means over every `span` steps, as [last step, mean]."""

    def __init__(self, span):
        self.points = []
        self._span = span
        self._bucket = None

    def add(self, step, value):
        bucket = (step - 1) // self._span
        if bucket != self._bucket:
            self._bucket, self._values = bucket, []
            self.points.append(None)
        self._values.append(value)
        self.points[-1] = [step, math.fsum(self._values) / len(self._values)]


class TrainingDashboard(Explorer):
    """Live curves of a training run, the time left, and a Stop button.

        dashboard = TrainingDashboard(epochs * len(loader))
        display(dashboard)
        with dashboard:
            for x, y in ...:
                ...
                if not dashboard.update(loss=loss.item()):
                    break

    The browser hears at most five times a second, and always of the last step. Stop reaches a kernel at work
    where it has subshells (JupyterLab 4.6 with ipykernel 7). Elsewhere, or in a step that never ends, interrupt
    the kernel (the square button): the `with` block ends as if Stop had been pressed, and the cell goes on after
    it. Without `with`, call `close_run()` at the end. In a plain terminal, a line is printed every few seconds.

    Args:
        steps: how many updates the run will have, at least 1.

    Attributes:
        losses: the loss of every step of this run.
        accuracies: likewise, None where it was not given.
        stopped: whether Stop or the square button was pressed.

    The first update after a run has closed begins a new one.

    Raises:
        ValueError: steps is no whole number above 0.
    """

    _esm, _css = sources("training_dashboard")
    _title = "Training dashboard"
    _without_python = "This page shows the run as it was saved; training, and stopping it, needs Python."
    _use = "train"

    _run = traitlets.Dict().tag(sync=True)
    _stop_target = traitlets.Unicode().tag(sync=True)

    def __init__(self, steps):
        try:
            self._steps = operator.index(steps)
        except TypeError:
            raise ValueError(f"steps must be a whole number, not {steps!r}") from None
        if self._steps < 1:
            raise ValueError(f"steps must be at least 1, not {steps}: count them as epochs * len(loader)")
        self._phase = "waiting"
        self._begin()
        super().__init__(_run=self._state(), _stop_target=f"convlab.stop.{id(self)}")
        comm.get_comm_manager().register_target(self._stop_target, self._stop)

    def update(self, loss, accuracy=None):
        """Record one step, and say whether to go on: False once Stop was pressed.

        Args:
            loss: one number.
            accuracy: a fraction from 0 to 1, of this step's batch or of a test set; leave out where not known.

        Raises:
            ValueError: loss or accuracy is something else, or there are more updates than `steps`.
        """
        loss = _number("loss", loss)
        accuracy = None if accuracy is None else _number("accuracy", accuracy)
        if accuracy is not None and not 0 <= accuracy <= 1:
            raise ValueError(
                f"accuracy must be a fraction from 0 to 1, not {accuracy:g}: divide a percentage by 100"
            )
        if self._phase != "running":
            self._begin()
            self._phase, self._untimed = "running", 1
        if len(self.losses) == self._steps:
            raise ValueError(
                f"this is update {self._steps + 1} of a run of {self._steps} steps: give TrainingDashboard all "
                "of them (epochs * len(loader)), or call close_run() before a second run"
            )
        self.losses.append(loss)
        self.accuracies.append(accuracy)
        step = len(self.losses)
        self._loss.add(step, loss)
        if accuracy is not None:
            self._accuracy.add(step, accuracy)
        self._report(now=self.stopped or step == self._steps)
        return not self.stopped

    def close_run(self):
        """End the run: the last numbers are sent, and kept in the notebook for pages without a kernel."""
        if self._phase != "running":
            return
        self._phase = "closed"
        self._seconds = time.monotonic() - self._began
        self._report(now=True)
        if _in_kernel():
            self._display(update=True)

    def __enter__(self):
        self._begin()
        self._phase = "running"
        return self

    def __exit__(self, kind, error, traceback):
        interrupted = kind is not None and issubclass(kind, KeyboardInterrupt)
        self.stopped |= interrupted
        self.close_run()
        return interrupted

    def _begin(self):
        self.losses = []
        self.accuracies = []
        self.stopped = False
        self._span = math.ceil(self._steps / MOST_POINTS)
        self._loss = Curve(self._span)
        self._accuracy = Curve(self._span)
        self._began = time.monotonic()
        self._untimed = 0  # steps that were over when the clock started
        self._reported = -math.inf

    def _stop(self, opened, message):
        """The browser opened a comm to say stop: ipykernel runs this in a thread beside the cell that trains.

        A message on the widget's own comm would not do: ipykernel 7.4 hands it to the thread that last wrote to
        that comm, which is the one that trains.
        """
        self.stopped |= self._phase == "running"

    def _report(self, now):
        """Tell the browser or, without one, the terminal; rarely, unless it has to be `now`."""
        if self._phase == "running":
            self._seconds = time.monotonic() - self._began
        in_kernel = _in_kernel()
        if not now and time.monotonic() - self._reported < (SEND_SECONDS if in_kernel else PRINT_SECONDS):
            return
        self._reported = time.monotonic()
        before, self._run = self._run, self._state()
        if not in_kernel and self._run["line"] != before["line"]:
            print(self._run["line"], flush=True)

    def _state(self):
        return {
            "phase": "stopping" if self.stopped and self._phase == "running" else self._phase,
            "line": self._line(),
            "step": len(self.losses),
            "steps": self._steps,
            "span": self._span,
            "loss": _finite(self._loss.points),
            "accuracy": _finite(self._accuracy.points),
        }

    def _line(self):
        """Where the run stands, in words."""
        step = len(self.losses)
        if not step:
            return f"No step of {self._steps} yet."
        numbers = f"loss {self.losses[-1]:.4g}"
        if self._accuracy.points:
            accuracy = next(accuracy for accuracy in reversed(self.accuracies) if accuracy is not None)
            numbers += f", accuracy {100 * accuracy:.1f} %"
        if not math.isfinite(self.losses[-1]):
            numbers += " (the training has diverged: try a smaller learning rate)"
        at, gone = f"step {step} of {self._steps}", _duration(self._seconds)
        if step == self._steps:
            return f"All {step} steps done in {gone}: {numbers}."
        if self._phase == "running":
            line = f"{at.capitalize()}: {numbers}. {gone} gone"
            if step == self._untimed:
                return f"{line}."
            left = self._seconds / (step - self._untimed) * (self._steps - step)
            return f"{line}, about {_duration(left)} left."
        return f"{'Stopped' if self.stopped else 'Ended'} after {at}, in {gone}: {numbers}."

    def __repr__(self):
        return f"TrainingDashboard: {self._line()}"

    def _ipython_display_(self):
        self._display()

    def _display(self, **kwargs):
        """Display under one name, so that what a static page shows can be replaced when the run ends."""
        data, metadata = self._repr_mimebundle_()
        display(data, metadata=metadata, raw=True, display_id=self.model_id, **kwargs)

    def _still(self):
        if not self.losses:
            return ""
        curves = {"loss": (self._loss, BLUE), "accuracy": (self._accuracy, ORANGE)}
        curves = {name: pair for name, pair in curves.items() if pair[0].points}
        figure = Figure(figsize=(4.4 * len(curves), 2.6), layout="constrained")
        axes = figure.subplots(1, len(curves), squeeze=False)[0]
        for axis, (name, (curve, colour)) in zip(axes, curves.items(), strict=True):
            axis.plot(*zip(*curve.points, strict=True), color=colour, marker="." if len(curve.points) < 30 else "")
            axis.set(
                title=name, xlabel="step", xlim=(0, self._steps), ylim=(0, 1.02 if name == "accuracy" else None)
            )
            axis.grid(color="#e2e8f0")
            axis.spines[["top", "right"]].set_visible(False)
        return drawn(figure, f"{' and '.join(curves)} against the step. {self._line()}")


def _in_kernel():
    """Whether a Jupyter kernel runs this, so that there is a page or a notebook to show it."""
    return getattr(get_ipython(), "kernel", None) is not None


def _number(name, value):
    try:
        return float(value)
    except (TypeError, ValueError, RuntimeError):
        what = f"shape {tuple(value.shape)}" if hasattr(value, "shape") else repr(value)
        raise ValueError(f"{name} must be one number, such as {name}.item(), not {what}") from None


def _finite(points):
    """The points as JSON holds them: None for an inf or a nan."""
    return [[step, value if math.isfinite(value) else None] for step, value in points]


def _duration(seconds):
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    minutes, seconds = divmod(round(seconds), 60)
    if not minutes:
        return f"{seconds} s"
    return f"{minutes} min {seconds} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"
