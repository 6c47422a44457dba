"""The explorer in Python, and its JavaScript against torch (node runs the very file that ships)."""

import pathlib

import pytest
import torch
import torch.nn.functional as F
from torch import nn

import convlab.widgets
from convlab.widgets import Conv2dExplorer
from convlab.widgets.conv2d_explorer import LAYER, PADDING_MODES, STATE

SCRIPT = pathlib.Path(convlab.widgets.__file__).with_name("conv2d_explorer.js")
PLAIN = {"stride": 1, "padding": 0, "dilation": 1}
PEAK = [[0, 0, 0], [0, 1, 0], [0, 0, 0]]


@pytest.fixture(scope="module")
def cases():
    """600 explorers in random states: planes, channels, everything; many of them impossible."""
    generator = torch.Generator().manual_seed(7)

    def number(smallest, largest):
        return int(torch.randint(smallest, largest + 1, (), generator=generator))

    def table(largest_height, largest_width, *leading):
        return torch.randn(*leading, number(1, largest_height), number(1, largest_width), generator=generator)

    def settings():
        """Any settings, impossible ones among them, or those in use."""
        largest = 6 if number(0, 3) == 0 else 2
        return {name: (number(least, largest), number(least, largest)) for name, least in PLAIN.items()}

    def channels():
        count = number(1, 4)
        odd = count if number(0, 5) else number(1, 4)
        return table(12, 9, *[count] * (count > 1 or number(0, 1))), table(5, 5, number(1, 4), odd)

    def everything(n):
        """A layer of any kind: each padding mode in turn, and as many channels as its groups share, most times."""
        groups, each = ((1, number(1, 4)), (2, number(1, 2)), (3, 1), (4, 1))[number(0, 3)]
        filters = groups * number(1, 4 // groups) if number(0, 7) else number(1, 4)
        bias = torch.randn(filters if number(0, 9) else number(1, 4), generator=generator)
        return Conv2dExplorer(
            table(12, 9, groups * each),
            table(4, 4, filters, each),
            flip=n % 3 == 0,
            padding_mode=PADDING_MODES[n % 4],
            groups=groups,
            bias=bias if number(0, 1) else None,
            **{name: (number(least, 3), number(least, 3)) for name, least in PLAIN.items()},
        )

    plain = [Conv2dExplorer(table(12, 9), table(7, 7), flip=n % 2 == 1) for n in range(160)]
    return (
        plain
        + [Conv2dExplorer(table(12, 9), table(5, 5), flip=n % 2 == 1, **settings()) for n in range(120)]
        + [Conv2dExplorer(*channels(), flip=n % 2 == 1, **settings()) for n in range(120)]
        + [everything(n) for n in range(200)]
    )


@pytest.fixture(scope="module")
def states(cases):
    return [case.get_state(LAYER) for case in cases]


def in_torch(case):
    """What torch makes of the explorer's state, with a batch axis in front."""
    image = case.input.reshape(1, -1, *case.input.shape[-2:])
    weight = case.weight if case.weight.ndim == 4 else case.weight[None, None]
    weight = weight.flip(2, 3) if case.flip else weight
    if case.padding_mode == "zeros":
        return F.conv2d(image, weight, case.bias, case.stride, case.padding, case.dilation, case.groups)
    layer = nn.Conv2d(
        image.shape[1],
        len(weight),
        weight.shape[2:],
        stride=case.stride,
        padding=case.padding,
        dilation=case.dilation,
        groups=case.groups,
        bias=case.bias is not None,
        padding_mode=case.padding_mode,
    )
    parameters = {"weight": weight} | ({} if case.bias is None else {"bias": case.bias})
    return torch.func.functional_call(layer, parameters, image)


def test_default_is_the_square_and_the_laplacian():
    explorer = Conv2dExplorer()
    assert explorer.input.shape == (5, 5)
    assert explorer.weight.dtype == torch.float32
    assert explorer.output.tolist() == [[5, 3, 5], [3, 0, 3], [5, 3, 5]]
    assert explorer.position == (0, 0)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float16, torch.int64, torch.uint8, torch.bool])
def test_any_real_dtype_becomes_float32(dtype):
    explorer = Conv2dExplorer(torch.tensor(PEAK, dtype=dtype), [[2]])
    assert explorer.input.dtype == torch.float32
    assert explorer.output.tolist() == (2 * torch.tensor(PEAK)).tolist()


