"""SMPL-format folders made from the shipped body, since SMPL's own files are licensed."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from pymaf_pl.body.files import BodyArrays, read_open_body

SmplDict = dict[str, np.ndarray]


@pytest.fixture(scope="session")
def open_arrays() -> BodyArrays:
    return read_open_body()


@pytest.fixture(scope="session")
def smpl_dict(open_arrays: BodyArrays) -> SmplDict:
    """The shipped body under SMPL's key names, with the extra betas and entries that official files have."""
    shapedirs = np.concatenate([open_arrays.shapedirs, np.ones((6890, 3, 2))], axis=2).astype(np.float32)
    return {
        "v_template": open_arrays.v_template.astype(np.float32),
        "shapedirs": shapedirs,
        "posedirs": open_arrays.posedirs.astype(np.float32),
        "J_regressor": open_arrays.j_regressor,
        "weights": open_arrays.weights,
        "f": open_arrays.faces.astype(np.uint32),
        "kintree_table": np.stack([[2**32 - 1, *range(23)], range(24)]).astype(np.int64),
    }


@pytest.fixture(scope="session")
def smpl_shelf(tmp_path_factory: pytest.TempPathFactory, open_arrays: BodyArrays, smpl_dict: SmplDict) -> Path:
    """A complete folder, written once; to be read only."""
    shelf = tmp_path_factory.mktemp("smpl")
    np.savez(shelf / "SMPL_NEUTRAL.npz", **smpl_dict)
    np.save(shelf / "J_regressor_extra.npy", open_arrays.extra_regressor)
    np.save(shelf / "J_regressor_h36m.npy", np.asfortranarray(open_arrays.h36m_regressor))
    return shelf


@pytest.fixture
def smpl_folder(tmp_path: Path, smpl_shelf: Path) -> Path:
    """A complete folder of links, to take files out of and put others in."""
    folder = tmp_path / "my_smpl"
    folder.mkdir()
    for file in smpl_shelf.iterdir():
        (folder / file.name).symlink_to(file)
    return folder


@pytest.fixture
def replace_file(smpl_folder: Path) -> Callable[[str], Path]:
    """Take a file out of the folder and return where its replacement goes."""

    def replace(name: str) -> Path:
        (smpl_folder / name).unlink()
        return smpl_folder / name

    return replace
