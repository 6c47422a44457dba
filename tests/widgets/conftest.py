"""Node runs the very files that ship: their unit tests, and the golden cases that are compared with torch."""

import json
import shutil
import subprocess

import pytest


@pytest.fixture(scope="session")
def node():
    """Run node with these arguments and return what it printed; it has to succeed."""
    if not shutil.which("node"):
        pytest.fail("node is not installed: the arithmetic in the browser cannot be compared with torch")

    def run(*arguments, stdin=None):
        done = subprocess.run(["node", *arguments], input=stdin, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return run


@pytest.fixture(scope="module")
def in_javascript(node, request):
    """Evaluate a JavaScript expression of m (the test module's SCRIPT) and c (one case) for each case."""

    def evaluate(expression, cases):
        program = (
            f"const m = await import({json.dumps(request.module.SCRIPT.as_uri())});"
            "const text = (await import('node:fs')).readFileSync(0, 'utf8');"
            f"console.log(JSON.stringify(JSON.parse(text).map((c) => {expression})));"
        )
        return json.loads(node("--input-type=module", "-e", program, stdin=json.dumps(cases)))

    return evaluate
