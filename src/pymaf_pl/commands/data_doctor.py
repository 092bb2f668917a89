"""What an annotation table holds, what is wrong with it, and what merely looks odd."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from pymaf_pl.body.joints import JOINTS_24
from pymaf_pl.data.annotations import Annotations, check_images, load_annotations
from pymaf_pl.data.image_files import open_image
from pymaf_pl.data.projection import misfit
from pymaf_pl.errors import InputError

MOST_NAMED = 5  # of what is wrong in the same way
_ROOT = JOINTS_24.index("pelvis")
_HEIGHT_M = (0.3, 2.5)  # plausible extent of a labelled skeleton, curled up to stretched out
_TOLERATED = 0.05  # share of rows that may look strange without the table being wrong: labels are made by people
_MISFIT = 0.06  # of the person's extent; on real samples of Human3.6M and MPI-INF-3DHP it is below 0.01


@dataclass
class Report:
    """What was found.

    Attributes:
        facts: by name.
        wrong: what must be mended.
        odd: what may be meant so.
    """

    facts: dict[str, str] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)
    odd: list[str] = field(default_factory=list)

    def add(self, other: "Report") -> None:
        """Take over what another report says."""
        self.facts |= other.facts
        self.wrong += other.wrong
        self.odd += other.odd

    def file(self, text: str, share: float) -> None:
        """Call something wrong if it is so in many rows, else odd."""
        (self.wrong if share > _TOLERATED else self.odd).append(text)


def examine(path: Path, image_root: Path, sample: int) -> int:
    """Print a summary and what is wrong or odd; images are looked for one and all, ``sample`` of them are opened.

    Raises:
        InputError: the table cannot be used as it is.
    """
    table = load_annotations(path)
    check_images(table, image_root)
    report = summarise(table)
    report.add(look_at_rows(table, image_root, spread_over(len(table), sample)))
    console = Console()
    shown = Table(show_header=False, title=str(path), title_justify="left")
    for name, value in report.facts.items():
        shown.add_row(name, value)
    console.print(shown)
    for word, findings in (("wrong", report.wrong), ("odd", report.odd)):
        for finding in findings:
            console.print(f"{word}: {finding}", markup=False, highlight=False, soft_wrap=True)
    said = "; ".join(
        f"{len(findings)} {word} thing{'s' * (len(findings) > 1)}"
        for word, findings in (("wrong", report.wrong), ("odd", report.odd))
        if findings
    )
    end = "mend what is wrong" if report.wrong else "the table is usable"
    console.print(f"{said or 'nothing odd'}; {end}", highlight=False)
    return 2 if report.wrong else 0


def summarise(table: Annotations) -> Report:
    """Return facts, and what is wrong or odd in the labels alone."""
    visible = table.part[..., 2] > 0
    detected = table.openpose[..., 2] > 0
    report = Report()
    report.facts = {
        "rows": str(len(table)),
        "images": str(len(set(table.imgname.tolist()))),
        "box side": _spread(200 * table.scale, "px"),
        "annotated 2D joints": _joint_facts(visible),
        "detected 2D joints": _joint_facts(detected),
        "3D joints": _share(table.has_3d),
        "pose and shape": _share(table.has_smpl) + (f", '{table.body_model}' body" if table.has_smpl.any() else ""),
        "silhouettes": _share(np.char.str_len(table.maskname) > 0),
        "part masks": _share(np.char.str_len(table.partname) > 0),
    }
    if not (visible.any() or detected.any() or table.has_3d.any() or table.has_smpl.any()):
        report.odd.append("no row has any label: boxes only, enough for prediction, not for training")
    for name, points in (("part", table.part), ("openpose", table.openpose)):
        confidence = points[..., 2]
        if confidence.min() < 0 or confidence.max() > 1.001:
            report.odd.append(f"{name}: confidences from {confidence.min():g} to {confidence.max():g}, expected 0 to 1")
    _examine_boxes(table, visible, report)
    if table.has_3d.any():
        _examine_3d(table, report)
    if table.has_smpl.any():
        _examine_bodies(table, report)
    return report


def spread_over(count: int, sample: int) -> list[int]:
    """Return ``sample`` of ``count`` indices, evenly spread; 0 means all."""
    wanted = count if sample == 0 else min(sample, count)
    return np.unique(np.linspace(0, count - 1, wanted).round().astype(int)).tolist()


def look_at_rows(table: Annotations, root: Path, rows: Sequence[int]) -> Report:
    """Open the images of some rows, and compare labels with them and with each other."""
    report = Report()
    shut: list[str] = []
    centres: list[int] = []
    strays: list[int] = []
    apart: list[int] = []
    covered: list[float] = []
    sides: list[int] = []
    for row in rows:
        try:
            height, width = open_image(root / table.imgname[row]).shape[:2]
        except InputError as error:
            shut.append(str(error))
            continue
        sides.append(max(height, width))
        half = 100 * table.scale[row]
        low, high = table.center[row] - half, table.center[row] + half
        inside = np.clip(np.minimum(high, (width, height)) - np.maximum(low, 0), 0, None).prod() / (2 * half) ** 2
        covered.append(float(inside))
        if not (0 <= table.center[row][0] <= width and 0 <= table.center[row][1] <= height):
            centres.append(row)
        # people at the border have joints beyond it; joints far beyond belong to another picture
        points = table.part[row][table.part[row, :, 2] > 0, :2]
        if ((points < -half) | (points > np.array([width, height]) + half)).any():
            strays.append(row)
        if table.has_3d[row]:
            share = misfit(table.part[row], table.S[row], table.cam_intrinsics[row], table.transl[row])
            if share > _MISFIT:
                apart.append(row)
    report.wrong += shut[:MOST_NAMED]
    if len(shut) > MOST_NAMED:
        report.wrong.append(f"{len(shut) - MOST_NAMED} more pictures that do not open")
    if not covered:
        return report
    shares = np.array(covered)
    report.facts = {
        f"image side ({len(sides)} opened)": _spread(np.array(sides), "px"),
        "boxes within their image": f"{(shares > 0.999).mean():.0%} wholly, {(shares > 0.5).mean():.0%} more than half",
    }
    for found, text in (
        (centres, "center: outside the image"),
        (strays, "part: labels outside the image, by more than half a box,"),
        (apart, "S: 3D joints do not project onto the 2D ones"),
    ):
        if found:
            told = f"{text} in {len(found)} of {len(rows)} rows looked at (first: {found[0]})"
            report.file(told, 1.0 if found is centres else len(found) / len(rows))
    return report


def _examine_boxes(table: Annotations, visible: np.ndarray, report: Report) -> None:
    half = 100 * table.scale[:, None, None]
    far = (np.abs(table.part[..., :2] - table.center[:, None]) > 1.5 * half).any(-1) & visible
    rows = np.flatnonzero(far.any(axis=1))
    if len(rows):
        told = (
            f"part: {len(rows)} rows have a visible joint far outside the box (first: row {rows[0]}); px, not a share?"
        )
        report.file(told, len(rows) / len(table))


def _examine_3d(table: Annotations, report: Report) -> None:
    joints = table.S[table.has_3d]
    known = joints[..., 3] > 0
    rows = np.flatnonzero(table.has_3d)
    nothing = ~known.any(axis=1)
    if nothing.any():
        first = rows[nothing][0]
        report.odd.append(f"S: no joint has confidence in {nothing.sum()} rows that has_3d marks (first: row {first})")
    if nothing.all():
        return
    points = np.where(known[..., None], joints[..., :3], np.nan)[~nothing]
    extent = (np.nanmax(points, axis=1) - np.nanmin(points, axis=1)).max(axis=-1)
    report.facts["3D extent"] = _spread(extent, "m", 2)
    if not _HEIGHT_M[0] < np.median(extent) < _HEIGHT_M[1]:
        report.wrong.append(f"S: skeletons are {np.median(extent):.3g} tall; expected metres, are these millimetres?")
    at_root = joints[known[:, _ROOT], _ROOT, :3]
    if len(at_root):
        distance = np.linalg.norm(at_root, axis=1)
        report.facts["3D pelvis from the origin"] = _spread(distance, "m", 3)
        if np.median(distance) > 0.05:
            report.odd.append(
                "S: not centred on the pelvis; training and metrics centre it themselves, other tools may not"
            )
    else:
        report.facts["3D pelvis from the origin"] = "the pelvis is not labelled"


def _examine_bodies(table: Annotations, report: Report) -> None:
    size = np.linalg.norm(table.pose[table.has_smpl].reshape(-1, 24, 3), axis=-1)
    if size.max() > 2 * np.pi:
        report.wrong.append(f"pose: a rotation of {np.degrees(size.max()):.0f} degrees; are these radians, axis-angle?")
    betas = np.abs(table.shape[table.has_smpl]).max(axis=1)
    if (betas > 5).any():
        row = np.flatnonzero(table.has_smpl)[betas.argmax()]
        report.odd.append(f"shape: {(betas > 5).sum()} rows have a coefficient beyond 5 (row {row}: {betas.max():.1f})")
    empty = table.has_smpl & ~table.pose.any(axis=1)
    if empty.any():
        report.odd.append(f"pose: all zeros in {empty.sum()} rows that has_smpl marks as labelled")


def _share(mask: np.ndarray) -> str:
    return f"{mask.sum()} rows ({mask.mean():.0%})" if mask.any() else "none"


def _joint_facts(visible: np.ndarray) -> str:
    if not visible.any():
        return "none"
    used = visible.any(axis=0).sum()
    rows = np.asarray(visible.any(axis=1))
    share = visible[:, visible.any(axis=0)].mean()
    return f"{used} of {visible.shape[1]} joints in use, {share:.1%} of these visible, {_share(rows)}"


def _spread(values: np.ndarray, unit: str, digits: int = 0) -> str:
    low, middle, high = np.percentile(values, (0, 50, 100))
    return f"{middle:.{digits}f} {unit} ({low:.{digits}f} to {high:.{digits}f})"
