"""Which package each logger needs; imports none of them, so that a missing one is told at once."""

from importlib.util import find_spec

from pymaf_pl.errors import InputError

_PACKAGES = {  # by module: how to get it
    "wandb": "pip install wandb",
    "tensorboard": "pip install 'pymaf-pl[loggers]'",
    "mlflow": "pip install 'pymaf-pl[loggers]'",
}


def require(package: str) -> None:
    """Make sure that a logger's package is installed.

    Raises:
        InputError: it is not; says how to get it.
    """
    if package in _PACKAGES and find_spec(package) is None:
        raise InputError(f"logger={package} needs the package {package}: {_PACKAGES[package]}; or logger=csv")


def require_for(target: str) -> None:
    """Make sure of the package of a logger by the name of its constructor, ``...wandb_logger`` for wandb.

    Raises:
        InputError: it is not installed.
    """
    require(target.rpartition(".")[2].removesuffix("_logger"))
