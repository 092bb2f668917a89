"""Compare the motions that were written with the truth of the film.

Shapes:  F frames of the film, P people, N frames in which a track was seen.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from pymaf_pl.body import BodyModel, load_body
from pymaf_pl.body.joints import JOINTS_49
from pymaf_pl.geometry.rotation import rotmat_from_axis_angle
from pymaf_pl.metrics.functional import accel_error, mpjpe, pa_mpjpe

_JOINTS = [JOINTS_49.index(n) for n in (
    "right_ankle", "right_knee", "right_hip", "left_hip", "left_knee", "left_ankle", "right_wrist", "right_elbow",
    "right_shoulder", "left_shoulder", "left_elbow", "left_wrist", "neck", "head",
)]  # fmt: skip
_ROOT = JOINTS_49.index("op_mid_hip")


@dataclass(frozen=True)
class Figures:
    """What a prediction reaches.

    Attributes:
        tracks: number of people that were written.
        owners: of each track, the true person it follows most of the time.
        purity: share of the frames of tracks in which they follow their owner, likewise where the two are apart.
        coverage: share of the frames in which true people are to be seen that some track of theirs has.
        switches: how often a track changes from one person to the other, where the two are apart in the picture.
        figures: per kind (smoothed, unsmoothed): accel mm/frame^2, pa_mpjpe mm, mpjpe mm.
    """

    tracks: int
    owners: list[int]
    purity: float
    coverage: float
    switches: int
    figures: dict[str, dict[str, float]]


def measure(truth_file: Path, folder: Path, name: str) -> Figures:
    """Read what was written about the film ``name``."""
    truth = dict(np.load(truth_file))
    body = load_body()
    files = sorted(folder.glob(f"{name}_*.npz"))
    owners, hits, total, switches, parts = [], 0, 0, 0, []
    covered = np.zeros(truth["hidden"].shape, bool)
    for path in files:
        track = dict(np.load(path))
        frames = track["frames_observed"]
        person = _nearest(track["bbox"], truth["corners"][frames])
        owner = int(np.bincount(person).argmax())
        owners.append(owner)
        clear = _apart(truth["corners"][frames])
        hits, total = hits + int((person == owner)[clear].sum()), total + int(clear.sum())
        switches += int((np.diff(person[clear]) != 0).sum())
        covered[frames[person == owner], owner] = True
        for kind in ("", "_unsmoothed"):
            betas = track["betas_observed"] if kind else np.repeat(track["betas"][None], len(frames), 0)
            parts.append((kind, _errors(body, track[f"camera_pose{kind}"], betas, truth, frames, owner)))
    seen = truth["hidden"] <= 0.6
    figures = {
        label: {
            key: float(np.nanmean(np.concatenate([part[key] for of, part in parts if of == kind])))
            for key in ("accel", "pa_mpjpe", "mpjpe")
        }
        for kind, label in (("", "smoothed"), ("_unsmoothed", "unsmoothed"))
    }
    return Figures(len(files), owners, hits / max(total, 1), float(covered[seen].mean()), switches, figures)


def _nearest(boxes: NDArray[Any], corners: NDArray[Any]) -> NDArray[np.int64]:
    centres = (corners[..., :2] + corners[..., 2:]) / 2
    return np.linalg.norm(centres - boxes[:, None, :2], axis=-1).argmin(axis=1)


def _apart(corners: NDArray[Any]) -> NDArray[np.bool_]:
    """Tell in which of (N, 2, 4) frames the two stand further apart than a third of a body: else nearest is a guess."""
    centres = (corners[..., :2] + corners[..., 2:]) / 2
    tall = (corners[..., 3] - corners[..., 1]).mean(axis=1)
    return np.linalg.norm(centres[:, 0] - centres[:, 1], axis=-1) > tall / 3


def _errors(
    body: BodyModel, pose: NDArray[Any], betas: NDArray[Any], truth: dict[str, Any], frames: NDArray[Any], owner: int
) -> dict[str, NDArray[Any]]:
    with torch.inference_mode():
        rotmat = rotmat_from_axis_angle(torch.from_numpy(pose).float().view(-1, 24, 3))
        ours = body.joints_49(rotmat, torch.from_numpy(betas).float()).double()
    true = torch.from_numpy(truth["joints"][frames, owner])
    ours, true = (points[:, _JOINTS] - points[:, _ROOT : _ROOT + 1] for points in (ours, true))
    gaps = torch.from_numpy(np.concatenate([[0], np.cumsum(np.diff(frames) != 1)]))
    return {
        "accel": accel_error(ours, true, gaps).numpy(),
        "pa_mpjpe": pa_mpjpe(ours, true).numpy(),
        "mpjpe": mpjpe(ours, true).numpy(),
    }


def print_figures(result: Figures) -> None:
    """Print them."""
    print(
        f"{result.tracks} tracks, following people {result.owners}; {100 * result.purity:.1f} % of their frames are "
        f"their owner's, {result.switches} switches; {100 * result.coverage:.1f} % of what is visible is covered"
    )
    for kind, row in result.figures.items():
        print(f"{kind:>12}: " + ", ".join(f"{key} {value:.2f}" for key, value in row.items()) + " mm")
