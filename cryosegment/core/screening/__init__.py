# SPDX-License-Identifier: GPL-3.0-or-later
"""A second look at picks: particle, interference or noise is in the middle of each box."""
