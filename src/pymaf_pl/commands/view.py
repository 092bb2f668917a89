"""``pymaf view``: step through a prediction or a run, iteration by iteration, in one HTML file."""

import argparse
import webbrowser
from collections.abc import Sequence
from pathlib import Path

from pymaf_pl.errors import InputError

PAGE = "iterations.html"
_EXAMPLES = """examples:
  pymaf view predictions/                           all people of `pymaf predict`: predictions/iterations.html
  pymaf view predictions/photo_0.npz --open         one of them, at once in the browser
  pymaf view runs/demo --people 24                  people it was measured on: best, worst, evenly spread
  pymaf view results/ --photos FOLDER               results that do not hold their pictures

The page needs nothing beside it: it opens from disk, from a mail, on a phone. Keyboard: arrow keys turn the body,
+ and - zoom, 0 resets, space plays; the address says who and when: iterations.html#person=2&iteration=3."""


def main(arguments: Sequence[str]) -> int:
    """Run ``pymaf view``."""
    options = _parser().parse_args(list(arguments))
    given: Path = options.path
    if options.photos is not None and not options.photos.is_dir():
        raise InputError(f"--photos {options.photos}: no such folder")
    if options.out is not None and options.out.is_dir():
        raise InputError(f"--out {options.out}: this is a folder; name a file, such as {options.out / PAGE}")
    if given.is_dir() and (given / "config.yaml").is_file():
        from pymaf_pl.commands.view_run import write_run_page

        out = options.out or given / PAGE
        shown, total = write_run_page(given, out, options.photos, options.people)
    elif given.is_dir() or given.suffix == ".npz":
        from pymaf_pl.commands.view_predictions import write_predictions_page

        out = options.out or (given / PAGE if given.is_dir() else given.with_suffix(".html"))
        shown, total = write_predictions_page(given, out, options.photos, options.people)
    else:
        what = "neither a folder nor an .npz of `pymaf predict`" if given.exists() else "no such file or folder"
        raise InputError(f"{given}: {what}")
    rest = f" of {total}; --people {total} shows all" if shown < total else ""
    print(f"{shown} people{rest}: {out}")
    if options.open:
        webbrowser.open(out.resolve().as_uri())
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="pymaf view",
        description="One HTML page that steps through every iteration: pictures, figures and a 3D mesh.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "path", type=Path, metavar="PATH",
        help="a folder of `pymaf predict`, one .npz of it, or a run folder of `pymaf train` or `pymaf eval`",
    )  # fmt: skip
    parser.add_argument(
        "--out", type=Path, metavar="FILE", help=f"default: {PAGE} in the folder, or NAME.html beside NAME.npz"
    )
    parser.add_argument(
        "--photos", type=Path, metavar="FOLDER", help="where the pictures are, if not where PATH says they are"
    )
    parser.add_argument("--people", type=_count, default=12, metavar="N", help="at most so many (default: 12)")
    parser.add_argument("--open", action="store_true", help="in the browser, too")
    return parser


def _count(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError("at least 1")
    return value
