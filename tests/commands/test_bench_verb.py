import json
import subprocess
import sys

import cv2
import numpy as np
import pytest
import torch

from pymaf_pl.cli import main
from pymaf_pl.commands.bench_network import UNIT, parts_of
from pymaf_pl.commands.bench_timing import median_ratio, time_interleaved
from pymaf_pl.commands.bench_train import made_up_batch
from pymaf_pl.losses.dense import DenseTargetRenderer
from pymaf_pl.models import hmr, pymaf
from pymaf_pl.models.backbone import ResNet
from pymaf_pl.models.pyramid import NoPyramid

SMALL = ["--backbone", "18", "--size", "64", "--repeats", "1", "--threads", "1", "--device", "cpu"]


def test_network_times_whole_and_parts(tmp_path, capsys):
    path = tmp_path / "network.json"
    assert main(["bench", "network", *SMALL, "--batch", "1", "2", "--json", str(path)]) == 0
    told = json.loads(path.read_text())
    assert told["machine"]["torch"] == torch.__version__
    assert told["machine"]["clock"] == "processor time"
    assert told["settings"]["batch"] == [1, 2]
    for batch in ("1", "2"):
        result = told["results"][batch]
        assert result[UNIT]["ratio"] == 1
        shares = [part["share"] for part in result["PyMAF, T = 3"]["parts"].values()]
        assert len(shares) == 5
        assert sum(shares) == pytest.approx(1)
    out = capsys.readouterr().out
    assert "no pooling, no classifier" in out
    assert "official code" not in out  # measured at another size and backbone


def test_network_runs_in_bf16_and_leaves_the_threads_as_they_were():
    before = torch.get_num_threads()
    assert main(["bench", "network", *SMALL, "--batch", "1", "--precision", "bf16", "--no-channels-last"]) == 0
    assert torch.get_num_threads() == before


@pytest.mark.parametrize("model", [pymaf, hmr])
def test_parts_are_the_whole_network(model, body):
    """Every leaf module that a forward pass calls is called by the parts, as often, and nothing else is."""
    network = model(ResNet(18, width=8), body, hidden=32).eval()
    images = torch.randn(1, 3, 64, 64)
    calls = []
    for name, module in network.named_modules():
        if not list(module.children()) and not isinstance(module, NoPyramid):
            module.register_forward_hook(lambda *_, name=name: calls.append(name))
    with torch.inference_mode():
        network(images)
        whole = sorted(calls)
        parts = parts_of(network, images)
        calls.clear()
        for run in parts.values():
            run()
    assert sorted(calls) == whole


def test_variants_are_a_markdown_table(tmp_path, capsys):
    path = tmp_path / "variants.json"
    small = ["--size", "64", "--repeats", "1", "--threads", "1", "--device", "cpu", "--json", str(path)]
    narrow = "backbone=resnet18_narrow"
    variants = [narrow, f"{narrow} feedback=attention", f"{narrow} losses.dense=null"]
    assert main(["bench", "variants", *small, *variants]) == 0
    results = json.loads(path.read_text())["results"]
    assert list(results) == [UNIT, *variants]
    assert results[UNIT]["parameters"] == 23_508_032
    # 4.09e9 multiplications and additions at 224 px (He et al., CVPR 2016, of which 2e6 in the classifier)
    assert results[UNIT]["flops"] == pytest.approx(2 * 4.09e9 * (64 / 224) ** 2, rel=0.01)
    plain, attention, without = (results[variant] for variant in variants)
    assert attention["flops"] > plain["flops"] + 2 * 2 * 2 * 872 * 872 * 64  # queries and values of 872 points, twice
    assert plain["parameters"] - without["parameters"] == 207_450
    assert plain["flops"] == without["flops"]
    table = [line for line in capsys.readouterr().out.splitlines() if line.startswith("|")]
    assert table[0] == "| variant | parameters, M | GFLOPs per image | time per image, x unit |"
    assert len(table) == 2 + len(results)
    assert table[3].startswith(f"| `{narrow}` | ")


