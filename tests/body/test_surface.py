"""The surface labels and charts, checked on the body that ships with the package."""

from dataclasses import dataclass
from importlib.resources import files

import numpy as np
import pytest

from pymaf_pl.body.face_graph import connected_components, face_normals, face_pairs
from pymaf_pl.body.surface import (
    COARSE_NAMES,
    LIMB_NAMES,
    NUM_PARTS,
    PART_NAMES,
    PART_TO_COARSE,
    Surface,
    build_surface,
)

GENDERS = ("neutral", "male", "female")
HANDS_AND_FEET = (3, 4, 5, 6)
LEFT_ARM, RIGHT_ARM, HEAD, LEFT_LEG, RIGHT_LEG, TORSO = range(1, 7)


@dataclass(frozen=True)
class Body:
    vertices: np.ndarray
    faces: np.ndarray
    weights: np.ndarray
    regressor: np.ndarray
    shapedirs: np.ndarray
    mirror: np.ndarray

    @property
    def joints(self) -> np.ndarray:
        return self.regressor @ self.vertices

    def surface(self) -> Surface:
        return build_surface(self.vertices, self.faces, self.weights, self.joints)


def load_body(gender: str) -> Body:
    with (files("pymaf_pl.body") / "assets" / "open_body.npz").open("rb") as stream, np.load(stream) as archive:
        vertices = archive[f"{gender}_v_template"].astype(np.float64)
        weights = np.zeros((len(vertices), 24))
        np.put_along_axis(
            weights, archive["weights_idx"].astype(np.int64), archive["weights_val"].astype(np.float64), 1
        )
        regressor = np.zeros((24, len(vertices)))
        rows, columns = archive[f"{gender}_J_regressor_rc"].astype(np.int64)
        regressor[rows, columns] = archive[f"{gender}_J_regressor_val"]
        return Body(
            vertices=vertices,
            faces=archive["faces"].astype(np.int64),
            weights=weights / weights.sum(axis=1, keepdims=True),
            regressor=regressor / regressor.sum(axis=1, keepdims=True),
            shapedirs=archive[f"{gender}_shapedirs"].astype(np.float64),
            mirror=archive["mirror"].astype(np.int64),
        )


@pytest.fixture(scope="module")
def bodies() -> dict[str, Body]:
    return {gender: load_body(gender) for gender in GENDERS}


@pytest.fixture(scope="module")
def body(bodies: dict[str, Body]) -> Body:
    return bodies["neutral"]


@pytest.fixture(scope="module")
def surface(body: Body) -> Surface:
    return body.surface()


def mirrored_faces(body: Body) -> np.ndarray:
    """Index of each face's mirror image."""
    index_of = {tuple(corners): index for index, corners in enumerate(np.sort(body.faces, axis=1).tolist())}
    return np.array([index_of[tuple(corners)] for corners in np.sort(body.mirror[body.faces], axis=1).tolist()])


def mirrored_name(name: str) -> str:
    if "left" in name:
        return name.replace("left", "right")
    return name.replace("right", "left")


def folded_share(body: Body, surface: Surface, part: int) -> float:
    """Share of a part's area whose chart triangles turn against the rest of their chart."""
    in_part = surface.part == part
    corners = surface.uv[in_part].astype(np.float64)
    first, second = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    signed = first[:, 0] * second[:, 1] - first[:, 1] * second[:, 0]
    area = np.linalg.norm(face_normals(body.vertices, body.faces[in_part]), axis=1)
    lower = corners[:, :, 0].mean(axis=1) > 0.5
    charts = (lower, ~lower) if part in HANDS_AND_FEET else (np.ones_like(lower),)
    folded = sum(area[chart & (np.sign(signed) != np.sign(signed[chart].sum()))].sum() for chart in charts)
    return float(folded / area.sum())


def test_arrays_have_the_promised_shapes_and_types(body: Body, surface: Surface) -> None:
    num_faces = len(body.faces)
    assert (surface.part.shape, surface.part.dtype) == ((num_faces,), np.uint8)
    assert (surface.limb.shape, surface.limb.dtype) == ((num_faces,), np.uint8)
    assert (surface.uv.shape, surface.uv.dtype) == ((num_faces, 3, 2), np.float32)


@pytest.mark.parametrize("gender", GENDERS)
def test_all_24_parts_are_there_and_each_is_one_piece(bodies: dict[str, Body], gender: str) -> None:
    surface = bodies[gender].surface()
    assert np.unique(surface.part).tolist() == list(range(1, NUM_PARTS + 1))
    pieces = connected_components(surface.part.astype(np.int64), face_pairs(bodies[gender].faces))
    assert len(np.unique(pieces)) == NUM_PARTS


def test_every_limb_is_one_piece(body: Body, surface: Surface) -> None:
    pieces = connected_components(surface.limb.astype(np.int64), face_pairs(body.faces))
    assert len(np.unique(pieces)) == len(np.unique(surface.limb)) == 6


@pytest.mark.parametrize(
    ("vertex", "limb"), [(3216, LEFT_LEG), (6617, RIGHT_LEG), (2319, LEFT_ARM), (5782, RIGHT_ARM), (332, HEAD)]
)
def test_limbs_carry_the_labels_of_the_lsp_evaluation(body: Body, surface: Surface, vertex: int, limb: int) -> None:
    around = (body.faces == vertex).any(axis=1)
    assert around.any()
    assert set(surface.limb[around]) == {limb}


def test_limbs_are_where_their_names_say(body: Body, surface: Surface) -> None:
    centers = body.vertices[body.faces].mean(axis=1)
    middle = {LIMB_NAMES[limb]: centers[surface.limb == limb].mean(axis=0) for limb in range(1, 7)}
    assert middle["left arm"][0] > 0.3
    assert middle["right arm"][0] < -0.3
    assert middle["left leg"][0] > 0.03
    assert middle["right leg"][0] < -0.03
    assert middle["head"][1] > middle["torso"][1] > middle["left leg"][1]


