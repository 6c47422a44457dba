"""Draw a digit, see the 28 x 28 pixels that a network sees, and how it classifies them."""

import torch
import traitlets
from PIL import Image

from ..figures import address
from .base import Explorer, side_by_side, sources

SIDE = 28


class Picture(traitlets.TraitType):
    """A float32 tensor (28, 28) of whole 255ths; reading it gives a copy."""

    def __init__(self):
        super().__init__(torch.zeros(SIDE, SIDE))
        self.tag(
            sync=True,
            to_json=lambda image, _: (image * 255).round().byte().numpy().tobytes(),
            from_json=lambda pixels, _: torch.tensor(list(pixels)).view(SIDE, SIDE) / 255,
        )

    def validate(self, obj, value):
        image = torch.as_tensor(value).detach().cpu()
        if image.shape not in ((SIDE, SIDE), (1, SIDE, SIDE), (1, 1, SIDE, SIDE)) or not image.is_floating_point():
            raise ValueError(
                f"image must be a float tensor of shape (28, 28) or (1, 28, 28), "
                f"not {image.dtype} of shape {tuple(image.shape)}"
            )
        if not ((image >= 0) & (image <= 1)).all():
            raise ValueError(
                f"image must hold numbers from 0 to 1, not {image.min():.3g} to {image.max():.3g}: divide pixels "
                "by 255, and give the image as it was before it was normalised"
            )
        return (image.float().view(SIDE, SIDE) * 255).round() / 255

    def get(self, obj, cls=None):
        return super().get(obj, cls).clone()


class DrawDigit(Explorer):
    """A canvas for one digit, and what a network makes of it.

    What is drawn is prepared in the browser as MNIST's digits were: fitted into 20 x 20 pixels without
    distortion, in greys, and moved so that its centre of mass is at the centre of 28 x 28. White is 1, black 0.

    Args:
        classify: maps a float32 tensor (1, 1, 28, 28) on the CPU to logits (1, K), for class 0, ..., K - 1. It has
            to do what training did to its input (normalise it, say), and to put the model in eval mode.

    Assign `image`, a float tensor (28, 28), to show and classify it; read it to get what was drawn, as a copy.
    Where classify fails, the widget says why.

    Raises:
        ValueError: classify cannot be called, or an image of another shape, kind or range.
    """

    _esm, _css = sources("draw_digit")
    _title = "Draw a digit"
    _without_python = "This page draws and prepares a digit; only the network that classifies it needs Python."
    _use = "draw"

    image = Picture()
    _answer = traitlets.Dict().tag(sync=True)

    def __init__(self, classify):
        if not callable(classify):
            raise ValueError(
                f"classify must be a function from images (1, 1, 28, 28) to logits, not {type(classify).__name__}"
            )
        self._classify = classify
        super().__init__()
        self._ask()

    @property
    def probabilities(self):
        """What the network makes of the image, a float32 tensor (K,) of sum 1; ValueError if classify failed."""
        if error := self._answer["error"]:
            raise ValueError(error)
        return torch.tensor(self._answer["probabilities"])

    @traitlets.observe("image")
    def _ask(self, _=None):
        try:
            with torch.no_grad():
                answer = {"probabilities": _probabilities(self._classify(self.image[None, None])), "error": ""}
        except Exception as error:
            answer = {"probabilities": [], "error": f"classify failed, {type(error).__name__}: {error}"}
        self._answer = answer | self.get_state("image")

    def __repr__(self):
        if error := self._answer["error"]:
            return f"DrawDigit: {error}"
        what = "a digit" if self.image.any() else "nothing drawn yet"
        probability, most = self.probabilities.max(0)
        return f"DrawDigit: {what}, class {most} with {100 * probability:.1f} %"

    def _still(self):
        source = address(Image.fromarray((self.image * 255).round().byte().numpy()).resize((224, 224), 0))
        rows = "".join(
            f"<tr><td>{digit}</td><td>{100 * probability:.1f} %</td></tr>"
            for digit, probability in enumerate(self._answer["probabilities"])
        )
        return side_by_side([f'<img alt="the 28 x 28 pixels" src="{source}">', f"<table>{rows}</table>"])


def _probabilities(logits):
    if not isinstance(logits, torch.Tensor) or logits.ndim != 2 or len(logits) != 1 or not logits.numel():
        what = f"shape {tuple(logits.shape)}" if isinstance(logits, torch.Tensor) else type(logits).__name__
        raise ValueError(f"it must return a tensor of logits of shape (1, K), one for each class, not {what}")
    if not logits.isfinite().all():
        raise ValueError("it returned logits with an inf or a nan among them")
    return logits[0].float().softmax(0).tolist()
