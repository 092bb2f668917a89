"""Verbs with commands of their own: one parser shape for all of them."""

import argparse
from collections.abc import Callable, Sequence
from typing import Any

Run = Callable[[argparse.Namespace], Any]


class VerbParser:
    """The parser of ``pymaf VERB COMMAND ...``.

    Args:
        verb: after ``pymaf``.
        description: one sentence.
        examples: shown below the options as they are.
    """

    def __init__(self, verb: str, description: str, examples: str) -> None:
        self.parser = argparse.ArgumentParser(
            prog=f"pymaf {verb}",
            description=description,
            epilog=examples,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        self._commands = self.parser.add_subparsers(title="commands", required=True, metavar="COMMAND")

    def add(self, name: str, text: str, run: Run) -> argparse.ArgumentParser:
        """Add a command; ``text`` is its line in the list and, as a sentence, its own description."""
        command = self._commands.add_parser(name, help=text, description=f"{text[0].upper()}{text[1:]}.")
        command.set_defaults(run=run)
        return command

    def run(self, arguments: Sequence[str]) -> int:
        """Parse and run the command that was named; return its exit code."""
        options = self.parser.parse_args(list(arguments))
        return int(options.run(options))
