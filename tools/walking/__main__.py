"""python -m walking film OUT.mp4: make it; python -m walking measure OUT.mp4 PREDICTIONS: compare (in tools/)."""

import argparse
from pathlib import Path

from walking.film import make_film
from walking.measuring import measure, print_figures


def main() -> None:
    """Make a film of two walkers, or measure what `pymaf predict` made of it."""
    parser = argparse.ArgumentParser(prog="python -m walking", description=main.__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    film = commands.add_parser("film", help="write FILM.mp4, FILM.truth.npz and FILM.boxes.json")
    film.add_argument("film", type=Path)
    film.add_argument("--frames", type=int, default=300)
    film.add_argument("--width", type=int, default=480)
    film.add_argument("--seed", type=int, default=0)
    compare = commands.add_parser("measure", help="compare predictions with the truth")
    compare.add_argument("film", type=Path)
    compare.add_argument("predictions", type=Path, help="folder that pymaf predict wrote")
    options = parser.parse_args()
    if options.command == "film":
        make_film(options.film, options.frames, options.width, options.seed)
    else:
        print_figures(measure(options.film.with_suffix(".truth.npz"), options.predictions, options.film.stem))


if __name__ == "__main__":
    main()
