"""The wiring in Python against nn.Conv2d, and its JavaScript against both (node runs the very file that ships)."""

import base64
import pathlib
import re
from xml.etree import ElementTree

import pytest
import torch
from torch import nn
from traitlets import TraitError

import convlab.widgets
from convlab.widgets import GroupsWiring

SCRIPT = pathlib.Path(convlab.widgets.__file__).with_name("groups_wiring.js")
NAMES = ["in_channels", "out_channels", "groups", "kernel_size", "side", "two_layers", "shuffle", "chosen"]


@pytest.fixture(scope="module")
def cases():
    """Every number of channels and groups that goes together, in random settings."""
    generator = torch.Generator().manual_seed(9)

    def draw(low, high):
        return int(torch.randint(low, high + 1, (), generator=generator))

    return [
        GroupsWiring(
            i,
            o,
            groups=groups,
            kernel_size=2 * draw(0, 3) + 1,
            side=draw(1, 20),
            two_layers=bool(draw(0, 1)),
            shuffle=bool(draw(0, 1)),
        )
        for i in range(1, 17, 3)
        for o in range(1, 17)
        for groups in range(1, 17)
        if i % groups == o % groups == 0
    ]


@pytest.fixture(scope="module")
def states(cases):
    return [case.get_state(NAMES) for case in cases]


def listening(case):
    """Which inputs change which outputs of the drawn nn.Conv2d, by their gradients."""
    layers = case.layers
    for layer in layers:
        nn.init.ones_(layer.weight)
    x = torch.ones(1, case.in_channels, 3, 3, requires_grad=True)
    out = layers[0](x)
    if case.two_layers:
        out = layers[1](nn.ChannelShuffle(case.groups)(out) if case.shuffle else out)
    rows = [torch.autograd.grad(one.sum(), x, retain_graph=True)[0].abs().sum((0, 2, 3)) > 0 for one in out[0]]
    return torch.stack(rows)


def test_wires_are_those_that_gradients_take_through_nn_conv2d(cases):
    assert len(cases) > 100
    for case in cases:
        assert torch.equal(case.wiring, listening(case)), case


def test_parameters_and_macs_are_those_of_nn_conv2d(cases):
    for case in cases:
        assert case.parameters == sum(one.numel() for layer in case.layers for one in layer.parameters())
        x, macs = torch.zeros(1, case.in_channels, case.side, case.side), 0
        for layer in case.layers:
            x = layer(x)
            macs += x.numel() * layer.weight[0].numel()
        assert case.macs == macs
        assert x.shape[2:] == (case.side, case.side)


def test_javascript_computes_what_python_computes(cases, states, in_javascript):
    found = in_javascript("[m.wiring(c), m.cost(c), m.problem(c)]", states)
    for case, (wiring, cost, problem) in zip(cases, found, strict=True):
        assert torch.equal(torch.tensor(wiring), case.wiring)
        assert (cost["parameters"], cost["macs"]) == (case.parameters, case.macs)
        assert cost["shapes"] == [list(layer.weight.shape) for layer in case.layers]
        assert problem == case.problem == ""


def test_the_lines_of_python_on_the_page_make_the_layers(cases, states, in_javascript):
    for case, lines in zip(cases, in_javascript("m.codeLines(c)", states), strict=True):
        layers = case.layers
        if case.two_layers and case.shuffle:
            layers.insert(1, nn.ChannelShuffle(case.groups))
        assert [repr(eval(line)) for line in lines] == [repr(layer) for layer in layers]


def test_impossible_groups_say_why_as_in_the_browser_and_as_nn_conv2d_refuses(in_javascript):
    explorer = GroupsWiring(8, 12)
    trials = [(i, o, g) for i in range(1, 17) for o in (3, 8, 12) for g in range(1, 17)]
    said = in_javascript(
        "m.problem({in_channels: c[0], out_channels: c[1], groups: c[2]})", [list(trial) for trial in trials]
    )
    for (explorer.in_channels, explorer.out_channels, explorer.groups), words in zip(trials, said, strict=True):
        assert explorer.problem == words
        try:
            nn.Conv2d(explorer.in_channels, explorer.out_channels, 3, groups=explorer.groups)
        except ValueError:
            assert words
            with pytest.raises(ValueError, match="does not divide"):
                _ = explorer.layers
            assert words in repr(explorer)
        else:
            assert not words
    with pytest.raises(ValueError, match="groups=3 does not divide in_channels=8"):
        GroupsWiring(8, 6, groups=3)


@pytest.mark.parametrize(
    ("name", "value"),
    [("groups", 0), ("groups", 17), ("in_channels", 0), ("kernel_size", 2), ("side", 0), ("chosen", "middle 1")],
)
def test_a_number_out_of_range_is_refused_and_changes_nothing(name, value):
    explorer = GroupsWiring()
    before = explorer.get_state(NAMES)
    with pytest.raises(TraitError):
        setattr(explorer, name, value)
    assert explorer.get_state(NAMES) == before


def test_state_from_the_browser_reaches_the_layers():
    explorer = GroupsWiring()
    explorer.set_state({"groups": 8, "kernel_size": 5, "two_layers": True, "chosen": "out 3"})
    assert [layer.groups for layer in explorer.layers] == [8, 8]
    assert explorer.wiring.sum() == 8
    assert explorer.chosen == "out 3"


def test_a_page_without_the_widget_still_shows_the_wires():
    data, _ = GroupsWiring(4, 6, groups=2)._repr_mimebundle_()
    assert "application/vnd.jupyter.widget-view+json" in data
    alt = (
        "Input channels on top, output channels below. Outputs 0 to 2 hear inputs 0, 1. "
        "Outputs 3 to 5 hear inputs 2, 3."
    )
    assert f'<img alt="{alt}"' in data["text/html"]
    assert "JupyterLab" in data["text/html"] and "114 parameters" in data["text/html"]
    assert data["text/plain"].startswith("GroupsWiring: a layer of 2 groups, 4 channels in and 6 out")
    picture = base64.b64decode(re.search(r"base64,([^\"]+)", data["text/html"])[1])
    lines = ElementTree.fromstring(picture).findall("{http://www.w3.org/2000/svg}line")
    assert len(lines) == 12


def test_a_page_without_the_widget_says_why_there_are_no_wires():
    explorer = GroupsWiring()
    explorer.groups = 3
    data, _ = explorer._repr_mimebundle_()
    assert "groups=3 does not divide in_channels=8" in data["text/html"]
    assert "<img" not in data["text/html"]
