# SPDX-License-Identifier: GPL-3.0-or-later
"""Starts Topaz in the environment that `peers.py` makes for it.

torchvision from PyPI beside a CPU build of torch fails at import, since two operators that Topaz
never calls are missing: they are declared before it is started.
"""

import runpy
import sys

import torch

library = torch.library.Library("torchvision", "DEF")
for name in ("nms", "qnms"):
    library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
sys.argv[0] = "topaz"
runpy.run_module("topaz.main", run_name="__main__")
