"""What runs in the sandbox: a Jupyter kernel that also tries a student's work on the inputs it is sent.

As a program, `kernel.py start LIMITS CONNECTION_FILE` is a kernel, and `kernel.py serve SOCKET` a server that has
imported what notebooks import, and forks a kernel for each request, in a sandbox within the one around it.

Nothing here decides anything: it is the student's own process. The grader opens a comm to the target TARGET with
the exercise and its cases, and gets one message: a buffer for each outcome, as `convlab.checks.wire` packs it.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import importlib
import json
import os
import pkgutil
import random
import resource
import select
import shutil
import signal
import socket
import sys

from ipykernel.kernelapp import IPKernelApp
from IPython import get_ipython

from convlab.checks.plain import Other
from convlab.checks.run import Case, run
from convlab.checks.wire import TARGET, pack, unpack

LARGEST = 2_000_000
"""Bytes that an outcome may have: many times those of any answer of the course."""


def limit(limits: dict[str, int]) -> None:
    """Set this process's limits, by the names of `resource`, for itself and all that it starts."""
    for name, value in limits.items():
        resource.setrlimit(getattr(resource, name), (value, value))


def try_work(comm, message) -> None:
    """Run the cases of an exercise on what the student's notebook has under its name by now."""
    asked = message["content"]["data"]
    module, name = asked["module"], asked["exercise"]
    call = importlib.import_module(f"convlab.checks.{module}").CALLS[name]
    names = get_ipython().user_ns

    def look_up_and_call(_, **inputs):
        if name not in names:
            raise NameError(f"name '{name}' is not defined")
        return call(names[name], **inputs)

    outcomes = []
    try:
        for aspect, inputs in unpack(message["buffers"][0]):
            outcome = run(look_up_and_call, None, Case(aspect, inputs), asked["forbidden"])
            told = {"value": outcome.value, "modified": outcome.modified, "used": outcome.used}
            data = pack(told)
            if len(data) > LARGEST:
                data = pack({**told, "value": Other(f"{type(outcome.value).__name__}, with {len(data)} bytes")})
            outcomes.append(data)
    finally:  # those before a case that ran out of time count
        comm.send({}, buffers=outcomes)


def start(limits: dict[str, int], connection_file: str, extra_arguments: list[str]) -> None:
    """Be a kernel until told to stop."""
    limit(limits)
    cache = os.path.join(os.path.dirname(os.path.abspath(__file__)), "matplotlib")
    if os.path.isdir(cache):
        shutil.copytree(cache, os.environ["MPLCONFIGDIR"], dirs_exist_ok=True)
    sys.modules["debugpy"] = None  # a debugger, which takes as long to import as all else takes to start
    application = IPKernelApp.instance()
    application.initialize(["-f", connection_file, *extra_arguments])
    application.kernel.comm_manager.register_target(TARGET, try_work)
    application.start()


# The server

NEWNS, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET = 1 << 17, 1 << 26, 1 << 27, 1 << 28, 1 << 29, 1 << 30
RDONLY, NOSUID, NODEV, NOEXEC, BIND, REC = 1, 2, 4, 8, 4096, 16384
SET_NO_NEW_PRIVS, CAPBSET_DROP = 38, 24

RESERVED_PIDS = 300
"""The smallest process ids are not used again in a namespace; what is beyond them bounds how many can live in it.

The limit of an account's processes does not count root's, and who watches comes too late for a fork bomb: it took
the ids that other sandboxes needed. A namespace has a limit of its own from Linux 6.14 on.
"""

libc = ctypes.CDLL(None, use_errno=True)


def _call(function, *arguments) -> None:
    if function(*arguments) == -1:
        number = ctypes.get_errno()
        raise OSError(number, f"{function.__name__}{arguments}: {os.strerror(number)}")


def _mount(kind: str, path: str, flags: int, options: str = "") -> None:
    _call(libc.mount, kind.encode(), path.encode(), kind.encode(), ctypes.c_ulong(flags), options.encode())


