"""A trained network as one file that runs without this project: ONNX, or torch.export.

Shapes:  B people, S side of the crop, V vertices, K iterations (one, or T + 1).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from pymaf_pl.atomic import replacing
from pymaf_pl.body import BodyModel
from pymaf_pl.data.images import normalise
from pymaf_pl.errors import InputError
from pymaf_pl.geometry.rotation import rotmat_from_6d
from pymaf_pl.models import FeedbackNetwork
from pymaf_pl.types import BodyState

Surface = Literal["none", "points", "mesh"]
Runner = Callable[[Tensor], list[npt.NDArray[np.float32]]]

INPUT = "image"
PARAMETERS = ("pose_rotmat", "betas", "weak_cam")


class PortableNetwork(nn.Module):
    """From an image to plain tensors: what is written into the file.

    Args:
        network: trained.
        body: that it was trained on.
        surface: ``none`` for parameters only, ``points`` for the joints and the mesh points that the loop reads at,
            ``mesh`` for the joints and the full surface.
        all_iterations: keep body[0..T], in a second dimension, instead of body[T] alone.
    """

    def __init__(
        self, network: FeedbackNetwork, body: BodyModel, surface: Surface = "none", all_iterations: bool = False
    ) -> None:
        super().__init__()
        self.network, self.surface, self.all_iterations = network, surface, all_iterations
        self.body = body if surface != "none" else None
        self.mesh_points = body.points(body.mesh_points) if surface == "points" else None
        self.eval()

    @property
    def outputs(self) -> tuple[str, ...]:
        """Names of what :meth:`forward` returns."""
        decoded = {"none": (), "points": ("joints_49", "points"), "mesh": ("joints_49", "vertices")}
        return (*PARAMETERS, *decoded[self.surface])

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        """Decode (B, 3, S, S) float RGB crops with levels 0 to 255.

        Returns:
            pose_rotmat (B, 24, 3, 3), betas (B, 10), weak_cam (B, 3), and joints_49 (B, 49, 3) with points
            (B, 431, 3) or vertices (B, V, 3), metres, camera axes; with all iterations (B, T + 1, ...) each.
        """
        iterations = self.network(normalise(image)).iterations
        chosen = iterations if self.all_iterations else iterations[-1:]
        state = BodyState.cat(chosen)
        rotmat = rotmat_from_6d(state.pose_6d.float())
        values = [rotmat, state.betas.float(), state.weak_cam.float()]
        if self.body is not None:
            values.append(self.body.joints_49(rotmat, state.betas))
            skin = self.mesh_points or self.body.full
            values.append(skin(rotmat, state.betas).points)
        if not self.all_iterations:
            return tuple(values)
        return tuple(value.unflatten(0, (len(chosen), -1)).transpose(0, 1) for value in values)


@dataclass(frozen=True)
class Difference:
    """The largest difference to the network itself, per output, over batches of one and three."""

    per_output: Mapping[str, float]

    @property
    def largest(self) -> float:
        """Over all outputs."""
        return max(self.per_output.values())


def export_onnx(model: PortableNetwork, path: Path, image_size: int) -> Difference:
    """Write an ONNX file of any batch size and run it once with onnxruntime.

    Raises:
        InputError: the packages of the extra ``export`` are not installed.
    """
    try:
        import onnxruntime
        import onnxscript  # noqa: F401  # what torch exports with
    except ImportError as error:
        raise InputError(f"export to ONNX needs {error.name}; install it with pip install 'pymaf_pl[export]'") from None
    program = torch.onnx.export(
        model,
        (_example(2, image_size),),
        dynamo=True,
        input_names=[INPUT],
        output_names=list(model.outputs),
        dynamic_shapes={INPUT: {0: torch.export.Dim("batch")}},
        external_data=False,
        verbose=False,
    )
    assert program is not None
    with replacing(path) as draft:
        program.save(str(draft), external_data=False)
        session = onnxruntime.InferenceSession(str(draft), providers=["CPUExecutionProvider"])

        def run(image: Tensor) -> list[npt.NDArray[np.float32]]:
            return list(session.run(list(model.outputs), {INPUT: image.numpy()}))

        return _compare(model, run, image_size)


def export_torch(model: PortableNetwork, path: Path, image_size: int) -> Difference:
    """Write a ``torch.export`` program of any batch size and run it once."""
    example = (_example(2, image_size),)
    program = torch.export.export(model, example, dynamic_shapes={INPUT: {0: torch.export.Dim("batch")}})
    with replacing(path) as draft:
        with draft.open("wb") as written:
            torch.export.save(program, written)
        with draft.open("rb") as read:
            loaded = torch.export.load(read).module()

        def run(image: Tensor) -> list[npt.NDArray[np.float32]]:
            return [value.detach().numpy() for value in loaded(image)]

        return _compare(model, run, image_size)


def _example(batch: int, image_size: int) -> Tensor:
    generator = torch.Generator().manual_seed(batch)
    return torch.randint(0, 256, (batch, 3, image_size, image_size), generator=generator).float()


@torch.no_grad()
def _compare(model: PortableNetwork, run: Runner, image_size: int) -> Difference:
    worst = dict.fromkeys(model.outputs, 0.0)
    for batch in (1, 3):
        image = _example(batch, image_size)
        for name, ours, theirs in zip(model.outputs, model(image), run(image), strict=True):
            if ours.shape != theirs.shape:
                raise RuntimeError(f"{name} has the shape {theirs.shape} in the file, {tuple(ours.shape)} here")
            worst[name] = max(worst[name], float(np.abs(ours.numpy() - theirs).max()))
    return Difference(worst)
