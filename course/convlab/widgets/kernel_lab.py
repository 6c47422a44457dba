"""A photograph under a kernel: the weights and the border can be changed, in the browser or from Python."""

import html

import torch
import torch.nn.functional as F
import traitlets
from PIL import Image

from .. import data
from ..figures import address, signed_colours
from .base import PADDING_MODES, Explorer, side_by_side, sources

LARGEST_SIDE = 128
SIZES = (3, 5, 7)
IDENTITY = [[0, 0, 0], [0, 1, 0], [0, 0, 0]]


class Photo(traitlets.TraitType):
    """A grey float32 picture (height, width) of whole 255ths, no side above 128; reading it gives a copy."""

    def __init__(self):
        super().__init__()
        self.tag(sync=True, to_json=lambda photo, _: _pixels(photo), from_json=lambda state, _: _photo(state))

    def validate(self, obj, value):
        photo = (data.photo(value) if isinstance(value, str) else torch.as_tensor(value)).detach().cpu()
        if photo.ndim == 2:
            photo = photo[None]
        if photo.ndim != 3 or len(photo) not in (1, 3) or not photo.numel() or not photo.is_floating_point():
            raise ValueError(
                "photo must be a name, or a float tensor of shape (H, W), (1, H, W) or (3, H, W), "
                f"not {photo.dtype} of shape {tuple(photo.shape)}"
            )
        if not ((photo >= 0) & (photo <= 1)).all():
            raise ValueError("photo must hold numbers from 0 to 1")
        grey = photo.float().mean(0)
        shrink = min(1, LARGEST_SIDE / max(grey.shape))
        size = [max(1, round(side * shrink)) for side in grey.shape]
        return (F.interpolate(grey[None, None], size, mode="area")[0, 0] * 255).round() / 255

    def get(self, obj, cls=None):
        return super().get(obj, cls).clone()


class Kernel(traitlets.TraitType):
    """A float32 tensor of shape (3, 3), (5, 5) or (7, 7); reading it gives a copy."""

    def __init__(self):
        super().__init__()
        self.tag(sync=True, to_json=lambda weight, _: _rows(weight), from_json=lambda rows, _: rows)

    def validate(self, obj, value):
        try:
            weight = torch.as_tensor(value).detach()
        except (TypeError, ValueError, RuntimeError) as error:
            raise ValueError(f"weight must be a table of numbers with equal rows: {error}") from None
        if weight.ndim != 2 or weight.shape[0] != weight.shape[1] or weight.shape[0] not in SIZES:
            raise ValueError(f"weight must have shape (3, 3), (5, 5) or (7, 7), not {tuple(weight.shape)}")
        if weight.is_complex():
            raise ValueError(f"weight must hold real numbers, not {weight.dtype}")
        weight = weight.to("cpu", torch.float32, copy=True)
        if not weight.isfinite().all():
            raise ValueError("weight must hold finite float32 numbers: there is an inf or a nan in it")
        return weight

    def get(self, obj, cls=None):
        return super().get(obj, cls).clone()


class KernelLab(Explorer):
    """A photograph before and after a kernel (stride 1, an output as large as the input).

    Args:
        photo: the name of a photograph in `convlab.data`, or a float tensor (H, W), (1, H, W) or (3, H, W) of
            numbers from 0 to 1. Colours are averaged to grey, and sides above 128 are shrunk to 128.
        weight: (3, 3), (5, 5) or (7, 7) real finite numbers, tensor or nested lists; identity if left out.
        padding_mode: "zeros", "reflect", "replicate" or "circular": what lies beyond the border.

    Assign any of the three to redraw; read them to get what was done in the browser, where one can also open a
    picture file and draw on the photo. Tensors come back as float32 copies: assign a whole tensor, since
    `lab.weight[0, 0] = 1` changes only the copy.

    Raises:
        ValueError: a photo or kernel of another shape, size or kind. TraitError: another padding mode.
    """

    _esm, _css = sources("kernel_lab")
    _title = "Kernel lab"
    _use = "change the kernel"

    photo = Photo()
    weight = Kernel()
    padding_mode = traitlets.Enum(PADDING_MODES, "zeros").tag(sync=True)

    def __init__(self, photo="camera", weight=None, padding_mode="zeros"):
        super().__init__(photo=photo, weight=IDENTITY if weight is None else weight, padding_mode=padding_mode)
        self._start = self.get_state(["photo", "weight", "padding_mode"])

    @property
    def output(self):
        """The filtered photo, a float32 tensor of the photo's shape; ValueError if the border cannot be made."""
        if misfit := self._misfit():
            raise ValueError(misfit)
        weight = self.weight
        mode = "constant" if self.padding_mode == "zeros" else self.padding_mode
        padded = F.pad(self.photo[None, None], (len(weight) // 2,) * 4, mode=mode)
        return F.conv2d(padded, weight[None, None])[0, 0]

    def _misfit(self):
        size = len(self.weight)
        least = {"reflect": size // 2 + 1, "circular": size // 2}.get(self.padding_mode, 1)
        if min(self.photo.shape) >= least:
            return ""
        return (
            f"{self.padding_mode} needs a photo of at least {least}x{least} pixels for a {size}x{size} kernel, "
            f"and this one is {_size(self.photo)}. Choose another padding mode or a smaller kernel."
        )

    def __repr__(self):
        return f"KernelLab: photo {_size(self.photo)}, kernel {_size(self.weight)}, padding {self.padding_mode}"

    def _plain(self):
        return "\n".join([repr(self), *("  ".join(f"{x:>7.4g}" for x in row) for row in _rows(self.weight))])

    def _still(self):
        table = "".join(
            "<tr>" + "".join(f'<td style="padding: 0.2em 0.6em">{x:.4g}</td>' for x in row) + "</tr>"
            for row in _rows(self.weight)
        )
        parts = {"photo": _image(self.photo, "the photograph"), "kernel": f"<table>{table}</table>"}
        if misfit := self._misfit():
            parts["output"] = f"<p>{html.escape(misfit)}</p>"
        else:
            parts["output"] = _image(self.output, "the filtered photograph", _is_signed(self.weight))
        return side_by_side(f"<div><b>{name}</b><br>{part}</div>" for name, part in parts.items())


def _size(table):
    return "x".join(map(str, table.shape))


def _rows(weight):
    """The shortest decimals that give the same float32, so that 0.1 typed in the browser stays 0.1."""
    return [[float(str(x)) for x in row] for row in weight.numpy()]


def _pixels(photo):
    height, width = photo.shape
    return {"height": height, "width": width, "pixels": (photo * 255).round().byte().numpy().tobytes()}


def _photo(state):
    pixels = torch.frombuffer(bytearray(state["pixels"]), dtype=torch.uint8)
    return pixels.view(state["height"], state["width"]) / 255


def _is_signed(weight):
    """Whether the weights add up to 0, so that the output has both signs."""
    return bool(weight.sum().abs() <= 1e-5 * weight.abs().sum())


def _image(picture, alt, signed=False):
    if signed:
        colours, limit = signed_colours(picture)
        alt += f", blue below 0, white at 0, orange above, from {-limit:.3g} to {limit:.3g}"
    else:
        colours = picture.clamp(0, 1)
    image = Image.fromarray((colours * 255).round().byte().numpy())
    twice = image.resize((2 * image.width, 2 * image.height), Image.Resampling.NEAREST)
    return f'<img alt="{alt}" src="{address(twice)}">'
