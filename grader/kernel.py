"""What runs in the sandbox: a Jupyter kernel that also tries a student's work on the inputs it is sent.

Started as a program, with the limits and the connection file as JSON. Nothing here decides anything: it is the
student's own process. The grader opens a comm to the target TARGET with the exercise and its cases, and gets one
message a case, the outcome as `convlab.checks.wire` packs it.
"""

from __future__ import annotations

import importlib
import json
import os
import resource
import shutil
import sys

from ipykernel.kernelapp import IPKernelApp
from IPython import get_ipython

from convlab.checks.plain import Other
from convlab.checks.run import Case, run
from convlab.checks.wire import pack, unpack

TARGET = "convlab.grader"
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
    for number, (aspect, inputs) in enumerate(unpack(message["buffers"])):

        def look_up_and_call(_, **inputs):
            if name not in names:
                raise NameError(f"name '{name}' is not defined")
            return call(names[name], **inputs)

        outcome = run(look_up_and_call, None, Case(aspect, inputs), asked["forbidden"])
        told = {"value": outcome.value, "modified": outcome.modified, "used": outcome.used}
        buffers = pack(told)
        size = sum(map(len, buffers))
        if size > LARGEST:
            buffers = pack({**told, "value": Other(f"{type(outcome.value).__name__}, with {size} bytes")})
        comm.send({"case": number}, buffers=buffers)


def start(connection_file: str, extra_arguments: list[str]) -> None:
    """Be a kernel until told to stop."""
    cache = os.path.join(os.path.dirname(os.path.abspath(__file__)), "matplotlib")
    if os.path.isdir(cache):
        shutil.copytree(cache, os.environ["MPLCONFIGDIR"], dirs_exist_ok=True)
    application = IPKernelApp.instance()
    application.initialize(["-f", connection_file, *extra_arguments])
    application.kernel.comm_manager.register_target(TARGET, try_work)
    application.start()


if __name__ == "__main__":
    limit(json.loads(sys.argv[1]))
    start(sys.argv[2], sys.argv[3:])
