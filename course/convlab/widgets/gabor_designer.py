"""A Gabor kernel, its bank of orientations and what it answers to a photo, with a slider for every number."""

import math

import torch
import torch.nn.functional as F
import traitlets
from PIL import Image

from ..data import photo
from ..figures import address
from .base import Explorer, side_by_side, sources

LARGEST_IMAGE = 96
BELOW, ZERO, ABOVE = torch.tensor([[0x2B, 0x6C, 0xB0], [0xFF, 0xFF, 0xFF], [0xD9, 0x70, 0x0E]]).double()


class GaborDesigner(Explorer):
    """Design a Gabor kernel and see what it answers to a photo.

    The kernel is exp(-(x'^2 + gamma^2 y'^2) / (2 sigma^2)) cos(2 pi x' / lambd + psi) with
    x' = x cos(theta) + y sin(theta) and y' = -x sin(theta) + y cos(theta), where x runs to the right and y down
    from the kernel's centre: the real part of scikit-image's `gabor_kernel` (sigma_x = sigma, sigma_y = sigma /
    gamma, frequency = 1 / lambd, offset = psi) without its constant factor, under OpenCV's parameter names.

    Args:
        image: (H, W), (1, H, W) or (3, H, W) in [0, 1], H and W at least 21; shown in grey, shrunk to at most
            96 cells a side; a brick wall if left out.
        size: rows and columns of the kernel, 3..21.
        theta: direction across the stripes, 0..2 pi radians, from the right towards the bottom.
        lambd: wavelength, 2..21 cells.
        sigma: width of the envelope across the stripes, 0.5..8 cells.
        psi: phase, 0..2 pi radians.
        gamma: 0.25..2; below 1 the envelope is longer than wide.
        n: orientations in the bank, 1..16, at theta = 0, pi / n, 2 pi / n, ...
        normalised: whether each kernel is moved to mean 0 and scaled to norm 1.

    Assign any but `image` to redraw; read them to get what was done in the browser.

    Raises:
        traitlets.TraitError: a number outside its range.
        ValueError: an image of another shape, or too small.
    """

    _esm, _css = sources("gabor_designer")
    _title = "Gabor designer"
    _use = "move its sliders"

    size = traitlets.Int(11, min=3, max=21).tag(sync=True)
    theta = traitlets.Float(0.0, min=0, max=2 * math.pi).tag(sync=True)
    lambd = traitlets.Float(6.0, min=2, max=21).tag(sync=True)
    sigma = traitlets.Float(2.75, min=0.5, max=8).tag(sync=True)
    psi = traitlets.Float(0.0, min=0, max=2 * math.pi).tag(sync=True)
    gamma = traitlets.Float(1.0, min=0.25, max=2).tag(sync=True)
    n = traitlets.Int(8, min=1, max=16).tag(sync=True)
    normalised = traitlets.Bool(True).tag(sync=True)
    _pixels = traitlets.List().tag(sync=True)

    def __init__(self, image=None, **numbers):
        super().__init__(_pixels=_grey(photo("brick") if image is None else image), **numbers)
        self._start = self.get_state(["size", "theta", "lambd", "sigma", "psi", "gamma", "n", "normalised"])

    @property
    def image(self):
        """The grey image that is shown, (H, W) in [0, 1]."""
        return torch.tensor(self._pixels) / 255

    @property
    def weight(self):
        """The kernel, a float32 tensor (size, size)."""
        return self._kernel(self.theta)

    @property
    def bank(self):
        """The kernels of the bank, a float32 tensor (n, size, size)."""
        return torch.stack([self._kernel(i * math.pi / self.n) for i in range(self.n)])

    @property
    def output(self):
        """The answer to the image, a float32 tensor (H - size + 1, W - size + 1)."""
        return F.conv2d(self.image[None, None], self.weight[None, None])[0, 0]

    def _kernel(self, theta):
        away = torch.arange(self.size, dtype=torch.float64) - (self.size - 1) / 2
        x, y = away[None, :], away[:, None]
        across = x * math.cos(theta) + y * math.sin(theta)
        along = y * math.cos(theta) - x * math.sin(theta)
        envelope = torch.exp(-(across**2 + (self.gamma * along) ** 2) / (2 * self.sigma**2))
        kernel = envelope * torch.cos(2 * math.pi * across / self.lambd + self.psi)
        if self.normalised:
            kernel = kernel - kernel.mean()
            kernel = kernel / kernel.norm().clamp(min=1e-12)
        return kernel.float()

    def __repr__(self):
        return (
            f"GaborDesigner: size {self.size}, theta {math.degrees(self.theta):.4g}°, lambd {self.lambd:g}, "
            f"sigma {self.sigma:g}, psi {math.degrees(self.psi):.4g}°, gamma {self.gamma:g}"
        )

    def _still(self):
        parts = {"image": self.image, "kernel": self.weight, "answer": self.output}
        return side_by_side(_still(name, repr(self), part, name != "image") for name, part in parts.items())


def _grey(image):
    """Rows of whole numbers 0..255, at most 96 a side."""
    image = torch.as_tensor(image).detach().float().cpu()
    if image.shape[:-2] not in ((), (1,), (3,)) or min(image.shape[-2:]) < 21:
        raise ValueError(
            f"image must have shape (H, W), (1, H, W) or (3, H, W), H and W at least 21, not {tuple(image.shape)}"
        )
    shrink = min(1, LARGEST_IMAGE / max(image.shape[-2:]))
    size = [max(21, round(side * shrink)) for side in image.shape[-2:]]
    grey = image if image.ndim == 2 else image.mean(0)
    grey = F.interpolate(grey[None, None], size, mode="area")[0, 0]
    return (grey.clamp(0, 1) * 255).round().int().tolist()


def _still(name, what, part, signed):
    """A picture of a matrix for pages without JavaScript: grey, or blue-white-orange centred at zero."""
    if signed:
        strength = (part / part.abs().max().clamp(min=1e-12)).double()[..., None]
        colours = ZERO + strength.abs() * (torch.where(strength < 0, BELOW, ABOVE) - ZERO)
        picture = Image.fromarray(colours.round().byte().numpy())
    else:
        picture = Image.fromarray((part * 255).round().byte().numpy())
    style = "image-rendering: pixelated; border: 1px solid #bdbdbd"
    still = f'<img alt="{name} of the {what}" width="192" style="{style}" src="{address(picture)}">'
    return f"<div><b>{name}</b><br>{still}</div>"
