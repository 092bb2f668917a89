"""``pymaf data``: make synthetic worlds, convert raw data sets, and look into annotation tables."""

import argparse
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from pymaf_pl.commands.data_pack import add_pack
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
# the names of pymaf_pl.data.convert.registry, here so that --help does not import scipy
_CONVERTIBLE = (
    "h36m", "mpi_inf_3dhp", "lsp", "lspet", "mpii", "coco", "3dpw", "3doh50k", "ssp3d", "eft", "spin_fits", "humandata",
    "hmr2", "own", "openpose",
)  # fmt: skip
_WORLDS: tuple[Literal["studio", "wild"], ...] = ("studio", "wild")
_EXAMPLES = """examples:
  pymaf data list
  pymaf data synth --num 5000 --out data/demo
  pymaf data synth --world wild --num 256 --split val --out data/plain --no-occlude --no-blur
  pymaf data convert lspet --root RAW/lspet --out data/tables
  pymaf data convert h36m --root RAW/h36m --out data/tables --split valid --protocol 2
  pymaf data doctor --root RAW
  pymaf data doctor lspet --root RAW
  pymaf data doctor lspet/lspet_1_2400.npz
  pymaf data sheet data/demo/wild_train.npz --out sheet.png
  pymaf data pack data/tables/coco_train.npz --image-root RAW/coco --out data/shards/coco_train
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
    synth.add_argument(
        "--limber", type=float, default=0.0, metavar="SHARE", help="of people bent beyond motion capture; default: 0"
    )
    synth.add_argument(
        "--free-limbs", type=float, default=0.0, metavar="SHARE",
        help="of people whose arms and legs go anywhere they can; default: 0",
    )  # fmt: skip
    synth.add_argument(
        "--silhouettes", action="store_true", help="keep those of train people, too, for augmentation=pasted"
    )
    effects = synth.add_argument_group("effects to switch off")
    for effect in EFFECTS:
        effects.add_argument(f"--no-{effect}", action="store_true")

    sheet = add("sheet", "draw rows of a table with their labelled 2D joints as one picture", _sheet)
    sheet.add_argument("--out", type=Path, required=True, metavar="PNG")
    sheet.add_argument("--rows", type=int, default=24, metavar="N", help="how many, spread over the table; default: 24")
    sheet.add_argument("--columns", type=int, default=8, metavar="N", help="pictures in a line; default: 8")
    sheet.add_argument("--tile", type=int, default=160, metavar="PX", help="side of one picture; default: 160")
    _add_convert(parser)
    doctor = add("doctor", "what is there, what is missing or wrong, and how to mend it", _doctor)
    doctor.add_argument(
        "subject",
        nargs="?",
        metavar="NAME|TABLE.npz",
        help="a data set or a table; default: all data sets under --root",
    )
    doctor.add_argument(
        "--root", type=Path, metavar="DIR", help="folder with a folder for each data set, named as by list"
    )
    doctor.add_argument("--sample", type=int, default=200, metavar="N", help="images to open; default: 200, 0 for all")
    doctor.add_argument(
        "--sheets", type=Path, default=Path("doctor"), metavar="DIR",
        help="folder for one contact sheet per data set; default: doctor",
    )  # fmt: skip
    verify = add("verify", "checksums; every image opens; a synthetic world is what its record says", _verify)
    sheet.add_argument("table", type=Path, metavar="TABLE.npz", help="annotations in SPIN's format")
    verify.add_argument("table", type=Path, metavar="TABLE.npz|SUMS.sha256", help="a table, or a list of checksums")
    pack = add_pack(parser)
    pack.add_argument("table", type=Path, metavar="TABLE.npz", help="annotations in SPIN's format")
    for command in (sheet, doctor, verify, pack):
        command.add_argument(
            "--image-root", type=Path, metavar="DIR", help="folder that imgname is relative to; default: the table's"
        )
    return parser


def _add_convert(parser: VerbParser) -> None:
    command = parser.add("convert", "raw files of a data set to an annotation table", _convert)
    command.add_argument("name", choices=_CONVERTIBLE, metavar="NAME", help=", ".join(_CONVERTIBLE))
    command.add_argument("--root", type=Path, required=True, metavar="RAW", help="folder as unpacked, or the file")
    command.add_argument("--out", type=Path, required=True, metavar="FILE", help="table to write, or a folder for it")
    command.add_argument("--split", metavar="S", help="train, valid, val, test ...; default: the data set's first")
    command.add_argument("--compat", choices=("spin",), help="make the mistakes of SPIN's preprocessing (docs/data.md)")
    command.add_argument("--skip-bad", action="store_true", help="leave out unusable rows instead of refusing the file")
    special = command.add_argument_group("options of single data sets")
    special.add_argument("--protocol", type=int, choices=(1, 2), help="h36m valid: all cameras, or the frontal one")
    special.add_argument(
        "--mosh", type=Path, metavar="DIR", help="h36m: MoSh fits, S1/Directions 1_cam0_aligned.pkl ..."
    )
    special.add_argument("--extract", action="store_true", help="h36m, mpi_inf_3dhp: take frames from the videos")
    special.add_argument("--masks", type=Path, metavar="DIR", help="lsp test: UPi-S1h's masks")
    special.add_argument("--table", type=Path, metavar="TABLE.npz", help="spin_fits: the table that the fits belong to")
    special.add_argument("--boxes", choices=("xywh", "xyxy"), help="humandata: what its four numbers really are")


def _convert(options: argparse.Namespace) -> int:
    from pymaf_pl.commands.data_convert import convert

    return convert(options)


def _list(_options: argparse.Namespace) -> int:
    from rich.console import Console
    from rich.table import Table

    from pymaf_pl.data.catalogue import COUNTS, DATA_SETS

    table = Table(title="data sets", title_justify="left", show_lines=True, show_header=False)
    for name, *texts in _OURS:
        table.add_row(name, "\n".join(f"{word}: {text}" for word, text in zip(_WORDS, texts, strict=True)))
    for one in DATA_SETS:
        tables = [
            f"{stem} ({COUNTS[stem].rows:,} rows in the paper)" if stem in COUNTS else stem for stem in one.tables
        ]
        texts = [one.title, one.role, one.labels, one.licence, one.how, ", ".join(tables) or "none"]
        words = zip(("title", *_WORDS, "tables"), texts, strict=True)
        table.add_row(one.name, "\n".join(f"{word}: {text}" for word, text in words))
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
        settings = replace(
            settings, limber=options.limber, free_limbs=options.free_limbs, silhouettes=options.silhouettes
        )
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
    if options.sample < 0:
        raise InputError("--sample is a number of images, 0 for all")
    subject = options.subject
    if subject is not None and (subject.endswith(".npz") or Path(subject).is_file()):
        from pymaf_pl.commands.data_doctor import examine

        if options.root is not None:
            raise InputError("--root is for data sets; a table's images are relative to --image-root")
        options.table = Path(subject)
        return examine(options.table, _root(options), options.sample)
    from pymaf_pl.commands.data_tree import examine_tree

    if options.root is None:
        raise InputError("which table or data set? pymaf data doctor TABLE.npz, or --root FOLDER for data sets")
    if options.image_root is not None:
        raise InputError("--image-root is for a table; the images of data sets are under --root")
    return examine_tree(options.root, subject, options.sample, options.sheets)


def _verify(options: argparse.Namespace) -> int:
    from pymaf_pl.commands.data_verify import verify, verify_sums

    if options.table.suffix == ".sha256":
        return verify_sums(options.table)
    return verify(options.table, _root(options))


def _root(options: argparse.Namespace) -> Path:
    root: Path = options.image_root or options.table.parent
    if not root.is_dir():
        raise InputError(f"{root}: no such folder; --image-root is the folder that the table's imgname is relative to")
    return root


_WORDS = ("role", "labels", "licence", "get it")
_OURS = (
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
        "any SPIN table",
        "an .npz made for SPIN, PyMAF or PARE; those of 4D-Humans and mmhuman3d are converted",
        "whatever it holds: pymaf data doctor TABLE.npz",
        "that of its data set",
        "pymaf_pl.data.sources.SpinTable in conf/data",
    ),
)
