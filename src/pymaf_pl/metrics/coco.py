"""COCO's keypoint protocol: projected joints against annotated ones, AP and AR over the set.

Shapes:  N people.
"""

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from pymaf_pl.body import BodyModel
from pymaf_pl.body.joints import JOINTS_24_TO_COCO, OPENPOSE_25
from pymaf_pl.errors import InputError
from pymaf_pl.geometry.rotation import rotmat_from_6d
from pymaf_pl.metrics import oks
from pymaf_pl.metrics.masks import read_labels, to_image
from pymaf_pl.metrics.measuring import Protocol, Table
from pymaf_pl.metrics.per_person import Measured
from pymaf_pl.types import Batch, BodyState

_COCO_IN_49 = [len(OPENPOSE_25) + joint for joint in JOINTS_24_TO_COCO]
_PIXEL_CENTRE = 0.5  # annotations count pixels from the centre of the first one


class CocoKeypoints(Protocol):
    """AP and AR as PyMAF's eval_coco.py computes them: ground-truth boxes, one detection each, every score 1.

    The 17 joints are those of the 49-joint set, projected by the predicted camera and brought back by the crop's exact
    inverse. ``oks`` is everybody's own similarity to their annotation.

    Args:
        name: see :class:`Protocol`, as the other arguments that are not here.
        annotations: ``person_keypoints_val2014.json``, the ground truth of real COCO, crowds and unlabelled people
            included. Picture numbers are the last twelve digits of the file names. None for a table of other pictures,
            whose ``part`` is the ground truth and whose masks give the areas.
    """

    default_name = "coco_keypoints"
    default_figures = ("ap", "ap50", "ap75", "ap_m", "ap_l")
    pooled: ClassVar[frozenset[str]] = frozenset(oks.AP_FIGURES)
    known = frozenset({"oks"}) | pooled
    monitor_mode = "max"

    def __init__(
        self,
        name: str | None = None,
        figures: Sequence[str] | None = None,
        variants: Sequence[str] = ("ar", "ar50", "ar75", "ar_m", "ar_l", "oks"),
        expected: int | None = None,
        body: str | None = None,
        group: str | None = None,
        annotations: str | None = None,
    ) -> None:
        super().__init__(name, figures, variants, expected, body, group)
        self.annotations = annotations
        self._image_ids = np.zeros(0, np.int64)
        self._areas = np.zeros(0)
        self._truth: dict[str, Any] = {}

    @property
    def per_person(self) -> tuple[str, ...]:
        """OKS always: AP's intervals are made of it."""
        return ("oks",)

    @property
    def pieces(self) -> dict[str, int]:
        """The 17 keypoints in px of the picture, as annotations count them."""
        return {"keypoints": 34}

    def inspect(self, table: Table, image_root: Path, body: BodyModel) -> None:
        """Read the ground truth.

        Raises:
            InputError: the annotation file is missing or is another one's, or a table of other pictures has no masks.
        """
        oks.check_installed()
        self._keypoints = table.part[:, JOINTS_24_TO_COCO].astype(np.float64)
        if self.annotations is not None:
            self._image_ids = np.array([self._number(name, table.path) for name in table.imgname.tolist()])
            self._truth = oks.load_truth(self.annotations, self._image_ids)
            self._areas = self._matching_areas()
            return
        if not all(table.maskname):
            raise InputError(
                f"{self.name}: {table.path} names no masks, and their areas scale the similarity; render the world's "
                "val or test split, which has them"
            )
        self._image_ids = np.unique(table.imgname, return_inverse=True)[1].astype(np.int64) + 1
        self._areas = np.array([float((read_labels(image_root / name) > 0).sum()) for name in table.maskname.tolist()])
        self._truth = oks.truth_document(self._image_ids, self._keypoints, self._areas)

    @staticmethod
    def _number(name: str, path: Path) -> int:
        digits = re.search(r"(\d{12})$", PurePosixPath(name).stem)
        if digits is None:
            raise InputError(f"{path}: '{name}' does not end in COCO's twelve digits")
        return int(digits[1])

    def _matching_areas(self) -> npt.NDArray[np.float64]:
        """Find each row's annotation, the one in its picture whose keypoints are the nearest, and return its area."""
        of_image = defaultdict(list)
        for entry in self._truth["annotations"]:
            if entry["num_keypoints"] > 0:
                of_image[entry["image_id"]].append(entry)
        areas = np.full(len(self._image_ids), np.nan)
        for row, (image, points) in enumerate(zip(self._image_ids.tolist(), self._keypoints, strict=True)):
            seen = points[:, 2] > 0
            if seen.any() and of_image[image]:
                flat = np.array([entry["keypoints"] for entry in of_image[image]], np.float64).reshape(-1, 17, 3)
                miss = np.abs(flat[:, seen, :2] - points[seen, :2]).mean(axis=(1, 2))
                areas[row] = of_image[image][int(miss.argmin())]["area"]
        return areas

    def definition(self) -> dict[str, str]:
        """Say in words what the figures mean."""
        truth = "the table's keypoints, areas of its masks" if self.annotations is None else Path(self.annotations).name
        return {
            "keypoints": "COCO's 17 among the 49 joints, crop camera, the crop's exact inverse",
            "detections": "one for each ground-truth box, every score 1, no suppression",
            "figures": "COCO's, of pycocotools: OKS .50:.05:.95, at most 20 a picture",
            "ground truth": truth,
        }

    def prepare(self, body: BodyModel, batch: Batch) -> dict[str, Any]:
        """Look up the annotations."""
        rows, device = batch["index"].cpu().numpy(), batch["index"].device
        return {
            "crop_affine": batch["crop_affine"],
            "crop_size": batch["image"].shape[-1],
            "keypoints": torch.from_numpy(self._keypoints[rows]).to(device),
            "area": torch.from_numpy(self._areas[rows]).to(device),
        }

    def evaluate(self, body: BodyModel, state: BodyState, truth: Mapping[str, Any]) -> dict[str, Tensor]:
        """Project the 17 joints into the picture."""
        joints = body.joints_49(rotmat_from_6d(state.pose_6d.float()), state.betas)[:, _COCO_IN_49]
        points = to_image(joints, state.weak_cam, truth["crop_affine"], truth["crop_size"])[..., :2] - _PIXEL_CENTRE
        target = truth["keypoints"]
        return {
            "oks": oks.oks(points, target[..., :2], target[..., 2], truth["area"]),
            "keypoints": points.flatten(1),
        }

    def pool(self, measured: Measured) -> dict[str, npt.NDArray[np.floating[Any]]]:
        """Return everybody's share of AP and AR."""
        images, areas = self._image_ids[measured.row], self._areas[measured.row]
        seen = set(images.tolist())
        truth = self._truth | {
            key: [entry for entry in self._truth[key] if entry[number] in seen]
            for key, number in (("images", "id"), ("annotations", "image_id"))
        }
        rows = []
        for points, similarity in zip(measured.pieces["keypoints"], measured.figures["oks"], strict=True):
            figures = oks.keypoint_ap(truth, oks.detections(images, points.reshape(-1, 17, 2)))
            rows.append(oks.ap_shares(similarity, areas, figures))
        return {name: np.stack([row[name] for row in rows]) for name in self.everything if name in self.pooled}
