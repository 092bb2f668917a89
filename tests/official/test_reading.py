"""Published checkpoints are taken whole: every key is accounted for, and what does not fit is named."""

from pathlib import Path
from typing import Any

import pytest
import torch

from published import published_pymaf, published_spin
from pymaf_pl.errors import InputError
from pymaf_pl.official import Fate, OfficialWeights, OfficialWeightsError, read_official, recognise

PATH = Path("official.pt")


def read(content: dict[str, Any]) -> OfficialWeights:
    kind = recognise(content)
    assert kind is not None
    return read_official(content, kind, PATH)


def complaint(content: dict[str, Any]) -> str:
    with pytest.raises(InputError) as caught:
        read(content)
    message = str(caught.value)
    assert message.startswith("official.pt: this looks like an official ")
    assert "\n" not in message
    return message


def changed(**keys: Any) -> dict[str, Any]:
    """PyMAF's, some keys replaced or, with None, taken out; ``__`` stands for a dot."""
    weights = published_pymaf()["model"]
    for name, value in keys.items():
        weights[name.replace("__", ".")] = value
    return {"model": {name: value for name, value in weights.items() if value is not None}}


def test_each_is_recognised_by_its_keys() -> None:
    assert recognise(published_pymaf()) == "pymaf"
    assert recognise(published_spin() | {"epoch": 3, "optimizer": {}}) == "spin"
    for other in (None, [], {}, {"model": {}}, {"model": 3}, {"state_dict": published_spin()["model"]}):
        assert recognise(other) is None


def test_all_441_keys_are_accounted_for() -> None:
    content = published_pymaf()
    report = read(content).report
    assert {key.name for key in report} == content["model"].keys()
    assert report.counts == {Fate.LOADED: 404, Fate.DROPPED: 37}
    dropped = {key.name: key.note for key in report if key.fate is Fate.DROPPED}
    assert dropped.pop("points_grid") == "a constant, built anew"
    assert all(".smpl." in name for name in dropped)
    assert dropped["regressor.1.smpl.betas"] == "placeholder, never trained"
    assert dropped["regressor.2.smpl.posedirs"] == "body buffer"
    assert report.summary() == "441 keys: 404 loaded, 37 dropped, 0 missing"


def test_numbers_land_where_they_belong() -> None:
    content = published_pymaf(seed=2)
    weights, state = content["model"], read(content).state
    for theirs, ours in (
        ("feature_extractor.layer3.5.bn2.running_var", "backbone.layer3.5.bn2.running_var"),
        ("deconv_layers.3.weight", "pyramid.levels.1.0.weight"),
        ("deconv_layers.7.num_batches_tracked", "pyramid.levels.2.1.num_batches_tracked"),
        ("maf_extractor.2.conv1.bias", "evidence.2.sampler.layers.1.bias"),
        ("regressor.1.decpose.weight", "regressors.1.pose.weight"),
        ("regressor.0.decshape.bias", "regressors.0.shape.bias"),
        ("regressor.2.deccam.weight", "regressors.2.camera.weight"),
        ("dp_head.predict_uv_index.weight", "dense_head.part.weight"),
        ("dp_head.predict_ann_index.bias", "dense_head.coarse.bias"),
    ):
        assert state[ours].equal(weights[theirs]), theirs
    parts = [weights[f"regressor.0.init_{name}"] for name in ("pose", "shape", "cam")]
    assert state["mean"].equal(torch.cat(parts, dim=1))


def test_the_record_says_how_to_build_it() -> None:
    record = read(published_pymaf()).record
    assert record["origin"] == "official PyMAF checkpoint"
    assert record["body"] == {"name": "smpl", "gender": "neutral", "topology": "07700d963dde"}
    assert record["image_size"] == 224
    assert record["network"]["model"]["num_iterations"] == 3
    assert record["network"]["model"]["dense_head"] is True


def test_the_files_own_downsampling_says_which_vertices() -> None:
    content = published_pymaf()
    expected = content["model"]["maf_extractor.0.Dmap"].nonzero()[:, 1].tolist()
    assert read(content).record["network"]["model"]["feedback"]["vertices"] == expected


def test_a_file_without_body_buffers_loads_the_same_but_tells_no_topology() -> None:
    whole = published_pymaf()
    without = {"model": {name: value for name, value in whole["model"].items() if ".smpl." not in name}}
    first, second = read(whole), read(without)
    assert first.state.keys() == second.state.keys()
    assert all(first.state[name].equal(second.state[name]) for name in first.state)
    assert second.report.summary() == "405 keys: 404 loaded, 1 dropped, 0 missing"
    assert second.record["body"]["topology"] is None


