"""Print the mark that conf/targets/frozen.yaml has to hold, after a deliberate change of what is checked."""

from __future__ import annotations

import sys

from crksim.analysis.freezing import frozen_mark
from crksim.interface.files import data_dir, read_folder, read_yaml

if __name__ == "__main__":
    targets = read_folder(data_dir("conf") / "targets").data
    sys.stdout.write(frozen_mark(targets, read_yaml(data_dir("conf") / "questions.yaml").data) + "\n")
