import math
import re
import xml.etree.ElementTree as ET

import pytest

from pymaf_pl.report.bands import Band, Panel, band_chart

SVG = "{http://www.w3.org/2000/svg}"


def band(name: str = "ours", mean=(190.0, 187.0, 186.0), half: float = 5.0) -> Band:
    return Band(name, range(1, 1 + len(mean)), mean, [m - half for m in mean], [m + half for m in mean])


def draw(*panels: Panel) -> ET.Element:
    return ET.fromstring(band_chart(panels, title="Error", x_label="iteration"))


def test_every_line_has_a_band_and_a_place_in_the_legend():
    chart = draw(Panel("mean", [band(), band("theirs", (192.0, 191.0, 190.0))]))
    assert len(chart.findall(f"{SVG}g")) == 2
    assert len(chart.findall(f"{SVG}g/{SVG}polygon")) == 2
    assert [text.text for text in chart.findall(f"{SVG}text[@class='name']")] == ["ours", "theirs"]
    assert len(chart.findall(f"{SVG}g/{SVG}circle")) == 6


def test_everything_lies_inside_the_drawing():
    bands = [band(str(n), [150.0 + 9 * n + t for t in range(5)]) for n in range(9)]
    chart = draw(Panel("mean", bands), Panel("difference", bands))
    width, height = map(float, chart.get("viewBox").split()[2:])
    for group in chart.findall(f"{SVG}g"):
        for x, y in re.findall(r"([\d.-]+),([\d.-]+)", group.find(f"{SVG}polygon").get("points")):
            assert 0 < float(x) < width
            assert 0 < float(y) < height
    for text in chart.findall(f"{SVG}text"):
        assert 0 < float(text.get("y")) < height


def test_more_lines_than_colours_are_dashed():
    chart = draw(Panel("mean", [band(str(n)) for n in range(8)]))
    lines = [group.find(f"{SVG}path[@class='mean']").get("stroke-dasharray") for group in chart.findall(f"{SVG}g")]
    assert lines[:6] == [None] * 6
    assert lines[6] is not None


def test_a_shorter_line_ends_early_and_a_single_point_has_a_bar():
    chart = draw(Panel("mean", [band(), band("one", (200.0,))]))
    one = chart.findall(f"{SVG}g")[1]
    assert len(one.findall(f"{SVG}circle")) == 1
    low, high = map(
        float, re.fullmatch(r"M[\d.]+ ([\d.]+)V([\d.]+)", one.find(f"{SVG}path[@class='bar']").get("d")).groups()
    )
    assert low > high


@pytest.mark.parametrize("mean", [(math.nan, 3.0), (math.nan, math.nan), (5.0, 5.0)])
def test_missing_and_constant_values_are_drawn_without_complaint(mean):
    chart = draw(Panel("mean", [band("x", mean, half=0.0)]))
    assert len(chart.findall(f"{SVG}g/{SVG}circle")) == sum(map(math.isfinite, mean))
    assert "nan" not in ET.tostring(chart, encoding="unicode")


def test_names_are_escaped_and_colours_know_the_dark():
    text = band_chart([Panel("a < b & c", [band("<script>")])], title="R&D", x_label="i")
    assert "<script>" not in text
    assert "prefers-color-scheme: dark" in text
    ET.fromstring(text)
