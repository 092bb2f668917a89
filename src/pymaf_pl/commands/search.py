"""``pymaf search``: Optuna draws the values, sweeps run the trials, and weak ones are given up early."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hydra.utils import get_class
from rich.console import Console
from rich.table import Table

from pymaf_pl.commands.composing import at_home
from pymaf_pl.commands.figures import label as heading
from pymaf_pl.commands.figures import number
from pymaf_pl.commands.search_space import as_override, distributions, draw
from pymaf_pl.commands.sweep import build_launcher, check_jobs, terminated_as_interrupted
from pymaf_pl.commands.sweep_drive import Driver, summary
from pymaf_pl.commands.sweep_ledger import LEDGER, Job, Ledger, find_sweep
from pymaf_pl.commands.sweep_plan import Plan, label, read_plan
from pymaf_pl.engine.progress import read_progress
from pymaf_pl.errors import InputError

STUDY = "study.db"
_HELP = """usage: pymaf search KEY=RANGE... [KEY=VALUE ...]

Look for the values with the smallest error: Optuna draws them, each trial is a run in a folder of its own, and a trial
that is worse than the median of the others at the same validation is ended early. The study is a file in the folder
(study.db, which optuna-dashboard shows); the same command again goes on until search.trials have ended.

ranges, in Hydra's words:
  'optimizer.lr=tag(log,interval(1e-4,1e-2))'   any number, on a logarithmic scale
  'model.num_iterations=range(1,5)'             whole numbers, 1 to 4
  'model.hidden=int(interval(64,1024))'         whole numbers from a wide range
  backbone=resnet18,resnet34                    one of these

examples:
  pymaf search scale=tiny 'optimizer.lr=tag(log,interval(1e-4,1e-2))' 'model.num_iterations=range(1,5)'
  pymaf search scale=tiny 'losses.terms.pose.weight=tag(log,interval(1.,200.))' search.trials=50 launcher.workers=4

