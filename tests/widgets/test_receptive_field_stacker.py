"""The stacker in Python against gradients in torch, and its JavaScript against Python (in node)."""

import base64
import pathlib
import random
import re

import pytest
import torch
from torch import nn
from traitlets import TraitError

import convlab.widgets
from convlab.checks import building_cnns
from convlab.figures import ORANGE
from convlab.widgets import ReceptiveFieldStacker

SCRIPT = pathlib.Path(convlab.widgets.__file__).with_name("receptive_field_stacker.js")
CONV, POOL = ["conv", 3, 1, 1, 1], ["pool", 2, 2, 0, 1]


@pytest.fixture(scope="module")
def cases():
    """80 stacks, most of which have room on their image."""
    draw = random.Random(7)
    stacks = [([], 8, 3), ([CONV, POOL] * 3, 32, 0)]
    for _ in range(78):
        layers = []
        for _ in range(draw.randint(1, 5)):
            kind = draw.choice(("conv", "pool"))
            kernel, stride, padding = draw.randint(1, 5), draw.choice((1, 1, 2, 3)), draw.randint(0, 3)
            layers.append([kind, kernel, stride, padding, draw.choice((1, 1, 2, 4)) if kind == "conv" else 1])
        stacks.append((layers, draw.randint(8, 64), draw.randint(0, 9)))
    return [ReceptiveFieldStacker(*stack) for stack in stacks]


@pytest.fixture(scope="module")
def states(cases):
    return [case.get_state(["layers", "n", "cell"]) for case in cases]


def possible(cases):
    return [case for case in cases if case.table[-1]["cells"]]


def test_both_kinds_of_stack_are_among_the_cases(cases):
    assert 40 < len(possible(cases)) < len(cases)


def test_cells_are_those_of_torchs_layers(cases):
    for case in possible(cases):
        assert case.net(torch.zeros(1, 1, case.n).double()).shape[2] == case.table[-1]["cells"]


def test_size_jump_and_start_are_those_of_the_exercise(cases):
    for case in cases:
        layers = [tuple(numbers) for _, *numbers in case.layers]
        assert (case.size, case.jump, case.start) == building_cnns.receptive_field.reference(layers)


def test_field_is_where_gradients_arrive_in_an_image_with_room():
    for layers in ([CONV, POOL] * 3, [["conv", 5, 2, 1, 3], CONV], [["pool", 3, 2, 1, 1], ["conv", 4, 3, 0, 2]]):
        stacker = ReceptiveFieldStacker(layers, 64)
        first = stacker.start + stacker.cell * stacker.jump
        seen = stacker.gradient.nonzero().flatten()
        assert first >= 0 and first + stacker.size <= 64
        assert (seen[0], seen[-1]) == (first, first + stacker.size - 1)
        assert stacker.measured == stacker.size


def test_measured_is_what_a_network_with_max_pooling_lets_through():
    """The stacker's averages against real layers, over many random images."""
    layers = [CONV, POOL] * 3
    stacker = ReceptiveFieldStacker(layers, 32, 1)
    net = nn.Sequential(
        *(nn.Conv1d(1, 1, 3, padding=1) if kind == "conv" else nn.MaxPool1d(2) for kind, *_ in layers)
    )
    for parameter in net.parameters():
        nn.init.ones_(parameter)
    x = torch.rand(200, 1, 32, requires_grad=True)
    net(x)[:, 0, 1].sum().backward()
    assert torch.equal(x.grad.sum((0, 1)) > 0, stacker.gradient > 0)


def test_javascript_computes_the_same_fields(cases, states, in_javascript):
    for case, lines in zip(cases, in_javascript("m.fields(c.layers, c.n)", states), strict=True):
        assert lines == case.table


