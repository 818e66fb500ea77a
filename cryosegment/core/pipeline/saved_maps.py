# SPDX-License-Identifier: GPL-3.0-or-later
"""Refinement of saved probability maps by a CRF."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from cryosegment.core.crf import crf_features, refine_logits
from cryosegment.core.images.micrograph import read_image, write_image
from cryosegment.core.pipeline.micrograph import read_working_image
from cryosegment.exchange.card import ModelCard, read_card
from cryosegment.exchange.ctf import read_ctfs
from cryosegment.exchange.errors import InputError
from cryosegment.exchange.finished import Finished
from cryosegment.exchange.job import Job, read_job
from cryosegment.exchange.model_files import model_path
from cryosegment.exchange.params import (
    CrfMapsParams,
    CrfParams,
    PickParams,
)
from cryosegment.exchange.pick_folder import PROBABILITY, PickFolder
from cryosegment.exchange.records import record_from_dict
from cryosegment.exchange.settings import crf_of_maps, pick_settings

CLOSEST = 5e-4
"""Smallest distance of probabilities from 0 and 1: the resolution of half precision at 1."""


@dataclass(frozen=True)
class SavedMap:
    """A probability map, and the run of `pick` that made it.

    Parameters
    ----------
    name
        Name of the micrograph.
    path
        The map, at working scale.
    job
        The run.
    """

    name: str
    path: Path
    job: Job

    def micrograph(self) -> Path:
        """File of the micrograph.

        Raises
        ------
        InputError
            If the job has no micrograph of that name.
        """
        files = dict(zip(self.job.names, self.job.inputs))
        if self.name not in files:
            raise InputError(
                f"the job that made {self.path} names no micrograph {self.name}: pick again "
                "with --maps"
            )
        return Path(files[self.name])


def find_maps(folders: Sequence[Path]) -> list[SavedMap]:
    """The maps in the output folders of `pick --maps`, by name.

    Raises
    ------
    InputError
        If a folder has no maps or no job of `pick`.
    """
    found = []
    for folder in folders:
        results = PickFolder(folder)
        names = results.names(PROBABILITY)
        if not names:
            raise InputError(
                f"expected maps in {results.folder(PROBABILITY)}, found none: give a folder made "
                "by `cryosegment pick --maps`"
            )
        job = read_job(results.job)
        if job.command != "pick":
            raise InputError(
                f"expected the job of `cryosegment pick` in {results.job}, found that of "
                f"`cryosegment {job.command}`: give a folder made by `cryosegment pick --maps`"
            )
        found += [SavedMap(name, results.file(PROBABILITY, name), job) for name in names]
    return found


def refine_map(
    saved: SavedMap, output: Path, params: CrfMapsParams, device: str, finished: Finished
) -> None:
    """Write the refined map to `output/probability`, unless that is finished.

    Parameters
    ----------
    saved
        The map.
    output
        Folder.
    params
        Which CRF.
    device
        Torch device.
    finished
        The maps that the job has finished.

    Raises
    ------
    InputError
        If the map, or the micrograph where the CRF needs it, cannot be read; or there is no CRF.
    ModelError
        If the file of the model has no valid card.
    """
    target = PickFolder(output).file(PROBABILITY, saved.name)
    if finished.has(saved.name, saved.path) and target.exists():
        return
    pick = record_from_dict(PickParams, saved.job.params)
    card = read_card(model_path(pick.model))
    crf = crf_of_maps(params, card)
    values, pixel_size = read_image(saved.path)
    probability = torch.from_numpy(values.astype(np.float32)).to(device)
    logits = torch.logit(probability, CLOSEST)
    image = _image(saved, pick, card, crf)
    if image is not None and image.shape != logits.shape:
        raise InputError(
            f"expected a map of {image.shape[0]} x {image.shape[1]} px in {saved.path}, got "
            f"{logits.shape[0]} x {logits.shape[1]}: pick again with --maps"
        )
    features = crf_features(crf, logits, None if image is None else image.to(device))
    known = probability > 0  # the dead border is 0 in saved maps
    result = refine_logits(logits, features, crf, known).sigmoid() * known
    with finished.making(saved.name, saved.path):
        write_image(target, result.cpu().numpy().astype(np.float16), pixel_size)


def _image(
    saved: SavedMap, pick: PickParams, card: ModelCard, crf: CrfParams
) -> Float[Tensor, "h w"] | None:
    """The working image, if the CRF needs it."""
    if not {"intensity", "denoised"} & set(crf.features()):
        return None
    ctf = read_ctfs(pick.ctf).of(saved.name)
    return read_working_image(saved.micrograph(), saved.name, pick_settings(pick, card), ctf).image
