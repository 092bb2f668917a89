"""What a run takes over from the weights it starts from, beside the weights."""

import inspect

from hydra.utils import get_object
from omegaconf import DictConfig, open_dict

from pymaf_pl.checkpoints import read_checkpoint


def adopt_settings(config: DictConfig, path: str) -> None:
    """Take over what is no part of a checkpoint's weights and yet of what they mean, unless the configuration says it.

    The vertices that are sampled: at others the weights would load, and mean something else; the published PyMAF has
    its own. And ``pose_noise``, without which the shipped model would give other poses.

    Args:
        config: of the run; ``model.pose_noise`` and ``model.feedback.vertices`` or ``seed`` are set.
        path: of the checkpoint.

    Raises:
        InputError: it cannot be read.
    """
    model = read_checkpoint(path).record.get("network", {}).get("model", {})
    if config.model.get("pose_noise") is None and model.get("pose_noise") is not None:
        with open_dict(config.model):
            config.model.pose_noise = model["pose_noise"]
    feedback = config.model.get("feedback")
    if feedback is None or feedback.get("vertices") is not None or feedback.get("seed") is not None:
        return
    if "vertices" not in inspect.signature(get_object(feedback["_target_"])).parameters:
        return
    known = model.get("feedback") or {}
    with open_dict(feedback):
        feedback.update({key: known[key] for key in ("vertices", "seed") if known.get(key) is not None})
