"""Tables as SPIN, PyMAF and PARE published them: the same columns and kinds of numbers, to a batch that trains."""

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from pymaf_pl.data.annotations import load_annotations
from pymaf_pl.data.dataset import PersonDataset

COUNT = 3
RNG = np.random.default_rng(0)
NAMES = [f"images/{i}.jpg" for i in range(COUNT)]
COLUMNS: dict[str, Any] = {
    "imgname": np.array(NAMES), "center": RNG.uniform(20, 40, (COUNT, 2)), "scale": RNG.uniform(0.1, 0.2, COUNT),
    "part": np.concatenate([RNG.uniform(10, 50, (COUNT, 24, 2)), np.ones((COUNT, 24, 1))], axis=-1),
    "openpose": np.zeros((COUNT, 25, 3)),
    "S": np.concatenate([RNG.normal(size=(COUNT, 24, 3)), np.ones((COUNT, 24, 1))], axis=-1),
    "pose": RNG.normal(size=(COUNT, 72)), "shape": RNG.normal(size=(COUNT, 10)), "has_smpl": np.array([1, 0, 1]),
    "gender": np.array(["m", "f", "f"]), "maskname": np.array(NAMES), "partname": np.array(NAMES),
    "smpl_2dkps": np.zeros((COUNT, 24, 3)), "annotIds": np.arange(COUNT),
    "pose_0yaw_inverseyz": RNG.normal(size=(COUNT, 72)),
}  # fmt: skip
BOX = "imgname center scale"
# file: its columns, how many rows have 2D, 3D, pose
PUBLISHED = {
    "SPIN coco_2014_train": (f"{BOX} part openpose", (3, 0, 0)),
    "SPIN lsp_dataset_test": (f"{BOX} part maskname partname", (3, 0, 0)),
    "SPIN h36m_valid_protocol2": (f"{BOX} S", (0, 3, 0)),
    "SPIN mpi_inf_3dhp_train": (f"{BOX} part pose shape has_smpl S openpose", (3, 3, 2)),
    "SPIN 3dpw_test": (f"{BOX} pose shape gender", (0, 0, 3)),
    "PyMAF h36m_mosh_train": (f"{BOX} pose shape part S smpl_2dkps", (3, 3, 3)),
    "PyMAF coco-full_train_eft": (f"{BOX} part openpose pose shape has_smpl annotIds", (3, 0, 2)),
    "PARE 3dpw_train": (f"{BOX} part S pose pose_0yaw_inverseyz shape gender", (3, 3, 3)),
}


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("published")
    (folder / "images").mkdir()
    for name in NAMES:
        cv2.imwrite(str(folder / name), np.full((60, 60, 3), 99, np.uint8))
    return folder


@pytest.mark.parametrize("objects", [False, True], ids=["text", "pickled text"])
@pytest.mark.parametrize("which", PUBLISHED)
def test_a_published_table_trains_as_it_is(which: str, objects: bool, root: Path) -> None:
    names, (flat, deep, posed) = PUBLISHED[which]
    columns = {key: COLUMNS[key] for key in names.split()}
    if objects:  # as NumPy of their time wrote lists of names
        columns |= {key: values.astype(object) for key, values in columns.items() if values.dtype.kind == "U"}
    np.savez(root / "table.npz", **columns)
    table = load_annotations(root / "table.npz")
    people = PersonDataset(table, root, 32, "smpl")
    samples = [people.sample(row) for row in range(COUNT)]
    assert sum(bool(sample["keypoints_2d"][25:, 2].all()) for sample in samples) == flat
    assert sum(bool(sample["has_keypoints_3d"]) for sample in samples) == deep
    assert sum(bool(sample["has_pose"]) for sample in samples) == posed
    if posed:
        expected = COLUMNS["pose_0yaw_inverseyz" if which.startswith("PARE") else "pose"][0]
        np.testing.assert_allclose(table.pose[0], expected, rtol=1e-6)
