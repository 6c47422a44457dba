import base64
import io
import re

import numpy as np
import pytest
import torch
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from convlab import figures
from convlab.timing import median_seconds


@pytest.fixture
def shown(monkeypatch):
    """The HTML of what was displayed, and the figures that were drawn."""
    displayed, drawn = [], []
    monkeypatch.setattr(figures, "display", lambda html: displayed.append(html.data))
    real = figures.show
    monkeypatch.setattr(
        figures, "show", lambda figure, *how, **more: (drawn.append(figure), real(figure, *how, **more))
    )
    return displayed, drawn


def test_a_figure_is_an_image_with_its_alt_text(shown):
    figures.show(Figure(figsize=(2, 1)), 'a "quoted" <alt>')
    (html,) = shown[0]
    assert 'alt="a &quot;quoted&quot; &lt;alt&gt;"' in html
    assert 'width="160"' in html
    data = base64.b64decode(re.search(r"data:image/png;base64,([^\"]+)", html)[1])
    assert Image.open(io.BytesIO(data)).format == "PNG"


def written(axis):
    """The texts of a figure with their places."""
    return {text.get_text(): text.get_position() for text in axis.texts}


def test_grids_write_every_number_and_mark_the_window(shown):
    x = torch.tensor([[7.0, -2.5, 3.25], [0.125, 4.0, 5.25]])
    figures.grids({"x": x, "k": torch.full((1, 2), 9.0)}, windows={"x": (0, 1, 2, 2)}, alt="x and k")
    (axis,) = shown[1][0].axes
    (left, top, right, bottom), _ = [mesh.get_datalim(axis.transData).extents for mesh in axis.collections]
    assert (right - left, bottom - top) == pytest.approx((3, 2))
    places = written(axis)
    for (i, j), number in np.ndenumerate(x.numpy()):
        assert places[f"{number:.3g}"] == pytest.approx((left + j + 0.5, top + i + 0.5))
    assert {"x", "k", "9"} < set(places)
    frames = [patch for patch in axis.patches if patch.get_linewidth() == 3]
    assert [frame.get_bbox().bounds for frame in frames] == [pytest.approx((left + 1, top, 2, 2))]


def test_grids_share_one_scale_centred_at_zero(shown):
    figures.grids({"x": torch.tensor([[3.0]]), "k": torch.tensor([[-8.0, 0.0]])}, alt="x and k")
    limits = {mesh.get_clim() for mesh in shown[1][0].axes[0].collections}
    assert limits == {(-8, 8)}
    assert np.allclose(figures.DIVERGING(0.5)[:3], 1, atol=0.01)


def test_grids_leave_each_title_and_each_name_room(shown):
    tensors = {"a title that is long": torch.ones(2, 1), "another that is long": torch.ones(1, 1)}
    figures.grids(tensors, labels={"another that is long": (["a long name"], "1")}, alt="two")
    (figure,) = shown[1]
    renderer = FigureCanvasAgg(figure).get_renderer()
    boxes = [text.get_window_extent(renderer) for text in figure.axes[0].texts]
    assert not any(one.overlaps(other) for n, one in enumerate(boxes) for other in boxes[:n])
    assert all(figure.bbox.fully_containsx(x) for box in boxes for x in (box.x0, box.x1))
    assert all(figure.bbox.fully_containsy(y) for box in boxes for y in (box.y0, box.y1))


def test_weights_stand_in_a_table_of_filters_and_channels(shown):
    figures.weight(torch.arange(24.0).view(3, 2, 2, 2), alt="three filters")
    (axis,) = shown[1][0].axes
    corners = [mesh.get_datalim(axis.transData).min for mesh in axis.collections]
    assert len({round(x, 6) for x, _ in corners}) == 2 and len({round(y, 6) for _, y in corners}) == 3
    places = written(axis)
    assert places["0"][0] == places["8"][0] < places["4"][0]
    assert places["0"][1] == places["4"][1] < places["8"][1]
    assert {"input channel 0", "input channel 1", "filter 0", "filter 1", "filter 2"} < set(places)


def test_numbers_stand_out_from_every_colour_of_the_scale():
    def luminance(colour):
        parts = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in colour[:3]]
        return float(np.dot(parts, [0.2126, 0.7152, 0.0722]))

    ink = luminance([int(figures.INK[i : i + 2], 16) / 255 for i in (1, 3, 5)])
    contrasts = [(luminance(figures.DIVERGING(value)) + 0.05) / (ink + 0.05) for value in np.linspace(0, 1, 101)]
    assert min(contrasts) >= 4.5


def test_race_has_two_log_axes_and_names_its_lines(shown):
    figures.race([8, 16], {"loops": [1e-3, 4e-3], "F.conv2d": [1e-5, 2e-5]}, alt="loops are slower")
    (axis,) = shown[1][0].axes
    assert (axis.get_xscale(), axis.get_yscale()) == ("log", "log")
    assert [text.get_text() for text in axis.texts] == ["loops", "F.conv2d"]
    assert len({line.get_marker() for line in axis.lines}) == 2
    assert axis.get_ylabel() == "time of a call"
    assert axis.yaxis.get_major_formatter()(1e-3) == "1 ms"


