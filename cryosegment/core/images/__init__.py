# SPDX-License-Identifier: GPL-3.0-or-later
"""Micrographs: files, borders, scale and grey levels."""
