# SPDX-License-Identifier: GPL-3.0-or-later
"""Draw micrographs with picks, labels and truth, as they stand in README and guide.

    OMP_NUM_THREADS=1 python scripts/draw_micrographs.py DATA --work runs/pictures docs

writes picks.png, labels.png and quality.png of beta-galactosidase, and simulation.png; DATA is laid
out as docs/datasets.md says.
"""

from __future__ import annotations

import argparse
import re
import shlex
from pathlib import Path

import cv2
import mrcfile
import numpy as np
from PIL import Image
from scipy import ndimage
from small_pictures import save_small

from cryosegment.cli.main import main as cryosegment
from cryosegment.core.images.overlay import ZOOM, enlarged
from cryosegment.core.labels.labelled import read_labelled_image
from cryosegment.exchange.coordinates import read_coordinates
from cryosegment.exchange.ctf import read_ctfs
from cryosegment.exchange.labels import read_labels_index
from cryosegment.exchange.params import DARK, InputParams
from cryosegment.exchange.pick_folder import OVERLAYS
from cryosegment.exchange.star import read_star

DOCS = Path(__file__).parents[1] / "docs"
PIXEL_SIZE, DIAMETER = "1.77", "191"
"""Of the beta-galactosidase of EMPIAR-10017: Å/px, Å."""
FILM, PLAIN = "Falcon_2012_06_12-15_30_21_0", "Falcon_2012_06_12-14_33_35_0"
"""A micrograph with the edge of the carbon film, and one without."""
RIM, LABELLED = 120, 3
"""What is left out of a picture of picks, px; number of labelled micrographs."""
GREYS = 40  # and greens, of picks
PICKS_SIZE, LABELS_SIZE, QUALITY_WIDTH = (840, 640), (640, 640), 1200
"""Of the pictures, px: width and height."""
OUTLINE, DOT = (80, 255, 60), (0, 80, 255)
"""Blue, green, red of outlines and of the experts' picks."""
PIXELS_PER_DIAMETER = 32.0
CONTRAST = 0.5
"""Of labelled particles, whose outlines are to be seen."""
SCENE = re.compile(r"simulate --output DIR (--size 1024 .*?)^```", re.M | re.S)
"""The command in docs/simulation.md."""
SPECIES = ((86, 180, 233), (230, 159, 0))  # sky blue and orange of Okabe and Ito
DIRT = (110, 110, 110)
BLUR, SHOWN = 1.5, 8.0
"""Of the micrograph beside its truth: px; grey levels shown, in median deviations."""


def main() -> None:
    """Pick, label, check and simulate, and draw what comes of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("pictures", type=Path)
    parser.add_argument("--work", type=Path, required=True)
    arguments = parser.parse_args()
    real = arguments.data / "empiar10017"
    density = arguments.data / "maps" / "densities" / "betaGal.mrc.gz"
    models = arguments.data / "maps" / "models"
    draw_picks(real, arguments.work / "picks", arguments.pictures / "picks.png")
    draw_outlines(real, density, arguments.work / "labels", arguments.pictures / "labels.png")
    draw_flipped(real, density, arguments.work / "flipped", arguments.pictures / "quality.png")
    draw_truth(models, arguments.work / "simulated", arguments.pictures / "simulation.png")


def run(*words: object) -> None:
    """A command, which must succeed."""
    if cryosegment([*map(str, words)]):
        raise SystemExit(1)


def draw_picks(real: Path, work: Path, path: Path) -> None:
    """What the general model picks beside a carbon film."""
    micrograph = real / "micrographs" / f"{FILM}.jpg"
    sizes = ["--pixel-size", PIXEL_SIZE, "--diameter", DIAMETER]
    run("pick", micrograph, *sizes, "--overlays", "--gpu", "cpu", "--output", work)
    width, height = PICKS_SIZE
    picture = Image.open(work / OVERLAYS / f"{FILM}.png")
    save_small(picture.crop((RIM, RIM, RIM + width, RIM + height)), path, GREYS)


def label(real: Path, density: Path, work: Path, *more: str) -> None:
    """Label the first micrographs from the poses of the experts' particles."""
    micrographs = sorted((real / "micrographs").iterdir())[:LABELLED]
    words = ["--particles", real / "poses_relion31.star", "--map", density, *more]
    words += ["--pixel-size", PIXEL_SIZE, "--output", work]
    run("labels", "reconstruction", *micrographs, *words)


