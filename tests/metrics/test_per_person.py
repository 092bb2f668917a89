"""Everybody's figures: exact, whatever the batches and the ranks."""

import os
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.distributed as dist
from torch import Tensor, multiprocessing

from pymaf_pl.metrics.per_person import PerPerson

NAMES = ("mpjpe", "pck_2d")


def figures(count: int, seed: int, num_rows: int = 3) -> list[dict[str, Tensor]]:
    generator = torch.Generator().manual_seed(seed)
    rows = []
    for _ in range(num_rows):
        pck = torch.rand(count, generator=generator)
        pck[torch.rand(count, generator=generator) < 0.3] = torch.nan
        rows.append({"mpjpe": 100 + 30 * torch.randn(count, generator=generator), "pck_2d": pck})
    return rows


def part(rows: list[dict[str, Tensor]], index: list[int]) -> list[dict[str, Tensor]]:
    return [{name: values[index] for name, values in row.items()} for row in rows]


def test_uneven_batches_in_any_order_come_back_in_the_data_sets_order() -> None:
    everybody, metric = figures(9, 0), PerPerson(9, 3, NAMES)
    for batch in ([8], [3, 4, 5, 6, 7], [0, 2], [1]):
        metric.update(torch.tensor(batch), part(everybody, batch))
    row, measured, _ = metric.compute()
    assert row.tolist() == list(range(9))
    for name in NAMES:
        assert measured[name].dtype == np.float32
        expected = torch.stack([figure[name] for figure in everybody]).numpy()
        np.testing.assert_array_equal(measured[name], expected)  # NaN where there is no label


def test_a_person_who_comes_twice_counts_once() -> None:
    everybody, metric = figures(4, 1), PerPerson(6, 3, NAMES)
    metric.update(torch.tensor([0, 1, 2, 3]), everybody)
    metric.update(torch.tensor([0, 3]), [{k: v + 1000 for k, v in row.items()} for row in part(everybody, [0, 3])])
    row, measured, _ = metric.compute()
    assert row.tolist() == [0, 1, 2, 3]  # 4 and 5 were never seen
    assert measured["mpjpe"].max() < 1000


def test_pieces_keep_whole_numbers_beyond_single_precision() -> None:
    metric = PerPerson(2, 1, ("miou",), {"pixels": 2})
    pixels = torch.tensor([[2**25 + 1, 3], [5, 2**40 + 1]])
    metric.update(torch.arange(2), [{"miou": torch.zeros(2), "pixels": pixels}])
    assert metric.compute().pieces["pixels"][0].tolist() == pixels.tolist()


def test_reset_forgets_and_a_second_compute_is_not_stale() -> None:
    metric = PerPerson(8, 1, ("mpjpe",))
    metric.update(torch.tensor([0]), [{"mpjpe": torch.tensor([10.0])}])
    assert metric.compute().row.tolist() == [0]
    metric.update(torch.tensor([1]), [{"mpjpe": torch.tensor([20.0])}])
    assert metric.compute().figures["mpjpe"].tolist() == [[10, 20]]
    metric.reset()
    metric.update(torch.tensor([7]), [{"mpjpe": torch.tensor([1.0])}])
    assert metric.compute().row.tolist() == [7]


def test_the_number_of_iterations_and_the_rows_are_checked() -> None:
    with pytest.raises(ValueError, match="2 iterations, expected 3"):
        PerPerson(4, 3, NAMES).update(torch.arange(4), figures(4, 0, num_rows=2))
    with pytest.raises(ValueError, match="rows 0 to 3 of a data set of 3"):
        PerPerson(3, 3, NAMES).update(torch.arange(4), figures(4, 0))


def test_half_precision_models_keep_single_precision_figures() -> None:
    metric = PerPerson(2, 1, ("mpjpe",)).half()
    metric.update(torch.arange(2), [{"mpjpe": torch.tensor([1234.56, 1.0], dtype=torch.float64)}])
    assert metric.compute().figures["mpjpe"][0, 0] == np.float32(1234.56)


def test_state_is_no_part_of_a_checkpoint() -> None:
    metric = PerPerson(3, 3, NAMES)
    metric.update(torch.arange(3), figures(3, 0))
    assert not metric.state_dict()


def test_3dpws_state_is_as_large_at_the_end_as_at_the_beginning() -> None:
    people, figure = 35_515, torch.zeros(64)
    metric = PerPerson(people, 4, ("mpjpe", "pa_mpjpe", "pve"))
    before = metric.num_bytes
    assert before == people * 4 * 3 * 4  # 1.7 MB; their vertices would be 11.7 GB
    for start in range(0, people, 64):
        row = torch.arange(start, min(start + 64, people))
        metric.update(row, [dict.fromkeys(metric.names, figure[: len(row)])] * 4)
    assert metric.num_bytes == before
    assert not any(isinstance(value, list) for value in metric.metric_state.values())
    assert len(metric.compute().row) == people


# what each of two ranks sees: everybody, as in training; shares that are filled up, as a distributed sampler does;
# shares of different size
SHARES = {
    "everybody": ([0, 1, 2, 3, 4], [0, 1, 2, 3, 4]),
    "filled": ([0, 2, 4], [1, 3, 0]),
    "uneven": ([3, 0, 1, 2], [4]),
}


def _rank(rank: int, folder: str) -> None:
    store = dist.FileStore(os.path.join(folder, "store"), 2)
    dist.init_process_group("gloo", store=store, rank=rank, world_size=2)
    for name, shares in SHARES.items():
        metric = PerPerson(5, 3, NAMES)
        for start in range(0, len(shares[rank]), 2):
            batch = shares[rank][start : start + 2]
            metric.update(torch.tensor(batch), part(figures(5, 0), batch))
        row, measured, _ = metric.compute()
        np.savez(Path(folder, f"{name}_{rank}.npz"), row=row, mpjpe=measured["mpjpe"], pck_2d=measured["pck_2d"])
    dist.destroy_process_group()


@pytest.mark.slow
def test_two_processes_gather_everybody_once_and_agree(tmp_path: Path) -> None:
    multiprocessing.spawn(_rank, args=(str(tmp_path),), nprocs=2)
    for name in SHARES:
        for rank in (0, 1):
            with np.load(tmp_path / f"{name}_{rank}.npz") as gathered:
                assert gathered["row"].tolist() == [0, 1, 2, 3, 4], (name, rank)
                for figure in NAMES:
                    expected = torch.stack([row[figure] for row in figures(5, 0)]).numpy()
                    np.testing.assert_array_equal(gathered[figure], expected)
