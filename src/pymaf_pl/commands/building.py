"""From a configuration to objects."""

from collections.abc import Mapping
from typing import Any, cast

import pytorch_lightning as pl
import torch
from hydra.errors import InstantiationException
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf

from pymaf_pl import __version__
from pymaf_pl.body import BodyModel
from pymaf_pl.engine.datamodule import CurriculumData
from pymaf_pl.errors import InputError
from pymaf_pl.losses import FeedbackLoss
from pymaf_pl.models import FeedbackNetwork


def build_network(config: Mapping[str, Any] | DictConfig, body: BodyModel) -> FeedbackNetwork:
    """Build the network of ``config["backbone"]`` and ``config["model"]``."""
    return instantiate(config["model"], backbone=instantiate(config["backbone"]), body=body)


def build_losses(config: DictConfig, body: BodyModel) -> FeedbackLoss:
    """Build the losses of ``config.losses``; the dense one shares the body."""
    losses = config.losses
    return FeedbackLoss(
        body=body,
        # one by one: OmegaConf would wrap dataclass instances that stand in a dictionary
        terms={name: instantiate(term) for name, term in losses.terms.items()},
        dense=None if losses.dense is None else instantiate(losses.dense, body=body),
        iteration_weights=cast(Any, OmegaConf.to_container(losses, resolve=True))["iteration_weights"],
    )


def build_data(config: DictConfig, body_model: str) -> CurriculumData:
    """Build sources, curriculum and loaders of ``config.data``, validated on ``config.protocol.source``.

    Keys of ``config.data`` that are not named here only serve other keys (folders, sizes of our worlds).
    """
    data = config.data
    return CurriculumData(
        sources={name: instantiate(source, _convert_="all") for name, source in data.sources.items()},
        validation=instantiate(config.protocol.source, _convert_="all"),
        stages=cast(list[dict[str, Any]], OmegaConf.to_container(data.stages, resolve=True)),
        body_model=body_model,
        image_size=config.image_size,
        batch_size=data.batch_size,
        eval_batch_size=data.eval_batch_size,
        samples_per_epoch=data.samples_per_epoch,
        augmentation=instantiate(config.augmentation),
        crop=instantiate(config.crop),
        num_workers=data.num_workers,
        seed=config.seed,
        groups=cast(dict[str, list[str]], OmegaConf.to_container(data.groups, resolve=True)),
    )


def make_trainer(node: DictConfig, **given: Any) -> pl.Trainer:
    """Build the trainer of ``config.trainer``.

    Raises:
        InputError: Lightning refuses it: a device that is not here, a precision that does not exist.
    """
    accelerator = node.accelerator
    if accelerator == "auto":  # Lightning would take Apple's MPS, which has no float64 for metrics and rasteriser
        accelerator = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        return instantiate(node, accelerator=accelerator, **given)
    except InstantiationException as error:
        reason = str(error.__cause__ or error).strip().splitlines()[0]
        raise InputError(f"trainer: {reason}") from error


def checkpoint_record(config: DictConfig, body: BodyModel) -> dict[str, Any]:
    """Return the plain values that a checkpoint keeps so that its network can be built again."""
    plain = OmegaConf.to_container(config, resolve=True)
    assert isinstance(plain, dict)
    network = {"backbone": {**plain["backbone"], "weights": None}, "model": plain["model"]}
    return {
        "version": __version__,
        "body": {"name": body.name, "gender": body.gender, "topology": body.topology},
        "image_size": plain["image_size"],
        "network": network,
        "losses": plain["losses"],
        "channels_last": True,
    }
