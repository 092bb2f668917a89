"""Whole protocols on two processes give what one gives, whoever sees whom."""

import os
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.distributed as dist
from torch import multiprocessing

from measured_world import World, build_world
from pymaf_pl.body import load_body
from pymaf_pl.metrics.coco import CocoKeypoints
from pymaf_pl.metrics.masks import Silhouettes
from pymaf_pl.metrics.measuring import Protocol
from pymaf_pl.metrics.people import mean_rows
from pymaf_pl.metrics.per_person import PerPerson
from pymaf_pl.metrics.protocols import FullBody
from pymaf_pl.types import Batch

pytest.importorskip("pycocotools", reason="AP needs the extra [coco]")
PEOPLE = 5
SHARES = {  # what each of two ranks sees: shares that a sampler fills up, and shares of different size
    "filled": ([0, 2, 4], [1, 3, 0]),
    "uneven": ([3, 0, 1, 2], [4]),
    "nothing": ([0, 1, 2, 3, 4], []),
}


def protocols() -> list[Protocol]:
    return [
        FullBody("body", ("mpjpe", "pa_mpjpe", "pve"), ("accel_error", "auc_3d")),
        Silhouettes("masks", ("fb_accuracy", "fb_f1", "parts_accuracy", "parts_f1"), ("miou",)),
        CocoKeypoints(),
    ]


def figures_of(world: World, protocol: Protocol, rows: list[int]) -> dict[str, np.ndarray]:
    """Measure some of the people; under torch.distributed, the others come from the other process."""
    protocol.attach(world.table, world.root, world.body)
    metric = PerPerson(PEOPLE, 2, protocol.per_person, protocol.pieces)
    for row in rows:  # one by one: matrix products round differently in batches of another size
        who = torch.tensor([row])
        batch = Batch(**{key: value[who] for key, value in world.batch.items()})  # type: ignore[typeddict-item]
        prepared = protocol.prepare(world.body, batch)
        states = (world.mean_body(), world.truth)
        metric.update(batch["index"], [protocol.evaluate(world.body, state[who], prepared) for state in states])
    gathered = metric.compute()
    assert gathered.row.tolist() == list(range(PEOPLE))
    figures = gathered.figures | protocol.pool(gathered)
    rows_of = mean_rows({name: figures[name] for name in protocol.everything})
    return {name: np.array([row[name] for row in rows_of]) for name in protocol.everything}


def _rank(rank: int, folder: str) -> None:
    torch.set_num_threads(1)
    dist.init_process_group(
        "gloo", store=dist.FileStore(os.path.join(folder, "store"), 2), rank=rank, world_size=2
    )  # fmt: skip
    world = build_world(load_body(), Path(folder, f"world_{rank}"), PEOPLE)
    for share, rows in SHARES.items():
        for protocol in protocols():
            np.savez(Path(folder, f"{share}_{protocol.name}_{rank}.npz"), **figures_of(world, protocol, rows[rank]))
    dist.destroy_process_group()


@pytest.mark.slow
def test_two_processes_give_the_figures_of_one(tmp_path: Path) -> None:
    for name in ("world", "world_0", "world_1"):
        (tmp_path / name).mkdir()
    multiprocessing.spawn(_rank, args=(str(tmp_path),), nprocs=2)
    world = build_world(load_body(), tmp_path / "world", PEOPLE)
    for protocol in protocols():
        expected = figures_of(world, protocol, list(range(PEOPLE)))
        for share in SHARES:
            for rank in (0, 1):
                with np.load(tmp_path / f"{share}_{protocol.name}_{rank}.npz") as found:
                    assert set(found.files) == set(expected)
                    for name, values in expected.items():
                        np.testing.assert_allclose(found[name], values, atol=1e-6, err_msg=f"{share} {name}")
