"""``pymaf data``: make synthetic worlds, and look into annotation tables."""

import argparse
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from pymaf_pl.commands.subcommands import VerbParser
from pymaf_pl.errors import InputError

# switch: (field of WorldOptions, value that turns it off); a table here, so that --help does not import torch
EFFECTS: dict[str, tuple[str, bool | float]] = {
    "clothing": ("clothing", False),
    "patterns": ("patterns", False),
    "thickness": ("thickness", False),
    "varied-light": ("varied_light", False),
    "shadow": ("shadow", False),
    "scenery": ("scenery", False),
    "mirror": ("mirror", False),
    "truncate": ("truncate", 0.0),
    "occlude": ("occlude", 0.0),
    "blur": ("blur", 0.0),
    "noise": ("noise", 0.0),
    "unlabelled": ("unlabelled_share", 0.0),
}
_WORLDS: tuple[Literal["studio", "wild"], ...] = ("studio", "wild")
_EXAMPLES = """examples:
  pymaf data list
  pymaf data synth --num 5000 --out data/demo
  pymaf data synth --world wild --num 256 --split val --out data/plain --no-occlude --no-blur
  pymaf data sheet data/demo/wild_train.npz --out sheet.png
  pymaf data doctor lspet/lspet_1_2400.npz
  pymaf data verify data/demo/wild_train.npz"""


def main(arguments: Sequence[str]) -> int:
    """Run ``pymaf data``."""
    return _parser().run(arguments)


def _parser() -> VerbParser:
    parser = VerbParser("data", "Synthetic worlds, and a look at any annotation table in SPIN's format.", _EXAMPLES)
    add = parser.add
    add("list", "the data sets that the project knows, their role and licence", _list)

    synth = add("synth", "render synthetic people with exact labels; what is there already is kept", _synth)
    synth.add_argument("--world", choices=(*_WORLDS, "both"), default="both", help="default: both")
    synth.add_argument("--num", type=int, required=True, metavar="N", help="people in each world")
    synth.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder, made if need be")
    synth.add_argument("--split", choices=("train", "val", "test"), default="train", help="default: train")
    synth.add_argument("--seed", type=int, default=0, metavar="S", help="default: 0")
    synth.add_argument("--size", type=int, default=144, metavar="PX", help="side of the pictures; default: 144")
    synth.add_argument("--workers", type=int, default=2, metavar="N", help="processes; default: 2")
    synth.add_argument("--backgrounds", type=Path, metavar="DIR", help="photographs to put behind people (wild world)")
    effects = synth.add_argument_group("effects to switch off")
    for effect in EFFECTS:
        effects.add_argument(f"--no-{effect}", action="store_true")

    sheet = add("sheet", "draw rows of a table with their labelled 2D joints as one picture", _sheet)
    sheet.add_argument("--out", type=Path, required=True, metavar="PNG")
    sheet.add_argument("--rows", type=int, default=24, metavar="N", help="how many, spread over the table; default: 24")
    sheet.add_argument("--columns", type=int, default=8, metavar="N", help="pictures in a line; default: 8")
    sheet.add_argument("--tile", type=int, default=160, metavar="PX", help="side of one picture; default: 160")
    doctor = add("doctor", "read a table, check it and its images, and say what it holds and what looks odd", _doctor)
    doctor.add_argument("--sample", type=int, default=200, metavar="N", help="images to open; default: 200, 0 for all")
    verify = add("verify", "checksum of a table, every image opens, a synthetic world is what its record says", _verify)
    for command in (sheet, doctor, verify):
        command.add_argument("table", type=Path, metavar="TABLE.npz", help="annotations in SPIN's format")
        command.add_argument(
            "--image-root", type=Path, metavar="DIR", help="folder that imgname is relative to; default: the table's"
        )
    return parser


def _list(_options: argparse.Namespace) -> int:
    from rich.console import Console
    from rich.table import Table

    table = Table(title="data sets", title_justify="left", show_lines=True)
    for heading in ("data set", "role", "labels", "licence", "how to get it"):
        table.add_column(heading, overflow="fold")
    for row in _KNOWN:
        table.add_row(*row)
    Console().print(table)
    return 0


def _synth(options: argparse.Namespace) -> int:
    from dataclasses import replace

    from pymaf_pl.data.synth import default_options, generate_world

    switched_off = [name for name in EFFECTS if getattr(options, "no_" + name.replace("-", "_"))]
    off: dict[str, Any] = dict(EFFECTS[name] for name in switched_off)
    for world in _WORLDS:
        if options.world not in (world, "both"):
            continue
        settings = replace(default_options(world), **off)
        if options.backgrounds is not None and world == "wild":
            settings = replace(settings, backgrounds=options.backgrounds)
        before = (options.out / f"{world}_{options.split}.npz").exists()
        begin = time.perf_counter()
        table = generate_world(
            world, options.out, options.num, options.split, options.seed,
            size=options.size, workers=options.workers, options=settings,
        )  # fmt: skip
        seconds = time.perf_counter() - begin
        speed = "was there already" if before else f"{options.num / seconds:.1f} images/s"
        print(f"{table}  {options.num} rows, {speed}")
    return 0


def _sheet(options: argparse.Namespace) -> int:
    from pymaf_pl.commands.data_sheet import draw_sheet

    if options.rows < 1 or options.columns < 1 or options.tile < 16:
        raise InputError("a sheet needs --rows and --columns of at least 1 and --tile of at least 16")
    print(draw_sheet(options.table, _root(options), options.out, options.rows, options.columns, options.tile))
    return 0


def _doctor(options: argparse.Namespace) -> int:
    from pymaf_pl.commands.data_doctor import examine

    if options.sample < 0:
        raise InputError("--sample is a number of images, 0 for all")
    return examine(options.table, _root(options), options.sample)


def _verify(options: argparse.Namespace) -> int:
    from pymaf_pl.commands.data_verify import verify

    return verify(options.table, _root(options))


def _root(options: argparse.Namespace) -> Path:
    root: Path = options.image_root or options.table.parent
    if not root.is_dir():
        raise InputError(f"{root}: no such folder; --image-root is the folder that the table's imgname is relative to")
    return root


_KNOWN = (
    (
        "studio",
        "a few people, one room, four cameras: Human3.6M's place in the curriculum",
        "2D, 3D, pose, shape; all rows",
        "none to ask for; ours, on the open body",
        "pymaf data synth --world studio",
    ),
    (
        "wild",
        "somebody new everywhere: the place of LSP, MPII and COCO",
        "2D all rows; 3D, pose, shape half of the training rows",
        "none to ask for; ours, on the open body",
        "pymaf data synth --world wild",
    ),
    (
        "lspet",
        "LSP-Extended, real sports photographs, with recovered poses",
        "2D (14 joints); pose of an SMPL fit for some rows",
        "none stated by its authors: research use, do not redistribute",
        "your own copy: pymaf train experiment=lspet data.root=FOLDER",
    ),
    (
        "any SPIN table",
        "an .npz made for SPIN, PyMAF, PARE or 4D-Humans",
        "whatever it holds: pymaf data doctor TABLE.npz",
        "that of its data set",
        "pymaf_pl.data.sources.SpinTable in conf/data",
    ),
)
