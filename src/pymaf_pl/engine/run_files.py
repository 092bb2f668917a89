"""What a run leaves behind, written whole or not at all."""

import json
import math
import platform
import subprocess
import sys
from collections.abc import Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

from pymaf_pl.atomic import replacing
from pymaf_pl.checksums import sha256

_PACKAGES = ("pymaf-pl", "torch", "torchvision", "pytorch-lightning", "numpy", "hydra-core", "smplx",
             "opencv-python-headless", "roma", "torchmetrics", "wandb")  # fmt: skip


def write_text(path: Path, text: str) -> Path:
    """Write a file under a temporary name in the same folder, then rename it."""
    with replacing(path) as draft:
        draft.write_text(text, encoding="utf-8")
    return path


def write_json(path: Path, content: Mapping[str, Any]) -> Path:
    """Write JSON; numbers that are not finite become null."""
    return write_text(path, json.dumps(_finite(content), indent=2) + "\n")


def metrics_document(
    protocol: str, num_samples: int, rows: Sequence[Mapping[str, float]], extra: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Lay out ``metrics.json``: one row per iteration, the last one again as ``final``."""
    return {
        "schema": 1,
        "protocol": protocol,
        "num_samples": num_samples,
        "unit": "mm",
        "iterations": [dict(row) for row in rows],
        "final": dict(rows[-1]),
        "extra": dict(extra or {}),
    }


def run_record(body: Mapping[str, str], seed: int, device: str, data: Sequence[Path]) -> dict[str, Any]:
    """Collect what made a run: command, commit and diff, versions, seed, device, body, data files with their hashes."""
    return {
        "command": sys.argv,
        "git": _git(),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "packages": {name: _version(name) for name in _PACKAGES},
        "seed": seed,
        "device": device,
        "body": dict(body),
        "licences": {
            "body": "CC0-1.0" if body["name"] == "open" else "SMPL body licence, non-commercial",
            "smplx": "MPI, non-commercial",
        },
        "data": {str(path): sha256(path) for path in data},
    }


def _git() -> dict[str, str] | None:
    folder = Path(__file__).parent  # the checkout of the code, not where the user happens to stand

    def run(*arguments: str) -> str:
        return subprocess.run(
            ["git", *arguments], cwd=folder, capture_output=True, text=True, check=True, timeout=10
        ).stdout

    try:
        return {
            "commit": run("rev-parse", "HEAD").strip(),
            "diff": run("diff", "HEAD", "--", ":/src", ":/conf", ":!*.npz"),
        }
    except (OSError, subprocess.SubprocessError):
        return None


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _finite(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(k): _finite(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(v) for v in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
