# SPDX-License-Identifier: GPL-3.0-or-later
"""Particles on which several sets of picks agree; without torch, which takes seconds to load."""
