"""Out again: the same keys, shapes and types, and bit by bit the same numbers; what does not fit is refused."""

import copy
from pathlib import Path
from typing import Any

import pytest
import torch

from published import SMPL_TABLE, picked, published_pymaf, published_spin
from pymaf_pl.body import load_body
from pymaf_pl.errors import InputError
from pymaf_pl.official import Kind, OfficialWeights, read_official, write_official

PATH = Path("ours.ckpt")


def write(read: OfficialWeights, body: Any = None, **changes: Any) -> dict[str, dict[str, torch.Tensor]]:
    vertices = picked() if read.kind == "pymaf" else None
    given = {"state": read.state, "record": read.record, "kind": read.kind, "vertices": vertices} | changes
    return write_official(**given, body=body, path=PATH)


def same(first: dict[str, Any], second: dict[str, Any]) -> bool:
    return first.keys() == second.keys() and all(
        first[name].equal(second[name]) and first[name].dtype == second[name].dtype for name in first
    )


@pytest.mark.parametrize("kind", ["pymaf", "spin"])
def test_in_out_and_in_again_is_bit_by_bit_the_same(kind: Kind) -> None:
    content = (published_pymaf if kind == "pymaf" else published_spin)(seed=5)
    once = read_official(content, kind, PATH)
    out = write(once)
    theirs = {name: value for name, value in content["model"].items() if ".smpl." not in name}
    if kind == "pymaf":  # of this constant there are several roundings
        torch.testing.assert_close(out["model"]["points_grid"], theirs.pop("points_grid"), atol=1e-7, rtol=0)
    assert same({name: out["model"][name] for name in theirs}, theirs)
    again = read_official(out, kind, PATH)
    assert same(once.state, again.state)
    body = {"body": {**once.record["body"], "topology": None}}  # it went with the body's buffers
    assert again.record == once.record | body if kind == "pymaf" else again.record == once.record


def test_with_a_body_all_441_keys_are_there_with_their_shapes_and_types(smpl_dir: Path) -> None:
    content = published_pymaf()
    body = load_body("smpl", directory=smpl_dir)
    out = write(read_official(content, "pymaf", PATH), body)["model"]
    assert {k: (v.shape, v.dtype) for k, v in out.items()} == {
        k: (v.shape, v.dtype) for k, v in content["model"].items() if "smpl" not in k
    } | {
        f"regressor.{t}.smpl.{name}": (
            torch.Size(shape),
            torch.int64 if name.endswith(("faces_tensor", "parents", "idxs")) else torch.float32,
        )
        for t in range(3)
        for name, shape in SMPL_TABLE.items()
    }
    smpl = {name: out[f"regressor.2.smpl.{name}"] for name in SMPL_TABLE}
    assert smpl["v_template"].equal(body.v_template)
    assert smpl["parents"][:3].tolist() == [-1, 0, 0]
    assert smpl["faces_tensor"].equal(body.faces)
    assert smpl["vertex_joint_selector.extra_joints_idxs"][:2].tolist() == [332, 6260]
    assert not smpl["body_pose"].any()


def test_settings_that_the_weights_do_not_show_are_checked() -> None:
    read = read_official(published_pymaf(), "pymaf", PATH)
    for path, value, said in (
        (("network", "model", "activation"), "relu", "model.activation=relu is not what the published network has"),
        (("network", "model", "feedback", "_target_"), "pymaf_pl.models.feedback.mesh_only", "model.feedback="),
        (("network", "model", "pyramid", "_target_"), "pymaf_pl.models.pyramid.FixedPyramid", "model.pyramid="),
        (("network", "model", "feedback", "grid_side"), 11, "model.feedback="),
        (("network", "model", "rotation"), "axis_angle", "model.rotation=axis_angle"),
        (("network", "model", "pose_noise"), 0.1, "model.pose_noise=0.1"),
        (("network", "model", "align_corners"), False, "model.align_corners=False is not what the published"),
        (("image_size",), 256, "it was made for 256 px, the published network for 224"),
        (("network", "model", "num_iterations"), 4, "model.num_iterations=4"),
    ):
        record = copy.deepcopy(read.record)
        node = record
        for key in path[:-1]:
            node = node[key]
        node[path[-1]] = value
        with pytest.raises(InputError) as caught:
            write(read, record=record)
        assert said in str(caught.value)
    record = copy.deepcopy(read.record)
    record["network"]["model"] |= {"dropout": 0.0, "head_gain": 1.0, "detach": False}  # of training only
    write(read, record=record)


def test_records_of_our_own_runs_are_the_published_network_too() -> None:
    read = read_official(published_pymaf(), "pymaf", PATH)
    record = copy.deepcopy(read.record)
    record["network"]["model"]["feedback"] |= {"num_points": 431, "seed": None}  # as conf/feedback sets them
    write(read, record=record)
    record["network"]["model"]["feedback"]["_target_"] = "pymaf_pl.models.points.grid_then_mesh"  # version 0.1.0
    del record["network"]["model"]["pyramid"], record["network"]["model"]["rotation"]
    write(read, record=record)


def test_weights_that_do_not_fit_are_named() -> None:
    read = read_official(published_pymaf(), "pymaf", PATH)
    for change, said in (
        ({"regressors.0.fc2.bias": None}, "it has no 'regressors.0.fc2.bias'"),
        ({"attention.weight": torch.ones(1)}, "the published network has nothing like 'attention.weight'"),
        ({"mean": None}, "it has no 'mean'"),
        (
            {"pyramid.levels.0.0.weight": torch.ones(512, 64, 4, 4)},
            "'pyramid.levels.0.0.weight' has the shape (512, 64, 4, 4), the published network's is (2048, 256, 4, 4)",
        ),
    ):
        state = {name: value for name, value in (read.state | change).items() if value is not None}
        with pytest.raises(InputError) as caught:
            write(read, state=state)
        message = str(caught.value)
        assert message == f"ours.ckpt: cannot be written as an official PyMAF checkpoint: {said}"


def test_the_other_network_is_refused() -> None:
    read = read_official(published_spin(), "spin", PATH)
    with pytest.raises(InputError, match=r"written as an official PyMAF checkpoint: model\._target_="):
        write(read, kind="pymaf", vertices=picked())
    shared = {**read.state, "regressors.1.fc1.bias": torch.ones(1024)}
    with pytest.raises(InputError, match=r"'regressors\.1\.fc1\.bias' is not 'regressors\.0\.fc1\.bias'"):
        write(read, state=shared)
