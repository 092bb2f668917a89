"""Samples per second of each family of figures, and the memory of a measurement of 3DPW's size."""

import argparse
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import torch
from rich.progress import track

from pymaf_pl.body import BodyModel, load_body
from pymaf_pl.commands.bench_timing import Work, median, print_table, time_interleaved
from pymaf_pl.commands.bench_train import made_up_batch
from pymaf_pl.errors import InputError
from pymaf_pl.geometry.crop import crop_affine
from pymaf_pl.geometry.rotation import rotmat_from_axis_angle, rotmat_to_6d
from pymaf_pl.metrics import functional
from pymaf_pl.metrics.coco import CocoKeypoints
from pymaf_pl.metrics.masks import Silhouettes
from pymaf_pl.metrics.measuring import Protocol
from pymaf_pl.metrics.per_person import Measured, PerPerson
from pymaf_pl.metrics.protocols import FullBody
from pymaf_pl.types import Batch, BodyState

CROP, NUM_ROWS = 224, 4  # body[0..3]


def families() -> dict[str, Protocol]:
    """Return a protocol for each family of figures that needs no library of its own."""
    return {
        "joints: MPJPE, PA-MPJPE, PCK, AUC": FullBody("joints", ("mpjpe", "pa_mpjpe", "pck_3d", "auc_3d")),
        "surface: PVE": FullBody("surface", ("pve",)),
        "surface: PVE after Procrustes": FullBody("aligned", ("pa_pve",)),
        "rotations and 2D keypoints": FullBody("pose", ("rotation_deg", "pck_2d")),
        "shape: PVE-T-SC": FullBody("shape", ("pve_t_sc",)),
        "silhouettes: drawn, mIOU": Silhouettes("silhouettes", ("miou",)),
        "silhouettes and parts: drawn, F1": Silhouettes("parts", ("fb_f1", "parts_f1"), ("miou",)),
    }


@dataclass
class _Table:
    """Made-up people for protocols that look at more than a batch."""

    path: Path
    imgname: npt.NDArray[np.str_]
    part: npt.NDArray[np.float32]
    maskname: npt.NDArray[np.str_]
    partname: npt.NDArray[np.str_]
    gender: npt.NDArray[np.str_]
    body_model: str = "open"

    def __len__(self) -> int:
        return len(self.imgname)


def bench_eval(options: argparse.Namespace) -> dict[str, Any]:
    """Time every family in turn, follow the memory, print both, return the numbers."""
    device, count = options.device, options.batch
    body = load_body().to(device)
    batch = made_up_batch(body, count, CROP)
    batch["crop_affine"] = torch.from_numpy(
        np.repeat(crop_affine((options.picture / 2,) * 2, options.picture, CROP)[None], count, 0)
    ).float().to(device)  # fmt: skip
    state = BodyState(
        rotmat_to_6d(rotmat_from_axis_angle(batch["pose"])),
        batch["betas"] + 0.5,
        torch.tensor([[0.9, 0.02, 0.2]], device=device).expand(count, 3),
    )
    with _made_up_table(batch, options.picture) as table, torch.inference_mode():
        rates = _rates(body, batch, state, table, options)
    memory = follow_memory(options.people, device)
    rows = [(name, f"{rate:.0f}", f"{1e3 / rate:.2f}") for name, rate in rates.items()]
    title = (
        f"one estimate a sample, batch {count}, pictures of {options.picture} px; labels decoded, masks read included"
    )
    print_table(title, ("", "samples/s", "ms/sample"), rows)
    print(
        f"{options.people:,} simulated samples, {NUM_ROWS} estimates each: state {memory['state_mb']:.1f} MB from the "
        f"first to the last; the process grew by {memory['grown_mb']:.1f} MB after the first tenth"
    )
    return {"samples_per_second": rates, "memory": memory}


def _rates(
    body: BodyModel, batch: Batch, state: BodyState, table: _Table, options: argparse.Namespace
) -> dict[str, float]:
    timed, coco = families(), CocoKeypoints()
    try:
        coco.attach(table, table.path.parent, body)
        timed["COCO keypoints: projection, OKS"] = coco
    except InputError as error:
        print(f"COCO keypoints are left out: {error}")

    def once(protocol: Protocol) -> dict[str, torch.Tensor]:
        return protocol.evaluate(body, state, protocol.prepare(body, batch))

    work: dict[str, Work] = {}
    for name, protocol in timed.items():
        protocol.attach(table, table.path.parent, body)
        work[name] = partial(once, protocol)
    if coco in timed.values():
        values = once(coco)
        gathered = Measured(
            np.arange(len(table)),
            {"oks": values["oks"].float().cpu().numpy()[None]},
            {"keypoints": values["keypoints"].cpu().numpy()[None]},
        )
        work["COCO keypoints: AP and AR of the set"] = partial(coco.pool, gathered)
    seconds = time_interleaved(work, options.repeats, options.device, "figures")
    return {name: options.batch / median(values) for name, values in seconds.items()}


@contextmanager
def _made_up_table(batch: Batch, side: int) -> Iterator[_Table]:
    """Write elliptic masks and parts of a person's size, and forget them afterwards."""
    count = len(batch["image"])
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        picture = np.zeros((side, side), np.uint8)
        cv2.ellipse(picture, (side // 2, side // 2), (side // 8, side // 3), 0, 0, 360, 6, -1)
        cv2.imwrite(str(folder / "part.png"), picture)
        cv2.imwrite(str(folder / "mask.png"), (picture > 0) * np.uint8(255))
        part = batch["keypoints_2d"][:, 25:].cpu().numpy().copy()
        part[..., :2] = (part[..., :2] + 1) * side / 2
        yield _Table(
            folder / "table.npz", np.array([f"{row}.jpg" for row in range(count)]), part,
            np.full(count, "mask.png"), np.full(count, "part.png"), np.full(count, "n"),
        )  # fmt: skip


def follow_memory(people: int, device: torch.device, batch: int = 64) -> dict[str, float]:
    """Measure as many people as a data set has, on made-up joints and vertices, and watch the process.

    Returns:
        ``state_mb`` of the gathered figures, ``grown_mb`` of the process between the first tenth and the end.
    """
    generator = torch.Generator(device=device).manual_seed(0)
    names = ("mpjpe", "pa_mpjpe", "pve")
    metric = PerPerson(people, NUM_ROWS, names).to(device)
    state, early = metric.num_bytes, resident_mb()
    starts = range(0, people, batch)
    for number, start in enumerate(track(starts, description="memory", transient=True)):
        row = torch.arange(start, min(start + batch, people), device=device)
        vertices = torch.randn(len(row), 6890, 3, generator=generator, device=device)
        joints = vertices[:, :14]
        rows = [
            {
                "mpjpe": functional.mpjpe(scale * joints, joints),
                "pa_mpjpe": functional.pa_mpjpe(scale * joints, joints),
                "pve": functional.pve(scale * vertices, vertices),
            }
            for scale in (0.5, 0.8, 0.9, 1.0)
        ]
        metric.update(row, rows)
        if number == len(starts) // 10:
            early = resident_mb()
    late = resident_mb()
    if metric.num_bytes != state or len(metric.compute().row) != people:
        raise RuntimeError("the state of the figures grew, or lost people")
    return {"state_mb": state / 1e6, "grown_mb": late - early}


def resident_mb() -> float:
    """Return the memory that the process occupies now; 0 where the system does not tell."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except OSError:
        return 0.0
    return pages * 4096 / 1e6
