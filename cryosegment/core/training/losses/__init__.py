# SPDX-License-Identifier: GPL-3.0-or-later
"""Loss functions: of the particle map by name, and of all heads of a picking network."""
