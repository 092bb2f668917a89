"""Samples per second of the training pipeline: read, crop, augment, collate."""

import argparse
import statistics
import time
from typing import Any

import numpy as np
from rich.progress import track
from torch.utils.data import DataLoader

from pymaf_pl.commands.bench_timing import print_table
from pymaf_pl.data.annotations import check_images, load_annotations
from pymaf_pl.data.augment import Augmentation
from pymaf_pl.data.dataset import MixtureDataset, PersonDataset, one_thread_per_worker
from pymaf_pl.data.images import read_image
from pymaf_pl.data.mixture import CurriculumSampler, Stage
from pymaf_pl.errors import InputError


def bench_data(options: argparse.Namespace) -> dict[str, Any]:
    """Time epochs of the loader, and one sample in this process; print a table, return the numbers."""
    if options.workers < 0 or options.num < 2 * options.batch:
        raise InputError("bench data needs --workers of at least 0 and --num of at least two batches")
    table = load_annotations(options.table)
    root = options.image_root or options.table.parent
    check_images(table, root)
    people = PersonDataset(table, root, options.size, table.body_model, Augmentation())
    sampler = CurriculumSampler([Stage("bench", 1, {"table": 1.0})], {"table": len(table)}, options.num)
    loader: DataLoader[dict[str, Any]] = DataLoader(
        MixtureDataset({"table": people}),
        batch_size=options.batch,
        sampler=sampler,
        drop_last=True,
        num_workers=options.workers,
        worker_init_fn=one_thread_per_worker,
        persistent_workers=options.workers > 0,
    )
    rates = [_epoch(loader) for _ in track(range(options.repeats), description="epochs", transient=True)]
    rows = np.random.default_rng(0).integers(len(table), size=min(64, options.num)).tolist()
    decode = statistics.median(_timed(lambda row=row: read_image(root / table.imgname[row])) for row in rows)
    rng = np.random.default_rng(0)
    sample = statistics.median(_timed(lambda row=row: people.sample(row, rng)) for row in rows)
    result = {
        "samples_per_second": statistics.median(rates),
        "sample_ms": 1e3 * sample,
        "decoding_ms": 1e3 * decode,
    }
    print_table(
        f"training pipeline, {options.table.name} to {options.size} px, augmented as for SPIN and PyMAF",
        ("", "value"),
        [
            (
                f"loader, {options.workers} workers, batch {options.batch}",
                f"{result['samples_per_second']:.0f} samples/s",
            ),
            ("one sample in this process", f"{result['sample_ms']:.2f} ms"),
            ("  of which reading and decoding", f"{result['decoding_ms']:.2f} ms"),
        ],
    )
    return result


def _epoch(loader: DataLoader[dict[str, Any]]) -> float:
    """Samples per second after the first batch, which waits for the workers to start."""
    batches = iter(loader)
    next(batches)
    begin, count = time.perf_counter(), 0
    for batch in batches:
        count += len(batch["index"])
    return count / (time.perf_counter() - begin)


def _timed(work: Any) -> float:
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin
