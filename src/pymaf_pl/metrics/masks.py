"""Protocols that draw the estimate and compare it with the data set's masks, in the pixels of the original picture.

Shapes:  N people, H W picture.
Frames:  image px of a raster: pixel i has its centre at i + 0.5.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Final

import cv2
import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from pymaf_pl.body import BodyModel
from pymaf_pl.errors import InputError
from pymaf_pl.geometry.camera import project, weak_cam_to_translation
from pymaf_pl.geometry.rotation import rotmat_from_6d
from pymaf_pl.metrics import functional, segmentation
from pymaf_pl.metrics.genders import GenderedBodies, neutral_pose
from pymaf_pl.metrics.measuring import Protocol, Table
from pymaf_pl.metrics.per_person import Measured
from pymaf_pl.render import rasterize
from pymaf_pl.types import Batch, BodyState

_SILHOUETTE: Final = {"fb_accuracy": "accuracy", "fb_f1": "f1"}
_PARTS: Final = {
    "parts_accuracy": "accuracy", "parts_f1": "f1",
    "parts_accuracy_labelled": "labelled_accuracy", "parts_f1_foreground": "foreground_f1",
}  # fmt: skip


class Silhouettes(Protocol):
    """The drawn estimate against silhouettes and part pictures (``lsp_segmentation``, ``ssp3d``).

    The mesh is drawn once, through the crop's camera and the crop's exact inverse, in the pixels of the original
    picture, without smoothing: a pixel has the label of the surface at its centre.

    - ``miou``: intersection over union of each silhouette, averaged over pictures.
    - ``fb_accuracy``, ``fb_f1``: of the silhouettes, global sums; the F1 is the mean of background and foreground.
    - ``parts_accuracy``, ``parts_f1``: of background and six parts, global sums; see
      :mod:`pymaf_pl.metrics.segmentation` for 255. ``parts_accuracy_labelled`` leaves 255 out,
      ``parts_f1_foreground`` the background.
    - ``pve_t_sc``: shape alone, both sides on the body of the person's gender where that is known.

    Args:
        name: see :class:`Protocol`, as the other arguments that are not here.
        gendered: whether shape is measured on the body of the person's gender; else on the neutral one.
    """

    default_name = "silhouettes"
    default_figures = ("miou",)
    pooled: ClassVar[frozenset[str]] = frozenset(_SILHOUETTE | _PARTS)
    known = frozenset({"miou", "pve_t_sc"}) | pooled
    monitor_mode = "max"

    def __init__(
        self,
        name: str | None = None,
        figures: Sequence[str] | None = None,
        variants: Sequence[str] = (),
        expected: int | None = None,
        body: str | None = None,
        group: str | None = None,
        gendered: bool = False,
    ) -> None:
        super().__init__(name, figures, variants, expected, body, group)
        self.gendered = gendered
        self._root = Path()
        self._bodies: GenderedBodies | None = None

    @property
    def _wants_parts(self) -> bool:
        return any(figure in _PARTS for figure in self.everything)

    @property
    def per_person(self) -> tuple[str, ...]:
        """IoU always: it tells whose silhouette is good."""
        return tuple(dict.fromkeys(("miou", *super().per_person)))

    @property
    def pieces(self) -> dict[str, int]:
        """Counts of pixels."""
        parts = {"parts": segmentation.PART_COUNTS} if self._wants_parts else {}
        return {"silhouette": segmentation.SILHOUETTE_COUNTS} | parts

    def inspect(self, table: Table, image_root: Path, body: BodyModel) -> None:
        """Make sure that the masks are there.

        Raises:
            InputError: the table names no masks, or one of them is missing.
        """
        self._root, self._bodies = image_root, None
        columns = {"maskname": table.maskname} | ({"partname": table.partname} if self._wants_parts else {})
        for key, names in columns.items():
            if not any(names):
                raise InputError(
                    f"{self.name}: {table.path} names no '{key}'; convert the data set again, or render the world's "
                    "val or test split, which have them"
                )
            gone = [name for name in names.tolist() if name and not (image_root / name).is_file()]
            if gone:
                raise InputError(f"{self.name}: {image_root / gone[0]} is missing, and {len(gone) - 1} more of '{key}'")
            if empty := int((names == "").sum()):
                self.reservations.append(f"{table.path}: {empty:,} of {len(table):,} people have no '{key}'")
        if self.gendered:
            self._bodies, reservations = GenderedBodies.for_people(table, body)
            self.reservations += reservations

    def definition(self) -> dict[str, str]:
        """Say in words what the figures mean."""
        return {
            "drawn": "predicted mesh, crop camera, the crop's exact inverse, at the original resolution, nearest",
            "silhouettes": "global sums; F1 is the mean of background and foreground; mIOU is averaged over pictures",
            "parts": "global sums; F1 over background and six parts; 255 counts as background in the accuracy",
            "shape": "T-pose meshes on the body of the person's gender" if self.gendered else "neutral T-pose meshes",
        }

    def prepare(self, body: BodyModel, batch: Batch) -> dict[str, Any]:
        """Read the masks."""
        rows = batch["index"].cpu().numpy()
        masks = [self._read(name) for name in self.table.maskname[rows]]
        parts = [self._read(name) if self._wants_parts else None for name in self.table.partname[rows]]
        for row, mask, part in zip(rows, masks, parts, strict=True):
            if mask is not None and part is not None and mask.shape != part.shape:
                raise InputError(
                    f"{self._root / self.table.partname[row]}: {tuple(part.shape)} pixels, its silhouette has "
                    f"{tuple(mask.shape)}; both must have the picture's size"
                )
        return {
            "index": batch["index"],
            "crop_affine": batch["crop_affine"],
            "crop_size": batch["image"].shape[-1],
            "betas": batch["betas"],
            "has_mesh": batch["has_pose"] & batch["has_betas"],
            "masks": masks,
            "parts": parts,
        }

    def _read(self, name: str) -> Tensor | None:
        return torch.from_numpy(read_labels(self._root / name)) if name else None

    def evaluate(self, body: BodyModel, state: BodyState, truth: Mapping[str, Any]) -> dict[str, Tensor]:
        """Draw the estimates and count pixels."""
        masks, parts = truth["masks"], truth["parts"]
        like = [mask if mask is not None else part for mask, part in zip(masks, parts, strict=True)]
        drawn = self._draw(body, state, truth, like)
        shape = (len(state), segmentation.SILHOUETTE_COUNTS)
        silhouette = torch.full(shape, torch.nan, dtype=torch.float64, device=state.betas.device)
        part_pixels = silhouette.new_full((len(state), segmentation.PART_COUNTS), torch.nan)
        for person, labels in enumerate(drawn):
            if (mask := masks[person]) is not None:
                silhouette[person] = segmentation.silhouette_counts(labels > 0, mask.to(labels.device))[0].double()
            if (part := parts[person]) is not None:
                part_pixels[person] = segmentation.part_counts(labels, part.to(labels.device))[0].double()
        values = {"miou": segmentation.silhouette_scores(silhouette)["iou"], "silhouette": silhouette}
        if self._wants_parts:
            values["parts"] = part_pixels
        if "pve_t_sc" in self.everything:
            values["pve_t_sc"] = self._shape_error(body, state, truth)
        return values

    def _draw(
        self, body: BodyModel, state: BodyState, truth: Mapping[str, Any], like: Sequence[Tensor | None]
    ) -> list[Tensor]:
        """Return an (H, W) part picture for each person; those of one size are drawn together."""
        vertices = body(rotmat_from_6d(state.pose_6d.float()), state.betas).vertices
        screen = to_image(vertices, state.weak_cam, truth["crop_affine"], truth["crop_size"])
        limb = torch.from_numpy(np.append(body.surface.limb, 0).astype(np.int64)).to(screen.device)  # -1: background
        pictures: list[Tensor] = [torch.empty(0)] * len(state)
        sizes = [(0, 0) if mask is None else tuple(mask.shape) for mask in like]
        for height, width in dict.fromkeys(sizes):
            who = [person for person, size in enumerate(sizes) if size == (height, width)]
            if height:
                for person, ids in zip(who, rasterize(screen[who], body.faces, height, width), strict=True):
                    pictures[person] = limb[ids]
        return pictures

    def _shape_error(self, body: BodyModel, state: BodyState, truth: Mapping[str, Any]) -> Tensor:
        ours, theirs = neutral_pose(body, state.betas), neutral_pose(body, truth["betas"])
        if self._bodies is not None:
            for gendered, who in self._bodies.split(truth["index"]):
                ours[who] = neutral_pose(gendered, state.betas[who])
                theirs[who] = neutral_pose(gendered, truth["betas"][who])
        return functional.pve_t_sc(ours, theirs).masked_fill(~truth["has_mesh"], torch.nan)

    def pool(self, measured: Measured) -> dict[str, npt.NDArray[np.floating[Any]]]:
        """Return everybody's share of the figures that are made of global sums."""
        kinds = (
            ("silhouette", _SILHOUETTE, segmentation.silhouette_shares),
            ("parts", _PARTS, segmentation.part_shares),
        )
        pooled: dict[str, npt.NDArray[np.floating[Any]]] = {}
        for piece, names, shares_of in kinds:
            wanted = {figure: rule for figure, rule in names.items() if figure in self.everything}
            if not wanted:
                continue
            counts = torch.from_numpy(measured.pieces[piece])
            known = ~counts.isnan().any(dim=-1).any(dim=0)
            shares = shares_of(counts[:, known])
            for figure, rule in wanted.items():
                everybody = torch.full(counts.shape[:2], torch.nan, dtype=torch.float64)
                everybody[:, known] = shares[rule]
                pooled[figure] = everybody.numpy()
        return pooled


