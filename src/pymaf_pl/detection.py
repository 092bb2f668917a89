"""Where are the people? Boxes for photographs and videos that come without any.

Three detectors. OpenCV carries one of upright pedestrians (Dalal and Triggs, CVPR 2005), which needs no download: it
finds people who stand or walk and are seen whole. torchvision's Faster R-CNN (MobileNetV3, 320 px) finds people in any
position, but its weights, 74 MB, are not part of any package. And none at all: one person, who fills the picture.
"""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple, Protocol

import cv2
import numpy as np
import numpy.typing as npt
import torch

from pymaf_pl.data.images import ImageArray, normalise, warp_crop
from pymaf_pl.errors import InputError
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
_WIDTH_OF_HEIGHT = 0.41  # of people in INRIA's windows, 64 of 128 px with their margin
_BODY = 0.5  # least probability of a pixel of the body
_BOX_OF_HEIGHT = 1.1  # 1.2 times the extent of the joints, which is some 0.92 of the height
_LEAST_CHANCE = 0.7  # of Faster R-CNN, that it is a person
_COCO_PERSON = 1
DETECTORS = ("hog", "torchvision", "none")
WEIGHTS_URL = "https://download.pytorch.org/models/fasterrcnn_mobilenet_v3_large_320_fpn-907ea3f9.pth"


class Detection(NamedTuple):
    """A person as a detector sees one: corners in px of the image, and how sure it is, in [0, 1]."""

    left: float
    top: float
    right: float
    bottom: float
    score: float = 1.0
    given: Box | None = None

    @classmethod
    def around(cls, box: Box) -> "Detection":
        """Return the corners of a box that was given, which is sure and taken as it is."""
        (x, y), half = box.center, box.size / 2
        return cls(x - half, y - half, x + half, y + half, given=box)

    @property
    def box(self) -> Box:
        """The square box for the network, around somebody who is seen from head to foot."""
        if self.given is not None:
            return self.given
        width, height = self.right - self.left, self.bottom - self.top
        return Box((self.left + width / 2, self.top + height / 2), _BOX_OF_HEIGHT * max(width, height))


class Detector(Protocol):
    """Images in, (H, W, 3) uint8 RGB, the people of each one out, the surest first."""

    def __call__(self, images: Sequence[ImageArray]) -> list[list[Detection]]:
        """Look for people."""
        ...


class HogDetector:
    """OpenCV's detector of upright people.

    Args:
        least_height: of a person, as a share of the picture's longer side.
    """

    def __init__(self, least_height: float = _LEAST_HEIGHT) -> None:
        self._least_height = least_height
        self._hog = cv2.HOGDescriptor()
        self._hog.setSVMDetector(np.asarray(cv2.HOGDescriptor.getDefaultPeopleDetector(), np.float32))

    def __call__(self, images: Sequence[ImageArray]) -> list[list[Detection]]:
        """Look for people, one image after another."""
        return [self._find(image) for image in images]

    def _find(self, image: ImageArray) -> list[Detection]:
        height, width = image.shape[:2]
        scale = _LONG_SIDE / max(height, width)
        how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
        small = cv2.resize(image, None, fx=scale, fy=scale, interpolation=how)
        grown = cv2.copyMakeBorder(small, *(_BORDER,) * 4, cv2.BORDER_REPLICATE)
        found = self._hog.detectMultiScale(grown, winStride=(8, 8), scale=1.05)
        windows, scores = np.asarray(found[0], np.float64).reshape(-1, 4), np.ravel(found[1])
        kept: list[Window] = []
        people = []
        for i in np.argsort(-scores):
            tall = windows[i][3] * _PERSON_IN_WINDOW / scale
            if scores[i] < _LEAST_SCORE or tall < self._least_height * max(height, width):
                continue
            if all(_overlap(windows[i], other) < _MOST_OVERLAP for other in kept):
                kept.append(windows[i])
                people.append(_person(windows[i], scale, float(scores[i])))
        return people


