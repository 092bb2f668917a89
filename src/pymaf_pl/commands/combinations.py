"""Choices that are fine one by one and make no sense together; answered before anything heavy is imported.

What only the parts themselves can know (channels, points, levels) they check when they are built, also before training.
"""

import logging
from collections.abc import Mapping
from typing import Any

from omegaconf import DictConfig, OmegaConf

from pymaf_pl.engine.tracker_packages import require_for
from pymaf_pl.errors import InputError

log = logging.getLogger(__name__)
_PARTS = ("pyramid", "feedback")  # groups whose options stand in the model
_ONE_MAP = ("FixedPyramid", "NoPyramid")  # meant to be read at every iteration


def check_combinations(config: DictConfig) -> None:
    """Refuse a configuration for training whose choices contradict each other.

    Raises:
        InputError: says which, why, and what would be right.
    """
    plain: Any = OmegaConf.to_container(config, resolve=True)
    _check_parts(plain["model"])
    _check_levels(plain["model"])
    _check_dense(plain["model"], plain["losses"]["dense"])
    _check_terms(plain["losses"], plain["model"]["num_iterations"])
    _check_stages(plain["data"]["stages"], plain["losses"]["terms"])
    for logger in (plain["logger"] or {}).values():
        require_for(logger["_target_"])


def drop_idle_dense_head(config: DictConfig) -> None:
    """Leave the dense head out, in the configuration itself, where no loss would train it."""
    if config.losses.dense is None and config.model.get("dense_head"):
        config.model.dense_head = False
        log.info("losses.dense=null: the network is built without its dense head, which would learn nothing")


def _check_parts(model: Mapping[str, Any]) -> None:
    for part in _PARTS:
        if part not in model:
            continue
        if not isinstance(model[part], Mapping):
            raise InputError(f"model.{part}={model[part]}: an option of a group is chosen by {part}={model[part]}")
        if model["_target_"] == "pymaf_pl.models.hmr":
            raise InputError(
                f"model=hmr reads the backbone's deepest map as a whole and has no use for {part}=...; leave it out, "
                "or choose model=pymaf"
            )


def _check_levels(model: Mapping[str, Any]) -> None:
    """Hold a height that somebody chose against the iterations; without one they read the third map again."""
    levels, iterations = model.get("pyramid_levels"), model["num_iterations"]
    if not (isinstance(levels, int) and isinstance(iterations, int)) or levels < 1:
        return  # answered by others
    if iterations > levels and not str(model["pyramid"].get("_target_")).endswith(_ONE_MAP):
        raise InputError(
            f"model.num_iterations={iterations}: model.pyramid_levels={levels} makes fewer maps than that; raise it, "
            "set it to null (three maps, the finest read again), or take pyramid=fixed, one map for all"
        )


def _check_dense(model: Mapping[str, Any], dense: Any) -> None:
    if dense is not None and model.get("dense_head") is False:
        raise InputError(
            "model.dense_head=false: losses.dense has nothing to supervise; switch both off by losses.dense=null"
        )
    if dense is None and model.get("dense_size") is not None:
        raise InputError(
            f"model.dense_size={model['dense_size']}: with losses.dense=null there is no dense head; leave one out"
        )


def _check_terms(losses: Mapping[str, Any], num_iterations: int) -> None:
    terms, weights = losses["terms"], losses["iteration_weights"]
    for name, term in terms.items():
        if term is None:
            raise InputError(f"losses.terms.{name}=null: a term is switched off by losses.terms.{name}.weight=0")
    if losses["dense"] is None and not any(term.get("weight", 1) for term in terms.values()):
        raise InputError("losses: every term has weight 0 and there is no dense loss; nothing would be learnt")
    named = weights if isinstance(weights, Mapping) else {} if weights is None else {"": weights}
    for name, values in named.items():
        if name and name not in terms:
            raise InputError(f"losses.iteration_weights.{name}: there are the terms {', '.join(terms)}")
        if not isinstance(values, list) or len(values) != num_iterations:
            key = ".".join(filter(None, ("losses.iteration_weights", name)))
            count = len(values) if isinstance(values, list) else 1
            raise InputError(f"{key} has {count} values for {num_iterations} iterations; give one number for each")


def _check_stages(stages: Any, terms: Mapping[str, Any]) -> None:
    for stage in stages if isinstance(stages, list) else []:
        for name in stage.get("losses") or {} if isinstance(stage, Mapping) else {}:
            if name not in terms:
                raise InputError(
                    f"data.stages: stage '{stage.get('name')}': losses.{name}: there are the terms {', '.join(terms)}"
                )