def test_javascript_needs_the_cells_that_have_a_gradient(cases, states, in_javascript):
    last = "m.fields(c.layers, c.n).at(-1).cells - 1"
    expression = f"m.impossible(c.layers, c.n) ?? m.needs(c.layers, c.n, Math.min(c.cell, {last}))"
    for case, levels in zip(cases, in_javascript(expression, states), strict=True):
        if case.table[-1]["cells"]:
            assert [i for i in levels[0] if 0 <= i < case.n] == case.gradient.nonzero().flatten().tolist()
        else:
            assert "finds no place" in levels
            assert case.measured == 0


def test_the_line_of_python_on_the_page_gives_the_numbers(cases, states, in_javascript):
    for case, line in zip(cases, in_javascript("m.codeLine(c.layers)", states), strict=True):
        found = eval(line, {"receptive_field": building_cnns.receptive_field.reference})
        assert found == (case.size, case.jump, case.start)


@pytest.mark.parametrize(
    "layer",
    [
        ["dense", 3, 1, 1, 1],
        ["conv", 0, 1, 1, 1],
        ["conv", 3, 5, 1, 1],
        ["conv", 3, 1, -1, 1],
        ["conv", 3, 1, 1],
        [],
        ["conv", 3.0, 1, 1, 1],
        ["pool", 2, 2, 0, 2],
    ],
)
def test_a_layer_out_of_range_is_refused_and_changes_nothing(layer):
    with pytest.raises(TraitError):
        ReceptiveFieldStacker([layer])
    stacker = ReceptiveFieldStacker()
    before = stacker.get_state(["layers", "n", "cell"])
    with pytest.raises(TraitError):
        stacker.layers = [CONV, layer]
    assert stacker.get_state(["layers", "n", "cell"]) == before


def test_too_many_layers_and_sizes_out_of_range_are_refused():
    with pytest.raises(TraitError):
        ReceptiveFieldStacker([CONV] * 9)
    for n in (7, 65):
        with pytest.raises(TraitError):
            ReceptiveFieldStacker(n=n)


def test_state_from_the_browser_is_measured_again():
    stacker = ReceptiveFieldStacker([CONV], 16)
    assert stacker.measured == 3
    stacker.set_state({"layers": [CONV, CONV]})
    assert stacker.size == stacker.measured == 5
    assert stacker._measured["of"] == [[CONV, CONV], 16, stacker.cell]
    assert stacker._measured["size"] == 5
    stacker.set_state({"cell": 0})
    assert stacker._measured["size"] == 3


def test_tuples_are_taken_and_a_cell_beyond_the_last_stands_for_the_last():
    stacker = ReceptiveFieldStacker((("conv", 3, 1, 0, 1),), 8, 99)
    assert stacker.layers == [["conv", 3, 1, 0, 1]]
    assert stacker.gradient.nonzero().flatten().tolist() == [5, 6, 7]


def test_a_page_without_the_widget_still_shows_the_table():
    data, _ = ReceptiveFieldStacker([CONV, POOL] * 3)._repr_mimebundle_()
    assert "application/vnd.jupyter.widget-view+json" in data
    assert "<td>conv</td>" in data["text/html"] and "<td>22</td><td>8</td><td>-7</td>" in data["text/html"]
    assert "JupyterLab" in data["text/html"]
    assert "size 22, jump 8, start -7" in data["text/plain"]


def test_the_still_fills_the_cells_that_the_explorer_fills(cases, in_javascript):
    states = [case.get_state(["layers", "n", "cell"]) for case in possible(cases)]
    last = "Math.min(c.cell, m.fields(c.layers, c.n).at(-1).cells - 1)"
    inside = "m.fields(c.layers, c.n).map(({cells}, i) => wanted[i].filter((o) => o >= 0 && o < cells).length)"
    expression = f"((wanted) => {inside})(m.needs(c.layers, c.n, {last}))"
    for case, counts in zip(possible(cases), in_javascript(expression, states), strict=True):
        drawn = base64.b64decode(re.search('base64,([^"]*)', case._still())[1]).decode()
        assert drawn.count(ORANGE) == sum(counts)
