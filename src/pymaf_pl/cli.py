"""The ``pymaf`` command: dispatch, help, and one-line answers to wrong input.

Only the verb that runs is imported, so ``--help`` and typos cost a second.
"""

import os
import sys
from collections.abc import Callable, Sequence
from importlib import import_module

from pymaf_pl.errors import InputError, input_error_behind, one_line

_VERBS = {  # verb: (module with main(arguments), one line of help)
    "train": ("pymaf_pl.commands.hydra_verbs:train", "one training run, or with -m a sweep"),
    "search": ("pymaf_pl.commands.search:main", "the best values of some settings, by Optuna"),
    "eval": ("pymaf_pl.commands.hydra_verbs:evaluate", "a named protocol on a model"),
    "predict": (
        "pymaf_pl.commands.predict:main",
        "photos and videos to meshes: .npz, .obj, .glb, overlays, motions and a page",
    ),
    "view": ("pymaf_pl.commands.view:main", "step through a prediction or a run, in one HTML page"),
    "data": ("pymaf_pl.commands.data:main", "synthetic worlds, and a look at any annotation table"),
    "body": ("pymaf_pl.commands.body:main", "body-model files: what is found, old pickles to .npz"),
    "checkpoint": (
        "pymaf_pl.commands.checkpoint:main",
        "what it holds, its weights alone, published weights",
    ),
    "export": ("pymaf_pl.commands.export:main", "a trained network as one ONNX or torch.export file"),
    "compare": ("pymaf_pl.commands.compare:main", "the runs of a sweep side by side, with intervals"),
    "bench": ("pymaf_pl.commands.bench:main", "speed of the network, the training step, prediction and the renderer"),
}
_EXAMPLES = """examples:
  pymaf predict photo.jpg                           by the shipped model, into predictions/
  pymaf checkpoint info                             what the shipped model is good for, and what not
  pymaf train experiment=demo                       a small PyMAF on synthetic people, ten minutes on two cores
  pymaf train experiment=demo model=hmr             the same for the global-feature baseline
  pymaf eval checkpoint=runs/demo/checkpoints/last.ckpt
  pymaf predict photo.jpg --checkpoint runs/demo/checkpoints/last.ckpt --out out/
  pymaf view predictions/ --open                    iteration by iteration, in the browser
  pymaf VERB --help                                 all options of one verb"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one verb and return the exit code: 0 done, 2 wrong input or configuration, 1 anything else."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    if not words or words[0] in ("-h", "--help", "help"):
        print(_usage())
        return 0
    if words[0] in ("-V", "--version"):
        from pymaf_pl import __version__

        print(f"pymaf {__version__}")
        return 0
    if words[0] in ("predict", "eval", "view"):  # threads that wait actively bring a busy machine to a standstill
        os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    try:
        return _verb(words[0])(words[1:])
    except BrokenPipeError:  # the reader, `head` or a pager, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:
        message = _input_message(error)
        if message is None or os.environ.get("PYMAF_DEBUG"):
            raise
        print(f"pymaf {words[0]}: {message}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 1


def _verb(word: str) -> Callable[[Sequence[str]], int]:
    if word not in _VERBS:
        import difflib

        close = difflib.get_close_matches(word, _VERBS, n=1)
        hint = f"; did you mean '{close[0]}'?" if close else ""
        raise InputError(f"no such verb{hint}; there are {', '.join(_VERBS)}")
    module, function = _VERBS[word][0].split(":")
    return getattr(import_module(module), function)


def _input_message(error: BaseException) -> str | None:
    """The user's own mistake behind an exception, as one line; None if it is not the user's."""
    mistake = input_error_behind(error)
    return None if mistake is None else one_line(mistake)


def _usage() -> str:
    width = max(map(len, _VERBS))
    verbs = "\n".join(f"  {verb:<{width}}  {text}" for verb, (_, text) in _VERBS.items())
    about = "3D human pose and shape with mesh-aligned feedback (PyMAF)."
    return f"usage: pymaf VERB ...\n\n{about}\n\n{verbs}\n\n{_EXAMPLES}"


if __name__ == "__main__":
    sys.exit(main())
