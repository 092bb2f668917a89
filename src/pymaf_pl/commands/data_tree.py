"""Every data set under one folder: what is there, what is missing or misnamed, and what is wrong inside."""

import difflib
import fnmatch
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from rich.progress import track

from pymaf_pl.commands.data_doctor import MOST_NAMED, Report, look_at_rows, spread_over, summarise
from pymaf_pl.commands.data_sheet import draw_rows
from pymaf_pl.data.annotations import Annotations, load_annotations
from pymaf_pl.data.catalogue import BY_NAME, DATA_SETS, DataSet, Needed, explain_count
from pymaf_pl.data.image_files import open_image
from pymaf_pl.errors import InputError

_PICTURES = (".jpg", ".jpeg", ".png")
_LOOKS_LIKE = 0.75  # of difflib's 1.0
_REGRESSORS = {"J_regressor_extra.npy": 9, "J_regressor_h36m.npy": 17}  # SPIN's data.tar.gz
_VERTICES = 6890
_DRAWN = 24  # people on a contact sheet


def examine_tree(root: Path, name: str | None, sample: int, sheets: Path) -> int:
    """Examine one data set, or all that have a folder under ``root``; print what was found; return the exit code.

    Raises:
        InputError: there is no such data set, or nothing to look at.
    """
    if not root.is_dir():
        raise InputError(f"{root}: no such folder; --root holds a folder for each data set")
    if name is not None and name not in BY_NAME:
        near = difflib.get_close_matches(name, BY_NAME, 1)
        raise InputError(
            f"no data set is called {name!r}" + (f"; is it {near[0]}?" if near else f"; there are {', '.join(BY_NAME)}")
        )
    chosen = [BY_NAME[name]] if name else list(DATA_SETS)
    wrong = odd = present = 0
    for one in chosen:
        folder = root / one.name
        if not folder.is_dir() and name is not None:
            folder = root
        if not folder.is_dir():
            print(f"{one.name}: not here ({folder}); {one.how}")
            continue
        present += 1
        report = _examine(one, folder, root, sample, sheets)
        print(f"{one.name}: {folder}")
        for fact, value in report.facts.items():
            print(f"  {fact}: {value}")
        for finding in report.wrong:
            print(f"  wrong: {finding}")
        for finding in report.odd:
            print(f"  odd: {finding}")
        wrong, odd = wrong + len(report.wrong), odd + len(report.odd)
    if not present:
        raise InputError(f"{root}: no data set here; expected folders such as {', '.join(list(BY_NAME)[:4])}")
    print(f"{present} data set{'s' * (present > 1)} looked at, {wrong} wrong, {odd} odd")
    return 2 if wrong else 0


def _examine(one: DataSet, folder: Path, root: Path, sample: int, sheets: Path) -> Report:
    report = Report()
    for needed in one.needed:
        _look_for(needed, one, folder, report)
    for file, rows in _REGRESSORS.items():
        for path in sorted(folder.glob(f"**/{file}")):
            _check_regressor(path, rows, report)
    tables = list(_tables(one, folder, root))
    broken = _open_pictures(folder, sample, report)
    pages = sheets / f"{one.name}.png"
    for path in tables:
        _examine_table(path, folder, sample, broken, pages, report)
    if one.tables and not tables and not report.wrong:
        report.facts["tables"] = f"none yet: pymaf data convert {one.name} --root {folder} --out {root}"
    return report


def _look_for(needed: Needed, one: DataSet, folder: Path, report: Report) -> None:
    """Note how many files there are; if none, whether one looks like it."""
    for pattern in needed.alternatives:
        count = sum(path.is_file() for path in folder.glob(pattern))
        if count:
            report.facts[pattern] = f"{count} file{'s' * (count > 1)}"
            return
    first = needed.alternatives[0]
    similar = _similar(needed, folder, {name for other in one.needed for name in other.alternatives})
    if similar is not None:
        there, expected = similar
        report.wrong.append(f"{there} looks like {expected.name} under a wrong name: mv '{there}' '{expected}'")
    elif needed.optional:
        report.facts[first] = f"not there (not needed): {needed.what}"
    else:
        report.wrong.append(f"{folder / first} is missing: {needed.what}; {one.how}")