def to_image(vertices: Tensor, weak_cam: Tensor, crop_affine: Tensor, crop_size: int) -> Tensor:
    """Project vertices through the crop's camera into the original picture.

    Args:
        vertices: (N, V, 3) metres, camera axes, before translation.
        weak_cam: (N, 3) of the crop.
        crop_affine: (N, 2, 3) from image px to crop px.
        crop_size: side of the crop, px.

    Returns:
        (N, V, 3) float64 raster px and -1 / depth, which is linear on the screen.
    """
    vertices, weak_cam = vertices.double(), weak_cam.double()
    crop_px = (project(vertices, weak_cam) + 1) * (crop_size / 2)
    linear, offset = crop_affine.double().split([2, 1], dim=-1)
    image_px = (crop_px - offset.mT) @ torch.linalg.inv(linear).mT
    depth = vertices[..., 2:] + weak_cam_to_translation(weak_cam)[:, None, 2:]
    return torch.cat([image_px, -1 / depth], dim=-1)


def read_labels(path: Path) -> npt.NDArray[np.uint8]:
    """Return the (H, W) labels of a mask or part picture.

    Raises:
        InputError: it is not a picture.
    """
    data = np.frombuffer(path.read_bytes(), np.uint8)
    labels = cv2.imdecode(data, cv2.IMREAD_GRAYSCALE) if len(data) else None
    if labels is None:
        raise InputError(f"{path}: not a picture of labels; a PNG with one channel is expected")
    return np.asarray(labels, np.uint8)