def test_no_tensor_is_shared_with_the_caller():
    weight = torch.ones(2, 2, requires_grad=True)
    explorer = Conv2dExplorer(PEAK, weight)
    explorer.weight[0, 0] = 7
    assert explorer.weight.tolist() == [[1, 1], [1, 1]]
    assert not explorer.weight.requires_grad
    with torch.no_grad():
        weight.zero_()
    assert explorer.weight.sum() == 4


def test_flip_is_cross_correlation_with_the_rotated_kernel():
    weight = torch.tensor([[1.0, 2, 3], [4, 5, 6], [7, 8, 9]])
    assert torch.equal(Conv2dExplorer(PEAK, weight, flip=True).output, torch.tensor([[5.0]]))
    peak = F.pad(torch.tensor(PEAK), (1, 1, 1, 1))
    assert torch.equal(Conv2dExplorer(peak, weight).output, weight.flip(0, 1))
    assert torch.equal(Conv2dExplorer(peak, weight, flip=True).output, weight)


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        (
            torch.zeros(1, 1, 5, 5),
            r"input must have shape \(height, width\) or \(channels, height, width\), not \(1, 1, 5, 5\)",
        ),
        ([[1] * 13], "input is 1x13, but each side must be 1 to 12"),
        ([[]], "input is 1x0, but"),
        ([[1, 2], [3]], "input must be a table of numbers with equal rows"),
        ("five", "input must be a table of numbers"),
        (torch.zeros(5, 2, 2), "input is 5x2x2: it has 5 channels, but 1 to 4 can be drawn"),
        (torch.zeros(3, 2, 13), "input is 2x13, but each side must be 1 to 12"),
        ([[1j]], "input must hold real numbers"),
        ([[float("nan")]], "input must hold finite"),
        ([[1e300]], "input must hold finite"),
    ],
)
def test_a_wrong_table_is_refused_and_changes_nothing(value, sentence):
    with pytest.raises(ValueError, match=sentence):
        Conv2dExplorer(value)
    explorer = Conv2dExplorer()
    with pytest.raises(ValueError, match=sentence):
        explorer.input = value
    assert explorer.input.shape == (5, 5)


def test_a_kernel_has_at_most_7_rows():
    with pytest.raises(ValueError, match="weight is 8x1, but each side must be 1 to 7"):
        Conv2dExplorer(weight=torch.zeros(8, 1))


def test_position_stays_inside_the_output():
    explorer = Conv2dExplorer()
    explorer.position = (2, 1)
    for outside in [(3, 0), (0, -1)]:
        with pytest.raises(ValueError, match="outside the 3x3 output"):
            explorer.position = outside
    explorer.weight = torch.ones(4, 4)
    assert explorer.position == (1, 1)


def test_a_kernel_that_does_not_fit_is_kept_and_explained():
    explorer = Conv2dExplorer(PEAK, torch.ones(4, 4))
    sentence = "a 4x4 kernel does not fit into a 3x3 input: "
    with pytest.raises(ValueError, match=sentence):
        _ = explorer.output
    with pytest.raises(ValueError, match=sentence):
        explorer.position = (0, 0)
    data, _ = explorer._repr_mimebundle_()
    assert sentence in data["text/html"] and sentence in data["text/plain"]
    explorer.input = torch.ones(5, 4)
    assert explorer.output.tolist() == [[16], [16]]


def test_state_travels_as_the_shortest_decimals_and_comes_back():
    explorer = Conv2dExplorer(weight=[[0.1, -2]])
    assert explorer.get_state("weight")["weight"] == [[0.1, -2]]
    explorer.set_state(
        {
            "input": [[1, 2, 0.3]],
            "weight": [
                [1],
            ],
            "position": [0, 2],
            "flip": True,
        }
    )
    assert torch.equal(explorer.output, torch.tensor([[1, 2, 0.3]]))
    assert explorer.position == (0, 2)
    assert explorer.flip is True


