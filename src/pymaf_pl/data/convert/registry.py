"""Every converter: which splits it has, what its tables are called, which options it takes."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from pymaf_pl.data.convert import (
    coco,
    eft,
    h36m,
    hmr2,
    humandata,
    lsp,
    lspet,
    mpi_inf_3dhp,
    mpii,
    oh50k3d,
    openpose,
    own,
    pw3d,
    spin_fits,
    ssp3d,
)
from pymaf_pl.data.convert.request import Request
from pymaf_pl.data.convert.rows import Rows


@dataclass(frozen=True)
class Converter:
    """One source.

    Attributes:
        run: makes the rows.
        tables: split to the stem of its table; the first split is the default. The stem of a single file of one's own
            is that of the file.
        options: those beside root, out, split, skip_bad.
        single_file: ``root`` is a file, not a folder.
    """

    run: Callable[[Request], Rows]
    tables: Mapping[str, str]
    options: frozenset[str] = field(default_factory=frozenset)
    single_file: bool = False


def _splits(name: str, *splits: str) -> dict[str, str]:
    return {split: f"{name}_{split}" for split in splits}


def _one(stem: str) -> dict[str, str]:
    return {"all": stem}


CONVERTERS: Mapping[str, Converter] = {
    "h36m": Converter(
        h36m.convert, _splits("h36m", "train", "valid"), frozenset({"spin", "protocol", "mosh", "extract"})
    ),
    "mpi_inf_3dhp": Converter(
        mpi_inf_3dhp.convert, _splits("mpi_inf_3dhp", "train", "test"), frozenset({"spin", "extract"})
    ),
    "lsp": Converter(lsp.convert, _splits("lsp", "train", "test"), frozenset({"spin", "masks"})),
    "lspet": Converter(lspet.convert, _splits("lspet", "train"), frozenset({"spin"})),
    "mpii": Converter(mpii.convert, _splits("mpii", "train"), frozenset({"spin"})),
    "coco": Converter(coco.convert, _splits("coco", "train", "train_all", "val"), frozenset({"spin"})),
    "3dpw": Converter(pw3d.convert, _splits("3dpw", "test", "train", "validation")),
    "3doh50k": Converter(oh50k3d.convert, _splits("3doh50k", "test", "train")),
    "ssp3d": Converter(ssp3d.convert, _splits("ssp3d", "test")),
    "eft": Converter(eft.convert, {split: f"{split}_eft" for split in eft.FILES}),
    "spin_fits": Converter(spin_fits.convert, _one("{table}_fits"), frozenset({"table"}), single_file=True),
    "humandata": Converter(humandata.convert, _one("{root}"), frozenset({"boxes"}), single_file=True),
    "hmr2": Converter(hmr2.convert, _one("{root}"), single_file=True),
    "own": Converter(own.convert, _one("{root}"), single_file=True),
    "openpose": Converter(openpose.convert, _one("openpose")),
}


def table_stem(name: str, request: Request) -> str:
    """Return the name, without ``.npz``, of the table that a request makes."""
    stem = CONVERTERS[name].tables[request.split]
    if name == "h36m" and request.split == "valid":
        stem += f"_p{request.protocol}"
    return stem.format(root=request.root.stem, table=request.table.stem if request.table else "")
