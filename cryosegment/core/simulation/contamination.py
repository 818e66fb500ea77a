# SPDX-License-Identifier: GPL-3.0-or-later
"""Contamination: ice crystals and blobs, the carbon film, ice of uneven thickness."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from cryosegment.core.simulation.noise import slow_noise

# Outlines of blobs: strength of the harmonics of the radius, from the second on.
HARMONICS = (0.12, 0.08, 0.06, 0.04, 0.03)


@dataclass(frozen=True)
class Contamination:
    """Contaminants of one image, in units of the noise's standard deviation.

    Attributes
    ----------
    absorption
        Darkening of the recorded image; negative where a fringe is bright.
    texture
        Strength of the amorphous structure, to be multiplied by white noise and imaged through
        the CTF.
    density
        Density that is imaged through the CTF like the particles, in their units: projected
        density, protein = 1, × pixels.
    mask
        True where the image is contaminated.
    """

    absorption: Float[Tensor, "h w"]
    texture: Float[Tensor, "h w"]
    density: Float[Tensor, "h w"]
    mask: Bool[Tensor, "h w"]

    def __add__(self, other: Contamination) -> Contamination:
        """Both: darkening and structure add up, as independent layers do."""
        return Contamination(
            self.absorption + other.absorption,
            torch.hypot(self.texture, other.texture),
            self.density + other.density,
            self.mask | other.mask,
        )


def no_contamination(height: int, width: int, generator: torch.Generator) -> Contamination:
    """A clean image, on the generator's device."""
    zero = torch.zeros(height, width, device=generator.device)
    return Contamination(zero, zero.clone(), zero.clone(), zero.bool())


def ice_blobs(
    height: int,
    width: int,
    count: int,
    radii: tuple[float, float],
    generator: torch.Generator,
) -> Contamination:
    """Ice crystals and blobs: dark, mottled inside, with a bright fringe around them.

    Parameters
    ----------
    height, width
        Size of the image, px.
    count
        Number of contaminants; half are faceted, half rounded, and they may touch.
    radii
        Smallest and largest radius, px; small ones are more frequent.
    generator
        Source of shapes and places.
    """
    result = no_contamination(height, width, generator)
    for _ in range(count):
        u = _uniform(6, generator)
        radius = radii[0] * (radii[1] / radii[0]) ** (u[0] ** 1.5)
        centre = (int(u[1] * height), int(u[2] * width))
        reach = int(1.6 * radius) + 8
        depth = (
            _crystal(reach, radius, generator) if u[3] < 0.5 else _blob(reach, radius, generator)
        )
        patch = _ice(depth, radius, 0.4 + 2.8 * u[4] ** 2, generator)
        _add(result, patch, centre, reach)
    return result


def carbon_edge(
    height: int, width: int, radius: float, wobble: float, generator: torch.Generator
) -> Contamination:
    """The carbon film beside a hole: dark, of strong amorphous structure, with a fringed edge.

    Parameters
    ----------
    height, width
        Size of the image, px.
    radius
        Radius of the hole, px.
    wobble
        Unevenness of the hole's rim, px.
    generator
        Source of side, depth and rim.
    """
    u = _uniform(8, generator)
    angle, side = 2 * math.pi * u[0], min(height, width)
    edge = side * (0.2 + 0.25 * u[1])
    y0 = (height - 1) / 2 + math.sin(angle) * (edge - radius)
    x0 = (width - 1) / 2 + math.cos(angle) * (edge - radius)
    y = torch.arange(height, device=generator.device)[:, None] - y0
    x = torch.arange(width, device=generator.device)[None, :] - x0
    depth = torch.hypot(y, x) - radius
    along = torch.atan2(y, x) * radius
    for waves, phase, share in ((9.0, u[2], 0.6), (31.0, u[3], 0.3), (87.0, u[4], 0.15)):
        depth += wobble * share * torch.sin(waves * along / side + 2 * math.pi * phase)
    film = torch.sigmoid(depth / 3)
    fringe = torch.exp(-(((depth + 6) / 5) ** 2)) - 0.6 * torch.exp(-(((depth - 5) / 5) ** 2))
    absorption = (0.2 + 0.7 * u[5]) * film - (0.3 + 0.5 * u[6]) * fringe
    texture = (1 + 1.5 * u[7]) * film
    return Contamination(absorption, texture, torch.zeros_like(film), depth > 0)


