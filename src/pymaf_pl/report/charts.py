"""Line charts as inline SVG; colours, fonts and dark mode come from the style sheet of the page (``page.css``)."""

import math
from collections.abc import Callable, Sequence
from html import escape
from itertools import pairwise

import numpy as np

from pymaf_pl.report.views import Curve, format_value

WIDTH, HEIGHT = 400, 245  # user units: close to CSS pixels on a phone, so that text stays readable there
LEFT, RIGHT, TOP, BOTTOM = 36, 92, 24, 40
LINE_GAP = 12  # least distance between two lines of text
MAX_POINTS = 400  # per line; longer curves keep the extremes of every stretch
MAX_LABELLED = 15  # points of all lines that fit with their values beside them; of more, only both ends are written
MAX_READ_OUT = 9  # points per line that a screen reader lists
NUM_STYLES = 6  # series styles in page.css

Scale = Callable[[float], float]
Placed = Sequence[Sequence[tuple[float, float, float]]]  # per line and point: x and y in the drawing, the value


def line_chart(
    series: Sequence[Curve],
    *,
    ident: str,
    title: str,
    x_label: str,
    y_label: str = "",
    unit: str = "",
    discrete: bool = False,
) -> str:
    """Draw one line per curve.

    Args:
        series: the lines; points that are not finite are left out and leave a gap.
        ident: prefix of the ids inside the SVG, unique on its page.
        title: read out by screen readers, together with a description of every line.
        x_label: what runs along the horizontal axis.
        y_label: what runs along the vertical axis.
        unit: "mm" writes values with one decimal.
        discrete: x are whole numbers (iterations): every one gets a tick, points show their values, and y holds 0.

    Returns:
        One ``<svg>`` element.
    """
    lines = [(curve.name, _thin(_points(curve))) for curve in series]
    finite = np.array([p for _, points in lines for p in points if math.isfinite(p[1])] or [(0.0, 0.0)])
    (x_low, y_low), (x_high, y_high) = finite.min(axis=0), finite.max(axis=0)
    if discrete or 0 < y_low < 0.25 * y_high:
        y_low = min(y_low, 0.0)
    y_ticks = nice_ticks(y_low, y_high)
    whole = sorted({x for _, points in lines for x, _ in points})
    x_ticks = whole if discrete or len(whole) < 2 else nice_ticks(x_low, x_high)
    to_x = _scale(x_low, x_high, LEFT + (16 if discrete else 0), WIDTH - RIGHT)
    to_y = _scale(min(y_low, y_ticks[0]), max(y_high, y_ticks[-1]), HEIGHT - BOTTOM, TOP)

    parts = [_axes(x_ticks, y_ticks, to_x, to_y, x_label, y_label)]
    placed = [[(to_x(x), to_y(y), y) for x, y in points if math.isfinite(y)] for _, points in lines]
    for number, (_, points) in enumerate(lines):
        path = _path([(to_x(x), to_y(y)) for x, y in points])
        dots = "".join(_dot(*p, unit) for p in placed[number]) if discrete else ""
        parts.append(f'<g class="series s{number % NUM_STYLES}"><path d="{path}"/>{dots}</g>')
    if discrete:
        roomy = sum(map(len, placed)) <= MAX_LABELLED
        parts.append(_point_values(placed if roomy else [[*p[:1], *p[1:][-1:]] for p in placed], unit))
    parts.append(_end_labels([name for name, _ in lines], placed))

    description = " ".join(_describe(name, points, unit) for name, points in lines) or "No data."
    return (
        f'<svg class="chart" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-labelledby="{ident}-title {ident}-desc">'
        f'<title id="{ident}-title">{escape(title)}</title><desc id="{ident}-desc">{escape(description)}</desc>'
        f"{''.join(parts)}</svg>"
    )


def nice_ticks(low: float, high: float, most: int = 6) -> list[float]:
    """From two to ``most`` round numbers inside ``low``..``high``, 1, 2 or 5 times a power of ten apart."""
    if not high > low:
        low, high = low - (abs(low) or 1) / 2, high + (abs(high) or 1) / 2
    power = 10.0 ** math.floor(math.log10((high - low) / most))
    for factor in (1, 2, 5, 10, 20, 50):
        step = factor * power
        first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
        if last - first + 1 <= most:
            break
    if last - first < 1:
        first, last = math.floor(low / step), math.ceil(high / step)
    return [n * step for n in range(first, last + 1)]


def _points(curve: Curve) -> list[tuple[float, float]]:
    return [(float(x), float(y)) for x, y in zip(curve.x, curve.y, strict=True) if math.isfinite(x)]