def test_pictures_outline_a_window(shown):
    figures.pictures({"x": torch.rand(4, 6), "y": torch.rand(4, 6)}, windows={"y": (1, 2, 2, 3)}, alt="two")
    ((left, right),) = [figure.axes for figure in shown[1]]
    (outline,) = right.patches
    assert outline.get_bbox().bounds == (1.5, 0.5, 3, 2)
    assert not left.patches


def test_grids_name_rows_and_columns(shown):
    figures.grids({"x": torch.ones(1, 2), "k": torch.ones(1, 1)}, labels={"x": (["a"], ["b", "c"])}, alt="x and k")
    texts = [text.get_text() for text in shown[1][0].axes[0].texts]
    assert texts == ["1", "1", "x", "a", "b", "c", "1", "k", "0", "0"]


def test_race_shows_memory_beside_time_in_the_same_colours(shown):
    seconds = {"loops": [1e-3, 4e-3], "im2col": [1e-5, 2e-5]}
    figures.race([8, 16], seconds, memory={"im2col": [90, 360], "the input": [10, 40]}, alt="im2col takes more")
    left, right = shown[1][0].axes
    assert right.get_ylabel() == "memory"
    assert [axis.yaxis.get_major_formatter()(2000) for axis in (left, right)] == ["2 ks", "2 kB"]
    assert right.lines[0].get_color() == left.lines[1].get_color() != right.lines[1].get_color()


def test_race_keeps_the_names_of_close_lines_apart(shown):
    figures.race([8, 16], {"a": [1e-4, 1e-3], "b": [1e-5, 1.01e-3], "c": [1e-4, 1.02e-3]}, alt="all end together")
    heights = {text.get_text(): text.get_position()[1] for text in shown[1][0].axes[0].texts}
    assert heights["c"] - heights["b"] >= 0.07
    assert heights["b"] - heights["a"] >= 0.07


def test_filters_stand_in_rows_each_bank_on_its_own_scale(shown):
    figures.filters({"small": torch.ones(3, 2, 2), "large": -4 * torch.ones(2, 5, 5)}, alt="two banks")
    images = [image for axis in shown[1][0].axes for image in axis.images]
    assert [image.get_clim() for image in images] == [(-1, 1)] * 3 + [(-4, 4)] * 2
    assert [part.get_suptitle() for part in shown[1][0].subfigs] == ["small", "large"]


def test_curves_are_named_at_their_ends(shown):
    figures.curves([1, 2], {"up": [1, 10], "down": [10, 1]}, "layer", "size", log=True, alt="a cross")
    (axis,) = shown[1][0].axes
    assert axis.get_yscale() == "log"
    assert {text.get_text(): text.xy for text in axis.texts} == {"up": (2, 10), "down": (2, 1)}


def test_curves_over_doublings_stand_at_equal_distances(shown):
    figures.curves([1, 2, 4], {"up": [1, 10, 100]}, "groups", "share", log=True, doublings=True, alt="up")
    (axis,) = shown[1][0].axes
    assert [text.get_text() for text in axis.get_xticklabels()] == ["1", "2", "4"]
    places = axis.transData.transform([(x, 1) for x in (1, 2, 4)])[:, 0]
    assert places[1] - places[0] == pytest.approx(places[2] - places[1])


def test_runs_show_every_seed_and_the_standard_deviation(shown):
    figures.runs({"a": [1.0, 2.0, 3.0], "b": [5.0, 5.0, 5.0]}, "%", alt="two starts")
    (axis,) = shown[1][0].axes
    dots = [line.get_ydata().tolist() for line in axis.lines if len(line.get_ydata()) == 3]
    assert dots == [[1, 2, 3], [5, 5, 5]]
    bar, flat = [box.lines[2][0].get_segments()[0][:, 1].tolist() for box in axis.containers]
    assert bar == [1, 3]
    assert flat == [5, 5]


def test_median_seconds_warms_up_and_takes_the_median(monkeypatch):
    calls, clock = [], iter([0, 1, 10, 13, 20, 22])
    monkeypatch.setattr("convlab.timing.time.perf_counter", lambda: next(clock))
    assert median_seconds(lambda *given: calls.append(given), 7, repeats=3) == 2
    assert calls == [(7,)] * 4


def test_gallery_titles_every_image_and_hides_the_places_left_over(shown):
    figures.gallery(torch.rand(4, 5, 5), ["a", 7, "c", "d"], columns=3, alt="four")
    axes = shown[1][0].axes
    assert [axis.get_title() for axis in axes] == ["a", "7", "c", "d", "", ""]
    assert [axis.axison for axis in axes] == [True] * 4 + [False] * 2


def test_gallery_shows_colours(shown):
    colour = torch.rand(3, 4, 5)
    figures.gallery([colour, colour[0]], ["colour", "grey"], alt="two")
    left, right = (axis.images[0].get_array() for axis in shown[1][0].axes[:2])
    np.testing.assert_array_equal(left, colour.movedim(0, -1))
    np.testing.assert_array_equal(right, colour[0])


