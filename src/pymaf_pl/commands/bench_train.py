"""The training step, and what dense supervision adds to it."""

import argparse
from typing import Any

import numpy as np
import torch
from rich.progress import track

from pymaf_pl.body import BodyModel, load_body
from pymaf_pl.body.joints import OPENPOSE_25
from pymaf_pl.body.pose_prior import PosePrior
from pymaf_pl.commands.bench_timing import autocast, median, median_ratio, now, print_table
from pymaf_pl.data.images import normalise
from pymaf_pl.engine.optim import adam
from pymaf_pl.geometry.camera import project
from pymaf_pl.geometry.rotation import rotmat_from_axis_angle
from pymaf_pl.losses import Camera, DenseLoss, FeedbackLoss, Keypoints2D, Keypoints3D, Pose, Shape
from pymaf_pl.losses.terms import Term
from pymaf_pl.models import pymaf
from pymaf_pl.models.backbone import ResNet
from pymaf_pl.types import Batch

_STAGES = ("forward", "losses", "backward", "Adam")
_RENDERING = "rendering dense targets"


def bench_train(options: argparse.Namespace) -> dict[str, Any]:
    """Time the step with and without dense supervision in turn, print a table, return the numbers."""
    device = options.device
    body = load_body().to(device)
    batch = made_up_batch(body, options.batch, options.size)
    steps = {"with": _Step(body, True, batch, options), "without": _Step(body, False, batch, options)}
    seconds: dict[str, dict[str, list[float]]] = {name: {} for name in steps}
    for round_ in track(range(-2, options.repeats), description="training steps", transient=True):
        for name, step in steps.items():
            for stage, value in step.run().items():
                if round_ >= 0:
                    seconds[name].setdefault(stage, []).append(value)
    # the stages leave out nothing but a few lines of Python
    totals = {
        name: [sum(values) for values in zip(*(s[k] for k in _STAGES), strict=True)] for name, s in seconds.items()
    }
    rendering = seconds["with"][_RENDERING]

    def ms(values: list[float]) -> float:
        return 1e3 * median(values) / int(options.batch)

    rows = [(stage, *(f"{ms(seconds[name][stage]):.1f}" for name in steps)) for stage in _STAGES]
    rows.insert(2, (f"  of which {_RENDERING}", f"{ms(rendering):.1f}", ""))
    rows.append(("step", *(f"{ms(totals[name]):.1f}" for name in steps)))
    title = f"ms per sample, PyMAF with ResNet-{options.backbone}, {options.size} px, batch {options.batch}"
    print_table(f"{title}, {options.precision}", ("", "dense supervision", "without"), rows)
    added = median_ratio(totals["with"], totals["without"]) - 1
    share = median_ratio(rendering, totals["with"])
    print(f"dense supervision adds {added:.1%} to a step (15 % in the paper, on a GPU)")
    print(f"rendering its targets is {share:.1%} of the step")
    stages = {name: {stage: ms(values) for stage, values in s.items()} for name, s in seconds.items()}
    return {
        "ms_per_sample": {name: ms(values) for name, values in totals.items()},
        "stages_ms_per_sample": stages,
        "dense_adds": added,
        "rendering_share": share,
    }


def made_up_batch(body: BodyModel, count: int, size: int) -> Batch:
    """Return a batch of noise pictures with labels of plausible people, all labels present."""
    rng = np.random.default_rng(0)
    device = body.faces.device
    pose = torch.from_numpy(PosePrior().sample(count, rng)).float()
    pose[:, 0] = torch.tensor([np.pi, 0.0, 0.0])  # upright in the camera's y-down frame
    pose = pose.to(device)
    betas = torch.from_numpy(rng.normal(size=(count, 10)) * 0.7).float().to(device)
    camera = torch.tensor([0.9, 0.0, 0.2], device=device).expand(count, 3)
    with torch.no_grad():
        joints = body.joints_49(rotmat_from_axis_angle(pose), betas)
    sure = torch.ones(count, 49, 1, device=device)
    yes = torch.ones(count, dtype=torch.bool, device=device)
    return {
        "image": torch.randint(0, 256, (count, 3, size, size), dtype=torch.uint8, device=device),
        "pose": pose,
        "betas": betas,
        "keypoints_2d": torch.cat([project(joints, camera), sure], dim=2),
        "keypoints_3d": torch.cat([joints, sure], dim=2)[:, len(OPENPOSE_25) :],
        "has_pose": yes,
        "has_betas": yes,
        "has_keypoints_3d": yes,
        "crop_affine": torch.zeros(count, 2, 3, device=device),
        "index": torch.arange(count, device=device),
    }


class _Step:
    """A network with its losses and optimiser, and one step of it, stage by stage."""

    def __init__(self, body: BodyModel, dense: bool, batch: Batch, options: argparse.Namespace) -> None:
        self.device, self.precision, self.batch = options.device, options.precision, batch
        self.layout = torch.channels_last if options.channels_last else torch.contiguous_format
        network = pymaf(ResNet(options.backbone), body, dense_head=dense)
        self.network = network.to(self.device).to(memory_format=self.layout).train()
        terms: dict[str, Term] = {
            "keypoints_2d": Keypoints2D(),
            "keypoints_3d": Keypoints3D(),
            "pose": Pose(),
            "shape": Shape(),
            "camera": Camera(),
        }
        self.losses = FeedbackLoss(body, terms, DenseLoss(body) if dense else None).to(self.device)
        self.optimizer = adam(self.network)
        self.rendering = 0.0
        if self.losses.dense is not None:
            targets = self.losses.dense.targets
            targets.register_forward_pre_hook(lambda *_: self._start_rendering())
            targets.register_forward_hook(lambda *_: self._stop_rendering())

    def run(self) -> dict[str, float]:
        """Take a step; seconds by stage."""
        marks = [now(self.device)]
        with autocast(self.device, self.precision):
            images = normalise(self.batch["image"]).contiguous(memory_format=self.layout)
            output = self.network(images)
        marks.append(now(self.device))
        total, _ = self.losses(output, self.batch)
        marks.append(now(self.device))
        self.optimizer.zero_grad()
        total.backward()
        marks.append(now(self.device))
        self.optimizer.step()
        marks.append(now(self.device))
        stages = {name: after - before for name, before, after in zip(_STAGES, marks[:-1], marks[1:], strict=True)}
        return stages | {_RENDERING: self.rendering}

    def _start_rendering(self) -> None:
        self.rendering = -now(self.device)

    def _stop_rendering(self) -> None:
        self.rendering += now(self.device)
