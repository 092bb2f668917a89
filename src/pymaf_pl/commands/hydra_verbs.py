"""``pymaf train`` and ``pymaf eval``: check the overrides, then hand over to Hydra."""

import functools
import os
import sys
import time
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path

import hydra
from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig

from pymaf_pl.commands.combinations import check_combinations
from pymaf_pl.commands.composing import at_home, available, compose_config
from pymaf_pl.commands.ending import one_line_if_full
from pymaf_pl.commands.eval_plan import EvalPlan, plan_of
from pymaf_pl.commands.parent import follow_parent, is_later_rank
from pymaf_pl.commands.repeating import repeat_words
from pymaf_pl.commands.sweep_plan import is_sweep, without_sweep
from pymaf_pl.errors import InputError, input_error_behind
from pymaf_pl.paths import conf_dir

_HELP = {
    "train": """usage: pymaf train [-m] [--from RUN_DIR] [KEY=VALUE ...]

Train one network; with -m, one for every combination of comma-separated values: a sweep, which can be killed and
typed again (docs/sweeps.md). With --from, repeat a run as it was.

examples:
  pymaf train experiment=demo
  pymaf train experiment=demo model.num_iterations=1
  pymaf train experiment=demo model=hmr seed=1
  pymaf train experiment=demo feedback=mesh_only pyramid=lateral
  pymaf train experiment=lspet data.root=FOLDER        real photographs
  pymaf train body=smpl body.directory=~/smpl
  pymaf train -m experiment=demo model.num_iterations=1,2,3 seed=0,1,2
  pymaf train -m +sweep=iterations scale=tiny          an ablation; also {sweeps}
  pymaf train -m +sweep=iterations launcher.workers=4  four jobs at a time, a GPU each; or launcher=slurm
  pymaf train --from runs/demo seed=1                  the same again, but for the seed
  pymaf train experiment=demo hydra.run.dir=runs/mine  a folder of your choice; the same command resumes there
  pymaf train experiment=demo --cfg job                print the configuration and stop""",
    "eval": """usage: pymaf eval [-m] [KEY=VALUE ...]

Measure a model after every feedback iteration: the shipped one, or a checkpoint. Protocols are defined in
docs/protocols.md.

examples:
  pymaf eval protocol=synthetic_val                    the shipped model, pymaf-small
  pymaf eval checkpoint=runs/demo/checkpoints/last.ckpt
  pymaf eval checkpoint=runs/demo/checkpoints/best.ckpt protocol=lspet protocol.root=FOLDER
  pymaf eval protocol=[synthetic_val,ssp3d_synthetic,lsp_synthetic,coco_synthetic]   one folder for each
  pymaf eval checkpoint=PyMAF_model_checkpoint.pt body=smpl body.directory=~/smpl protocol=3dpw
  pymaf eval -m experiment=table_s1_synthetic checkpoint=pymaf-small,runs/demo/checkpoints/last.ckpt
                                                       a table of the paper; also {tables}""",
}
_GROUPS = {
    "train": ("experiment", "model", "backbone", "pyramid", "feedback", "body", "losses", "optimizer", "scheduler",
              "crop", "augmentation", "data", "protocol", "trainer", "callbacks", "logger", "scale", "compat",
              "launcher"),
    "eval": ("protocol", "body", "crop", "trainer"),
}  # fmt: skip


def train(arguments: Sequence[str]) -> int:
    """Run ``pymaf train``."""
    follow_parent()
    if _wants_help(arguments):
        print(_help("train"))
        return 0
    source, arguments = _take_from(arguments)
    flags, overrides = _split("train", arguments)
    several = "-m" in flags or "--multirun" in flags
    if source is not None:
        if several:
            raise InputError("--from repeats one run; for a sweep give its command again, with sweep.new=true")
        return _again(source, flags, overrides)
    if several and set(flags) <= {"-m", "--multirun"}:
        from pymaf_pl.commands.sweep import sweep

        return sweep(overrides)
    config = compose_config("train", overrides, with_hydra=True)
    if not several:
        _check_single(config, overrides)
    check_combinations(without_sweep(config))
    return _run("train", "pymaf_pl.commands.train:train", flags, overrides)


def evaluate(arguments: Sequence[str]) -> int:
    """Run ``pymaf eval``."""
    if _wants_help(arguments):
        print(_help("eval"))
        return 0
    flags, overrides = _split("eval", arguments)
    several = {"-m", "--multirun"}.intersection(flags)
    plan = plan_of(overrides, bool(several))
    if plan is not None:
        return _measure_all(plan, [flag for flag in flags if flag not in several])
    compose_config("eval", overrides)
    return _run("eval", "pymaf_pl.commands.evaluate:evaluate", flags, overrides)


def _measure_all(plan: EvalPlan, flags: Sequence[str]) -> int:
    """Measure one after another; what one of them lacks does not keep the others from being measured."""
    wrong: list[str] = []
    code = 0
    for job in plan.jobs:
        try:
            code = _run("eval", "pymaf_pl.commands.evaluate:evaluate", flags, job.overrides) or code
        except InputError as error:
            wrong.append(str(error))
    if plan.table is not None and not flags and not is_later_rank():
        from pymaf_pl.commands.paper_table import publish_table

        publish_table(plan)
    if len(wrong) > 1:
        for line in wrong[:-1]:
            print(f"pymaf eval: {line}", file=sys.stderr)
    if wrong:
        raise InputError(wrong[-1])
    return code


