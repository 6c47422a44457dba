"""Where a student's notebook runs: a kernel that sees nothing, reaches nobody, and uses only what it is given.

`SandboxProvisioner` starts the kernel under bubblewrap (or in a container), or has it forked by a server that runs
under bubblewrap and has imported torch, which takes a tenth of the time. Visible are the interpreter and its
environment, `convlab` without its answers (see `view`), and a private copy of what was handed in. What the
student's code may use is set by `Sandbox`, in nbgrader_config.py as `c.Sandbox.memory_mib = 2048` and so on.
"""

from __future__ import annotations

import contextlib
import functools
import json
import os
import secrets
import select
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from importlib.metadata import entry_points
from pathlib import Path
from queue import Empty
from types import MappingProxyType
from typing import NamedTuple

import zmq.asyncio
from jupyter_client import AsyncKernelClient, AsyncKernelManager
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.provisioning import LocalProvisioner
from jupyter_client.provisioning.provisioner_base import KernelProvisionerBase
from traitlets import Enum, Integer, Unicode, default
from traitlets.config import Configurable

from convlab.cache import cache_folder
from grader import view

MIB = 2**20
NOBODY = 65534
PORTS = ("shell_port", "iopub_port", "stdin_port", "control_port", "hb_port")
WORK, SOCKETS, SEEN = "/run/work", "/run/kernel", "/run/course"
"""In the sandbox: the folder of the hand-in, the kernel's sockets, and what `view` wrote."""

PASSWD = "student:x:1000:1000::/tmp:/bin/sh\n"

READABLE = (
    "/etc/alternatives",
    "/etc/fonts",
    "/etc/ld.so.cache",
    "/etc/ld.so.conf",
    "/etc/ld.so.conf.d",
    "/etc/localtime",
)


class NoSandbox(RuntimeError):
    """Students' code cannot be run as it has to be."""


class Sandbox(Configurable):
    """Which sandbox, and its limits. All limits are for one submission, all its processes together."""

    backend = Enum(
        ["auto", "forkserver", "bubblewrap", "docker", "podman", "none"],
        "auto",
        help="auto: the first of these that works. none: students' code runs as you!",
    ).tag(config=True)
    image = Unicode("conv2d-course", help="For docker and podman: see grader/Containerfile.").tag(config=True)
    memory_mib = Integer(3072, help="Memory, without what is in files.").tag(config=True)
    processes = Integer(64, help="Processes and threads.").tag(config=True)
    disk_mib = Integer(256, help="Files, the hand-in's own included; as much again in /tmp.").tag(config=True)
    files = Integer(10_000, help="Files and folders.").tag(config=True)
    file_mib = Integer(128, help="The largest file.").tag(config=True)
    output_mib = Integer(8, help="What the cells print and show; more is cut off.").tag(config=True)
    cpu_seconds = Integer(900, help="CPU time of a process.").tag(config=True)
    cell_seconds = Integer(120, help="Time for a cell, and for all cases of an exercise.").tag(config=True)
    submission_seconds = Integer(900, help="Time for a notebook.").tag(config=True)

    def chosen(self) -> str:
        """The backend that is used: raises NoSandbox if none works, or the one that was asked for does not."""
        return _working(self.backend)

    @property
    def resources(self) -> dict[str, int]:
        """The limits of each process, by their names in `resource`."""
        return {
            "RLIMIT_CORE": 0,
            "RLIMIT_CPU": self.cpu_seconds,
            "RLIMIT_DATA": self.memory_mib * MIB,
            "RLIMIT_FSIZE": self.file_mib * MIB,
            "RLIMIT_NOFILE": 1024,
            "RLIMIT_NPROC": self.processes,
        }


