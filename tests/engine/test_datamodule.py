"""Sources, stages and loaders: what the user may have got wrong is said before training."""

from collections.abc import Callable
from typing import Any

import pytest
import torch

from pymaf_pl.data.packed import PackedTable
from pymaf_pl.data.sources import SpinTable
from pymaf_pl.engine.datamodule import CurriculumData
from pymaf_pl.errors import InputError

MakeData = Callable[..., CurriculumData]


@pytest.mark.parametrize("size", [100, 0, -32, 16])
def test_an_image_size_that_the_backbone_cannot_halve_five_times_is_refused(size: int, make_data: MakeData) -> None:
    with pytest.raises(InputError, match=f"image_size={size}: the backbone needs a multiple of 32"):
        make_data(image_size=size)


@pytest.mark.parametrize(("options", "samples"), [({}, 20), ({"samples_per_epoch": 30}, 30)])
def test_a_batch_larger_than_an_epoch_is_refused(options: dict[str, int], samples: int, make_data: MakeData) -> None:
    data = make_data(batch_size=64, **options)
    with pytest.raises(InputError, match=f"data.batch_size=64 is more than the {samples} samples"):
        data.train_dataloader()


@pytest.mark.parametrize(
    ("stages", "words"),
    [
        ([], "data.stages"),
        ([{"name": "x", "epochs": 1, "mix": {"poeple": 1.0}}], "'poeple'; the sources are people"),
        ([{"name": "x", "epoch": 1, "mix": {"people": 1.0}}], "epoch"),
        ([{"name": "x", "epochs": 1}], "mix"),
        ([{"name": "x", "epochs": 0, "mix": {"people": 1.0}}], "lasts 0 epochs"),
    ],
    ids=["no stages", "unknown source", "unknown key", "missing key", "no epochs"],
)
def test_wrong_stages_are_answered_in_one_line(stages: list[dict[str, Any]], words: str, make_data: MakeData) -> None:
    with pytest.raises(InputError) as caught:
        make_data(stages=stages).train_dataloader()
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_epoch_is_the_largest_source_unless_told_otherwise(make_data: MakeData) -> None:
    assert make_data().steps_per_epoch() == [5]
    assert len(make_data().train_dataloader()) == 5
    assert make_data(samples_per_epoch=43).steps_per_epoch() == [10]  # the rest of 3 is dropped
    assert make_data(stages=[{"name": n, "epochs": 4, "mix": {"people": 1}} for n in "ab"]).num_epochs == 8


def test_batches_are_whole_and_walk_the_epochs(make_data: MakeData) -> None:
    loader = make_data(batch_size=6).train_dataloader()
    epochs = [[batch["index"].tolist() for batch in loader] for _ in range(2)]
    assert [len(batch) for batch in epochs[0]] == [6, 6, 6]
    assert epochs[0] != epochs[1]
    again = make_data(batch_size=6).train_dataloader()
    assert [batch["index"].tolist() for batch in again] == epochs[0]


def test_validation_is_every_held_out_person_once_and_never_augmented(make_data: MakeData) -> None:
    data = make_data(eval_batch_size=3)
    first, second = (list(data.val_dataloader()) for _ in range(2))
    assert torch.cat([batch["index"] for batch in first]).tolist() == [0, 1, 2, 3]
    assert all(torch.equal(a["image"], b["image"]) for a, b in zip(first, second, strict=True))


def test_only_sources_that_a_stage_uses_are_prepared_and_read(make_data: MakeData) -> None:
    class Untouchable:
        def prepare(self) -> None:
            raise AssertionError("prepared")

        def load(self) -> None:
            raise AssertionError("read")

    data = make_data()
    data.sources["unused"] = Untouchable()  # type: ignore[assignment]
    data.prepare_data()
    assert set(data.train_sets) == {"people"}
    assert len(data.train_dataloader()) == 5


def test_betas_of_another_body_are_masked(make_data: MakeData) -> None:
    batch = next(iter(make_data(body_model="smpl").train_dataloader()))
    assert not batch["has_betas"].any()
    assert batch["has_pose"].all()


def test_steps_follow_each_stages_own_length(make_data: MakeData) -> None:
    stages = [
        {"name": "a", "epochs": 3, "mix": {"people": 1.0}, "samples": 13},
        {"name": "b", "epochs": 2, "mix": {"people": 1.0}},
    ]
    data = make_data(stages=stages)
    assert data.steps_per_epoch() == [3, 5]
    assert data.steps_per_epoch(world_size=2) == [1, 2]
    assert data.steps_per_epoch(accumulate=2) == [2, 3]  # the last of an epoch from one batch
    assert [data.total_steps(epochs) for epochs in (1, 3, 4, 5, 7)] == [3, 9, 14, 19, 29]  # the last stage goes on
    with pytest.raises(InputError, match=r"data.batch_size=4 is more than the 3 samples .* in stage 'x'"):
        make_data(stages=[{"name": "x", "epochs": 1, "mix": {"people": 1.0}, "samples": 3}]).steps_per_epoch()


def test_a_missing_table_is_said_before_any_other_is_read(make_data: MakeData) -> None:
    class Unreadable:
        def needs(self) -> tuple[()]:
            return ()

        def prepare(self) -> None:
            raise AssertionError("prepared")

        load = prepare

    data = make_data(few=(0, 6), stages=[{"name": "x", "epochs": 1, "mix": {"people": 1.0, "few": 1.0}}])
    data.sources |= {"few": SpinTable("nowhere/few.npz", "nowhere"), "people": Unreadable()}  # type: ignore[dict-item]
    with pytest.raises(InputError, match=r"nowhere/few.npz: no such annotation table"):
        data.prepare_data()


def test_tables_are_read_once(make_data: MakeData, monkeypatch: pytest.MonkeyPatch) -> None:
    reads = []
    load = SpinTable.load
    monkeypatch.setattr(SpinTable, "load", lambda self: reads.append(self.rows) or load(self))
    data = make_data()
    data.prepare_data()
    data.prepare_data()  # as Lightning does once more
    data.train_dataloader()
    assert reads == [(0, 20)]
    assert len(data.val_set) == 4


def test_people_are_not_measured_on_shards(make_data: MakeData) -> None:
    with pytest.raises(InputError, match="give the plain table"):
        make_data(validation=PackedTable("x.npz", "shards"))
