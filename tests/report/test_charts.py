import re
import xml.etree.ElementTree as ET

import numpy as np
import pytest

from pymaf_pl.report import Curve, line_chart
from pymaf_pl.report.charts import HEIGHT, MAX_POINTS, WIDTH, nice_ticks

STEPS = [0, 1, 2, 3]
ERRORS = [
    Curve("PVE", STEPS, [240.9, 139.6, 114.3, 108.9]),
    Curve("MPJPE", STEPS, [210.3, 118.4, 96.2, 91.7]),
    Curve("PA-MPJPE", STEPS, [130.2, 74.1, 61.8, 58.4]),
]


def draw(series, **options) -> ET.Element:
    defaults = {"ident": "x", "title": "Error", "x_label": "iteration", "unit": "mm", "discrete": True}
    return ET.fromstring(line_chart(series, **(defaults | options)))


def texts(chart: ET.Element, group: str) -> list[ET.Element]:
    return chart.findall(f"g[@class='{group}']/text")


class TestErrorChart:
    def test_every_value_is_written(self):
        written = {t.text for t in texts(draw(ERRORS), "values")}
        assert written == {f"{y:.1f}" for curve in ERRORS for y in curve.y}

    def test_crowded_chart_writes_both_ends_and_tells_the_rest_on_hover(self):
        steps = range(9)
        chart = draw([Curve(name, steps, [300 / (n + 1) for n in steps]) for name in "abc"])
        assert len(texts(chart, "values")) == 6
        told = [title.text for title in chart.findall("g[@class='series s0']/circle/title")]
        assert (told[0], told[1]) == ("300.0 mm", "150.0 mm")

    def test_lines_are_named_and_told_apart(self):
        ends = texts(draw(ERRORS), "ends")
        assert [t.text for t in ends] == ["PVE", "MPJPE", "PA-MPJPE"]
        assert len({t.get("class") for t in ends}) == 3

    def test_lower_errors_are_lower_down(self):
        chart = draw(ERRORS)
        heights = [float(c.get("cy")) for c in chart.findall("g[@class='series s0']/circle")]
        assert heights == sorted(heights)

    def test_is_read_out(self):
        chart = draw(ERRORS)
        ids = chart.get("aria-labelledby").split()
        assert [chart.find(tag).get("id") for tag in ("title", "desc")] == ids
        assert "MPJPE: 210.3 mm at 0, 118.4 mm at 1" in chart.find("desc").text
        assert "Falls throughout." in chart.find("desc").text

    def test_values_do_not_cover_each_other(self):
        close = [Curve(str(n), STEPS, [100 + n / 10] * 4) for n in range(3)]
        by_x: dict[str, list[float]] = {}
        for text in texts(draw(close), "values"):
            by_x.setdefault(text.get("x"), []).append(float(text.get("y")))
        assert all(min(np.diff(sorted(ys))) >= 11.9 for ys in by_x.values())

    @pytest.mark.parametrize("iterations", range(1, 10))
    def test_stays_inside(self, iterations):
        steps = range(iterations)
        chart = draw([Curve("a", steps, [300 / (n + 1) for n in steps]), Curve("b", steps, [0.0] * iterations)])
        for text in chart.iter("text"):
            assert 0 <= float(text.get("x")) <= WIDTH
            assert 0 <= float(text.get("y")) <= HEIGHT

    def test_gap_where_a_value_is_missing(self):
        path = draw([Curve("a", STEPS, [3.0, float("nan"), 2.0, 1.0])]).find("g[@class='series s0']/path").get("d")
        assert [len(re.findall("[ML]", piece)) for piece in path.split("M")[1:]] == [0, 1]

    def test_names_are_escaped(self):
        chart = draw([Curve("<b>&", [0], [1.0])], title='"><script>', x_label="<i>")
        assert chart.find("title").text == '"><script>'
        assert texts(chart, "ends")[0].text == "<b>&"

    def test_nothing_to_draw(self):
        assert draw([]).find("desc").text == "No data."
        assert "no data" in draw([Curve("a", [0], [float("nan")])]).find("desc").text


class TestLearningCurves:
    def test_long_curve_keeps_its_peaks(self):
        y = np.ones(50_000)
        y[12_345], y[43_210] = 9.0, 0.0
        chart = draw([Curve("loss", np.arange(50_000), y)], discrete=False, unit="")
        path = chart.find("g[@class='series s0']/path").get("d")
        heights = [float(h) for h in re.findall(r"[ML][\d.]+ ([\d.]+)", path)]
        assert len(heights) <= MAX_POINTS + 2
        assert heights.count(min(heights)) == 1
        assert heights.count(max(heights)) == 1

    def test_steps_are_short(self):
        chart = draw([Curve("loss", [0, 50_000], [1.0, 0.5])], discrete=False)
        assert "50k" in {t.text for t in texts(chart, "ticks")}

    def test_one_point(self):
        assert len(texts(draw([Curve("loss", [7], [1.0])], discrete=False), "ticks")) == 1


@pytest.mark.parametrize(("low", "high"), [(0, 240.9), (-3, 7), (0.0012, 0.0019), (1e5, 1.5e5), (5, 5), (0, 0), (0, 1)])
def test_nice_ticks(low, high):
    ticks = nice_ticks(low, high)
    assert 2 <= len(ticks) <= 6
    gaps = np.diff(ticks)
    np.testing.assert_allclose(gaps, gaps[0])
    assert round(gaps[0] / 10 ** np.floor(np.log10(gaps[0]) + 1e-9), 6) in (1, 2, 5)
    if high > low:
        assert ticks[0] >= low - 1e-9
        assert ticks[-1] <= high + 1e-9