def test_faces_that_are_no_surface_tell_no_topology() -> None:
    noise = torch.randint(0, 6890, (13776, 3), generator=torch.Generator().manual_seed(0))
    for faces in (noise, torch.zeros(13776, 3, dtype=torch.int64), torch.ones(13776, 3), noise[0]):
        assert read(changed(regressor__0__smpl__faces_tensor=faces)).record["body"]["topology"] is None


def test_the_loop_starts_from_the_first_regressors_mean_body() -> None:
    other = torch.ones(1, 10)
    read_ = read(changed(regressor__2__init_shape=other))
    assert not read_.state["mean"][:, 144:154].equal(other)
    assert [key.name for key in read_.report if key.note.startswith("not regressor.0's")] == ["regressor.2.init_shape"]
    assert read(changed(regressor__0__init_shape=other)).state["mean"][:, 144:154].equal(other)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"regressor__1__fc1__weight": None}, "it has no 'regressor.1.fc1.weight'"),
        ({"maf_extractor__2__Dmap": None}, "it has no 'maf_extractor.2.Dmap'"),
        ({"dp_head__predict_u__bias": None}, "it has no 'dp_head.predict_u.bias'"),
        ({"points_grid": None}, "it has no 'points_grid'"),
        ({"regressor__0__fc3__weight": torch.ones(1)}, "'regressor.0.fc3.weight' is not a key of it"),
        ({"module__conv1__weight": torch.ones(1)}, "'module.conv1.weight' is not a key of it"),
        (
            {"deconv_layers__0__weight": torch.zeros(256, 256, 4, 4)},
            "'deconv_layers.0.weight' has the shape (256, 256, 4, 4), expected (2048, 256, 4, 4)",
        ),
        (
            {"deconv_layers__1__bias": torch.zeros(256).half()},
            "'deconv_layers.1.bias' holds torch.float16, expected torch.float32",
        ),
        ({"deconv_layers__1__bias": [0.0] * 256}, "'deconv_layers.1.bias' is a list, not a tensor"),
        (
            {"maf_extractor__1__Dmap": torch.ones(431, 6890)},
            "'maf_extractor.1.Dmap' has a row that does not pick exactly one vertex",
        ),
        (
            {"maf_extractor__1__Dmap": torch.eye(431, 6890)},
            "'maf_extractor.1.Dmap' picks other vertices than the one before it",
        ),
        (
            {"points_grid": torch.zeros(1, 2, 441)},
            "'points_grid' is not the 21 x 21 grid from -1 to 1, x varying slowest",
        ),
    ],
)
def test_what_does_not_fit_is_named(change: dict[str, Any], said: str) -> None:
    assert said in complaint(changed(**change))


def test_spins_missing_and_foreign_keys_are_named() -> None:
    content = published_spin()
    content["model"]["smpl.betas"] = content["model"].pop("decpose.weight")
    message = complaint(content)
    assert "official SPIN checkpoint, but it has no 'decpose.weight'; 'smpl.betas' is not a key of it" in message


def test_many_faults_are_counted_and_all_reported() -> None:
    gone = {f"regressor__2__{name}__bias": None for name in ("fc1", "fc2", "decpose", "decshape", "deccam")}
    assert complaint(changed(**gone)).endswith("; and 2 more")
    with pytest.raises(OfficialWeightsError) as caught:
        read(changed(**gone))
    report = caught.value.report
    assert report.counts[Fate.MISSING] == 5
    assert report.summary() == "436 keys: 399 loaded, 37 dropped, 5 missing"


def test_spin_shares_its_regressor_between_iterations() -> None:
    content = published_spin()
    loaded = read(content)
    for t in range(3):
        assert loaded.state[f"regressors.{t}.fc2.weight"] is content["model"]["fc2.weight"]
    assert loaded.record["network"]["model"]["_target_"] == "pymaf_pl.models.hmr"
    assert loaded.report.counts == {Fate.LOADED: 331}


def test_a_file_with_fewer_iterations_or_without_the_dense_head_is_one_of_its_kind() -> None:
    weights = published_pymaf()["model"]
    fewer = {name: value for name, value in weights.items() if not name.startswith(("maf_extractor.2", "regressor.2"))}
    model = read({"model": {name: value for name, value in fewer.items() if "dp_head" not in name}}).record["network"]
    assert (model["model"]["num_iterations"], model["model"]["dense_head"]) == (2, False)
