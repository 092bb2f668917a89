"""Processes that must not outlive the one that started them."""

import os
import signal
import threading
import time

PARENT = "PYMAF_PARENT"  # id of the process that a job belongs to


def follow_parent() -> None:
    """End this process soon after the one that started it has ended, if that one asked for it.

    A job that went on by itself would write into the same folder as the one that takes its place; and a rank that lost
    the first one would wait for ever.
    """
    parent = int(os.environ.get(PARENT) or 0)
    if is_later_rank():
        parent = os.getppid()
    if parent:
        threading.Thread(target=_watch, args=(parent,), daemon=True).start()


def is_later_rank() -> bool:
    """Whether Lightning's first process started this one, which does the same beside it."""
    return os.environ.get("LOCAL_RANK", "0") != "0"


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(0.5)
    os.kill(os.getpid(), signal.SIGKILL)
