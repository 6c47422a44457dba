"""The mistake browser in Python, and its JavaScript (node runs the very file that ships)."""

import base64
import io
import pathlib
import re

import pytest
import torch
from PIL import Image
from torchvision.transforms.functional import pil_to_tensor

import convlab.widgets
from convlab.widgets import MistakeBrowser

SCRIPT = pathlib.Path(convlab.widgets.__file__).with_name("mistake_browser.js")
CLASSES = list("abcdefg")


def case(n, channels=1, side=6):
    generator = torch.Generator().manual_seed(n)
    images = torch.rand(n, channels, side, side, generator=generator)
    return images, torch.arange(n) % 7, 3 * torch.randn(n, 7, generator=generator)


def decoded(mistake):
    kind, data = mistake["picture"].split(",")
    return kind, pil_to_tensor(Image.open(io.BytesIO(base64.b64decode(data)))) / 255


def test_mistakes_come_the_most_confident_first():
    images, labels, logits = case(40)
    browser = MistakeBrowser(images, labels, logits, CLASSES)
    confidence, guesses = logits.softmax(1).max(1)
    assert sorted(browser.mistakes) == (guesses != labels).nonzero()[:, 0].tolist()
    assert confidence[browser.mistakes].diff().max() <= 0
    assert browser.index == browser.mistakes[0]
    for index, mistake in zip(browser.mistakes, browser._mistakes, strict=True):
        assert (mistake["index"], mistake["truth"], mistake["guess"]) == (index, labels[index], guesses[index])
        assert mistake["rank"] == 1 + (logits[index] > logits[index, labels[index]]).sum()
        rows, probabilities = zip(*mistake["rows"], strict=True)
        assert list(rows[:5]) == logits[index].argsort(descending=True)[:5].tolist()
        assert labels[index] in rows and len(rows) == (5 if mistake["rank"] <= 5 else 6)
        torch.testing.assert_close(torch.tensor(probabilities), logits[index].softmax(0)[list(rows)])


@pytest.mark.parametrize("channels", [1, 3])
def test_small_pictures_arrive_pixel_by_pixel(channels):
    images, labels, logits = case(10, channels)
    browser = MistakeBrowser(images, labels, logits, CLASSES)
    kind, picture = decoded(browser._mistakes[0])
    assert kind == "data:image/png;base64"
    torch.testing.assert_close(picture, images[browser.index], atol=0.51 / 255, rtol=0)


def test_photographs_are_shrunk_and_compressed():
    ramp = torch.linspace(0, 1, 600).expand(1, 3, 300, 600)
    browser = MistakeBrowser(ramp, [0], [[0.0, 1.0]], "ab")
    kind, picture = decoded(browser._mistakes[0])
    assert kind == "data:image/jpeg;base64"
    assert picture.shape == (3, 112, 224)
    torch.testing.assert_close(picture[0, 50], torch.linspace(0, 1, 224), atol=0.03, rtol=0)


def test_at_most_200_travel_and_the_caption_says_so():
    images, labels, logits = case(400)
    browser = MistakeBrowser(images, labels, logits, CLASSES)
    assert len(browser._mistakes) == 200 < len(browser.mistakes)
    assert re.fullmatch(
        r"\d+ of 400 are wrong \(\d+\.\d\d %\); here are the 200 that the network was surest of\.",
        browser._caption,
    )
    with pytest.raises(ValueError, match="is mistake number 201, and only the first 200 are shown"):
        browser.index = browser.mistakes[200]


def test_index_can_be_set_to_another_mistake_and_to_nothing_else():
    images, labels, logits = case(40)
    logits[3, labels[3]] = 99
    browser = MistakeBrowser(images, labels, logits, CLASSES)
    browser.index = browser.mistakes[5]
    assert browser.get_state("index") == {"index": browser.mistakes[5]}
    for wrong in (3, 40, -1, None):
        with pytest.raises(ValueError, match=f"image {wrong} is not among the mistakes"):
            browser.index = wrong
    browser.set_state({"index": browser.mistakes[7]})
    assert browser.index == browser.mistakes[7]


