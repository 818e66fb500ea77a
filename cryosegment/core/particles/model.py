# SPDX-License-Identifier: GPL-3.0-or-later
"""A model of particle images: their signal, edge and background, and how good each is.

    model = load_particle_model("particles", "cpu")
    maps = model.predict(images, pixel_size, diameter)  # raw images, as they are in the stack
    maps.probabilities  # (n, 3, h', w'): signal, edge, background
    maps.quality  # (n,) in [0, 1]; None from models that do not tell

The maps are at the working scale, at which a particle diameter has as many pixels as the model's
card says (`card.input.pixels_per_diameter`, 24 in the shipped model): they have `h * pixel_size /
maps.pixel_size` rows, rounded. Each image is resampled and normalised by itself, so that an image
gets the same maps in any batch. `card.task` is `PARTICLE_IMAGES`.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float, Real
from torch import Tensor

from cryosegment.core.images.resample import fourier_crop
from cryosegment.core.images.working import MIN_DIAMETER_PX, working_normalize
from cryosegment.core.models.model import Model, load_for
from cryosegment.core.particles.classes import CLASSES, PARTICLE_HEADS, middle_of
from cryosegment.exchange.card import PARTICLE_IMAGES
from cryosegment.exchange.errors import ParameterError
from cryosegment.exchange.files import PathLike
from cryosegment.exchange.model_files import PARTICLES
from cryosegment.exchange.params import AUTO, BRIGHT, DARK, InputParams

LARGEST_BOX = 6.0
"""Side of an image, in particle diameters, beyond which the diameter must be wrong."""
HOT_PIXEL_SDS = 8.0
"""Grey levels beyond this many standard deviations of their image are cut before resampling."""


@dataclass(frozen=True)
class ParticleMaps:
    """What a model sees in some images.

    Parameters
    ----------
    probabilities
        Of signal, edge and background; their sum is 1.
    quality
        Probability that an image holds one whole particle in its middle, on clean ice; None from a
        model that does not tell.
    pixel_size
        Å/px of the maps.
    """

    probabilities: Float[Tensor, "n 3 h w"]
    quality: Float[Tensor, " n"] | None
    pixel_size: float


@dataclass(frozen=True, repr=False)
class ParticleModel(Model):
    """A network for particle images on its device, and its card."""

    def predict(
        self,
        images: Real[Tensor, "n h w"],
        pixel_size: float,
        diameter: float,
        contrast: str = BRIGHT,
    ) -> ParticleMaps:
        """Classes of the pixels and quality of some images.

        Parameters
        ----------
        images
            As they are in a stack, of any scale of grey levels.
        pixel_size
            Of the images, Å/px.
        diameter
            Particle diameter, Å.
        contrast
            Whether particles are bright, as RELION extracts them, or dark.

        Raises
        ------
        ParameterError
            If the diameter cannot be that of particles in such images.
        """
        working, scaled = working_images(images, pixel_size, diameter, self.card.input, contrast)
        batch = working[:, None].to(self.device, memory_format=torch.channels_last)
        half = self.device.type == "cuda"
        with (
            torch.inference_mode(),
            torch.autocast(self.device.type, torch.float16, enabled=half),
        ):
            logits = self.picker(batch).float().cpu()
        probabilities = logits[:, : len(CLASSES)].softmax(1)
        return ParticleMaps(probabilities, self._quality(logits), scaled)

    def _quality(self, logits: Float[Tensor, "n k h w"]) -> Float[Tensor, " n"] | None:
        """Quality of images from their logits, calibrated."""
        if logits.shape[1] == len(CLASSES):
            return None
        scores = middle_of(logits[:, len(CLASSES)]).sigmoid()
        calibration = self.card.use.calibration
        if calibration is None:
            return scores
        return torch.from_numpy(calibration.probabilities(scores.numpy())).float()


def load_particle_model(model: PathLike = PARTICLES, device: str = AUTO) -> ParticleModel:
    """A model of particle images by path or by the name `particles`.

    Parameters
    ----------
    model
        Path, or `particles` for the shipped model.
    device
        As torch names it, such as cpu or cuda:0; auto: a GPU if there is one.

    Raises
    ------
    InputError, ModelError, ParameterError
        As `load_for`.
    """
    return ParticleModel(*load_for(model, device, PARTICLE_IMAGES, CLASSES, PARTICLE_HEADS))


def working_images(
    images: Real[Tensor, "n h w"],
    pixel_size: float,
    diameter: float,
    params: InputParams,
    contrast: str = BRIGHT,
) -> tuple[Float[Tensor, "n h2 w2"], float]:
    """Images at working scale as a network receives them, and their pixel size in Å/px.

    Parameters
    ----------
    images
        As they are in a stack.
    pixel_size, diameter
        Å/px of the images, and Å.
    params
        What the network receives.
    contrast
        Whether particles are bright or dark in the images.

    Raises
    ------
    ParameterError
        If the diameter cannot be that of particles in such images, or the contrast has another
        name.
    """
    if contrast not in (BRIGHT, DARK):
        raise ParameterError(f"expected contrast {BRIGHT} or {DARK}, got {contrast!r}")
    height, width = images.shape[-2:]
    diameter_px = diameter / pixel_size
    if not MIN_DIAMETER_PX <= diameter_px <= min(height, width):
        raise ParameterError(
            f"diameter {diameter:g} Å is {diameter_px:.1f} px of images of {height} x {width} px, "
            f"expected at least {MIN_DIAMETER_PX:g} px and no more than the image: check diameter "
            "and pixel size"
        )
    if max(height, width) > LARGEST_BOX * diameter_px:
        raise ParameterError(
            f"images of {height} x {width} px are more than {LARGEST_BOX:g} times as wide as "
            f"particles of {diameter:g} Å, which are {diameter_px:.1f} px: check diameter and "
            "pixel size, or extract smaller boxes"
        )
    factor = params.pixels_per_diameter / diameter_px
    shape = round(height * factor), round(width * factor)
    planes = images.float()
    mean, deviation = planes.mean((1, 2), keepdim=True), planes.std((1, 2), keepdim=True)
    reach = (HOT_PIXEL_SDS * deviation).clamp(min=torch.finfo(torch.float32).tiny)
    planes = ((planes - mean) / reach).clamp(-1, 1)
    planes = fourier_crop(planes, *shape)
    if contrast != params.contrast:
        planes = -planes
    scaled = pixel_size * (height / shape[0] + width / shape[1]) / 2
    return working_normalize(planes, None, params), scaled
