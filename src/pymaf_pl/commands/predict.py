"""``pymaf predict``: photographs to meshes, overlays and a page."""

import argparse
import glob
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from rich.console import Console
from rich.progress import track

from pymaf_pl.atomic import replacing
from pymaf_pl.commands.boxes import HELP as BOXES_HELP
from pymaf_pl.commands.boxes import read_boxes
from pymaf_pl.data.images import ImageArray, read_image, write_png
from pymaf_pl.detection import find_boxes
from pymaf_pl.errors import InputError
from pymaf_pl.inference import Box, PersonPrediction, Predictor
from pymaf_pl.render import overlay_meshes
from pymaf_pl.report import PersonView, write_page
from pymaf_pl.report.people import person_view
from pymaf_pl.shipped import DEFAULT_MODEL

_SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff")
_EPILOG = f"""{BOXES_HELP}

writes, for the photo NAME and its person P:
  NAME_P.npz   every iteration: pose_rotmat, betas, weak_cam, vertices, joints_49, keypoints_2d (pixels of the photo),
               bbox_center, bbox_size, cam_transl (metres, for focal_length), faces
  NAME_P.obj   the final mesh, in metres, y up
  NAME.png     all people drawn over the photo
  index.html   every iteration of everybody, to look at and turn in 3D

examples:
  pymaf predict photo.jpg                                    by {DEFAULT_MODEL}, into predictions/
  pymaf predict photo.jpg --checkpoint runs/demo/checkpoints/last.ckpt --out out/
  pymaf predict holiday/ "more/*.png" --out out/ --boxes boxes.json
  pymaf predict photo.jpg --checkpoint PyMAF_model_checkpoint.pt --body smpl --body-dir ~/smpl
"""


def main(arguments: Sequence[str]) -> int:
    """Run ``pymaf predict``.

    Raises:
        InputError: an input is no image, a folder has none, the checkpoint or the boxes are wrong.
    """
    options = _parser().parse_args(arguments)
    _check_options(options)
    photos = find_photos(options.input)
    boxes = read_boxes(options.boxes) if options.boxes else None
    if boxes is not None:
        _check_boxes(boxes, photos, options.boxes)
    out = Path(options.out)
    named = list(zip(photos, _unique_names(photos), strict=True))
    _check_targets(out, named)
    for path in photos:  # all of them first, so that a broken one leaves nothing half done
        read_image(path)
    predictor = Predictor.from_checkpoint(options.checkpoint, options.body_dir, options.device, options.body)
    body = predictor.body
    out.mkdir(parents=True, exist_ok=True)

    faces = body.faces.cpu().numpy()
    views: list[PersonView] = []
    for path, name in track(named, "predicting"):
        image = read_image(path)
        if boxes is None:
            here = find_boxes(predictor, image) if options.detector == "hog" else [Box.whole_image(image)]
        else:
            here = boxes.get(path.name, [])
        people = predictor.predict(image, here, options.focal_length)
        write_png(out / f"{name}.png", draw_people(image, people, faces))
        for number, person in enumerate(people):
            save_npz(out / f"{name}_{number}.npz", person, faces)
            save_obj(out / f"{name}_{number}.obj", person.vertices[-1], faces)
            label = name if len(people) == 1 else f"{name}, person {number}"
            views.append(person_view(label, person.crop, person.states, body, caption=str(path)))
    page = write_page(
        out / "index.html",
        title="Predictions",
        facts={
            "Checkpoint": Path(options.checkpoint).name,
            "Photos": str(len(photos)),
            "People": str(len(views)),
            "Body": body.name,
            "Iterations": str(predictor.network.num_iterations),
        },
        iterations=[],
        people=views,
        faces=faces,
    )
    Console().print(f"{len(views)} people in {len(photos)} photos: {page}", soft_wrap=True)
    return 0


def find_photos(inputs: Sequence[str]) -> list[Path]:
    """Return the image files that files, folders and glob patterns stand for.

    Raises:
        InputError: a path that does not exist, or a folder or pattern without images.
    """
    photos: list[Path] = []
    for given in inputs:
        path = Path(given)
        if path.is_dir():
            found = sorted(p for p in path.iterdir() if p.suffix.lower() in _SUFFIXES)
            if not found:
                raise InputError(f"{path}: no image in this folder; looked for {', '.join(_SUFFIXES)}")
        elif path.is_file():
            found = [path]
        else:
            found = sorted(Path(p) for p in glob.glob(given, recursive=True) if Path(p).suffix.lower() in _SUFFIXES)
            if not found:
                raise InputError(f"{given}: no such photo or folder")
        photos += found
    return list(dict.fromkeys(photos))


