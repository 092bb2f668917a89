"""The parts of the page as HTML. Every word that comes from outside passes through ``html.escape`` here."""

import math
from collections.abc import Mapping, Sequence
from html import escape

import numpy as np

from pymaf_pl.report.charts import line_chart
from pymaf_pl.report.pictures import fit_within, jpeg_uri
from pymaf_pl.report.views import MISSING, Curve, PersonView, columns_of, format_value, split_unit


def facts_list(facts: Mapping[str, str]) -> str:
    """Key/value pairs under the title."""
    pairs = "".join(f"<div><dt>{escape(str(k))}</dt><dd>{escape(str(v))}</dd></div>" for k, v in facts.items())
    return f'<dl class="facts">{pairs}</dl>' if pairs else ""


def errors_section(rows: Sequence[Mapping[str, float]]) -> str:
    """Table and chart of the figures per iteration; empty without rows."""
    columns = columns_of(rows)
    if not columns:
        return ""
    in_mm = [c for c in columns if split_unit(c)[1] == "mm"]
    steps = [float(row.get("iteration", n)) for n, row in enumerate(rows)]
    lines = [Curve(split_unit(c)[0], steps, [_number(row.get(c)) for row in rows]) for c in in_mm or columns]
    heading = "Error per iteration" if in_mm else "Figures per iteration"
    chart = line_chart(
        lines,
        ident="errors",
        title=heading,
        x_label="iteration",
        y_label="mm" if in_mm else "",
        unit="mm" if in_mm else "",
        discrete=True,
    )
    return (
        f'<section aria-labelledby="h-errors"><h2 id="h-errors">{heading}</h2>'
        '<p class="lead">Iteration 0 is the mean body; every later one has looked at the photo once more.</p>'
        f'<div class="errors">{_table(rows, columns, steps)}<figure>{chart}</figure></div></section>'
    )


def curves_section(curves: Mapping[str, Sequence[Curve]]) -> str:
    """One small chart per group of learning curves; empty without any."""
    figures = "".join(
        f"<figure><figcaption>{escape(name)}</figcaption>"
        f"{line_chart(group, ident=f'curve-{n}', title=name, x_label='step')}</figure>"
        for n, (name, group) in enumerate(curves.items())
    )
    if not figures:
        return ""
    return (
        '<section aria-labelledby="h-curves"><h2 id="h-curves">Learning curves</h2>'
        f'<div class="curves">{figures}</div></section>'
    )


def gallery_section(people: Sequence[PersonView], image_side: int) -> str:
    """One card per person: the photo, then the overlay of every iteration with its figures."""
    if not people:
        return '<section><h2>People</h2><p class="lead">No person was drawn for this page.</p></section>'
    cards, group = "", ""
    for number, person in enumerate(people, start=1):
        if person.group != group:
            group = person.group
            cards += f'<h3 class="group">{escape(group)}</h3>' if group else ""
        cards += _card(number, person, image_side)
    return (
        '<section aria-labelledby="h-people"><h2 id="h-people">People</h2>'
        f'<p class="lead">The photo, then the body after each iteration drawn over it.</p>{cards}</section>'
    )


def notes_section(notes: Sequence[str]) -> str:
    """Remarks at the foot of the page."""
    return "".join(f"<p>{escape(note)}</p>" for note in notes)


def iteration_name(iteration: int, last: int) -> str:
    """What to call body[iteration] of body[0..last]."""
    if last == 0:
        return "0"
    return {0: "0 · mean body", last: f"{last} · final"}.get(iteration, str(iteration))


def _table(rows: Sequence[Mapping[str, float]], columns: Sequence[str], steps: Sequence[float]) -> str:
    names = [split_unit(column) for column in columns]
    head = "".join(
        f'<th scope="col">{escape(name)}{f" <span>{escape(unit)}</span>" if unit else ""}</th>' for name, unit in names
    )
    body = "".join(
        f'<tr><th scope="row">{step:g}</th>'
        + "".join(f"<td>{format_value(row.get(c), unit)}</td>" for c, (_, unit) in zip(columns, names, strict=True))
        + "</tr>"
        for step, row in zip(steps, rows, strict=True)
    )
    foot = ""
    if len(rows) > 1:
        first, last = rows[0], rows[-1]
        cells = "".join(f"<td>{_change(first.get(c), last.get(c))}</td>" for c in columns)
        foot = f'<tfoot><tr><th scope="row">change</th>{cells}</tr></tfoot>'
    return (
        '<div class="scroll" tabindex="0" role="region" aria-label="Table of figures per iteration"><table>'
        f'<thead><tr><th scope="col">Iteration</th>{head}</tr></thead><tbody>{body}</tbody>{foot}</table></div>'
    )


def _number(value: float | None) -> float:
    return math.nan if value is None else float(value)


def _change(first: float | None, last: float | None) -> str:
    percent = 100 * (_number(last) / first - 1) if first else math.nan
    return f"{percent:+.0f} %".replace("-", "−") if math.isfinite(percent) else MISSING


def _card(number: int, person: PersonView, image_side: int) -> str:
    last = max(len(person.overlays), len(person.figures)) - 1
    name = escape(person.name)
    frames = [_frame(_image(person.photo, image_side, f"Photo of {person.name}"), "photo", {})]
    for iteration in range(last + 1):
        picture = ""
        if iteration < len(person.overlays):
            alt = f"{person.name}: body after iteration {iteration}"
            picture = _image(person.overlays[iteration], image_side, alt, f' data-iteration="{iteration}"')
            if person.vertices is not None:
                picture = f'<a href="#person={number}&amp;iteration={iteration}">{picture}</a>'
        figures = person.figures[iteration] if iteration < len(person.figures) else {}
        frames.append(_frame(picture, iteration_name(iteration, last), figures))
    link = f'<a class="to-3d" href="#person={number}">Show in 3D</a>' if person.vertices is not None else ""
    caption = f'<p class="caption">{escape(person.caption)}</p>' if person.caption else ""
    return (
        f'<article class="card" id="card-{number}" data-person="{number}"><header><h3><span>{number}</span> {name}</h3>'
        f'{caption}{link}</header><div class="strip" tabindex="0" role="region" '
        f'aria-label="Iterations of {name}">{"".join(frames)}</div></article>'
    )


def _frame(picture: str, label: str, figures: Mapping[str, float]) -> str:
    rows = ""
    for key, value in figures.items():
        name, unit = split_unit(key)
        suffix = f" <small>{escape(unit)}</small>" if unit else ""
        rows += f"<div><dt>{escape(name)}</dt><dd>{format_value(value, unit)}{suffix}</dd></div>"
    numbers = f"<dl>{rows}</dl>" if rows else ""
    return f"<figure>{picture}<figcaption><b>{escape(label)}</b>{numbers}</figcaption></figure>"


def _image(image: np.ndarray, side: int, alt: str, extra: str = "") -> str:
    small = fit_within(image, side)
    height, width = small.shape[:2]
    return (
        f'<img src="{jpeg_uri(small)}" width="{width}" height="{height}" alt="{escape(alt)}"{extra} '
        'loading="lazy" decoding="async">'
    )
