"""Shards: the same crops as whole pictures give, in any order, in any process; and what is stale is refused."""

import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from pymaf_pl.data.annotations import Annotations, load_annotations
from pymaf_pl.data.augment import Augmentation
from pymaf_pl.data.backdrops import Backdrops
from pymaf_pl.data.cropping import Crop
from pymaf_pl.data.dataset import MixtureDataset, PersonDataset, SampleKey
from pymaf_pl.data.levels import LEVELS, Margins, cut_level, fingerprint
from pymaf_pl.data.mixture import CurriculumSampler, Stage
from pymaf_pl.data.packed import PackedPictures, PackedTable, Shards, open_pictures
from pymaf_pl.data.packing import pack_table
from pymaf_pl.data.sources import check_files
from pymaf_pl.errors import InputError

pytest.importorskip("litdata")

COUNT, SIZE = 10, 64
MARGINS = Margins(SIZE, scale=0.25, shift=0.05, rotation_deg=60, quality=95)
FULL = Augmentation(shift=0.05, no_rotation_probability=0.3)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Smooth grey pictures of 300 x 240 px and a table of them: small boxes, large ones, and some beyond the rim."""
    folder, rng = tmp_path_factory.mktemp("plain"), np.random.default_rng(0)
    for i in range(COUNT):
        picture = cv2.resize(rng.integers(0, 256, (12, 15), dtype=np.uint8), (300, 240), interpolation=cv2.INTER_CUBIC)
        cv2.imwrite(str(folder / f"{i}.png"), picture)
    part = np.concatenate([rng.uniform(20, 220, (COUNT, 24, 2)), np.ones((COUNT, 24, 1))], axis=-1)
    np.savez(
        folder / "table.npz", imgname=np.array([f"{i}.png" for i in range(COUNT)]),
        center=rng.uniform([20, 20], [280, 220], (COUNT, 2)), scale=np.linspace(30, 230, COUNT) / 200, part=part,
        S=rng.normal(size=(COUNT, 24, 4)), pose=0.3 * rng.normal(size=(COUNT, 72)), shape=rng.normal(size=(COUNT, 10)),
        has_smpl=np.arange(COUNT) % 2,
    )  # fmt: skip
    return folder


@pytest.fixture(scope="module")
def table(root: Path) -> Annotations:
    return load_annotations(root / "table.npz")


@pytest.fixture(scope="module")
def shards(root: Path, table: Annotations, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("shards")
    pack_table(table, root, folder, MARGINS, rows_per_shard=4, workers=1, show=False)
    return folder


def both(root: Path, table: Annotations, shards: Path) -> tuple[PersonDataset, PersonDataset]:
    pictures = open_pictures(Shards(str(shards)), table, FULL, SIZE)
    plain = PersonDataset(table, root, SIZE, "smpl", FULL)
    return plain, PersonDataset(table, root, SIZE, "smpl", FULL, pictures=pictures)


def test_a_folder_holds_shards_of_so_many_rows_and_an_index(shards: Path) -> None:
    names = sorted(path.name for path in shards.iterdir())
    assert names == ["index.json", "rows-0000000.bin", "rows-0000004.bin", "rows-0000008.bin"]


def test_shards_give_the_input_that_whole_pictures_give(root: Path, table: Annotations, shards: Path) -> None:
    plain, packed = both(root, table, shards)
    errors = []
    for row in range(COUNT):
        for turn in range(6):
            first, second = (people.sample(row, np.random.default_rng([row, turn])) for people in (plain, packed))
            assert first.keys() == second.keys()
            for key in first:
                if key != "image":
                    assert torch.equal(first[key], second[key]), key
            errors.append((first["image"].float() - second["image"].float()).abs())
    difference = torch.stack(errors)
    # grey and smooth: what resampling and JPEG at quality 95 leave; half a px beside it would be ten times as much
    assert difference.mean() < 0.6
    assert difference.mean(dim=(1, 2, 3)).max() < 1.2
    assert torch.quantile(difference.flatten(1)[:, ::7], 0.99, dim=1).max() < 12  # the rim of the original


def test_every_level_is_used_and_none_lacks_what_a_crop_shows(table: Annotations) -> None:
    margins = replace(MARGINS, rotation_deg=30.0)
    for side in (40.0, 100.0):
        center, image = np.array([150.0, 120.0]), np.full((240, 300, 3), 255, np.uint8)
        for level in margins.levels(side):
            piece, (sx, sy, tx, ty) = cut_level(image, center, side, margins.extent(level), margins.density(level))
            height, width = piece.shape[:2]
            assert max(sx, sy) <= 1
            largest = 1.0 if level.startswith("near") else 1.25
            smallest = 0.75 if level.startswith("near") or side <= SIZE else 1.0
            # no px of the smallest crop is finer than the piece's, but where the original is coarser still
            assert min(sx, sy) >= min(1.0, SIZE / (smallest * side)) - 0.02
            angle = np.radians(30.0 if level.endswith("turned") else 0.0)
            reach = side * (largest * (np.cos(angle) + np.sin(angle)) / 2 + 0.05)
            for sign in (-1, 1):
                x, y = (center + 0.5 + sign * reach) * [sx, sy] + [tx, ty]
                assert 0 <= x <= width, (level, side)
                assert 0 <= y <= height, (level, side)
    used = set()
    for row in range(COUNT):
        for turn in range(6):
            draw = FULL.draw(np.random.default_rng([row, turn]))
            used.add(MARGINS.level(draw.scale, 200 * float(table.scale[row]), draw.rotation_deg != 0))
    assert used == set(LEVELS)


@pytest.mark.parametrize("workers", [0, 2])
def test_loader_processes_read_what_this_one_reads(workers: int, root: Path, table: Annotations, shards: Path) -> None:
    plain, packed = both(root, table, shards)
    stages, lengths = [Stage("x", 1, {"plain": 1.0, "packed": 3.0})], {"plain": COUNT, "packed": COUNT}
    mixed = MixtureDataset({"plain": plain, "packed": packed}, seed=5)
    loader: DataLoader[Mapping[str, Any]] = DataLoader(
        mixed, batch_size=4, sampler=CurriculumSampler(stages, lengths, 24), num_workers=workers
    )
    images = torch.cat([batch["image"] for batch in loader])
    keys = CurriculumSampler(stages, lengths, 24).order(0)
    assert sum(key.source == "packed" for key in keys) == 18
    assert torch.equal(images, torch.stack([mixed[key]["image"] for key in keys]))


def test_rows_of_a_packed_table(root: Path, table: Annotations, shards: Path) -> None:
    source = PackedTable(str(root / "table.npz"), str(shards), rows=(3, 9))
    rows, _ = source.load()
    assert len(rows) == 6
    pictures = source.open(FULL, SIZE, None)
    cut = PersonDataset(rows, root, SIZE, "smpl", FULL, pictures=pictures)
    _, packed = both(root, table, shards)
    for row in (0, 5):
        ours, whole = (p.sample(r, np.random.default_rng(1)) for p, r in ((cut, row), (packed, row + 3)))
        assert torch.equal(ours["image"], whole["image"])


def test_other_labels_keep_the_shards_and_other_boxes_make_them_stale(
    root: Path, table: Annotations, shards: Path, tmp_path: Path
) -> None:
    columns = dict(np.load(root / "table.npz"))
    np.savez(tmp_path / "better.npz", **columns | {"pose": columns["pose"] + 1})
    assert len(PackedTable(str(tmp_path / "better.npz"), str(shards)).open(FULL, SIZE, None).sides) == COUNT
    for key, change in (("scale", 1.01), ("center", 1.01)):
        np.savez(tmp_path / "moved.npz", **columns | {key: columns[key] * change})
        with pytest.raises(InputError, match=r"stale shards: .*moved.npz has other pictures or boxes"):
            PackedTable(str(tmp_path / "moved.npz"), str(shards)).open(FULL, SIZE, None)
    np.savez(tmp_path / "fewer.npz", **{k: v[:9] for k, v in columns.items()})
    with pytest.raises(InputError, match="stale shards"):
        PackedTable(str(tmp_path / "fewer.npz"), str(shards)).open(FULL, SIZE, None)
    swapped = columns["imgname"][::-1]
    np.savez(tmp_path / "swapped.npz", **columns | {"imgname": swapped})
    assert fingerprint(load_annotations(tmp_path / "swapped.npz")) != fingerprint(table)


@pytest.mark.parametrize(
    ("augmentation", "size", "words"),
    [
        (Augmentation(scale=0.3, shift=0.05), SIZE, "augmentation.scale=0.3: the shards were made for at most 0.25"),
        (Augmentation(shift=0.1), SIZE, "augmentation.shift=0.1: the shards were made for at most 0.05"),
        (None, 96, "image_size=96: the shards were made for at most 64"),
    ],
)
def test_crops_that_ask_for_more_are_refused(
    augmentation: Augmentation | None, size: int, words: str, table: Annotations, shards: Path
) -> None:
    with pytest.raises(InputError, match=words):
        open_pictures(Shards(str(shards)), table, augmentation, size)


def test_turns_ask_for_room_up_to_45_degrees() -> None:
    upright = Margins(SIZE, rotation_deg=20)
    upright.check(Augmentation(rotation_deg=10), SIZE)
    upright.check(Augmentation(rotation_deg=90, no_rotation_probability=1.0), SIZE)
    with pytest.raises(InputError, match=r"augmentation.rotation_deg=15"):
        upright.check(Augmentation(rotation_deg=15), SIZE)
    Margins(SIZE, rotation_deg=45).check(Augmentation(rotation_deg=90), SIZE)
    assert Margins(SIZE, rotation_deg=45).extent("far_turned") == pytest.approx(1.25 * 2**0.5)


def test_the_published_codes_crops_need_the_plain_files(table: Annotations, shards: Path) -> None:
    with pytest.raises(InputError, match="needs the plain files"):
        open_pictures(Shards(str(shards)), table, FULL, SIZE, Crop(whole_pixels=True))


def test_people_in_shards_cannot_be_pasted_elsewhere(table: Annotations, shards: Path) -> None:
    with pytest.raises(InputError, match=r"no silhouettes for augmentation\.backdrops"):
        open_pictures(Shards(str(shards)), table, replace(FULL, backdrops=Backdrops()), SIZE)


def test_what_is_no_shard_is_one_line(root: Path, shards: Path, tmp_path: Path) -> None:
    source = PackedTable(str(root / "table.npz"), str(tmp_path / "none"))
    with pytest.raises(InputError, match=r"index.json: no such index of shards \(`pymaf data pack` makes it\)"):
        check_files([source])
    (tmp_path / "none").mkdir()
    (tmp_path / "none" / "index.json").write_text("{}")
    with pytest.raises(InputError, match="none: ") as caught:
        source.open(FULL, SIZE, None)
    assert "\n" not in str(caught.value)


def test_packing_goes_on_where_it_was_cut_off(
    root: Path, table: Annotations, shards: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pymaf_pl.data import packing

    written: list[int] = []
    write = packing._write_shard

    def dying(table: Annotations, *rest: Any) -> int:
        if len(written) == 2:
            raise KeyboardInterrupt
        written.append(rest[2])
        return write(table, *rest)

    monkeypatch.setattr(packing, "_write_shard", dying)
    pack: Callable[..., Any] = lambda **more: pack_table(  # noqa: E731
        table, root, tmp_path, MARGINS, rows_per_shard=4, workers=1, show=False, **more
    )
    with pytest.raises(KeyboardInterrupt):
        pack()
    assert not (tmp_path / "index.json").exists()
    with pytest.raises(InputError, match="holds shards of another table or with other settings"):
        pack_table(table, root, tmp_path, replace(MARGINS, quality=80), 4, 1, False)
    monkeypatch.setattr(packing, "_write_shard", lambda *job: written.append(job[3]) or write(*job))
    pack()
    assert written == [0, 4, 8]  # none twice
    names = [path.name for path in sorted(tmp_path.iterdir())]
    assert names == [path.name for path in sorted(shards.iterdir())]
    for name in names[1:]:
        assert (tmp_path / name).read_bytes() == (shards / name).read_bytes()
    pack()
    assert written == [0, 4, 8]  # it is all there


@pytest.mark.slow
def test_processes_pack_the_same(root: Path, table: Annotations, shards: Path, tmp_path: Path) -> None:
    pack_table(table, root, tmp_path, MARGINS, rows_per_shard=4, workers=2, show=False)
    for path in shards.glob("*.bin"):
        assert (tmp_path / path.name).read_bytes() == path.read_bytes()


def test_a_missing_picture_is_named_and_nothing_is_written(root: Path, table: Annotations, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="image not found"):
        pack_table(table, tmp_path, tmp_path / "out", MARGINS, show=False)
    assert not (tmp_path / "out").exists()


def test_a_box_beside_the_picture_is_black_in_both(root: Path, table: Annotations) -> None:
    piece, place = cut_level(np.full((50, 60, 3), 255, np.uint8), np.array([500.0, 500.0]), 40.0, 1.5, 64.0)
    assert piece.shape == (1, 1, 3)
    assert np.isfinite(place).all()


def test_shards_are_fetched_from_elsewhere_through_a_cache(
    root: Path, table: Annotations, shards: Path, tmp_path: Path
) -> None:
    """``local:`` is litdata's address of a folder that is treated as a remote store."""
    remote = Shards(f"local:{shards}", cache=str(tmp_path / "cache"))
    far, near = open_pictures(remote, table, FULL, SIZE), open_pictures(Shards(str(shards)), table, FULL, SIZE)
    people = [PersonDataset(table, root, SIZE, "smpl", FULL, pictures=pictures) for pictures in (far, near)]
    for row in (9, 0, 5, 1):
        first, second = (p.sample(row, np.random.default_rng(row)) for p in people)
        assert torch.equal(first["image"], second["image"])
    assert isinstance(far, PackedPictures)
    assert len(list((tmp_path / "cache").rglob("rows-*.bin"))) >= 2


def test_without_the_library_the_extra_is_named(shards: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "litdata", None)
    with pytest.raises(InputError, match=r"pip install 'pymaf-pl\[shards\]'"):
        Shards(str(shards))


def test_one_key_reads_one_person(root: Path, table: Annotations, shards: Path) -> None:
    _, packed = both(root, table, shards)
    mixed = MixtureDataset({"p": packed})
    assert int(mixed[SampleKey(0, 0, "p", 7)]["index"]) == 7