def test_repeated_draws_the_mean_of_the_runs_and_how_they_scatter(shown):
    figures.repeated(
        [1, 2], {"a": [[2.0, 5.0], [4.0, 5.0]], "b": [[1.0, 1.0]] * 2}, "epoch", "accuracy", alt="two"
    )
    (axis,) = shown[1][0].axes
    (line, _, (bars,)), other = axis.containers
    assert line.get_ydata().tolist() == [3, 5]
    assert other[0].get_ydata().tolist() == [1, 1]
    below, above = bars.get_segments()[0][:, 1]
    assert (above - below) / 2 == pytest.approx(2**0.5)
    assert [text.get_text() for text in axis.get_legend().get_texts()] == ["a", "b"]


def test_confusion_turns_long_names(shown):
    figures.confusion(torch.eye(2), ["sunflowers", "cat"], alt="two")
    assert {label.get_rotation() for label in shown[1][0].axes[0].get_xticklabels()} == {90}


def test_confusion_has_true_rows_and_writes_every_count_but_zero(shown):
    figures.confusion(torch.tensor([[5, 2], [0, 9]]), ["cat", "dog"], alt="two cats taken for dogs")
    (axis,) = shown[1][0].axes
    assert {text.get_position(): text.get_text() for text in axis.texts if text.get_text()} == {
        (0, 0): "5",
        (1, 0): "2",
        (1, 1): "9",
    }
    assert (axis.get_ylabel(), axis.get_xlabel()) == ("true", "predicted")
    shades = axis.images[0].get_array()
    assert shades[0, 1] == 1 > 0 == shades[1, 0] > shades[0, 0] == shades[1, 1]


def test_history_has_a_panel_for_each_quantity(shown):
    figures.history([10, 20], {"loss": [2.0, 1.0], "accuracy": [0.1, 0.5]}, "step", alt="down and up")
    assert [axis.get_title() for axis in shown[1][0].axes] == ["loss", "accuracy"]
    assert [axis.lines[0].get_ydata().tolist() for axis in shown[1][0].axes] == [[2, 1], [0.1, 0.5]]


def test_against_draws_each_line_over_the_sound_one(shown):
    figures.against({"a": [1.0, 3.0], "b": [2.0, 2.0]}, [5.0, 0.0], "loss", alt="two against one")
    assert [[line.get_ydata().tolist() for line in axis.lines] for axis in shown[1][0].axes[:2]] == [
        [[5, 0], [1, 3]],
        [[5, 0], [2, 2]],
    ]


def test_table_has_headings_and_escapes_its_text(shown):
    figures.table({"a": {"x < 1": "1", "y": "2"}, "b": {"x < 1": "3", "y": "4"}})
    (html,) = shown[0]
    assert re.findall(r"<th[^>]*>([^<]*)</th>", html) == ["", "a", "b", "x &lt; 1", "y"]
    assert re.findall(r"<td>(\d)</td>", html) == ["1", "3", "2", "4"]


def test_ladder_has_a_row_for_each_rung_with_time_and_accuracy_and_the_floor(shown):
    rungs = [
        {"name": "slow", "seconds": 100.0, "seconds_with_warm_up": 130.0, "accuracy": 0.98765},
        {"name": "fast", "seconds": 0.5, "seconds_with_warm_up": 0.5, "accuracy": 0.5},
    ]
    figures.ladder(rungs, 0.01, alt="two rungs")
    (axis,) = shown[1][0].axes
    assert axis.get_xscale() == "log"
    assert [label.get_text() for label in axis.get_yticklabels()] == ["slow", "fast"]
    assert axis.get_ylim()[0] > axis.get_ylim()[1]
    assert [text.get_text() for text in axis.texts] == ["100 s · 98.77%", "0.5 s · 50.00%", "floor 0.01 s"]
    dots = [line.get_xdata()[0] for line in axis.lines if line.get_marker() == "o"]
    assert dots == [100, 0.5]
    assert [100, 130] in [list(line.get_xdata()) for line in axis.lines]
    assert [0.01, 0.01] in [list(line.get_xdata()) for line in axis.lines]


def test_timeline_draws_both_lanes_and_counts_overlaps_once(shown):
    events = [
        {"name": "launch", "start_us": 0.0, "duration_us": 60.0, "lane": "cpu"},
        {"name": "kernel", "start_us": 20.0, "duration_us": 30.0, "lane": "gpu"},
        {"name": "copy", "start_us": 40.0, "duration_us": 20.0, "lane": "gpu"},
        {"name": "kernel", "start_us": 90.0, "duration_us": 10.0, "lane": "gpu"},
        {"name": "wait", "start_us": 80.0, "duration_us": 900.0, "lane": "cpu"},
    ]
    figures.timeline(events, alt="the GPU waits")
    (axis,) = shown[1][0].axes
    assert [label.get_text() for label in axis.get_yticklabels()] == ["CPU, PyTorch: 80%", "GPU: 50%"]
    assert axis.get_xlim() == (0, 100)
    bars = [[tuple(path.get_extents().intervalx) for path in one.get_paths()] for one in axis.collections]
    assert bars == [[(0, 60), (80, 980)], [(20, 50), (40, 60), (90, 100)]]
