# SPDX-License-Identifier: GPL-3.0-or-later
"""The training loop, and the state of a training."""
