# SPDX-License-Identifier: GPL-3.0-or-later
"""Search of the settings with which a trained model is best used."""
