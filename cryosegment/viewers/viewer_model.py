# SPDX-License-Identifier: GPL-3.0-or-later
"""What a segmentation model says of itself."""

from __future__ import annotations

from typing import Any, List

from pyworkflow.viewer import DESKTOP_TKINTER, MSG_ERROR, MessageView, View, Viewer

from cryosegment.convert import card_lines
from cryosegment.exchange.card import read_card
from cryosegment.exchange.errors import CryoSegmentError
from cryosegment.objects import SegmentationModel


class CryoSegmentViewerModel(Viewer):
    """The card of a model in a window."""

    _name = "model card"
    _environments = [DESKTOP_TKINTER]
    _targets = [SegmentationModel]

    def _visualize(self, obj: SegmentationModel, **kwargs: Any) -> List[View]:
        parent = self.getTkRoot()
        try:
            text = "\n".join(card_lines(read_card(obj.getPath())))
        except CryoSegmentError as error:
            return [MessageView(str(error), "Segmentation model", MSG_ERROR, parent)]
        return [MessageView(text, "Segmentation model", tkParent=parent)]
