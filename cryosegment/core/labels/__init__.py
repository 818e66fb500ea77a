# SPDX-License-Identifier: GPL-3.0-or-later
"""Label maps for training, from coordinates or from refined particles and their map."""
