#!/bin/sh
# Makes .venv from requirements.lock; called by make where .venv is missing or older than the lock.
set -eu

fail() {
    echo "$1" >&2
    exit 1
}

for python in python3 python3.14 python3.13 python3.12 python3.11 ""; do
    [ -n "$python" ] || fail "Python 3.11 or later is needed, and none was found: install it (on Debian or Ubuntu: sudo apt install python3 python3-venv; on macOS: brew install python) and run make again."
    "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && break
done

echo "Setting up .venv (about 6 GB, once; a minute or a few, depending on the network) ..."
rm -f .venv/ready
if uv=$(command -v uv); then
    "$uv" venv --quiet --allow-existing --python "$python" .venv
else
    "$python" -m venv .venv ||
        fail "Python's venv module is incomplete: install it (on Debian or Ubuntu: sudo apt install python3-venv) and run make again."
    .venv/bin/python -m pip install --retries 1 uv >.venv/setup.log 2>&1 ||
        fail "The package index cannot be reached: connect to the network and run make again (what pip said is in .venv/setup.log)."
    uv=.venv/bin/uv
fi
"$uv" pip install --python .venv --compile-bytecode -r requirements.lock -e ./course -e ".[test]" ||
    fail "Setup did not finish: the lines above say why; without a network, connect to one, and run make again."
