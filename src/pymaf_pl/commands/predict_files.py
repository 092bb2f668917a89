"""The files of one photo: pictures, arrays and meshes."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from pymaf_pl.atomic import replacing
from pymaf_pl.body import BodyModel
from pymaf_pl.confidence import vertex_colours
from pymaf_pl.data.images import ImageArray, write_png
from pymaf_pl.inference import PersonPrediction
from pymaf_pl.motion import write_mesh_glb
from pymaf_pl.render import overlay_meshes
from pymaf_pl.render.side import side_view
from pymaf_pl.report.pictures import fit_within, jpeg_bytes

FloatArray = npt.NDArray[np.floating[Any]]
PICTURE_SIDE = 2048
"""Longer side of the pictures that are drawn, px: a screen's, not a camera's."""


def write_photo(out: Path, name: str, image: ImageArray, people: Sequence[PersonPrediction], body: BodyModel) -> None:
    """Write everything about one photo, but for its place on the page."""
    faces = body.faces.cpu().numpy()
    colours = [_colours(person, body) for person in people]
    for number, (person, colour) in enumerate(zip(people, colours, strict=True)):
        save_npz(out / f"{name}_{number}.npz", person, faces)
        save_obj(out / f"{name}_{number}.obj", person.vertices[-1], faces)
        write_mesh_glb(out / f"{name}_{number}.glb", person.vertices[-1], faces, colour, f"{name}_{number}")
    placed = [person.vertices[-1] + person.cam_transl[-1] for person in people]
    write_png(out / f"{name}_side.png", side_view(placed, faces))
    told = [colour for colour in colours if colour is not None]
    if told:
        write_png(out / f"{name}_confidence.png", draw_people(image, people, faces, told))
    write_png(out / f"{name}.png", draw_people(image, people, faces))


def draw_people(
    image: ImageArray,
    people: Sequence[PersonPrediction],
    faces: npt.NDArray[np.integer[Any]],
    colours: Sequence[FloatArray] | None = None,
) -> ImageArray:
    """Draw everybody's final mesh over the photo, nearest in front; a large photo is shrunk to ``PICTURE_SIDE``."""
    picture = fit_within(image, PICTURE_SIDE)
    if not people:
        return picture
    scale = np.array([picture.shape[1] / image.shape[1], picture.shape[0] / image.shape[0]])
    screen = [
        np.concatenate([p.vertices_2d[-1] * scale, p.vertices[-1, :, 2:] + p.cam_transl[-1, 2]], axis=1) for p in people
    ]
    return overlay_meshes(picture, screen, [person.vertices[-1] for person in people], faces, colours)


def save_npz(path: Path, person: PersonPrediction, faces: npt.NDArray[np.integer[Any]]) -> None:
    """Write one person's arrays of every iteration."""
    judged: dict[str, Any] = {"confidence": person.confidence, "expected_error_mm": person.expected_error_mm}
    with replacing(path) as draft, draft.open("wb") as stream:
        np.savez_compressed(
            stream,
            pose_rotmat=person.pose_rotmat,
            betas=person.betas,
            weak_cam=person.weak_cam,
            vertices=person.vertices,
            joints_49=person.joints_49,
            keypoints_2d=person.keypoints_2d,
            bbox_center=person.bbox_center,
            bbox_size=np.float32(person.bbox_size),
            cam_transl=person.cam_transl,
            focal_length=np.float32(person.focal_length),
            faces=faces.astype(np.int32),
            picture_jpeg=np.frombuffer(jpeg_bytes(person.picture), np.uint8),
            **{key: value for key, value in judged.items() if value is not None},
        )


def save_obj(path: Path, vertices: FloatArray, faces: npt.NDArray[np.integer[Any]]) -> None:
    """Write a mesh as Wavefront OBJ; camera axes become the y-up frame that 3D programs expect."""
    upright = vertices * [1.0, -1.0, -1.0]
    lines = [f"v {x:.6f} {y:.6f} {z:.6f}" for x, y, z in upright]
    lines += [f"f {a} {b} {c}" for a, b, c in faces + 1]
    with replacing(path) as draft:
        draft.write_text("\n".join(lines) + "\n")


def _colours(person: PersonPrediction, body: BodyModel) -> FloatArray | None:
    if person.confidence is None:
        return None
    return vertex_colours(person.confidence, body.lbs_weights.cpu().numpy())
