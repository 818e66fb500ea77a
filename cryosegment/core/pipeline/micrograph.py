# SPDX-License-Identifier: GPL-3.0-or-later
"""Picking of a micrograph: from the image to particles."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

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
    find_instances,
    find_particles,
    instance_diameters,
)
from cryosegment.core.pipeline.picks import Picks
from cryosegment.exchange.card import ModelCard
from cryosegment.exchange.coordinates import Coordinates
from cryosegment.exchange.ctf import CtfEstimate
from cryosegment.exchange.params import CrfParams, PickParams, choose_crf, front_end_of_card
from cryosegment.exchange.picking_rules import picking_rules

CANDIDATE_FLOOR = 0.02
"""Candidates below this score are not kept, whatever the threshold."""


def read_working_image(
    path: Path, name: str, params: PickParams, card: ModelCard, ctf: CtfEstimate | None = None
) -> WorkingImage:
    """Read a micrograph and prepare it for a model: at its scale, through its front end.

    Parameters
    ----------
    path, name
        Of the micrograph.
    params
        Diameter, pixel size, contrast.
    card
        Model card: scale and front end.
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
    micrograph = read_micrograph(path, params.pixel_size, name, ctf)
    working = prepare(micrograph, params, card)
    share = crystalline_share(micrograph.image, micrograph.pixel_size)
    return replace(working, crystalline=share)


def prepare(micrograph: Micrograph, params: PickParams, card: ModelCard) -> WorkingImage:
    """Prepare a micrograph in memory for a model."""
    return working_image(
        micrograph,
        params.diameter,
        card.pixels_per_diameter,
        params.contrast,
        front_end_of_card(card.front_end),
        card.normalization,
    )


def segment(working: WorkingImage, model: Model, params: PickParams) -> PickingMaps:
    """Maps of every head, the particle map also as the CRF refines it.

    Parameters
    ----------
    working
        A micrograph at working scale.
    model
        Network and card.
    params
        The CRF; the others do not matter.
    """
    card = model.card
    logits = predict_logits(model.picker, working.image, card.tile_size, card.halo)
    crf = choose_crf(params.crf, card.crf, params.crf_solver, params.crf_strength)
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
    image, card, maps = working.image.to(logits.device), model.card, None
    if "network" in crf.features():
        maps = predict_features(model.network, image, card.tile_size, card.halo)
    features = crf_features(crf, logits, image, maps)
    return refine_logits(logits, features, crf, working.valid.to(logits.device))


def pick(
    name: str,
    working: WorkingImage,
    maps: ParticleMaps,
    model: Model,
    params: PickParams,
) -> Picks:
    """Pick the particles of a segmented micrograph, as if it were the whole data set.

    Parameters
    ----------
    name
        Of the micrograph.
    working, maps
        The image and its maps from `segment`.
    model
        Its card recommends a threshold, a centre finder, a distance and sizes, and calibrates
        the scores.
    params
        Diameter, edge, and what replaces the recommendations of the card.

    Raises
    ------
    InputError, ModelError, ParameterError
        If the maps lack what the centre finder needs, or the card recommends something unknown or
        lacks what the parameters need.
    """
    diameter_px = working.in_pixels(params.diameter)
    rules = picking_rules(model.card, params)
    edge_px = params.edge * diameter_px
    found = find_particles(maps, diameter_px, rules.selection, CANDIDATE_FLOOR, edge_px)
    centers = found.centers_yx.cpu()
    labels = find_instances(maps.particle, centers, diameter_px, INSTANCE_THRESHOLD).cpu()
    sizes = instance_diameters(labels, len(found)).numpy() * working.pixel_size
    candidates = Coordinates(
        centers_yx=working.in_micrograph(centers.numpy()),
        pixel_size=working.micrograph_pixel_size,
        name=name,
        scores=rules.scores(found.scores.cpu().numpy()),
        diameters=sizes,
    )
    threshold = rules.threshold_for(candidates.scores[rules.has_size(candidates)])
    chosen = rules.chosen(candidates, threshold)
    return Picks(candidates, chosen, maps, labels, working, params.diameter)


def pick_micrograph(micrograph: Micrograph, model: Model, params: PickParams) -> Picks:
    """Pick the particles of a micrograph in memory, in one call."""
    working = prepare(micrograph, params, model.card)
    return pick(micrograph.name, working, segment(working, model, params), model, params)
