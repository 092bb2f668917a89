"""``pymaf train``: one training run, from configuration to report."""

import fcntl
import logging
import os
import shutil
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, cast

import pytorch_lightning as pl
import torch
from hydra.core.hydra_config import HydraConfig
from hydra.utils import get_class, instantiate
from lightning_fabric.plugins.environments.slurm import SLURMEnvironment
from omegaconf import DictConfig, OmegaConf
from pytorch_lightning.callbacks import ModelCheckpoint
from pytorch_lightning.loggers import WandbLogger

from pymaf_pl.atomic import replacing
from pymaf_pl.body import BodyModel
from pymaf_pl.checkpoints import Checkpoint, load_weights, read_checkpoint
from pymaf_pl.commands.building import (
    build_data,
    build_losses,
    build_network,
    checkpoint_record,
    make_trainer,
)
from pymaf_pl.commands.combinations import check_combinations, drop_idle_dense_head
from pymaf_pl.commands.cost import network_cost
from pymaf_pl.commands.ending import naming
from pymaf_pl.commands.lineage import chosen
from pymaf_pl.commands.parent import PARENT
from pymaf_pl.commands.results import publish_results
from pymaf_pl.commands.signatures import check_signatures
from pymaf_pl.commands.starting import adopt_settings
from pymaf_pl.commands.sweep_plan import without_sweep
from pymaf_pl.commands.tracking import build_loggers
from pymaf_pl.engine.checkpoint_files import LastCheckpoint, WholeCheckpoints
from pymaf_pl.engine.clock import TrainingClock
from pymaf_pl.engine.datamodule import CurriculumData
from pymaf_pl.engine.finite import FiniteLoss
from pymaf_pl.engine.module import PyMAFModule
from pymaf_pl.engine.panels import show_people, show_record
from pymaf_pl.engine.progress_file import ProgressFile
from pymaf_pl.engine.run_files import run_record, write_json, write_text
from pymaf_pl.engine.sharding import put_together
from pymaf_pl.engine.stopping import StopOnSignal
from pymaf_pl.errors import InputError
from pymaf_pl.models import FeedbackNetwork

log = logging.getLogger(__name__)