def _thin(points: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """Keep the lowest and highest point of every stretch, so that a long curve keeps its outline."""
    if len(points) <= MAX_POINTS:
        return points
    kept = {0, len(points) - 1}
    for stretch in np.array_split(np.arange(len(points)), MAX_POINTS // 2):
        finite = [i for i in stretch.tolist() if math.isfinite(points[i][1])]
        if finite:
            kept |= {min(finite, key=lambda i: points[i][1]), max(finite, key=lambda i: points[i][1])}
    return [points[i] for i in sorted(kept)]


def _scale(low: float, high: float, start: float, end: float) -> Scale:
    if not high > low:
        return lambda _: (start + end) / 2
    return lambda value: start + (value - low) / (high - low) * (end - start)


def _axes(
    x_ticks: Sequence[float], y_ticks: Sequence[float], to_x: Scale, to_y: Scale, x_label: str, y_label: str
) -> str:
    right, bottom = WIDTH - RIGHT, HEIGHT - BOTTOM
    rows = "".join(
        f'<path d="M{LEFT} {to_y(y):.1f}H{right}"/><text x="{LEFT - 8}" y="{to_y(y) + 3.5:.1f}">{_short(y)}</text>'
        for y in y_ticks
    )
    columns = "".join(f'<text x="{to_x(x):.1f}" y="{bottom + 17}">{_short(x)}</text>' for x in x_ticks)
    return (
        f'<g class="grid">{rows}</g><g class="ticks">{columns}</g>'
        f'<g class="names"><text x="{(LEFT + right) / 2:.0f}" y="{HEIGHT - 5}">{escape(x_label)}</text>'
        f'<text class="y-name" x="{LEFT - 8}" y="11">{escape(y_label)}</text></g>'
    )


def _path(points: Sequence[tuple[float, float]]) -> str:
    pieces, pen = [], "M"
    for x, y in points:
        if math.isfinite(y):
            pieces.append(f"{pen}{x:.1f} {y:.1f}")
            pen = "L"
        else:
            pen = "M"
    return "".join(pieces)


def _dot(x: float, y: float, value: float, unit: str) -> str:
    shown = f"{format_value(value, unit)} {unit}".strip()
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5"><title>{escape(shown)}</title></circle>'


def _point_values(placed: Placed, unit: str) -> str:
    """Write each value next to its point: the topmost above it, the others below, none on top of another."""
    columns: dict[float, list[tuple[float, float]]] = {}
    for x, y, value in (p for points in placed for p in points):
        columns.setdefault(x, []).append((y, value))
    texts = []
    for x, column in columns.items():
        column.sort()
        wanted = [y - 9 if n == 0 else y + 17 for n, (y, _) in enumerate(column)]
        for place, (_, value) in zip(_apart(wanted), column, strict=True):
            texts.append(f'<text x="{x:.1f}" y="{place:.1f}">{format_value(value, unit)}</text>')
    return f'<g class="values">{"".join(texts)}</g>'


def _end_labels(names: Sequence[str], placed: Placed) -> str:
    """Name each line at its right end, so that no legend is needed."""
    ends = sorted((points[-1][1], number) for number, points in enumerate(placed) if points)
    places = _apart([y + 4 for y, _ in ends], LINE_GAP + 2)
    texts = []
    for (_, number), place in zip(ends, places, strict=True):
        name = names[number] if len(names[number]) <= 12 else names[number][:11] + "…"
        texts.append(
            f'<text class="s{number % NUM_STYLES}" x="{WIDTH - RIGHT + 16}" y="{place:.1f}">{escape(name)}</text>'
        )
    return f'<g class="ends">{"".join(texts)}</g>'


def _apart(wanted: Sequence[float], gap: float = LINE_GAP) -> list[float]:
    """Push sorted positions down until they are ``gap`` apart, then the whole stack up into the drawing."""
    places = list(wanted[:1])
    for place in wanted[1:]:
        places.append(max(place, places[-1] + gap))
    limit: float = HEIGHT - BOTTOM + 4
    for n in range(len(places) - 1, -1, -1):
        places[n] = min(places[n], limit)
        limit = places[n] - gap
    return places


def _short(value: float) -> str:
    if abs(value) >= 10_000:
        return f"{value / 1000:.4g}k"
    return f"{0.0 if abs(value) < 1e-12 else value:.4g}".replace("-", "−")


def _describe(name: str, points: Sequence[tuple[float, float]], unit: str) -> str:
    finite = [(x, y) for x, y in points if math.isfinite(y)]
    if not finite:
        return f"{name}: no data."
    if len(finite) > MAX_READ_OUT:
        lowest = min(finite, key=lambda p: p[1])
        finite = [finite[0], lowest, finite[-1]] if lowest not in (finite[0], finite[-1]) else [finite[0], finite[-1]]
    listed = ", ".join(f"{format_value(y, unit)}{f' {unit}' if unit else ''} at {_short(x)}" for x, y in finite)
    falls = sum(b < a for (_, a), (_, b) in pairwise(finite))
    trend = " Falls throughout." if len(finite) > 1 and falls == len(finite) - 1 else ""
    return f"{name}: {listed}.{trend}"
