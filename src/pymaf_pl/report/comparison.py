"""A page of tables and charts without people: several systems side by side, in one file that needs nothing else."""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from importlib import resources
from pathlib import Path
from string import Template

from pymaf_pl.atomic import replacing
from pymaf_pl.report.sections import facts_list, notes_section


@dataclass(frozen=True)
class PlainTable:
    """A table of text.

    Attributes:
        head: of the columns.
        rows: the first cell names the row; an empty one belongs to the row above.
        texts: columns that hold sentences.
        folded: what to click on to see it; always seen if empty.
    """

    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    texts: Sequence[int] = ()
    folded: str = ""


@dataclass(frozen=True)
class Drawing:
    """A picture.

    Attributes:
        svg: a whole document, which follows the reader's light or dark theme by itself.
        words: what it shows, for those who cannot see it.
    """

    svg: str
    words: str


@dataclass(frozen=True)
class Section:
    """A part of the page: heading, a sentence, tables and pictures."""

    heading: str
    lead: str
    parts: Sequence[PlainTable | Drawing] = field(default_factory=tuple)


def write_comparison(
    path: Path, *, title: str, facts: Mapping[str, str], sections: Sequence[Section], notes: Sequence[str] = ()
) -> Path:
    """Write the page; an older one stays whole until the new one is complete.

    Args:
        path: the file.
        title: heading.
        facts: key/value pairs under the title.
        sections: in order; one without parts is left out.
        notes: at the foot.
    """
    page = Template(_asset("comparison.html")).substitute(
        title=escape(title),
        style=_asset("page.css") + _asset("comparison.css"),
        facts=facts_list(facts),
        sections="\n".join(_section(n, section) for n, section in enumerate(sections) if section.parts),
        notes=notes_section(notes),
    )
    with replacing(path) as draft:
        draft.write_text(page, encoding="utf-8")
    return path


def _section(number: int, section: Section) -> str:
    parts = "".join(_table(part) if isinstance(part, PlainTable) else _drawing(part) for part in section.parts)
    return (
        f'<section aria-labelledby="h-{number}"><h2 id="h-{number}">{escape(section.heading)}</h2>'
        f'<p class="lead">{escape(section.lead)}</p>{parts}</section>'
    )


def _table(table: PlainTable) -> str:
    kinds = [' class="text"' if column in table.texts else "" for column in range(len(table.head))]
    heads = zip(kinds, table.head, strict=True)
    head = "".join(f'<th scope="col"{kind}>{escape(text)}</th>' for kind, text in heads)
    body = "".join(_row(cells, table.texts) for cells in table.rows)
    whole = (
        '<div class="scroll plain" tabindex="0" role="region" aria-label="Table"><table>'
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )
    return f"<details><summary>{escape(table.folded)}</summary>{whole}</details>" if table.folded else whole


def _row(cells: Sequence[str], texts: Sequence[int]) -> str:
    name, *values = cells
    kinds = (' class="text"' if column in texts else "" for column in range(1, len(cells)))
    columns = "".join(f"<td{kind}>{escape(value)}</td>" for kind, value in zip(kinds, values, strict=True))
    start = ' class="start"' if name else ""
    return f'<tr{start}><th scope="row">{escape(name)}</th>{columns}</tr>'


def _drawing(drawing: Drawing) -> str:
    data = base64.b64encode(drawing.svg.encode("utf-8")).decode("ascii")
    return f'<figure class="drawn"><img src="data:image/svg+xml;base64,{data}" alt="{escape(drawing.words)}"></figure>'


def _asset(name: str) -> str:
    return resources.files("pymaf_pl.report").joinpath(name).read_text(encoding="utf-8")
