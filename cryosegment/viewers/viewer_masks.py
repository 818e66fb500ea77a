# SPDX-License-Identifier: GPL-3.0-or-later
"""Masks of micrographs as a table with thumbnails."""

from __future__ import annotations

from pwem.viewers import MODE, MODE_MD, ORDER, RENDER, VISIBLE, ZOOM
from pwem.viewers.mdviewer import MDViewer
from pwem.viewers.viewers_data import RegistryViewerConfig
from pyworkflow.viewer import DESKTOP_TKINTER

from cryosegment.objects import SetOfMicrographMasks

COLUMNS = "id enabled _filename _micName _particles _coverage"

RegistryViewerConfig.registerConfig(
    SetOfMicrographMasks,
    {ORDER: COLUMNS, VISIBLE: COLUMNS, RENDER: "_filename", MODE: MODE_MD, ZOOM: 50},
)


class CryoSegmentViewerMasks(MDViewer):
    """Table of masks: thumbnail, number of particles, covered fraction."""

    _name = "masks"
    _environments = [DESKTOP_TKINTER]
    _targets = [SetOfMicrographMasks]
