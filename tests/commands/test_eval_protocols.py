"""`pymaf eval` by every family of protocols on synthetic people, by lists of them, and into the paper's tables."""

import csv
import json
import shutil

import numpy as np
import pytest
import torch

from published import published_spin
from pymaf_pl import cli
from pymaf_pl.metrics.people import PeopleFigures

ALL = ("synthetic_val", "ssp3d_synthetic", "lsp_synthetic", "coco_synthetic")
KEYS = {
    "synthetic_val": {"mpjpe", "pa_mpjpe", "pve", "rotation_deg", "pck_2d"},
    "ssp3d_synthetic": {"miou", "pve_t_sc"},
    "lsp_synthetic": {"fb_accuracy", "fb_f1", "parts_accuracy", "parts_f1"},
    "coco_synthetic": {"ap", "ap50", "ap75", "ap_m", "ap_l"},
}


@pytest.fixture(scope="module")
def small(run_dir, worlds):
    """Words for a measurement of the tiny run on the tiny worlds."""
    words = [f"checkpoint={run_dir}/checkpoints/last.ckpt", f"protocol.root={worlds}/val", "protocol.num=6"]
    return [*words, "protocol.picture_size=64", "num_workers=0", "trainer.accelerator=cpu"]


@pytest.fixture(scope="module")
def measured(small, tmp_path_factory):
    """All of them, once."""
    pytest.importorskip("pycocotools", reason="AP needs the extra [coco]")
    folder = tmp_path_factory.mktemp("list") / "all"
    words = [f"protocol=[{','.join(ALL)}]", "report_people=8", f"hydra.run.dir={folder}"]
    assert cli.main(["eval", *small, *words]) == 0
    return folder


@pytest.fixture
def converted(worlds, tmp_path):
    """Six people of a world as a user's own table, with genders."""
    with np.load(worlds / "val" / "wild_val.npz") as world:
        columns = dict(world)

    def write(**changes):
        path = tmp_path / "mine.npz"
        np.savez(path, **(columns | {"gender": np.array(["m", "f", "n"] * 2)} | changes))
        return path

    return write


@pytest.mark.parametrize("protocol", ALL)
def test_every_protocol_has_a_folder_with_the_contracts_files(measured, protocol):
    folder = measured / protocol
    document = json.loads((folder / "metrics.json").read_text())
    assert (document["schema"], document["protocol"], document["num_samples"]) == (1, protocol, 12)
    assert [row["iteration"] for row in document["iterations"]] == [0, 1, 2, 3]
    assert document["final"] == document["iterations"][-1]
    assert document["final"].keys() == KEYS[protocol] | {"iteration"}
    extra = document["extra"]
    assert extra["comparable"] is True
    assert extra["definition"]
    for name in KEYS[protocol] - {"mpjpe", "pa_mpjpe", "pve", "rotation_deg", "pve_t_sc"}:
        assert extra[name] == document["final"][name]
    assert len(extra["variants"]) == 4
    people = PeopleFigures.load(folder / "per_sample.npz")
    assert set(people.figures) == KEYS[protocol] | (extra["variants"][0].keys() - {"iteration"})
    for row, means in zip(document["iterations"], people.means(), strict=True):
        for name in KEYS[protocol]:
            expected = np.nan if row[name] is None else row[name]
            assert means[name] == pytest.approx(expected, rel=1e-5, abs=1e-6, nan_ok=True)
    page = (folder / "report.html").read_text()
    for heading in ("Best", "Worst", "Evenly spread over the data set"):
        assert page.count(f'<h3 class="group">{heading}</h3>') == 1


def test_figures_of_one_protocol_are_compared_with_intervals(measured, small, tmp_path, capsys):
    again = [f"hydra.run.dir={tmp_path}/again", "report_people=0", "protocol=lsp_synthetic"]
    assert cli.main(["eval", *small, *again]) == 0
    capsys.readouterr()
    words = [f"a={measured}/lsp_synthetic", f"b={tmp_path}/again", "--figure", "parts_f1"]
    assert cli.main(["compare", *words]) == 0
    out = capsys.readouterr().out
    assert "parts F1 against the baseline" in out
    assert "0.000 [0.000, 0.000]" in out or "+0.000 [+0.000, +0.000]" in out