def train(config: DictConfig, repeats: Path | None = None) -> float:
    """Train, measure and report one run; return the protocol's figure of the last iteration, for sweeps.

    Args:
        config: of the run.
        repeats: folder of the run that it was taken from, if any.

    Raises:
        InputError: configuration, data or checkpoint are wrong; raised before training starts.
    """
    quiet_libraries()
    run_dir = Path(HydraConfig.get().runtime.output_dir)
    check_signatures(config)
    check_combinations(config)  # here too: of a sweep only the first job was looked at before
    drop_idle_dense_head(config)
    without_sweep(config)
    if config.threads is not None:
        torch.set_num_threads(config.threads)
    pl.seed_everything(config.seed, workers=True, verbose=False)

    resume = _resume_from(config.resume, run_dir)
    if start := resume or config.init_from:
        adopt_settings(config, start)
    body: BodyModel = instantiate(config.body)
    data = build_data(config, body.name)
    data.check_files()
    network = build_network(config, body)
    if config.compile is not None:
        compile_network(network, config.compile)
    if config.init_from is not None:
        start_from(config.init_from, network, body)
    if resume is not None:  # Lightning resumes by itself, but would not say in one line what is wrong
        whole = start_from(resume, network, body, "; resume=null or another hydra.run.dir starts afresh")
        if whole.card is not None or whole.origin is not None:
            raise InputError(f"resume={resume}: it holds weights alone; init_from={resume} starts from them")
    with _alone(run_dir.parent):
        data.prepare_data()
    trainer = build_trainer(config, run_dir, data)
    module = PyMAFModule(
        network=network,
        losses=build_losses(config, body),
        protocol=instantiate(config.protocol.measure),
        optimizer=instantiate(config.optimizer),
        schedule=instantiate(config.scheduler),
        total_steps=_total_steps(trainer, data),
        stages=data.stages,
        steps_per_epoch=data.steps_per_epoch(trainer.world_size, trainer.accumulate_grad_batches),
        seed=config.seed,
        record=checkpoint_record(config, body),
    )
    tables = [file for people in (data.val_set, *data.train_sets.values()) for file in people.table.files]
    device = f"{trainer.strategy.root_device} x {trainer.num_devices}"
    if trainer.is_global_zero:
        write_text(run_dir / "config.yaml", OmegaConf.to_yaml(config, resolve=True))
        record = (
            run_record(module.record["body"], config.seed, device, tables) | chosen(repeats) | _shares(trainer, data)
        )
        write_json(run_dir / "run.json", record)
        for logger in trainer.loggers:
            show_record(logger, run_dir, cast(dict[str, Any], OmegaConf.to_container(config, resolve=True)))
        log.info("training on %s, %d steps; files in %s", device, module.total_steps, run_dir)

    last, body_directory = run_dir / "checkpoints" / "last.ckpt", config.body.get("directory")
    with naming(last) if config.resume == "auto" else nullcontext():
        trainer.fit(module, datamodule=data, ckpt_path=resume, weights_only=True)
    put_together(trainer, module, last, body_directory)
    if module.rows_step != module.global_step:  # the last epoch's validation has measured the final weights already
        trainer.validate(module, datamodule=data, verbose=False)
        put_together(trainer, module, last, body_directory)
    if trainer.is_global_zero:
        _keep_best(run_dir / "checkpoints")
        cost = network_cost(module.network, config.image_size, trainer.strategy.root_device)
        step, shown_people = trainer.global_step, config.report_people
        shown = publish_results(run_dir, module, data.val_set, shown_people, str(config.name), step, cost)
        for logger in trainer.loggers:
            show_people(logger, run_dir, module.protocol.name, shown.people, shown.meshes, step)
        figure = {"figure": module.protocol.monitor, "value": float(module.rows[-1][module.protocol.monitor])}
        ended = datetime.now().astimezone().isoformat(timespec="seconds")
        # the last file of a run: who finds an outcome finds everything else
        outcome = figure | {"step": step, "ended": ended}
        write_json(run_dir / "run.json", record | {"cost": _training_cost(trainer), "outcome": outcome})
    for logger in trainer.loggers:
        if isinstance(logger, WandbLogger):
            logger.experiment.finish()  # or the next job of a sweep would log into this run
    return float(module.rows[-1][module.protocol.monitor])


def compile_network(network: FeedbackNetwork, backend: str) -> None:
    """Let ``torch.compile`` work on the network's forward pass, in place: weights keep their names in checkpoints."""
    known = torch.compiler.list_backends(exclude_tags=())
    if backend not in known:
        raise InputError(f"compile={backend}: torch knows {', '.join(known)}")
    network.compile(backend=backend)


def build_trainer(config: DictConfig, run_dir: Path, data: CurriculumData) -> pl.Trainer:
    """Build the trainer with its loggers and callbacks; all files go to ``run_dir``."""
    callbacks: list[Any] = [instantiate(node) for node in config.callbacks.values()]
    folder = run_dir / "checkpoints"
    # "last" is where the run stands whatever the validation says, "best" the monitored figure
    last = folder / "last.ckpt"
    callbacks += [
        FiniteLoss(last),
        ProgressFile(run_dir),
        TrainingClock(),
        StopOnSignal(last),
        *(LastCheckpoint(folder, filename="last", enable_version_counter=False, **when) for when in _when(config)),
        ModelCheckpoint(folder, filename="last", save_on_train_epoch_end=True, enable_version_counter=False),
        ModelCheckpoint(
            folder, filename="best", monitor="val/monitor", mode=_monitor_mode(config), enable_version_counter=False
        ),
    ]
    plugins: list[Any] = [WholeCheckpoints()]
    if SLURMEnvironment.detect() and os.environ.get(PARENT):  # whoever started this job requeues it
        plugins.append(SLURMEnvironment(auto_requeue=False))
    max_epochs = config.trainer.max_epochs
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return make_trainer(
            config.trainer,
            callbacks=callbacks,
            logger=build_loggers(config, run_dir),
            plugins=plugins,
            max_epochs=data.num_epochs if max_epochs is None else max_epochs,
            use_distributed_sampler=False,
            default_root_dir=str(run_dir),
        )


