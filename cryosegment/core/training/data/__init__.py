# SPDX-License-Identifier: GPL-3.0-or-later
"""What a network is trained on: patches, targets, scenes, the split."""
