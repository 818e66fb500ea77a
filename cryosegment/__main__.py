# SPDX-License-Identifier: GPL-3.0-or-later
"""`cryosegment` and `python -m cryosegment`: the command line."""

import sys

INTERRUPTED = 130


def main() -> int:
    """Exit status of the command line, also where it is interrupted while it is imported."""
    try:
        from cryosegment.cli.main import main as run

        return run()
    except KeyboardInterrupt:
        return INTERRUPTED


if __name__ == "__main__":
    sys.exit(main())
