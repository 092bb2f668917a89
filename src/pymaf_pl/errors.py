"""The one exception that is the user's to mend."""


class InputError(ValueError):
    """The user's input or configuration is wrong.

    The message is one line that says what is wrong, where, and what would be right. The command line prints it without
    a traceback and exits with code 2 (set ``PYMAF_DEBUG=1`` for the traceback).
    """
