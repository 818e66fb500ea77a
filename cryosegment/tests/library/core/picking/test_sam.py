# SPDX-License-Identifier: GPL-3.0-or-later
"""Masks of SAM: small models of transformers with random weights, and what is made of masks."""

import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.spatial import cKDTree

from cryosegment.core.picking import ParticleMaps, find_particles, sam
from cryosegment.exchange.errors import InputError, ModelError
from cryosegment.exchange.params import SelectionParams
from cryosegment.tests.machine import NO_TRANSFORMERS

WITH_TRANSFORMERS = pytest.mark.skipif(find_spec("transformers") is None, reason=NO_TRANSFORMERS)
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
SHAPE, DIAMETER = (100, 140), 20.0
CENTERS_YX = np.array([[30.0, 30.0], [30.0, 80.0], [70.0, 55.0], [68.0, 108.0]])


@pytest.fixture
def maps() -> ParticleMaps:
    pixels = np.stack(np.indices(SHAPE), -1)
    away = np.stack([np.linalg.norm(pixels - center, axis=-1) for center in CENTERS_YX]).min(0)
    particle = torch.from_numpy((1 / (1 + np.exp(away - 9.5))).astype(np.float32))
    return ParticleMaps(particle, torch.zeros(SHAPE), torch.ones(SHAPE, dtype=torch.bool))


def save_tiny(kind: str, folder: Path) -> Path:
    """A checkpoint of SAM or SAM 2 with few layers."""
    import transformers

    torch.manual_seed(0)
    decoder = {"hidden_size": 16, "num_hidden_layers": 1, "mlp_dim": 16, "num_attention_heads": 2}
    decoder |= {"iou_head_hidden_dim": 16, "iou_head_depth": 2}
    prompts = {"hidden_size": 16, "image_size": 128, "patch_size": 16, "mask_input_channels": 4}
    if kind == "sam":
        vision = {"hidden_size": 8, "output_channels": 16, "num_hidden_layers": 1}
        vision |= {"num_attention_heads": 2, "image_size": 128, "patch_size": 16, "mlp_dim": 8}
        vision |= {"window_size": 4, "global_attn_indexes": [0], "num_pos_feats": 8}
        config = transformers.SamConfig(
            vision_config=vision,
            prompt_encoder_config={**prompts, "image_embedding_size": 8},
            mask_decoder_config=decoder,
        )
        transformers.SamModel(config).save_pretrained(folder)
    else:
        backbone = transformers.Sam2HieraDetConfig(
            hidden_size=8,
            image_size=[128, 128],
            num_attention_heads=1,
            blocks_per_stage=[1, 1, 1, 1],
            embed_dim_per_stage=[8, 16, 32, 64],
            num_attention_heads_per_stage=[1, 1, 2, 2],
            window_size_per_stage=[4, 4, 4, 4],
            global_attention_blocks=[],
            window_positional_embedding_background_size=[4, 4],
        )
        vision = transformers.Sam2VisionConfig(
            backbone_config=backbone.to_dict(),
            backbone_channel_list=[64, 32, 16, 8],
            backbone_feature_sizes=[[32, 32], [16, 16], [8, 8]],
            fpn_hidden_size=16,
        )
        config = transformers.Sam2Config(
            vision_config=vision.to_dict(),
            prompt_encoder_config=prompts,
            mask_decoder_config=decoder,
        )
        transformers.Sam2Model(config).save_pretrained(folder)
    return folder