def test_a_page_without_the_widget_still_shows_the_numbers():
    data, _ = Conv2dExplorer([[1, 2.5]], [[-4]], flip=True)._repr_mimebundle_()
    assert "application/vnd.jupyter.widget-view+json" in data
    for shown in (">2.5</td>", ">-4</td>", ">-10</td>", "rotated by 180 degrees", "JupyterLab"):
        assert shown in data["text/html"]
    assert data["text/plain"].startswith("Conv2dExplorer: input 1x2, kernel 1x1, output 1x2\ninput:\n")


def test_javascript_computes_what_torch_computes(cases, states, in_javascript):
    results = in_javascript("m.conv2d(c.input, c.weight, c.flip, c)", states)
    refused = [case for case, result in zip(cases, results, strict=True) if result is None]
    assert refused == [case for case in cases if case._misfit()]
    assert 40 <= len([case for case in cases[:160] if case in refused]) <= 120
    assert 40 <= len([case for case in cases[160:400] if case in refused]) <= 160
    for mode in PADDING_MODES:
        assert len([case for case in cases[400:] if case.padding_mode == mode and case not in refused]) >= 20
    for case, result in zip(cases, results, strict=True):
        if case in refused:
            with pytest.raises((RuntimeError, ValueError)):
                in_torch(case)
            continue
        expected = in_torch(case)[0]
        if case.input.ndim == case.weight.ndim == 2:
            expected = expected[0]
        torch.testing.assert_close(torch.tensor(result, dtype=torch.float32), expected, rtol=1e-5, atol=1e-5)
        torch.testing.assert_close(case.output, expected, rtol=0, atol=0)


def test_javascript_explains_a_misfit_in_the_same_words(cases, states, in_javascript):
    sentences = in_javascript("m.misfit(c.input, c.weight, c)", states)
    assert sentences == [case._misfit() for case in cases]


def test_the_line_of_pytorch_on_the_page_computes_the_output(cases, states, in_javascript):
    lines = in_javascript("m.codeLine(c.input, c.weight, c.flip, c)", states)
    short = in_javascript("m.codeLine(c.input, c.weight, c.flip, m.PLAIN, true)", states[:160])
    for case, line in zip(cases + cases[:160], lines + short, strict=True):
        names = {"F": F, "input": case.input, "weight": case.weight, "bias": case.bias}
        if case._misfit():
            assert line.endswith("# RuntimeError")
            with pytest.raises(RuntimeError):
                eval(line, names)
        else:
            output = eval(line, names)
            assert torch.equal(output.view_as(case.output), case.output)
            assert line.endswith(f"# shape {tuple(output.shape)}")


def test_the_users_of_an_input_cell_are_where_its_gradient_comes_from(cases, states, in_javascript):
    """A cell, padding included, has a gradient in exactly the outputs that the page lights."""
    fit = [(case, state) for case, state in zip(cases, states, strict=True) if not case._misfit()]
    cells = (
        "m.sides(c.input, c.weight, s).map(({n, p}) => Array.from({length: n + 2 * p}, (_, i) => i - p)).reduce("
        "(rows, columns) => rows.flatMap((i) => columns.map((j) => m.users(c.input, c.weight, i, j, s))))"
    )
    lit = in_javascript(f"((s) => {cells})(c)", [state for _, state in fit])
    left_out = in_javascript("m.sides(c.input, c.weight, c).map(m.unusedAlong)", [state for _, state in fit])
    sentences = in_javascript("m.unusedSentence(c.input, c.weight, c)", [state for _, state in fit])
    for (case, _), users, unused, sentence in zip(fit, lit, left_out, sentences, strict=True):
        if case.padding_mode != "zeros":
            continue
        (top, left), (height, width) = case.padding, case.input.shape[-2:]
        ones = torch.ones(1, 1, *case.weight.shape[-2:])
        cells = torch.eye((height + 2 * top) * (width + 2 * left)).view(-1, 1, height + 2 * top, width + 2 * left)
        reached = F.conv2d(cells, ones, stride=case.stride, dilation=case.dilation)[:, 0] > 0
        for where, found in zip(reached, users, strict=True):
            expected = torch.zeros_like(where)
            expected[torch.tensor(found["rows"], dtype=torch.int)[:, None], found["columns"]] = True
            assert torch.equal(where, expected)
        used = reached.any(dim=(1, 2)).view(height + 2 * top, width + 2 * left)
        assert [i for i, row in enumerate(used, -top) if not row.any()] == unused[0]
        assert [j for j, column in enumerate(used.T, -left) if not column.any()] == unused[1]
        if any(0 <= i < n for n, indices in zip((height, width), unused, strict=True) for i in indices):
            assert sentence