Trials are pruned by their validations, so let there be some: trainer.check_val_every_n_epoch=1.
pymaf train --help explains all other keys."""


def main(arguments: Sequence[str]) -> int:
    """Run ``pymaf search``."""
    if not arguments or "-h" in arguments or "--help" in arguments:
        print(_HELP)
        return 0
    unknown = next((word for word in arguments if word.startswith("-")), None)
    if unknown:
        raise InputError(f"unknown option '{unknown}'; settings are written KEY=VALUE, see pymaf search --help")
    return search([at_home(word) for word in arguments])


def search(words: Sequence[str]) -> int:
    """Run trials until there are as many as asked for; return the exit code.

    Raises:
        InputError: nothing to search, an impossible configuration, or a folder that holds another search.
    """
    plan = read_plan(words)
    if plan.variants:
        raise InputError("sweep.variants are for pymaf train -m; a search draws from ranges")
    study_of = optuna_study()
    space = distributions(plan.axes)
    first = [*plan.common, *(as_override(key, _some_value(d)) for key, d in space.items())]
    check_jobs([first], plan.common)
    texts = {key: str(override.input_line) for key, override in plan.axes.items()} | {"": " ".join(plan.common)}
    folder = plan.folder
    if not plan.named and not plan.config.sweep.new:
        folder = find_sweep(plan.folder.parent, [], texts) or folder
    launcher = build_launcher(plan)
    ledger = Ledger(folder, space=texts)
    with terminated_as_interrupted(), ledger.held() as lock:
        if (folder / LEDGER).is_file():
            ledger = Ledger.read(folder)
            if ledger.space != texts:
                raise InputError(f"{folder}: holds another search or a sweep; another hydra.sweep.dir starts one")
        ledger.command = ["search", *words]
        ledger.save()
        study = study_of(folder, plan)
        driver = Driver(ledger, launcher, plan.common, lock, fail_fast=plan.config.sweep.fail_fast)
        trials = Trials(study, space, ledger, plan)
        driver.say(f"search of {plan.config.search.trials} trials in {folder}, {trials.count} ended already")
        driver.run(trials, plan.config.search.trials)
    driver.say(summary(ledger, folder))
    _print_best(ledger, plan, study.direction.name == "MAXIMIZE")
    return int(trials.count < plan.config.search.trials or any(job.state == "failed" for job in ledger.jobs))


class Trials:
    """A source of jobs whose values a study draws.

    Args:
        study: Optuna's, on disk.
        space: key to distribution.
        ledger: where trials become jobs, by the same numbers.
        plan: of the command line.
    """

    def __init__(self, study: Any, space: dict[str, Any], ledger: Ledger, plan: Plan) -> None:
        self.study, self.space, self.ledger, self.plan = study, space, ledger, plan
        self._trials: dict[int, Any] = {}
        self._reported: dict[int, int] = {}
        self._cut_off = self._recover()

    @property
    def count(self) -> int:
        """Trials that have ended."""
        return sum(job.state in ("done", "pruned", "failed") for job in self.ledger.jobs)

    def next(self) -> Job | None:
        """Return a trial that was cut off, else a new one while there are not enough."""
        while self._cut_off:
            job = self._cut_off.pop(0)
            if job.handle is None and job.state in ("running", "pending"):  # not adopted, not settled meanwhile
                return job
        if len(self.ledger.jobs) >= self.plan.config.search.trials:
            return None
        return self._enter(self.study.ask())

    def hopeless(self, job: Job) -> bool:
        """Report the validations since the last look; ask the study whether to go on."""
        trial, known = self._trials[job.number], self._reported.get(job.number, 0)
        progress = read_progress(self.ledger.run_dir(job))
        validations = progress["validations"]
        for step, value in validations[known:]:
            trial.report(value, step)
        self._reported[job.number] = len(validations)
        at_its_end = 0 < progress["total_steps"] <= progress["step"]
        return len(validations) > known and not at_its_end and bool(trial.should_prune())

    def settled(self, job: Job) -> None:
        """Tell the study how it ended."""
        from optuna.trial import TrialState

        self.hopeless(job)  # what it measured since the last look
        trial = self._trials[job.number]
        if job.state == "done":
            self.study.tell(trial, next(iter(job.figure.values())), skip_if_finished=True)
        elif job.state == "pruned":
            values = read_progress(self.ledger.run_dir(job))["validations"]
            job.figure = {"last": values[-1][1]} if values else {}
            self.ledger.save()
            self.study.tell(trial, state=TrialState.PRUNED, skip_if_finished=True)
        elif job.state == "failed":
            self.study.tell(trial, state=TrialState.FAIL, skip_if_finished=True)
        else:
            self._cut_off.append(job)

    def _recover(self) -> list[Job]:
        """Match study and ledger after a kill; return the jobs that were cut off."""
        from optuna.trial import Trial

        jobs = {job.number: job for job in self.ledger.jobs}
        for frozen in self.study.get_trials(deepcopy=False):
            # Optuna has no public way to take a running trial up again, which its reports need
            trial, job = Trial(self.study, frozen._trial_id), jobs.get(frozen.number)
            if job is None and not frozen.state.is_finished():  # drawn, and killed before it was written down
                self._enter(trial)
            elif job is not None:
                self._trials[job.number] = trial
                self._reported[job.number] = len(frozen.intermediate_values)
                if not frozen.state.is_finished() and job.state in ("done", "pruned", "failed"):
                    self.settled(job)
        return [job for job in self.ledger.jobs if job.state in ("running", "pending")]

    def _enter(self, trial: Any) -> Job:
        """Draw a trial's values, those that it has not got yet, and write it down as a job."""
        values = [as_override(key, draw(trial, key, distribution)) for key, distribution in self.space.items()]
        job = Job(trial.number, [*self.plan.common, *values])
        self.ledger.jobs.append(job)
        self.ledger.save()
        self._trials[job.number] = trial
        return job


def optuna_study() -> Any:
    """Return ``(folder, plan) -> study``; one line if Optuna is not there."""
    try:
        import optuna
    except ImportError:
        raise InputError("pymaf search needs Optuna: pip install 'pymaf-pl[search]'") from None
    optuna.logging.set_verbosity(optuna.logging.WARNING)

    def make(folder: Path, plan: Plan) -> Any:
        settings: Any = plan.config.search
        protocol: Any = get_class(plan.config.protocol.measure._target_)
        return optuna.create_study(
            storage=f"sqlite:///{(folder / STUDY).resolve()}",
            study_name=str(plan.config.name),
            load_if_exists=True,
            direction="minimize" if protocol.monitor_mode == "min" else "maximize",
            sampler=optuna.samplers.TPESampler(seed=settings.seed, n_startup_trials=settings.startup_trials),
            pruner=optuna.pruners.MedianPruner(n_startup_trials=settings.startup_trials),
        )

    return make


def _some_value(distribution: Any) -> Any:
    return distribution.choices[0] if hasattr(distribution, "choices") else distribution.low


def _print_best(ledger: Ledger, plan: Plan, maximise: bool) -> None:
    ended = [job for job in ledger.jobs if job.figure and job.state in ("done", "pruned")]
    done = sorted((job for job in ended if job.state == "done"), key=lambda job: next(iter(job.figure.values())))
    name = next((next(iter(job.figure)) for job in done), "figure")
    table = Table("trial", "values", heading(name), "")
    for job in [*(reversed(done) if maximise else done), *(job for job in ended if job.state == "pruned")]:
        value = number(name, next(iter(job.figure.values())))
        table.add_row(
            str(job.number), label(job.overrides, plan.common), value, "" if job.state == "done" else "pruned"
        )
    if ended:
        Console().print(table)
