# SPDX-License-Identifier: GPL-3.0-or-later
"""What is picked on ice, carbon and empty micrographs, and what the map of contamination is worth.

    OMP_NUM_THREADS=1 python benchmarks/junk.py --data DATA [--model MODEL]

DATA holds `quality_classes/` (thumbnails in six classes), `empiar10017/` and
`contamination/casper_10017/` (pixel maps of ice and carbon on eleven of its micrographs). The size
of the particles on the thumbnails is unknown: their width is taken to be 25 particles. Picks on
ice and carbon are counted with the map of contamination and as if it were empty, at the threshold
that the run chooses.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from jaxtyping import Bool
from micrograph_sets import REAL_DIAMETER, REAL_PIXEL_SIZE, read_empiar10017
from PIL import Image
from scoring import summary_of
from tqdm import tqdm

from cryosegment.core.evaluation.matching import match
from cryosegment.core.models.model import Model, load_model
from cryosegment.core.pipeline.micrograph import pick, read_working_image, segment
from cryosegment.exchange.coordinates import Coordinates
from cryosegment.exchange.params import PickParams
from cryosegment.exchange.settings import PickSettings, pick_settings

WIDE = 25
TOLERANCE = 0.25
ICE, CARBON = 2, 3
"""Classes of the pixel maps."""
THUMBNAIL_SIZE = 1.0
"""Å/px, by definition."""


@dataclass(frozen=True)
class Both:
    """Candidates of a micrograph with its map of contamination, and as if that were empty."""

    kept: Coordinates
    bare: Coordinates


def main() -> None:
    """Print a row for each thumbnail, then the figures on ice and carbon."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--model", default="general")
    arguments = parser.parse_args()
    model = load_model(arguments.model, "cpu")
    print("| thumbnail | class | picks | said of it |\n|---|---|---|---|")
    for path in sorted((arguments.data / "quality_classes").glob("*/*.png")):
        print_thumbnail(path, model)
    print_contaminated(arguments.data, model)


def print_thumbnail(path: Path, model: Model) -> None:
    """The picks on one thumbnail, as if it were a data set."""
    width = min(Image.open(path).size)
    params = PickParams(diameter=THUMBNAIL_SIZE * width / WIDE, pixel_size=THUMBNAIL_SIZE)
    summary = summary_of(path, params, model)
    remarks = "; ".join(summary.remarks)
    print(f"| {path.stem[:24]} | {path.parent.name} | {summary.picks} | {remarks} |", flush=True)


def print_contaminated(data: Path, model: Model) -> None:
    """Picks on the ice and carbon of real micrographs, and the recall elsewhere."""
    real = read_empiar10017(data / "empiar10017")
    folder = data / "contamination" / "casper_10017"
    params = PickParams(diameter=REAL_DIAMETER, pixel_size=REAL_PIXEL_SIZE)
    settings = pick_settings(params, model.card)
    files = [path for path in real.micrographs if (folder / f"{path.stem}.png").exists()]
    found = {path.stem: candidates(path, model, settings) for path in tqdm(files)}
    threshold = settings.threshold_for(
        np.concatenate([both.kept.scores for both in found.values()])
    )
    print(f"\nthreshold {threshold:.3f}")
    print("| | on carbon | on ice | recall elsewhere |\n|---|---|---|---|")
    for kind in ("bare", "kept"):
        on_carbon = on_ice = hits = particles = 0
        for name, both in found.items():
            classes = np.asarray(Image.open(folder / f"{name}.png"))
            some = getattr(both, kind)
            chosen = some.select(settings.chosen(some, threshold))
            on_carbon += int(lies_on(chosen, classes == CARBON).sum())
            on_ice += int(lies_on(chosen, classes == ICE).sum())
            reference = real.reference[name]
            reference = reference.select(~lies_on(reference, np.isin(classes, (ICE, CARBON))))
            tolerance_px = TOLERANCE * REAL_DIAMETER / REAL_PIXEL_SIZE
            hits += len(match(chosen.centers_yx, reference.centers_yx, tolerance_px))
            particles += len(reference)
        name = {"bare": "as if the map were empty", "kept": "with the map"}[kind]
        print(f"| {name} | {on_carbon} | {on_ice} | {hits / particles:.4f} |")


def candidates(path: Path, model: Model, settings: PickSettings) -> Both:
    """All candidates of a micrograph, both ways."""
    working = read_working_image(path, path.stem, settings)
    maps = segment(working, model, settings.crf)
    bare = replace(maps, contamination=maps.contamination * 0)
    free = replace(working, excluded=None)
    return Both(
        pick(path.stem, working, maps, settings).candidates,
        pick(path.stem, free, bare, settings).candidates,
    )


def lies_on(some: Coordinates, mask: Bool[np.ndarray, "h w"]) -> Bool[np.ndarray, " n"]:
    """Which centres lie on a mask of the micrograph."""
    y, x = np.round(some.centers_yx).astype(int).T
    return np.asarray(mask[y.clip(0, mask.shape[0] - 1), x.clip(0, mask.shape[1] - 1)])


if __name__ == "__main__":
    main()
