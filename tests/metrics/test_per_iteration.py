"""Means per iteration: exact, whatever the batches and the ranks."""

import copy
import os
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.distributed as dist
from torch import multiprocessing

from pymaf_pl.metrics.per_iteration import PerIterationMean

NAMES = ("mpjpe", "pck_2d")


def figures(count: int, seed: int) -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    mpjpe = 100 + 30 * torch.randn(count, generator=generator)
    pck = torch.rand(count, generator=generator)
    pck[torch.rand(count, generator=generator) < 0.3] = torch.nan
    return {"mpjpe": mpjpe, "pck_2d": pck}


def test_rows_are_the_means_over_people_without_the_unlabelled() -> None:
    metric = PerIterationMean(3, NAMES)
    seen: dict[int, list[dict[str, torch.Tensor]]] = {t: [] for t in range(3)}
    for batch, count in enumerate((7, 1, 12)):  # uneven batches: a mean of means would be off
        for t in range(3):
            seen[t].append(figures(count, 10 * batch + t))
            metric.update(t, seen[t][-1])
    rows = metric.compute()
    assert [row["iteration"] for row in rows] == [0, 1, 2]
    for t, row in enumerate(rows):
        for name in NAMES:
            values = torch.cat([f[name] for f in seen[t]]).double().numpy()
            assert row[name] == pytest.approx(np.nanmean(values), rel=1e-12)


def test_a_figure_that_nobody_has_is_nan_and_leaves_the_others_alone() -> None:
    metric = PerIterationMean(1, NAMES)
    metric.update(0, {"mpjpe": torch.tensor([2.0, 4.0]), "pck_2d": torch.tensor([torch.nan, torch.nan])})
    (row,) = metric.compute()
    assert row["mpjpe"] == 3
    assert np.isnan(row["pck_2d"])


def test_reset_forgets_and_a_second_compute_is_not_stale() -> None:
    metric = PerIterationMean(1, ("mpjpe",))
    metric.update(0, {"mpjpe": torch.tensor([10.0])})
    assert metric.compute()[0]["mpjpe"] == 10
    metric.update(0, {"mpjpe": torch.tensor([20.0])})
    assert metric.compute()[0]["mpjpe"] == 15
    metric.reset()
    metric.update(0, {"mpjpe": torch.tensor([1.0])})
    assert metric.compute()[0]["mpjpe"] == 1


def test_half_precision_models_keep_exact_sums() -> None:
    metric = PerIterationMean(1, ("mpjpe",)).half()
    for _ in range(50):
        metric.update(0, {"mpjpe": torch.full((200,), 70.7, dtype=torch.float32)})
    assert metric.compute()[0]["mpjpe"] == pytest.approx(70.7, rel=1e-6)


def test_state_is_no_part_of_a_checkpoint() -> None:
    metric = PerIterationMean(2, NAMES)
    metric.update(0, figures(3, 0))
    assert not metric.state_dict()


def test_summed_states_of_two_ranks_equal_one_pass() -> None:
    whole, ranks = PerIterationMean(1, NAMES), [PerIterationMean(1, NAMES) for _ in range(2)]
    for seed, (rank, count) in enumerate([(0, 9), (1, 2), (0, 4)]):
        whole.update(0, figures(count, seed))
        ranks[rank].update(0, figures(count, seed))
    merged = copy.deepcopy(ranks[0])
    for state, reduce in merged._reductions.items():  # what torchmetrics does with the gathered states
        assert reduce is not None
        setattr(merged, state, reduce(torch.stack([getattr(rank, state) for rank in ranks])))
    assert merged.compute()[0] == pytest.approx(whole.compute()[0], rel=1e-12)


def _rank(rank: int, folder: str) -> None:
    store = dist.FileStore(os.path.join(folder, "store"), 2)
    dist.init_process_group("gloo", store=store, rank=rank, world_size=2)
    metric = PerIterationMean(1, ("mpjpe",))
    metric.update(0, {"mpjpe": torch.tensor([1.0, 2.0, 3.0]) if rank == 0 else torch.tensor([10.0])})
    Path(folder, f"{rank}.txt").write_text(str(metric.compute()[0]["mpjpe"]))
    dist.destroy_process_group()


@pytest.mark.slow
def test_two_processes_with_uneven_shards_agree_on_the_mean(tmp_path: Path) -> None:
    multiprocessing.spawn(_rank, args=(str(tmp_path),), nprocs=2)
    assert [(tmp_path / f"{rank}.txt").read_text() for rank in (0, 1)] == ["4.0", "4.0"]
