import pickle

import numpy as np
import pytest

from pymaf_pl.body.files import read_open_body, read_smpl_file
from pymaf_pl.cli import main


@pytest.fixture(scope="module")
def smpl_folder(tmp_path_factory):
    """The open body under SMPL's file names: the same format."""
    folder = tmp_path_factory.mktemp("smpl")
    assert main(["body", "export", "--gender", "female", "--out", str(folder / "SMPL_FEMALE.pkl")]) == 0
    return folder


def add_regressors(folder):
    body = read_open_body("female")
    np.save(folder / "J_regressor_extra.npy", body.extra_regressor)
    np.save(folder / "J_regressor_h36m.npy", body.h36m_regressor)


def test_info_shows_the_open_body(capsys):
    assert main(["body", "info"]) == 0
    out = capsys.readouterr().out
    assert all(word in out for word in ("neutral", "male", "female", "6890", "13776", "licence:", "non-commercial"))
    assert read_open_body().topology in out


def test_info_tells_what_is_missing_then_shows_smpl_files(smpl_folder, tmp_path, capsys):
    import shutil

    folder = tmp_path / "files"
    shutil.copytree(smpl_folder, folder)
    assert main(["body", "info", "--body", "smpl", "--body-dir", str(folder)]) == 2
    assert "no J_regressor_extra.npy" in capsys.readouterr().out
    add_regressors(folder)
    assert main(["body", "info", "--body", "smpl", "--body-dir", str(folder)]) == 0
    out = capsys.readouterr().out
    assert out.count("not found") == 2
    assert "13776" in out
    assert "no redistribution" in out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--body", "smpl"], "needs --body-dir"),
        (["--body", "smpl", "--body-dir", "{tmp}/none"], "no such folder"),
        (["--body", "smpl", "--body-dir", "{tmp}"], "no neutral SMPL model"),
        (["--body-dir", "{tmp}"], "for --body smpl"),
    ],
)
def test_info_answers_wrong_input_in_one_line(tmp_path, words, message, capsys):
    assert main(["body", "info", *(w.format(tmp=tmp_path) for w in words)]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert len(error.strip().splitlines()) == 1


@pytest.mark.parametrize("suffix", [".npz", ".pkl"])
def test_export_writes_the_open_body_in_smpls_format(tmp_path, suffix):
    path = tmp_path / f"body{suffix}"
    assert main(["body", "export", "--gender", "male", "--out", str(path)]) == 0
    arrays, body = read_smpl_file(path), read_open_body("male")
    np.testing.assert_array_equal(arrays["v_template"], body.v_template)
    np.testing.assert_array_equal(arrays["posedirs"], body.posedirs)
    np.testing.assert_array_equal(arrays["f"], body.faces)


def test_smplx_reads_an_exported_body(smpl_folder, capsys):
    import torch
    from smplx import SMPL

    from pymaf_pl.body import load_body

    theirs = SMPL(str(smpl_folder / "SMPL_FEMALE.pkl"), gender="female")
    rng = np.random.default_rng(0)
    pose = torch.from_numpy(rng.normal(size=(1, 72)) * 0.3).float()
    betas = torch.from_numpy(rng.normal(size=(1, 10))).float()
    vertices = theirs(betas=betas, global_orient=pose[:, :3], body_pose=pose[:, 3:]).vertices
    from pymaf_pl.geometry.rotation import rotmat_from_axis_angle

    ours = load_body("open", "female")(rotmat_from_axis_angle(pose.view(1, 24, 3)), betas).vertices
    torch.testing.assert_close(vertices, ours, atol=1e-5, rtol=0)


def test_convert_keeps_the_arrays_and_leaves_no_draft(smpl_folder, tmp_path, capsys):
    out = tmp_path / "SMPL_FEMALE.npz"
    assert main(["body", "convert", str(smpl_folder / "SMPL_FEMALE.pkl"), str(out)]) == 0
    assert [p.name for p in tmp_path.iterdir()] == ["SMPL_FEMALE.npz"]
    with np.load(out, allow_pickle=False) as archive:
        assert archive["kintree_table"].dtype == np.uint32
        assert archive["kintree_table"][0, :3].tolist() == [2**32 - 1, 0, 0]
        np.testing.assert_array_equal(archive["weights"], read_open_body("female").weights)


def test_convert_overwrites_only_when_told(smpl_folder, tmp_path, capsys):
    out = tmp_path / "SMPL_FEMALE.npz"
    out.write_text("mine")
    words = ["body", "convert", str(smpl_folder / "SMPL_FEMALE.pkl"), str(out)]
    assert main(words) == 2
    assert "--force" in capsys.readouterr().err
    assert out.read_text() == "mine"
    assert main([*words, "--force"]) == 0
    assert read_smpl_file(out)["f"].shape == (13776, 3)


class Malicious:
    def __reduce__(self):
        return print, ("executed",)


def test_convert_runs_no_code_of_the_file(tmp_path, capsys):
    source = tmp_path / "evil.pkl"
    source.write_bytes(pickle.dumps({"v_template": Malicious()}))
    assert main(["body", "convert", str(source), str(tmp_path / "out.npz")]) == 2
    captured = capsys.readouterr()
    assert "refused to read this pickle" in captured.err
    assert "executed" not in captured.out
    assert not (tmp_path / "out.npz").exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["convert", "{tmp}/none.pkl", "{tmp}/out.npz"], "no such file"),
        (["convert", "{tmp}/text.pkl", "{tmp}/out.npz"], "not a readable SMPL pickle"),
        (["convert", "{tmp}/text.pkl", "{tmp}/out.pkl"], "the result is an .npz"),
        (["convert", "{tmp}/text.pkl", "{tmp}/none/out.npz"], "no such folder"),
        (["export", "--out", "{tmp}/out.txt"], "ends in .npz or .pkl"),
    ],
)
def test_wrong_files_are_answered_in_one_line(tmp_path, words, message, capsys):
    (tmp_path / "text.pkl").write_text("hello")
    assert main(["body", *(w.format(tmp=tmp_path) for w in words)]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert len(error.strip().splitlines()) == 1


@pytest.mark.parametrize("words", [[], ["info", "--body", "smplx"], ["export"], ["convert", "a.pkl"]])
def test_wrong_arguments_exit_with_2(words, capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["body", *words])
    assert stopped.value.code == 2
    assert "pymaf body" in capsys.readouterr().err