@functools.cache
def _working(asked: str) -> str:
    if not entry_points(group="jupyter_client.kernel_provisioners", name="convlab-sandbox"):
        raise NoSandbox("This installation is older than the grader's sandbox: run `make setup`, or pip, again.")
    if asked == "none":
        return asked
    failures = {}
    for backend in ("forkserver", "bubblewrap", "podman", "docker") if asked == "auto" else (asked,):
        failures[backend] = _trial(backend)
        if not failures[backend]:
            return backend
    reasons = "\n".join(f"  {backend}: {failure}" for backend, failure in failures.items())
    raise NoSandbox(
        f"No sandbox works here, and students' code is not run without one:\n{reasons}\n"
        "Install bubblewrap 0.8 or later (on Debian or Ubuntu: sudo apt install bubblewrap), build the image of "
        "grader/Containerfile for podman or docker, or grade in a machine made for it with --unsafe-no-sandbox."
    )


def _trial(backend: str) -> str | None:
    """Why `backend` does not work here; None where it does."""
    program = "bwrap" if backend in ("forkserver", "bubblewrap") else backend
    if not shutil.which(program):
        return f"{program} is not installed"
    if program != "bwrap":
        found = subprocess.run([backend, "image", "inspect", Sandbox().image], capture_output=True, text=True)
        return found.stderr.strip() or "it does not answer" if found.returncode else None
    try:
        account()
        if backend == "forkserver":
            with open(os.devnull, "w") as said:
                Forked(Sandbox(), {}, said.fileno(), []).close()
    except (NoSandbox, OSError) as failure:
        return str(failure)
    return None


@functools.cache
def account() -> dict[str, int | list]:
    """The account that starts bubblewrap, as arguments of Popen: never root where that can be helped.

    The kernel counts the processes of a user, but not root's.
    """
    failure = ""
    for user in [{"user": NOBODY, "group": NOBODY, "extra_groups": []}, {}] if os.getuid() == 0 else [{}]:
        argv = bubblewrap(Sandbox(), [sys.executable, "-c", "import socket; print('runs')"])
        try:
            done = subprocess.run(
                argv, capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL, **user
            )
        except (OSError, subprocess.SubprocessError) as error:
            failure = str(error)
            continue
        if done.stdout == "runs\n":
            return user
        failure = done.stderr.strip()
    raise NoSandbox(failure or "the interpreter does not start in it")


@functools.cache
def seen() -> str:
    """A folder with what the sandbox sees of the course; it lasts as long as the process that asks first."""
    folder = tempfile.TemporaryDirectory(prefix="convlab-")
    seen.keep = folder  # removed when this process ends
    path = Path(folder.name)
    view.write(path)
    subprocess.run(["chmod", "-R", "a+rX", path], check=True)
    return folder.name


@functools.cache
def prepare(backend: str) -> None:
    """Make what all kernels that `backend` starts can share."""
    folder = seen()
    if backend != "forkserver":  # whose server looks for fonts once, and not each kernel
        subprocess.run(
            [sys.executable, "-c", "import matplotlib.font_manager"],
            env={**os.environ, "MPLCONFIGDIR": f"{folder}/matplotlib"},
            check=True,
        )
        subprocess.run(["chmod", "-R", "a+rX", f"{folder}/matplotlib"], check=True)


def environment() -> dict[str, str]:
    """The environment variables in the sandbox: these and no others."""
    return {
        "PATH": f"{os.path.dirname(sys.executable)}:/usr/bin:/bin",
        "PYTHONPATH": SEEN,
        "PYTHONDONTWRITEBYTECODE": "1",
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "MKL_NUM_THREADS": "1",
        "LANG": "C.UTF-8",
        "USER": "student",
        "HOME": "/tmp",
        "IPYTHONDIR": "/tmp/ipython",
        "MPLCONFIGDIR": "/tmp/matplotlib",
        "CONVLAB_DATA": "/run/data",
        "NBGRADER_EXECUTION": "autograde",  # as nbgrader sets it: training cells are short
    }


def writable(sandbox: Sandbox) -> dict[str, int]:
    """What the student's code can write to, all of it in memory, and how many bytes each can hold."""
    disk = sandbox.disk_mib * MIB
    return {WORK: disk, "/tmp": disk, "/dev/shm": 64 * MIB, SOCKETS: MIB}


