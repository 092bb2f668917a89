"""Write the people of a table as shards that litdata streams: each shard whole or not at all, the index last."""

import json
import multiprocessing
import os
import shutil
import signal
import tempfile
from collections.abc import Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from pymaf_pl.atomic import replacing
from pymaf_pl.data.annotations import Annotations, check_images
from pymaf_pl.data.images import ImageArray, read_image
from pymaf_pl.data.levels import LEVELS, Margins, cut_level, record_of
from pymaf_pl.errors import InputError

RECORD = "pymaf_pl"  # our entry in litdata's index
INDEX, _BEGUN = "index.json", "packing.json"
_CHROMA = 0x221111  # OpenCV's code for 4:2:0, which cameras write too and which decodes fastest


def need_litdata() -> None:
    """Make sure that the library is there.

    Raises:
        InputError: says which extra has it.
    """
    try:
        import litdata  # noqa: F401
    except ImportError:
        raise InputError("shards need litdata: pip install 'pymaf-pl[shards]'") from None


def pack_table(
    table: Annotations,
    image_root: Path,
    folder: Path,
    margins: Margins,
    rows_per_shard: int = 512,
    workers: int = 2,
    show: bool = True,
) -> dict[str, Any]:
    """Pack a table's people; the same call again goes on where an earlier one was cut off.

    Args:
        table: whose people.
        image_root: folder that ``imgname`` is relative to.
        folder: of the shards, made if need be.
        margins: what crops may ask for.
        rows_per_shard: people in a file.
        workers: processes.
        show: a progress bar.

    Returns:
        the record of the shards.

    Raises:
        InputError: pictures are missing, or the folder holds other shards.
    """
    record = record_of(table, margins) | {"rows_per_shard": rows_per_shard}
    if _is_done(folder, record):
        return record
    need_litdata()
    check_images(table, image_root)
    folder.mkdir(parents=True, exist_ok=True)
    with replacing(folder / _BEGUN) as draft:
        draft.write_text(json.dumps(record, indent=2))
    starts = range(0, len(table), rows_per_shard)
    todo = [start for start in starts if not _note(folder, start).is_file()]
    there = sum(min(rows_per_shard, len(table) - start) for start in starts if start not in todo)
    jobs = [
        (table.rows(start, min(start + rows_per_shard, len(table))), image_root, folder, start, margins)
        for start in todo
    ]
    with _bar(len(table), there, show) as advance:
        for rows in _run(jobs, workers):
            advance(rows)
    notes = [json.loads(_note(folder, start).read_text()) for start in starts]
    index = {**notes[0], "chunks": [note["chunks"][0] for note in notes], RECORD: record}
    with replacing(folder / INDEX) as draft:
        draft.write_text(json.dumps(index))
    for start in starts:
        _note(folder, start).unlink()
    (folder / _BEGUN).unlink()
    return record


def _is_done(folder: Path, record: Mapping[str, Any]) -> bool:
    """Whether the very shards are there; others are not written over."""
    for name in (INDEX, _BEGUN):
        if not (folder / name).is_file():
            continue
        try:
            found = json.loads((folder / name).read_text())
        except ValueError:
            raise InputError(f"{folder / name}: not readable; take another folder for --out") from None
        found = found.get(RECORD) if name == INDEX else found
        if found != record:
            differs = next((k for k in record if (found or {}).get(k) != record[k]), "kind")
            raise InputError(f"{folder}: holds shards of another table or with other settings ({differs}); "
                             "take another folder for --out")  # fmt: skip
        return name == INDEX
    return False


def _note(folder: Path, start: int) -> Path:
    return folder / f"rows-{start:07d}.json"


_Job = tuple[Annotations, Path, Path, int, Margins]


def _run(jobs: list[_Job], workers: int) -> Iterator[int]:
    """Write shards and yield the number of rows of each, in any order."""
    if workers < 2 or len(jobs) < 2:
        yield from (_write_shard(*job) for job in jobs)
        return
    context = multiprocessing.get_context("spawn")  # a forked child of a process with threads may hang
    with ProcessPoolExecutor(min(workers, len(jobs)), context, initializer=_start_worker) as pool:
        running = [pool.submit(_write_shard, *job) for job in jobs]
        try:
            for future in as_completed(running):
                yield future.result()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _start_worker() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent; shards under way are finished
    cv2.setNumThreads(0)


def _write_shard(table: Annotations, image_root: Path, folder: Path, start: int, margins: Margins) -> int:
    from litdata.streaming.writer import BinaryWriter

    read = lru_cache(maxsize=1)(read_image)  # people of one picture stand next to each other in tables
    scratch = Path(tempfile.mkdtemp(prefix=".writing-", dir=folder))
    try:
        writer = BinaryWriter(str(scratch), chunk_size=len(table) + 1)
        for row in range(len(table)):
            image = read(image_root / table.imgname[row])
            writer[row] = pack_person(
                image, table.center[row].astype(np.float64), 200.0 * float(table.scale[row]), margins
            )
        writer.done()
        writer.merge()
        note = json.loads((scratch / INDEX).read_text())
        shard = f"rows-{start:07d}.bin"
        os.replace(scratch / note["chunks"][0]["filename"], folder / shard)
        note["chunks"][0]["filename"] = shard
        with replacing(_note(folder, start)) as draft:  # the shard counts once its note is there
            draft.write_text(json.dumps(note))
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return len(table)


def pack_person(image: ImageArray, center: np.ndarray[Any, Any], side: float, margins: Margins) -> dict[str, bytes]:
    """Return one entry of a shard: a JPEG for each level, empty where it is not kept, and where they were cut out."""
    kept = margins.levels(side)
    entry, places = dict.fromkeys(LEVELS, b""), np.zeros((len(LEVELS), 4))
    for number, level in enumerate(LEVELS):
        if level in kept:
            piece, places[number] = cut_level(image, center, side, margins.extent(level), margins.density(level))
            entry[level] = _jpeg(piece, margins.quality)
    return entry | {"places": places.astype("<f8").tobytes()}


def _jpeg(image: ImageArray, quality: int) -> bytes:
    options = [cv2.IMWRITE_JPEG_QUALITY, quality, cv2.IMWRITE_JPEG_SAMPLING_FACTOR, _CHROMA]
    done, data = cv2.imencode(".jpg", cv2.cvtColor(image, cv2.COLOR_RGB2BGR), options)
    if not done:
        raise InputError(f"a piece of shape {image.shape} cannot be written as JPEG")
    return data.tobytes()


@contextmanager
def _bar(total: int, done: int, show: bool) -> Iterator[Any]:
    columns = (TextColumn("packing"), BarColumn(), MofNCompleteColumn(), TextColumn("people"), TimeRemainingColumn())
    with Progress(*columns, disable=not show) as bar:
        task = bar.add_task("packing", total=total, completed=done)
        yield lambda rows: bar.update(task, advance=rows)