def test_a_table_of_the_paper_on_the_synthetic_worlds(small, run_dir, tmp_path, capsys):
    checkpoints = f"checkpoint={run_dir}/checkpoints/last.ckpt,{run_dir}/checkpoints/best.ckpt"
    words = [word for word in small if not word.startswith("checkpoint=")]
    command = ["-m", "experiment=table_s1_synthetic", checkpoints, "report_people=0", f"hydra.sweep.dir={tmp_path}/t"]
    assert cli.main(["eval", *words, *command]) == 0
    out = capsys.readouterr().out
    assert "Published: PyMAF (Zhang et al., ICCV 2021), supplementary material, Table S1." in out
    assert {path.name for path in (tmp_path / "t").iterdir()} == {
        "0", "1", "table_s1_synthetic.csv", "table_s1_synthetic.tex", "table_s1_synthetic.txt"
    }  # fmt: skip
    with (tmp_path / "t" / "table_s1_synthetic.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    assert [(row["system"], row["whose"]) for row in rows[::3]] == [
        ("SPIN", "published"), ("Baseline", "published"), ("PyMAF", "published"), ("demo", "ours"), ("demo", "ours")
    ]  # fmt: skip
    assert [row["value"] for row in rows[6:9]] == ["107.3", "96.2", "72.1"]
    assert (rows[8]["protocol"], rows[11]["protocol"]) == ("ssp3d", "ssp3d_synthetic")
    assert (rows[8]["comparable"], rows[11]["comparable"]) == ("true", "false")
    assert "‡ not comparable to the published figure: measured on other people." in out
    document = json.loads((tmp_path / "t" / "0" / "ssp3d_synthetic" / "metrics.json").read_text())
    assert float(rows[11]["value"]) == pytest.approx(100 * document["final"]["miou"], rel=1e-4)
    assert rows[11]["num_samples"] == "12"
    text = (tmp_path / "t" / "table_s1_synthetic.txt").read_text()
    assert text.index("PyMAF") < text.index("demo")
    assert r"\toprule" in (tmp_path / "t" / "table_s1_synthetic.tex").read_text()


def test_people_who_stand_are_measured_limb_by_limb(run_dir, worlds, tmp_path):
    """lspet_standing end to end, on six people of ours of whom the labels of two stand upright."""
    upright = [(90, 200), (90, 145), (90, 90), (110, 90), (110, 145), (110, 200), (80, 95), (70, 65), (80, 35),
               (120, 35), (130, 65), (120, 95), (100, 30), (100, 0)]  # fmt: skip
    with np.load(worlds / "val" / "wild_val.npz") as world:
        columns = dict(world)
    columns["part"][:, :, 2] = 0
    columns["part"][[1, 3], :14] = np.column_stack([np.array(upright) / 4, np.ones(14)])
    (tmp_path / "wild_val").symlink_to(worlds / "val" / "wild_val")
    np.savez(tmp_path / "lspet_1_2400.npz", **columns)
    words = ["protocol=lspet_standing", f"protocol.root={tmp_path}", "protocol.source.source.rows=[0,6]"]
    words += ["num_workers=0", "trainer.accelerator=cpu", "report_people=0", f"hydra.run.dir={tmp_path}/out"]
    assert cli.main(["eval", f"checkpoint={run_dir}/checkpoints/last.ckpt", *words]) == 0
    document = json.loads((tmp_path / "out" / "metrics.json").read_text())
    assert (document["protocol"], document["num_samples"]) == ("lspet_standing", 2)
    shares = {name: value for name, value in document["extra"]["variants"][-1].items() if name != "iteration"}
    assert set(shares) == {f"pck_2d_{limb}" for limb in ("hips", "legs", "shoulders", "elbows", "wrists", "head")}
    joints = {"hips": 2, "legs": 4, "shoulders": 2, "elbows": 2, "wrists": 2, "head": 2}
    close = sum(shares[f"pck_2d_{limb}"] * count for limb, count in joints.items()) / 14
    assert document["final"]["pck_2d_close"] == pytest.approx(close, abs=1e-6)  # all 14 are labelled


def test_a_published_set_is_measured_by_its_own_rules(small, worlds, converted, tmp_path):
    """3DPW's protocol end to end on people of ours: gendered truth, variants beside it."""
    words = [
        "protocol=3dpw",
        f"protocol.root={worlds}/val",
        f"protocol.table={converted()}",
        "protocol.measure.body=open",
    ]
    words += ["protocol.measure.expected=6", f"hydra.run.dir={tmp_path}/run", "report_people=0"]
    kept = [word for word in small if not word.startswith("protocol.")]
    assert cli.main(["eval", *kept, *words]) == 0
    document = json.loads((tmp_path / "run" / "metrics.json").read_text())
    assert document["protocol"] == "3dpw"
    assert document["extra"]["comparable"] is True
    assert document["extra"]["definition"]["true body"] == "of the person's gender"
    last = document["extra"]["variants"][-1]
    assert last["mpjpe_neutral_truth"] != document["final"]["mpjpe"]
    assert last["pve_root_aligned"] != document["final"]["pve"]