def test_variants_are_every_option_unless_some_are_asked_for():
    from pymaf_pl.commands.bench_variants import _every_option
    from pymaf_pl.commands.composing import available, compose_config

    variants = _every_option()
    assert variants[0] == ""
    assert len(set(variants)) == len(variants)
    for group in ("pyramid", "feedback"):
        chosen = {compose_config("train", variant.split()).model.get(group, {}).get("_target_") for variant in variants}
        assert len(chosen - {None}) == len(available(group))


def test_train_measures_what_dense_supervision_adds(tmp_path, capsys):
    path = tmp_path / "train.json"
    assert main(["bench", "train", *SMALL, "--batch", "2", "--json", str(path)]) == 0
    results = json.loads(path.read_text())["results"]
    stages = results["stages_ms_per_sample"]
    assert 0 < stages["with"]["rendering dense targets"] <= stages["with"]["losses"]
    assert stages["without"]["rendering dense targets"] == 0
    assert "dense supervision adds" in capsys.readouterr().out


def test_made_up_people_are_in_the_picture(body):
    from pymaf_pl.geometry.rotation import rotmat_from_axis_angle
    from pymaf_pl.losses.terms import Targets

    batch = made_up_batch(body, 4, 64)
    assert batch["keypoints_2d"][..., :2].abs().max() < 1.5
    target = Targets(
        rotmat_from_axis_angle(batch["pose"]),
        *(batch[k] for k in ("betas", "keypoints_2d", "keypoints_3d", "has_pose", "has_betas", "has_keypoints_3d")),
        vertices=None,
    )
    dense = DenseTargetRenderer(body)(target, 56)
    assert dense.valid.all()
    assert ((dense.part > 0).flatten(1).float().mean(1) > 0.05).all()


def test_data_measures_plain_files_and_shards_beside_decoding(tmp_path, capsys):
    pytest.importorskip("litdata")
    rng = np.random.default_rng(0)
    for i in range(4):
        cv2.imwrite(str(tmp_path / f"{i}.png"), rng.integers(0, 255, (50, 50, 3), dtype=np.uint8))
    table = tmp_path / "table.npz"
    names = np.array([f"{i}.png" for i in range(4)])
    np.savez(table, imgname=names, center=np.full((4, 2), 25.0), scale=np.full(4, 0.25))
    words = ["bench", "data", str(table), "--size", "64", "--batch", "2", "--repeats", "2", "--people", "3"]
    assert main([*words, "--num", "8", "--workers", "0", "--json", str(tmp_path / "data.json")]) == 0
    assert "times as fast as plain files" in capsys.readouterr().out
    results = json.loads((tmp_path / "data.json").read_text())["results"]
    assert results["pictures"]["people"] == 3
    decoding, plain, packed = (results[name] for name in ("reading and decoding alone", "plain files", "shards"))
    assert decoding["x_decoding"] == 1
    assert plain["x_decoding"] == pytest.approx(plain["ms"] / decoding["ms"])
    assert packed["x_faster_than_plain"] == pytest.approx(plain["ms"] / packed["ms"])
    assert plain["images_per_second_and_core"] == pytest.approx(1e3 / plain["ms"])
    assert min(plain["loader_images_per_second"], packed["loader_images_per_second"]) > 0
    assert main([*words, "--num", "3"]) == 2
    assert "at least two batches" in capsys.readouterr().err


def test_made_up_photographs_look_like_photographs_to_a_decoder(tmp_path):
    from pymaf_pl.commands.bench_data import make_photographs

    table = make_photographs(tmp_path, 1)
    picture = cv2.imread(str(tmp_path / table.imgname[0]))
    assert picture.shape == (1000, 1000, 3)
    bits = 8 * (tmp_path / table.imgname[0]).stat().st_size / 1e6
    assert 1 < bits < 6  # per px; the photographs of COCO have about 3
    assert picture.std() == pytest.approx(50, rel=0.2)


def test_render_measures_targets_and_pictures(tmp_path):
    path = tmp_path / "render.json"
    words = ["--repeats", "1", "--threads", "1", "--batch", "2", "--device", "cpu"]
    assert main(["bench", "render", *words, "--json", str(path)]) == 0
    results = json.loads(path.read_text())["results"]
    assert len(results) == 2
    assert all(entry["images_per_second"] > 0 for entry in results.values())


