# SPDX-License-Identifier: GPL-3.0-or-later
"""Trained networks: on disk, made fast, applied to images."""
