# SPDX-License-Identifier: GPL-3.0-or-later
"""`cryosegment rank`."""

from __future__ import annotations

import dataclasses
import shlex
from collections.abc import Collection
from functools import partial
from pathlib import Path

import numpy as np
import torch

from cryosegment.cli.batches import report_failures
from cryosegment.cli.devices import CPU, choose_devices
from cryosegment.cli.outcome import Outcome
from cryosegment.core.particles.agreement import Agreement, Band, agreements_with
from cryosegment.core.particles.diameter import find_diameter
from cryosegment.core.particles.gallery import draw_gallery
from cryosegment.core.particles.model import load_particle_model
from cryosegment.core.particles.ranking import Ranking
from cryosegment.core.particles.report import Scores, write_report
from cryosegment.core.particles.right_poses import right_poses
from cryosegment.core.particles.scores import ImageScorer
from cryosegment.exchange.job import Job
from cryosegment.exchange.params import AUTO, DARK, RankParams, option_name
from cryosegment.exchange.particles import open_particles, read_poses
from cryosegment.exchange.particles.ranked import write_ranked
from cryosegment.exchange.particles.scores import AGREEMENT, QUALITY, bias_of, select
from cryosegment.exchange.progress import Progress
from cryosegment.exchange.wording import counted

CHOICES = {"score", "keep", "threshold", "purity", "resume"}
"""Parameters that choose among the scores."""


def run_rank(job: Job, params: RankParams, progress: Progress) -> Outcome:
    """Score particle images and part them; stacks that fail are listed and the rest go on."""
    devices = _workers(choose_devices(params.gpu), params.threads)
    are_dark = None if params.contrast == AUTO else params.contrast == DARK
    particles = open_particles(
        params.particles, params.passthrough, params.particle_pixel_size, are_dark
    )
    models = {device: load_particle_model(params.model, device) for device in set(devices)}
    output = Path(job.output)
    diameter = params.diameter or find_diameter(models[devices[0]], particles)
    agreements = _agreements(params, diameter, set(devices))
    scorers = [ImageScorer(models[each], diameter, agreements.get(each)) for each in devices]
    ranked = Ranking(particles, output, params).run(scorers, progress)
    scores = _with_poses(ranked.scores) if agreements else ranked.scores
    failed = report_failures(output, ranked.failures, ranked.stacks, "stack")
    selection = select(scores, params.score, params.fraction, params.threshold, params.purity)
    write_ranked(particles, scores, selection, output)
    look = partial(models[devices[0]].predict, diameter=diameter)
    values = scores[selection.score]
    gallery = draw_gallery(particles, values, selection, look, diameter)
    write_report(output, particles, scores, selection, gallery, _selecting_again(job, params))
    kept, noun = int(selection.chosen.sum()), counted(len(particles), "particle")
    print(f"Kept are those with {selection.in_words()}.", bias_of(scores), sep="\n")
    return Outcome(f"{noun} of {diameter:.4g} Å, {kept} kept", devices[0], failed)


def _agreements(
    params: RankParams, diameter: float, devices: Collection[str]
) -> dict[str, Agreement]:
    """Agreement with the map on each device, if there is a map."""
    if params.aligned_to is None:
        return {}
    poses = read_poses(params.particles, params.passthrough, params.particle_pixel_size)
    return agreements_with(params.map, poses, diameter, Band.beyond(params.aligned_to), devices)


def _with_poses(scores: Scores) -> Scores:
    """The same scores, but for the quality: that the pose is right counts, too."""
    right = right_poses(np.asarray(scores[AGREEMENT], np.float64))
    return {**scores, QUALITY: scores[QUALITY] * right.astype(np.float32)}


def _selecting_again(job: Job, params: RankParams) -> str:
    """The command that another score and threshold are added to, as a user would type it."""
    words = ["cryosegment", "rank", "--output", job.output]
    for field in dataclasses.fields(params):
        value = getattr(params, field.name)
        if field.name not in CHOICES and value != field.default:
            words += [option_name(RankParams, field.name), str(value)]
    return shlex.join(words)


def _workers(devices: tuple[str, ...], threads: int) -> list[str]:
    """A device for each worker: on the CPU, one for each thread, which is all that it uses."""
    if devices != (CPU,):
        return list(devices)
    count = threads or torch.get_num_threads()
    torch.set_num_threads(1)
    return [CPU] * count
