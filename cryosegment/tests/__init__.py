# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests: the protocols here (run by Scipion or pytest), the library below (run by pytest)."""
