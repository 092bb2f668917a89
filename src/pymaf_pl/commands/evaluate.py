"""``pymaf eval``: measure a checkpoint by a named protocol."""

import logging
from functools import partial
from pathlib import Path

import pytorch_lightning as pl
from hydra.core.hydra_config import HydraConfig
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf
from torch.utils.data import DataLoader

from pymaf_pl.checkpoints import read_checkpoint
from pymaf_pl.commands.building import check_signatures, make_trainer
from pymaf_pl.commands.lineage import chosen, training_of
from pymaf_pl.commands.results import publish_results
from pymaf_pl.commands.train import quiet_libraries
from pymaf_pl.data.dataset import EvaluationDataset, PersonDataset, one_thread_per_worker
from pymaf_pl.engine.module import PyMAFModule
from pymaf_pl.engine.optim import adam, constant
from pymaf_pl.engine.run_files import run_record, write_json, write_text
from pymaf_pl.rebuilding import losses_from_checkpoint, network_from_checkpoint

log = logging.getLogger(__name__)


def evaluate(config: DictConfig) -> float:
    """Measure every iteration of a checkpoint; return the protocol's figure of the last one.

    Raises:
        InputError: checkpoint, body or data are wrong.
    """
    quiet_libraries()
    run_dir = Path(HydraConfig.get().runtime.output_dir)
    check_signatures(config)
    checkpoint = read_checkpoint(config.checkpoint)
    checkpoint.check_body_name(config.body.get("name"))
    network, body = network_from_checkpoint(checkpoint, config.body.directory)
    source = instantiate(config.protocol.source, _convert_="all")
    source.prepare()
    table, root = source.load()
    people = PersonDataset(table, root, checkpoint.record["image_size"], body.name)
    module = PyMAFModule(
        network=network,
        losses=losses_from_checkpoint(checkpoint, body),
        protocol=instantiate(config.protocol.measure),
        optimizer=partial(adam),
        scheduler=constant,
        total_steps=checkpoint.step,
        record=checkpoint.record,
    )
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
        write_json(run_dir / "run.json", record | {"trained": training_of(checkpoint)})
    trainer.validate(module, loader, verbose=False)
    if trainer.is_global_zero:
        title = f"{checkpoint.name} by {module.protocol.name}"
        publish_results(run_dir, module, people, config.report_people, title, checkpoint.step)
    return float(module.rows[-1][module.protocol.monitor])
