"""What stands in a checkpoint of ours for a published network: how to build it again."""

from typing import Any

from pymaf_pl import __version__
from pymaf_pl.official.layout import GRID_SIDE, IMAGE_SIZE, POINT_CHANNELS, TITLES, Layout

_HIDDEN, _DROPOUT, _HEAD_GAIN = 1024, 0.5, 0.01  # PyMAF models/pymaf_net.py Regressor, SPIN models/hmr.py
_TERMS = {  # PyMAF core/trainer.py; the classes' own weights are the published ones
    "keypoints_2d": "Keypoints2D",
    "keypoints_3d": "Keypoints3D",
    "pose": "Pose",
    "shape": "Shape",
    "camera": "Camera",
}


def official_record(layout: Layout, vertices: list[int] | None, topology: str | None) -> dict[str, Any]:
    """Return the record of a published network.

    Args:
        layout: which one.
        vertices: that PyMAF samples at.
        topology: of the body it was trained on, if the file tells.
    """
    return {
        "version": __version__,
        "origin": TITLES[layout.kind],
        "body": {"name": "smpl", "gender": "neutral", "topology": topology},
        "image_size": IMAGE_SIZE,
        "network": {
            "backbone": {"_target_": "pymaf_pl.models.backbone.ResNet", "depth": 50, "width": 64, "weights": None},
            "model": _hmr(layout) if layout.kind == "spin" else _pymaf(layout, vertices),
        },
        # enough to measure; the dense loss would unwrap the body for nothing
        "losses": {
            "iteration_weights": None,
            "terms": {name: {"_target_": f"pymaf_pl.losses.{term}"} for name, term in _TERMS.items()},
            "dense": None,
        },
        "channels_last": True,
    }


def _hmr(layout: Layout) -> dict[str, Any]:
    return {"_target_": "pymaf_pl.models.hmr", "num_iterations": layout.num_iterations} | _regressor(detach=False)


def _pymaf(layout: Layout, vertices: list[int] | None) -> dict[str, Any]:
    return {
        "_target_": "pymaf_pl.models.pymaf",
        "feedback": {
            "_target_": "pymaf_pl.models.feedback.grid_then_mesh",
            "_partial_": True,
            "grid_side": GRID_SIDE,
            "vertices": vertices,
        },
        "pyramid": {"_target_": "pymaf_pl.models.pyramid.DeconvPyramid", "_partial_": True},
        "num_iterations": layout.num_iterations,
        "pyramid_channels": POINT_CHANNELS[0],
        "pyramid_levels": 3,
        "point_channels": list(POINT_CHANNELS[1:]),
        "align_corners": True,
        "dense_head": layout.dense_head,
    } | _regressor(detach=True)


def _regressor(detach: bool) -> dict[str, Any]:
    return {
        "hidden": _HIDDEN,
        "dropout": _DROPOUT,
        "head_gain": _HEAD_GAIN,
        "activation": "none",
        "rotation": "6d",
        "pose_noise": None,
        "detach": detach,
    }
