# SPDX-License-Identifier: GPL-3.0-or-later
"""Do picks that no expert has look like the particle? Correlation with projections of its map.

    OMP_NUM_THREADS=1 python benchmarks/particle_likeness.py --data DATA --picks PICKS

PICKS is an output of `cryosegment pick`. The experts' picks of EMPIAR-10017 are incomplete, so that
precision against them is a lower bound. Here every place is given its highest correlation with the
projections of `betaGal.mrc.gz` (all views, in-plane angles, shifts of up to a sixth of the
diameter). Particle-like is what correlates better than 95 % of random background: places far from
every pick of everybody.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from micrograph_sets import REAL_DIAMETER, REAL_PIXEL_SIZE
from scipy.spatial import cKDTree
from scoring import Sets
from torch import Tensor
from torch.nn import functional
from tqdm import tqdm

from cryosegment.core.evaluation.matching import match
from cryosegment.core.images.micrograph import read_micrograph
from cryosegment.core.images.resample import fourier_crop
from cryosegment.core.optics.projection import rotation_matrices
from cryosegment.core.simulation.molecule import read_molecule
from cryosegment.exchange.coordinates import read_coordinates

PIXELS_PER_DIAMETER = 24
STEP = 15.0
"""Between views and between in-plane angles, degrees."""
SHIFT = 1 / 6
TOLERANCE = 0.25
BACKGROUND_DISTANCE = 0.75
"""Of random background from any pick. The last three are in diameters."""
BACKGROUND_SHARE = 0.95
BACKGROUND_PLACES = 300
PEERS = ("crYOLO", "topaz")


def main() -> None:
    """Correlate, and print how many of each kind of pick are particle-like."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--picks", type=Path, required=True, help="output of `cryosegment pick`")
    arguments = parser.parse_args()
    folder = arguments.data / "empiar10017"
    experts = read_coordinates(folder / "coordinates", REAL_PIXEL_SIZE)
    pickers = {"ours": read_coordinates(arguments.picks, REAL_PIXEL_SIZE)}
    for peer in PEERS:
        pickers[peer] = read_coordinates(folder / "other_pickers" / peer, REAL_PIXEL_SIZE)
    places = {name: kinds_of_places(name, experts, pickers) for name in experts}
    molecule = arguments.data / "maps" / "densities" / "betaGal.mrc.gz"
    templates = projections(molecule)
    found: dict[str, list[Float[np.ndarray, " n"]]] = {}
    for path in tqdm(sorted((folder / "micrographs").glob("*.jpg"))):
        scores = best_correlation(path, templates)
        for kind, centers in places[path.stem].items():
            found.setdefault(kind, []).append(at_places(scores, centers))
    correlations = {kind: np.concatenate(values) for kind, values in found.items()}
    level = np.quantile(correlations["random background"], BACKGROUND_SHARE)
    print("| places | number | particle-like | median correlation |\n|---|---|---|---|")
    for kind, values in correlations.items():
        likeness = np.mean(values > level)
        print(f"| {kind} | {len(values)} | {likeness:.3f} | {np.median(values):.3f} |")


def kinds_of_places(
    name: str, experts: Sets, pickers: dict[str, Sets]
) -> dict[str, Float[np.ndarray, "n 2"]]:
    """Places of one micrograph by kind, in its pixels: y, x."""
    diameter_px = REAL_DIAMETER / REAL_PIXEL_SIZE
    truth = experts[name].centers_yx
    kinds = {"experts": truth}
    for picker, sets in pickers.items():
        if name not in sets:
            continue
        picks = sets[name].centers_yx
        pairs = match(picks, truth, TOLERANCE * diameter_px)
        kinds[f"{picker}: with an expert's"] = picks[pairs.picks]
        kinds[f"{picker}: without"] = np.delete(picks, pairs.picks, axis=0)
        if picker == "ours":
            kinds["experts: missed by ours"] = np.delete(truth, pairs.reference, axis=0)
    everybody = cKDTree(np.concatenate(list(kinds.values())))
    random = np.random.default_rng(0).uniform(diameter_px, 4096 - diameter_px, (20_000, 2))
    distance, _ = everybody.query(random)
    far = random[distance > BACKGROUND_DISTANCE * diameter_px]
    return {**kinds, "random background": far[:BACKGROUND_PLACES]}


