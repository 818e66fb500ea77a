# SPDX-License-Identifier: GPL-3.0-or-later
"""Wizards that Scipion finds: windows that help to fill in the forms."""

from cryosegment.wizards.wizard_crf import CryoSegmentWizardCrf
from cryosegment.wizards.wizard_diameter import CryoSegmentWizardDiameter

__all__ = ["CryoSegmentWizardCrf", "CryoSegmentWizardDiameter"]
