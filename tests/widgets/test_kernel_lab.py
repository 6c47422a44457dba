"""The kernel lab in Python, and its JavaScript against torch (node runs the very file that ships)."""

import pathlib

import pytest
import torch
import torch.nn.functional as F
import traitlets

import convlab.widgets
from convlab import data
from convlab.widgets import KernelLab
from convlab.widgets.kernel_lab import PADDING_MODES, SIZES

SCRIPT = pathlib.Path(convlab.widgets.__file__).with_name("kernel_lab.js")
EDGES = [[1, 1, 1], [0, 0, 0], [-1, -1, -1]]


@pytest.fixture(scope="module")
def labs():
    """192 labs with small random photos and kernels, in every mode; many sides are too short for a border."""
    generator = torch.Generator().manual_seed(4)

    def lab(n):
        side = (1, 4, 12)[n % 3]
        height, width = (int(torch.randint(1, side + 1, (), generator=generator)) for _ in range(2))
        k = SIZES[n // 3 % 3]
        photo = torch.rand(height, width, generator=generator)
        return KernelLab(photo, torch.randn(k, k, generator=generator), PADDING_MODES[n % 4])

    return [lab(n) for n in range(192)]


@pytest.fixture(scope="module")
def states(labs):
    def state(lab):
        height, width = lab.photo.shape
        photo = {"height": height, "width": width, "values": lab.photo.flatten().tolist()}
        return {"photo": photo, **lab.get_state(["weight", "padding_mode"])}

    return [state(lab) for lab in labs]


def library(lab):
    """What torch says, or its refusal."""
    weight = lab.weight
    mode = "constant" if lab.padding_mode == "zeros" else lab.padding_mode
    return F.conv2d(F.pad(lab.photo[None, None], (len(weight) // 2,) * 4, mode=mode), weight[None, None])[0, 0]


def test_the_photo_is_grey_small_and_left_alone_by_the_identity():
    lab = KernelLab("chelsea")
    assert lab.photo.shape == (85, 128)
    assert lab.photo.dtype == torch.float32
    assert torch.equal(lab.output, lab.photo)
    full = data.photo("chelsea").mean(0)
    assert abs(lab.photo.mean() - full.mean()) < 1e-3


@pytest.mark.parametrize("shape", [(5, 4), (1, 5, 4), (3, 5, 4)])
def test_photos_of_the_users_own(shape):
    photo = torch.rand(shape)
    lab = KernelLab(photo)
    torch.testing.assert_close(lab.photo, photo.reshape(-1, 5, 4).mean(0), atol=0.51 / 255, rtol=0)
    assert KernelLab(torch.rand(600, 2)).photo.shape == (128, 1)


@pytest.mark.parametrize(
    ("photo", "sentence"),
    [
        ("nobody", "There is no photo 'nobody'"),
        (torch.rand(2, 3, 3), r"photo must be a name, .* not torch.float32 of shape \(2, 3, 3\)"),
        (torch.ones(3, 3, dtype=torch.uint8), "not torch.uint8"),
        (torch.rand(0, 3), "photo must be a name"),
        (torch.full((3, 3), 2.0), "photo must hold numbers from 0 to 1"),
        (torch.full((3, 3), torch.nan), "photo must hold numbers from 0 to 1"),
    ],
)  # fmt: skip
def test_a_wrong_photo_is_refused(photo, sentence):
    with pytest.raises(ValueError, match=sentence):
        KernelLab(photo)


@pytest.mark.parametrize(
    ("weight", "sentence"),
    [
        (torch.ones(3, 5), r"weight must have shape \(3, 3\), \(5, 5\) or \(7, 7\), not \(3, 5\)"),
        (torch.ones(4, 4), "weight must have shape"),
        ([[1, 2], [3]], "weight must be a table of numbers with equal rows"),
        (torch.ones(3, 3) * 1j, "weight must hold real numbers"),
        (torch.full((3, 3), torch.inf), "weight must hold finite"),
    ],
)
def test_a_wrong_kernel_is_refused_and_changes_nothing(weight, sentence):
    lab = KernelLab(torch.rand(4, 4), EDGES)
    with pytest.raises(ValueError, match=sentence):
        lab.weight = weight
    assert lab.weight.tolist() == EDGES


def test_another_padding_mode_is_refused():
    with pytest.raises(traitlets.TraitError, match="mirror"):
        KernelLab(padding_mode="mirror")


def test_no_tensor_is_shared_with_the_caller():
    weight = torch.ones(3, 3, requires_grad=True)
    lab = KernelLab(torch.rand(4, 4), weight)
    lab.weight[0, 0] = 7
    lab.photo[0, 0] = 7
    with torch.no_grad():
        weight.zero_()
    assert lab.weight.sum() == 9
    assert lab.photo.max() <= 1
    assert not lab.weight.requires_grad


def test_state_travels_as_bytes_and_shortest_decimals_and_comes_back():
    lab = KernelLab(torch.tensor([[0.0, 1.0], [0.2, 0.4]]), [[0.1, 0, 0], [0, 0, 0], [0, 0, -2]])
    state = lab.get_state()
    assert state["photo"] == {"height": 2, "width": 2, "pixels": bytes([0, 255, 51, 102])}
    assert state["weight"] == [[0.1, 0, 0], [0, 0, 0], [0, 0, -2]]
    assert state["_start"] == {"photo": state["photo"], "weight": state["weight"], "padding_mode": "zeros"}
    pixels = memoryview(bytes([0, 255, 102, 0, 51, 255]))
    lab.set_state({"photo": {"height": 2, "width": 3, "pixels": pixels}})
    torch.testing.assert_close(lab.photo, torch.tensor([[0, 1, 0.4], [0, 0.2, 1]]))
    lab.set_state({"photo": state["photo"], "weight": EDGES, "padding_mode": "replicate"})
    assert lab.weight.tolist() == EDGES
    torch.testing.assert_close(lab.output[0], torch.tensor([0.2, 1.0]))


def test_a_page_without_the_widget_still_shows_pictures_and_numbers():
    bundle, _ = KernelLab(torch.rand(4, 5), EDGES, "reflect")._repr_mimebundle_()
    assert "application/vnd.jupyter.widget-view+json" in bundle
    assert bundle["text/html"].count('<img alt="the ') == 2
    for shown in (">-1</td>", "blue below 0, white at 0, orange above", "padding reflect", "JupyterLab"):
        assert shown in bundle["text/html"]
    assert bundle["text/plain"].startswith("KernelLab: photo 4x5, kernel 3x3, padding reflect\n")


def test_a_border_that_cannot_be_made_is_kept_and_explained():
    lab = KernelLab(torch.rand(1, 5), EDGES, "reflect")
    sentence = "reflect needs a photo of at least 2x2 pixels for a 3x3 kernel, and this one is 1x5"
    with pytest.raises(ValueError, match=sentence):
        _ = lab.output
    assert sentence in lab._repr_mimebundle_()[0]["text/html"]
    lab.padding_mode = "circular"
    assert lab.output.shape == (1, 5)


def test_javascript_computes_what_torch_computes(labs, states, in_javascript):
    padded = "m.pad(c.photo, c.weight.length >> 1, c.padding_mode)"
    refuses = "m.misfit(c.photo, c.weight.length, c.padding_mode)"
    results = in_javascript(f"[...({refuses} ? [] : m.correlate({padded}, c.weight).values)]", states)
    refused = 0
    for lab, result in zip(labs, results, strict=True):
        if lab._misfit():
            refused += 1
            assert result == []
            with pytest.raises(RuntimeError):
                library(lab)
        else:
            assert torch.equal(lab.output, library(lab))
            actual = torch.tensor(result).view(lab.photo.shape)
            torch.testing.assert_close(actual, lab.output, rtol=1e-5, atol=1e-5)
    assert 30 <= refused <= 96


def test_javascript_explains_a_misfit_in_the_same_words(labs, states, in_javascript):
    expression = "m.misfit(c.photo, c.weight.length, c.padding_mode)"
    assert in_javascript(expression, states) == [lab._misfit() for lab in labs]


def test_javascript_agrees_on_which_outputs_have_both_signs(in_javascript):
    zero_sum = torch.randn(5, 5)
    weights = [EDGES, torch.ones(3, 3).tolist(), (zero_sum - zero_sum.mean()).tolist(), torch.zeros(7, 7).tolist()]
    assert in_javascript("m.isSigned(c)", weights) == [True, False, True, True]
    shown = [KernelLab(torch.rand(4, 4), weight)._repr_mimebundle_()[0]["text/html"] for weight in weights]
    assert ["blue below 0" in html for html in shown] == [True, False, True, True]


def test_the_line_of_pytorch_on_the_page_computes_the_output(labs, states, in_javascript):
    expression = "m.codeLine(c.photo, c.weight.length, c.padding_mode)"
    for lab, line in zip(labs, in_javascript(expression, states), strict=True):
        names = {"F": F, "photo": lab.photo, "weight": lab.weight}
        if lab._misfit():
            assert line.endswith("# RuntimeError")
            with pytest.raises(RuntimeError):
                eval(line, names)
        else:
            output = eval(line, names)
            torch.testing.assert_close(output, lab.output)
            assert line.endswith(f"# shape {tuple(output.shape)}")
