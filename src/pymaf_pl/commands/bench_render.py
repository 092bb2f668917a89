"""Images per second of the renderer: what training renders, and what people look at."""

import argparse
from typing import Any

import torch
from torch import Tensor

from pymaf_pl.body import load_body
from pymaf_pl.commands.bench_timing import Work, median, print_table, time_interleaved
from pymaf_pl.commands.bench_train import made_up_batch
from pymaf_pl.geometry.camera import project
from pymaf_pl.geometry.rotation import rotmat_from_axis_angle
from pymaf_pl.render import face_incidence, ndc_to_screen, render_iuv, render_picture_fast, studio_light

TARGET_PX, PICTURE_PX = 56, 256
_PICTURES_PER_CALL = 8  # more outgrow a CPU's caches


def bench_render(options: argparse.Namespace) -> dict[str, Any]:
    """Time both kinds of picture in turn, print a table, return the numbers."""
    device, count = options.device, options.batch
    body = load_body().to(device)
    labels = made_up_batch(body, count, 32)
    with torch.inference_mode():
        vertices = body(rotmat_from_axis_angle(labels["pose"]), labels["betas"]).vertices
        ndc = project(vertices, torch.tensor([0.9, 0.0, 0.2], device=device).expand(count, 3))
        points = torch.cat([ndc, vertices[..., 2:]], dim=-1)
        part = torch.from_numpy(body.surface.part).long().to(device)
        uv = torch.from_numpy(body.surface.uv).to(device)
        small, large = (ndc_to_screen(points, size, size) for size in (TARGET_PX, PICTURE_PX))
        incidence = face_incidence(body.faces, body.num_vertices)
        grey = torch.full((body.num_vertices, 3), 0.7, device=device)

        def picture(screen: Tensor, camera: Tensor) -> None:
            light = studio_light(len(screen), device)
            render_picture_fast(
                screen, camera, body.faces, grey, light, PICTURE_PX, PICTURE_PX, cull=True, incidence=incidence
            )

        def pictures() -> None:
            for screen, camera in zip(large.split(_PICTURES_PER_CALL), vertices.split(_PICTURES_PER_CALL), strict=True):
                picture(screen, camera)

        work: dict[str, Work] = {
            f"IUV targets, {TARGET_PX} px, batch {count}": lambda: render_iuv(small, body.faces, part, uv, TARGET_PX),
            f"shaded pictures, {PICTURE_PX} px, batch {min(count, _PICTURES_PER_CALL)}": pictures,
        }
        seconds = time_interleaved(work, options.repeats, device, "rendering")
    rates = {name: count / median(values) for name, values in seconds.items()}
    rows = [(name, f"{rate:.0f}", f"{1e3 / rate:.2f}") for name, rate in rates.items()]
    print_table("renderer, the open body (13,776 faces)", ("", "images/s", "ms/image"), rows)
    return {name: {"images_per_second": rate} for name, rate in rates.items()}
