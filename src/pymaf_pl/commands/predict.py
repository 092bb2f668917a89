"""``pymaf predict``: photographs and videos to meshes, overlays, motions and a page."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from pymaf_pl.commands.boxes import HELP as BOXES_HELP
from pymaf_pl.commands.predict_inputs import check_options, split_inputs
from pymaf_pl.commands.predict_photos import predict_photos
from pymaf_pl.commands.predict_video import predict_video
from pymaf_pl.detection import DETECTORS
from pymaf_pl.shipped import DEFAULT_MODEL

_EPILOG = f"""{BOXES_HELP}

writes, for the photo NAME and its person P:
  NAME_P.npz   every iteration: pose_rotmat, betas, weak_cam, vertices, joints_49, keypoints_2d (pixels of the photo),
               bbox_center, bbox_size, cam_transl (metres, for focal_length), faces; and, of the last one, confidence
               and expected_error_mm of the 49 joints, if the model has a calibration
  NAME_P.obj   the final mesh, in metres, y up; NAME_P.glb the same, coloured by confidence
  NAME.png     all people drawn over the photo, nearest in front; NAME_confidence.png coloured by confidence
  NAME_side.png  the same people from the side
  index.html   every iteration of everybody, to look at and turn in 3D
A photo that cannot be read is named and left out; the exit code is then 2.

writes, for the video NAME and its person P (needs pip install 'pymaf-pl[video]'):
  NAME.mp4     the video with everybody drawn, its sound and its rate kept
  NAME_P.npz   the motion, in AMASS's layout (poses, trans, betas, gender, mocap_framerate)
  NAME_P.glb   the skinned and animated body, for Blender and 3D viewers
  index.html   everybody's iterations in one of their frames
A video that was interrupted goes on where it was when the same command is given again.

examples:
  pymaf predict photo.jpg                                    by {DEFAULT_MODEL}, into predictions/
  pymaf predict photo.jpg --checkpoint runs/demo/checkpoints/last.ckpt --out out/
  pymaf predict holiday/ "more/*.png" --out out/ --boxes boxes.json
  pymaf predict holiday/ --detector torchvision
  pymaf predict dance.mp4 --out dance/
  pymaf predict webcam:0 --frames 300
  pymaf predict photo.jpg --checkpoint PyMAF_model_checkpoint.pt --body smpl --body-dir ~/smpl
"""


def main(arguments: Sequence[str]) -> int:
    """Run ``pymaf predict``.

    Raises:
        InputError: an input does not exist, a video cannot be decoded, the checkpoint or the boxes are wrong.
    """
    options = _parser().parse_args(arguments)
    check_options(options)
    photos, video = split_inputs(options.input)
    return predict_photos(photos, options) if video is None else predict_video(video, options)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="pymaf predict",
        description="Find the body in photographs and videos.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "input", nargs="+", help="photos, folders or glob patterns; or one video; or webcam:0, until Ctrl-C"
    )
    parser.add_argument(
        "--checkpoint",
        default=DEFAULT_MODEL,
        help=f"of `pymaf train`, of the published PyMAF or SPIN, or a shipped model (default: {DEFAULT_MODEL})",
    )
    parser.add_argument(
        "--out", type=Path, default=Path("predictions"),
        help="folder for the results, made if need be (default: predictions/)",
    )  # fmt: skip
    parser.add_argument("--boxes", help="where the people are: JSON or CSV, see below")
    parser.add_argument(
        "--detector",
        choices=DETECTORS,
        default="hog",
        help="without --boxes: OpenCV's finder of upright people, torchvision's Faster R-CNN (downloads 74 MB once), "
        "or none (default: hog); see below",
    )
    parser.add_argument(
        "--detector-weights",
        type=Path,
        metavar="FILE",
        help="of --detector torchvision, where they cannot be downloaded",
    )
    parser.add_argument("--body", choices=("open", "smpl"), help="the checkpoint knows its own; another is refused")
    parser.add_argument("--body-dir", help="folder of SMPL files, for a checkpoint trained with body=smpl")
    parser.add_argument("--focal-length", type=float, help="of the camera, in px of the photo (default: its diagonal)")
    parser.add_argument(
        "--confidence",
        action=argparse.BooleanOptionalAction,
        help="how far to trust each joint, at the price of a second look (default: for photos, if the model can)",
    )
    parser.add_argument("--no-smoothing", action="store_true", help="of a video: every frame as the network sees it")
    parser.add_argument("--frames", type=_count, metavar="N", help="of a video or camera: stop after N")
    parser.add_argument("--device", default="cpu", help="cpu or cuda (default: cpu)")
    return parser


def _count(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError("at least 1")
    return value
