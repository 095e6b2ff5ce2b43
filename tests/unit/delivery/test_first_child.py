"""A Ctrl-C while the first other process is being started (interface §2.1)."""

from __future__ import annotations

import subprocess
import sys

CHECK = """
import signal
from multiprocessing import resource_tracker
from mailer.delivery import crew

with crew._undisturbed():
    resource_tracker.getfd()  # what multiprocessing does before it starts a child
    print(sorted(map(int, signal.pthread_sigmask(signal.SIG_BLOCK, set()))))
"""


def test_the_first_child_hears_no_signal_before_it_listens() -> None:
    """The helper that comes with it unblocks signals: a Ctrl-C then was a traceback."""
    done = subprocess.run([sys.executable, "-c", CHECK], capture_output=True, text=True, check=True)
    assert "[2, 15]\n" == done.stdout
