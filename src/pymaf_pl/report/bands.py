"""Line charts with bands, one above the other, as an SVG file of its own; readable on light and on dark pages."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from pymaf_pl.report.charts import nice_ticks

WIDTH, LEFT, RIGHT = 720, 70, 24
TOP, CAPTION, PLOT, TICKS, LEGEND = 40, 34, 250, 34, 22  # heights: title, then per panel, then per line
DODGE = 5.0  # px between the points of two lines at the same x, so that their intervals do not hide each other
DASHES = ("", "7 4", "2 3")  # of lines beyond the six colours
_STYLE = """
  svg { --ground: #faf9f7; --ink: #1d1c1a; --soft: #66625c; --line: #e5e1da;
    --s0: #0b6a70; --s1: #b4632a; --s2: #4d5a8a; --s3: #7a7368; --s4: #8a3f5c; --s5: #5f7a2c;
    font: 13px ui-sans-serif, system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; }
  @media (prefers-color-scheme: dark) { svg { --ground: #131416; --ink: #eceae6; --soft: #a09c95; --line: #2d2f33;
    --s0: #66c5c4; --s1: #e29a66; --s2: #9dabe0; --s3: #b5aea2; --s4: #da8fae; --s5: #a9c672; } }
  .ground { fill: var(--ground); } text { fill: var(--soft); font-variant-numeric: tabular-nums; }
  .title { fill: var(--ink); font-size: 16px; font-weight: 600; } .name { fill: var(--ink); }
  .grid { stroke: var(--line); } .end { text-anchor: end; } .middle { text-anchor: middle; }
  .s0 { color: var(--s0); } .s1 { color: var(--s1); } .s2 { color: var(--s2); }
  .s3 { color: var(--s3); } .s4 { color: var(--s4); } .s5 { color: var(--s5); }
  .band { fill: currentColor; opacity: 0.14; } .bar { stroke: currentColor; opacity: 0.55; }
  .mean { fill: none; stroke: currentColor; stroke-width: 2; stroke-linejoin: round; }
  .dot { fill: currentColor; stroke: var(--ground); stroke-width: 1.5; }
"""
_COLOURS = 6


@dataclass(frozen=True)
class Band:
    """One line with an interval around each point; points that are not finite are left out.

    Attributes:
        name: in the legend.
        x: whole numbers.
        mean: at each x.
        low: of the interval.
        high: of the interval.
    """

    name: str
    x: Sequence[int]
    mean: Sequence[float]
    low: Sequence[float]
    high: Sequence[float]


@dataclass(frozen=True)
class Panel:
    """One chart of a stack.

    Attributes:
        caption: one line above it.
        bands: the same lines in every panel of a stack.
    """

    caption: str
    bands: Sequence[Band]


def band_chart(panels: Sequence[Panel], *, title: str, x_label: str, discrete: bool = True) -> str:
    """Draw panels below each other, with one legend for all; returns a whole SVG document.

    Args:
        panels: from top to bottom.
        title: of the chart.
        x_label: what runs along the horizontal axis.
        discrete: every x gets a tick, and each point a dot and a bar; else x are many, such as steps, and lines do.
    """
    names = [band.name for band in panels[0].bands]
    xs = sorted({x for panel in panels for band in panel.bands for x in band.x})
    foot = TOP + len(panels) * (CAPTION + PLOT + TICKS)
    height = foot + 14 + LEGEND * len(names)
    tops = [TOP + n * (CAPTION + PLOT + TICKS) for n in range(len(panels))]
    parts = [_panel(panel, y, xs, x_label, len(names), discrete) for panel, y in zip(panels, tops, strict=True)]
    legend = "".join(_entry(name, n, foot + 20 + LEGEND * n) for n, name in enumerate(names))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" '
        f'role="img" aria-label="{escape(title)}"><style>{_STYLE}</style>'
        f'<rect class="ground" width="{WIDTH}" height="{height}"/>'
        f'<text class="title" x="{LEFT}" y="28">{escape(title)}</text>{"".join(parts)}{legend}</svg>\n'
    )


def _panel(panel: Panel, y: float, xs: Sequence[int], x_label: str, count: int, discrete: bool) -> str:
    points = [_finite(band) for band in panel.bands]
    ends = [end for line in points for _, *values in line for end in values] or [0.0]
    ticks = nice_ticks(min(ends), max(ends))
    bottom, top = min(*ends, ticks[0]), max(*ends, ticks[-1])
    inner = 30  # room for the dodged points at both ends

    def to_x(x: float, number: float) -> float:
        share = (x - xs[0]) / (xs[-1] - xs[0]) if len(xs) > 1 else 0.5
        shift = min(DODGE, 2 * inner / count) * (number - (count - 1) / 2) if discrete else 0.0
        return LEFT + inner + share * (WIDTH - LEFT - RIGHT - 2 * inner) + shift

    def to_y(value: float) -> float:
        return y + CAPTION + PLOT * (top - value) / ((top - bottom) or 1.0)

    rows = "".join(
        f'<path class="grid" d="M{LEFT} {to_y(tick):.1f}H{WIDTH - RIGHT}"/>'
        f'<text class="end" x="{LEFT - 8}" y="{to_y(tick) + 4:.1f}">{_short(tick)}</text>'
        for tick in ticks
    )
    below = y + CAPTION + PLOT + 20
    columns = f'<text class="end" x="{LEFT - 8}" y="{below}">{escape(x_label)}</text>' + "".join(
        f'<text class="middle" x="{to_x(x, (count - 1) / 2):.1f}" y="{below}">{_short(x)}</text>'
        for x in (xs if discrete or len(xs) < 2 else nice_ticks(xs[0], xs[-1]))
    )
    lines = "".join(
        _line([(to_x(x, number), to_y(low), to_y(mean), to_y(high)) for x, low, mean, high in line], number, discrete)
        for number, line in enumerate(points)
    )
    return f'<text x="{LEFT}" y="{y + 14}">{escape(panel.caption)}</text>{rows}{columns}{lines}'


def _finite(band: Band) -> list[tuple[int, float, float, float]]:
    """Points as x, low, mean, high; without an interval both ends are the mean."""
    line = []
    for x, mean, low, high in zip(band.x, band.mean, band.low, band.high, strict=True):
        if math.isfinite(mean):
            known = math.isfinite(low) and math.isfinite(high)
            line.append((x, low, mean, high) if known else (x, mean, mean, mean))
    return line


def _line(drawn: Sequence[tuple[float, float, float, float]], number: int, discrete: bool) -> str:
    """One group: the band, a bar and a dot at every point, the line through them."""
    if not drawn:
        return ""
    there = " ".join(f"{x:.1f},{low:.1f}" for x, low, _, _ in drawn)
    back = " ".join(f"{x:.1f},{high:.1f}" for x, _, _, high in reversed(drawn))
    dotted = drawn if discrete or len(drawn) == 1 else []
    bars = "".join(f"M{x:.1f} {low:.1f}V{high:.1f}" for x, low, _, high in dotted)
    path = "M" + "L".join(f"{x:.1f} {mean:.1f}" for x, _, mean, _ in drawn)
    dots = "".join(f'<circle class="dot" cx="{x:.1f}" cy="{mean:.1f}" r="4"/>' for x, _, mean, _ in dotted)
    return (
        f'<g class="{_colour(number)}"><polygon class="band" points="{there} {back}"/><path class="bar" d="{bars}"/>'
        f'<path class="mean" d="{path}"{_dash(number)}/>{dots}</g>'
    )


def _entry(name: str, number: int, y: float) -> str:
    """Name a line in the legend."""
    return (
        f'<path class="mean {_colour(number)}" d="M{LEFT} {y - 4}h26"{_dash(number)}/>'
        f'<text class="name" x="{LEFT + 36}" y="{y}">{escape(name)}</text>'
    )


def _short(value: float) -> str:
    if abs(value) >= 10_000:
        return f"{value / 1000:.4g}k"
    return f"{0.0 if abs(value) < 1e-12 else value:.4g}".replace("-", "−")


def _colour(number: int) -> str:
    return f"s{number % _COLOURS}"


def _dash(number: int) -> str:
    dash = DASHES[number // _COLOURS % len(DASHES)]
    return f' stroke-dasharray="{dash}"' if dash else ""
