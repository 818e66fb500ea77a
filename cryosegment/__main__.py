# SPDX-License-Identifier: GPL-3.0-or-later
"""`python -m cryosegment`: the command line."""

import sys

from cryosegment.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