def test_why_is_pixel_times_gradient_of_the_margin():
    """Of a linear network: its weights for the guess less those for the truth, times the pixels."""
    images, labels, _ = case(60)
    weight = torch.randn(7, 36, generator=torch.Generator().manual_seed(1))
    browser = MistakeBrowser(
        images, labels, images.flatten(1) @ weight.T, CLASSES, lambda x: x.flatten(1) @ weight.T
    )
    assert len(browser._mistakes) > 32
    for mistake in browser._mistakes:
        part = images[mistake["index"]].flatten() * (weight[mistake["guess"]] - weight[mistake["truth"]])
        _, why = decoded({"picture": mistake["why"]})
        red, _, blue = why.flatten(1)
        strongest = part.abs() > 0.1 * part.abs().max()
        assert torch.equal((red > blue)[strongest], (part > 0)[strongest])
        assert part[(red - blue).argmax()] == part.max() or part.max() < 0.1 * part.abs().max()


def test_without_classify_there_is_no_why():
    assert all(mistake["why"] is None for mistake in MistakeBrowser(*case(10), CLASSES)._mistakes)


def test_a_classify_without_a_gradient_is_refused():
    images, labels, logits = case(10)
    with pytest.raises(ValueError, match=r"logits of shape \(n, K\) with a gradient: call the model itself"):
        MistakeBrowser(images, labels, logits, CLASSES, lambda x: x.detach().flatten(1)[:, :7])


def test_without_mistakes_it_says_so():
    images, labels, _ = case(14)
    browser = MistakeBrowser(images, labels, torch.eye(7)[labels], CLASSES)
    assert browser.index is None and browser.mistakes == []
    assert repr(browser) == "MistakeBrowser: No mistakes: all 14 are classified rightly."
    assert "No mistakes" in browser._repr_mimebundle_()[0]["text/html"]


def test_tensors_with_a_gradient_and_half_precision_are_welcome():
    images, labels, logits = case(10)
    expected = MistakeBrowser(images, labels, logits.half(), CLASSES).mistakes
    assert MistakeBrowser(images.half(), labels, logits.half().requires_grad_(), CLASSES).mistakes == expected


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"images": torch.rand(10, 6, 6)}, "images must be a float tensor of shape (N, 1, H, W)"),
        ({"images": torch.rand(10, 2, 6, 6)}, "not torch.float32 of shape (10, 2, 6, 6)"),
        ({"images": torch.ones(10, 1, 6, 6).byte()}, "not torch.uint8"),
        (
            {"images": torch.full((10, 1, 6, 6), -0.4)},
            "from 0 to 1, not -0.4 to -0.4: give them as they were before",
        ),
        ({"images": torch.full((10, 1, 6, 6), torch.nan)}, "from 0 to 1, not nan"),
        ({"labels": torch.arange(9)}, "labels must be whole numbers of shape (10,), one for each image"),
        ({"labels": torch.rand(10)}, "not torch.float32 of shape (10,)"),
        ({"labels": torch.arange(10)}, "labels must be 0 to 6 for 7 classes, not 0 to 9"),
        ({"logits": torch.rand(10, 8)}, "logits must be finite floats of shape (10, 7)"),
        ({"logits": torch.full((10, 7), torch.inf)}, "with an inf or a nan in it"),
        ({"classes": "abc"}, "for each image one for each of the 3 classes"),
    ],
)
def test_what_does_not_fit_is_refused(change, sentence):
    images, labels, logits = case(10)
    arguments = {"images": images, "labels": labels, "logits": logits, "classes": CLASSES}
    with pytest.raises(ValueError, match=re.escape(sentence)):
        MistakeBrowser(**arguments | change)


def test_a_page_without_the_widget_still_shows_the_surest_mistakes():
    images, labels, logits = case(40)
    bundle, _ = MistakeBrowser(images, labels, logits, ["<b>", *CLASSES[1:]])._repr_mimebundle_()
    assert "application/vnd.jupyter.widget-view+json" in bundle
    assert bundle["text/html"].count("<img alt=") == 6
    assert "<b>" not in bundle["text/html"] and "JupyterLab" in bundle["text/html"]
    assert re.search(r"Surest: image \d+: \S+, taken for \S+ with ", bundle["text/plain"])


def test_javascript_writes_percentages_as_python_does(in_javascript):
    numbers = [0, 0.0004, 0.0006, 0.12345, 0.9994, 0.9996, 1]
    assert in_javascript("m.percent(c)", numbers) == [convlab.widgets.mistake_browser._percent(p) for p in numbers]
