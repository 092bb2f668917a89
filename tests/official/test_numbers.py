"""The published networks, written down once more from their description with functional operations alone.

Nothing of ours is called on that side: neither modules nor geometry nor skinning.
"""

from itertools import pairwise
from pathlib import Path

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from published import published_pymaf, published_spin
from pymaf_pl.body.files import BodyArrays, read_open_body
from pymaf_pl.checkpoints import Checkpoint
from pymaf_pl.official import read_official
from pymaf_pl.rebuilding import network_from_checkpoint

Weights = dict[str, Tensor]
PARENTS = (-1, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 9, 9, 12, 13, 14, 16, 17, 18, 19, 20, 21)


def norm(w: Weights, name: str, x: Tensor) -> Tensor:
    mean, var = w[f"{name}.running_mean"], w[f"{name}.running_var"]
    return F.batch_norm(x, mean, var, w[f"{name}.weight"], w[f"{name}.bias"], training=False, eps=1e-5)


def resnet50(w: Weights, prefix: str, x: Tensor) -> Tensor:
    """Stride in the 3x3 convolution of the first block of stages 2 to 4."""
    x = F.relu(norm(w, f"{prefix}bn1", F.conv2d(x, w[f"{prefix}conv1.weight"], stride=2, padding=3)))
    x = F.max_pool2d(x, 3, stride=2, padding=1)
    for stage, count in enumerate((3, 4, 6, 3), start=1):
        for i in range(count):
            name = f"{prefix}layer{stage}.{i}"
            stride = 2 if stage > 1 and i == 0 else 1
            y = F.relu(norm(w, f"{name}.bn1", F.conv2d(x, w[f"{name}.conv1.weight"])))
            y = F.relu(norm(w, f"{name}.bn2", F.conv2d(y, w[f"{name}.conv2.weight"], stride=stride, padding=1)))
            y = norm(w, f"{name}.bn3", F.conv2d(y, w[f"{name}.conv3.weight"]))
            if i == 0:
                x = norm(w, f"{name}.downsample.1", F.conv2d(x, w[f"{name}.downsample.0.weight"], stride=stride))
            x = F.relu(x + y)
    return x


def rot6d(pose: Tensor) -> Tensor:
    """(B, 144) to (B, 24, 3, 3): a flat 6-vector is a row-major 3x2, its columns are orthonormalised."""
    a = pose.reshape(-1, 3, 2)
    b1 = a[:, :, 0] / a[:, :, 0].norm(dim=1, keepdim=True)
    b2 = a[:, :, 1] - (b1 * a[:, :, 1]).sum(1, keepdim=True) * b1
    b2 = b2 / b2.norm(dim=1, keepdim=True)
    return torch.stack([b1, b2, torch.cross(b1, b2, dim=1)], dim=2).view(-1, 24, 3, 3)


def skin(a: BodyArrays, rotmat: Tensor, betas: Tensor) -> Tensor:
    """SMPL's (B, 6890, 3) surface, in float64."""
    template, shapes, poses, regressor, weights = (
        torch.from_numpy(x) for x in (a.v_template, a.shapedirs, a.posedirs, a.j_regressor, a.weights)
    )
    rotmat, betas = rotmat.double(), betas.double()
    shaped = template + torch.einsum("vcs,bs->bvc", shapes, betas)
    joints = regressor @ shaped
    posed = shaped + torch.einsum("vcp,bp->bvc", poses, (rotmat[:, 1:] - torch.eye(3)).reshape(len(betas), 207))
    world = []
    for j, parent in enumerate(PARENTS):
        local = torch.eye(4).double().repeat(len(betas), 1, 1)
        local[:, :3, :3] = rotmat[:, j]
        local[:, :3, 3] = joints[:, j] - (joints[:, parent] if j else 0)
        world.append(world[parent] @ local if j else local)
    moved = torch.stack(world, dim=1)
    rotation = moved[..., :3, :3]
    offset = moved[..., :3, 3] - (rotation @ joints[..., None])[..., 0]
    rotation = torch.einsum("vj,bjmn->bvmn", weights, rotation)
    return (rotation @ posed[..., None])[..., 0] + torch.einsum("vj,bjm->bvm", weights, offset)


def project(points: Tensor, cam: Tensor) -> Tensor:
    translation = torch.stack([cam[:, 1], cam[:, 2], 2 * 5000 / (224 * cam[:, 0] + 1e-9)], dim=1)
    moved = points + translation[:, None]
    return 5000 * moved[..., :2] / moved[..., 2:] / 112


