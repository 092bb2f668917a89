"""Sources, stages and loaders: what the user may have got wrong is said before training."""

from collections.abc import Callable
from typing import Any

import pytest
import torch

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
    assert make_data().steps_per_epoch == 5
    assert len(make_data().train_dataloader()) == 5
    assert make_data(samples_per_epoch=43).steps_per_epoch == 10  # the rest of 3 is dropped
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
