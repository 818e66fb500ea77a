# SPDX-License-Identifier: GPL-3.0-or-later
"""Figures of `evaluate` beside those of other programs, on random cases.

    pip install scikit-learn pycocotools
    python benchmarks/metrics.py [--cases 100]

Scores, hits and masks are made up; the table says how far any case is off, at most. COCO's average
precision takes for each of 101 recalls the highest precision from there on; ours the precision at
every step of the recall (as scikit-learn), and takes equal scores as one step.
"""

from __future__ import annotations

import argparse
import warnings
from collections import defaultdict
from collections.abc import Iterator
from contextlib import redirect_stdout
from io import StringIO

import numpy as np
import torch
from monai.metrics.surface_dice import compute_surface_dice
from pycocotools import mask as coco_mask
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval
from scipy.optimize import linear_sum_assignment
from skimage.measure import label
from sklearn import metrics
from sklearn.calibration import calibration_curve

from cryosegment.core.evaluation.boundaries import count_boundaries
from cryosegment.core.evaluation.curves import rank
from cryosegment.core.evaluation.instances import compare_instances, instance_numbers
from cryosegment.core.evaluation.matching import match
from cryosegment.core.evaluation.metrics import evaluate
from cryosegment.core.evaluation.pixels import count_pixels
from cryosegment.core.evaluation.reliability import calibration_error, sums_by_bin
from cryosegment.exchange.coordinates import Coordinates

Row = tuple[str, str, float, float]
"""A figure, the other program, our value and its value."""
SIDE, TOLERANCE = 200, 10.0


def main() -> None:
    """Print the largest difference of each figure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=100)
    largest: dict[tuple[str, str], float] = defaultdict(float)
    cases = parser.parse_args().cases
    for seed in range(cases):
        random = np.random.default_rng(seed)
        for make in (particles, scores, pixels, instances):
            for figure, other, ours, theirs in make(random):
                largest[figure, other] = max(largest[figure, other], abs(ours - theirs))
    print("| figure | other program | largest difference |\n|---|---|---|")
    for (figure, other), value in largest.items():
        print(f"| {figure} | {other} | {value:.1g} |")


def particles(random: np.random.Generator) -> Iterator[Row]:
    """Pairs of points."""
    reference = random.random((60, 2)) * SIDE
    near = reference[:40] + random.normal(0, 4, (40, 2))
    picks = np.concatenate([near, random.random((30, 2)) * SIDE])
    apart = np.linalg.norm(picks[:, None] - reference[None], axis=2)
    costs = np.where(apart <= TOLERANCE, apart, 1e6)
    chosen = costs[linear_sum_assignment(costs)]
    chosen = chosen[chosen < 1e6]
    pairs = match(picks, reference, TOLERANCE)
    yield "matched pairs", "SciPy", len(pairs), len(chosen)
    yield "distance of matched pairs, px", "SciPy", pairs.distances.sum(), chosen.sum()
    total = evaluate(
        {"m": Coordinates(picks, 1.0, "m")}, {"m": Coordinates(reference, 1.0, "m")}, 40.0
    ).overall
    hits = len(chosen)
    truth = np.repeat([1, 0, 1], [hits, len(picks) - hits, len(reference) - hits])
    picked = np.repeat([1, 1, 0], [hits, len(picks) - hits, len(reference) - hits])
    yield "precision", "scikit-learn", total.precision, metrics.precision_score(truth, picked)
    yield "recall", "scikit-learn", total.recall, metrics.recall_score(truth, picked)
    yield "F1", "scikit-learn", total.f1, metrics.f1_score(truth, picked)
    yield "F2", "scikit-learn", total.f_beta, metrics.fbeta_score(truth, picked, beta=2)


def scores(random: np.random.Generator) -> Iterator[Row]:
    """Ranked picks, many of which have equal scores; all particles are picked."""
    values = np.round(random.random(300), 2)
    hits = random.random(300) < values**2
    ranked = rank(values, hits, int(hits.sum()))
    area = metrics.average_precision_score(hits, values)
    yield "average precision", "scikit-learn", ranked.average_precision, area
    precision, recall, _ = metrics.precision_recall_curve(hits, values)
    f1 = 2 * precision * recall / np.maximum(precision + recall, 1e-12)
    yield "best F1", "scikit-learn", ranked.best[0], f1.max()
    curve = ranked.curve()
    same = [float(np.abs(recall[:-1][::-1][: len(curve.recall)] - curve.recall).max())]
    yield "recall along the curve", "scikit-learn", same[0], 0.0
    unequal = random.random(300)
    parts, means = calibration_curve(unequal < 0.5, unequal, n_bins=10)
    weights = np.histogram(unequal, 10, (0, 1))[0]
    expected = np.abs(parts - means) @ weights[weights > 0] / 300
    error = float(calibration_error(sums_by_bin(unequal, unequal < 0.5)))
    yield "calibration error", "scikit-learn", error, expected


def blobs(random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Instances of a reference, and a worse copy."""
    coarse = np.kron(random.random((12, 16)) < 0.4, np.ones((6, 6), int))
    reference = label(coarse, connectivity=1)
    kept = random.random(reference.max() + 1) < 0.7
    found = np.where(kept[reference] & (random.random(reference.shape) < 0.85), reference, 0)
    extra = label(np.kron(random.random((12, 16)) < 0.05, np.ones((6, 6), int)))
    return np.where((found == 0) & (extra > 0), extra + reference.max(), found), reference


