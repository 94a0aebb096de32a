"""A budget of what may be done to files, after which everything ends: kills that can be repeated."""

from pathlib import Path


class Killed(BaseException):
    """What ends the process in these tests."""


class Budget:
    """Counts what is done to files, and ends everything at one of them, halfway through.

    Parameters
    ----------
    events : int or None
        How many are done whole; None is all of them.
    """

    def __init__(self, events=None):
        self.left, self.done = events, 0
        self.write, self.replace, self.rename = Path.write_bytes, Path.replace, Path.rename

    def spent(self):
        self.done += 1
        return self.left is not None and self.done > self.left

    def kill(self):
        raise Killed

    def install(self, patch):
        budget = self

        def write(path, data):
            if budget.spent():
                budget.write(path, data[: len(data) // 2])
                budget.kill()
            return budget.write(path, data)

        def replace(path, target):
            if budget.spent():
                budget.kill()
            return budget.replace(path, target)

        def rename(path, target):
            if budget.spent():
                budget.kill()
            return budget.rename(path, target)

        patch.setattr(Path, "write_bytes", write)
        patch.setattr(Path, "replace", replace)
        patch.setattr(Path, "rename", rename)