def evidence(w: Weights, name: str, features: Tensor, points: Tensor) -> Tensor:
    sampled = F.grid_sample(features, points[:, :, None], align_corners=True)[..., 0]
    y = F.leaky_relu(F.conv1d(sampled, w[f"{name}.conv0.weight"], w[f"{name}.conv0.bias"]), 0.01)
    y = torch.cat([y, sampled], 1)
    y = F.leaky_relu(F.conv1d(y, w[f"{name}.conv1.weight"], w[f"{name}.conv1.bias"]), 0.01)
    y = torch.cat([y, sampled], 1)
    y = F.relu(F.conv1d(y, w[f"{name}.conv2.weight"], w[f"{name}.conv2.bias"]))
    return y.reshape(len(y), -1)


Body = tuple[Tensor, Tensor, Tensor]  # pose (B, 144), shape (B, 10), camera (B, 3)


def regress(w: Weights, prefix: str, seen: Tensor, body: Body) -> Body:
    x = torch.cat([seen, *body], dim=1)
    for name in ("fc1", "fc2"):
        x = F.linear(x, w[f"{prefix}{name}.weight"], w[f"{prefix}{name}.bias"])
    heads = [F.linear(x, w[f"{prefix}{n}.weight"], w[f"{prefix}{n}.bias"]) for n in ("decpose", "decshape", "deccam")]
    return heads[0] + body[0], heads[1] + body[1], heads[2] + body[2]


def mean(w: Weights, prefix: str, batch: int) -> Body:
    pose, shape, cam = (w[f"{prefix}{name}"].expand(batch, -1) for name in ("init_pose", "init_shape", "init_cam"))
    return pose, shape, cam


def pymaf(w: Weights, arrays: BodyArrays, images: Tensor) -> list[Body]:
    features = resnet50(w, "feature_extractor.", images)
    bodies = [mean(w, "regressor.0.", len(images))]
    for t in range(3):
        features = F.conv_transpose2d(features, w[f"deconv_layers.{3 * t}.weight"], stride=2, padding=1)
        features = F.relu(norm(w, f"deconv_layers.{3 * t + 1}", features))
        pose, shape, cam = bodies[-1]
        points = w["points_grid"].transpose(1, 2).expand(len(images), -1, -1)
        if t > 0:
            vertices = w[f"maf_extractor.{t}.Dmap"] @ skin(arrays, rot6d(pose), shape).float()
            points = project(vertices, cam)
        seen = evidence(w, f"maf_extractor.{t}", features, points)
        bodies.append(regress(w, f"regressor.{t}.", seen, bodies[-1]))
    return bodies


def spin(w: Weights, images: Tensor) -> list[Body]:
    seen = F.avg_pool2d(resnet50(w, "", images), 7).flatten(1)
    bodies = [mean(w, "", len(images))]
    for _ in range(3):
        bodies.append(regress(w, "", seen, bodies[-1]))
    return bodies


@pytest.mark.parametrize("kind", ["pymaf", "spin"])
@torch.inference_mode()
def test_the_network_gives_the_published_networks_outputs(kind: str, smpl_dir: Path) -> None:
    make = published_pymaf if kind == "pymaf" else published_spin
    content = make(seed=3, thin=False)
    read = read_official(content, kind, Path("x.pt"))  # type: ignore[arg-type]
    network, body = network_from_checkpoint(Checkpoint(Path("x.pt"), read.state, read.record, 0, 0), smpl_dir)
    images = torch.randn(2, 3, 224, 224, generator=torch.Generator().manual_seed(0))
    ours = network.eval()(images).iterations
    arrays = read_open_body()
    theirs = pymaf(content["model"], arrays, images) if kind == "pymaf" else spin(content["model"], images)
    assert len(ours) == len(theirs) == 4
    for state, (pose, shape, cam) in zip(ours, theirs, strict=True):
        torch.testing.assert_close(state.pose_6d.flatten(1), pose, atol=1e-5, rtol=0)
        torch.testing.assert_close(state.betas, shape, atol=1e-5, rtol=0)
        torch.testing.assert_close(state.weak_cam, cam, atol=1e-5, rtol=0)
        vertices = skin(arrays, rot6d(pose), shape).float()
        torch.testing.assert_close(body.decode(state).vertices, vertices, atol=1e-5, rtol=0)
    moved = [float((after[0] - before[0]).abs().max()) for before, after in pairwise(theirs)]
    assert min(moved) > 0.05
