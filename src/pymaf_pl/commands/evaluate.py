"""``pymaf eval``: measure a checkpoint by a named protocol."""

import logging
from functools import partial
from pathlib import Path

import pytorch_lightning as pl
from hydra.core.hydra_config import HydraConfig
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf
from torch.utils.data import DataLoader

from pymaf_pl.body import BodyModel
from pymaf_pl.checkpoints import Checkpoint, read_checkpoint
from pymaf_pl.commands.building import make_trainer
from pymaf_pl.commands.cost import network_cost
from pymaf_pl.commands.lineage import chosen, training_of
from pymaf_pl.commands.results import publish_results
from pymaf_pl.commands.signatures import check_signatures
from pymaf_pl.commands.train import quiet_libraries
from pymaf_pl.data.annotations import Annotations
from pymaf_pl.data.dataset import EvaluationDataset, PersonDataset, one_thread_per_worker
from pymaf_pl.engine.module import PyMAFModule
from pymaf_pl.engine.optim import adam
from pymaf_pl.engine.run_files import run_record, write_json, write_text
from pymaf_pl.engine.sharding import put_together
from pymaf_pl.errors import InputError
from pymaf_pl.metrics.protocols import Protocol
from pymaf_pl.rebuilding import losses_from_checkpoint, network_from_checkpoint

log = logging.getLogger(__name__)


def evaluate(config: DictConfig) -> float:
    """Measure every iteration of a checkpoint; return the protocol's figure of the last one.

    Raises:
        InputError: checkpoint, body or data are wrong, or what they give would not be comparable to published figures.
    """
    quiet_libraries()
    run_dir = Path(HydraConfig.get().runtime.output_dir)
    check_signatures(config)
    checkpoint = read_checkpoint(config.checkpoint)
    checkpoint.check_body_name(config.body.get("name"))
    network, body = network_from_checkpoint(checkpoint, config.body.directory)
    table, root = load_people(config.protocol)
    people = PersonDataset(table, root, checkpoint.record["image_size"], body.name, crop=instantiate(config.crop))
    module = PyMAFModule(
        network=network,
        losses=losses_from_checkpoint(checkpoint, body),
        protocol=instantiate(config.protocol.measure),
        optimizer=partial(adam),
        total_steps=checkpoint.step,
        record=checkpoint.record,
    )
    check_comparable(module.protocol, people, body, config.protocol.partial)
    trainer = make_trainer(
        config.trainer, logger=False, enable_checkpointing=False, default_root_dir=str(run_dir),
        callbacks=[pl.callbacks.RichProgressBar()],
    )  # fmt: skip
    loader = DataLoader(
        EvaluationDataset(people),
        batch_size=config.batch_size,
        num_workers=config.num_workers,
        worker_init_fn=one_thread_per_worker,
    )
    if trainer.is_global_zero:
        write_text(run_dir / "config.yaml", OmegaConf.to_yaml(config, resolve=True))
        device, files = str(trainer.strategy.root_device), [checkpoint.path, *table.files]
        record = run_record(checkpoint.record["body"], 0, device, files) | chosen()
        measured = {"name": checkpoint.name, "system": system_of(checkpoint)}
        write_json(run_dir / "run.json", record | {"trained": training_of(checkpoint), "measured": measured})
    trainer.validate(module, loader, verbose=False)
    put_together(trainer, module, checkpoint.path, config.body.directory)
    if trainer.is_global_zero:
        title = f"{checkpoint.name} by {module.protocol.name}"
        cost = network_cost(module.network, checkpoint.record["image_size"], trainer.strategy.root_device)
        publish_results(run_dir, module, people, config.report_people, title, checkpoint.step, cost)
    return float(module.rows[-1][module.protocol.monitor])


def system_of(checkpoint: Checkpoint) -> str:
    """Return which row of the paper's tables a network belongs beside: HMR's is the Baseline's when we trained it."""
    target = str(checkpoint.record["network"]["model"]["_target_"]).rpartition(".")[2]
    if target == "pymaf":
        return "PyMAF"
    return "SPIN" if checkpoint.origin is not None else "Baseline"


def load_people(protocol: DictConfig) -> tuple[Annotations, Path]:
    """Read the people of a protocol, rendering synthetic ones that are missing.

    Raises:
        InputError: they are not there; says how to get them.
    """
    source = instantiate(protocol.source, _convert_="all")
    try:
        source.prepare()
        return source.load()
    except InputError as error:
        if "obtain" not in protocol:
            raise
        raise InputError(
            f"{error}; `{protocol.obtain}` makes the table, protocol.root and protocol.table say where"
        ) from None


def check_comparable(protocol: Protocol, people: PersonDataset, body: BodyModel, partial: bool) -> None:
    """Let a protocol look at the people, and stop where its figures would not be what its name says.

    Raises:
        InputError: something is missing, or there is a reservation and nobody asked for such figures.
    """
    protocol.attach(people.table, people.image_root, body)
    if protocol.reservations and not partial:
        raise InputError(
            f"{protocol.name}: {'; '.join(protocol.reservations)}; protocol.partial=true measures all the same and "
            "marks the figures as not comparable"
        )
