# SPDX-License-Identifier: GPL-3.0-or-later
"""From micrographs to picks: one micrograph, many, and what was saved."""