@pytest.mark.parametrize(
    "given", [{"stride": 1}, {"padding": 0}, {"dilation": (1, 1)}, {"stride": 2, "padding": 1}]
)
def test_settings_are_shown_once_one_of_them_is_given(given):
    assert Conv2dExplorer(**given)._settable
    assert not Conv2dExplorer()._settable
    explorer = Conv2dExplorer()
    for name, value in given.items():
        setattr(explorer, name, 2)
        setattr(explorer, name, value)
    assert explorer._settable


def test_settings_read_back_as_a_pair():
    explorer = Conv2dExplorer(torch.ones(8, 8), stride=2, padding=[1, 0], dilation=torch.tensor(1).item())
    assert (explorer.stride, explorer.padding, explorer.dilation) == ((2, 2), (1, 0), (1, 1))
    assert explorer.output.shape == (4, 3)
    explorer.set_state({"stride": [1, 3], "padding": [0, 2]})
    assert (explorer.stride, explorer.padding) == ((1, 3), (0, 2))
    assert repr(explorer) == (
        "Conv2dExplorer: input 8x8, kernel 3x3, stride (1, 3), padding (0, 2), dilation 1, output 6x4"
    )


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"stride": 0}, "stride must be 1 to 6, not 0"),
        ({"padding": (0, 7)}, r"padding must be 0 to 6, not \(0, 7\)"),
        ({"dilation": 1.5}, "dilation must be a whole number or"),
        ({"stride": True}, "stride must be a whole number or"),
        ({"stride": (1, 2, 3)}, r"a \(height, width\) pair of them, not \(1, 2, 3\)"),
        ({"padding": "same"}, "padding must be a whole number or .* not 'same'"),
        ({"weight": torch.ones(3, 3, 3)}, r"weight must have shape \(height, width\) or \(filters, channels, hei"),
        ({"weight": torch.ones(1, 5, 3, 3)}, "weight is 1x5x3x3: it has 5 channels, but 1 to 4"),
        ({"weight": torch.ones(0, 1, 3, 3)}, "it has 0 filters"),
    ],
)
def test_a_wrong_setting_or_weight_is_refused(given, sentence):
    with pytest.raises(ValueError, match=sentence):
        Conv2dExplorer(**given)


def test_what_is_left_out_follows_the_channels_of_what_is_given():
    assert Conv2dExplorer(torch.ones(3, 6, 5)).output.shape == (1, 4, 3)
    assert Conv2dExplorer(weight=torch.ones(2, 4, 3, 3)).input.shape == (4, 5, 5)
    assert Conv2dExplorer(torch.ones(6, 5), torch.ones(2, 1, 3, 3)).output.shape == (2, 4, 3)
    assert Conv2dExplorer(torch.ones(1, 6, 5), torch.ones(3, 3)).output.shape == (1, 4, 3)


def test_an_impossible_setting_is_kept_and_explained_with_numbers():
    explorer = Conv2dExplorer(torch.ones(5, 6), dilation=3, padding=(0, 1))
    with pytest.raises(ValueError, match=r"it covers 3·\(3 - 1\) \+ 1 = 7 rows, but .* has only 5 \+ 2·0 = 5"):
        _ = explorer.output
    assert "columns" not in explorer._misfit()
    explorer.padding = 0
    assert "= 7 rows, " in explorer._misfit() and "= 7 columns, " in explorer._misfit()
    assert "no output" in repr(explorer)
    explorer.padding = 1
    assert explorer.output.shape == (1, 2)


def test_channels_that_differ_are_kept_and_explained():
    explorer = Conv2dExplorer(torch.ones(3, 5, 5), torch.ones(2, 3, 2, 2))
    explorer.filter = 1
    explorer.input = torch.ones(2, 5, 5)
    with pytest.raises(ValueError, match="the input has 2, but each filter of the weight is made for 3"):
        _ = explorer.output
    explorer.weight = torch.ones(1, 2, 2, 2)
    assert explorer.filter == 0
    assert explorer.output.tolist() == torch.full((1, 4, 4), 8).tolist()
    with pytest.raises(ValueError, match="filter must be 0 to 0, not 1"):
        explorer.filter = 1


