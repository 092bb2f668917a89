"""The one exception that is the user's to mend."""


class InputError(Exception):
    """A file given on the command line is not what the build needs; the message is one line with the remedy."""