def bubblewrap(
    sandbox: Sandbox,
    command: list[str],
    files: Mapping[str, int] = MappingProxyType({}),
    info: int = 0,
    serves: bool = False,
) -> list[str]:
    """The command that runs `command` in bubblewrap.

    `files` are open file descriptors by the path where their contents go; the process id goes to `info`. What
    `serves` is our own, and makes sandboxes for students' code in this one.
    """
    argv = ["bwrap", "--unshare-all", "--unshare-user", "--die-with-parent", "--new-session"]
    argv += [] if serves else ["--disable-userns"]
    argv += ["--cap-drop", "ALL", "--uid", "1000", "--gid", "1000", "--hostname", "sandbox", "--clearenv"]
    for name, value in environment().items():
        argv += ["--setenv", name, value]
    argv += ["--proc", "/proc", "--dev", "/dev"]
    for path, size in writable(sandbox).items():
        argv += ["--size", str(size), "--tmpfs", path]
    argv += ["--ro-bind", "/usr", "/usr"]
    for path in map(Path, ("/bin", "/lib", "/lib64", "/lib32", "/sbin")):
        if path.is_symlink():
            argv += ["--symlink", os.readlink(path), str(path)]
        elif path.is_dir():
            argv += ["--ro-bind", str(path), str(path)]
    for path in READABLE:
        argv += ["--ro-bind-try", path, path]
    for path in interpreter():
        argv += ["--ro-bind", path, path]
    argv += ["--ro-bind", seen(), SEEN]
    if data := data_folder():
        argv += ["--ro-bind", data, "/run/data"]
    for path, descriptor in files.items():
        argv += ["--file", str(descriptor), path]
    if info:
        argv += ["--info-fd", str(info)]
    for path in ("/dev", "/") if serves else ("/proc", "/dev", "/"):  # root could still write to /proc/sys
        argv += ["--remount-ro", path]
    return [*argv, "--chdir", WORK, *command]


def begin() -> None:
    """Start the server that forks kernels, where that is possible, and do not wait for it."""
    with contextlib.suppress(NoSandbox, OSError):
        _starting()