def draw_outlines(real: Path, density: Path, work: Path, path: Path) -> None:
    """Outlines of the labels, and where the experts have picked."""
    label(real, density, work, "--y-up")
    entry = next(each for each in read_labels_index(work).entries if each.name == PLAIN)
    sample = read_labelled_image(entry, "", InputParams(PIXELS_PER_DIAMETER), read_ctfs(""), DARK)
    experts = read_coordinates(real / "coordinates", float(PIXEL_SIZE))[PLAIN]
    picture = enlarged(CONTRAST * sample.working.image)
    instances = sample.instances.numpy().repeat(ZOOM, axis=0).repeat(ZOOM, axis=1)
    for number in range(1, instances.max() + 1):
        mask = (instances == number).astype(np.uint8)
        outlines, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
        cv2.drawContours(picture, outlines, -1, OUTLINE, 2, cv2.LINE_AA)
    for y, x in ZOOM * sample.working.from_micrograph(experts.centers_yx):
        cv2.circle(picture, (round(x), round(y)), 4, DOT, -1, cv2.LINE_AA)
    width, height = LABELS_SIZE
    top, left = ((side - shown) // 2 for side, shown in zip(picture.shape, (height, width)))
    save_small(in_rgb(picture[top : top + height, left : left + width]), path)


def draw_flipped(real: Path, density: Path, work: Path, path: Path) -> None:
    """What the check says of labels whose y axis is taken the wrong way."""
    label(real, density, work / "labels")
    run("labels", "check", work / "labels", "--gpu", "cpu", "--output", work / "quality")
    picture = Image.open(work / "quality" / "quality.png").convert("RGB")
    height = round(picture.height * QUALITY_WIDTH / picture.width)
    save_small(picture.resize((QUALITY_WIDTH, height), Image.Resampling.LANCZOS), path)


def draw_truth(models: Path, work: Path, path: Path) -> None:
    """A mixture, low-passed, beside its instances: a shade for each, a colour for each species."""
    (scene,) = SCENE.findall((DOCS / "simulation.md").read_text("utf-8"))
    words = shlex.split(scene.replace("\\\n", ""))
    files = {word: models / f"{word}.gz" for word in words if word.endswith((".pdb", ".cif"))}
    run("simulate", "--output", work, *(files.get(word, word) for word in words))
    (file,) = (work / "micrographs").iterdir()
    image = ndimage.gaussian_filter(mrcfile.read(file), BLUR)
    middle = np.median(image)
    spread = np.median(abs(image - middle))
    grey = (128 + 128 * (image - middle) / (SHOWN * spread)).clip(0, 255).astype(np.uint8)
    instances, classes = (
        mrcfile.read(work / "truth" / kind / file.name) for kind in ("instances", "classes")
    )
    species = np.array(
        read_star(work / "truth" / "coordinates.star")["particles"]["rlnClassNumber"], int
    )
    shades = np.random.default_rng(0).uniform(0.65, 1.0, len(species))
    colors = np.vstack([[0, 0, 0], np.array(SPECIES)[species - 1] * shades[:, None]])
    truth = colors[instances].astype(np.uint8)
    truth[(classes == 2) & (instances == 0)] = DIRT
    gap = np.full((len(grey), 16, 3), 255, np.uint8)
    both = np.hstack([np.repeat(grey[..., None], 3, axis=2), gap, truth])
    save_small(Image.fromarray(both).reduce(2), path)


def in_rgb(picture: np.ndarray) -> Image.Image:
    """A picture of OpenCV."""
    return Image.fromarray(cv2.cvtColor(picture, cv2.COLOR_BGR2RGB))


if __name__ == "__main__":
    main()
