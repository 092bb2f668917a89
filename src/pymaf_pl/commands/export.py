"""``pymaf export``: a trained network as one file that runs without this project."""

import argparse
import logging
import warnings
from collections.abc import Sequence
from pathlib import Path

from pymaf_pl.shipped import DEFAULT_MODEL

_EXAMPLES = f"""input: image (B, 3, S, S), float RGB crops with levels 0 to 255, any B; S is the network's own
outputs: pose_rotmat (B, 24, 3, 3), betas (B, 10), weak_cam (B, 3); with --surface points also joints_49 (B, 49, 3) and
points (B, 431, 3); with --surface mesh joints_49 and vertices (B, 6890, 3), metres, camera axes

The file holds the part of the body model that the loop and the outputs need. For a network trained with body=smpl that
is part of SMPL: its licence goes with the file.

examples:
  pymaf export --out small.onnx                                      {DEFAULT_MODEL}, parameters only
  pymaf export --out small.onnx --surface mesh
  pymaf export --checkpoint last.ckpt --out last.pt2 --all-iterations      torch.export instead of ONNX
"""


def main(arguments: Sequence[str]) -> int:
    """Run ``pymaf export``.

    Raises:
        InputError: the checkpoint is unreadable, or a package for ONNX is missing.
    """
    options = _parser().parse_args(list(arguments))
    from rich.console import Console

    from pymaf_pl.errors import InputError
    from pymaf_pl.exporting import PortableNetwork, export_onnx, export_torch
    from pymaf_pl.inference import Predictor

    writers = {".onnx": export_onnx, ".pt2": export_torch}
    out: Path = options.out
    if out.suffix not in writers:
        raise InputError(f"{out}: the file is FILE.onnx for ONNX or FILE.pt2 for torch.export")
    if not out.parent.is_dir():
        raise InputError(f"{out}: there is no folder {out.parent}")
    predictor = Predictor.from_checkpoint(options.checkpoint, options.body_dir)
    model = PortableNetwork(predictor.network, predictor.body, options.surface, options.all_iterations)
    logging.getLogger("onnxscript").setLevel(logging.ERROR)
    with warnings.catch_warnings(), Console().status("exporting: a minute or so"):
        warnings.simplefilter("ignore")
        difference = writers[out.suffix](model, out, predictor.image_size)
    size = out.stat().st_size / 1e6
    print(f"{out}: {size:.1f} MB, images of {predictor.image_size} px, any batch")
    for name, value in difference.per_output.items():
        print(f"  {name:<12} largest difference to the network itself {value:.1e}")
    if predictor.body.name != "open":
        print(f"  holds parts of the '{predictor.body.name}' body model, under its licence")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="pymaf export",
        description="A trained network as one file that runs without this project: ONNX or torch.export.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--checkpoint", default=DEFAULT_MODEL, help=f"of `pymaf train`, or a shipped model (default: {DEFAULT_MODEL})"
    )
    parser.add_argument("--out", required=True, type=Path, help="FILE.onnx, or FILE.pt2 for torch.export")
    parser.add_argument(
        "--surface",
        choices=("none", "points", "mesh"),
        default="none",
        help="what to decode besides the parameters: nothing, 431 points of the surface, or all of it (default: none)",
    )
    parser.add_argument("--all-iterations", action="store_true", help="body[0..T] instead of body[T] alone")
    parser.add_argument("--body-dir", help="folder of SMPL files, for a checkpoint trained with body=smpl")
    return parser
