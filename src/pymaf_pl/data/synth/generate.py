"""Make a synthetic data set: pictures and one SPIN table, in parallel, resumable, decided by its seed alone.

A data set is made in chunks of 64 rows. A finished chunk leaves a small part file, so an interrupted run goes on where
it stopped; the parts become the table at the end. A side-car ``.json`` says what made the data set, and a second call
with the same parameters returns at once.
"""

import ctypes
import json
import multiprocessing
import shutil
import signal
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from pymaf_pl.atomic import replacing
from pymaf_pl.data.synth.anatomy import shipped_anatomy
from pymaf_pl.data.synth.chunk import CHUNK, make_chunk
from pymaf_pl.data.synth.labels import Columns
from pymaf_pl.data.synth.options import World, WorldOptions, default_options
from pymaf_pl.data.synth.recipe import Recipe, check, record_of, same_as_before
from pymaf_pl.errors import InputError

try:
    import fcntl
except ImportError:  # Windows: two runs that render the same world at once must not be
    fcntl = None  # type: ignore[assignment]


def generate_world(
    world: World,
    out: Path | str,
    num: int,
    split: str,
    seed: int,
    size: int = 144,
    workers: int = 2,
    options: WorldOptions | None = None,
    progress: bool = True,
) -> Path:
    """Make one split of one world, or return it if it is there already.

    Writes ``OUT/{world}_{split}.npz``, ``OUT/{world}_{split}.json`` and the pictures ``OUT/{world}_{split}/000000.jpg``
    and so on; ``val`` and ``test`` also get silhouettes and part pictures, and labels in every row.

    Table keys are SPIN's (part and openpose in px of the picture, the centre of pixel i at i; S in metres, camera axes,
    origin at the pelvis of the 24 joints). Extra keys: ``has_3d`` (N), ``body_model``, ``cam_intrinsics`` (N, 4) fx fy
    cx cy, and ``transl`` (N, 3), the pelvis in camera axes, so that ``S + transl`` projects onto ``part``.

    Args:
        world: ``studio`` or ``wild``.
        out: folder, made if need be.
        num: rows.
        split: ``train``, ``val`` or ``test``.
        seed: of everything random; rows do not depend on ``workers``.
        size: side of the pictures, px.
        workers: processes, each with one thread; 1 works in this process. With more than one, a script needs the usual
            ``if __name__ == "__main__"`` guard.
        options: see :class:`WorldOptions`; the world's defaults if None.
        progress: show a bar.

    Returns:
        The path of the table.

    Raises:
        InputError: a parameter is wrong, the folder cannot be written, or it holds the same split made otherwise.
    """
    options = default_options(world) if options is None else options
    recipe = Recipe(world, split, num, seed, size, options)
    check(recipe, workers)
    out = Path(out)
    table, record_path = out / f"{recipe.folder}.npz", out / f"{recipe.folder}.json"
    record = record_of(recipe)

    def made() -> bool:
        return same_as_before(record, record_path) and table.exists() and (out / recipe.folder).is_dir()

    if made():
        return table
    with _alone(out, recipe):
        if made():  # by another run of a sweep, while this one waited
            return table
        parts = _prepare(out, recipe, record, record_path)
        chunks = [(index, parts / f"{index:04d}.npz") for index in range(-(-num // CHUNK))]
        todo = [(index, part) for index, part in chunks if not part.exists()]
        with _bar(recipe, num, num - _rows_in(recipe, [index for index, _ in todo]), progress) as advance:
            for index in _run(recipe, todo, out, workers):
                advance(_rows_in(recipe, [index]))
        _assemble([part for _, part in chunks], table)
        shutil.rmtree(parts)
    return table


@contextmanager
def _alone(out: Path, recipe: Recipe) -> Iterator[None]:
    """One process at a time makes a data set; the lock goes with the process, however it ends."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        lock = (out / f".{recipe.folder}.lock").open("a")
    except OSError as error:
        raise _cannot_write(out, error) from error
    with lock:
        if fcntl is not None:
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _prepare(out: Path, recipe: Recipe, record: dict[str, Any], record_path: Path) -> Path:
    """Make the folders and the side-car; return the folder of part files, which only this recipe uses."""
    parts = out / recipe.folder / f".parts-{record['parameters_hash']}"
    try:
        parts.mkdir(parents=True, exist_ok=True)
        _write_whole(record_path, json.dumps(record, indent=2).encode())
    except OSError as error:
        raise _cannot_write(out, error) from error
    return parts


def _cannot_write(out: Path, error: OSError) -> InputError:
    return InputError(f"cannot write to {out} ({error.strerror or error}); choose a folder you may write to")


def _run(recipe: Recipe, todo: list[tuple[int, Path]], out: Path, workers: int) -> Iterator[int]:
    """Make chunks and yield the number of each when it is finished, in any order."""
    if not todo:
        return
    if workers == 1:
        with _single_thread():
            for index, part in todo:
                yield _finish_chunk(recipe, index, out, part)
        return
    # spawn: a forked child of a process with threads may hang.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(min(workers, len(todo)), context, initializer=_start_worker) as pool:
        running: list[Future[int]] = [pool.submit(_finish_chunk, recipe, index, out, part) for index, part in todo]
        try:
            for future in as_completed(running):
                yield future.result()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _finish_chunk(recipe: Recipe, index: int, out: Path, part: Path) -> int:
    _save_table(part, make_chunk(recipe, index, out))
    return index


def _start_worker() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent; chunks under way are finished
    torch.set_num_threads(1)
    cv2.setNumThreads(0)
    try:  # glibc: keep freed pages; asking the kernel for them anew costs a third of the time
        libc = ctypes.CDLL(None)
        libc.mallopt(-3, 1 << 30)  # M_MMAP_THRESHOLD
        libc.mallopt(-1, (1 << 31) - 1)  # M_TRIM_THRESHOLD
    except (OSError, AttributeError):
        pass


@contextmanager
def _single_thread() -> Iterator[None]:
    """One thread, so that sums come out the same as in a worker."""
    torch_threads, cv2_threads = torch.get_num_threads(), cv2.getNumThreads()
    torch.set_num_threads(1)
    cv2.setNumThreads(0)
    try:
        yield
    finally:
        torch.set_num_threads(torch_threads)
        cv2.setNumThreads(cv2_threads)


def _assemble(part_paths: list[Path], table: Path) -> None:
    parts: list[Columns] = []
    for path in part_paths:
        with np.load(path) as part:
            parts.append(dict(part))
    columns = {key: np.concatenate([part[key] for part in parts]) for key in parts[0]}
    columns["body_model"] = np.array(shipped_anatomy()[0].name)
    _save_table(table, columns)


def _save_table(path: Path, columns: Columns) -> None:
    """Write whole or not at all."""
    with replacing(path) as draft, draft.open("wb") as stream:
        np.savez(stream, **columns)  # type: ignore[arg-type]  # numpy stubs: columns are not allow_pickle


def _write_whole(path: Path, content: bytes) -> None:
    with replacing(path) as draft:
        draft.write_bytes(content)


def _rows_in(recipe: Recipe, chunks: list[int]) -> int:
    return sum(min((index + 1) * CHUNK, recipe.num) - index * CHUNK for index in chunks)


@contextmanager
def _bar(recipe: Recipe, total: int, done: int, show: bool) -> Iterator[Any]:
    columns = (
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(),
        TextColumn("{task.fields[rate]} images/s"), TimeRemainingColumn(),
    )  # fmt: skip
    with Progress(*columns, disable=not show) as bar:
        task = bar.add_task(f"{recipe.world} {recipe.split}", total=total, completed=done, rate="-")
        state = {"made": 0}

        def advance(rows: int) -> None:
            state["made"] += rows
            elapsed = bar.tasks[0].elapsed or 0.0
            bar.update(task, advance=rows, rate=f"{state['made'] / elapsed:.0f}" if elapsed > 0 else "-")

        yield advance
