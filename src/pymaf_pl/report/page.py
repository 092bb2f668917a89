"""Write the page: check what it is made from, put the parts together, replace the old file in one step."""

import base64
import json
import os
from collections.abc import Mapping, Sequence
from html import escape
from importlib import resources
from pathlib import Path
from string import Template
from typing import Any

import numpy as np

from pymaf_pl.atomic import replacing
from pymaf_pl.errors import InputError
from pymaf_pl.report import sections
from pymaf_pl.report.change import RAMP
from pymaf_pl.report.meshpack import pack_meshes
from pymaf_pl.report.pictures import check_picture
from pymaf_pl.report.views import Curve, PersonView, format_value, split_unit

SCRIPTS = ("meshes.js", "stage.js", "viewer.js")


def write_page(
    path: str | os.PathLike[str],
    *,
    title: str,
    facts: Mapping[str, str],
    iterations: Sequence[Mapping[str, float]],
    people: Sequence[PersonView],
    faces: np.ndarray | None,
    curves: Mapping[str, Sequence[Curve]] | None = None,
    notes: Sequence[str] = (),
    image_side: int = 320,
    looking_first: bool = False,
) -> Path:
    """Write one HTML file that shows everything and needs nothing beside it.

    Args:
        path: the file; an older one stays whole until the new one is complete.
        title: heading of the page.
        facts: model, protocol, device, ... as key/value pairs under the title.
        iterations: one row per body[0..T]: ``iteration`` and any columns, as in ``{"iteration": 0, "mpjpe": 210.3}``.
            Columns named ``mpjpe``, ``pa_mpjpe``, ``pve`` or ending in ``mm`` are errors in mm and are drawn as well.
        people: one card each; those with vertices can be turned in 3D.
        faces: (F, 3) shared by all meshes; None if no person has vertices.
        curves: learning curves, one chart per entry.
        notes: remarks at the foot of the page.
        image_side: longest side of a picture in pixels; larger ones are shrunk.
        looking_first: the viewer and the people stand above tables and charts.

    Returns:
        The path that was written.
    """
    page = _render(title, facts, iterations, people, faces, curves or {}, notes, image_side, looking_first)
    return _replace(Path(path), page)


def embedded_page(people: Sequence[PersonView], faces: np.ndarray, *, image_side: int = 320) -> str:
    """Return the 3D viewer alone as an HTML document of its own, for a frame in another page, such as a notebook."""
    return _render("Step through the refinement", {}, [], people, faces, {}, [], image_side, True, "embedded")


def _render(
    title: str,
    facts: Mapping[str, str],
    iterations: Sequence[Mapping[str, float]],
    people: Sequence[PersonView],
    faces: np.ndarray | None,
    curves: Mapping[str, Sequence[Curve]],
    notes: Sequence[str],
    image_side: int,
    looking_first: bool,
    kind: str = "whole",
) -> str:
    for number, person in enumerate(people, start=1):
        _check_person(person, f"person {number} ({person.name})", faces)
    figures = [sections.errors_section(iterations), sections.curves_section(curves)]
    viewer, gallery = _viewer(people, faces), sections.gallery_section(people, image_side)
    return Template(_asset("page.html")).substitute(
        title=escape(title),
        kind=kind,
        style=_asset("page.css"),
        facts=sections.facts_list(facts),
        sections="\n".join([viewer, gallery, *figures] if looking_first else [*figures, viewer, gallery]),
        notes=sections.notes_section(notes),
    )


def _viewer(people: Sequence[PersonView], faces: np.ndarray | None) -> str:
    """The 3D viewer with its data and scripts; empty when nobody has a mesh."""
    shown = [(number, person) for number, person in enumerate(people, start=1) if person.vertices is not None]
    if not shown or faces is None:
        return ""
    groups = [_meshes(person) for _, person in shown]
    pack = pack_meshes(groups, faces)
    data = {
        "vertices": pack.num_vertices,
        "faces": pack.num_faces,
        "step": pack.step,
        "counts": pack.counts,
        "ramp": RAMP,
        "people": [
            {
                "number": number,
                "name": person.name,
                "caption": person.caption,
                "target": person.target_vertices is not None,
                "figures": [_written(row) for row in person.figures],
            }
            for number, person in shown
        ],
    }
    return Template(_asset("viewer.html")).substitute(
        data=script_json(data),
        stream=base64.b64encode(pack.stream).decode("ascii"),
        script="\n".join(_asset(name) for name in SCRIPTS),
    )


def script_json(value: Any) -> str:
    """JSON that may stand inside a ``<script>`` element: no ``<`` can end it or open a comment."""
    text = json.dumps(value, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _meshes(person: PersonView) -> np.ndarray:
    """(T+1, V, 3), or (T+2, V, 3) with the ground truth last."""
    vertices = np.asarray(person.vertices)
    if person.target_vertices is None:
        return vertices
    return np.concatenate([vertices, np.asarray(person.target_vertices)[None]])


def _written(row: Mapping[str, float]) -> list[tuple[str, str, str]]:
    """Figures as the viewer shows them: name, value, unit."""
    parts = [(*split_unit(key), value) for key, value in row.items()]
    return [(name, format_value(value, unit), unit) for name, unit, value in parts]


def _check_person(person: PersonView, who: str, faces: np.ndarray | None) -> None:
    """Refuse what cannot be drawn, in one line that names the person."""
    check_picture(person.photo, f"photo of {who}")
    for iteration, overlay in enumerate(person.overlays):
        check_picture(overlay, f"overlay {iteration} of {who}")
    given = {"overlays": len(person.overlays), "figures": len(person.figures)}
    if person.vertices is not None:
        if faces is None:
            raise InputError(f"{who} has vertices, but faces is None; pass the body model's faces (F, 3)")
        if person.vertices.ndim != 3 or person.vertices.shape[2] != 3:
            raise InputError(f"vertices of {who} have shape {person.vertices.shape}, expected (T+1, V, 3)")
        given["vertices"] = len(person.vertices)
    if len({count for count in given.values() if count}) > 1:
        raise InputError(f"{who} has different numbers of iterations: {given}; expected T+1 of each")
    if person.target_vertices is not None:
        if person.vertices is None:
            raise InputError(f"{who} has target_vertices but no vertices to compare them with")
        if person.target_vertices.shape != person.vertices.shape[1:]:
            raise InputError(
                f"target_vertices of {who} have shape {person.target_vertices.shape}, "
                f"expected {person.vertices.shape[1:]} like its vertices"
            )


def _asset(name: str) -> str:
    return resources.files("pymaf_pl.report").joinpath(name).read_text(encoding="utf-8")


def _replace(path: Path, text: str) -> Path:
    """Write next to ``path`` and move into place, so that no reader ever sees half a page."""
    with replacing(path) as draft:
        draft.write_text(text, encoding="utf-8")
    return path
