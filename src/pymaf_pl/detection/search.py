"""One person, looked for with the network itself: where do its mesh and its dense head say the same?

The network is shown the whole photo and overlapping windows of it. Whatever it is shown, its mesh is a whole person;
its dense head says of each pixel what is there. They agree where somebody is, and about as large as the window.
"""

from itertools import product

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional as F

from pymaf_pl.body.joints import JOINTS_49, select
from pymaf_pl.body.parts import COARSE_NAMES
from pymaf_pl.data.images import ImageArray, normalise, warp_crop
from pymaf_pl.geometry.camera import project
from pymaf_pl.geometry.crop import box_from_points, crop_affine, ndc_to_image_px
from pymaf_pl.geometry.rotation import rotmat_from_6d
from pymaf_pl.inference import Box, Predictor

_SIDES = (1.0, 0.8, 0.62, 0.48)  # of the windows, as shares of the photo's longer side
_STEP = 0.25  # between windows, of their side
_LOOKED_AT_AGAIN = 6  # of the bodies, the best ones, each in a box of its own
_LEAST_AGREEMENT = 0.22  # mean probability; one in a hundred photos of people has less
_BETWEEN = {
    f"{side}_{joint}": tuple(part.replace("SIDE", side) for part in parts)
    for side in ("right", "left")
    for joint, parts in {
        "ankle": ("SIDE foot", "SIDE shin"), "knee": ("SIDE shin", "SIDE thigh"), "hip": ("SIDE thigh", "torso"),
        "wrist": ("SIDE hand", "SIDE forearm"), "elbow": ("SIDE forearm", "SIDE upper arm"),
        "shoulder": ("SIDE upper arm", "torso"),
    }.items()
} | {"head_top": ("head",)}  # fmt: skip
_JOINTS = select(tuple(_BETWEEN), JOINTS_49)
_CLASSES = [[COARSE_NAMES.index(part) for part in parts] for parts in _BETWEEN.values()]


def search_body(predictor: Predictor, image: ImageArray) -> Box | None:
    """Return the box in which the network is most at one with itself; None without a dense head, or anybody there.

    Args:
        predictor: some dozens of crops of the photo are shown to its network.
        image: (H, W, 3) uint8 RGB.
    """
    if predictor.network.dense_head is None:
        return None
    _, bodies = _look(predictor, image, windows(image))
    bodies = [box for box in bodies if np.isfinite([*box.center, box.size]).all()][:_LOOKED_AT_AGAIN]
    agreement, _ = _look(predictor, image, bodies)
    best = max(zip(agreement, bodies, strict=True), key=lambda pair: pair[0], default=None)
    return best[1] if best is not None and best[0] > _LEAST_AGREEMENT else None


def windows(image: ImageArray) -> list[Box]:
    """Return the squares of an (H, W, 3) image that are looked into; the first is around all of it."""
    height, width = image.shape[:2]

    def middles(length: int, side: float) -> list[float]:
        if length <= side:
            return [length / 2]
        count = 1 + int(np.ceil((length - side) / (_STEP * side)))
        return [float(middle) for middle in np.linspace(side / 2, length - side / 2, count)]

    sides = [share * max(height, width) for share in _SIDES]
    return [Box(at, side) for side in sides for at in product(middles(width, side), middles(height, side))]


def _look(predictor: Predictor, image: ImageArray, boxes: list[Box]) -> tuple[list[float], list[Box]]:
    """Return each box's agreement; and the boxes around the bodies seen in them, the best first."""
    agreement, bodies = [], []
    for start in range(0, len(boxes), predictor.batch_size):
        some = boxes[start : start + predictor.batch_size]
        affines = [crop_affine(box.center, box.size, predictor.image_size) for box in some]
        score, joints = _see(
            predictor, np.stack([warp_crop(image, affine, predictor.image_size) for affine in affines])
        )
        agreement += score.tolist()
        for affine, ndc in zip(affines, joints.cpu().numpy(), strict=True):
            (x, y), size = box_from_points(ndc_to_image_px(ndc, affine, predictor.image_size))
            bodies.append(Box((float(x), float(y)), size))
    order: npt.NDArray[np.intp] = np.argsort(-np.asarray(agreement), kind="stable")
    return agreement, [bodies[i] for i in order]


@torch.inference_mode()
def _see(predictor: Predictor, crops: ImageArray) -> tuple[Tensor, Tensor]:
    """Return how far mesh and dense head agree in (N, S, S, 3) crops, (N,), and the mesh's (N, 49, 2) joints, NDC."""
    pixels = torch.from_numpy(crops).permute(0, 3, 1, 2).contiguous().to(predictor.device)
    output = predictor.network(normalise(pixels), with_dense=True)
    body = output.final
    joints = project(predictor.body.joints_49(rotmat_from_6d(body.pose_6d.float()), body.betas), body.weak_cam)
    chances = output.dense.coarse.float().softmax(dim=1)
    expected = torch.stack([chances[:, classes].sum(dim=1) for classes in _CLASSES], dim=1)  # (N, J, h, w)
    expected = F.avg_pool2d(expected, kernel_size=3, stride=1, padding=1)
    at = F.grid_sample(
        expected.flatten(0, 1)[:, None], joints[:, _JOINTS].flatten(0, 1)[:, None, None], align_corners=False
    )
    somebody = 1 - chances[:, 0]
    edge = torch.cat([somebody[:, 0], somebody[:, -1], somebody[:, :, 0], somebody[:, :, -1]], dim=1)
    agreement = at.view(len(crops), -1).mean(dim=1) - edge.mean(dim=1)  # whoever is cut off is for a larger window
    return agreement, joints
