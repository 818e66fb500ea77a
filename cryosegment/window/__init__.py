# SPDX-License-Identifier: GPL-3.0-or-later
"""The picks window, on Tk, without Scipion and without torch.

Scipion's viewers and wizards open it, and so does `cryosegment show`.
"""
