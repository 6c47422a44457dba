"""Where downloaded data is kept."""

import os
from pathlib import Path


def cache_folder() -> Path:
    """The folder that holds all downloaded data: `$CONVLAB_DATA`, else `convlab` in the user's cache."""
    if folder := os.environ.get("CONVLAB_DATA"):
        return Path(folder).expanduser().absolute()
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "convlab"