@WITH_TRANSFORMERS
@pytest.mark.parametrize("kind", ["sam", "sam2"])
def test_a_checkpoint_is_asked_for_masks(
    kind: str, maps: ParticleMaps, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its weights are random, so that what it says is taken whatever it thinks of it."""
    folder = save_tiny(kind, tmp_path / kind)
    monkeypatch.setattr(sam, "SURE", -10.0)
    monkeypatch.setattr(sam, "STABLE", 0.0)
    model = sam.load_sam(str(folder))
    particle = maps.particle.numpy()
    points = sam.points_on(particle, 8.0)
    boxes, pixels = sam.generate_boxes(model, particle, points)
    assert pixels == max(SHAPE) / 128
    assert len(boxes) > 0
    assert (boxes[:, :2] >= 0).all()
    assert (boxes[:, 2:] > boxes[:, :2]).all()
    assert (boxes[:, 2:] <= np.ceil(np.array(SHAPE) / pixels)).all()
    found = find_particles(maps, DIAMETER, SelectionParams("sam", 0.4), sam=str(folder))
    assert torch.isfinite(found.centers_yx).all()


class PerfectSam:
    """In the place of trained weights: every point is answered by the region that it lies in."""

    device = torch.device("cpu")

    class config:
        class prompt_encoder_config:
            image_size = 256

    def to(self, device: torch.device) -> "PerfectSam":
        return self

    def get_image_embeddings(self, pixels: torch.Tensor) -> torch.Tensor:
        assert pixels.shape == (1, 3, 256, 256)
        return pixels[0, 0] * sam.SD[0] + sam.MEAN[0]

    def __call__(self, image_embeddings, input_points, input_labels):
        from scipy import ndimage

        labels, _ = ndimage.label((image_embeddings > 0.5).numpy())
        own = [labels[int(y.round()), int(x.round())] for x, y in input_points[0, :, 0]]
        masks = torch.from_numpy(np.stack([labels == number for number in own])).float()
        logits = 20 * torch.stack((masks, torch.ones_like(masks), masks), 1) - 10
        scores = torch.tensor([[0.97, 0.5, 0.95]]).repeat(len(own), 1)

        class Output:
            iou_scores = scores[None]
            pred_masks = logits[None]

        return Output()


def test_centers_are_the_middles_of_the_masks_once_each(
    maps: ParticleMaps, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The image is scaled to the input of SAM and back; unsure masks, and copies, are left out."""
    monkeypatch.setattr(sam, "load_sam", lambda _: PerfectSam())
    found = find_particles(maps, DIAMETER, SelectionParams("sam", 0.3), sam="here")
    assert len(found) == len(CENTERS_YX)
    assert cKDTree(found.centers_yx.numpy()).query(CENTERS_YX)[0].max() < 0.5


def test_points_lie_on_particles_alone() -> None:
    particle = np.zeros(SHAPE, np.float32)
    particle[20:40, 60:100] = 0.9
    points = sam.points_on(particle, 4.0)
    assert len(points) == 5 * 10
    assert (particle[tuple(points.astype(int).T)] == np.float32(0.9)).all()


def test_of_boxes_that_overlap_the_first_stays() -> None:
    boxes = np.array([[0, 0, 10, 10], [1, 0, 11, 10], [4, 0, 14, 10], [0, 0, 10, 9]])
    # 90 of 110 pixels are shared with the second, 60 of 140 with the third, 90 of 100 with the last
    assert sam._distinct(boxes).tolist() == boxes[[0, 2]].tolist()


def test_what_is_no_checkpoint(maps: ParticleMaps, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="give --sam FOLDER"):
        find_particles(maps, DIAMETER, SelectionParams("sam"))


@WITH_TRANSFORMERS
def test_what_is_no_model_of_sam(maps: ParticleMaps, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"model_type": "bert"}')
    for folder, reason in ((tmp_path, "it is of type bert"), (tmp_path / "missing", "missing")):
        with pytest.raises(ModelError, match="expected a folder with SAM or SAM 2") as error:
            find_particles(maps, DIAMETER, SelectionParams("sam"), sam=str(folder))
        assert reason in str(error.value)


def test_without_transformers(
    maps: ParticleMaps, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "transformers", None)  # what is not there
    with pytest.raises(InputError, match=r"install scipion-em-cryosegment\[sam\]"):
        find_particles(maps, DIAMETER, SelectionParams("sam"), sam=str(tmp_path))
