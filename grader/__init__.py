"""What an instructor runs: build the notebooks, grade what is handed in, report."""

import os
import sys
from pathlib import Path

# nbgrader starts `alembic`, and Jupyter its kernels, by name: let them be found without an activated venv.
os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
sys.modules.setdefault("rfc3987_syntax", None)  # jsonschema would import it, for a second, to check addresses
