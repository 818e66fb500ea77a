# SPDX-License-Identifier: GPL-3.0-or-later
"""Speed of the dense CRF beside pydensecrf2, on one core, in one run.

    OMP_NUM_THREADS=1 python benchmarks/crf_speed.py

Both get the same logits, feature and parameters; set-up is counted on both sides. Seconds are
the least of `--repeats` runs that alternate between the two. `agreement` is the share of pixels
with the same label, `changed` the share whose label the CRF changes.
"""

from __future__ import annotations

import argparse
import resource
import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pydensecrf.densecrf as densecrf
import torch
from scipy.ndimage import distance_transform_edt, gaussian_filter

from cryosegment.core.crf import crf_features, refine_logits
from cryosegment.exchange.params import CRF_PRESETS, CrfParams

CASES = ((768, 5), (1024, 10))  # pixels along a side, iterations
PRESETS = ("gaussian", "intensity", "logits", "combined")
DIAMETER = 20


def scene(size: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Working image with dark discs, and noisy logits for them."""
    random = np.random.default_rng(0)
    centres = np.zeros((size, size))
    centres[tuple(random.integers(0, size, (2, size * size // 1600)))] = 1
    mask = distance_transform_edt(centres == 0) < DIAMETER / 2
    noise = random.normal(size=(2, size, size))
    logits = gaussian_filter(np.where(mask, 2.0, -2.0), 1) + 4 * gaussian_filter(noise[0], 1)
    image = 2 * noise[1] - mask
    image = (image - image.mean()) / image.std()
    return torch.from_numpy(image).float(), torch.from_numpy(logits).float()


def ours(image: torch.Tensor, logits: torch.Tensor, params: CrfParams) -> np.ndarray:
    """Probability by this package, feature included."""
    with torch.inference_mode():
        refined = refine_logits(logits, crf_features(params, logits, image), params)
        return refined.sigmoid().cpu().numpy()


def theirs(features: dict[str, torch.Tensor], logits: np.ndarray, params: CrfParams) -> np.ndarray:
    """Probability by pydensecrf2, from features that are ready."""
    height, width = logits.shape
    model = densecrf.DenseCRF2D(width, height, 2)
    unary = np.stack([np.logaddexp(0, logits), np.logaddexp(0, -logits)]).reshape(2, -1)
    model.setUnaryEnergy(np.ascontiguousarray(unary, dtype=np.float32))
    model.addPairwiseGaussian(sxy=params.gaussian_sigma, compat=params.gaussian_weight)
    for term in params.appearance_terms():
        y, x = np.mgrid[:height, :width] / term.sigma
        plane = features[term.feature][0].numpy() / term.feature_sigma
        points = np.ascontiguousarray(np.stack([x, y, plane]).reshape(3, -1), dtype=np.float32)
        model.addPairwiseEnergy(points, compat=term.weight)
    return np.array(model.inference(params.iterations))[1].reshape(height, width)


def seconds(run: Callable[[], np.ndarray]) -> float:
    """Wall time of one run."""
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def compare(size: int, iterations: int, name: str, repeats: int) -> str:
    """One line of the table."""
    image, logits = scene(size)
    params = replace(CRF_PRESETS[name], iterations=iterations)
    features = crf_features(params, logits, image)
    found, expected = ours(image, logits, params), theirs(features, logits.numpy(), params)
    pairs = [
        (
            seconds(lambda: ours(image, logits, params)),
            seconds(lambda: theirs(features, logits.numpy(), params)),
        )
        for _ in range(repeats)
    ]
    our_seconds, their_seconds = (min(times) for times in zip(*pairs))
    agreement = np.mean((found > 0.5) == (expected > 0.5))
    changed = np.mean((found > 0.5) != (logits.numpy() > 0))
    line = (
        f"{size:5d} {iterations:10d}  {name:10s}{our_seconds:8.3f}{their_seconds:12.3f}"
        f"{their_seconds / our_seconds:7.1f}{agreement:11.4f}{changed:9.4f}"
    )
    return line + (f"{on_gpu(image, logits, params):8.2f}" if torch.cuda.is_available() else "")


def on_gpu(image: torch.Tensor, logits: torch.Tensor, params: CrfParams) -> float:
    """Milliseconds on the first GPU, data already there."""
    image, logits = image.cuda(), logits.cuda()
    times = [seconds(lambda: ours(image, logits, params)) for _ in range(20)]
    return 1000 * min(times)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=5)
    repeats = parser.parse_args().repeats
    torch.set_num_threads(1)
    print(f"memory that ours takes at {CASES[-1][0]}², {PRESETS[-1]}: {our_memory():.2f} GiB")
    gpu = "  GPU ms" if torch.cuda.is_available() else ""
    print(f" size iterations  preset    ours s  pydensecrf  ratio  agreement  changed{gpu}")
    for size, iterations in CASES:
        for name in PRESETS:
            print(compare(size, iterations, name, repeats), flush=True)
    print(f"peak memory of the process, both programs: {peak_memory():.2f} GiB")


def our_memory() -> float:
    """Rise of the peak memory by the first and largest run, GiB."""
    size, iterations = CASES[-1]
    image, logits = scene(size)
    before = peak_memory()
    ours(image, logits, replace(CRF_PRESETS[PRESETS[-1]], iterations=iterations))
    return peak_memory() - before


def peak_memory() -> float:
    """Peak memory of the process so far, GiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


if __name__ == "__main__":
    main()
