"""Where are the people? Boxes for photographs that come without any.

OpenCV carries a detector of upright pedestrians (Dalal and Triggs, CVPR 2005), which needs no download. It finds people
who stand or walk and are seen whole; others are missed, and then the photo is taken to show one person, whom the dense
head of the network looks for.
"""

import cv2
import numpy as np
import numpy.typing as npt
import torch

from pymaf_pl.data.images import ImageArray, normalise, warp_crop
from pymaf_pl.geometry.crop import crop_affine
from pymaf_pl.inference import Box, Predictor

Window = npt.NDArray[np.float64]
"""(4,) left, top, width and height, px of the enlarged photo."""

_LONG_SIDE = 640  # px: the detector's own people are 96 px tall
_BORDER = 32  # px: its window has a margin, people at the edge have none
_LEAST_SCORE = 1.0  # margin of the detector's linear SVM; lower ones are mostly trees and doors
_LEAST_HEIGHT = 0.4  # of the longer side: passers-by far away are not meant
_MOST_OVERLAP = 0.4
_PERSON_IN_WINDOW = 0.75  # 96 of 128 px
_BODY = 0.5  # least probability of a pixel of the body
_BOX_OF_HEIGHT = 1.1  # 1.2 times the extent of the joints, which is some 0.92 of the height


def find_boxes(predictor: Predictor, image: ImageArray) -> list[Box]:
    """Return the boxes of a photo's people, at least one.

    Args:
        predictor: whose dense head looks for one person where the detector finds nobody.
        image: (H, W, 3) uint8 RGB.
    """
    return find_people(image) or [find_body(predictor, image) or Box.whole_image(image)]


@torch.inference_mode()
def find_body(predictor: Predictor, image: ImageArray) -> Box | None:
    """Return the box of what the dense head takes for one body in the whole photo; None without head or body."""
    network, whole = predictor.network, Box.whole_image(image)
    if network.dense_head is None:
        return None
    crop = warp_crop(image, crop_affine(whole.center, whole.size, predictor.image_size), predictor.image_size)
    pixels = normalise(torch.from_numpy(crop).permute(2, 0, 1)[None].to(predictor.device))
    logits = network.dense_head(network.pyramid(network.backbone(pixels))[-1]).part
    body = 1 - logits.softmax(dim=1)[0, 0].cpu().numpy()
    count, blobs, extents, _ = cv2.connectedComponentsWithStats((body > _BODY).astype(np.uint8))
    if count < 2:
        return None
    largest = 1 + int(np.argmax([body[blobs == blob].sum() for blob in range(1, count)]))
    left, top, wide, tall = (float(v) * whole.size / len(body) for v in extents[largest, :4])
    corner = np.subtract(whole.center, whole.size / 2)
    return Box((corner[0] + left + wide / 2, corner[1] + top + tall / 2), _BOX_OF_HEIGHT * max(wide, tall))


def find_people(image: ImageArray) -> list[Box]:
    """Return the boxes of upright people, the best first.

    Args:
        image: (H, W, 3) uint8 RGB.
    """
    height, width = image.shape[:2]
    scale = _LONG_SIDE / max(height, width)
    small = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    grown = cv2.copyMakeBorder(small, *(_BORDER,) * 4, cv2.BORDER_REPLICATE)
    detector = cv2.HOGDescriptor()
    detector.setSVMDetector(np.asarray(cv2.HOGDescriptor.getDefaultPeopleDetector(), np.float32))
    found = detector.detectMultiScale(grown, winStride=(8, 8), scale=1.05)
    windows, scores = np.asarray(found[0], np.float64).reshape(-1, 4), np.ravel(found[1])
    kept: list[Window] = []
    for i in np.argsort(-scores):
        tall = windows[i][3] * _PERSON_IN_WINDOW / scale
        if scores[i] < _LEAST_SCORE or tall < _LEAST_HEIGHT * max(height, width):
            continue
        if all(_overlap(windows[i], other) < _MOST_OVERLAP for other in kept):
            kept.append(windows[i])
    return [_box(window, scale) for window in kept]


def _box(window: Window, scale: float) -> Box:
    x, y, wide, tall = window.tolist()
    centre = ((x + wide / 2 - _BORDER) / scale, (y + tall / 2 - _BORDER) / scale)
    return Box(centre, tall * _PERSON_IN_WINDOW * _BOX_OF_HEIGHT / scale)


def _overlap(one: Window, other: Window) -> float:
    """Intersection over the smaller of two windows (x, y, width, height)."""
    low = np.maximum(one[:2], other[:2])
    high = np.minimum(one[:2] + one[2:], other[:2] + other[2:])
    shared = np.prod(np.clip(high - low, 0, None))
    return float(shared / min(one[2] * one[3], other[2] * other[3]))