def test_position_stays_inside_a_smaller_output():
    explorer = Conv2dExplorer(torch.ones(8, 8), stride=1)
    explorer.position = (5, 4)
    explorer.stride = (2, 3)
    assert explorer.position == (2, 1)


def test_a_page_without_the_widget_shows_channels_and_settings():
    explorer = Conv2dExplorer(torch.ones(2, 3, 3), torch.full((1, 2, 2, 2), 2.0), padding=(1, 0))
    data, _ = explorer._repr_mimebundle_()
    for shown in ("[1]<table>", "[0, 1]<table>", ">16</td>", "stride 1, padding (1, 0), dilation 1"):
        assert shown in data["text/html"]
    assert "\nkernel[0, 1]:\n     2       2\n" in data["text/plain"]


def test_an_input_cell_is_used_where_it_or_its_copies_have_a_gradient(cases, states, in_javascript):
    copied = [
        (case, state)
        for case, state in zip(cases, states, strict=True)
        if case.padding_mode != "zeros" and not case._misfit()
    ]
    cells = (
        "m.sides(c.input, c.weight, c).map(({n}) => [...Array(n).keys()]).reduce("
        "(rows, columns) => rows.flatMap((i) => columns.map((j) => m.users(c.input, c.weight, i, j, c))))"
    )
    for (case, _), users in zip(copied, in_javascript(cells, [state for _, state in copied]), strict=True):
        (top, left), (height, width) = case.padding, case.input.shape[-2:]
        images = torch.eye(height * width).view(-1, 1, height, width)
        padded = F.pad(images, (left, left, top, top), mode=case.padding_mode)
        ones = torch.ones(1, 1, *case.weight.shape[-2:])
        reached = F.conv2d(padded, ones, stride=case.stride, dilation=case.dilation)[:, 0] > 0
        for where, found in zip(reached, users, strict=True):
            expected = torch.zeros_like(where)
            expected[torch.tensor(found["rows"], dtype=torch.int)[:, None], found["columns"]] = True
            assert torch.equal(where, expected)


def test_the_layer_on_the_page_computes_the_output(cases, states, in_javascript):
    for case, line in zip(cases, in_javascript("m.layerLine(c.input, c.weight, c)", states), strict=True):
        if case._misfit():
            continue
        layer = eval(line, {"nn": nn})
        weight = case.weight if case.weight.ndim == 4 else case.weight[None, None]
        layer.load_state_dict(
            {"weight": weight.flip(2, 3) if case.flip else weight}
            | ({} if case.bias is None else {"bias": case.bias})
        )
        output = layer(case.input.reshape(1, -1, *case.input.shape[-2:]))
        torch.testing.assert_close(output.view_as(case.output), case.output, rtol=1e-5, atol=1e-5)


def test_a_state_string_restores_the_state_in_python_and_in_the_browser(cases, in_javascript):
    strings = [case.state_string for case in cases]
    read = in_javascript("m.stateOf(c)", strings)
    written = in_javascript("m.stateString(m.stateOf(c))", strings)
    other = Conv2dExplorer()
    for case, string, state, same in zip(cases, strings, read, written, strict=True):
        expected = {name: list(v) if isinstance(v, tuple) else v for name, v in case.get_state(STATE).items()}
        assert state == expected
        for text in (string, f" {same}\n"):
            other.load(text)
            assert other.get_state(STATE) == case.get_state(STATE)


def test_a_state_string_is_short_where_little_is_set():
    explorer = Conv2dExplorer([[1, 2.5]], [[3]])
    assert explorer.state_string == "conv2d?input=[[1,2.5]]&weight=[[3]]"
    explorer.position = (0, 1)
    explorer.padding_mode = "circular"
    assert explorer.state_string.endswith('&padding_mode="circular"&position=[0,1]')


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "this is not the state of a Conv2d explorer, such as conv2d"),
        ("conv2d?input=[[1]]", "this is not the state"),
        ("conv2d?input=[[1]]&weight=[[1]]&colour=3", "this is not the state"),
        ("conv2d?input=[[1]&weight=[[1]]", "this is not the state"),
        ("conv2d?input=[[1]]&weight=[[1,2],[3]]", "weight must be a table"),
        ("conv2d?input=[[1]]&weight=[[1]]&stride=[0,1]", "stride must be 1 to 6"),
    ],
)
def test_another_text_is_refused_and_changes_nothing(text, sentence, in_javascript):
    explorer = Conv2dExplorer()
    before = explorer.get_state()
    with pytest.raises(ValueError, match=sentence):
        explorer.load(text)
    assert explorer.get_state() == before
    assert in_javascript("m.stateOf(c)", [text]) == [None]


