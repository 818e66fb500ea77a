# SPDX-License-Identifier: GPL-3.0-or-later
"""Wizards that Scipion finds: windows that help to fill in the forms."""

from cryosegment.wizards.wizard_box import CryoSegmentWizardBox
from cryosegment.wizards.wizard_card import CryoSegmentWizardCard
from cryosegment.wizards.wizard_crf import CryoSegmentWizardCrf
from cryosegment.wizards.wizard_diameter import CryoSegmentWizardDiameter
from cryosegment.wizards.wizard_selection import CryoSegmentWizardSelection

__all__ = [
    "CryoSegmentWizardBox",
    "CryoSegmentWizardCard",
    "CryoSegmentWizardCrf",
    "CryoSegmentWizardDiameter",
    "CryoSegmentWizardSelection",
]
