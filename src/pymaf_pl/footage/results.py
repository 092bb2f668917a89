"""From the pieces to one motion file and one animation for each person, one person at a time.

Shapes:  N frames in which a person is seen.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from scipy.spatial.transform import Rotation

from pymaf_pl.body import BodyModel
from pymaf_pl.body.joints import PARENTS, SKELETON_24
from pymaf_pl.footage.store import Store
from pymaf_pl.motion import Motion, write_amass, write_motion_glb
from pymaf_pl.motion.gltf import RestBody
from pymaf_pl.video import Timing

FloatArray = npt.NDArray[np.floating[Any]]


@dataclass(frozen=True)
class PersonSummary:
    """Somebody whose files were written.

    Attributes:
        person: the number in the files' names.
        frames: in how many they are seen.
        first: time of the first of them, seconds.
        crop: (S, S, 3) uint8, what the network saw in one of them.
        states: (T+1, 157) what it said.
    """

    person: int
    frames: int
    first: float
    crop: npt.NDArray[np.uint8]
    states: FloatArray


def write_people(
    out: Path, name: str, store: Store, body: BodyModel, timing: Timing, focal_length: float, least_frames: int
) -> Iterator[PersonSummary]:
    """Write ``NAME_P.npz`` and ``NAME_P.glb`` of everybody who is seen often enough, in the order of their numbers."""
    where: dict[int, list[int]] = {}
    counts: dict[int, int] = {}
    portraits: dict[int, tuple[npt.NDArray[np.uint8], FloatArray]] = {}
    for number, columns in enumerate(store.pieces("row", "portrait")):
        people, times = np.unique(columns.get("row.person", np.zeros(0, np.int64)), return_counts=True)
        for person, count in zip(people.tolist(), times.tolist(), strict=True):
            where.setdefault(person, []).append(number)
            counts[person] = counts.get(person, 0) + count
        for i, person in enumerate(columns.get("portrait.person", np.zeros(0, np.int64)).tolist()):
            portraits[person] = (columns["portrait.crop"][i], columns["portrait.states"][i])
    for person in sorted(counts):
        if counts[person] < least_frames:
            continue
        rows = _rows_of(store, where[person], person)
        _write_person(out / f"{name}_{person}", rows, body, timing, focal_length)
        crop, states = portraits[person]
        yield PersonSummary(person, counts[person], timing.seconds(int(rows["pts"][0])), crop, states)


def _rows_of(store: Store, pieces: list[int], person: int) -> dict[str, npt.NDArray[Any]]:
    parts = []
    for number in pieces:
        columns = store.read(number, "row")
        own = columns["row.person"] == person
        parts.append({key.removeprefix("row."): value[own] for key, value in columns.items()})
    rows = {key: np.concatenate([part[key] for part in parts]) for key in parts[0]}
    once = np.unique(rows["frame"], return_index=True)[1]  # a file of boxes may name somebody twice in a frame
    return {key: value[once] for key, value in rows.items()}


def _write_person(
    stem: Path, rows: dict[str, npt.NDArray[Any]], body: BodyModel, timing: Timing, focal_length: float
) -> None:
    betas = rows["betas"].mean(axis=0, dtype=np.float64)
    rest = rest_body(body, betas)
    rotmat = Rotation.from_rotvec(rows["pose"].reshape(-1, 3).astype(np.float64)).as_matrix().reshape(-1, 24, 3, 3)
    extra: dict[str, Any] = {
        "bbox": rows["box"],
        "frames_observed": rows["frame"],
        "times_observed": np.array([timing.seconds(int(pts)) for pts in rows["pts"]]),
        "camera_pose": rows["pose"],
        "camera_pose_unsmoothed": rows["raw_pose"],
        "camera_transl": rows["transl"],
        "camera_transl_unsmoothed": rows["raw_transl"],
        "betas_observed": rows["betas"],
        "focal_length": np.float64(focal_length),
        "body_model": np.array(body.name),
    }
    if "confidence" in rows:
        extra["confidence"] = rows["confidence"]
    motion = Motion(
        frames=rows["frame"],
        rotmat=rotmat,
        betas=betas,
        transl=rows["transl"].astype(np.float64),
        rate=float(timing.rate),
        root=rest.joints[0],
        gender=body.gender,
        extra={key: np.asarray(value) for key, value in extra.items()},
    )
    write_amass(stem.with_name(f"{stem.name}.npz"), motion)
    times = extra["times_observed"] - extra["times_observed"][0]
    write_motion_glb(stem.with_name(f"{stem.name}.glb"), rest, times, rotmat, motion.transl, stem.name)


@torch.inference_mode()
def rest_body(body: BodyModel, betas: FloatArray) -> RestBody:
    """Return the body of these (10,) betas with all rotations zero."""
    device = body.faces.device
    rotmat = torch.eye(3, device=device).expand(1, 24, 3, 3)
    rest = body(rotmat, torch.from_numpy(np.asarray(betas, np.float32))[None].to(device))
    return RestBody(
        vertices=rest.vertices[0].cpu().numpy().astype(np.float64),
        faces=body.faces.cpu().numpy(),
        joints=rest.joints_24[0].cpu().numpy().astype(np.float64),
        parents=PARENTS,
        names=SKELETON_24,
        weights=body.lbs_weights.cpu().numpy(),
    )
