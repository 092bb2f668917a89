"""Photos and frames per second of prediction, and the share of each step."""

import argparse
import tempfile
from fractions import Fraction
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from pymaf_pl.body import load_body
from pymaf_pl.commands.bench_timing import Work, median, print_table, time_interleaved
from pymaf_pl.commands.predict_files import draw_people, save_npz, save_obj
from pymaf_pl.data.images import ImageArray, read_image, warp_crop, write_png
from pymaf_pl.detection import HogDetector
from pymaf_pl.footage.drawing import draw_bodies
from pymaf_pl.footage.following import Body
from pymaf_pl.geometry.crop import crop_affine
from pymaf_pl.geometry.rotation import rotmat_from_6d
from pymaf_pl.inference import Box, Predictor, default_focal_length
from pymaf_pl.motion import Estimate, PersonSmoother, Smoothing, write_mesh_glb
from pymaf_pl.render import overlay_meshes
from pymaf_pl.render.side import side_view
from pymaf_pl.video import Frame, Timing, VideoFile, write_segment

_RATE = 25


def bench_predict(options: argparse.Namespace) -> dict[str, Any]:
    """Time every step in turn on a picture that is drawn for it, print two tables, return the numbers."""
    predictor = Predictor.from_checkpoint(options.checkpoint, None, options.device)
    image, boxes = _picture(options.width, options.people)
    with tempfile.TemporaryDirectory() as folder:
        photo = _photo_steps(predictor, image, boxes, Path(folder))
        seconds = time_interleaved(photo, options.repeats, options.device, "photos")
        times = {name: median(values) for name, values in seconds.items()}
        photos = _table(f"one photo, {image.shape[1]} x {image.shape[0]} px, {len(boxes)} people", times, "photos")
        frames = _video_steps(predictor, image, boxes, options.batch, Path(folder))
        seconds = time_interleaved(frames, options.repeats, options.device, "frames")
        times = {name: median(values) / options.batch for name, values in seconds.items()}
        film = _table(f"one frame of a video of that size, {options.batch} frames together", times, "frames")
    return {"photos": photos, "frames": film}


def _photo_steps(predictor: Predictor, image: ImageArray, boxes: list[Box], folder: Path) -> dict[str, Work]:
    detector, faces = HogDetector(), predictor.body.faces.cpu().numpy()
    path = folder / "photo.jpg"
    cv2.imwrite(str(path), image[..., ::-1])
    people = predictor.predict(image, boxes)
    crops = np.stack([person.crop for person in people])
    iterations = predictor.regress(crops)

    def write() -> None:
        for number, person in enumerate(people):
            save_npz(folder / f"{number}.npz", person, faces)
            save_obj(folder / f"{number}.obj", person.vertices[-1], faces)
            write_mesh_glb(folder / f"{number}.glb", person.vertices[-1], faces)
        write_png(folder / "photo.png", image)

    def draw() -> None:
        draw_people(image, people, faces)
        side_view([person.vertices[-1] + person.cam_transl[-1] for person in people], faces)

    return {
        "decode": lambda: read_image(path),
        "detect (hog)": lambda: detector([image]),
        "crop, network, meshes": lambda: predictor.predict(image, boxes),
        "confidence": lambda: predictor.disagreement(crops, iterations),
        "draw": draw,
        "write": write,
    }


def _video_steps(
    predictor: Predictor, image: ImageArray, boxes: list[Box], batch: int, folder: Path
) -> dict[str, Work]:
    timing = Timing(Fraction(_RATE), Fraction(1, 12800))
    images = [np.roll(image, 2 * i, axis=1) for i in range(batch)]
    frames = [Frame(i, 512 * i, picture) for i, picture in enumerate(images)]
    path = folder / "film.mp4"
    write_segment(path, frames, timing)
    detector, focal = HogDetector(), default_focal_length(image)
    crops = np.stack([person.crop for person in predictor.predict(image, boxes)] * batch)
    last = predictor.regress(crops)[-1]
    rotmat, betas = rotmat_from_6d(last.pose_6d.float()).cpu().numpy(), last.betas.cpu().numpy()
    places = [person.cam_transl[-1] for person in predictor.predict(image, boxes)]
    estimates = [
        Estimate(rotmat[i], betas[i].astype(np.float64), places[i % len(boxes)].astype(np.float64))
        for i in range(len(crops))
    ]
    bodies = [[Body(k, estimates[i * len(boxes) + k]) for k in range(len(boxes))] for i in range(batch)]

    def look() -> None:
        size = predictor.image_size
        affines = [crop_affine(box.center, box.size, size) for box in boxes]
        predictor.regress(np.stack([warp_crop(picture, affine, size) for picture in images for affine in affines]))

    def smooth() -> None:
        people = [PersonSmoother(Smoothing()) for _ in boxes]
        for i, here in enumerate(bodies):
            for person, body in zip(people, here, strict=True):
                person(body.estimate, i / _RATE)

    return {
        "decode": lambda: list(VideoFile(path).frames()),
        "detect (hog)": lambda: detector(images),
        "crop, network": look,
        "smooth": smooth,
        "draw": lambda: draw_bodies(images, bodies, predictor.body, focal),
        "encode": lambda: write_segment(path, frames, timing),
    }


def _table(title: str, times: dict[str, float], what: str) -> dict[str, Any]:
    total = sum(times.values())
    rows = [(name, f"{1e3 * taken:.1f}", f"{100 * taken / total:.0f} %") for name, taken in times.items()]
    rows.append(("all", f"{1e3 * total:.1f}", "100 %"))
    print_table(f"{title}: {1 / total:.2f} {what}/s", ("", "ms", "share"), tuple(rows))
    return {f"{what}_per_second": 1 / total, "seconds": times}


def _picture(width: int, people: int) -> tuple[ImageArray, list[Box]]:
    """Draw people who stand in a row on a grey street; return where they are too."""
    body = load_body()
    height = round(width * 9 / 16)
    picture = np.full((height, width, 3), 190, np.uint8)
    picture[height // 2 :] = 150
    rest = body.arrays.v_template * [1.0, -1.0, -1.0]
    tall = min(0.75 * height, 0.8 * width / people)
    scale = tall / np.ptp(rest[:, 1])
    screens, boxes = [], []
    for i in range(people):
        middle = np.array([(i + 0.5) * width / people, 0.9 * height - tall / 2])
        xy = (rest[:, :2] - [0, rest[:, 1].mean()]) * scale
        xy += middle - (xy.min(axis=0) + xy.max(axis=0)) / 2
        screens.append(np.concatenate([xy, rest[:, 2:] + 5], axis=1))
        boxes.append(Box((float(middle[0]), float(middle[1])), 1.1 * tall))
    return overlay_meshes(picture, screens, [rest] * people, body.faces.numpy()), boxes