def serve(control: socket.socket) -> None:
    """Fork a kernel for each request. The process that does so has one thread, and computes nothing."""
    import torch

    import convlab

    modules = [module.name for module in pkgutil.walk_packages(convlab.__path__, "convlab.")]
    for name in (*modules, "matplotlib.backends.backend_agg"):
        importlib.import_module(name)
    if threads := len(os.listdir("/proc/self/task")) - 1:
        raise SystemExit(f"the server has {threads} threads beside its own, so that it must not fork")
    if torch.cuda.is_initialized():
        raise SystemExit("the server has initialised CUDA, so that it must not fork")
    gc.collect()
    gc.freeze()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    control.send(b"ready")
    while True:
        message, descriptors, _, _ = socket.recv_fds(control, 1 << 20, 253)
        if not message:
            return
        if os.fork() == 0:
            _forked(control, json.loads(message), descriptors)
        for descriptor in descriptors:
            os.close(descriptor)


def _forked(control: socket.socket, request: dict, descriptors: list[int]) -> None:
    """In a child of the server: make the sandbox, and start the first process in it. Never returns."""
    reply = socket.socket(fileno=descriptors[0])
    try:
        control.close()
        uid, gid = os.getuid(), os.getgid()
        _call(libc.unshare, NEWUSER | NEWNS | NEWPID | NEWIPC | NEWNET | NEWUTS)
        for file, text in (("setgroups", "deny"), ("uid_map", f"{uid} {uid} 1"), ("gid_map", f"{gid} {gid} 1")):
            with open(f"/proc/self/{file}", "w") as opened:
                opened.write(text)
        if os.fork() == 0:
            _first_process(reply, request, descriptors[1:])
    except BaseException as error:
        reply.send(f"{type(error).__name__}: {error}".encode())
    os._exit(0)


def _first_process(reply: socket.socket, request: dict, descriptors: list[int]) -> None:
    """In the first process of a sandbox: finish it, start the kernel, end with it or with who asked for it."""
    try:
        with open("/proc/sys/user/max_user_namespaces", "w") as file:
            file.write("0")
        with contextlib.suppress(OSError), open("/proc/sys/kernel/pid_max", "w") as file:
            file.write(str(RESERVED_PIDS + 2 * request["limits"]["RLIMIT_NPROC"]))
        kept = {path: os.open(path, os.O_PATH) for path in request["kept"]}
        for path, size in request["writable"].items():
            _mount("tmpfs", path, NOSUID | NODEV, f"size={size},nr_inodes={request['files']},mode=755")
        for path, descriptor in kept.items():  # an interpreter in /tmp
            os.makedirs(path)
            _call(libc.mount, f"/proc/self/fd/{descriptor}".encode(), path.encode(), None, BIND | REC, None)
            os.close(descriptor)
        try:
            _mount("proc", "/proc", NOSUID | NODEV | NOEXEC | RDONLY)
        except OSError:  # what bubblewrap has hidden in the one around it must not be seen here either
            _mount("tmpfs", "/proc", NOSUID | NODEV | NOEXEC | RDONLY, "size=4k")
        os.dup2(descriptors[0], 2)
        for name, descriptor in zip(request["names"], descriptors[1:], strict=True):
            os.makedirs(os.path.dirname(name), exist_ok=True)
            with open(descriptor, "rb") as source, open(name, "wb") as target:
                shutil.copyfileobj(source, target)
        os.chdir(request["folder"])
        for capability in range(64):
            libc.prctl(CAPBSET_DROP, capability, 0, 0, 0)
        _call(libc.prctl, SET_NO_NEW_PRIVS, 1, 0, 0, 0)
        _drop_capabilities()
        reply.send(b"started")
        kernel = os.fork()
        if kernel == 0:
            reply.close()
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            random.seed()
            sys.argv = ["kernel"]
            start(request["limits"], request["connection_file"], request["extra_arguments"])
            os._exit(0)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        while not select.select([reply], [], [], 0.1)[0] and os.waitpid(-1, os.WNOHANG)[0] != kernel:
            pass
    except ChildProcessError:
        pass
    except BaseException as error:
        reply.send(f"{type(error).__name__}: {error}".encode())
    os._exit(0)


def _drop_capabilities() -> None:
    """Give up all that the owner of a user namespace may do in it."""
    header = (ctypes.c_uint32 * 2)(0x20080522, 0)
    _call(libc.capset, header, (ctypes.c_uint32 * 6)())


if __name__ == "__main__":
    if sys.argv[1] == "serve":
        serve(socket.socket(fileno=int(sys.argv[2])))
    else:
        start(json.loads(sys.argv[2]), sys.argv[3], sys.argv[4:])
