"""One person's motion as an ``.npz`` in the layout of AMASS (Mahmood et al., ICCV 2019), which Blender's add-ons read.

Frames:  in, camera axes: x right, y down, z forward. Out, AMASS's: x right, y away from the camera, z up, metres. The
         origin is the camera.
Shapes:  F frames at a constant rate, N of them observed.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.spatial.transform import Rotation, Slerp

from pymaf_pl.atomic import replacing

FloatArray = npt.NDArray[np.float64]
CAMERA_TO_AMASS = np.array([[1.0, 0, 0], [0, 0, 1.0], [0, -1.0, 0]])
_BODY_JOINTS, _POSE_SIZE = 22, 156  # SMPL-H: 22 joints of the body, then 30 of the hands


@dataclass(frozen=True)
class Motion:
    """One person's frames, as estimated.

    Attributes:
        frames: (N,) growing, which frame of the video.
        rotmat: (N, 24, 3, 3) smoothed, camera axes.
        betas: (10,).
        transl: (N, 3) metres, camera axes.
        rate: frames per second.
        root: (3,) the pelvis of the rest body of these betas, metres.
        gender: of the body.
        extra: more columns to store as they are.
    """

    frames: npt.NDArray[np.int64]
    rotmat: FloatArray
    betas: FloatArray
    transl: FloatArray
    rate: float
    root: FloatArray
    gender: str
    extra: dict[str, npt.NDArray[Any]]


def write_amass(path: Path, motion: Motion) -> None:
    """Write the motion; frames in which the person was not seen are filled in along the shortest way.

    Keys of AMASS: ``poses (F, 156)`` axis-angle of SMPL-H with hands at rest, ``trans (F, 3)``, ``betas (10)``,
    ``gender``, ``mocap_framerate`` and, as newer files name it, ``mocap_frame_rate``. Beside them ``poses_smpl
    (F, 72)``, with SMPL's two hand joints; ``frames (F)`` of the video; ``observed (F)``; and what is in ``extra``.
    """
    frames, rotmat, transl = fill_gaps(motion.frames, motion.rotmat, motion.transl)
    count = len(frames)
    rotmat, moved = rotmat.copy(), (transl + motion.root) @ CAMERA_TO_AMASS.T - motion.root
    rotmat[:, 0] = CAMERA_TO_AMASS @ rotmat[:, 0]
    poses = Rotation.from_matrix(rotmat.reshape(-1, 3, 3)).as_rotvec().reshape(count, 72)
    wide = np.zeros((count, _POSE_SIZE))
    wide[:, : 3 * _BODY_JOINTS] = poses[:, : 3 * _BODY_JOINTS]
    arrays: dict[str, Any] = {
        "poses": wide.astype(np.float32),
        "trans": moved.astype(np.float32),
        "betas": motion.betas.astype(np.float32),
        "gender": np.array(motion.gender),
        "mocap_framerate": np.float64(motion.rate),
        "mocap_frame_rate": np.float64(motion.rate),
        "poses_smpl": poses.astype(np.float32),
        "frames": frames,
        "observed": np.isin(frames, motion.frames),
    }
    with replacing(path) as draft, draft.open("wb") as stream:
        np.savez_compressed(stream, **(arrays | motion.extra))


def fill_gaps(
    frames: npt.NDArray[np.int64], rotmat: FloatArray, transl: FloatArray
) -> tuple[npt.NDArray[np.int64], FloatArray, FloatArray]:
    """Return every frame from the first to the last; those between are interpolated."""
    every = np.arange(frames[0], frames[-1] + 1)
    if len(every) == len(frames):
        return every, rotmat, transl
    turned = [Slerp(frames, Rotation.from_matrix(rotmat[:, j]))(every).as_matrix() for j in range(rotmat.shape[1])]
    moved = [np.interp(every, frames, transl[:, axis]) for axis in range(3)]
    return every, np.stack(turned, axis=1), np.stack(moved, axis=1)