@functools.cache
def _starting() -> tuple[socket.socket, int]:
    """Our end of the server's socket, and the file that its errors go to."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    passwd, said = _in_memory(PASSWD), os.memfd_create("said")
    command = [sys.executable, f"{SEEN}/kernel.py", "serve", str(theirs.fileno())]
    argv = bubblewrap(Sandbox(), command, {"/etc/passwd": passwd}, serves=True)
    with theirs:
        subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=said,
            pass_fds=[theirs.fileno(), passwd],
            env={"PATH": os.defpath},
            start_new_session=True,
            **account(),
        )
    os.close(passwd)
    return ours, said


@functools.cache
def server() -> socket.socket:
    """The server that forks kernels: one for this process and all that it starts from now on."""
    ours, said = _starting()
    ours.settimeout(120)
    try:
        ready = ours.recv(64)
    except OSError as error:
        ready = str(error).encode()
    if ready != b"ready":
        ours.close()
        _starting.cache_clear()
        raise NoSandbox(
            f"the server did not start: {os.pread(said, 2000, max(0, os.fstat(said).st_size - 2000))!r}"
        )
    os.close(said)
    return ours


class Forked:
    """A kernel that the server has forked, in the form of a Popen."""

    stdin = stdout = stderr = None

    def __init__(self, sandbox: Sandbox, files: Mapping[str, int], said: int, arguments: list[str]):
        self._reply, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._reply.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        request = {
            "names": list(files),
            "writable": writable(sandbox),
            "files": sandbox.files,
            "kept": [
                path for path in interpreter() for above in writable(sandbox) if path.startswith(f"{above}/")
            ],
            "folder": WORK,
            "limits": sandbox.resources,
            "connection_file": f"{SOCKETS}/connection.json",
            "extra_arguments": arguments,
        }
        with other:
            socket.send_fds(server(), [json.dumps(request).encode()], [other.fileno(), said, *files.values()])
        self._reply.settimeout(60)
        told, ancillary, _, _ = self._reply.recvmsg(4096, socket.CMSG_SPACE(12))
        if told != b"started":
            raise NoSandbox(told.decode(errors="replace") or "the server has ended")
        ((_, _, credentials),) = ancillary
        self.pid = struct.unpack("3i", credentials)[0]  # as it is known outside
        self._file = os.pidfd_open(self.pid)

    def poll(self) -> int | None:
        return None if self._file is not None and not select.select([self._file], [], [], 0)[0] else 0

    def wait(self, timeout: float | None = None) -> int:
        if self._file is not None and not select.select([self._file], [], [], timeout)[0]:
            raise subprocess.TimeoutExpired("a kernel", timeout)
        return 0

    def close(self) -> None:
        """End it, and all that it started."""
        self._reply.close()
        os.close(self._file)
        self._file = None


def _in_memory(text: str) -> int:
    descriptor = os.memfd_create("text")
    os.write(descriptor, text.encode())
    os.lseek(descriptor, 0, os.SEEK_SET)
    return descriptor


def interpreter() -> list[str]:
    """The folders of this interpreter and its packages that are not in /usr, outer ones first."""
    link, folders = sys.executable, {sys.prefix, sys.base_prefix}
    while os.path.islink(link):
        link = os.path.join(os.path.dirname(link), os.readlink(link))
        folders.add(os.path.dirname(os.path.dirname(link)))
    folders |= {os.path.realpath(folder) for folder in folders}
    return sorted(folder for folder in map(os.path.normpath, folders) if not f"{folder}/".startswith("/usr/"))


def data_folder() -> str | None:
    """The data that `convlab` has downloaded here, if there is any and every account may read it."""
    folder = cache_folder()
    if folder.is_dir() and all(path.stat().st_mode & 0o001 for path in (folder, *folder.parents)):
        return str(folder)
    return None


def container(sandbox: Sandbox, engine: str, name: str, command: list[str], work: str, sockets: str) -> list[str]:
    """The command that runs `command` in a container of `engine`: the hand-in is in `work`, which is copied.

    The image has its own interpreter; `sockets` is the one folder that both sides write to. The container outlives
    the command that started it, until `engine` is told to kill `name`, or until its time is over.
    """
    argv = [engine, "run", "--rm", "--network=none", "--read-only", "--cap-drop=ALL", "--ipc=private"]
    argv += [
        f"--name={name}",
        "--security-opt=no-new-privileges",
        "--user=1000:1000",
        "--hostname=sandbox",
        f"--workdir={WORK}",
    ]
    argv += [f"--memory={sandbox.memory_mib}m", f"--memory-swap={sandbox.memory_mib}m"]
    argv += [f"--pids-limit={sandbox.processes}", "--shm-size=64m"]
    argv += ["--read-only-tmpfs=false"] if engine == "podman" else []  # it would make /var/tmp and more writable
    for name, value in sandbox.resources.items():
        if name not in ("RLIMIT_NPROC", "RLIMIT_DATA"):  # the engine's own limits are for all processes together
            argv += [f"--ulimit={name.removeprefix('RLIMIT_').lower()}={value}"]
    for path in (WORK, "/tmp"):
        argv += [f"--tmpfs={path}:rw,size={sandbox.disk_mib}m,mode=1777"]
    for name, value in environment().items():
        if name != "PATH":
            argv += [f"--env={name}={value}"]
    for source, target, mode in ((seen(), SEEN, "ro"), (work, "/run/handed_in", "ro"), (sockets, SOCKETS, "rw")):
        argv += [f"--volume={source}:{target}:{mode}"]
    if data := data_folder():
        argv += [f"--volume={data}:/run/data:ro"]
    copy = f'cp -r /run/handed_in/. {WORK} && exec timeout {sandbox.submission_seconds + 60} "$@"'
    return [*argv, sandbox.image, "sh", "-c", copy, "sh", *command]


class Used(NamedTuple):
    """What a process and all that it started use: threads, and bytes of private memory."""

    number: int
    memory: int


def used(pid: int) -> Used:
    """What a process and its descendants use; memory that they share since a fork counts for each of them."""
    number, memory = 0, 0
    for one in _descendants(pid):
        with contextlib.suppress(OSError):  # it has ended
            values = _fields(f"/proc/{one}/status")
            number += int(values["Threads"])
            memory += sum(
                1024 * int(values[name].split()[0]) for name in ("RssAnon", "RssShmem") if name in values
            )
    return Used(number, memory)


def proportional_memory(pid: int) -> int:
    """The bytes of memory that a process uses, of what it shares its part: slow, above all while it forks."""
    with contextlib.suppress(OSError):
        values = _fields(f"/proc/{pid}/smaps_rollup")
        return sum(1024 * int(values[name].split()[0]) for name in ("Pss_Anon", "Pss_Shmem"))
    return 0


def _fields(path: str) -> dict[str, str]:
    lines = Path(path).read_text().splitlines()
    return dict(line.split(":", 1) for line in lines if ":" in line)


def _descendants(pid: int) -> Iterator[int]:
    found = [pid]
    while found:
        one = found.pop()
        yield one
        with contextlib.suppress(OSError):
            for task in os.listdir(f"/proc/{one}/task"):
                found += map(int, Path(f"/proc/{one}/task/{task}/children").read_text().split())


def files(root: str) -> int:
    """The files and folders in what a sandbox with this root can write to; each takes memory of the kernel."""
    found = 0
    for path in (WORK, "/tmp", "/dev/shm", SOCKETS):
        with contextlib.suppress(OSError):  # it has ended
            filesystem = os.statvfs(f"{root}{path}")
            found += filesystem.f_files - filesystem.f_ffree
    return found


def bytes_in(folder: str) -> int:
    """The bytes of all files in a folder that changes meanwhile."""
    found = 0
    for where, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(OSError):
                found += os.lstat(os.path.join(where, name)).st_size
    return found


class SandboxProvisioner(LocalProvisioner):
    """Starts a kernel in a sandbox, watches what it uses, and ends all of it together.

    `ended` says why the kernel was stopped; None where it was not.
    """

    ended: str | None = None
    _inside: int | None = None
    _forked: Forked | None = None
    _name: str | None = None  # of its container, if it is in one

    async def pre_launch(self, **kwargs):
        km = self.parent
        self.sandbox = Sandbox(parent=km)
        self.backend = self.sandbox.chosen()
        self._folder = tempfile.TemporaryDirectory(prefix="convlab-")
        km.connection_file = os.path.join(self._folder.name, "connection.json")
        self.connection_info = {
            "transport": "ipc",
            "ip": f"{SOCKETS}/k",
            **{name: number for number, name in enumerate(PORTS, 1)},
            "key": secrets.token_hex(32).encode(),
            "signature_scheme": "hmac-sha256",
        }
        extra = kwargs.pop("extra_arguments", [])
        limits = self.sandbox.resources
        if self.backend not in ("forkserver", "bubblewrap"):
            del limits["RLIMIT_NPROC"]  # it counts all processes of the account; an engine counts its container's
        self._extra = extra
        command = [sys.executable, f"{SEEN}/kernel.py", "start", json.dumps(limits)]
        command += [f"{SOCKETS}/connection.json", *extra]
        return await KernelProvisionerBase.pre_launch(self, cmd=command, **kwargs)

    async def launch_kernel(self, cmd, cwd=None, **kwargs):
        handed_in = list(_files(cwd)) if cwd else []
        connection = json.dumps({**self.connection_info, "key": self.connection_info["key"].decode()})
        prepare(self.backend)
        start = {"forkserver": self._fork, "bubblewrap": self._bubblewrap, "none": self._bare}
        start = start.get(self.backend, self._container)
        start(cmd, handed_in, connection)
        self.pid = self.pgid = self.process.pid
        self._watch = threading.Thread(target=self._watch_over, args=(self.process,), daemon=True)
        self._watch.start()
        return self.connection_info

    @contextlib.contextmanager
    def _opened(self, handed_in, connection):
        """What is to be copied into the sandbox, as open files."""
        opened = {f"{WORK}/{name}": os.open(path, os.O_RDONLY | os.O_NOFOLLOW) for name, path in handed_in}
        opened[f"{SOCKETS}/connection.json"] = _in_memory(connection)
        try:
            yield opened
        finally:
            for descriptor in opened.values():
                os.close(descriptor)

    def _fork(self, cmd, handed_in, connection):
        self._said = tempfile.TemporaryFile()  # noqa: SIM115  as large as the sandbox lets a file be
        with self._opened(handed_in, connection) as opened:
            self.process = self._forked = Forked(self.sandbox, opened, self._said.fileno(), self._extra)
        self._set_inside(self.process.pid)

    def _set_inside(self, pid):
        self._inside = pid
        self.connection_info["ip"] = f"/proc/{pid}/root{SOCKETS}/k"

    def _bubblewrap(self, cmd, handed_in, connection):
        reading, writing = os.pipe()
        with self._opened(handed_in, connection) as opened, open(writing, "wb"):
            opened["/etc/passwd"] = _in_memory(PASSWD)
            argv = bubblewrap(self.sandbox, cmd, opened, writing)
            nothing = {"PATH": os.defpath}  # the environment of bubblewrap itself can be read in the sandbox
            self._start(argv, [*opened.values(), writing], env=nothing, **account())
        with open(reading) as info:
            told = info.read()
        if not told:
            raise NoSandbox("bubblewrap did not start the kernel")
        self._set_inside(json.loads(told)["child-pid"])

    def _container(self, cmd, handed_in, connection):
        work, sockets = (os.path.join(self._folder.name, name) for name in ("work", "sockets"))
        self._copy(handed_in, work)
        os.mkdir(sockets)
        Path(sockets, "connection.json").write_text(connection)
        for folder, mode in ((self._folder.name, 0o711), (work, 0o755), (sockets, 0o777)):
            os.chmod(folder, mode)
        self._name = os.path.basename(self._folder.name)
        self._start(container(self.sandbox, self.backend, self._name, ["python", *cmd[1:]], work, sockets))
        self.connection_info["ip"] = f"{sockets}/k"

    def _bare(self, cmd, handed_in, connection):
        work = os.path.join(self._folder.name, "work")
        self._copy(handed_in, work)
        self.connection_info["ip"] = os.path.join(self._folder.name, "k")
        connection = json.dumps({**json.loads(connection), "ip": self.connection_info["ip"]})
        Path(self._folder.name, "kernel.json").write_text(connection)
        mine = {
            "PATH": os.environ["PATH"],
            "HOME": work,
            "PYTHONPATH": seen(),
            "CONVLAB_DATA": str(cache_folder()),
        }
        own = [argument.replace(SEEN, seen()) for argument in cmd]
        own[own.index(f"{SOCKETS}/connection.json")] = os.path.join(self._folder.name, "kernel.json")
        scratch = {name: f"{work}/.{name}" for name in ("IPYTHONDIR", "MPLCONFIGDIR")}
        self._start(own, cwd=work, env={**environment(), **mine, **scratch})

    def _copy(self, handed_in, work):
        for name, path in handed_in:
            target = os.path.join(work, name)
            os.makedirs(os.path.dirname(target), exist_ok=True)
            shutil.copy(path, target, follow_symlinks=False)
        os.makedirs(work, exist_ok=True)

    def _start(self, argv, descriptors=(), **how):
        self._said = tempfile.TemporaryFile()  # noqa: SIM115  as large as the sandbox lets a file be
        self.process = subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=self._said,
            pass_fds=descriptors,
            start_new_session=True,
            **how,
        )

    def said(self) -> str:
        """The last that the kernel wrote to its standard error."""
        self._said.seek(max(0, self._said.seek(0, os.SEEK_END) - 2000))
        return self._said.read().decode(errors="replace").strip()

    def _watch_over(self, process):
        """End the kernel when it uses too much: the limits of a process do not count its children."""
        root, inside = f"/proc/{self._inside}/root", False
        while process.poll() is None:
            inside = inside or os.path.exists(f"{root}{SOCKETS}/connection.json")  # else, this is still our root
            if reason := self._too_much(self._inside or process.pid):
                self.stop(reason)
            elif inside and files(root) > self.sandbox.files:
                self.stop(f"it made more than {self.sandbox.files} files")
            elif self._name and bytes_in(f"{self._folder.name}/sockets") > writable(self.sandbox)[SOCKETS]:
                self.stop("it filled the folder of its sockets, which is on the disk of this machine")
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(0.1)

    def _too_much(self, pid):
        """Which limit the process and its descendants have passed, in words, or nothing."""
        most, processes = self.sandbox.memory_mib * MIB, 2 * self.sandbox.processes
        now, memory = used(pid), 0
        left = list(_descendants(pid)) if now.memory > most else []
        while now.number <= processes and left:
            memory += proportional_memory(left.pop())
            if memory > most:
                return f"it used more than {self.sandbox.memory_mib} MiB of memory"
            now = used(pid)
        return f"it started more than {self.sandbox.processes} processes" if now.number > processes else ""

    def stop(self, reason: str) -> None:
        """End the kernel and all that it started, because of `reason`."""
        self.ended = self.ended or reason
        self._end()

    def _end(self):
        process = self.process
        if process and process.poll() is None:
            if self._name:
                subprocess.run([self.backend, "kill", self._name], capture_output=True)
            for pid, kill in ((self._inside, os.kill), (process.pid, os.killpg)):
                with contextlib.suppress(ProcessLookupError):
                    if pid:
                        kill(pid, signal.SIGKILL)

    async def kill(self, restart=False):
        self._end()
        if self.process:  # who asked for this looks only each 0.1 s whether it has ended
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(1)

    async def terminate(self, restart=False):
        self._end()

    async def cleanup(self, restart=False):
        self._end()
        if self._forked:
            self._watch.join()
            self._forked.close()
            self._forked = None
        self._folder.cleanup()


def _files(folder):
    """The regular files in `folder` but notebooks and what is hidden, as (relative path, path)."""
    for where, _, names in os.walk(folder):
        for name in sorted(names):
            path = os.path.join(where, name)
            inner = os.path.relpath(path, folder)
            if not name.endswith((".ipynb", ".json")) and not inner.startswith(".") and not os.path.islink(path):
                yield inner, path


class Client(AsyncKernelClient):
    """Reads no message that is larger, and holds no more of them, than a notebook needs."""

    @default("context")
    def _context_default(self):
        context = zmq.asyncio.Context()
        context.setsockopt(zmq.MAXMSGSIZE, 8 * MIB)
        context.setsockopt(zmq.RCVHWM, 100)
        context.setsockopt(zmq.RECONNECT_IVL, 5)  # ms: a kernel makes its sockets after we connect
        self._created_context = True
        return context

    def start_channels(self, shell=True, iopub=True, stdin=False, hb=False, control=True):
        super().start_channels(shell=shell, iopub=iopub, stdin=False, hb=False, control=control)

    async def wait_for_ready(self, timeout=60):
        """Wait until the kernel answers on both channels, and for nothing else that it may say."""
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline and await self._async_is_alive():
            self.kernel_info()
            with contextlib.suppress(Empty):
                await self.get_shell_msg(timeout=1)
                await self.get_iopub_msg(timeout=0.2)
                return
        raise RuntimeError("it gave no answer")


class KernelManager(AsyncKernelManager):
    """Manages a kernel that `SandboxProvisioner` starts, whatever kernel a notebook asks for."""

    client_class = f"{__name__}.Client"
    client_factory = Client

    @property
    def kernel_spec(self):
        return KernelSpec(
            display_name="Python in a sandbox",
            language="python",
            interrupt_mode="message",
            metadata={"kernel_provisioner": {"provisioner_name": "convlab-sandbox"}},
        )
