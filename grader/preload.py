"""What workers are forked from: importing this imports what grades and chooses the sandbox, once for all of them.

Only the process that `multiprocessing` forks them from does so.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import os

from grader import sandbox

os.environ["OMP_NUM_THREADS"] = "1"  # the checks' tensors are tiny: threads only wait for each other
sandbox.begin()  # the server that forks kernels imports torch while this process does
for module in ("grader.execute", "grader.safe_html", "grader.submission"):
    importlib.import_module(module)
with contextlib.suppress(sandbox.NoSandbox):
    sandbox.prepare(sandbox.Sandbox().chosen())
gc.freeze()
