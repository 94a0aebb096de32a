"""Ctrl-C as a terminal sends it, to a command that is simulating."""

import os
import signal
import subprocess
import sys
import time


def interrupted(folder, *words):
    """Start the command in a folder and interrupt it once it runs: exit code, what it says, whether any is left."""
    with subprocess.Popen(
        [sys.executable, "-m", "crksim", *words],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
        start_new_session=True,
        preexec_fn=_listen,
    ) as command:
        for line in command.stdout:
            if "members" in line or "versions of CRK" in line:
                break
        # A terminal sends it to the whole group: the workers must leave it to the parent.
        os.killpg(command.pid, signal.SIGINT)
        try:
            _, err = command.communicate(timeout=60)
        except subprocess.TimeoutExpired:
            os.killpg(command.pid, signal.SIGKILL)
            raise
    return command.returncode, err.strip(), _is_left(command.pid)


def _listen():
    """Listen to Ctrl-C even where the tests themselves run in the background of a shell, which turns it off."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def _is_left(group):
    """Whether a process of the group is still there after a while: the last ones may be on their way out."""
    patience = time.monotonic() + 10
    while time.monotonic() < patience:
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return False
        time.sleep(0.05)
    return True
