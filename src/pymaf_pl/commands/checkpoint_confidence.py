"""``pymaf checkpoint confidence``: what a network's disagreement with itself means, fitted and measured."""

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from rich.progress import track

from pymaf_pl.body import BodyModel
from pymaf_pl.body.joints import JOINTS_49
from pymaf_pl.checksums import sha256
from pymaf_pl.commands.bench_timing import print_table
from pymaf_pl.confidence.calibration import WITHIN_MM, calibration_path, write_calibration
from pymaf_pl.confidence.disagreement import rooted
from pymaf_pl.confidence.fitting import Correlation, Figures, fit_calibration, measure
from pymaf_pl.data.annotations import Annotations, load_annotations
from pymaf_pl.data.images import read_image, warp_crop
from pymaf_pl.errors import InputError
from pymaf_pl.geometry.crop import crop_affine
from pymaf_pl.geometry.rotation import rotmat_from_6d, rotmat_from_axis_angle
from pymaf_pl.inference import Predictor
from pymaf_pl.shipped import locate

FloatArray = npt.NDArray[np.floating]
_BATCH = 32


def fit(options: argparse.Namespace) -> int:
    """Fit on every other person, measure on the rest, write the calibration beside the weights.

    Raises:
        InputError: the checkpoint or a table is wrong, a table's labels are of another body, or too few are labelled.
    """
    weights = locate(options.path)
    out = calibration_path(weights) if options.out is None else options.out
    if out.exists() and not options.force:
        raise InputError(f"{out}: is there already; --force overwrites it")
    if not out.parent.is_dir():
        raise InputError(f"{out.parent}: no such folder for --out")
    predictor = Predictor.from_checkpoint(options.path, options.body_dir, options.device)
    parts = [_look(predictor, path) for path in options.tables]
    features, errors = (np.concatenate(column) for column in zip(*parts, strict=True))
    order = np.random.default_rng(0).permutation(len(errors))
    fitted, held_out = order[::2], order[1::2]
    calibration = fit_calibration(features[fitted], errors[fitted], sha256(weights))
    chance, expected = calibration(features[held_out])
    figures = measure(expected, chance, errors[held_out])
    facts = {
        "tables": [Path(path).name for path in options.tables],
        "fitted_people": len(fitted),
        "held_out_people": len(held_out),
        "held_out": _plain(figures),
    }
    write_calibration(replace(calibration, facts=facts), out)
    _print(figures, calibration.weights, len(held_out))
    print(out)
    return 0


def _look(predictor: Predictor, path: Path) -> tuple[FloatArray, FloatArray]:
    """Return a table's disagreements (N, 49, 4) and errors (N, 49), mm, of the people with full labels."""
    table = load_annotations(path)
    if table.body_model != predictor.body.name:
        raise InputError(f"{path}: its labels are of the '{table.body_model}' body, not of '{predictor.body.name}'")
    rows = np.flatnonzero(table.has_smpl)
    features, errors = [], []
    for start in track(range(0, len(rows), _BATCH), f"looking at {path.name}", transient=True):
        part = rows[start : start + _BATCH]
        crops = np.stack([_crop(table, path.parent, row, predictor.image_size) for row in part])
        iterations = predictor.regress(crops)
        features.append(predictor.disagreement(crops, iterations))
        last = iterations[-1]
        ours = predictor.body.joints_49(rotmat_from_6d(last.pose_6d.float()), last.betas).cpu().numpy()
        errors.append(1000 * np.linalg.norm(rooted(ours) - rooted(_truth(predictor.body, table, part)), axis=-1))
    if not features:
        raise InputError(f"{path}: nobody in it has a labelled body")
    return np.concatenate(features), np.concatenate(errors)


def _crop(table: Annotations, root: Path, row: int, size: int) -> npt.NDArray[np.uint8]:
    affine = crop_affine(table.center[row], 200 * float(table.scale[row]), size)
    return warp_crop(read_image(root / str(table.imgname[row])), affine, size)


def _truth(body: BodyModel, table: Annotations, rows: npt.NDArray[np.int64]) -> FloatArray:
    pose, betas = (torch.from_numpy(np.asarray(column[rows], np.float32)) for column in (table.pose, table.shape))
    device = body.faces.device
    rotmat = rotmat_from_axis_angle(pose.view(-1, 24, 3).to(device))
    return body.joints_49(rotmat, betas.to(device)).cpu().numpy()


def _plain(figures: Figures) -> dict[str, Any]:
    plain: dict[str, Any] = {}
    for name, value in figures._asdict().items():
        told = {key: round(v, 4) for key, v in value._asdict().items()} if isinstance(value, Correlation) else None
        plain[name] = round(value, 4) if told is None else told
    return plain


def _print(figures: Figures, weights: FloatArray, people: int) -> None:
    def told(c: Correlation) -> str:
        return f"{c.value:.3f} [{c.low:.3f}, {c.high:.3f}]"

    rows: Sequence[tuple[str, str]] = (
        ("rank correlation, joints of one kind over people", told(figures.within_joint)),
        ("rank correlation, people by their mean error", told(figures.per_person)),
        ("rank correlation, all joints of all people", told(figures.pooled)),
        ("expected error, off by", f"{figures.off_mm:.1f} mm"),
        (f"chance to be within {WITHIN_MM:.0f} mm, off by", f"{figures.off_chance:.3f}"),
    )
    print_table(f"confidence on {people} held-out people (95 % intervals over people)", ("", ""), rows)
    used = (weights[:, 1:] > 0).sum(axis=0).tolist()
    names = ("the loop", "the flip", "the loop's mean", "the flip's mean")
    said = ", ".join(f"{name} {count}" for name, count in zip(names, used, strict=True))
    print(f"joints of {len(JOINTS_49)} whose map uses: {said}")
