"""Where the project's own files are."""

import os
from importlib.resources import files
from pathlib import Path


def conf_dir() -> Path:
    """Return the folder of configuration groups: ``$PYMAF_CONF``, else the checkout's, else the installed package's."""
    if given := os.environ.get("PYMAF_CONF"):
        return Path(given).resolve()
    top = Path(__file__).resolve().parents[2] / "conf"
    if top.is_dir() and (top.parent / "pyproject.toml").is_file():
        return top
    return Path(str(files("pymaf_pl") / "conf"))
