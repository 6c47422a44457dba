"""The board in Python, and its preparation of digits against numpy (node runs the very file that ships)."""

import pathlib
import re

import numpy as np
import pytest
import torch

import convlab.widgets
from convlab.widgets import DrawDigit

SCRIPT = pathlib.Path(convlab.widgets.__file__).with_name("draw_digit.js")


def model(images):
    """Ten logits that depend on where the ink is."""
    assert images.shape == (1, 1, 28, 28) and images.dtype == torch.float32
    return images.flatten(1)[:, :780].unflatten(1, (10, 78)).sum(-1)


def prepare(ink):
    """MNIST's preparation: fit into 20 x 20 by area averages, then move the centre of mass to (14, 14)."""
    rows, columns = np.flatnonzero(ink.any(1)), np.flatnonzero(ink.any(0))
    box = ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    height, width = (max(1, int(side * 20 / max(box.shape) + 0.5)) for side in box.shape)
    fine = np.kron(box, np.ones((height, width)))
    digit = fine.reshape(height, box.shape[0], width, box.shape[1]).mean((1, 3))
    centre = [np.average(np.arange(side), weights=digit.sum(1 - axis)) for axis, side in enumerate(digit.shape)]
    top, left = (
        int(np.clip(np.floor(14 - c + 0.5), 0, 28 - side)) for c, side in zip(centre, digit.shape, strict=True)
    )
    image = np.zeros((28, 28))
    image[top : top + height, left : left + width] = digit
    return image


@pytest.fixture(scope="module")
def drawings():
    """80 drawings of 60 x 60: walks of a thick pen, from a dot to all over the board, and soft at the edges."""
    generator = np.random.default_rng(11)
    drawings = []
    for n in range(80):
        ink = np.zeros((60, 60))
        i, j = generator.integers(5, 55, 2)
        for _ in range(n):
            i, j = np.clip(np.add([i, j], generator.integers(-4, 5, 2)), 2, 57)
            ink[i - 2 : i + 3, j - 1 : j + 2] = 1
        ink[i - 1 : i + 2, j - 1 : j + 2] = np.maximum(ink[i - 1 : i + 2, j - 1 : j + 2], generator.random((3, 3)))
        drawings.append(ink)
    return drawings


def test_javascript_prepares_what_numpy_prepares(drawings, in_javascript):
    actual = in_javascript("[...m.prepare(c, 60)]", [ink.ravel().tolist() for ink in drawings])
    for ink, image in zip(drawings, actual, strict=True):
        expected = prepare(ink)
        np.testing.assert_allclose(np.reshape(image, (28, 28)) / 255, expected, atol=0.51 / 255)
        sides = [np.ptp(np.flatnonzero(expected.any(axis))) + 1 for axis in (0, 1)]
        assert max(sides) == 20


def test_the_model_is_asked_at_once_and_for_every_image():
    digit = DrawDigit(model)
    torch.testing.assert_close(digit.probabilities, torch.full((10,), 0.1))
    image = torch.zeros(28, 28)
    image[0, :3] = 1
    digit.image = image
    assert torch.equal(digit.image, image)
    torch.testing.assert_close(digit.probabilities, torch.tensor([3.0] + [0.0] * 9).softmax(0))
    digit.image[0, 0] = 0
    assert torch.equal(digit.image, image)


def test_what_is_drawn_arrives_as_bytes():
    digit = DrawDigit(model)
    pixels = bytearray(784)
    pixels[100] = 51
    digit.set_state({"image": memoryview(pixels)})
    assert digit.image.flatten()[100] == pytest.approx(0.2)
    assert digit.probabilities.argmax() == 100 // 78
    assert digit.get_state("image")["image"] == bytes(pixels)


@pytest.mark.parametrize("shape", [(28, 28), (1, 28, 28), (1, 1, 28, 28)])
def test_an_image_may_have_leading_axes(shape):
    digit = DrawDigit(model)
    digit.image = torch.ones(shape)
    assert digit.image.shape == (28, 28)


@pytest.mark.parametrize(
    ("image", "sentence"),
    [
        (torch.ones(28, 27), "not torch.float32 of shape (28, 27)"),
        (torch.ones(28, 28, dtype=torch.uint8), "not torch.uint8"),
        (torch.full((28, 28), 2.8), "image must hold numbers from 0 to 1, not 2.8 to 2.8: divide pixels by 255"),
        (torch.full((28, 28), torch.nan), "image must hold numbers from 0 to 1"),
    ],
)
def test_a_wrong_image_is_refused_and_changes_nothing(image, sentence):
    digit = DrawDigit(model)
    with pytest.raises(ValueError, match=re.escape(sentence)):
        digit.image = image
    assert not digit.image.any()


