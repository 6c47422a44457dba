"""Hostile and broken hand-ins of notebook 01: what each does, what it must score, and what must be recorded.

In code, `escaped(what)` prints a word that must not be found afterwards; {root} is the course folder of the test
and {port} a port on which the test listens.
"""

from __future__ import annotations

import copy
import json
import os
import textwrap
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import nbformat

from grader.build import COURSE
from grader.sandbox import account
from tests.sandboxes import RUNS

ASSIGNMENT, NAME = "01_sliding_window", "sliding_window.ipynb"
ALL, BEFORE = 23, 5
"""The points of a right hand-in, and of what comes before `output_size`: a question and `window_dot`."""

UNCOUNTED = RUNS and os.getuid() == 0 and not account()
"""Whether students' code runs as root, whose threads the kernel does not count, so that the watcher has to."""

RIGHT = {
    "predicted_shape": "predicted_shape = 'c'",
    "window_dot": "def window_dot(x, k, i, j):\n    return (x[i : i + k.shape[0], j : j + k.shape[1]] * k).sum()",
    "output_size": """
        def output_size(n, k):
            if k > n:
                raise ValueError("kernel too large")
            return n - k + 1
        """,
    "cross_correlate2d": """
        def cross_correlate2d(x, k):
            rows = range(x.shape[0] - k.shape[0] + 1)
            columns = range(x.shape[1] - k.shape[1] + 1)
            return torch.stack([torch.stack([window_dot(x, k, i, j) for j in columns]) for i in rows])
        """,
    "predicted_centre": "predicted_centre = 'd'",
    "predicted_twins": "predicted_twins = 'B'",
    "convolve2d": "def convolve2d(x, k):\n    return cross_correlate2d(x, k.flip(0, 1))",
}
"""Right answers, in cells of which no other depends but on `window_dot` and `cross_correlate2d`."""

NOTHING = dict.fromkeys(RIGHT, "pass")

HELPERS = "import os, sys, torch\ndef escaped(what): print('ESC' + 'APED', what)\n"


@dataclass(frozen=True)
class Hostile:
    """A hand-in.

    `first` runs before all else, `middle` before `output_size`; `answers` stand in their places, `change` is done
    to the notebook and `place` to the folder it lies in. `recorded` must be in the ledger.
    """

    family: str
    score: float
    recorded: str = ""
    first: str = ""
    middle: str = ""
    answers: dict[str, str] = field(default_factory=dict)
    change: Callable | None = None
    place: Callable | None = None
    flagged: bool = False


def written(one: Hostile, root: Path, port: int) -> nbformat.NotebookNode:
    """The notebook of a hand-in."""
    released = nbformat.read(COURSE / ASSIGNMENT / NAME, as_version=4)
    cells = [_code(HELPERS + _text(one.first, root, port))]
    for cell in released.cells:
        if "nbgrader" in cell.metadata:
            name = cell.metadata.nbgrader.grade_id
            if name == "output_size" and one.middle:
                cells.append(_code(_text(one.middle, root, port)))
            if name in RIGHT:
                cell.source = _text({**RIGHT, **one.answers}[name], root, port)
            cells.append(cell)
    nb = nbformat.v4.new_notebook(cells=cells, metadata=released.metadata)
    if one.change:
        one.change(nb)
    return nb


def hand_in(one: Hostile, folder: Path, root: Path, port: int) -> None:
    """Write a hand-in to its folder."""
    folder.mkdir(parents=True)
    (folder / NAME).write_text(json.dumps(written(one, root, port)), encoding="utf-8")
    if one.place:
        one.place(folder)


def _code(source):
    return nbformat.v4.new_code_cell(source)


def _text(code, root, port):
    return textwrap.dedent(code).strip().replace("{root}", str(root)).replace("{port}", str(port))


def _cell(nb, name):
    return next(cell for cell in nb.cells if cell.metadata.get("nbgrader", {}).get("grade_id") == name)


def _checks(nb):
    return [
        cell for cell in nb.cells if cell.metadata.get("nbgrader", {}).get("grade_id", "").startswith("check_")
    ]


# What is done to notebooks


def _edit_checks(nb):
    for cell in _checks(nb):
        cell.source = "8.0"


def _raise_points(nb):
    for cell in _checks(nb):
        cell.metadata.nbgrader.points = 99


def _retag_checks(nb):
    for cell in _checks(nb):
        cell.metadata.nbgrader.update(grade=False, locked=False)
        cell.metadata.tags = ["skip-execution", "raises-exception", "remove-cell"]
        cell.cell_type = "raw"


