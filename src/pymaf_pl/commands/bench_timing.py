"""Clocks that are fair on a busy machine, and the facts about it."""

import contextlib
import os
import platform
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from rich.console import Console
from rich.progress import track
from rich.table import Table

from pymaf_pl.errors import InputError

Work = Callable[[], object]


def time_interleaved(
    work: Mapping[str, Work], repeats: int, device: torch.device, label: str
) -> dict[str, list[float]]:
    """Time every entry once per round, all in turn, so that a slow moment hits all of them; seconds per round.

    Two rounds of warm-up are not kept. Work that depends on earlier work may rely on the order.
    """
    seconds: dict[str, list[float]] = {name: [] for name in work}
    for round_ in track(range(-2, repeats), description=label, transient=True):
        for name, run in work.items():
            begin = now(device)
            run()
            taken = now(device) - begin
            if round_ >= 0:
                seconds[name].append(taken)
    return seconds


def median(values: list[float]) -> float:
    """Return the median."""
    return statistics.median(values)


def median_ratio(values: list[float], units: list[float]) -> float:
    """Return the median over rounds of each round's own ratio."""
    return statistics.median(value / unit for value, unit in zip(values, units, strict=True))


def now(device: torch.device) -> float:
    """Return the clock in seconds when the device has done all its work.

    On one CPU thread it is this process's processor time, to which other programs add nothing; otherwise wall time.
    """
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.process_time() if _counts_processor_time(device) else time.perf_counter()


def _counts_processor_time(device: torch.device) -> bool:
    return device.type == "cpu" and torch.get_num_threads() == 1


def autocast(device: torch.device, precision: str) -> contextlib.AbstractContextManager[Any]:
    """Return the mixed precision that training uses: convolutions and matrix products in bf16, the body in float32."""
    return torch.autocast(device.type, torch.bfloat16) if precision == "bf16" else contextlib.nullcontext()


def pick_device(name: str | None) -> torch.device:
    """Return the named device, or CUDA if there is one.

    Raises:
        InputError: no such device.
    """
    if name is None:
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError:
        device = torch.device("meta")
    if device.type not in ("cpu", "cuda"):
        raise InputError(f"--device {name}: there are cpu and cuda")
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise InputError(f"--device {name}: no such CUDA device here; torch sees {torch.cuda.device_count()}")
    return device


def machine(device: torch.device) -> dict[str, Any]:
    """Return what the numbers depend on."""
    return {
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else "CPU",
        "cpu": _cpu_name(),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "clock": "processor time" if _counts_processor_time(device) else "wall time",
        "load": round(os.getloadavg()[0], 1) if hasattr(os, "getloadavg") else None,
        "torch": torch.__version__,
        "python": platform.python_version(),
    }


def print_machine(facts: Mapping[str, Any]) -> None:
    """Say on one line where the numbers come from."""
    load = "" if facts["load"] is None else f", load {facts['load']}"
    device = "" if facts["device"] == "CPU" else f"{facts['device']}; "
    cpu = f"{facts['cpu']}, {facts['cores']} cores, {facts['threads']} torch threads{load}"
    print(f"{device}{cpu}; torch {facts['torch']}, Python {facts['python']}; {facts['clock']}")


def print_table(title: str, headings: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> None:
    """Print a table with the first column to the left and numbers to the right."""
    table = Table()
    for i, heading in enumerate(headings):
        table.add_column(heading, justify="left" if i == 0 else "right", overflow="fold")
    for row in rows:
        table.add_row(*row)
    print(title)
    Console().print(table)


def _cpu_name() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()