@pytest.mark.parametrize(
    ("classify", "sentence"),
    [
        (lambda images: images @ torch.ones(3), "classify failed, RuntimeError: size mismatch"),
        (lambda images: images, "(1, K), one for each class, not shape (1, 1, 28, 28)"),
        (lambda images: model(images)[0], "not shape (10,)"),
        (lambda images: 7, "not int"),
        (lambda images: model(images) / 0, "logits with an inf or a nan"),
    ],
)
def test_a_model_that_fails_is_told_in_a_sentence(classify, sentence):
    digit = DrawDigit(classify)
    assert sentence in digit._answer["error"]
    assert sentence in digit._repr_mimebundle_()[0]["text/html"]
    with pytest.raises(ValueError, match=re.escape(sentence)):
        _ = digit.probabilities


def test_the_next_image_may_work_again():
    digit = DrawDigit(lambda images: model(images) if images.any() else 1 / 0)
    assert "ZeroDivisionError" in digit._answer["error"]
    digit.image = torch.ones(28, 28)
    assert digit.probabilities.shape == (10,)


def test_something_that_cannot_be_called_is_refused():
    with pytest.raises(ValueError, match=r"classify must be a function from images .* not Tensor"):
        DrawDigit(torch.ones(3))


def test_feature_maps_are_those_of_the_layers():
    torch.manual_seed(0)
    network = torch.nn.Sequential(torch.nn.Conv2d(1, 20, 3), torch.nn.ReLU(), torch.nn.MaxPool2d(4))
    digit = DrawDigit(lambda x: network(x)[:, :10, 0, 0], {"convolution": network[0], "pool": network[2]})
    digit.image = torch.rand(28, 28)
    with torch.no_grad():
        expected = {"convolution": network[0](digit.image[None]), "pool": network(digit.image[None])}
    assert list(digit.feature_maps) == list(expected)
    for sent, (name, maps) in zip(digit._answer["maps"], expected.items(), strict=True):
        torch.testing.assert_close(digit.feature_maps[name], maps)
        assert (sent["name"], sent["channels"], sent["height"], sent["width"]) == (name, *maps.shape)
        pixels = torch.frombuffer(bytearray(sent["pixels"]), dtype=torch.int8).view(12, *maps.shape[1:])
        limit = maps[:12].abs().max()
        torch.testing.assert_close(pixels / 127 * limit, maps[:12], rtol=0, atol=0.51 / 127 * limit.item())
    assert not network[0]._forward_hooks
    page = digit._repr_mimebundle_()[0]["text/html"]
    assert page.count("<img alt=") == 3 and "feature maps of pool, blue below 0" in page


@pytest.mark.parametrize(
    ("layer", "sentence"),
    [
        (torch.nn.Flatten(), "layer it must make feature maps of shape (1, C, H, W), not shape (1, 784)"),
        (torch.nn.Threshold(0.5, torch.nan), "layer it made feature maps with an inf or a nan"),
        (None, "it does not call the layers ['it']"),
    ],
)
def test_layers_that_make_no_feature_maps_are_told_in_a_sentence(layer, sentence):
    def classify(images):
        if layer:
            layer(images)
        return model(images)

    digit = DrawDigit(classify, {"it": layer or torch.nn.Identity()})
    assert sentence in digit._answer["error"]
    assert digit._answer["maps"] == []


def test_layers_that_are_no_modules_are_refused():
    with pytest.raises(ValueError, match="layers must be a dict of names to modules"):
        DrawDigit(model, {"first": model})


def test_a_page_without_the_widget_still_shows_the_image_and_the_probabilities():
    digit = DrawDigit(model)
    digit.image = torch.ones(28, 28)
    bundle, _ = digit._repr_mimebundle_()
    assert "application/vnd.jupyter.widget-view+json" in bundle
    assert bundle["text/html"].count("<img alt=") == 1
    assert bundle["text/html"].count("<tr>") == 10
    assert "JupyterLab" in bundle["text/html"]
    assert bundle["text/plain"] == "DrawDigit: a digit, class 0 with 10.0 %"
