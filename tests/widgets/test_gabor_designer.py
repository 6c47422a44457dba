"""The designer in Python, and its JavaScript against torch (node runs the very file that ships)."""

import math
import pathlib
import re

import pytest
import torch
from skimage.filters import gabor_kernel as scikit_gabor
from torch.nn import functional as F
from traitlets import TraitError

import convlab.widgets
from convlab.checks import gabor_init
from convlab.widgets import GaborDesigner

SCRIPT = pathlib.Path(convlab.widgets.__file__).with_name("gabor_designer.js")
NAMES = ["size", "theta", "lambd", "sigma", "psi", "gamma", "n", "normalised"]


@pytest.fixture(scope="module")
def cases():
    """60 designers with random numbers and random images that are not square."""
    generator = torch.Generator().manual_seed(5)

    def draw(low, high):
        return low + (high - low) * torch.rand((), generator=generator).item()

    return [
        GaborDesigner(
            torch.rand(int(draw(21, 40)), int(draw(21, 40)), generator=generator),
            size=int(draw(3, 21.99)),
            theta=draw(0, 2 * math.pi),
            lambd=draw(2, 21),
            sigma=draw(0.5, 8),
            psi=draw(0, 2 * math.pi),
            gamma=draw(0.25, 2),
            n=int(draw(1, 8)),
            normalised=case % 2 == 0,
        )
        for case in range(60)
    ]


@pytest.fixture(scope="module")
def states(cases):
    return [case.get_state([*NAMES, "_pixels"]) for case in cases]


def test_javascript_computes_the_kernels_that_torch_computes(cases, states, in_javascript):
    kernels = in_javascript("[m.gabor(c), m.bank(c)]", states)
    for case, (kernel, bank) in zip(cases, kernels, strict=True):
        torch.testing.assert_close(torch.tensor(kernel), case.weight, rtol=1e-5, atol=1e-6)
        torch.testing.assert_close(torch.tensor(bank), case.bank, rtol=1e-5, atol=1e-6)


def test_javascript_computes_the_answers_that_torch_computes(cases, states, in_javascript):
    expression = "m.correlate(c._pixels.map((row) => row.map((x) => x / 255)), m.gabor(c))"
    for case, answer in zip(cases, in_javascript(expression, states), strict=True):
        assert case.output.shape == tuple(side - case.size + 1 for side in case.image.shape)
        torch.testing.assert_close(torch.tensor(answer), case.output, rtol=1e-4, atol=1e-5)


def test_the_line_of_python_on_the_page_gives_the_kernel(cases, states, in_javascript):
    for case, line in zip(cases, in_javascript("m.codeLine(c)", states), strict=True):
        kernel = eval(line, {"math": math, "gabor_kernel": by_reference})
        case.normalised = False
        torch.testing.assert_close(kernel, case.weight, rtol=0, atol=0.05)


def by_reference(size, sigma, theta, lambd, psi, gamma):
    return gabor_init.gabor_kernel.reference(size, sigma, theta, lambd, psi, gamma)


def test_kernel_is_scikit_images_and_that_of_the_exercise(cases):
    for case in cases:
        case.normalised = False
        scikit = scikit_gabor(
            1 / case.lambd,
            theta=case.theta,
            sigma_x=case.sigma,
            sigma_y=case.sigma / case.gamma,
            n_stds=30,
            offset=case.psi,
        )
        scale = 2 * math.pi * case.sigma**2 / case.gamma
        numbers = (case.size, case.sigma, case.theta, case.lambd, case.psi, case.gamma)
        torch.testing.assert_close(by_reference(*numbers), case.weight, rtol=1e-5, atol=1e-6)
        if case.size % 2:
            rows, columns = ((side - case.size) // 2 for side in scikit.shape)
            middle = scikit.real[rows : rows + case.size, columns : columns + case.size] * scale
            torch.testing.assert_close(case.weight, torch.tensor(middle).float(), rtol=1e-5, atol=1e-6)


def test_default_is_the_first_filter_of_the_notebooks_bank_of_that_size():
    designer = GaborDesigner()
    torch.testing.assert_close(designer.bank, gabor_init.gabor_bank.reference(8, 11), rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(designer.weight, designer.bank[0])
    assert max(designer.image.shape) == 96


@pytest.mark.parametrize(
    ("name", "value"),
    [("theta", 7), ("lambd", 1), ("sigma", 0), ("gamma", 3), ("size", 2), ("size", 22), ("n", 0), ("psi", "x")],
)
def test_a_number_out_of_range_is_refused_and_changes_nothing(name, value):
    with pytest.raises(TraitError):
        GaborDesigner(**{name: value})
    designer = GaborDesigner()
    before = designer.get_state(NAMES)
    with pytest.raises(TraitError):
        setattr(designer, name, value)
    assert designer.get_state(NAMES) == before


def test_images_become_grey_and_small():
    colour = GaborDesigner(torch.ones(3, 200, 100) * torch.tensor([0.0, 0.5, 1.0])[:, None, None])
    assert colour.image.shape == (96, 48)
    assert colour.image.unique().tolist() == [pytest.approx(0.5, abs=1 / 255)]
    for shape in [(2, 30, 30), (1, 1, 30, 30), (20, 30), (1, 30, 20)]:
        with pytest.raises(ValueError, match=re.escape(f"not {shape}")):
            GaborDesigner(torch.zeros(shape))


def test_state_from_the_browser_reaches_the_kernel():
    designer = GaborDesigner()
    designer.set_state({"theta": math.pi / 2, "size": 7, "normalised": False, "n": 3})
    assert designer.weight.shape == (7, 7)
    assert designer.bank.shape == (3, 7, 7)
    torch.testing.assert_close(designer.weight, designer.weight.flip(1))
    expected = F.conv2d(designer.image[None, None], designer.weight[None, None])[0, 0]
    assert torch.equal(designer.output, expected)


def test_a_page_without_the_widget_still_shows_the_pictures():
    data, _ = GaborDesigner(theta=math.pi / 4)._repr_mimebundle_()
    assert "application/vnd.jupyter.widget-view+json" in data
    assert data["text/html"].count("<img alt=") == 3
    assert "theta 45°" in data["text/html"] and "JupyterLab" in data["text/html"]
    assert data["text/plain"].startswith("GaborDesigner: size 11, theta 45°")
