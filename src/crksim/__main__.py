"""``python -m crksim`` is the command ``crksim``."""

import sys

from crksim.interface.cli import main

__all__: list[str] = []

if __name__ == "__main__":
    sys.exit(main())