def _training_cost(trainer: pl.Trainer) -> dict[str, Any]:
    """How long the run trained, and on what, for the run's record."""
    clock = next(callback for callback in trainer.callbacks if isinstance(callback, TrainingClock))  # type: ignore[attr-defined]
    device = trainer.strategy.root_device.type
    return {"training_seconds": round(clock.seconds, 2), "processes": trainer.world_size, "device": device}


def quiet_libraries() -> None:
    """Leave the libraries' advice out of the log; warnings that matter have their own line in ours."""
    os.environ.setdefault("WANDB_SILENT", "true")
    logging.getLogger("pytorch_lightning").setLevel(logging.WARNING)
    logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)
    for text in (
        "LeafSpec",  # Lightning's own use of a deprecated class
        "does not have many workers",  # two cores have no more
        "Checkpoint directory .* exists",  # that is how a run resumes
        "your dataloader is not resumable",  # its sampler is: CurriculumSampler
        "could not find the monitored key",  # a run that ends before its first validation
        "smaller than the logging interval",
        "sync_dist=True",  # every process has gathered all people already
        "srun",
    ):
        warnings.filterwarnings("ignore", message=f".*{text}.*")
    torch.set_float32_matmul_precision("highest")


def _when(config: DictConfig) -> list[dict[str, Any]]:
    """How often ``last.ckpt`` is written inside an epoch: by the clock, by steps, both or never."""
    found: list[dict[str, Any]] = []
    for key, name in (("checkpoint_minutes", "train_time_interval"), ("checkpoint_steps", "every_n_train_steps")):
        if (value := config[key]) is None:
            continue
        if value <= 0:
            raise InputError(f"{key}={value}: it is above 0, or null for never")
        found.append({name: timedelta(minutes=value) if key == "checkpoint_minutes" else value})
    return found


def _monitor_mode(config: DictConfig) -> str:
    protocol: Any = get_class(config.protocol.measure._target_)
    return str(protocol.monitor_mode)


def _total_steps(trainer: pl.Trainer, data: CurriculumData) -> int:
    epochs = trainer.max_epochs or data.num_epochs
    steps = data.total_steps(epochs, trainer.world_size, trainer.accumulate_grad_batches)
    return steps if trainer.max_steps < 0 else min(steps, trainer.max_steps)


def _shares(trainer: pl.Trainer, data: CurriculumData) -> dict[str, Any]:
    """How a batch is shared out, for the run's record."""
    accumulated = trainer.accumulate_grad_batches
    return {
        "processes": trainer.world_size,
        "nodes": trainer.num_nodes,
        "accumulated_batches": accumulated,
        "global_batch": data.batch_size * trainer.world_size * accumulated,
    }


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Let jobs that start together prepare their data one after the other: the first one renders for all."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".preparing").open("a") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        yield


def _keep_best(folder: Path) -> None:
    """Without a validation during training the last weights are the only ones measured, and so the best."""
    if not (folder / "best.ckpt").exists() and (folder / "last.ckpt").exists():
        with replacing(folder / "best.ckpt") as draft:
            shutil.copyfile(folder / "last.ckpt", draft)


def start_from(path: str, network: FeedbackNetwork, body: BodyModel, way_out: str = "") -> Checkpoint:
    """Load a checkpoint's weights into a network; what is wrong with them is said in one line, with a way out."""
    checkpoint = read_checkpoint(path)
    try:
        checkpoint.check_body(body.name, body.topology)
        load_weights(network, checkpoint)
    except InputError as error:
        raise InputError(f"{error}{way_out}") from None
    return checkpoint


def _resume_from(resume: str | None, run_dir: Path) -> str | None:
    if resume is None:
        return None
    if resume == "auto":
        last = run_dir / "checkpoints" / "last.ckpt"
        return str(last) if last.is_file() else None
    if not Path(resume).is_file():
        raise InputError(f"resume={resume}: no such checkpoint; give a path, auto or null")
    return resume