def pixels(random: np.random.Generator) -> Iterator[Row]:
    """Masks and their outlines."""
    found, reference = blobs(random)
    mask, true = torch.from_numpy(found > 0), torch.from_numpy(reference > 0)
    one, two = mask.numpy().ravel(), true.numpy().ravel()
    counts = count_pixels(mask, true)
    for own, part, true_part in ((counts, one, two), (counts.of_background(), ~one, ~two)):
        of = (true_part, part)
        yield "pixel accuracy", "scikit-learn", own.accuracy, metrics.accuracy_score(*of)
        yield "pixel precision", "scikit-learn", own.precision, metrics.precision_score(*of)
        yield "pixel recall", "scikit-learn", own.recall, metrics.recall_score(*of)
        yield "pixel F1", "scikit-learn", own.f1, metrics.f1_score(*of)
        yield "pixel IoU", "scikit-learn", own.iou, metrics.jaccard_score(*of)
    # MONAI looks no further than the box of both masks, so these have a border
    padded = [torch.nn.functional.pad(part, (2, 2, 2, 2)) for part in (mask, true)]
    near = count_boundaries(*padded, torch.ones_like(padded[0]), 2.0)
    ours = (near.found_near + near.true_near) / (near.found + near.true)
    both = [part[None, None].float() for part in padded]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # MONAI calls what it has deprecated
        theirs = float(compute_surface_dice(*both, [2.0], include_background=True))
    yield "outlines within 2 px", "MONAI", ours, theirs


def instances(random: np.random.Generator) -> Iterator[Row]:
    """Instances with scores."""
    found, reference = blobs(random)
    numbers = instance_numbers(found)
    values = random.permutation(len(numbers)) / len(numbers)
    outcome = compare_instances(found, reference, values)
    theirs = by_coco(found, reference, dict(zip(numbers.tolist(), values.tolist(), strict=True)))
    for row, overlap in ((0, 0.5), (5, 0.75)):
        recall = outcome.hits[row].sum() / outcome.reference
        yield f"instances found, IoU {overlap}", "COCO", recall, theirs.eval["recall"][row, 0, 0, 0]
    mean = float(theirs.eval["precision"][:, :, 0, 0, 0].mean())  # of all sizes
    order = np.argsort(-values)
    smooth = [smoothed(hits[order], outcome.reference) for hits in outcome.hits]
    ours = float(np.mean(outcome.average_precisions()))
    yield "instance AP@[.5:.95], smoothed as COCO does", "COCO", float(np.mean(smooth)), mean
    yield "instance AP@[.5:.95], as it is", "COCO", ours, mean


def smoothed(hits: np.ndarray, reference: int) -> float:
    """COCO's mean over 101 recalls of the highest precision from there on."""
    found = np.cumsum(hits)
    precision = np.maximum.accumulate((found / np.arange(1, len(hits) + 1))[::-1])[::-1]
    places = np.searchsorted(found / reference, np.linspace(0, 1, 101))
    return float(np.append(precision, 0.0)[places].mean())


def by_coco(found: np.ndarray, reference: np.ndarray, values: dict[int, float]) -> COCOeval:
    """COCO's own evaluation of two maps of instances."""
    known, picked = COCO(), []
    known.dataset = {
        "images": [{"id": 1, "height": found.shape[0], "width": found.shape[1]}],
        "categories": [{"id": 1, "name": "particle"}],
        "annotations": [
            {"id": i, "image_id": 1, "category_id": 1, "iscrowd": 0, **encoded(reference == number)}
            for i, number in enumerate(instance_numbers(reference).tolist(), start=1)
        ],
    }
    for number, value in values.items():
        own = encoded(found == number)
        picked.append({"image_id": 1, "category_id": 1, "score": value, **own})
    with redirect_stdout(StringIO()):
        known.createIndex()
        judge = COCOeval(known, known.loadRes(picked), "segm")
        judge.params.maxDets = [len(values)] * 3
        judge.evaluate()
        judge.accumulate()
    return judge


def encoded(mask: np.ndarray) -> dict[str, object]:
    """A mask as COCO has it."""
    run = coco_mask.encode(np.asfortranarray(mask.astype(np.uint8)))
    return {"segmentation": run, "area": int(mask.sum()), "bbox": coco_mask.toBbox(run).tolist()}


if __name__ == "__main__":
    main()
