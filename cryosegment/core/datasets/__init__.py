# SPDX-License-Identifier: GPL-3.0-or-later
"""Public data sets: EMPIAR and CryoPPP, searched, listed and downloaded."""