def test_fronts_lie_in_front_of_their_backs(body: Body, surface: Surface) -> None:
    depth = body.vertices[body.faces].mean(axis=1)[:, 2]
    for front, name in enumerate(PART_NAMES):
        if name.endswith("front"):
            back = PART_NAMES.index(name.replace("front", "back"))
            assert depth[surface.part == front].mean() > depth[surface.part == back].mean() + 0.02, name


def test_limbs_are_unions_of_parts(surface: Surface) -> None:
    limb_words = {
        "left arm": ("left hand", "left upper arm", "left forearm"),
        "right arm": ("right hand", "right upper arm", "right forearm"),
        "head": ("left head", "right head"),
        "left leg": ("left thigh", "left shin", "left foot"),
        "right leg": ("right thigh", "right shin", "right foot"),
        "torso": ("torso",),
    }
    for part in range(1, NUM_PARTS + 1):
        (limb,) = np.unique(surface.limb[surface.part == part])
        assert PART_NAMES[part].startswith(limb_words[LIMB_NAMES[limb]])


def test_left_and_right_are_mirror_images(body: Body, surface: Surface) -> None:
    twin = mirrored_faces(body)
    part_twin = np.array([PART_NAMES.index(mirrored_name(name)) for name in PART_NAMES])
    limb_twin = np.array([LIMB_NAMES.index(mirrored_name(name)) for name in LIMB_NAMES])
    np.testing.assert_array_equal(surface.part[twin], part_twin[surface.part])
    np.testing.assert_array_equal(surface.limb[twin], limb_twin[surface.limb])


def test_charts_fill_the_unit_square(surface: Surface) -> None:
    assert np.isfinite(surface.uv).all()
    for part in range(1, NUM_PARTS + 1):
        corners = surface.uv[surface.part == part].reshape(-1, 2)
        np.testing.assert_allclose(corners.min(axis=0), 0, atol=0.01, err_msg=PART_NAMES[part])
        np.testing.assert_allclose(corners.max(axis=0), 1, atol=0.01, err_msg=PART_NAMES[part])
        assert (corners.std(axis=0) > 0.1).all(), PART_NAMES[part]
    assert surface.uv.min() >= 0
    assert surface.uv.max() <= 1


# The torso folds a little at the shoulders, fingers and toes inside their mitten, the ears on the head's sphere.
FOLD_LIMITS = {"torso": 0.015, "hand": 0.032, "foot": 0.078, "head": 0.045}


@pytest.mark.parametrize(("gender", "slack"), [("neutral", 1.0), ("male", 1.4), ("female", 1.4)])
def test_charts_hardly_fold(bodies: dict[str, Body], gender: str, slack: float) -> None:
    surface = bodies[gender].surface()
    for part in range(1, NUM_PARTS + 1):
        name = PART_NAMES[part]
        limit = next((share for word, share in FOLD_LIMITS.items() if word in name), 0.001)
        assert folded_share(bodies[gender], surface, part) <= slack * limit, name


def test_labels_do_not_depend_on_vertex_order_or_place(body: Body, surface: Surface) -> None:
    rng = np.random.default_rng(3)
    order = rng.permutation(len(body.vertices))
    position = np.argsort(order)
    shift = np.array([0.4, -1.3, 2.0])
    moved = build_surface(
        (body.vertices + shift)[order], position[body.faces], body.weights[order], body.joints + shift
    )
    np.testing.assert_array_equal(moved.part, surface.part)
    np.testing.assert_array_equal(moved.limb, surface.limb)
    np.testing.assert_allclose(moved.uv, surface.uv, atol=1e-5)


def test_labels_hardly_depend_on_the_person(body: Body, surface: Surface) -> None:
    rng = np.random.default_rng(0)
    for _ in range(5):
        vertices = body.vertices + body.shapedirs @ rng.normal(size=10)
        person = build_surface(vertices, body.faces, body.weights, body.regressor @ vertices)
        assert np.mean(person.part == surface.part) >= 0.98
        assert np.mean(person.limb == surface.limb) >= 0.999


def test_the_result_is_the_same_every_time(body: Body, surface: Surface) -> None:
    again = body.surface()
    np.testing.assert_array_equal(again.part, surface.part)
    np.testing.assert_array_equal(again.limb, surface.limb)
    np.testing.assert_array_equal(again.uv, surface.uv)


def test_coarse_classes_join_front_and_back() -> None:
    assert len(PART_TO_COARSE) == len(PART_NAMES) == 25
    assert sorted(set(PART_TO_COARSE)) == list(range(15))
    assert len(COARSE_NAMES) == 15
    for part, coarse in enumerate(PART_TO_COARSE):
        assert COARSE_NAMES[coarse] in PART_NAMES[part]
    # The table of PyMAF's iuv_img2map, class by class.
    groups = [[p for p in range(25) if PART_TO_COARSE[p] == c] for c in range(15)]
    assert groups == [
        *[[0], [1, 2], [3], [4], [5], [6], [7, 9], [8, 10], [11, 13], [12, 14]],
        *[[15, 17], [16, 18], [19, 21], [20, 22], [23, 24]],
    ]


def test_wrong_shapes_are_named(body: Body) -> None:
    with pytest.raises(ValueError, match=r"skin_weights \(6890, 24\)"):
        build_surface(body.vertices, body.faces, body.weights[:, :23], body.joints)
    with pytest.raises(ValueError, match=r"vertices \(V, 3\)"):
        build_surface(body.vertices[:, :2], body.faces, body.weights, body.joints)