def _delete_checks(nb):
    nb.cells = [cell for cell in nb.cells if cell not in _checks(nb)]


def _copy_checks(nb):
    nb.cells = [*copy.deepcopy(_checks(nb)), *nb.cells, *copy.deepcopy(_checks(nb))]


def _forge_solutions(nb):
    for cell in _checks(nb):
        cell.metadata.nbgrader.solution = True
        cell.source = "my answer"


def _forge_outputs(nb):
    for cell in _checks(nb):
        cell.outputs = [nbformat.v4.new_output("execute_result", data={"text/plain": "8.0"}, execution_count=1)]
        cell.source = ""


def _add_points(nb):
    marked = {"grade": True, "grade_id": "bonus", "points": 50, "solution": False, "locked": False}
    nb.cells.append(nbformat.v4.new_code_cell("50.0", metadata={"nbgrader": {**marked, "schema_version": 3}}))


def _other_kernel(nb):
    nb.metadata.kernelspec = {"name": "bash", "language": "bash", "display_name": "bash"}


def _surrogates(nb):
    nb.cells.append(_code("x = '\ud800'"))


def _poisoned_texts(nb):
    for kind in (nbformat.v4.new_markdown_cell, nbformat.v4.new_raw_cell):
        nb.cells.append(kind("<script>alert(1)</script> <img src=x onerror=alert(2)> [x](javascript:alert(3))"))
    nb.cells.append(nbformat.v4.new_markdown_cell("$\\href{javascript:alert(4)}{x}$ <svg onload=alert(5)>"))


# What is done to folders


def _replace(text: str | bytes):
    return lambda folder: (folder / NAME).write_bytes(text if isinstance(text, bytes) else text.encode())


def _link_notebook(folder):
    (folder / NAME).unlink()
    (folder / NAME).symlink_to(COURSE / ASSIGNMENT / NAME)


def _link_secret(folder):
    (folder / "notes.txt").symlink_to(folder.parents[2] / "gradebook.db")


def _fifo(folder):
    (folder / NAME).unlink()
    os.mkfifo(folder / NAME)


def _modules(folder):
    for name in ("torch", "convlab", "json", "ipykernel", "IPython", "comm", "random", "numpy"):
        (folder / f"{name}.py").write_text("raise SystemExit('shadowed')")
    (folder / "convlab").mkdir()
    (folder / "convlab" / "__init__.py").write_text("import os; os._exit(0)")
    (folder / "sitecustomize.py").write_text("import os; os._exit(0)")


