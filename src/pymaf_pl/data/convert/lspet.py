"""LSP-Extended, as its authors published it in 2011 or in high resolution (HR-LSPET)."""

import numpy as np

from pymaf_pl.data.convert.boxes import boxes_of_joints
from pymaf_pl.data.convert.joint_maps import place, with_confidence
from pymaf_pl.data.convert.reading import read_mat
from pymaf_pl.data.convert.request import Request
from pymaf_pl.data.convert.rows import Rows
from pymaf_pl.errors import InputError


def convert(request: Request) -> Rows:
    """Convert all images (``train``).

    Joints that are not visible were never placed (they lie at (0, -26) or so): confidence 0, and no part of the box.
    SPIN takes all 14 at their word.
    """
    root, path = request.root, request.root / "joints.mat"
    joints = read_mat(path, "joints", "LSP-Extended's joints (14, 3, N)").astype(np.float64)
    if joints.ndim != 3 or joints.shape[:2] != (14, 3):
        raise InputError(f"{path}: 'joints' has the shape {joints.shape}, expected (14, 3, N); is this LSP?")
    layouts = ("im{:05d}.png", "images/im{:05d}.jpg", "images/im{:05d}.png", "im{:05d}.jpg")
    layout = next((one for one in layouts if any(root.glob(one.replace("{:05d}", "[0-9]" * 5)))), None)
    if layout is None:
        raise InputError(f"{root}: no images im00001.png or images/im00001.jpg beside joints.mat")
    folder = (root / layout).parent
    files = sorted(folder.glob(layout.rpartition("/")[2].replace("{:05d}", "[0-9]" * 5)))
    numbers = np.array([int(file.stem[2:]) for file in files])
    # the high-resolution set leaves out images, and its joints.mat goes with the sorted list of those that are left
    if len(files) == joints.shape[2]:
        at = np.arange(len(files))
    elif numbers.max() <= joints.shape[2]:
        at = numbers - 1
    else:
        raise InputError(
            f"{root}: {len(files)} images up to {files[-1].name}, but joints.mat holds {joints.shape[2]} people"
        )
    rows = Rows()
    if len(files) < joints.shape[2]:
        rows.notes.append(f"{joints.shape[2] - len(files)} of {joints.shape[2]} images are not there and were left out")
    points = joints[:, :2, at].transpose(2, 0, 1)
    visible = joints[:, 2, at].T > 0 if not request.spin else np.ones(points.shape[:2], bool)
    center, scale = boxes_of_joints(points, visible)
    usable = visible.sum(axis=1) >= 2
    if not usable.all():
        rows.notes.append(f"{(~usable).sum()} people with fewer than two visible joints were left out")
    part = place(with_confidence(points, visible), "lsp")
    names = np.array([file.relative_to(root).as_posix() for file in files])
    rows.add(names[usable], center=center[usable], scale=scale[usable], part=part[usable])
    return rows