def draw_people(image: ImageArray, people: Sequence[PersonPrediction], faces: np.ndarray) -> ImageArray:
    """Draw everybody's final mesh over the photo, nearest in front."""
    if not people:
        return image
    depth = [person.vertices[-1, :, 2:] + person.cam_transl[-1, 2] for person in people]
    screen = [np.concatenate([p.vertices_2d[-1], z], axis=1) for p, z in zip(people, depth, strict=True)]
    return overlay_meshes(image, screen, [person.vertices[-1] for person in people], faces)


def save_npz(path: Path, person: PersonPrediction, faces: np.ndarray) -> None:
    """Write one person's arrays of every iteration."""
    with replacing(path) as draft, draft.open("wb") as stream:
        np.savez_compressed(
            stream,
            pose_rotmat=person.pose_rotmat,
            betas=person.betas,
            weak_cam=person.weak_cam,
            vertices=person.vertices,
            joints_49=person.joints_49,
            keypoints_2d=person.keypoints_2d,
            bbox_center=person.bbox_center,
            bbox_size=np.float32(person.bbox_size),
            cam_transl=person.cam_transl,
            focal_length=np.float32(person.focal_length),
            faces=faces.astype(np.int32),
        )


def save_obj(path: Path, vertices: np.ndarray, faces: np.ndarray) -> None:
    """Write a mesh as Wavefront OBJ; camera axes become the y-up frame that 3D programs expect."""
    upright = vertices * [1.0, -1.0, -1.0]
    lines = [f"v {x:.6f} {y:.6f} {z:.6f}" for x, y, z in upright]
    lines += [f"f {a} {b} {c}" for a, b, c in faces + 1]
    with replacing(path) as draft:
        draft.write_text("\n".join(lines) + "\n")


def _check_options(options: argparse.Namespace) -> None:
    if options.focal_length is not None and not 0 < options.focal_length < math.inf:
        raise InputError(f"--focal-length {options.focal_length}: a number of pixels above 0")
    try:
        torch.zeros(1, device=options.device)
    except (RuntimeError, AssertionError):  # AssertionError: torch without CUDA
        raise InputError(f"--device {options.device}: torch finds none here; cpu always works") from None


def _check_targets(out: Path, named: Sequence[tuple[Path, str]]) -> None:
    if out.exists() and not out.is_dir():
        raise InputError(f"{out}: --out is a folder, this is a file")
    for path, name in named:
        overlay = out / f"{name}.png"
        if overlay.exists() and overlay.samefile(path):
            raise InputError(f"{path}: its overlay would overwrite it; choose an --out folder that holds no photo")


def _check_boxes(boxes: dict[str, list[Box]], photos: Sequence[Path], path: str) -> None:
    if not boxes:
        raise InputError(f"{path}: it lists no box")
    unknown = sorted(boxes.keys() - {photo.name for photo in photos})
    if len(unknown) == len(boxes):
        raise InputError(f"{path}: none of its boxes is for a given photo; the first is for '{unknown[0]}'")


def _unique_names(photos: Sequence[Path]) -> list[str]:
    """One output name per photo: the file's stem, with its folder's name where two would be the same."""
    stems = [photo.stem for photo in photos]
    names: list[str] = []
    for photo in photos:
        name = photo.stem if stems.count(photo.stem) == 1 else f"{photo.parent.name}_{photo.name.replace('.', '_')}"
        while name in names:
            name += "_"
        names.append(name)
    return names


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="pymaf predict",
        description="Find the body in photographs.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("input", nargs="+", help="photos, folders or glob patterns")
    parser.add_argument(
        "--checkpoint",
        default=DEFAULT_MODEL,
        help=f"of `pymaf train`, of the published PyMAF or SPIN, or a shipped model (default: {DEFAULT_MODEL})",
    )
    parser.add_argument(
        "--out", default="predictions", help="folder for the results, made if need be (default: predictions/)"
    )
    parser.add_argument("--boxes", help="where the people are: JSON or CSV, see below")
    parser.add_argument(
        "--detector",
        choices=("hog", "none"),
        default="hog",
        help="without --boxes: OpenCV's finder of upright people, or none (default: hog); see below",
    )
    parser.add_argument("--body", choices=("open", "smpl"), help="the checkpoint knows its own; another is refused")
    parser.add_argument("--body-dir", help="folder of SMPL files, for a checkpoint trained with body=smpl")
    parser.add_argument("--focal-length", type=float, help="of the camera, in px of the photo (default: its diagonal)")
    parser.add_argument("--device", default="cpu", help="cpu or cuda (default: cpu)")
    return parser