def test_work_is_timed_in_turn_and_warm_up_is_not_kept():
    order = []
    work = {name: (lambda name=name: order.append(name)) for name in "ab"}
    seconds = time_interleaved(work, 3, torch.device("cpu"), "test")
    assert "".join(order) == "ab" * 5
    assert [len(values) for values in seconds.values()] == [3, 3]


def test_a_slow_round_does_not_change_the_ratio():
    assert median_ratio([2.0, 20.0, 2.0], [1.0, 10.0, 1.0]) == 2


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["network", "--size", "100"], "a multiple of 32"),
        (["network", "--batch", "0"], "--batch 0: at least 1"),
        (["train", "--repeats", "0"], "--repeats 0"),
        (["train", "--threads", "0"], "--threads 0"),
        (["variants", "pyramid=fpn"], "pyramid=fpn: no such option"),
        (["variants", "model.dense_head=false"], "switch both off by losses.dense=null"),
        (["network", "--device", "tpu9"], "there are cpu and cuda"),
        (["network", "--device", "cuda:99"], "no such CUDA device"),
        (["data", "none.npz"], "no such annotation table"),
        (["eval", "--people", "0"], "--people 0: at least 1"),
        (["eval", "--picture", "0"], "--picture 0: at least 1"),
        (["render", "--json", "/nowhere/x.json"], "no such folder"),
    ],
)
def test_wrong_input_is_answered_in_one_line(words, message, capsys):
    assert main(["bench", *words]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert len(error.strip().splitlines()) == 1


@pytest.mark.parametrize(
    "words", [[], ["network", "--backbone", "19"], ["train", "--precision", "fp8"], ["data", "--repeats", "x"]]
)
def test_wrong_arguments_exit_with_2(words):
    with pytest.raises(SystemExit) as stopped:
        main(["bench", *words])
    assert stopped.value.code == 2


@pytest.mark.parametrize("verb", ["data", "body", "checkpoint", "bench"])
def test_help_needs_no_torch(verb):
    code = (
        "import sys\nfrom pymaf_pl.cli import main\n"
        f"try:\n    main(['{verb}', '--help'])\nexcept SystemExit as stopped:\n    assert stopped.code == 0\n"
        "assert 'torch' not in sys.modules and 'numpy' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "examples:" in done.stdout


@pytest.mark.slow
def test_eval_measures_every_family_and_a_memory_that_stays_flat(tmp_path, capsys):
    words = ["--batch", "2", "--picture", "64", "--people", "4000", "--repeats", "1", "--threads", "1"]
    assert main(["bench", "eval", *words, "--device", "cpu", "--json", str(tmp_path / "eval.json")]) == 0
    out = capsys.readouterr().out
    results = json.loads((tmp_path / "eval.json").read_text())["results"]
    rates = results["samples_per_second"]
    for word in ("MPJPE", "PVE", "Procrustes", "rotations", "PVE-T-SC", "mIOU", "parts", "OKS", "AP"):
        assert any(word in name for name in rates), word
    assert all(rate > 0 for rate in rates.values())
    assert results["memory"]["state_mb"] == pytest.approx(4000 * 4 * 3 * 4 / 1e6)
    # a fifth of the people's vertices in single precision would be 65 MB
    assert results["memory"]["grown_mb"] < 65
    assert "4,000 simulated samples" in out


def test_prediction_is_timed_step_by_step(tmp_path, capsys):
    out = tmp_path / "predict.json"
    words = ["bench", "predict", "--repeats", "1", "--width", "160", "--people", "1", "--batch", "2"]
    assert main([*words, "--json", str(out)]) == 0
    results = json.loads(out.read_text())["results"]
    for kind in ("photos", "frames"):
        seconds = results[kind]["seconds"]
        assert {"decode", "detect (hog)", "draw"} <= set(seconds)
        assert min(seconds.values()) >= 0
        assert results[kind][f"{kind}_per_second"] == pytest.approx(1 / sum(seconds.values()))
    assert "frames/s" in capsys.readouterr().out
    assert main(["bench", "predict", "--people", "0"]) == 2
