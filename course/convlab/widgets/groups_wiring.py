"""Which input channel feeds which output channel of a grouped layer, wire by wire, and what the layer costs."""

import torch
import traitlets
from torch import nn

from .base import Explorer, drawing, sources

NAMES = ["in_channels", "out_channels", "groups", "kernel_size", "side", "two_layers", "shuffle", "chosen"]


class GroupsWiring(Explorer):
    """Draw the wires between the channels of one grouped layer, or of two in a row, and count its cost.

    Args:
        in_channels, out_channels: 1..16. A second layer leads from out_channels to out_channels.
        groups: 1..16. Where it does not divide both, the picture keeps the last wiring and says why.
        kernel_size: rows and columns of the kernel, one of 1, 3, 5, 7; padding keeps the size.
        side: height and width of the image whose MACs are counted, 1..224 cells.
        two_layers: whether a second layer with the same groups follows.
        shuffle: whether the channels between the two layers are shuffled (channel i of group g goes to place
            i * groups + g).
        chosen: the channel whose wires stand out, such as "in 3" or "out 0"; "" for none.

    Assign any of them to redraw; read them to get what was done in the browser.

    Raises:
        traitlets.TraitError: a number outside its range.
        ValueError: when it is made, or asked for its wiring, with groups that do not divide the channels.
    """

    _esm, _css = sources("groups_wiring")
    _title = "Groups wiring"
    _use = "move its sliders"

    in_channels = traitlets.Int(8, min=1, max=16).tag(sync=True)
    out_channels = traitlets.Int(8, min=1, max=16).tag(sync=True)
    groups = traitlets.Int(2, min=1, max=16).tag(sync=True)
    kernel_size = traitlets.Enum([1, 3, 5, 7], 3).tag(sync=True)
    side = traitlets.Int(32, min=1, max=224).tag(sync=True)
    two_layers = traitlets.Bool(False).tag(sync=True)
    shuffle = traitlets.Bool(False).tag(sync=True)
    chosen = traitlets.Unicode("").tag(sync=True)

    def __init__(self, in_channels=8, out_channels=8, **settings):
        super().__init__(in_channels=in_channels, out_channels=out_channels, **settings)
        if self.problem:
            raise ValueError(self.problem)
        self._start = self.get_state(NAMES)

    @traitlets.validate("chosen")
    def _named(self, proposal):
        kind, _, place = proposal["value"].partition(" ")
        if proposal["value"] and not (kind in ("in", "out") and place.isdigit() and int(place) < 16):
            raise traitlets.TraitError(
                f'chosen must be "", or such as "in 3" or "out 0", not {proposal["value"]!r}'
            )
        return proposal["value"]

    @property
    def problem(self):
        """Why there is no such layer, in words; "" where there is one."""
        for name in ("in_channels", "out_channels"):
            if getattr(self, name) % self.groups:
                return f"groups={self.groups} does not divide {name}={getattr(self, name)}"
        return ""

    @property
    def layers(self):
        """The one or two nn.Conv2d that are drawn, with fresh weights."""
        if self.problem:
            raise ValueError(self.problem)
        inputs = [self.in_channels, self.out_channels][: 1 + self.two_layers]
        padding = self.kernel_size // 2
        return [
            nn.Conv2d(i, self.out_channels, self.kernel_size, padding=padding, groups=self.groups) for i in inputs
        ]

    @property
    def wiring(self):
        """Whether input channel i can change output channel o: a bool tensor [o, i]."""
        first, *second = (_reads(layer) for layer in self.layers)
        if not second:
            return first
        middle = first[self.order] if self.shuffle else first
        return (second[0].float() @ middle.float()) > 0

    @property
    def order(self):
        """The channel shuffle: which middle channel comes to each place."""
        return torch.arange(self.out_channels).reshape(self.groups, -1).T.flatten()

    @property
    def parameters(self):
        """How many numbers the layers learn."""
        return sum(one.numel() for layer in self.layers for one in layer.parameters())

    @property
    def macs(self):
        """Multiply-accumulates for one image of side x side cells."""
        return sum(layer.weight.numel() for layer in self.layers) * self.side**2

    def __repr__(self):
        if self.problem:
            return f"GroupsWiring: {self.problem}"
        layers = "two layers" + (" with a channel shuffle between" if self.shuffle else "") + ", each"
        count = "s" if self.groups > 1 else ""
        return (
            f"GroupsWiring: {layers if self.two_layers else 'a layer'} of {self.groups} group{count}, "
            f"{self.in_channels} channels in and {self.out_channels} out, kernel {self.kernel_size} × "
            f"{self.kernel_size}, {self.parameters:,} parameters, {self.macs:,} MACs"
        )

    def _still(self):
        """Inputs on top, outputs below, a line for each path; nothing where there is no such layer."""
        if self.problem:
            return ""
        wiring = self.wiring
        wide = 40 * max(wiring.shape)
        tops, feet = ([wide * (i + 0.5) / n for i in range(n)] for n in (self.in_channels, self.out_channels))
        lines = "".join(
            f'<line x1="{tops[i]:g}" y1="28" x2="{feet[o]:g}" y2="132" stroke="#2b6cb0" stroke-width="1.5"/>'
            for o, i in wiring.nonzero().tolist()
        )
        boxes = "".join(
            f'<rect x="{x - 15:g}" y="{y}" width="30" height="24" fill="white" stroke="#1a202c"/>'
            f'<text x="{x:g}" y="{y + 17}" text-anchor="middle" font-size="14">{n}</text>'
            for y, places in ((4, tops), (132, feet))
            for n, x in enumerate(places)
        )
        alt = f"Input channels on top, output channels below. {_told(wiring)}"
        return drawing(lines + boxes, wide, 160, alt)


def _reads(layer):
    """Which input channels each filter reads, a bool tensor (out, in)."""
    group = torch.arange(layer.out_channels) // (layer.out_channels // layer.groups)
    return group[:, None] == torch.arange(layer.in_channels) // (layer.in_channels // layer.groups)


def _told(wiring):
    """Which inputs change which outputs, in words; neighbouring outputs with the same inputs together."""
    runs = []
    for o, row in enumerate(wiring.tolist()):
        if runs and runs[-1][1] == row:
            runs[-1][0].append(o)
        else:
            runs.append(([o], row))
    return " ".join(
        f"Output{_listed(outputs)} {'hears' if len(outputs) == 1 else 'hear'} "
        f"input{_listed([i for i, read in enumerate(row) if read])}."
        for outputs, row in runs
    )


def _listed(numbers):
    """Numbers after a noun: " 3", "s 0 to 3", "s 0, 2, 5"."""
    if len(numbers) == 1:
        return f" {numbers[0]}"
    if len(numbers) > 2 and numbers == list(range(numbers[0], numbers[-1] + 1)):
        return f"s {numbers[0]} to {numbers[-1]}"
    return "s " + ", ".join(map(str, numbers))
