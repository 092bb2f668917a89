"""The training pipeline from plain files and from shards, beside reading and decoding alone."""

import argparse
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import cv2
import numpy as np
from rich.progress import track
from torch.utils.data import DataLoader

from pymaf_pl.commands.bench_timing import print_table
from pymaf_pl.data.annotations import Annotations, check_images, load_annotations
from pymaf_pl.data.augment import Augmentation
from pymaf_pl.data.dataset import MixtureDataset, PersonDataset, keep_freed_memory, one_thread_per_worker
from pymaf_pl.data.images import read_image
from pymaf_pl.data.levels import Margins
from pymaf_pl.data.mixture import CurriculumSampler, Stage
from pymaf_pl.data.packed import Shards, open_pictures
from pymaf_pl.data.packing import need_litdata, pack_table
from pymaf_pl.errors import InputError

_DECODING, _PLAIN, _PACKED = "reading and decoding alone", "plain files", "shards"
_SIDE = 1000  # of made-up photographs: Human3.6M's cameras
_SHARD_ROWS = 32
_LENS = 0.8  # px, standard deviation of what lens and sensor blur


def bench_data(options: argparse.Namespace) -> dict[str, Any]:
    """Time samples in this process, one after the other in turn, and epochs of the loaders; return the numbers."""
    if options.workers < 0 or options.num < 2 * options.batch or options.people < 1:
        raise InputError(
            "bench data needs --workers of at least 0, --people of at least 1 and --num of at least two batches"
        )
    threads = cv2.getNumThreads()
    cv2.setNumThreads(0)
    keep_freed_memory()  # as the loaders' workers do
    try:
        with TemporaryDirectory() as scratch:
            return _bench(options, Path(scratch))
    finally:
        cv2.setNumThreads(threads)


def _bench(options: argparse.Namespace, scratch: Path) -> dict[str, Any]:
    if options.table is None:
        table, root = make_photographs(scratch, options.people), scratch
    else:
        table, root = load_annotations(options.table), options.image_root or options.table.parent
        table = table.rows(0, min(options.people, len(table)))
        check_images(table, root)
    augmentation = Augmentation()
    people = {_PLAIN: PersonDataset(table, root, options.size, table.body_model, augmentation)}
    try:
        need_litdata()
    except InputError as error:
        print(f"without shards: {error}")
    else:
        pack_table(table, root, scratch / "shards", Margins(options.size), _SHARD_ROWS, workers=1, show=False)
        pictures = open_pictures(Shards(str(scratch / "shards")), table, augmentation, options.size)
        people[_PACKED] = PersonDataset(table, root, options.size, table.body_model, augmentation, pictures=pictures)
    seconds = _samples(people, table, root, options.repeats)
    rates = _loaders(people, options)
    return _report(options, table, root, seconds, rates)


def _samples(people: dict[str, PersonDataset], table: Annotations, root: Path, repeats: int) -> dict[str, float]:
    """Processor seconds of a person, on average: the quickest of a few rounds, each of all people by each kind of work.

    Every round draws the same augmentation for a person. The quickest, because other programs only ever add; one kind
    after the other, because caches are warm in training too.
    """
    work: dict[str, Callable[[int], Any]] = {_DECODING: lambda row: read_image(root / table.imgname[row])}
    for name, dataset in people.items():
        work[name] = partial(_sample, dataset)
    seconds = {name: np.full(len(table), np.inf) for name in work}
    for _ in track(range(repeats), description="samples", transient=True):
        for name, run in work.items():
            for row in range(len(table)):
                begin = time.process_time()
                run(row)
                seconds[name][row] = min(seconds[name][row], time.process_time() - begin)
    return {name: float(values.mean()) for name, values in seconds.items()}


def _sample(people: PersonDataset, row: int) -> None:
    people.sample(row, np.random.default_rng([0, row]))


