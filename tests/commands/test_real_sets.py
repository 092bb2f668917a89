"""The paper's data sets as configuration: shares, tables, and what a person is told who lacks them."""

import pytest
from omegaconf import OmegaConf

from pymaf_pl.commands.building import build_data
from pymaf_pl.commands.composing import compose_config
from pymaf_pl.data.mixture import shares_of
from pymaf_pl.errors import InputError

ROWS = {"h36m": 312_188, "mpi_inf_3dhp": 96_507, "lsp": 1_000, "lspet": 9_428, "mpii": 14_810, "coco": 28_344}


def config(name, *more):
    return compose_config("train", [f"data={name}", "data.root=ROOT", *more])


def shares(name, stage=-1):
    plain = OmegaConf.to_container(config(name).data, resolve=True)
    return shares_of(plain["stages"][stage]["mix"], plain["groups"], ROWS)


def test_the_mixtures_are_the_papers():
    iccv = shares("mixed_iccv")
    assert iccv == pytest.approx(
        {"h36m": 0.3, "mpi_inf_3dhp": 0.1, "lsp": 0.0112, "mpii": 0.1658, "lspet": 0.1056, "coco": 0.3174}, abs=5e-5
    )
    eft = shares("mixed_eft")
    assert (eft["h36m"], eft["mpi_inf_3dhp"]) == pytest.approx((0.5, 0.2))
    assert sum(eft[name] for name in ("lsp", "mpii", "lspet", "coco")) == pytest.approx(0.3)
    assert shares("h36m") == {"h36m": 1.0}


def test_the_curriculum_is_60_epochs_of_each():
    stages = config("curriculum").data.stages
    assert [(stage.name, stage.epochs) for stage in stages] == [("h36m", 60), ("mixture", 60)]
    assert shares("curriculum", 0) == {"h36m": 1.0}
    assert shares("curriculum", 1) == shares("mixed_iccv")


@pytest.mark.parametrize(
    ("name", "more", "stem"),
    [
        ("mixed_iccv", [], "coco_train"),
        ("mixed_iccv", ["data.fits=_fits"], "coco_train_fits"),
        ("mixed_eft", [], "coco_all_eft"),
    ],
)
def test_tables_are_called_as_the_converters_call_them(name, more, stem):
    source = config(name, *more).data.sources.coco
    assert (source.table, source.image_root) == (f"ROOT/{stem}.npz", "ROOT/coco")


def test_every_missing_table_is_in_one_line_before_anything_is_read(tmp_path):
    data = build_data(config("curriculum", f"data.root={tmp_path}"), "smpl")
    (tmp_path / "h36m_train.npz").write_bytes(b"whatever")
    with pytest.raises(InputError) as caught:
        data.check_files()
    message = str(caught.value)
    assert "\n" not in message
    assert "h36m" not in message
    names = ("coco", "lsp", "lspet", "mpi_inf_3dhp", "mpii")
    assert all(str(tmp_path / f"{name}_train.npz") in message for name in names)
    assert "`pymaf data convert`" in message
    with pytest.raises(InputError, match="coco_train"):
        data.prepare_data()


def test_only_the_tables_of_the_stages_are_asked_for(tmp_path):
    with pytest.raises(InputError) as caught:
        build_data(config("h36m", f"data.root={tmp_path}"), "smpl").check_files()
    assert str(caught.value).startswith(f"{tmp_path / 'h36m_train.npz'}: no such annotation table (")
