# SPDX-License-Identifier: GPL-3.0-or-later
"""Picks of a selection as files, such as `pick` writes them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Dict

from cryosegment.exchange.coordinates import JOINT, WRITTEN, Picked
from cryosegment.exchange.errors import InputError
from cryosegment.exchange.files import PathLike
from cryosegment.exchange.pick_folder import COORDINATES, PickFolder
from cryosegment.window.selection import PickSelection

STAR = ""
"""The format that is always written."""
FORMATS: Dict[str, str] = {
    STAR: "STAR (RELION)",
    **{name: f"{each.suffix} ({each.about})" for name, each in WRITTEN.items()},
    **{name: f"{each.file} ({each.about})" for name, each in JOINT.items()},
}
"""What is written, in words, by the format's name."""


def export_picks(selection: PickSelection, folder: PathLike, form: str = STAR) -> int:
    """Write the picks of all micrographs; their number.

    Parameters
    ----------
    selection
        The picks.
    folder
        For the files, which are called as those of `pick`.
    form
        A format of `FORMATS` in which they are written besides STAR.

    Raises
    ------
    InputError
        If the folder is that of the run itself, or a file cannot be written.
    """
    if Path(folder).resolve() == Path(selection.folder.path).resolve():
        raise InputError("expected another folder than that of the run: choose one")
    params = replace(selection.params_of_pick, formats=(form,) if form else ())
    target, picked = PickFolder(folder), []
    for name, file in selection.files.items():
        picks, shape = selection.picks(name), selection.summaries[name].shape
        target.write(picks, params)
        picked.append(Picked(picks, file, shape, target.file(COORDINATES, name)))
    target.write_joint(picked, params)
    return sum(len(each.coordinates) for each in picked)
