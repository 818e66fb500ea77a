# SPDX-License-Identifier: GPL-3.0-or-later
"""The command line: `cryosegment` and `python -m cryosegment`."""