def projections(molecule: Path) -> list[Float[Tensor, "n h w"]]:
    """Projections in all views, turned in the plane: mean 0 and norm 1 within the disc."""
    density = read_molecule(molecule, REAL_DIAMETER / PIXELS_PER_DIAMETER)
    views = torch.tensor(list(view_angles()))
    templates = []
    for psi in torch.arange(0, 360, STEP):
        angles = torch.cat((views, psi.expand(len(views), 1)), 1)
        templates.append(normalised(density.projector.project(rotation_matrices(angles))))
    return templates


def view_angles() -> Iterator[tuple[float, float]]:
    """Rot and tilt, `STEP` apart, in degrees: a quarter of the sphere, as the enzyme is D2."""
    for tilt in np.arange(0, 90 + STEP / 2, STEP):
        around = max(1, round(180 / STEP * np.sin(np.radians(tilt))))
        for rot in np.arange(around) * 180 / around:
            yield float(rot), float(tilt)


def disc(size: int) -> Float[Tensor, "n n"]:
    """1 within the particle's diameter of the centre."""
    axis = torch.arange(size) - size // 2
    return (axis[:, None] ** 2 + axis**2 <= (PIXELS_PER_DIAMETER / 2) ** 2).float()


def normalised(images: Float[Tensor, "n h w"]) -> Float[Tensor, "n h w"]:
    """Images with mean 0 and norm 1 within the disc, 0 outside."""
    mask = disc(images.shape[-1])
    images = (images - (images * mask).sum((1, 2), keepdim=True) / mask.sum()) * mask
    return images / images.square().sum((1, 2), keepdim=True).sqrt()


def best_correlation(
    path: Path, templates: list[Float[Tensor, "n h w"]]
) -> Float[Tensor, "height width"]:
    """Highest correlation of each place with any projection, at `PIXELS_PER_DIAMETER`."""
    image = read_micrograph(path, REAL_PIXEL_SIZE).image
    size = [round(n * PIXELS_PER_DIAMETER * REAL_PIXEL_SIZE / REAL_DIAMETER) for n in image.shape]
    image = -fourier_crop(image, *size)  # particles are dark
    image = image - image.mean()
    spectrum = torch.fft.rfft2(image)

    def correlate(kernel: Float[Tensor, "h w"]) -> Float[Tensor, "height width"]:
        half = kernel.shape[-1] // 2
        margins = (0, size[1] - kernel.shape[-1], 0, size[0] - kernel.shape[-2])
        padded = functional.pad(kernel, margins).roll((-half, -half), (0, 1))
        return torch.fft.irfft2(spectrum * torch.fft.rfft2(padded).conj(), s=size)

    mask = disc(templates[0].shape[-1])
    area = mask.sum()
    mean = correlate(mask) / area
    spectrum, kept = torch.fft.rfft2(image.square()), spectrum
    norm = (correlate(mask) - area * mean.square()).clamp(min=1e-6).sqrt()
    spectrum, best = kept, torch.full_like(image, -1.0)
    for group in templates:
        for template in group:
            best = torch.maximum(best, correlate(template))
    return best / norm


def at_places(
    scores: Float[Tensor, "height width"], centers_yx: Float[np.ndarray, "n 2"]
) -> Float[np.ndarray, " n"]:
    """The highest score within `SHIFT` of each place, which is in px of the micrograph."""
    reach = round(SHIFT * PIXELS_PER_DIAMETER)
    best = functional.max_pool2d(scores[None], 2 * reach + 1, stride=1, padding=reach)[0]
    scale = PIXELS_PER_DIAMETER * REAL_PIXEL_SIZE / REAL_DIAMETER
    rows, columns = (
        np.clip(np.round(values * scale).astype(int), 0, limit - 1)
        for values, limit in zip(centers_yx.T, best.shape, strict=True)
    )
    return best.numpy()[rows, columns]


if __name__ == "__main__":
    main()
