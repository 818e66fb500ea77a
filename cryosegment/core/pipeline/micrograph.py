# SPDX-License-Identifier: GPL-3.0-or-later
"""Picking of a micrograph: from the image to particles."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from jaxtyping import Float
from torch import Tensor

from cryosegment.core.crf import crf_features, refine_logits
from cryosegment.core.images.crystals import crystalline_share
from cryosegment.core.images.instance_masks import INSTANCE_THRESHOLD
from cryosegment.core.images.micrograph import Micrograph, read_micrograph
from cryosegment.core.images.working import WorkingImage, working_image
from cryosegment.core.models.features import predict_features
from cryosegment.core.models.inference import picking_maps, predict_logits
from cryosegment.core.models.model import Model
from cryosegment.core.networks import HEADS
from cryosegment.core.picking import (
    ParticleMaps,
    PickingMaps,
    contaminated_shares,
    find_instances,
    find_particles,
    instance_axes,
    instance_diameters,
    on_filaments,
)
from cryosegment.core.pipeline.picks import Picks, contaminated_pixels
from cryosegment.exchange.coordinates import Coordinates
from cryosegment.exchange.ctf import CtfEstimate
from cryosegment.exchange.params import CrfParams, PickParams
from cryosegment.exchange.settings import PickSettings, pick_settings

CANDIDATE_FLOOR = 0.02
"""Candidates below this score are not kept, whatever the threshold."""


def read_working_image(
    path: Path, name: str, settings: PickSettings, ctf: CtfEstimate | None = None
) -> WorkingImage:
    """Read a micrograph and prepare it for a model: at its scale, through its front end.

    Parameters
    ----------
    path, name
        Of the micrograph.
    settings
        Diameter, pixel size, contrast, and what the network receives.
    ctf
        CTF of the micrograph, if known.

    Raises
    ------
    InputError
        If the file cannot be read or has no pixel size, or there is no CTF for a front end that
        needs it.
    ParameterError
        If the diameter does not fit the micrograph.
    """
    micrograph = read_micrograph(path, settings.pixel_size, name, ctf)
    working = prepare(micrograph, settings)
    share = crystalline_share(micrograph.image, micrograph.pixel_size)
    return replace(working, crystalline=share)


def prepare(micrograph: Micrograph, settings: PickSettings) -> WorkingImage:
    """Prepare a micrograph in memory for a model."""
    return working_image(micrograph, settings.diameter, settings.input, settings.contrast)


def segment(working: WorkingImage, model: Model, crf: CrfParams | None) -> PickingMaps:
    """Maps of every head, the particle map also as the CRF refines it.

    Parameters
    ----------
    working
        A micrograph at working scale.
    model
        Network and card.
    crf
        The CRF; None for none.
    """
    network = model.card.network
    logits = predict_logits(model.picker, working.image, network.tile_size, network.halo)
    refined = None
    if crf is not None:
        refined = refine_particle(logits[HEADS.index("particle")], working, model, crf)
    return picking_maps(logits, working.valid, refined)


def refine_particle(
    logits: Float[Tensor, "h w"], working: WorkingImage, model: Model, crf: CrfParams
) -> Float[Tensor, "h w"]:
    """The logits of the particle head after a CRF, on their device.

    Parameters
    ----------
    logits
        Logits of the network.
    working
        The image that it received.
    model
        The network, for CRFs that need its feature maps.
    crf
        The CRF.
    """
    image, network, maps = working.image.to(logits.device), model.card.network, None
    if "network" in crf.features():
        maps = predict_features(model.network, image, network.tile_size, network.halo)
    features = crf_features(crf, logits, image, maps)
    return refine_logits(logits, features, crf, working.valid.to(logits.device))


def pick(name: str, working: WorkingImage, maps: ParticleMaps, settings: PickSettings) -> Picks:
    """Pick the particles of a segmented micrograph, as if it were the whole data set.

    Parameters
    ----------
    name
        Of the micrograph.
    working, maps
        The image and its maps from `segment`.
    settings
        Diameter, edge, centre finder, distance and sizes, calibration and threshold.

    Raises
    ------
    InputError, ParameterError
        If the maps lack what the centre finder needs.
    """
    diameter_px = working.in_pixels(settings.diameter)
    edge_px = settings.edge * diameter_px
    selection = settings.selection
    found = find_particles(maps, diameter_px, selection, CANDIDATE_FLOOR, edge_px, settings.sam)
    centers = found.centers_yx.cpu()
    labels = find_instances(maps.particle, centers, diameter_px, INSTANCE_THRESHOLD).cpu()
    sizes = instance_diameters(labels, len(found)).numpy() * working.pixel_size
    axes = instance_axes(labels, len(found))
    places = centers.numpy()
    if settings.recenter:
        places = np.where(np.isnan(axes.centers_yx), places, axes.centers_yx)
    contaminated = contaminated_pixels(maps, working)
    shares = contaminated_shares(contaminated, maps.valid, found.centers_yx, diameter_px)
    candidates = Coordinates(
        centers_yx=working.in_micrograph(places),
        pixel_size=working.micrograph_pixel_size,
        name=name,
        scores=settings.scores(found.scores.cpu().numpy()),
        diameters=sizes,
        contamination=shares.cpu().numpy(),
        long_axes=axes.long * working.pixel_size,
        short_axes=axes.short * working.pixel_size,
        axis_angles=axes.angles,
        filaments=on_filaments(maps, centers, diameter_px),
    )
    threshold = settings.threshold_for(candidates.scores[settings.is_eligible(candidates)])
    chosen = settings.chosen(candidates, threshold)
    return Picks(candidates, chosen, maps, labels, working, settings.diameter)


def pick_micrograph(micrograph: Micrograph, model: Model, params: PickParams) -> Picks:
    """Pick the particles of a micrograph in memory, in one call.

    Raises
    ------
    ParameterError
        If the model lacks what the parameters need.
    """
    settings = pick_settings(params, model.card)
    working = prepare(micrograph, settings)
    return pick(micrograph.name, working, segment(working, model, settings.crf), settings)
