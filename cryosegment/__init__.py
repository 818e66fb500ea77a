# SPDX-License-Identifier: GPL-3.0-or-later
"""Particles in cryo-EM micrographs by segmentation, for Scipion and the command line."""

__version__ = "0.1.0"
_logo = "logo.png"
_references = ["Krahenbuhl2011"]


def __getattr__(name: str) -> object:
    """Import the Scipion plugin on demand, so that the core needs no Scipion."""
    if name == "Plugin":
        from cryosegment.plugin import Plugin

        return Plugin
    raise AttributeError(f"module 'cryosegment' has no attribute {name!r}")