class TorchvisionDetector:
    """torchvision's Faster R-CNN with MobileNetV3, trained on COCO.

    Args:
        weights: its file; None to take torch's cache, or to download it into that.
        device: where to run.
        batch_size: images at a time.

    Raises:
        InputError: the weights cannot be had, with where to get and where to put them, or are something else.
    """

    def __init__(self, weights: Path | None = None, device: str | torch.device = "cpu", batch_size: int = 8) -> None:
        from torchvision.models.detection import fasterrcnn_mobilenet_v3_large_320_fpn

        state = _fetch() if weights is None else _read(weights)
        self._network = fasterrcnn_mobilenet_v3_large_320_fpn(weights=None, weights_backbone=None)
        try:
            self._network.load_state_dict(state)
        except RuntimeError as error:
            reason = str(error).splitlines()[-1].strip()[:120]
            raise InputError(
                f"{weights or WEIGHTS_URL}: not the weights of torchvision's detector ({reason})"
            ) from None
        self._device, self._batch_size = torch.device(device), batch_size
        self._network.eval().to(self._device)

    @torch.inference_mode()
    def __call__(self, images: Sequence[ImageArray]) -> list[list[Detection]]:
        """Look for people, some images at a time."""
        people = []
        for start in range(0, len(images), self._batch_size):
            pixels = [
                torch.from_numpy(image).permute(2, 0, 1).to(self._device).float() / 255
                for image in images[start : start + self._batch_size]
            ]
            for found in self._network(pixels):
                wanted = (found["labels"] == _COCO_PERSON) & (found["scores"] > _LEAST_CHANCE)
                rows = torch.cat([found["boxes"], found["scores"][:, None]], dim=1)[wanted]
                people.append([Detection(*row) for row in rows.cpu().tolist()])
        return people


class WholePicture:
    """One person, who fills the picture: no detector at all."""

    def __call__(self, images: Sequence[ImageArray]) -> list[list[Detection]]:
        """Return the square around each picture."""
        return [[Detection.around(Box.whole_image(image))] for image in images]


def find_boxes(predictor: Predictor, image: ImageArray, detector: Detector | None = None) -> list[Box]:
    """Return the boxes of a photo's people, at least one.

    Args:
        predictor: whose dense head looks for one person where the detector finds nobody.
        image: (H, W, 3) uint8 RGB.
        detector: by default OpenCV's.
    """
    people = (detector or HogDetector())([image])[0]
    if people:
        return [person.box for person in people]
    return [find_body(predictor, image) or Box.whole_image(image)]


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
    """Return the boxes of upright people by OpenCV's detector, the best first; (H, W, 3) uint8 RGB."""
    return [person.box for person in HogDetector()([image])[0]]


def _person(window: Window, scale: float, margin: float) -> Detection:
    x, y, wide, tall = window.tolist()
    middle, centre = (x + wide / 2 - _BORDER) / scale, (y + tall / 2 - _BORDER) / scale
    height = tall * _PERSON_IN_WINDOW / scale
    half = _WIDTH_OF_HEIGHT * height / 2
    chance = 1 / (1 + math.exp(-2 * margin))  # 0.88 at the least margin that is taken
    return Detection(middle - half, centre - height / 2, middle + half, centre + height / 2, chance)


def _overlap(one: Window, other: Window) -> float:
    """Intersection over the smaller of two windows (x, y, width, height)."""
    low = np.maximum(one[:2], other[:2])
    high = np.minimum(one[:2] + one[2:], other[:2] + other[2:])
    shared = np.prod(np.clip(high - low, 0, None))
    return float(shared / min(one[2] * one[3], other[2] * other[3]))


def _fetch() -> dict[str, torch.Tensor]:
    """Return the weights from torch's cache, or from where torchvision keeps them."""
    cache = Path(torch.hub.get_dir()) / "checkpoints" / WEIGHTS_URL.rsplit("/", 1)[1]
    if cache.is_file():
        return _read(cache)
    try:
        return torch.hub.load_state_dict_from_url(
            WEIGHTS_URL, map_location="cpu", progress=False, check_hash=True, weights_only=True
        )
    except Exception as error:  # no network, a proxy, a broken download: many kinds
        reason = " ".join(str(error).split())[:120]
        raise InputError(
            f"--detector torchvision: its weights cannot be downloaded here ({reason}); get {WEIGHTS_URL} elsewhere "
            f"and put it at {cache}, or give it as --detector-weights FILE, or take --detector hog, which needs none"
        ) from None


def _read(path: Path) -> dict[str, torch.Tensor]:
    if not path.is_file():
        raise InputError(f"{path}: no such file of weights; torchvision's are at {WEIGHTS_URL}")
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch.load fails in many ways on what is not a file of weights
        reason = (str(error).splitlines() or [type(error).__name__])[0][:120]
        raise InputError(f"{path}: not a readable file of weights ({reason})") from None
    if not isinstance(state, dict):
        raise InputError(f"{path}: it holds a {type(state).__name__}, not named weights")
    return state
