"""The one exception that is the user's to mend."""


class InputError(ValueError):
    """The user's input or configuration is wrong.

    The message is one line that says what is wrong, where, and what would be right. The command line prints it without
    a traceback and exits with code 2 (set ``PYMAF_DEBUG=1`` for the traceback).
    """


def input_error_behind(error: BaseException | None) -> InputError | None:
    """Return the :class:`InputError` that an exception is or was raised from, if any (Hydra wraps what it builds)."""
    while error is not None:
        if isinstance(error, InputError):
            return error
        error = error.__cause__
    return None


def one_line(mistake: InputError) -> str:
    """Return the message alone, also of an error that a loader's worker hands on with its traceback in the text."""
    lines = [line for line in str(mistake).splitlines() if line.strip()]
    return lines[-1].removeprefix("pymaf_pl.errors.InputError: ") if lines else "wrong input"
