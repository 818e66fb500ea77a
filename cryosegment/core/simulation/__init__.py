# SPDX-License-Identifier: GPL-3.0-or-later
"""Simulated micrographs with exact truth: molecules, projections, CTF, noise, contamination."""
