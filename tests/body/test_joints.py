"""Joint tables, derived from names in the package, as the literal lists of SPIN and PyMAF here."""

import numpy as np
import pytest
from smplx.vertex_ids import vertex_ids

from pymaf_pl.body import joints

SMPL_FLIP = [0, 2, 1, 3, 5, 4, 6, 8, 7, 9, 11, 10, 12, 14, 13, 15, 17, 16, 19, 18, 21, 20, 23, 22]
J24_FLIP = [5, 4, 3, 2, 1, 0, 11, 10, 9, 8, 7, 6, 12, 13, 14, 15, 16, 17, 18, 19, 21, 20, 23, 22]
OPENPOSE_FLIP = [0, 1, 5, 6, 7, 2, 3, 4, 8, 12, 13, 14, 9, 10, 11, 16, 15, 18, 17, 22, 23, 24, 19, 20, 21]
OPENPOSE_25 = [24, 12, 17, 19, 21, 16, 18, 20, 0, 2, 5, 8, 1, 4, 7, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34]
TRUTH_24 = [8, 5, 45, 46, 4, 7, 21, 19, 17, 16, 18, 20, 47, 48, 49, 50, 51, 52, 53, 24, 26, 25, 28, 27]
H36M_17 = [6, 5, 4, 1, 2, 3, 16, 15, 14, 11, 12, 13, 8, 10, 0, 7, 9]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("H36M_TO_17", H36M_17),
        ("H36M_TO_14", H36M_17[:14]),
        ("JOINTS_24_TO_17", [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 18, 14, 16, 17]),
        ("JOINTS_24_TO_14", [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 18]),
        ("JOINTS_24_TO_LSP", list(range(14))),
        ("JOINTS_24_TO_COCO", [19, 20, 21, 22, 23, 9, 8, 10, 7, 11, 6, 3, 2, 4, 1, 5, 0]),
        ("FLIP_SKELETON", SMPL_FLIP),
        ("FLIP_24", J24_FLIP),
        ("FLIP_49", OPENPOSE_FLIP + [25 + i for i in J24_FLIP]),
        ("HIPS_24", [2, 3]),
        (
            "JOINTS_49_FROM_54",
            [*OPENPOSE_25, *TRUTH_24],
        ),
    ],
)
def test_derived_table_is_spins(name: str, expected: list[int]) -> None:
    assert getattr(joints, name) == expected


@pytest.mark.parametrize("table", [joints.FLIP_SKELETON, joints.FLIP_24, joints.FLIP_49])
def test_flip_is_an_involution(table: list[int]) -> None:
    assert [table[i] for i in table] == list(range(len(table)))


def test_flip_keeps_the_midline() -> None:
    kept = [i for i, j in enumerate(joints.FLIP_49) if i == j]
    assert kept == [0, 1, 8, *range(25 + 12, 25 + 20)]


def test_flip_commutes_with_picking_49_of_54() -> None:
    # flipping the 54 and picking gives what picking and flipping the 49 gives
    flip_54 = joints.flip_permutation(joints.ALL_54)
    picked = np.array(joints.JOINTS_49_FROM_54)
    np.testing.assert_array_equal(np.array(flip_54)[picked], picked[joints.FLIP_49])


def test_parents_come_before_children_and_flip_with_them() -> None:
    assert joints.PARENTS == (-1, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 9, 9, 12, 13, 14, 16, 17, 18, 19, 20, 21)
    assert all(parent < joint for joint, parent in enumerate(joints.PARENTS))
    for joint, parent in enumerate(joints.PARENTS[1:], start=1):
        assert joints.PARENTS[joints.FLIP_SKELETON[joint]] == joints.FLIP_SKELETON[parent]


def test_surface_points_are_smplx_own_vertices_in_its_order() -> None:
    smplh = vertex_ids["smplh"]
    names = ["nose", "reye", "leye", "rear", "lear"]
    names += [side + part for side in "LR" for part in ("BigToe", "SmallToe", "Heel")]
    names += [side + finger for side in "lr" for finger in ("thumb", "index", "middle", "ring", "pinky")]
    assert list(joints.SURFACE_21.values()) == [smplh[name] for name in names]


def test_sets_have_their_sizes_and_no_name_twice() -> None:
    sizes = {"SKELETON_24": 24, "EXTRA_9": 9, "ALL_54": 54, "H36M_17": 17, "JOINTS_24": 24, "JOINTS_49": 49}
    for name, size in (sizes | {"EVAL_14": 14, "EVAL_17": 17, "LSP_14": 14, "COCO_17": 17}).items():
        names = getattr(joints, name)
        assert len(names) == len(set(names)) == size


def test_selecting_an_unknown_joint_fails() -> None:
    with pytest.raises(KeyError, match="tail"):
        joints.select(("nose", "tail"), joints.JOINTS_24)
