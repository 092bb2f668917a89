"""``pymaf data pack``: the people of a table as shards for training."""

import argparse
from pathlib import Path

from pymaf_pl.commands.subcommands import VerbParser
from pymaf_pl.errors import InputError


def add_pack(parser: VerbParser) -> argparse.ArgumentParser:
    """Add the command, but for the table and its image root."""
    pack = parser.add(
        "pack", "cut out a table's people, with room for augmentation, into shards that train faster", _run
    )
    pack.add_argument("--out", type=Path, required=True, metavar="FOLDER", help="of the shards; what is there is kept")
    pack.add_argument("--size", type=int, default=224, metavar="PX", help="largest image_size; default: 224")
    pack.add_argument(
        "--scale", type=float, default=0.25, metavar="S", help="largest augmentation.scale; default: 0.25"
    )
    pack.add_argument(
        "--shift", type=float, default=0.05, metavar="S", help="largest augmentation.shift; default: 0.05"
    )
    pack.add_argument(
        "--rotation-deg", type=float, default=30, metavar="R", help="largest augmentation.rotation_deg; default: 30"
    )
    pack.add_argument("--quality", type=int, default=90, metavar="Q", help="of the JPEGs, 1 to 100; default: 90")
    pack.add_argument("--shard-rows", type=int, default=512, metavar="N", help="people in a shard; default: 512")
    pack.add_argument("--workers", type=int, default=2, metavar="N", help="processes; default: 2")
    return pack


def _run(options: argparse.Namespace) -> int:
    from pymaf_pl.data.annotations import load_annotations
    from pymaf_pl.data.levels import Margins
    from pymaf_pl.data.packing import pack_table

    if min(options.shard_rows, options.workers) < 1:
        raise InputError("data pack needs --shard-rows and --workers of at least 1")
    # augmentation clips its angles at twice their deviation
    margins = Margins(options.size, options.scale, options.shift, 2 * options.rotation_deg, options.quality)
    table = load_annotations(options.table)
    root: Path = options.image_root or options.table.parent
    pack_table(table, root, options.out, margins, options.shard_rows, options.workers)
    size = sum(path.stat().st_size for path in options.out.glob("rows-*.bin"))
    print(f"{options.out}  {len(table)} people, {size / 1e6:.1f} MB, {size / len(table) / 1e3:.1f} kB each")
    return 0