def ice_gradient(
    height: int, width: int, rise: float, generator: torch.Generator
) -> Float[Tensor, "h w"]:
    """Brightness of ice whose thickness changes over the image, mean 0.

    Parameters
    ----------
    height, width
        Size of the image, px.
    rise
        Difference between the brightest and the darkest place.
    generator
        Source of the direction and the bend.
    """
    u = _uniform(2, generator)
    y = torch.linspace(-1, 1, height, device=generator.device)[:, None]
    x = torch.linspace(-1, 1, width, device=generator.device)[None, :]
    angle = 2 * math.pi * u[0]
    ramp = math.sin(angle) * y + math.cos(angle) * x
    ramp = ramp + (u[1] - 0.5) * (y**2 + x**2)
    return (ramp - ramp.mean()) * (rise / (ramp.max() - ramp.min()))


def _ice(
    depth: Float[Tensor, "p p"], radius: float, darkness: float, generator: torch.Generator
) -> Contamination:
    """A piece of ice, from the distance of each pixel to its outline (inside > 0), px."""
    size = depth.shape[0]
    inside = torch.sigmoid(depth / 1.5)
    bulk = 1 - torch.exp(-depth.clamp(min=0) / (0.25 * radius))
    mottled = slow_noise(size, size, max(radius / 4, 3.0), generator)
    width = 2 + 0.04 * radius
    fringe = torch.exp(-(((depth + width) / width) ** 2))
    rim = torch.exp(-(((depth - width) / width) ** 2))
    shade = darkness * inside * (0.35 + 0.65 * bulk) * (1 + 0.3 * mottled)
    absorption = shade + 0.35 * darkness * (rim - 1.2 * fringe)
    return Contamination(absorption, 0.5 * inside, torch.zeros_like(inside), depth > -width)


def _crystal(reach: int, radius: float, generator: torch.Generator) -> Float[Tensor, "p p"]:
    """Distance to the outline of a convex polygon of 4 to 7 sides."""
    u = _uniform(16, generator)
    sides = 4 + int(4 * u[0])
    y, x = _grid(reach, generator)
    depth = torch.full_like(y + x, float(reach))
    for side in range(sides):
        angle = 2 * math.pi * (u[1] + (side + 0.5 * u[2 + side]) / sides)
        distance = radius * (0.65 + 0.3 * u[9 + side % 7])
        depth = torch.minimum(depth, distance - math.sin(angle) * y - math.cos(angle) * x)
    return depth


def _blob(reach: int, radius: float, generator: torch.Generator) -> Float[Tensor, "p p"]:
    """Distance along the radius to a rounded, irregular outline."""
    u = _uniform(2 * len(HARMONICS), generator)
    y, x = _grid(reach, generator)
    angle = torch.atan2(y, x)
    outline = torch.ones_like(angle)
    for order, strength in enumerate(HARMONICS, start=2):
        phase = 2 * math.pi * u[2 * order - 4]
        outline += strength * 2 * u[2 * order - 3] * torch.cos(order * angle + phase)
    return radius * outline - torch.hypot(y, x)


def _add(image: Contamination, patch: Contamination, centre: tuple[int, int], reach: int) -> None:
    """Put a patch with its middle at `centre` into the image, cut at the border."""
    height, width = image.mask.shape
    top, left = centre[0] - reach, centre[1] - reach
    rows = slice(max(top, 0), min(top + 2 * reach + 1, height))
    columns = slice(max(left, 0), min(left + 2 * reach + 1, width))
    part = (
        slice(rows.start - top, rows.stop - top),
        slice(columns.start - left, columns.stop - left),
    )
    here = image.absorption[rows, columns]
    # Of two pieces one above the other the darker one shows.
    is_darker = patch.absorption[part].abs() > here.abs()
    here.copy_(torch.where(is_darker, patch.absorption[part], here))
    texture = image.texture[rows, columns]
    torch.maximum(texture, patch.texture[part], out=texture)
    image.mask[rows, columns] |= patch.mask[part]


def _grid(
    reach: int, generator: torch.Generator
) -> tuple[Float[Tensor, "p 1"], Float[Tensor, "1 p"]]:
    offset = torch.arange(-reach, reach + 1, device=generator.device, dtype=torch.float32)
    return offset[:, None], offset[None, :]


def _uniform(count: int, generator: torch.Generator) -> list[float]:
    values: list[float] = torch.rand(count, generator=generator, device=generator.device).tolist()
    return values
