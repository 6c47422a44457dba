"""The pictures that a network got wrong, one at a time, with what it thought instead and why."""

import html

import torch
import torch.nn.functional as F
import traitlets
from PIL import Image

from ..figures import address, signed_colours
from .base import Explorer, side_by_side, sources

MOST_MISTAKES = 200
LARGEST_SIDE = 224
LOSSLESS_SIDE = 64
STILL_MISTAKES = 6
BATCH = 32


class MistakeBrowser(Explorer):
    """Leaf through the mistakes of a classifier, the most confident first, by class, or one pair of classes.

    Args:
        images: (N, 1, H, W) grey or (N, 3, H, W) colour, floats in [0, 1]: as they were before normalising. Sides
            above 224 are shrunk for the page.
        labels: (N,) whole numbers, the true classes.
        logits: (N, K), what the network answered.
        classes: the K names.
        classify: maps (n, 1 or 3, H, W) of the images to logits (n, K), with a gradient and in eval mode. With it,
            a second picture says why: pixel times gradient of (logit of the guess - logit of the truth), as in
            Shrikumar et al. 2016, "Not just a black box". Orange pixels spoke for the guess, blue for the truth.

    At most 200 mistakes travel to the browser: those that the network was surest of.

    `index` is which of the images is shown, None where there is no mistake; assign another mistake's to show it.

    Attributes:
        mistakes: the indices of all mistakes, the most confident first.

    Raises:
        ValueError: shapes, kinds or ranges that do not fit, or an index that is not among the mistakes shown.
    """

    _esm, _css = sources("mistake_browser")
    _title = "Mistake browser"
    _without_python = "This page leafs through the mistakes saved in it; those of another network need Python."
    _use = "see the others"

    index = traitlets.TraitType(None).tag(sync=True)
    _mistakes = traitlets.List().tag(sync=True)
    _classes = traitlets.List().tag(sync=True)
    _caption = traitlets.Unicode().tag(sync=True)

    def __init__(self, images, labels, logits, classes, classify=None):
        images, labels, logits = (torch.as_tensor(tensor).detach().cpu() for tensor in (images, labels, logits))
        classes = [str(name) for name in classes]
        _check(images, labels, logits, classes)
        probabilities = logits.double().softmax(1)
        confidence, guesses = probabilities.max(1)
        wrong = (guesses != labels).nonzero()[:, 0]
        self.mistakes = wrong[confidence[wrong].argsort(descending=True, stable=True)].tolist()
        shown = self.mistakes[:MOST_MISTAKES]
        caption = f"{len(wrong)} of {len(labels)} are wrong ({len(wrong) / len(labels):.2%})".replace("%", " %")
        if len(wrong) > len(shown):
            caption += f"; here are the {len(shown)} that the network was surest of"
        mistakes = [_mistake(i, images[i], int(labels[i]), probabilities[i]) for i in shown]
        if classify is not None:
            for start in range(0, len(mistakes), BATCH):
                _explain(mistakes[start : start + BATCH], images, classify)
        super().__init__(
            index=shown[0] if shown else None,
            _mistakes=mistakes,
            _classes=classes,
            _caption=f"{caption}." if shown else f"No mistakes: all {len(labels)} are classified rightly.",
        )

    @traitlets.validate("index")
    def _check_index(self, proposal):
        index = proposal["value"]
        if index is None and not self.mistakes:
            return None
        if index in self.mistakes[:MOST_MISTAKES]:
            return int(index)
        if index in self.mistakes:
            rank = self.mistakes.index(index) + 1
            why = f"is mistake number {rank}, and only the first {MOST_MISTAKES} are shown"
        else:
            why = "is not among the mistakes: see browser.mistakes"
        raise ValueError(f"image {index} {why}")

    def _told(self, mistake):
        truth, guess = (self._classes[mistake[part]] for part in ("truth", "guess"))
        return f"image {mistake['index']}: {truth}, taken for {guess} with {_percent(mistake['rows'][0][1])}"

    def __repr__(self):
        surest = f" Surest: {self._told(self._mistakes[0])}." if self._mistakes else ""
        return f"MistakeBrowser: {self._caption}{surest}"

    def _still(self):
        figures = []
        for mistake in self._mistakes[:STILL_MISTAKES]:
            title = html.escape(self._told(mistake))
            style = "image-rendering: pixelated; width: 130px"
            picture = f'<img alt="{title}" style="{style}" src="{mistake["picture"]}">'
            if mistake["why"]:
                picture += f'<img alt="why: orange for the guess" style="{style}" src="{mistake["why"]}">'
            figures.append(f'<div style="width: 150px">{picture}<br>{title}</div>')
        return side_by_side(figures)


