"""What a run takes over from the weights it starts from, beside the weights."""

import inspect

from hydra.utils import get_object
from omegaconf import DictConfig, open_dict

from pymaf_pl.checkpoints import read_checkpoint


def adopt_points(config: DictConfig, path: str) -> None:
    """Let the network sample at the vertices that a checkpoint names, unless the configuration names others.

    Which vertices is no part of the weights: at others they would load, and mean something else. The published PyMAF
    has its own.

    Args:
        config: of the run; ``model.feedback.vertices`` or ``seed`` is set.
        path: of the checkpoint.

    Raises:
        InputError: it cannot be read.
    """
    feedback = config.model.get("feedback")
    if feedback is None or feedback.get("vertices") is not None or feedback.get("seed") is not None:
        return
    if "vertices" not in inspect.signature(get_object(feedback["_target_"])).parameters:
        return
    model = read_checkpoint(path).record.get("network", {}).get("model", {})
    known = model.get("feedback") or {}
    with open_dict(feedback):
        feedback.update({key: known[key] for key in ("vertices", "seed") if known.get(key) is not None})
