"""People in a photograph: boxes in, bodies of every feedback iteration out.

Shapes:  T feedback iterations, V vertices.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from html import escape
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from PIL.Image import Image
from torch import Tensor

from pymaf_pl.body import BodyModel
from pymaf_pl.checkpoints import read_checkpoint
from pymaf_pl.confidence import Calibration, Confidence, disagreement, read_calibration
from pymaf_pl.data.images import ImageArray, normalise, read_image, warp_crop
from pymaf_pl.errors import InputError
from pymaf_pl.geometry.camera import crop_to_image_translation, project
from pymaf_pl.geometry.crop import crop_affine, ndc_to_image_px
from pymaf_pl.geometry.rotation import rotmat_from_6d
from pymaf_pl.models import FeedbackNetwork
from pymaf_pl.rebuilding import network_from_checkpoint
from pymaf_pl.report.change import full_scales, move_colours, move_figures, moves
from pymaf_pl.report.page import embedded_page, write_page
from pymaf_pl.report.people import iteration_overlays, view_of_arrays
from pymaf_pl.report.sections import iteration_name
from pymaf_pl.report.strip import picture_strip
from pymaf_pl.report.views import PersonView
from pymaf_pl.shipped import DEFAULT_MODEL
from pymaf_pl.types import BodyState

FloatArray = npt.NDArray[np.float32]
PICTURE_SIDE = 384
"""Most px that a person's picture has along a side, unless the network's own crop has more."""
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Box:
    """A square box in image px: centre (x, y) and side."""

    center: tuple[float, float]
    size: float

    @classmethod
    def whole_image(cls, image: ImageArray) -> "Box":
        """Return the box of one person who fills the picture."""
        height, width = image.shape[:2]
        return cls((width / 2, height / 2), float(max(height, width)))


def default_focal_length(image: ImageArray) -> float:
    """Return the focal length of a photo of which nothing is known, in px: its diagonal (CLIFF, ECCV 2022)."""
    return float(np.hypot(*image.shape[:2]))


@dataclass(frozen=True, repr=False)
class PersonPrediction:
    """body[0..T] of one person, decoded.

    Attributes:
        states: body[0..T] as they leave the network, each of batch 1.
        crop: (S, S, 3) uint8, what the network saw.
        picture: (P, P, 3) uint8, the same box of the photo in more px, where it has more; for pictures to look at.
        pose_rotmat: (T+1, 24, 3, 3).
        betas: (T+1, 10).
        weak_cam: (T+1, 3) in the crop.
        vertices: (T+1, V, 3) metres, camera axes, before ``cam_transl``.
        joints_49: (T+1, 49, 3) likewise.
        keypoints_2d: (T+1, 49, 2) image px.
        vertices_2d: (T+1, V, 2) image px.
        bbox_center: (2,) image px.
        bbox_size: side in image px.
        cam_transl: (T+1, 3) metres, for ``focal_length``.
        focal_length: px of the image.
        faces: (F, 3) of the mesh, the same array for everybody.
        confidence: (49,) chance that a joint of body[T] is off by less than 10 cm, hips aligned; None if not asked for.
        expected_error_mm: (49,) by how much it will be off on average; None likewise.
    """

    states: tuple[BodyState, ...]
    crop: ImageArray
    picture: ImageArray
    pose_rotmat: FloatArray
    betas: FloatArray
    weak_cam: FloatArray
    vertices: FloatArray
    joints_49: FloatArray
    keypoints_2d: FloatArray
    vertices_2d: FloatArray
    bbox_center: FloatArray
    bbox_size: float
    cam_transl: FloatArray
    focal_length: float
    faces: npt.NDArray[np.integer]
    confidence: FloatArray | None = None
    expected_error_mm: FloatArray | None = None

    def figure(self, side: int = 256, *, change: bool = False) -> Image:
        """Return a strip to look at: the photo, then body[0..T] over it.

        Notebooks show it; ``.save("strip.png")`` writes it.

        Args:
            side: of each picture, px.
            change: colour every vertex by how far it moved since the iteration before, pale to dark red, each
                iteration on its own scale.
        """
        colours, labels = None, [iteration_name(t, len(self.vertices) - 1) for t in range(len(self.vertices))]
        if change:
            moved = moves(self.vertices)
            colours = move_colours(moved)
            dark = (1000 * full_scales(moved)).tolist()
            labels[1:] = [f"{t} · dark: moved {dark[t]:.0f} mm" for t in range(1, len(dark))]
        overlays = iteration_overlays(self.picture, self.vertices, self.weak_cam, self.faces, colours)
        return picture_strip([self.picture, *overlays], ["photo", *labels], side)

    def page(self, path: str | Path, title: str = "One person, iteration by iteration") -> Path:
        """Write one self-contained HTML page: pictures, figures, and a 3D mesh with an iteration slider."""
        return write_page(path, title=title, facts={}, iterations=[], people=[self._view()], faces=self.faces)

    def _view(self) -> PersonView:
        figures = move_figures(self.vertices, self.pose_rotmat)
        return view_of_arrays("person", self.picture, self.vertices, self.weak_cam, self.faces, figures)

    def _repr_html_(self) -> str:
        """Show the 3D mesh with its slider where a notebook ends a cell with a person."""
        page = escape(embedded_page([self._view()], self.faces))
        return (
            f'<iframe srcdoc="{page}" title="3D view of a person" sandbox="allow-scripts" '
            'style="width: 100%; max-width: 1000px; height: 580px; border: 0"></iframe>'
        )

    def __repr__(self) -> str:
        x, y = self.bbox_center.tolist()
        return (
            f"PersonPrediction(body[0..{len(self.vertices) - 1}], {self.vertices.shape[1]} vertices, "
            f"box {self.bbox_size:.0f} px at ({x:.0f}, {y:.0f}))"
        )


class Predictor:
    """Run a trained network on photographs.

    Args:
        network: trained.
        body: that it was trained on.
        image_size: side of the crops it was trained on.
        device: where to run.
        batch_size: people at a time.
        calibration: what the network's disagreement with itself means; None if nobody has measured it.
    """

    def __init__(
        self,
        network: FeedbackNetwork,
        body: BodyModel,
        image_size: int,
        device: str | torch.device = "cpu",
        batch_size: int = 32,
        calibration: Calibration | None = None,
    ) -> None:
        self.device = torch.device(device)
        self.network, self.body = network.eval().to(self.device), body.to(self.device)
        self.image_size, self.batch_size, self.calibration = image_size, batch_size, calibration
        self.faces = body.faces.cpu().numpy()

    @classmethod
    def from_checkpoint(
        cls,
        path: str | Path = DEFAULT_MODEL,
        body_dir: str | Path | None = None,
        device: str | torch.device = "cpu",
        body_name: str | None = None,
    ) -> "Predictor":
        """Load a trained network.

        Args:
            path: a checkpoint of ``pymaf train``, the published PyMAF's or SPIN's file, or the name of a shipped model.
            body_dir: folder of SMPL files, for a network trained with ``body=smpl``.
            device: where to run.
            body_name: the body that the caller expects; the checkpoint knows its own.

        Raises:
            InputError: the checkpoint is unreadable, of another program or body, or its body's files are missing.
        """
        checkpoint = read_checkpoint(path)
        checkpoint.check_body_name(body_name)
        network, body = network_from_checkpoint(checkpoint, body_dir)
        try:
            calibration = read_calibration(checkpoint.path)
        except InputError as error:  # predicting needs none
            log.warning("no confidence: %s", error)
            calibration = None
        return cls(network, body, checkpoint.record["image_size"], device, calibration=calibration)

    @torch.inference_mode()
    def predict(
        self,
        image: ImageArray | str | Path,
        boxes: Sequence[Box] | None = None,
        focal_length: float | None = None,
        *,
        confidence: bool = False,
    ) -> list[PersonPrediction]:
        """Return one prediction per box.

        Args:
            image: (H, W, 3) uint8 RGB, or the file of a photo.
            boxes: one per person; None for one person who fills the picture.
            focal_length: of the photograph in px; by default its diagonal, about 55 degrees across (CLIFF's guess).
            confidence: also say how far to trust each joint, which costs a second look, at the flipped crop.

        Raises:
            InputError: the file is no image, or confidence is asked of a network that has no calibration.
        """
        if not isinstance(image, np.ndarray):
            image = read_image(image)
        boxes = [Box.whole_image(image)] if boxes is None else list(boxes)
        if not boxes:
            return []
        focal = default_focal_length(image) if focal_length is None else focal_length
        affines = [crop_affine(box.center, box.size, self.image_size) for box in boxes]
        crops = np.stack([warp_crop(image, affine, self.image_size) for affine in affines])
        iterations = self.regress(crops)
        people = [
            self._decode(tuple(state[i : i + 1] for state in iterations), box, affines[i], crops[i], image, focal)
            for i, box in enumerate(boxes)
        ]
        if not confidence:
            return people
        chance, error = self.judge(crops, iterations)
        return [replace(person, confidence=chance[i], expected_error_mm=error[i]) for i, person in enumerate(people)]

    @torch.inference_mode()
    def regress(self, crops: ImageArray) -> tuple[BodyState, ...]:
        """Return body[0..T] of (N, S, S, 3) crops, on the predictor's device; N is 1 or more."""
        batches = []
        for start in range(0, len(crops), self.batch_size):
            # in the layout of the published code: convolutions round differently in another
            batch = torch.from_numpy(crops[start : start + self.batch_size]).permute(0, 3, 1, 2).contiguous()
            batches.append(self.network(normalise(batch.to(self.device))).iterations)
        return tuple(BodyState.cat(parts) for parts in zip(*batches, strict=True))

    @torch.inference_mode()
    def judge(self, crops: ImageArray, iterations: Sequence[BodyState]) -> Confidence:
        """Say how far to trust what :meth:`regress` made of (N, S, S, 3) crops; (N, 49) each.

        Raises:
            InputError: the network has no calibration.
        """
        if self.calibration is None:
            raise InputError("confidence: this model has no calibration; `pymaf checkpoint confidence` makes one")
        return self.calibration(self.disagreement(crops, iterations))

    @torch.inference_mode()
    def disagreement(self, crops: ImageArray, iterations: Sequence[BodyState]) -> npt.NDArray[np.floating]:
        """Return the (N, 49, 4) disagreements, mm, of :func:`pymaf_pl.confidence.disagreement`."""
        flipped = self.regress(np.ascontiguousarray(crops[:, :, ::-1]))
        return disagreement(self._joints(iterations), self._joints(flipped))

    def _joints(self, iterations: Sequence[BodyState]) -> FloatArray:
        last_two = [self.body.joints_49(rotmat_from_6d(s.pose_6d.float()), s.betas) for s in iterations[-2:]]
        return torch.stack(last_two, dim=1).cpu().numpy()

    def _decode(
        self,
        states: tuple[BodyState, ...],
        box: Box,
        affine: npt.NDArray[np.float64],
        crop: ImageArray,
        image: ImageArray,
        focal: float,
    ) -> PersonPrediction:
        state = BodyState.cat(states)
        rotmat = rotmat_from_6d(state.pose_6d.float())
        vertices = self.body(rotmat, state.betas).vertices
        joints = self.body.joints_49(rotmat, state.betas)

        def in_image(points: Tensor) -> FloatArray:
            ndc = project(points, state.weak_cam).cpu().numpy()
            return ndc_to_image_px(ndc, affine, self.image_size).astype(np.float32)

        translation = crop_to_image_translation(
            state.weak_cam,
            state.weak_cam.new_tensor(box.center),
            state.weak_cam.new_tensor(box.size),
            state.weak_cam.new_tensor(image.shape[1::-1]),
            state.weak_cam.new_tensor(focal),
        )
        side, picture = min(round(box.size), PICTURE_SIDE), crop
        if side > self.image_size:
            picture = warp_crop(image, crop_affine(box.center, box.size, side), side)
        return PersonPrediction(
            states=states,
            crop=crop,
            picture=picture,
            pose_rotmat=rotmat.cpu().numpy(),
            betas=state.betas.cpu().numpy(),
            weak_cam=state.weak_cam.cpu().numpy(),
            vertices=vertices.cpu().numpy(),
            joints_49=joints.cpu().numpy(),
            keypoints_2d=in_image(joints),
            vertices_2d=in_image(vertices),
            bbox_center=np.asarray(box.center, np.float32),
            bbox_size=box.size,
            cam_transl=translation.cpu().numpy(),
            focal_length=focal,
            faces=self.faces,
        )
