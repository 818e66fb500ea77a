# SPDX-License-Identifier: GPL-3.0-or-later
"""Names and numbers that only the Scipion side knows."""

HOME_VARIABLE = "CRYOSEGMENT_HOME"
PYTHON_VARIABLE = "CRYOSEGMENT_PYTHON"
TORCH_VARIABLE = "CRYOSEGMENT_TORCH"

CORE_PACKAGE = "cryosegment"
"""Name of the installable core: `scipion3 installb cryosegment`."""

BATCH_SIZE = 16
"""Micrographs in one step: they share one start of the core, some seconds."""