def _loaders(people: dict[str, PersonDataset], options: argparse.Namespace) -> dict[str, float]:
    """Samples per second, wall time, of a loader of each kind; the best of a few epochs in turn."""
    loaders = {name: _loader(dataset, options) for name, dataset in people.items()}
    rates: dict[str, list[float]] = {name: [] for name in loaders}
    for turn in track(range(options.repeats // 4 + 2), description="loaders", transient=True):
        for name, loader in loaders.items():
            rate = _epoch(loader)
            if turn > 0:  # in the first one the workers start
                rates[name].append(rate)
    return {name: max(values) for name, values in rates.items()}


def _loader(people: PersonDataset, options: argparse.Namespace) -> DataLoader[dict[str, Any]]:
    stage = Stage("bench", 1, {"table": 1.0})
    return DataLoader(
        MixtureDataset({"table": people}),
        batch_size=options.batch,
        sampler=CurriculumSampler([stage], {"table": len(people)}, options.num),
        drop_last=True,
        num_workers=options.workers,
        worker_init_fn=one_thread_per_worker,
        persistent_workers=options.workers > 0,
    )


def _epoch(loader: DataLoader[dict[str, Any]]) -> float:
    """Samples per second of an epoch, from asking for it to its last batch; the workers have started before."""
    begin = time.perf_counter()
    count = sum(len(batch["index"]) for batch in loader)
    return count / (time.perf_counter() - begin)


def _report(
    options: argparse.Namespace, table: Annotations, root: Path, seconds: dict[str, float], rates: dict[str, float]
) -> dict[str, Any]:
    rows: list[tuple[str, ...]] = []
    result: dict[str, dict[str, float]] = {}
    for name, value in seconds.items():
        entry = {"ms": 1e3 * value, "images_per_second_and_core": 1 / value, "x_decoding": value / seconds[_DECODING]}
        loader = "-"
        if name in rates:
            entry["loader_images_per_second"] = rates[name]
            loader = f"{rates[name]:.0f}"
        if name == _PACKED:
            entry["x_faster_than_plain"] = seconds[_PLAIN] / value
        result[name] = entry
        rows.append((name, f"{1e3 * value:.2f}", f"{1 / value:.0f}", f"{entry['x_decoding']:.2f}", loader))
    kilobytes = np.mean([(root / name).stat().st_size for name in table.imgname.tolist()]) / 1e3
    result["pictures"] = {"kilobytes": float(kilobytes), "people": len(table)}
    source = "made-up photographs of 1000 px" if options.table is None else options.table.name
    print_table(
        f"{source} ({kilobytes:.0f} kB each) to {options.size} px, augmented as for SPIN and PyMAF",
        ("", "ms, one core", "images/s and core", "x decoding", f"images/s, {options.workers} workers"),
        rows,
    )
    if _PACKED in result:
        print(f"shards are {result[_PACKED]['x_faster_than_plain']:.1f} times as fast as plain files")
    return result


def make_photographs(folder: Path, count: int, seed: int = 0) -> Annotations:
    """Write JPEGs of 1000 px with the spectrum of photographs, one person's box in each, and return their table.

    The amplitudes of natural images fall as one over the frequency (Field, JOSA A 1987), and faster where the lens
    blurs. Quality 95, OpenCV's own choice and so that of frames taken from videos with it; boxes are of 300 to 700 px.
    """
    rng = np.random.default_rng(seed)
    fy, fx = np.fft.fftfreq(_SIDE)[:, None], np.fft.rfftfreq(_SIDE)[None]
    frequency = np.hypot(fy, fx)
    falloff = np.exp(-2 * (np.pi * _LENS * frequency) ** 2) / np.maximum(frequency, 1 / _SIDE)
    names, centers, sides = [], rng.uniform(400, 600, (count, 2)), rng.uniform(300, 700, count)
    for i in track(range(count), description="photographs", transient=True):
        noise = np.fft.irfft2(
            np.fft.rfft2(rng.normal(size=(_SIDE, _SIDE, 3)), axes=(0, 1)) * falloff[..., None], axes=(0, 1)
        )
        # channels of a photograph go together
        grey = noise.mean(axis=2, keepdims=True)
        picture = 3 * grey + 0.5 * noise
        picture = 128 + 50 * (picture - picture.mean()) / picture.std()
        names.append(f"{i:04d}.jpg")
        cv2.imwrite(str(folder / names[-1]), np.clip(picture, 0, 255).astype(np.uint8))
    joints = np.ones((count, 24, 3)) * [*centers.mean(axis=0), 1]
    np.savez(
        folder / "photographs.npz", imgname=np.array(names), center=centers, scale=sides / 200, part=joints,
        S=rng.normal(size=(count, 24, 4)), pose=0.3 * rng.normal(size=(count, 72)), shape=np.zeros((count, 10)),
    )  # fmt: skip
    return load_annotations(folder / "photographs.npz")