ZOO = {
    # Resource exhaustion
    "endless_cell": Hostile("exhaustion", ALL, first="while True: pass"),
    "endless_answer": Hostile(
        "exhaustion",
        ALL - 4,
        "it ran longer than",
        answers={"output_size": "def output_size(n, k):\n    while True: pass"},
    ),
    "endless_iterable": Hostile(
        "exhaustion",
        ALL - 4,
        "it ran longer than",
        answers={
            "output_size": """
                class Endless(list):
                    def __iter__(self):
                        while True: yield 1
                def output_size(n, k): return Endless()
                """
        },
    ),
    "deaf_to_interrupts": Hostile(
        "exhaustion",
        BEFORE,
        "could not be stopped when its time was over",
        middle="""
            import signal
            signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            while True: pass
            """,
    ),
    "deaf_answer": Hostile(
        "exhaustion",
        BEFORE,
        "could not be stopped when its time was over",
        answers={
            "output_size": """
                import signal
                def output_size(n, k):
                    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
                    signal.signal(signal.SIGINT, signal.SIG_IGN)
                    while True: pass
                """
        },
    ),
    "memory_at_once": Hostile("exhaustion", ALL, "", first="held = bytearray(10**11)"),
    "memory_bit_by_bit": Hostile(
        "exhaustion", ALL, "", middle="held = []\nwhile True: held.append(bytearray(10**8))"
    ),
    "memory_of_children": Hostile(
        "exhaustion",
        BEFORE,
        "MiB of memory",
        middle="""
            import time
            for _ in range(8):
                if os.fork() == 0:
                    held = bytearray(os.urandom(1000)) * 400_000
                    time.sleep(60)
            time.sleep(60)
            """,
    ),
    "fork_bomb": Hostile(
        "exhaustion",
        BEFORE,
        "it started more than 64 processes" if UNCOUNTED else "",
        middle="while True:\n    try: os.fork()\n    except OSError: pass",
    ),
    "thread_bomb": Hostile(
        "exhaustion",
        BEFORE,
        "it started more than 64 processes" if UNCOUNTED else "could not be stopped when its time was over",
        middle="""
            import threading, time
            while True:
                try: threading.Thread(target=time.sleep, args=(60,)).start()
                except BaseException: pass
            """,
    ),
    "full_disk": Hostile(
        "exhaustion",
        ALL,
        first="""
            for folder in ('.', '/tmp', '/dev/shm', '/run/kernel'):
                try:
                    for number in range(100):
                        open(f'{folder}/{number}', 'wb').write(bytes(10**7))
                    escaped('wrote a gigabyte to ' + folder)
                except OSError as error:
                    pass
                finally:
                    for number in range(100):
                        if os.path.exists(f'{folder}/{number}'): os.remove(f'{folder}/{number}')
            """,
    ),
    "million_files": Hostile(
        "exhaustion",
        BEFORE,
        "it made more than 10000 files",
        middle="import contextlib\n"
        "for number in range(10**7):\n"
        "    with contextlib.suppress(OSError): open(f'/tmp/{number}', 'w').close()",
    ),
    "flood_of_lines": Hostile("exhaustion", ALL, first="for _ in range(50): print('x' * 10**6)"),
    "flood_of_messages": Hostile(
        "exhaustion", ALL, first="from IPython.display import display\nfor _ in range(3000): display('x' * 1000)"
    ),
    "one_huge_message": Hostile("exhaustion", ALL, "", middle="print('x' * 10**8)"),
    "huge_answer": Hostile(
        "exhaustion",
        ALL - 4,
        "",
        answers={"output_size": "def output_size(n, k): return torch.zeros(1, dtype=torch.int8).repeat(10**7)"},
    ),
    # The process ends
    "exit_at_once": Hostile(
        "exit", BEFORE, "the Python process ended at the cell os._exit(0)", middle="os._exit(0)"
    ),
    "exit_in_an_answer": Hostile(
        "exit",
        BEFORE,
        "the Python process ended while output_size was checked",
        answers={"output_size": "def output_size(n, k): os._exit(0)"},
    ),
    "system_exit": Hostile("exit", ALL, middle="raise SystemExit"),
    "segmentation_fault": Hostile(
        "exit", BEFORE, "the Python process ended", middle="import ctypes\nctypes.string_at(0)"
    ),
    "endless_recursion": Hostile(
        "exit",
        BEFORE,
        "the Python process ended",
        middle="""
            sys.setrecursionlimit(10**9)
            def down(x): return sorted([x], key=down)
            down(1)
            """,
    ),
    "kills_all": Hostile("exit", BEFORE, "", middle="try: os.kill(-1, 9)\nfinally: os.kill(os.getpid(), 9)"),
    # Escape
    "writes_outside": Hostile(
        "escape",
        ALL,
        first="""
            for path in ('/', '/usr', '/etc', '/run/course', '/dev', sys.prefix, '{root}', '{root}/grader', '/var/tmp'):
                try:
                    open(path + '/hostile', 'w').close()
                    if path != '/tmp': escaped(path)
                except OSError: pass
            for path in ('/proc/sys/kernel/core_pattern', '/proc/sysrq-trigger', '/proc/sys/kernel/hostname'):
                try:
                    open(path, 'w').write('hostile')
                    escaped(path)
                except OSError: pass
            """,
    ),
    "mounts_and_namespaces": Hostile(
        "escape",
        ALL,
        first="""
            import ctypes
            c = ctypes.CDLL(None)
            for name, arguments in {
                'mount': (b'none', b'/tmp', b'tmpfs', 0, None), 'umount2': (b'/proc', 2), 'chroot': (b'/tmp',),
                'unshare': (0x10000000,), 'setuid': (0,), 'sethostname': (b'x', 1), 'swapon': (b'/tmp', 0),
            }.items():
                if getattr(c, name)(*arguments) == 0 and (name != 'setuid' or os.getuid() == 0): escaped(name)
            """,
    ),
    "replaces_its_sockets": Hostile(
        "escape",
        ALL,
        answers={
            "convolve2d": """
                for number in range(1, 6):
                    os.remove(f'/run/kernel/k-{number}')
                    os.symlink('/var/run/docker.sock', f'/run/kernel/k-{number}')
                def convolve2d(x, k): return cross_correlate2d(x, k.flip(0, 1))
                """
        },
    ),
    "looks_at_other_processes": Hostile(
        "escape",
        ALL,
        first="""
            pids = [int(name) for name in os.listdir('/proc') if name.isdigit()]
            if len(pids) > 5: escaped(pids)
            for pid in pids:
                try:
                    if b'HOSTILE_CANARY' in open(f'/proc/{pid}/environ', 'rb').read(): escaped(pid)
                except OSError: pass
            """,
    ),
    # Reading secrets
    "reads_the_course": Hostile(
        "secrets",
        ALL,
        first="""
            for path in ('{root}', '{root}/grader/gradebook.db', '{root}/grader/secret', '{root}/solutions',
                         '{root}/grader/submitted'):
                if os.path.exists(path): escaped(path)
            for folder in ('/etc', '/home', '/mnt', '/root', '/run', '/srv', '/tmp', '/var', '/work'):
                for where, folders, names in os.walk(folder):
                    folders[:] = [f for f in folders if f'{where}/{f}' not in (sys.prefix, sys.base_prefix)]
                    for name in {'gradebook.db', 'shadow', 'id_rsa', 'sliding_window.nb.py', '.bash_history'} & {*names}:
                        escaped(f'{where}/{name}')
            """,
    ),
    "reads_the_environment": Hostile(
        "secrets",
        ALL,
        first="if 'HOSTILE_CANARY' in os.environ or len(os.environ) > 30: escaped(list(os.environ))",
    ),
    "takes_the_reference": Hostile(
        "secrets",
        0,
        "is not defined",
        answers=NOTHING
        | {
            "window_dot": "from convlab.checks import sliding_window\nwindow_dot = sliding_window.window_dot.reference",
            "output_size": "from convlab.checks.sliding_window import output_size as o\noutput_size = o.expected",
        },
    ),
    "searches_memory_for_answers": Hostile(
        "secrets",
        0,
        "",
        first="""
            import gc, importlib
            from convlab.checks import sliding_window, run, calls
            for name in ('exercise', 'draw'):
                try:
                    importlib.import_module('convlab.checks.' + name)
                    escaped(name)
                except ImportError: pass
            for one in gc.get_objects():
                try:
                    if type(one).__name__ in ('Exercise', 'Misconception', 'Verdict'): escaped(type(one))
                except Exception: pass
            """,
        answers=NOTHING,
    ),
    "link_to_a_secret": Hostile("secrets", 0, "notes.txt is a link", place=_link_secret),
    # Network
    "connects": Hostile(
        "network",
        ALL,
        first="""
            import socket
            for address in (('127.0.0.1', {port}), ('8.8.8.8', 53), ('169.254.169.254', 80)):
                try:
                    socket.create_connection(address, timeout=2)
                    escaped(address)
                except OSError: pass
            try:
                socket.getaddrinfo('pypi.org', 443)
                escaped('names')
            except OSError: pass
            if [name for _, name in socket.if_nameindex() if name != 'lo']: escaped('interface')
            """,
    ),
    "abstract_sockets": Hostile(
        "network",
        ALL,
        first="""
            import socket
            try:
                socket.socket(socket.AF_UNIX).connect('\\0hostile-{port}')
                escaped('abstract socket')
            except OSError: pass
            """,
    ),
    # Forged results
    "patched_comparisons": Hostile(
        "forged",
        0,
        "",
        first="""
            yes = lambda *arguments, **named: True
            for name in ('allclose', 'equal', 'isclose'): setattr(torch, name, yes)
            torch.Tensor.__eq__ = torch.Tensor.allclose = yes
            import convlab.checks.compare as compare, convlab.checks.run as run
            compare.close = run.close = lambda *arguments: None
            """,
        answers=NOTHING,
    ),
    "lying_objects": Hostile(
        "forged",
        3,
        "an object of type Liar",
        first="""
            class Liar:
                def __eq__(self, other): return True
                def __getattr__(self, name): return Liar()
                def __call__(self, *arguments, **named): return Liar()
                def __len__(self): return 1
                def __iter__(self): return iter([1])
            """,
        answers={name: f"{name} = Liar()" for name in RIGHT if not name.startswith("predicted")},
    ),
    "lying_tensors": Hostile(
        "forged",
        3 + 4,
        "the shape is (1,), expected (",
        first="""
            class Liar(torch.Tensor):
                @classmethod
                def __torch_function__(cls, function, types, arguments=(), named=None):
                    if function.__name__ in ('isclose', 'equal', 'allclose', 'eq'): return torch.tensor(True)
                    return super().__torch_function__(function, types, arguments, named or {})
            lie = lambda x, k, *more: torch.zeros(1).as_subclass(Liar)
            """,
        answers={name: f"{name} = lie" for name in ("window_dot", "cross_correlate2d", "convolve2d")},
    ),
    "input_transformer": Hostile(
        "forged",
        0,
        "",
        first="get_ipython().input_transformers_cleanup.append(lambda lines: ['8.0\\n'] if 'check' in ''.join(lines) else lines)",
        answers=NOTHING,
    ),
    "syntax_transformer": Hostile(
        "forged",
        0,
        "",
        first="""
            import ast
            class Cheat(ast.NodeTransformer):
                def visit_Call(self, node): return ast.copy_location(ast.Constant(8.0), node)
            get_ipython().ast_transformers.append(Cheat())
            """,
        answers=NOTHING,
    ),
    "hooks": Hostile(
        "forged",
        0,
        "",
        first="""
            shell = get_ipython()
            shell.events.register('post_run_cell', lambda result: print('8.0'))
            shell.run_cell = shell.run_cell_async = lambda *arguments, **named: None
            """,
        answers=NOTHING,
    ),
    "patched_runner": Hostile(
        "forged",
        0,
        "NoAnswer",
        first="""
            import convlab.checks.run as run, convlab.checks.wire as wire
            run.run = lambda *arguments: run.Outcome(8.0)
            text = b'{"dict": [["value", 8.0], ["points", 8.0]]}'
            wire.pack = lambda value: len(text).to_bytes(4, 'big') + text
            comms = get_ipython().kernel.comm_manager
            def forged(comm, message): comm.send({'points': 8.0, 'verdict': 'passed'})
            comms.targets['convlab.grader'] = forged
            """,
        answers=NOTHING,
    ),
    "garbage_for_an_answer": Hostile(
        "forged",
        0,
        "this is not",
        first="""
            def garbage(comm, message):
                for text in (b'[' * 100_000, b'{"pickle": "gASVBg=="}'):
                    comm.send({}, buffers=[len(text).to_bytes(4, 'big') + text])
                comm.send({}, buffers=[b'['])
                comm.send({}, buffers=[])
            get_ipython().kernel.comm_manager.targets['convlab.grader'] = garbage
            """,
        answers=NOTHING,
    ),
    "endless_answers": Hostile(
        "forged",
        0,
        "",
        first="""
            def endless(comm, message):
                text = b'{"dict": [["value", 1], ["modified", {"tuple": []}]]}'
                while True: comm.send({}, buffers=[len(text).to_bytes(4, 'big') + text])
            get_ipython().kernel.comm_manager.targets['convlab.grader'] = endless
            """,
        answers=NOTHING,
    ),
    "forged_messages": Hostile(
        "forged",
        0,
        "",
        first="""
            kernel = get_ipython().kernel
            for text in (b'not a message', b'<IDS|MSG>', b'0' * 10_000):
                kernel.iopub_socket.send_multipart([b'x', b'<IDS|MSG>', text, text, text, text, text])
            """,
        answers=NOTHING,
    ),
    "prints_a_verdict": Hostile(
        "forged",
        0,
        "",
        first="""
            from IPython.display import display
            print('window_dot: 4 of 4 visible checks passed, 4 of 4 points')
            display(4.0)
            4.0
            """,
        answers=NOTHING,
    ),
    "shadowed_modules": Hostile("forged", ALL, place=_modules),
    "edited_checks": Hostile("forged", 0, "was edited", answers=NOTHING, change=_edit_checks),
    "raised_points": Hostile("forged", ALL, "was changed (points)", change=_raise_points),
    "retagged_checks": Hostile("forged", 0, "was changed (grade, locked)", answers=NOTHING, change=_retag_checks),
    "deleted_checks": Hostile("forged", ALL, "was missing: it was put back", change=_delete_checks),
    "copied_checks": Hostile("forged", ALL, "is there more than once", change=_copy_checks),
    "checks_made_answers": Hostile("forged", 0, "was changed", answers=NOTHING, change=_forge_solutions),
    "forged_outputs": Hostile("forged", 0, "was edited", answers=NOTHING, change=_forge_outputs),
    "points_of_its_own": Hostile("forged", 0, "", answers=NOTHING, change=_add_points),
    "library_call": Hostile(
        "forged",
        ALL - 8 - 4,
        "calls PyTorch's own convolution",
        answers={
            "cross_correlate2d": """
                def cross_correlate2d(x, k):
                    dtype = torch.promote_types(x.dtype, k.dtype)
                    return torch.nn.functional.conv2d(x.to(dtype)[None, None], k.to(dtype)[None, None])[0, 0]
                """
        },
        flagged=True,
    ),
    "library_call_past_the_guard": Hostile(
        "forged",
        ALL,
        "line 3: with torch._C._ExcludeDispatchKeyGuard(key):",
        answers={
            "cross_correlate2d": """
                def cross_correlate2d(x, k):
                    key = torch._C.DispatchKeySet(torch._C._dispatch_key_parse("TESTING_ONLY_GenericMode"))
                    with torch._C._ExcludeDispatchKeyGuard(key):
                        dtype = torch.promote_types(x.dtype, k.dtype)
                        return torch.nn.functional.conv2d(x.to(dtype)[None, None], k.to(dtype)[None, None])[0, 0]
                """
        },
        flagged=True,
    ),
    "library_call_in_a_handler": Hostile(
        "forged",
        ALL,
        "line 5: def __torch_dispatch__(",
        answers={
            "cross_correlate2d": """
                def cross_correlate2d(x, k):
                    dtype = torch.promote_types(x.dtype, k.dtype)
                    class Handler(torch.Tensor):
                        @classmethod
                        def __torch_dispatch__(cls, function, types, arguments=(), keywords=None):
                            return torch.nn.functional.conv2d(x.to(dtype)[None, None], k.to(dtype)[None, None])[0, 0]
                    return torch.Tensor._make_subclass(Handler, torch.zeros(1)) + 1
                """
        },
        flagged=True,
    ),
    # Malformed files
    "no_json": Hostile("malformed", 0, "is not a notebook", place=_replace("{")),
    "no_text": Hostile("malformed", 0, "is not a notebook", place=_replace(b"\xff\xfe\x00")),
    "deep_json": Hostile("malformed", 0, "is not a notebook", place=_replace('{"a":' + "[" * 10**6)),
    "large": Hostile("malformed", 0, "larger than 10 MB", place=_replace("{" + " " * 11_000_000 + "}")),
    "old_format": Hostile("malformed", 0, "format 4", place=_replace('{"nbformat": 3, "worksheets": []}')),
    "notebook_is_a_link": Hostile("malformed", 0, "is a link", place=_link_notebook),
    "notebook_is_a_pipe": Hostile("malformed", 0, "is a link or a special file", place=_fifo),
    "other_kernel": Hostile("malformed", ALL, change=_other_kernel),
    "lone_surrogates": Hostile("malformed", ALL, change=_surrogates),
    # Survivors
    "daemon": Hostile(
        "survivors",
        ALL,
        first="""
            import subprocess
            for _ in range(3):
                subprocess.Popen(['sleep', '98765'], start_new_session=True)
            if os.fork() == 0:
                os.setsid()
                if os.fork() == 0: os.execvp('sleep', ['sleep', '98765'])
                os._exit(0)
            """,
    ),
    # Poisoned outputs
    "scripts_in_outputs": Hostile(
        "poisoned",
        ALL,
        first="""
            from IPython.display import HTML, SVG, Javascript, Latex, Markdown, display
            display(HTML("<script>alert(1)</script><img src=x onerror=alert(2)><iframe src='//evil'></iframe>"))
            display(Javascript('alert(3)'), Markdown('<script>alert(4)</script>'), Latex('$\\\\href{javascript:alert(5)}{x}$'))
            display({'image/svg+xml': '<svg onload="alert(6)">', 'text/html': '<a href="javascript:alert(7)">x</a>'}, raw=True)
            display({'image/png': '"><script>alert(8)</script>', 'application/pdf': 'x'}, raw=True)
            display({'text/plain': 'x'}, metadata={'text/plain': {'width': '"><script>alert(9)</script>'}}, raw=True)
            print('\\x1b]0;title\\x07<script>alert(10)</script>')
            """,
    ),
    "scripts_in_texts": Hostile("poisoned", ALL, change=_poisoned_texts),
    "script_in_an_error": Hostile(
        "poisoned",
        ALL - 4,
        "",
        answers={
            "output_size": "def output_size(n, k): raise KeyError('<script>alert(1)</script>\\x1b[2J' + 'x' * 10**6)"
        },
    ),
}