def _similar(needed: Needed, folder: Path, taken: set[str]) -> tuple[Path, Path] | None:
    """Return a file that is there under another name or in another place, and where it should be.

    Files whose names are in ``taken`` are themselves.
    """
    for pattern in needed.alternatives:
        expected = folder / pattern
        if any(sign in pattern for sign in "*?["):
            continue
        for path in sorted(folder.rglob(expected.name)):  # right name, wrong place
            return path, expected
        beside = [p.name for p in expected.parent.iterdir() if p.is_file()] if expected.parent.is_dir() else []
        alike = [name for name in beside if Path(name).suffix.lower() == expected.suffix.lower() and name not in taken]
        lowered = {name.lower(): name for name in alike}
        near = difflib.get_close_matches(expected.name.lower(), lowered, 1, _LOOKS_LIKE)
        if near:
            return expected.parent / lowered[near[0]], expected
    return None


def _check_regressor(path: Path, rows: int, report: Report) -> None:
    try:
        matrix = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        report.wrong.append(f"{path}: not a readable .npy ({' '.join(str(error).split())})")
        return
    if matrix.shape == (rows, _VERTICES):
        return
    if matrix.shape == (14, _VERTICES):
        report.wrong.append(
            f"{path}: 14 rows: GraphCMR's file of that name, which shifts every joint; take SPIN's, with {rows} rows"
        )
    else:
        report.wrong.append(f"{path}: shape {matrix.shape}, expected ({rows}, {_VERTICES}), as in SPIN's data.tar.gz")


def _tables(one: DataSet, folder: Path, root: Path) -> Iterator[Path]:
    """Yield the tables of a data set: beside its files, beside its folder, or in a folder ``tables``."""
    for stem in one.tables:
        for place in (folder, folder / "tables", root, root / "tables"):
            if (place / f"{stem}.npz").is_file():
                yield place / f"{stem}.npz"
                break


def _open_pictures(folder: Path, sample: int, report: Report) -> set[str]:
    """Open pictures spread over the folder; return those that do not open, relative to it."""
    names = sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.suffix.lower() in _PICTURES)
    if not names:
        return set()
    chosen = spread_over(len(names), sample)
    broken: dict[str, str] = {}
    for index in track(chosen, description=f"{folder.name}: pictures", transient=True):
        try:
            open_image(folder / names[index])
        except InputError as error:
            broken[names[index]] = str(error)
    report.facts["pictures"] = f"{len(names)}, {len(chosen)} opened"
    report.wrong += list(broken.values())[:MOST_NAMED]
    if len(broken) > MOST_NAMED:
        report.wrong.append(f"{len(broken) - MOST_NAMED} more pictures that do not open")
    return set(broken)


def _examine_table(path: Path, folder: Path, sample: int, broken: set[str], page: Path, report: Report) -> None:
    """Examine a table, and those of its rows whose pictures are there and open; draw the first table's."""
    try:
        table = load_annotations(path)
    except InputError as error:
        report.wrong.append(str(error))
        return
    report.facts[path.name] = explain_count(path.stem, len(table))
    usable = _with_pictures(table, folder, broken, report)
    labels = summarise(table)
    if usable:
        labels.add(look_at_rows(table, folder, [usable[index] for index in spread_over(len(usable), sample)]))
        if "contact sheet" not in report.facts:
            try:
                draw_rows(table, [usable[i] for i in spread_over(len(usable), _DRAWN)], folder, page, 8, 160)
                report.facts["contact sheet"] = f"{page} (of {path.name})"
            except InputError as error:
                labels.odd.append(f"no contact sheet: {error}")
    report.wrong += [f"{path.name}: {finding}" for finding in labels.wrong if finding not in report.wrong]
    report.odd += [f"{path.name}: {finding}" for finding in labels.odd]


def _with_pictures(table: Annotations, folder: Path, broken: set[str], report: Report) -> list[int]:
    names = table.imgname.tolist()
    there = {name: (folder / name).is_file() for name in dict.fromkeys(names)}
    missing = [name for name, here in there.items() if not here]
    if missing:
        told = f"{table.path.name}: {len(missing)} of {len(there)} pictures are missing (first: {folder / missing[0]})"
        near = _renamed(missing[0], folder)
        report.wrong.append(told + (f"; {near} is there: a wrong name?" if near else ""))
    return [row for row, name in enumerate(names) if there[name] and name not in broken]


def _renamed(name: str, folder: Path) -> str | None:
    """Return a picture of the same folder whose name is nearly that, if the name itself has no twin of its own kind."""
    parent = (folder / name).parent
    if not parent.is_dir():
        return None
    stem = Path(name).stem
    alike = [
        p.name for p in parent.iterdir() if p.stem.lower() == stem.lower() or fnmatch.fnmatch(p.name, f"{stem} (*).*")
    ]
    return alike[0] if alike else None
