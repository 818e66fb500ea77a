# SPDX-License-Identifier: GPL-3.0-or-later
"""`cryosegment` and `python -m cryosegment`: the command line."""

import signal
import sys

INTERRUPTED = 130


def main() -> int:
    """Exit status of the command line, also where it is interrupted while it is imported.

    What a queue or a closed terminal sends ends a run as Ctrl-C does; one that is told to ignore
    it, as by nohup, goes on.
    """
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) == signal.SIG_DFL:
            signal.signal(number, signal.default_int_handler)
    try:
        from cryosegment.cli.main import main as run

        return run()
    except KeyboardInterrupt:
        return INTERRUPTED


if __name__ == "__main__":
    sys.exit(main())
