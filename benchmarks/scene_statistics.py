# SPDX-License-Identifier: GPL-3.0-or-later
"""Do training scenes cover real micrographs? Spectra and grey levels, as a network sees them.

    OMP_NUM_THREADS=1 python benchmarks/scene_statistics.py --data DATA \
        --bank runs/general/bank.safetensors --figure docs/scenes.png

DATA is laid out as docs/datasets.md says; the bank is that of scripts/train_general.py. `--raw`
adds micrographs of one's own. The size of the particles is known for one of these sets alone; the
others are taken to be 25 particles wide.

Each curve is printed by its distance to the nearest scenes, in units of the same distance between
scenes: 1 is what a scene has, and 3 that there are no scenes like this.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from micrograph_sets import REAL_DIAMETER, REAL_PIXEL_SIZE
from scipy.spatial.distance import cdist
from tqdm import tqdm

from cryosegment.core.images.micrograph import read_micrograph
from cryosegment.core.images.working import working_image, working_normalize
from cryosegment.core.simulation.bank import ProjectionBank, read_bank
from cryosegment.core.simulation.scenes import SceneSettings, draw_scene
from cryosegment.exchange.params import DARK, InputParams

Curve = Float[np.ndarray, " n"]

TILE = 256
WIDE = 25
EDGES = np.concatenate(([0.0], np.geomspace(0.01, 0.5, 20)))
"""Of the rings of a spectrum, cycles per pixel."""
LEVELS = np.linspace(-8, 8, 65)
NEAREST = 3
"""Scenes that a distance is the mean of."""
SETS = {
    "beta-galactosidase, denoised": "empiar10017/micrographs/*.jpg",
    "liposomes": "vesicles/*.mrc",
    "a contaminated one": "contamination/*.mrc",
    "thumbnails, good": "quality_classes/[01]*/*.png",
    "thumbnails, dirty": "quality_classes/2*/*.png",
    "thumbnails, no particles": "quality_classes/[345]*/*.png",
}


def main() -> None:
    """Print how far each set is from the scenes, and draw the figure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--bank", type=Path, required=True)
    parser.add_argument("--raw", type=Path, nargs="*", default=[], help="more micrographs")
    parser.add_argument("--scenes", type=int, default=300)
    parser.add_argument("--figure", type=Path, required=True)
    arguments = parser.parse_args()
    files = {name: sorted(arguments.data.glob(pattern)) for name, pattern in SETS.items()}
    files["raw"] = arguments.raw
    sets = {name: [seen(path) for path in paths] for name, paths in files.items() if paths}
    scenes = list(drawn_scenes(read_bank(arguments.bank), arguments.scenes))
    figure, panels = plt.subplots(1, 2, figsize=(12, 4.5), layout="constrained")
    print("| set | images | spectrum | grey levels |\n|---|---|---|---|")
    cells = {name: [str(len(images))] for name, images in sets.items()}
    for panel, measure in zip(panels, (spectrum, grey_levels), strict=True):
        curves = {name: np.stack([measure(image) for image in some]) for name, some in sets.items()}
        usual = np.stack([measure(image) for image in scenes])
        for name, some in curves.items():
            cells[name].append(f"{strangeness(some, usual).mean():.2f}")
        draw(panel, usual, curves, measure)
    for name, row in cells.items():
        print(f"| {name} | {' | '.join(row)} |")
    figure.savefig(arguments.figure, dpi=110)


def seen(path: Path) -> Float[np.ndarray, "h w"]:
    """A micrograph as a network sees it, without its dead border."""
    is_known = "empiar10017" in path.parts
    micrograph = read_micrograph(path, REAL_PIXEL_SIZE, path.stem)
    width = min(micrograph.image.shape) * micrograph.pixel_size
    diameter = REAL_DIAMETER if is_known else width / WIDE
    working = working_image(micrograph, diameter, InputParams(SceneSettings.diameter), DARK)
    return working.image[working.valid.any(1)][:, working.valid.any(0)].numpy()


def drawn_scenes(bank: ProjectionBank, count: int) -> Iterator[Float[np.ndarray, "h w"]]:
    """Training scenes as a network sees them."""
    settings = SceneSettings()
    for seed in tqdm(range(count), desc="scenes"):
        image = draw_scene(bank, settings, np.random.default_rng((seed, count))).image
        yield working_normalize(image[None], None, InputParams(settings.diameter))[0].numpy()


def spectrum(image: Float[np.ndarray, "h w"]) -> Curve:
    """Logarithm (base 10) of the mean power in each ring, of Hann-windowed tiles."""
    window = np.hanning(TILE)[:, None] * np.hanning(TILE)
    frequency = np.hypot(np.fft.fftfreq(TILE)[:, None], np.fft.fftfreq(TILE))
    rows, columns = (side // TILE * TILE for side in image.shape)
    tiles = image[:rows, :columns].reshape(rows // TILE, TILE, columns // TILE, TILE)
    tiles = tiles.swapaxes(1, 2).reshape(-1, TILE, TILE)
    tiles = (tiles - tiles.mean((1, 2), keepdims=True)) * window
    power = (np.abs(np.fft.fft2(tiles)) ** 2).mean(0) / np.square(window).sum()
    ring = np.digitize(frequency, EDGES)
    return np.log10([power[ring == k].mean() for k in range(1, len(EDGES))])


def grey_levels(image: Float[np.ndarray, "h w"]) -> Curve:
    """Share of the pixels at each grey level."""
    counts, _ = np.histogram(image, LEVELS)
    return np.asarray(counts / image.size)


def strangeness(curves: np.ndarray, scenes: np.ndarray) -> Curve:
    """Distance of each curve to the nearest scenes, over what is usual between scenes."""
    own = np.sort(cdist(scenes, scenes), axis=1)[:, 1 : NEAREST + 1].mean(1)
    found = np.sort(cdist(curves, scenes), axis=1)[:, :NEAREST].mean(1)
    return np.asarray(found / np.median(own))


def draw(panel: Axes, scenes: np.ndarray, sets: dict[str, np.ndarray], measure: object) -> None:
    """The scenes' range in grey, and the mean of each set."""
    is_power = measure is spectrum
    edges = EDGES if is_power else LEVELS
    places = (edges[1:] + edges[:-1]) / 2
    for low, high in ((1, 99), (25, 75)):
        span = np.percentile(scenes, (low, high), axis=0)
        panel.fill_between(
            places, *span, color="0.5", alpha=0.3, lw=0, label=f"scenes, {low}-{high} %"
        )
    for name, curves in sets.items():
        panel.plot(places, curves.mean(0), label=name)
    if is_power:
        panel.set(xscale="log", xlabel="cycles per pixel of 1/20 diameter", ylabel="log10 of power")
    else:
        panel.set(yscale="log", ylim=(1e-5, 0.2), xlabel="grey level, in noises", ylabel="share")
        panel.legend(fontsize=8)


if __name__ == "__main__":
    main()
