"""``pymaf train`` and ``pymaf eval``: check the overrides, then hand over to Hydra."""

import functools
import os
import sys
from collections.abc import Callable, Sequence
from importlib import import_module

import hydra
from hydra.core.global_hydra import GlobalHydra
from omegaconf import DictConfig

from pymaf_pl.commands.combinations import check_combinations
from pymaf_pl.commands.composing import available, compose_config
from pymaf_pl.errors import InputError, input_error_behind
from pymaf_pl.paths import conf_dir

_HELP = {
    "train": """usage: pymaf train [-m] [KEY=VALUE ...]

Train one network; with -m, one for every combination of comma-separated values.

examples:
  pymaf train experiment=demo
  pymaf train experiment=demo model.num_iterations=1
  pymaf train experiment=demo model=hmr seed=1
  pymaf train experiment=demo feedback=mesh_only pyramid=lateral
  pymaf train experiment=lspet data.root=FOLDER        real photographs
  pymaf train body=smpl body.directory=~/smpl
  pymaf train -m experiment=demo model.num_iterations=1,2,3 seed=0,1,2
  pymaf train experiment=demo hydra.run.dir=runs/mine  a folder of your choice; the same command resumes there
  pymaf train experiment=demo --cfg job                print the configuration and stop""",
    "eval": """usage: pymaf eval [KEY=VALUE ...]

Measure a model after every feedback iteration: the shipped one, or a checkpoint.

examples:
  pymaf eval protocol=synthetic_val                    the shipped model, pymaf-small
  pymaf eval checkpoint=runs/demo/checkpoints/last.ckpt
  pymaf eval checkpoint=runs/demo/checkpoints/best.ckpt protocol=lspet protocol.root=FOLDER
  pymaf eval checkpoint=PyMAF_model_checkpoint.pt body=smpl body.directory=~/smpl""",
}
_GROUPS = {
    "train": ("experiment", "model", "backbone", "pyramid", "feedback", "body", "losses", "optimizer", "scheduler",
              "augmentation", "data", "protocol", "trainer", "callbacks", "logger"),
    "eval": ("protocol", "body", "trainer"),
}  # fmt: skip


def train(arguments: Sequence[str]) -> int:
    """Run ``pymaf train``."""
    return _run("train", "pymaf_pl.commands.train:train", arguments)


def evaluate(arguments: Sequence[str]) -> int:
    """Run ``pymaf eval``."""
    return _run("eval", "pymaf_pl.commands.evaluate:evaluate", arguments)


def _run(verb: str, task: str, arguments: Sequence[str]) -> int:
    if "-h" in arguments or "--help" in arguments:
        print(_help(verb))
        return 0
    flags, overrides = _split(verb, arguments)
    config = compose_config(verb, overrides)
    if verb == "train":
        check_combinations(config)
    os.environ["HYDRA_FULL_ERROR"] = "1"  # exceptions reach our one-line answers
    GlobalHydra.instance().clear()
    module, name = task.split(":")
    function: Callable[..., float] = getattr(import_module(module), name)
    wrong: list[InputError] = []
    program = sys.argv[0]

    @functools.wraps(function)
    def job(config: DictConfig) -> float | None:
        sys.argv = [program, verb, *flags, *overrides]  # what Lightning starts the other ranks with
        try:
            return function(config)
        except Exception as error:
            mistake = input_error_behind(error)
            if mistake is None:
                raise
            wrong.append(mistake)  # not raised here: Hydra would print the overrides around it
            return None

    sys.argv = [program, *flags, *overrides]  # where Hydra reads its overrides from
    hydra.main(version_base="1.3", config_path=str(conf_dir()), config_name=verb)(job)()
    if wrong:
        raise wrong[0]
    return 0


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
            overrides.append(word)
    return ours, overrides


def _help(verb: str) -> str:
    groups = "\n".join(f"  {group + '=':<15} {' | '.join(available(group))}" for group in _GROUPS[verb])
    keys = (conf_dir() / f"{verb}.yaml").read_text(encoding="utf-8")
    return f"{_HELP[verb]}\n\ngroups (files in conf/):\n{groups}\n\nconf/{verb}.yaml:\n{keys}"