def _check(images, labels, logits, classes):
    if images.ndim != 4 or images.shape[1] not in (1, 3) or not images.is_floating_point() or not images.numel():
        raise ValueError(
            "images must be a float tensor of shape (N, 1, H, W) or (N, 3, H, W), "
            f"not {images.dtype} of shape {tuple(images.shape)}"
        )
    low, high = images.aminmax()
    if not (low >= 0 and high <= 1):
        raise ValueError(
            f"images must hold numbers from 0 to 1, not {low:.3g} to {high:.3g}: give them as they were before "
            "they were normalised, or divide pixels by 255"
        )
    n, k = len(images), len(classes)
    if labels.shape != (n,) or labels.is_floating_point():
        raise ValueError(
            f"labels must be whole numbers of shape ({n},), one for each image, "
            f"not {labels.dtype} of shape {tuple(labels.shape)}"
        )
    if logits.shape != (n, k) or not logits.is_floating_point() or not logits.isfinite().all():
        raise ValueError(
            f"logits must be finite floats of shape ({n}, {k}), for each image one for each of the {k} classes, "
            f"not {logits.dtype} of shape {tuple(logits.shape)}"
            + (" with an inf or a nan in it" if not logits.isfinite().all() else "")
        )
    if not ((labels >= 0) & (labels < k)).all():
        raise ValueError(f"labels must be 0 to {k - 1} for {k} classes, not {labels.min()} to {labels.max()}")


def _mistake(index, image, truth, probabilities):
    """What the page needs: with the five most probable classes, and the true one if it is not among them."""
    order = probabilities.argsort(descending=True, stable=True).tolist()
    rank = order.index(truth)
    rows = order[:5] + ([truth] if rank >= 5 else [])
    return {
        "index": index,
        "truth": truth,
        "guess": order[0],
        "rank": rank + 1,
        "rows": [[row, float(probabilities[row])] for row in rows],
        "picture": _picture(image),
        "why": None,
    }


def _explain(mistakes, images, classify):
    """Put a picture of pixel times gradient into these mistakes."""
    indices, truths, guesses = ([mistake[part] for mistake in mistakes] for part in ("index", "truth", "guess"))
    with torch.enable_grad():
        pixels = images[indices].float().requires_grad_()
        logits = classify(pixels)
        if not isinstance(logits, torch.Tensor) or logits.ndim != 2 or not logits.requires_grad:
            raise ValueError(
                "classify must return logits of shape (n, K) with a gradient: call the model itself, without "
                "torch.no_grad or detach"
            )
        rows = torch.arange(len(indices))
        margins = logits.cpu()[rows, guesses] - logits.cpu()[rows, truths]
        (gradient,) = torch.autograd.grad(margins.sum(), pixels)
    for mistake, part in zip(mistakes, (pixels * gradient).sum(1).detach(), strict=True):
        colours, _ = signed_colours(part)
        mistake["why"] = _picture(colours.movedim(-1, 0))


def _picture(image):
    """A data address: PNG while pixels are to be told apart, JPEG for photographs."""
    if max(image.shape[1:]) > LARGEST_SIDE:
        shrink = LARGEST_SIDE / max(image.shape[1:])
        size = [max(1, round(side * shrink)) for side in image.shape[1:]]
        image = F.interpolate(image[None], size, mode="area")[0]
    pixels = (image.float() * 255).round().byte().movedim(0, -1)
    kind = "png" if max(image.shape[1:]) <= LOSSLESS_SIDE else "jpeg"
    return address(Image.fromarray((pixels[..., 0] if pixels.shape[-1] == 1 else pixels).numpy()), kind)


def _percent(p):
    if 0.9995 <= p < 1:
        return "> 99.9 %"
    return "< 0.1 %" if 0 < p < 0.0005 else f"{100 * p:.1f} %"
