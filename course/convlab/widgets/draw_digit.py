"""Draw a digit, see the 28 x 28 pixels that a network sees, its feature maps, and how it classifies them."""

import html

import torch
import torch.nn.functional as F
import traitlets
from PIL import Image
from torch import nn

from ..figures import address, signed_colours
from .base import Explorer, side_by_side, sources

SIDE = 28
MOST_MAPS = 12


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
        layers: a dict of names to modules of the network: the first 12 feature maps of each are shown.

    Assign `image`, a float tensor (28, 28), to show and classify it; read it to get what was drawn, as a copy.
    Where classify fails, the widget says why.

    Attributes:
        feature_maps: what each of the layers made of the image, a dict of names to float32 tensors (C, H, W).

    Raises:
        ValueError: classify cannot be called, layers are no modules, or an image of another shape, kind or range.
    """

    _esm, _css = sources("draw_digit")
    _title = "Draw a digit"
    _without_python = "This page draws and prepares a digit; only the network that classifies it needs Python."
    _use = "draw"

    image = Picture()
    _answer = traitlets.Dict().tag(sync=True)

    def __init__(self, classify, layers=None):
        if not callable(classify):
            raise ValueError(
                f"classify must be a function from images (1, 1, 28, 28) to logits, not {type(classify).__name__}"
            )
        self._layers = layers or {}
        if not all(isinstance(layer, nn.Module) for layer in self._layers.values()):
            raise ValueError(
                f'layers must be a dict of names to modules, such as {{"first": model[0]}}, not {layers}'
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
        self.feature_maps = {}
        hooks = [
            layer.register_forward_hook(lambda _, inputs, output, name=name: self._keep(name, output))
            for name, layer in self._layers.items()
        ]
        try:
            with torch.no_grad():
                probabilities = _probabilities(self._classify(self.image[None, None]))
            if unused := self._layers.keys() - self.feature_maps.keys():
                raise ValueError(f"it does not call the layers {sorted(unused)}")
            answer = {"probabilities": probabilities, "error": ""}
        except Exception as error:
            answer = {"probabilities": [], "error": f"classify failed, {type(error).__name__}: {error}"}
        finally:
            for hook in hooks:
                hook.remove()
        maps = [] if answer["error"] else [_pixels(name, maps) for name, maps in self.feature_maps.items()]
        self._answer = answer | {"maps": maps} | self.get_state("image")

    def _keep(self, name, output):
        if not isinstance(output, torch.Tensor) or output.ndim != 4 or len(output) != 1:
            what = f"shape {tuple(output.shape)}" if isinstance(output, torch.Tensor) else type(output).__name__
            raise ValueError(f"layer {name} must make feature maps of shape (1, C, H, W), not {what}")
        if not output.isfinite().all():
            raise ValueError(f"layer {name} made feature maps with an inf or a nan in them")
        self.feature_maps[name] = output[0].to("cpu", torch.float32, copy=True)

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
        parts = [f'<img alt="the 28 x 28 pixels" src="{source}">', f"<table>{rows}</table>"]
        return side_by_side(parts) + "".join(_montage(name, maps) for name, maps in self.feature_maps.items())


def _probabilities(logits):
    if not isinstance(logits, torch.Tensor) or logits.ndim != 2 or len(logits) != 1 or not logits.numel():
        what = f"shape {tuple(logits.shape)}" if isinstance(logits, torch.Tensor) else type(logits).__name__
        raise ValueError(f"it must return a tensor of logits of shape (1, K), one for each class, not {what}")
    if not logits.isfinite().all():
        raise ValueError("it returned logits with an inf or a nan among them")
    return logits[0].float().softmax(0).tolist()


def _pixels(name, maps):
    """The first maps for the page: bytes from -127 to 127, which stand for -limit to limit."""
    limit = float(maps[:MOST_MAPS].abs().max()) or 1.0
    (channels, height, width), pixels = maps.shape, (maps[:MOST_MAPS] / limit * 127).round().to(torch.int8)
    sizes = {"channels": channels, "height": height, "width": width}
    return {"name": name, **sizes, "limit": limit, "pixels": pixels.numpy().tobytes()}


def _montage(name, maps):
    """The first maps in a row, blue below 0, white at 0, orange above."""
    colours, limit = signed_colours(torch.cat([F.pad(one, (0, 1)) for one in maps[:MOST_MAPS]], 1)[:, :-1])
    alt = html.escape(f"feature maps of {name}, blue below 0, white at 0, orange above, up to ±{limit:.3g}")
    source = address(Image.fromarray((colours * 255).round().byte().numpy()))
    image = f'<img alt="{alt}" style="height: 56px; image-rendering: pixelated" src="{source}">'
    return f"<p>{html.escape(name)}<br>{image}</p>"
