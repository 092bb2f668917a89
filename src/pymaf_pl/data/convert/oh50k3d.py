"""3DOH50K, people behind objects; its lengths are not metres."""

import numpy as np
from scipy.spatial.transform import Rotation

from pymaf_pl.data.convert.boxes import boxes_of_corners
from pymaf_pl.data.convert.joint_maps import FloatArray, place, with_confidence
from pymaf_pl.data.convert.reading import array, complaining, read_json
from pymaf_pl.data.convert.request import Request
from pymaf_pl.data.convert.rows import Rows
from pymaf_pl.errors import InputError

_KEYS = ("img_path", "bbox", "pose", "betas", "scale", "intri", "extri", "lsp_joints_2d", "lsp_joints_3d")


def convert(request: Request) -> Rows:
    """Convert ``trainset/`` or ``testset/``.

    Every length is ``scale`` (about 7) times metres, so joints are divided by it; the root's rotation is brought into
    the camera's frame. ``S`` is relative to the middle of the hips and holds LSP's 14 joints. Joints are in camera
    coordinates; files whose joints project only after their ``extri`` was applied are taken to be in the world's.
    """
    folder = request.root / f"{request.split}set"
    path = folder / "annots.json"
    content = read_json(path, "3DOH50K's labels")
    if not isinstance(content, dict):
        raise InputError(f"{path}: expected a dictionary of people")
    rows = Rows()
    for key in sorted(content):
        with complaining(path, f"person {key} of 3DOH50K ({', '.join(_KEYS)})"):
            person = {name: content[key][name] for name in _KEYS}
            image = str(person["img_path"]).replace("\\", "/")
            mask = str(content[key].get("mask_path") or "").replace("\\", "/")
            scale = float(np.ravel(person["scale"])[0])
        if not scale > 0:
            raise InputError(f"{path}: the scale of person {key} is {scale:g}, expected a positive number")
        pixels = array(person["lsp_joints_2d"], (14, 2), path, f"lsp_joints_2d of person {key}")
        extrinsics = array(person["extri"], (4, 4), path, f"extri of person {key}")
        intrinsics = array(person["intri"], (3, 3), path, f"intri of person {key}")
        points = array(person["lsp_joints_3d"], (14, 3), path, f"lsp_joints_3d of person {key}")
        joints = _in_camera(points, pixels, intrinsics, extrinsics) / scale
        origin = joints[2:4].mean(axis=0)
        corners = array(person["bbox"], (2, 2), path, f"bbox of person {key}")
        center, side = boxes_of_corners(corners[:1], corners[1:])
        pose = array(np.ravel(person["pose"]), (72,), path, f"pose of person {key}").copy()
        pose[:3] = (Rotation.from_matrix(extrinsics[:3, :3]) * Rotation.from_rotvec(pose[:3])).as_rotvec()
        rows.add(
            [f"{folder.name}/{image}"],
            center=center,
            scale=side,
            part=place(with_confidence(pixels[None]), "lsp"),
            S=place(with_confidence((joints - origin)[None]), "lsp"),
            has_3d=[1],
            pose=pose[None],
            shape=array(np.ravel(person["betas"])[:10], (10,), path, f"betas of person {key}")[None],
            has_smpl=[1],
            maskname=[f"{folder.name}/{mask}" if mask else ""],
            cam_intrinsics=intrinsics[[0, 1, 0, 1], [0, 1, 2, 2]][None],
            transl=origin[None],
        )
    return rows


def _in_camera(points: FloatArray, pixels: FloatArray, intrinsics: FloatArray, extrinsics: FloatArray) -> FloatArray:
    """Return the reading of the joints, camera or world coordinates, that projects onto the pixels."""
    turned = points @ extrinsics[:3, :3].T + extrinsics[:3, 3]

    def error(candidate: FloatArray) -> float:
        projected = candidate @ intrinsics.T
        if (projected[:, 2] <= 0).any():
            return float("inf")
        return float(np.abs(projected[:, :2] / projected[:, 2:] - pixels).mean())

    return turned if error(turned) < error(points) else points