def _again(source: Path, flags: Sequence[str], overrides: Sequence[str]) -> int:
    """Repeat the run of a folder, with its configuration as it was resolved then."""
    words = repeat_words(source, overrides)
    check_combinations(compose_config("config", words, folder=source))
    given = ["--from", str(source), *overrides]
    return _run("train", "pymaf_pl.commands.train:train", flags, words, source=source, typed=given)


def _check_single(config: DictConfig, overrides: Sequence[str]) -> None:
    """Refuse a sweep without ``-m``; the jobs of a sweep say ``hydra.mode=RUN``."""
    if any(word.replace(" ", "") == "hydra.mode=RUN" for word in overrides):
        return
    named = is_sweep(overrides)
    if named is not None or config.hydra.sweeper.params or config.sweep.variants:
        what = named or "this configuration"
        raise InputError(f"{what}: that is for a sweep; pymaf train -m runs one")


def _run(
    verb: str,
    task: str,
    flags: Sequence[str],
    overrides: Sequence[str],
    source: Path | None = None,
    typed: Sequence[str] | None = None,
) -> int:
    """Hand over to Hydra.

    Args:
        verb: which is also the name of its file in conf/.
        task: ``module:function`` that runs one job.
        flags: Hydra's own.
        overrides: checked already.
        source: run folder whose configuration to take instead of the verb's.
        typed: what to start other ranks with, if that is not the overrides.
    """
    os.environ["HYDRA_FULL_ERROR"] = "1"  # exceptions reach our one-line answers
    GlobalHydra.instance().clear()
    module, name = task.split(":")
    function: Callable[..., float] = getattr(import_module(module), name)
    ended: list[Exception] = []
    program = sys.argv[0]

    @functools.wraps(function)
    def job(config: DictConfig) -> float | None:
        # what Lightning starts the other ranks with
        sys.argv = [program, verb, *flags, *(overrides if typed is None else typed)]
        try:
            with one_line_if_full(Path(HydraConfig.get().runtime.output_dir)):
                return function(config) if source is None else function(config, repeats=source)
        except Exception as error:
            mistake = input_error_behind(error)
            if mistake is None and type(error).__name__ != "StoppedError":
                raise
            ended.append(mistake or error)  # not raised here: Hydra would print the overrides around it
            return None

    sys.argv = [program, *flags, *overrides]  # where Hydra reads its overrides from
    folder, config_name = (conf_dir(), verb) if source is None else (source.resolve(), "config")
    hydra.main(version_base="1.3", config_path=str(folder), config_name=config_name)(job)()
    if ended and is_later_rank():
        time.sleep(10)  # the first rank mostly has the same to say, and this process ends with it
    if ended and isinstance(ended[0], InputError):
        raise ended[0]
    if ended:
        print(f"pymaf {verb}: {ended[0]}", file=sys.stderr)
        return 0 if is_later_rank() else 1
    return 0


def _wants_help(arguments: Sequence[str]) -> bool:
    return "-h" in arguments or "--help" in arguments


def _take_from(arguments: Sequence[str]) -> tuple[Path | None, list[str]]:
    """Take ``--from RUN_DIR`` out of the words."""
    words = list(arguments)
    for place, word in enumerate(words):
        if word == "--from" or word.startswith("--from="):
            value = word.partition("=")[2] if "=" in word else " ".join(words[place + 1 : place + 2])
            if not value:
                raise InputError("--from wants a run folder")
            return Path(value), words[:place] + words[place + (1 if "=" in word else 2) :]
    return None, words


def _split(verb: str, arguments: Sequence[str]) -> tuple[list[str], list[str]]:
    """Separate Hydra's own flags from overrides; Hydra takes them in this order only."""
    flags = ("-m", "--multirun", "--resolve")
    with_value = ("--cfg", "-c", "--package", "-p", "--info", "-i", "--config-dir", "-cd")
    ours: list[str] = []
    overrides: list[str] = []
    words = iter(arguments)
    for word in words:
        if word in with_value:
            ours += [word, next(words, "")]
        elif word in flags or (word.startswith("--") and "=" in word):
            ours.append(word)
        elif word.startswith("-"):
            raise InputError(f"unknown option '{word}'; settings are written KEY=VALUE, see pymaf {verb} --help")
        else:
            overrides.append(at_home(word))
    return ours, overrides


def _help(verb: str) -> str:
    groups = "\n".join(f"  {group + '=':<15} {' | '.join(available(group))}" for group in _GROUPS[verb])
    keys = (conf_dir() / f"{verb}.yaml").read_text(encoding="utf-8")
    sweeps = ", ".join(name for name in available("sweep") if name != "iterations")
    tables = ", ".join(name for name in available("experiment") if name.startswith("table_"))
    usage = _HELP[verb].replace("{sweeps}", sweeps).replace("{tables}", tables)
    return f"{usage}\n\ngroups (files in conf/):\n{groups}\n\nconf/{verb}.yaml:\n{keys}"
