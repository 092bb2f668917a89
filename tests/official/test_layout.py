"""Our list of the published keys against a table that is written out independently."""

import torch

from published import SMPL_TABLE, pymaf_table, spin_table
from pymaf_pl.official.layout import pymaf_layout, spin_layout

BODY = {f"regressor.{t}.smpl.{name}" for t in range(3) for name in SMPL_TABLE}


def test_pymaf_has_441_keys_of_which_36_are_body() -> None:
    table = pymaf_table()
    assert len(table) == 441
    assert len(BODY) == 36
    entries = pymaf_layout().entries
    assert {name: entry.shape for name, entry in entries.items()} == {k: v for k, v in table.items() if k not in BODY}


def test_spin_has_331_keys() -> None:
    table = spin_table()
    assert len(table) == 331
    assert {name: entry.shape for name, entry in spin_layout().entries.items()} == table


def test_everything_but_the_counters_is_float32() -> None:
    for name, entry in (pymaf_layout().entries | spin_layout().entries).items():
        counter = name.endswith("num_batches_tracked")
        assert entry.dtype == (torch.int64 if counter else torch.float32)


def test_trainable_numbers_are_the_papers() -> None:
    not_trained = ("running_mean", "running_var", "num_batches_tracked")
    for layout, count in ((pymaf_layout(), 45_168_512), (spin_layout(), 26_977_501)):
        sizes = [
            torch.Size(entry.shape).numel()
            for name, entry in layout.entries.items()
            if entry.ours and not name.endswith(not_trained)
        ]
        assert sum(sizes) == count


def test_no_key_of_ours_is_filled_twice() -> None:
    for layout in (pymaf_layout(), pymaf_layout(2, dense_head=False), spin_layout()):
        ours = [name for entry in layout.entries.values() for name in entry.ours]
        assert len(ours) == len(set(ours))


def test_fewer_iterations_have_fewer_extractors_and_regressors_but_all_deconvolutions() -> None:
    one = pymaf_layout(1, dense_head=False).entries
    assert "deconv_layers.6.weight" in one
    assert one["regressor.0.fc1.weight"].shape == (1024, 2362)
    assert not any(name.startswith(("maf_extractor.1", "regressor.1", "dp_head")) for name in one)
