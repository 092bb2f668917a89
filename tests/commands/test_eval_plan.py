"""Several measurements behind one command: which, where to, and typos in any of them."""

from pathlib import Path

import pytest

from pymaf_pl.commands.composing import available, compose_config
from pymaf_pl.commands.eval_plan import plan_of, quoted
from pymaf_pl.commands.paper_table import OURS, PUBLISHED, numbers, rows_of
from pymaf_pl.engine.run_files import write_json
from pymaf_pl.errors import InputError

TABLES = [name for name in available("experiment") if name.startswith("table_")]


def test_a_single_measurement_is_no_plan():
    assert plan_of([], False) is None
    assert plan_of(["protocol=3dpw", "checkpoint=x"], False) is None
    assert plan_of(["protocol=synthetic_val,lspet"], True) is None  # Hydra's own sweep


def test_a_list_has_a_folder_for_each():
    plan = plan_of(
        ["protocol=[synthetic_val,coco_synthetic]", "checkpoint=a.ckpt", "hydra.run.dir=out", "batch_size=4"], False
    )
    assert [(job.checkpoint, job.protocol, job.folder) for job in plan.jobs] == [
        ("a.ckpt", "synthetic_val", Path("out/synthetic_val")),
        ("a.ckpt", "coco_synthetic", Path("out/coco_synthetic")),
    ]
    config = compose_config("eval", plan.jobs[1].overrides)
    assert (config.checkpoint, config.batch_size, config.protocol.measure.name) == ("a.ckpt", 4, "coco_synthetic")
    assert plan.table is None


def test_several_checkpoints_are_numbered():
    plan = plan_of(
        ["checkpoint=a.ckpt,runs/b/c.ckpt", "protocol=[3dpw,lspet]", "protocol.root=x", "hydra.sweep.dir=s"], True
    )
    assert [str(job.folder) for job in plan.jobs] == ["s/0/3dpw", "s/0/lspet", "s/1/3dpw", "s/1/lspet"]
    assert {job.checkpoint for job in plan.jobs} == {"a.ckpt", "runs/b/c.ckpt"}


def test_a_key_that_only_some_protocols_have_goes_to_those():
    plan = plan_of(["protocol=[ssp3d,synthetic_val]", "protocol.num=8", "protocol.table=t.npz"], False)
    assert "protocol.table=t.npz" in plan.jobs[0].overrides
    assert "protocol.num=8" not in plan.jobs[0].overrides
    assert "protocol.num=8" in plan.jobs[1].overrides


def test_any_folder_and_checkpoint_survives():
    plan = plan_of(
        ["protocol=[synthetic_val,lspet]", "protocol.root=x", r"checkpoint='it\'s, a=b.ckpt'", "hydra.run.dir='o u,t'"],
        False,
    )
    config = compose_config("eval", plan.jobs[0].overrides)
    assert config.checkpoint == "it's, a=b.ckpt"
    assert plan.jobs[0].folder == Path("o u,t/synthetic_val")
    assert quoted(r"a\b'c") == r"'a\\b\'c'"


@pytest.mark.parametrize(
    ("overrides", "words"),
    [
        (["protocol=[lspet,coco_sythetic]", "protocol.root=x"], "no such option; did you mean 'coco_synthetic'?"),
        (["protocol=[synthetic_val,synthetic_val]"], "name each protocol once"),
        (["protocol=[]"], "name each protocol once"),
        (["protocol=[ssp3d,lsp_synthetic]", "protocol.rot=x"], "'protocol.rot': none of ssp3d, lsp_synthetic has it"),
        (["protocol=[synthetic_val,ssp3d]", "bacth_size=4"], "did you mean 'batch_size'"),
        (["protocol=[synthetic_val]", "checkpoint=a,b"], "checkpoint=a,b: add -m"),
        (["experiment=table_s1", "protocol=3dpw"], "experiment=table_s1 says which protocols are measured"),
        (["experiment=table_s2"], "no such option; did you mean"),
    ],
)  # fmt: skip
def test_typos_in_any_of_them_are_answered_before_the_first(overrides, words):
    with pytest.raises(InputError) as caught:
        plan_of(overrides, False)
    assert words in str(caught.value)


def test_only_checkpoints_may_have_several_values():
    with pytest.raises(InputError, match="only checkpoint may have several values here"):
        plan_of(["protocol=[synthetic_val,lspet]", "batch_size=1,2"], True)


@pytest.mark.parametrize("name", TABLES)
def test_every_table_names_figures_that_its_protocols_have(name):
    plan = plan_of([f"experiment={name}", "checkpoint=x"], True)
    table = plan.table
    assert table["name"] == name
    assert table["source"]
    figures = {job.protocol: compose_config("eval", job.overrides).protocol.measure for job in plan.jobs}
    for column in table["columns"]:
        named = figures[column["protocol"]].get("figures")
        assert named is None or column["figure"] in named, column
    for row in table["published"]:
        assert len(row["values"]) == len(table["columns"])
    if name.endswith("_synthetic"):
        assert all(job.protocol.startswith("synthetic") or job.protocol.endswith("synthetic") for job in plan.jobs)


def test_there_are_tables_for_everyone():
    assert {f"table_{n}" for n in ("s1", "3dpw_h36m", "lsp", "coco")} <= set(TABLES)
    assert all(f"{name}_synthetic" in TABLES for name in TABLES if not name.endswith("_synthetic"))


def test_ours_stand_below_the_published_row_of_their_kind(tmp_path):
    plan = plan_of(["experiment=table_s1", "checkpoint=ours.ckpt", f"hydra.run.dir={tmp_path}"], True)
    document = {
        "final": {"miou": 0.7},
        "extra": {"interval_95": [{"miou": [0.6, 0.8]}], "comparable": False},
        "num_samples": 9,
    }
    (tmp_path / "ssp3d").mkdir()
    write_json(tmp_path / "ssp3d" / "metrics.json", document)
    write_json(tmp_path / "ssp3d" / "run.json", {"measured": {"name": "mine", "system": "Baseline"}})
    rows = rows_of(plan)
    assert [(row.system, row.whose) for row in rows] == [
        ("SPIN", PUBLISHED), ("Baseline", PUBLISHED), ("mine", OURS), ("PyMAF", PUBLISHED)
    ]  # fmt: skip
    assert rows[2].values == (None, None, pytest.approx(70))
    assert rows[2].ends[2] == pytest.approx((60, 80))
    assert rows[2].comparable == (True, True, False)
    lines = numbers(rows, plan.table["columns"]).splitlines()
    assert lines[9] == "mine,ours,ssp3d,miou,70,60,80,9,false"
