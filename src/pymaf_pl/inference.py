"""People in a photograph: boxes in, bodies of every feedback iteration out.

Shapes:  T feedback iterations, V vertices.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from pymaf_pl.body import BodyModel
from pymaf_pl.checkpoints import read_checkpoint
from pymaf_pl.data.images import ImageArray, normalise, warp_crop
from pymaf_pl.geometry.camera import crop_to_image_translation, project
from pymaf_pl.geometry.crop import crop_affine, ndc_to_image_px
from pymaf_pl.geometry.rotation import rotmat_from_6d
from pymaf_pl.models import FeedbackNetwork
from pymaf_pl.rebuilding import network_from_checkpoint
from pymaf_pl.shipped import DEFAULT_MODEL
from pymaf_pl.types import BodyState

FloatArray = npt.NDArray[np.float32]


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


@dataclass(frozen=True)
class PersonPrediction:
    """body[0..T] of one person, decoded.

    Attributes:
        states: body[0..T], each of batch 1.
        crop: (S, S, 3) uint8, what the network saw.
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
    """

    states: tuple[BodyState, ...]
    crop: ImageArray
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


class Predictor:
    """Run a trained network on photographs.

    Args:
        network: trained.
        body: that it was trained on.
        image_size: side of the crops it was trained on.
        device: where to run.
        batch_size: people at a time.
    """

    def __init__(
        self,
        network: FeedbackNetwork,
        body: BodyModel,
        image_size: int,
        device: str | torch.device = "cpu",
        batch_size: int = 32,
    ) -> None:
        self.device = torch.device(device)
        self.network, self.body = network.eval().to(self.device), body.to(self.device)
        self.image_size, self.batch_size = image_size, batch_size

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
        return cls(network, body, checkpoint.record["image_size"], device)

    @torch.inference_mode()
    def predict(
        self, image: ImageArray, boxes: Sequence[Box] | None = None, focal_length: float | None = None
    ) -> list[PersonPrediction]:
        """Return one prediction per box.

        Args:
            image: (H, W, 3) uint8 RGB.
            boxes: one per person; None for one person who fills the picture.
            focal_length: of the photograph in px; by default its diagonal, about 55 degrees across (CLIFF's guess).
        """
        boxes = [Box.whole_image(image)] if boxes is None else list(boxes)
        height, width = image.shape[:2]
        focal = float(np.hypot(height, width)) if focal_length is None else focal_length
        affines = [crop_affine(box.center, box.size, self.image_size) for box in boxes]
        crops = [warp_crop(image, affine, self.image_size) for affine in affines]
        predictions = []
        for start in range(0, len(crops), self.batch_size):
            chunk = np.stack(crops[start : start + self.batch_size])
            # in the layout of the published code: convolutions round differently in another
            batch = torch.from_numpy(chunk).permute(0, 3, 1, 2).contiguous().to(self.device)
            iterations = self.network(normalise(batch)).iterations
            for i in range(len(chunk)):
                states = tuple(state[i : i + 1] for state in iterations)
                k = start + i
                predictions.append(self._decode(states, boxes[k], affines[k], crops[k], (width, height), focal))
        return predictions

    def _decode(
        self,
        states: tuple[BodyState, ...],
        box: Box,
        affine: npt.NDArray[np.float64],
        crop: ImageArray,
        image_size: tuple[int, int],
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
            state.weak_cam.new_tensor(image_size),
            state.weak_cam.new_tensor(focal),
        )
        return PersonPrediction(
            states=states,
            crop=crop,
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
        )
