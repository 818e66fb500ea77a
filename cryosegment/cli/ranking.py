# SPDX-License-Identifier: GPL-3.0-or-later
"""`cryosegment rank`."""

from __future__ import annotations

import dataclasses
import shlex
from functools import partial
from pathlib import Path

import torch

from cryosegment.cli.batches import report_failures
from cryosegment.cli.devices import CPU, choose_devices
from cryosegment.cli.outcome import Outcome, counted
from cryosegment.core.particles.diameter import find_diameter
from cryosegment.core.particles.gallery import draw_gallery
from cryosegment.core.particles.model import load_particle_model
from cryosegment.core.particles.ranking import Ranking
from cryosegment.core.particles.report import write_report
from cryosegment.core.particles.scores import ImageScorer
from cryosegment.exchange.job import Job
from cryosegment.exchange.params import AUTO, DARK, RankParams, option_name
from cryosegment.exchange.particles import open_particles
from cryosegment.exchange.particles.ranked import write_ranked
from cryosegment.exchange.particles.scores import select
from cryosegment.exchange.progress import Progress

CHOICES = {"score", "keep", "threshold", "purity", "resume"}
"""Parameters that choose among the scores."""
UNBIASED = "Scores come from the images alone, and from nothing that a refinement has found."


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
    scorers = [ImageScorer(models[device], diameter) for device in devices]
    ranked = Ranking(particles, output, params).run(scorers, progress)
    failed = report_failures(output, ranked.failures, ranked.stacks, "stack")
    selection = select(
        ranked.scores, params.score, params.fraction, params.threshold, params.purity
    )
    write_ranked(particles, ranked.scores, selection, output)
    look = partial(models[devices[0]].predict, diameter=diameter)
    values = ranked.scores[selection.score]
    gallery = draw_gallery(particles, values, selection, look, diameter)
    write_report(
        output, particles, ranked.scores, selection, gallery, _selecting_again(job, params)
    )
    kept, noun = int(selection.chosen.sum()), counted(len(particles), "particle")
    print(f"Kept are those with {selection.in_words()}.", UNBIASED, sep="\n")
    return Outcome(f"{noun} of {diameter:.4g} Å, {kept} kept", devices[0], failed)


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
