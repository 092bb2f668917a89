"""What an annotation table holds, and what about it looks odd."""

from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from pymaf_pl.body.joints import JOINTS_24
from pymaf_pl.data.annotations import Annotations, check_images, load_annotations
from pymaf_pl.data.images import read_image

_ROOT = JOINTS_24.index("pelvis")
_HEIGHT_M = (0.3, 2.5)  # plausible extent of a labelled skeleton, curled up to stretched out


def examine(path: Path, image_root: Path, sample: int) -> int:
    """Print a summary and a list of oddities; images are looked for one and all, ``sample`` of them are opened.

    Raises:
        InputError: the table cannot be used as it is.
    """
    table = load_annotations(path)
    check_images(table, image_root)
    facts, odd = summarise(table)
    more, also_odd = _look_at_images(table, image_root, sample)
    console = Console()
    shown = Table(show_header=False, title=str(path), title_justify="left")
    for name, value in {**facts, **more}.items():
        shown.add_row(name, value)
    console.print(shown)
    findings = odd + also_odd
    for finding in findings:
        console.print(f"odd: {finding}", markup=False, highlight=False, soft_wrap=True)
    count = f"{len(findings)} odd thing{'s' * (len(findings) > 1)}" if findings else "nothing odd"
    console.print(f"{count}; the table is usable", highlight=False)
    return 0


def summarise(table: Annotations) -> tuple[dict[str, str], list[str]]:
    """Return facts by name, and what looks odd in the labels alone."""
    visible = table.part[..., 2] > 0
    detected = table.openpose[..., 2] > 0
    facts = {
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
    odd = []
    if not (visible.any() or detected.any() or table.has_3d.any() or table.has_smpl.any()):
        odd.append("no row has any label: boxes only, enough for prediction, not for training")
    for name, points in (("part", table.part), ("openpose", table.openpose)):
        confidence = points[..., 2]
        if confidence.min() < 0 or confidence.max() > 1.001:
            odd.append(f"{name}: confidences from {confidence.min():g} to {confidence.max():g}, expected 0 to 1")
    odd += _outside_box(table, visible)
    if table.has_3d.any():
        extra, strange = _examine_3d(table)
        facts |= extra
        odd += strange
    if table.has_smpl.any():
        size = np.linalg.norm(table.pose[table.has_smpl].reshape(-1, 24, 3), axis=-1)
        if size.max() > 2 * np.pi:
            odd.append(f"pose: a rotation of {np.degrees(size.max()):.0f} degrees; are these radians, axis-angle?")
        betas = np.abs(table.shape[table.has_smpl]).max(axis=1)
        if (betas > 5).any():
            row = np.flatnonzero(table.has_smpl)[betas.argmax()]
            odd.append(f"shape: {(betas > 5).sum()} rows have a coefficient beyond 5 (row {row}: {betas.max():.1f})")
        empty = table.has_smpl & ~table.pose.any(axis=1)
        if empty.any():
            odd.append(f"pose: all zeros in {empty.sum()} rows that has_smpl marks as labelled")
    return facts, odd


def _outside_box(table: Annotations, visible: np.ndarray) -> list[str]:
    half = 100 * table.scale[:, None, None]
    far = (np.abs(table.part[..., :2] - table.center[:, None]) > 1.5 * half).any(-1) & visible
    rows = np.flatnonzero(far.any(axis=1))
    if not len(rows):
        return []
    return [f"part: {len(rows)} rows have a visible joint far outside the box (first: row {rows[0]}); px, not a share?"]


def _examine_3d(table: Annotations) -> tuple[dict[str, str], list[str]]:
    joints = table.S[table.has_3d]
    known = joints[..., 3] > 0
    rows = np.flatnonzero(table.has_3d)
    odd = []
    nothing = ~known.any(axis=1)
    if nothing.any():
        odd.append(
            f"S: no joint has confidence in {nothing.sum()} rows that has_3d marks (first: row {rows[nothing][0]})"
        )
    if nothing.all():
        return {}, odd
    points = np.where(known[..., None], joints[..., :3], np.nan)[~nothing]
    extent = (np.nanmax(points, axis=1) - np.nanmin(points, axis=1)).max(axis=-1)
    facts = {"3D extent": _spread(extent, "m", 2)}
    if not _HEIGHT_M[0] < np.median(extent) < _HEIGHT_M[1]:
        odd.append(f"S: skeletons are {np.median(extent):.3g} tall; expected metres, are these millimetres?")
    at_root = joints[known[:, _ROOT], _ROOT, :3]
    if len(at_root):
        distance = np.linalg.norm(at_root, axis=1)
        facts["3D pelvis from the origin"] = _spread(distance, "m", 3)
        if np.median(distance) > 0.05:
            odd.append("S: not centred on the pelvis; training and metrics centre it themselves, other tools may not")
    else:
        facts["3D pelvis from the origin"] = "the pelvis is not labelled"
    return facts, odd


def _look_at_images(table: Annotations, root: Path, sample: int) -> tuple[dict[str, str], list[str]]:
    count = len(table) if sample == 0 else min(sample, len(table))
    rows = np.unique(np.linspace(0, len(table) - 1, count).round().astype(int))
    outside: list[int] = []
    covered: list[float] = []
    sides: list[int] = []
    for row in rows:
        height, width = read_image(root / table.imgname[row]).shape[:2]
        sides.append(max(height, width))
        half = 100 * table.scale[row]
        low, high = table.center[row] - half, table.center[row] + half
        inside = np.clip(np.minimum(high, (width, height)) - np.maximum(low, 0), 0, None).prod() / (2 * half) ** 2
        covered.append(float(inside))
        if not (0 <= table.center[row][0] <= width and 0 <= table.center[row][1] <= height):
            outside.append(int(row))
    shares = np.array(covered)
    facts = {
        f"image side ({len(rows)} opened)": _spread(np.array(sides), "px"),
        "boxes within their image": f"{(shares > 0.999).mean():.0%} wholly, {(shares > 0.5).mean():.0%} more than half",
    }
    if not outside:
        return facts, []
    return facts, [f"center: outside the image in {len(outside)} of {len(rows)} rows looked at (first: {outside[0]})"]


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
