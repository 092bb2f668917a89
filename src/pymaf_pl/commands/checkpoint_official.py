"""``pymaf checkpoint import`` and ``export``: weights of the published code, in and out."""

import argparse
from pathlib import Path

import torch

from pymaf_pl.atomic import replacing
from pymaf_pl.body import BodyModel, load_body
from pymaf_pl.checkpoints import Checkpoint, count_parameters, read_checkpoint, write_checkpoint
from pymaf_pl.errors import InputError
from pymaf_pl.models.points import choose_vertices
from pymaf_pl.official import TITLES, OfficialWeightsError, Report, write_official

_OURS = (".ckpt", ".pt")


def import_weights(options: argparse.Namespace) -> int:
    """Write a published checkpoint as one of ours, and say what became of every key.

    Raises:
        InputError: the file is not a published checkpoint or not complete, or the target is wrong.
    """
    if options.out.suffix not in _OURS:
        raise InputError(f"{options.out}: --out ends in {' or '.join(_OURS)}")
    _check_target(options.out, options.force)
    try:
        checkpoint = read_checkpoint(options.path)
    except OfficialWeightsError as error:
        _print_keys(error.report, options.quiet)
        raise
    if checkpoint.report is None:
        known = ", ".join(f"an {title}" for title in TITLES.values())
        raise InputError(f"{checkpoint.path}: is a checkpoint of pymaf_pl already; import takes {known}")
    _print_keys(checkpoint.report, options.quiet)
    try:
        write_checkpoint(checkpoint, options.out)
    except OSError as error:
        raise InputError(f"{options.out}: cannot be written ({error.strerror or error})") from None
    iterations, body = checkpoint.record["network"]["model"]["num_iterations"], checkpoint.record["body"]
    size, parameters = options.out.stat().st_size / 1e6, count_parameters(checkpoint) / 1e6
    print(f"{checkpoint.origin}, {checkpoint.report.summary()}")
    print(
        f"{options.out}  {size:.1f} MB, {parameters:.2f} M parameters, {iterations} iterations, "
        f"body {body['name']} (topology {body['topology'] or 'not told'})"
    )
    return 0


def export_weights(options: argparse.Namespace) -> int:
    """Write a checkpoint of ours as the published code has it.

    Raises:
        InputError: the network is not the published one, the body's files do not fit, or the target is wrong.
    """
    _check_target(options.out, options.force)
    if options.format == "spin" and options.body_dir is not None:
        raise InputError("--body-dir: a SPIN checkpoint holds no body; leave it out")
    checkpoint = read_checkpoint(options.path)
    for key in ("network", "image_size"):
        if key not in checkpoint.record:
            raise InputError(f"{checkpoint.path}: its record has no '{key}'; nobody knows what network it is")
    body = _body(checkpoint, options.body_dir)
    content = write_official(
        checkpoint.state,
        checkpoint.record,
        options.format,
        _vertices(checkpoint, body) if options.format == "pymaf" else None,
        body if options.body_dir is not None else None,
        checkpoint.path,
    )
    try:
        with replacing(options.out) as draft:  # in the format that torch 1.1, which PyMAF was published with, reads
            torch.save(content, draft, _use_new_zipfile_serialization=False)
    except OSError as error:
        raise InputError(f"{options.out}: cannot be written ({error.strerror or error})") from None
    keys = content["model"]
    bodies = sum(".smpl." in key for key in keys)
    print(f"{TITLES[options.format]}, {len(keys)} keys, {bodies} of them of a body model")
    if options.format == "pymaf" and not bodies:
        print("note: the published code adds its own body model if it loads with strict=False; --body-dir includes one")
    if checkpoint.body_name != "smpl":
        print(f"note: trained on the '{checkpoint.body_name}' body; with SMPL in its place the results mean nothing")
    print(f"{options.out}  {options.out.stat().st_size / 1e6:.1f} MB")
    return 0


def _check_target(out: Path, force: bool) -> None:
    if out.is_dir():
        raise InputError(f"{out}: --out is a file, this is a folder")
    if out.exists() and not force:
        raise InputError(f"{out}: is there already; --force overwrites it")


def _print_keys(report: Report, quiet: bool) -> None:
    for key in () if quiet else report:
        print(f"{key.fate:<8} {key.name}{f'  ({key.note})' if key.note else ''}")


def _body(checkpoint: Checkpoint, directory: Path | None) -> BodyModel | None:
    name = checkpoint.body_name
    if name == "smpl" and directory is None:
        return None
    if name != "smpl" and directory is not None:
        raise InputError(f"--body-dir: {checkpoint.path} was trained on the '{name}' body, not on SMPL files")
    body = load_body(name, checkpoint.record["body"]["gender"], directory)
    checkpoint.check_body(body.name, body.topology)
    return body


def _vertices(checkpoint: Checkpoint, body: BodyModel | None) -> list[int]:
    """Return which vertices the network samples: its own list, else those that are chosen on its body."""
    feedback = checkpoint.record["network"]["model"].get("feedback") or {}
    if feedback.get("vertices"):
        return list(feedback["vertices"])
    if body is None:
        raise InputError(f"{checkpoint.path}: its points are spread over the body's surface; give --body-dir FOLDER")
    return choose_vertices(body, **{key: feedback[key] for key in ("num_points", "seed") if key in feedback})
