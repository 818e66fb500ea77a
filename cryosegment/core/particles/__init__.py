# SPDX-License-Identifier: GPL-3.0-or-later
"""Images of single particles: what is in them, and which to keep."""