def test_what_is_not_the_published_set_is_refused_or_marked(small, worlds, converted, tmp_path, capsys):
    table = converted(gender=np.array([""] * 6))
    words = ["protocol=ssp3d", f"protocol.root={worlds}/val", f"protocol.table={table}", "report_people=0"]
    words += [word for word in small if not word.startswith("protocol.")]
    assert cli.main(["eval", *words, f"hydra.run.dir={tmp_path}/run"]) == 2
    error = capsys.readouterr().err.strip()
    assert "\n" not in error
    for part in (
        "gives 6 people, the published set has 311; take the whole of it",
        "the estimates are of the 'open' body, the ground truth is of the 'smpl' body; take a checkpoint trained on",
        "has no genders",
        "protocol.partial=true measures all the same",
    ):
        assert part in error
    assert not (tmp_path / "run" / "metrics.json").exists()
    assert cli.main(["eval", *words, f"hydra.run.dir={tmp_path}/run", "protocol.partial=true"]) == 0
    assert "NOT COMPARABLE to published figures" in capsys.readouterr().out
    extra = json.loads((tmp_path / "run" / "metrics.json").read_text())["extra"]
    assert extra["comparable"] is False
    assert len(extra["reservations"]) == 4
    assert extra["miou"] > 0


@pytest.mark.parametrize(
    ("protocol", "file"),
    [("3dpw", "3dpw_test.npz"), ("h36m_p1", "h36m_valid_p1.npz"), ("h36m_p2", "h36m_valid_p2.npz"),
     ("mpi_inf_3dhp", "mpi_inf_3dhp_test.npz"), ("3doh50k", "3doh50k_test.npz"), ("ssp3d", "ssp3d_test.npz"),
     ("lsp_segmentation", "lsp_test.npz"), ("coco_keypoints", "coco_val.npz")],
)  # fmt: skip
def test_a_set_that_is_not_there_says_how_to_get_it(protocol, file, tmp_path, capsys):
    words = [f"protocol={protocol}", f"protocol.root={tmp_path}", f"hydra.run.dir={tmp_path}/run"]
    assert cli.main(["eval", *words]) == 2
    error = capsys.readouterr().err.strip()
    assert f"{tmp_path}/{file}: no such annotation table" in error
    assert "`pymaf data convert " in error
    assert "\n" not in error


def test_what_one_of_a_list_lacks_does_not_keep_the_others_from_being_measured(small, tmp_path, capsys):
    words = ["protocol=[3dpw,ssp3d_synthetic]", "report_people=0", f"hydra.run.dir={tmp_path}/run"]
    assert cli.main(["eval", *small, *words]) == 2
    assert "3dpw_test.npz: no such annotation table" in capsys.readouterr().err
    assert (tmp_path / "run" / "ssp3d_synthetic" / "metrics.json").is_file()
    assert not (tmp_path / "run" / "3dpw" / "metrics.json").exists()


def test_a_world_without_masks_is_refused(small, worlds, converted, tmp_path, capsys):
    table = converted(maskname=np.array([""] * 6))
    words = [
        "protocol=lsp_segmentation",
        f"protocol.root={worlds}/val",
        f"protocol.table={table}",
        "protocol.partial=true",
    ]
    words += [word for word in small if not word.startswith("protocol.")]
    assert cli.main(["eval", *words, f"hydra.run.dir={tmp_path}/run"]) == 2
    assert "names no 'maskname'; convert the data set again" in capsys.readouterr().err


def test_the_folder_of_a_regressor_that_is_missing_is_named(tmp_path, smpl_dir, capsys):
    torch.save(published_spin(), tmp_path / "spin.pt")
    shutil.copytree(smpl_dir, tmp_path / "smpl")
    (tmp_path / "smpl" / "J_regressor_h36m.npy").unlink()
    words = [f"checkpoint={tmp_path}/spin.pt", "body=smpl", f"body.directory={tmp_path}/smpl", "protocol=3dpw"]
    assert cli.main(["eval", *words, f"hydra.run.dir={tmp_path}/run"]) == 2
    assert "no J_regressor_h36m.npy (17 rows); it comes with SPIN's data.tar.gz" in capsys.readouterr().err