@pytest.mark.parametrize(
    "layer",
    [
        nn.Conv2d(1, 1, 3),
        nn.Conv2d(4, 2, (2, 3), stride=2, padding=(1, 2), dilation=(2, 1), padding_mode="reflect"),
        nn.Conv2d(4, 4, 3, groups=4, padding="same", dilation=2, padding_mode="circular"),
        nn.Conv2d(2, 4, 1, groups=2, padding="valid", bias=False),
    ],
)
def test_a_trained_layer_is_opened_as_it_is(layer):
    image = torch.randn(layer.in_channels, 7, 6)
    explorer = Conv2dExplorer(image, layer)
    torch.testing.assert_close(explorer.output, layer(image).detach(), rtol=1e-5, atol=1e-6)
    assert explorer._settable
    alone = Conv2dExplorer(layer)
    torch.testing.assert_close(alone.output, layer(alone.input).detach(), rtol=1e-5, atol=1e-6)
    assert Conv2dExplorer(image, layer, stride=3).stride == (3, 3)


def test_a_layer_that_cannot_be_drawn_is_refused():
    with pytest.raises(ValueError, match="padding='same' gives a 2x3 kernel one more row"):
        Conv2dExplorer(nn.Conv2d(1, 1, (2, 3), padding="same"))
    with pytest.raises(ValueError, match="weight is 64x3x7x7: it has 64 filters, but 1 to 4 can be drawn"):
        Conv2dExplorer(nn.Conv2d(3, 64, 7))


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"input": torch.ones(3, 4, 4), "groups": 2}, "2 groups cannot share 3 channels of the input evenly"),
        ({"weight": torch.ones(3, 1, 2, 2), "groups": 2}, "2 groups cannot share 3 filters evenly"),
        (
            {"input": torch.ones(4, 4, 4), "weight": torch.ones(2, 4, 2, 2), "groups": 2},
            "so each of the 2 groups has 2, but each filter of the weight is made for 4",
        ),
        ({"bias": [1, 2]}, "the bias has 2 numbers for 1 filters"),
        ({"padding": (0, 5), "padding_mode": "reflect"}, "reflect can add at most 4 columns .* that has 5, not 5"),
        ({"padding": (6, 0), "padding_mode": "circular"}, "circular can add at most 5 rows"),
    ],
)
def test_an_impossible_layer_is_kept_and_explained(given, sentence):
    explorer = Conv2dExplorer(**given)
    with pytest.raises(ValueError, match=sentence):
        _ = explorer.output
    assert "no output" in repr(explorer)


@pytest.mark.parametrize("bias", [[], [[1.0]], "one", [float("nan")], [1] * 5])
def test_a_wrong_bias_is_refused(bias):
    with pytest.raises(ValueError, match="bias must be None or "):
        Conv2dExplorer(bias=bias)


def test_predict_hides_the_output_until_it_is_said():
    explorer = Conv2dExplorer([[1, 2], [3, 4]], [[1]], predict="size")
    for text in explorer._repr_mimebundle_()[0]["text/html"], explorer._plain():
        assert "Predict it" in text and "2x2." not in text
    assert explorer.answer is None
    explorer.set_state({"answer": [1, 2], "_revealed": False})
    assert explorer.answer == (1, 2)
    explorer.set_state({"answer": [2, 2], "_revealed": True})
    assert "output 2x2" in repr(explorer)
    explorer.stride = 2
    assert explorer.answer is None and "an output to predict" in repr(explorer)
    explorer.predict = (0, 0)
    explorer.set_state({"answer": 1.5})
    assert explorer.answer == 1.5


@pytest.mark.parametrize("predict", ["height", (0,), (0, 3), (0, 0, 0), (0, -1), (0.0, 0), 3])
def test_a_wrong_cell_to_predict_is_refused(predict):
    with pytest.raises(ValueError, match="predict"):
        Conv2dExplorer(predict=predict)
