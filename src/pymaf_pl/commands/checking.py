"""Whether a job can be: everything that can be known before its data are read and its device is taken."""

import json
from pathlib import Path
from typing import Any

from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf

from pymaf_pl.body import BodyModel
from pymaf_pl.commands.building import build_data, build_losses, build_network
from pymaf_pl.commands.combinations import drop_idle_dense_head
from pymaf_pl.commands.signatures import check_signatures
from pymaf_pl.commands.starting import adopt_settings
from pymaf_pl.commands.train import start_from
from pymaf_pl.errors import InputError, input_error_behind

_NETWORK = ("backbone", "model", "body", "losses", "image_size", "init_from")  # what a network depends on
_DATA = ("data", "protocol", "augmentation", "crop", "image_size", "body")


class JobChecker:
    """Checks configurations; what it has built once for one of them it does not build again."""

    def __init__(self) -> None:
        self._bodies: dict[str, BodyModel] = {}
        self._seen: set[str] = set()

    def check(self, config: DictConfig) -> None:
        """Build a job's network with random weights, its losses and its curriculum.

        Raises:
            InputError: one of them is impossible.
        """
        check_signatures(config)
        config = config.copy()
        drop_idle_dense_head(config)
        plain: Any = OmegaConf.to_container(config, resolve=True)
        parts, data = (json.dumps({key: plain[key] for key in keys}) for keys in (_NETWORK, _DATA))
        try:
            body = self._body(config.body)
            if parts not in self._seen:
                self._build(config, body)
            if data not in self._seen:
                build_data(config, body.name)
        except Exception as error:
            mistake = input_error_behind(error)
            if mistake is None:
                raise
            raise mistake from None
        self._seen |= {parts, data}

    def _body(self, node: DictConfig) -> BodyModel:
        key = OmegaConf.to_yaml(node, resolve=True)
        if key not in self._bodies:
            self._bodies[key] = instantiate(node)
        return self._bodies[key]

    def _build(self, config: DictConfig, body: BodyModel) -> None:
        plain: Any = OmegaConf.to_container(config, resolve=True)
        weights = plain["backbone"].get("weights")
        if weights not in (None, "imagenet") and not Path(weights).expanduser().is_file():
            raise InputError(f"backbone.weights={weights}: no such file")
        if config.init_from is not None:
            adopt_settings(config, config.init_from)
            plain["model"] = OmegaConf.to_container(config.model, resolve=True)
        # without ImageNet's weights: nothing is fetched for a check
        network = build_network({**plain, "backbone": {**plain["backbone"], "weights": None}}, body)
        build_losses(config, body)
        if config.init_from is not None:
            start_from(config.init_from, network, body)
