"""Tables of one's own and joined ones; the synthetic worlds have tests of their own."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from pymaf_pl.data.annotations import Annotations, load_annotations
from pymaf_pl.data.sources import Joined, SpinTable
from pymaf_pl.errors import InputError

Columns = dict[str, Any]
Save = Callable[[Columns], Path]


@dataclass
class Ready:
    """A source that counts how often it was prepared."""

    table: Annotations
    root: Path
    prepared: int = 0

    def prepare(self) -> None:
        self.prepared += 1

    def load(self) -> tuple[Annotations, Path]:
        return self.table, self.root


def test_a_table_of_ones_own_is_read_cut_and_its_images_are_looked_for(
    columns: Columns, save: Save, images: Path
) -> None:
    path = str(save(columns))
    table, root = SpinTable(path, str(images), rows=(1, 4)).load()
    assert table.imgname.tolist() == ["images/1.png", "images/2.png", "images/3.png"]
    assert root == images
    (images / "images/6.png").unlink()  # outside the rows: nobody needs it
    assert len(SpinTable(path, str(images), rows=(1, 4)).load()[0]) == 3
    with pytest.raises(InputError, match=r"images/6.png: image not found \(1 of"):
        SpinTable(path, str(images)).load()


def test_joined_sources_are_stacked_in_order(columns: Columns, save: Save, tmp_path: Path) -> None:
    table = load_annotations(save(columns))
    parts = [Ready(table.rows(4, 7), tmp_path), Ready(table.rows(0, 2), tmp_path)]
    joined = Joined(parts)
    joined.prepare()
    assert [part.prepared for part in parts] == [1, 1]
    stacked, root = joined.load()
    assert [Path(name).stem for name in stacked.imgname] == ["4", "5", "6", "0", "1"]
    assert root == tmp_path


def test_joined_sources_must_share_root_and_body(columns: Columns, save: Save, tmp_path: Path) -> None:
    table = load_annotations(save(columns))
    elsewhere = Joined([Ready(table, tmp_path), Ready(table, tmp_path / "other")])
    other_body = load_annotations(save(columns | {"body_model": "open"}))
    for joined in (elsewhere, Joined([Ready(table, tmp_path), Ready(other_body, tmp_path)])):
        with pytest.raises(InputError, match="same image root and the same body model"):
            joined.load()
