# SPDX-License-Identifier: GPL-3.0-or-later
"""The contrast transfer function of the microscope, in RELION's convention."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from cryosegment.exchange.ctf import CtfEstimate


@dataclass(frozen=True)
class Ctf(CtfEstimate):
    """A contrast transfer function with its envelopes.

    Parameters
    ----------
    b_factor
        B-factor, exp(-B f^2 / 4), Å^2.
    focus_spread
        Standard deviation of the defocus while the image is taken, Å: temporal coherence.
    convergence
        Half angle of the illumination, mrad: spatial coherence.

    Notes
    -----
    The envelopes are those of Frank, Three-Dimensional Electron Microscopy of Macromolecular
    Assemblies (2006), section 2.3.
    """

    defocus_angle: float = 0.0
    voltage: float = 300.0
    spherical_aberration: float = 2.7
    amplitude_contrast: float = 0.1
    b_factor: float = 0.0
    focus_spread: float = 0.0
    convergence: float = 0.0

    def transfer(
        self, height: int, width: int, pixel_size: float, device: torch.device | None = None
    ) -> Float[Tensor, "h f"]:
        """The function on the frequencies of `torch.fft.rfft2` of an image.

        It is positive at low frequencies: it images protein bright. A micrograph, in which
        protein is dark, is its negative.

        Parameters
        ----------
        height, width
            Size of the image, px.
        pixel_size
            Å per pixel.
        device
            Torch device.
        """
        y = torch.fft.fftfreq(height, pixel_size, device=device)[:, None]
        x = torch.fft.rfftfreq(width, pixel_size, device=device)[None, :]
        return self.at_frequencies(y, x)

    def at_frequencies(
        self, y: Float[Tensor, "h 1"], x: Float[Tensor, "1 f"]
    ) -> Float[Tensor, "h f"]:
        """The function at spatial frequencies along rows and columns, 1/Å."""
        length = wavelength(self.voltage)
        axial, cross, mixed = self._defocus_terms()
        squared = x**2 + y**2
        phase = (math.pi * length) * (axial * x**2 + cross * y**2 + (2 * mixed) * (x * y))
        aberration = (math.pi / 2 * self.spherical_aberration * 1e7 * length**3) * squared**2
        envelope = squared * (-self.b_factor / 4)
        if self.focus_spread:
            envelope -= 0.5 * (math.pi * length * self.focus_spread * squared) ** 2
        if self.convergence:
            # f times the slope of the phase along f; at f = 0 both vanish.
            slope = (2 * phase - 4 * aberration).square_() / squared.clamp(min=1e-20)
            envelope -= (5e-4 * self.convergence / length) ** 2 * slope
        phase -= aberration
        phase += math.asin(self.amplitude_contrast) + math.radians(self.phase_shift)
        return torch.sin_(phase).mul_(torch.exp_(envelope))

    def _defocus_terms(self) -> tuple[float, float, float]:
        """Defocus as a quadratic form: coefficients of x^2, y^2 and x y."""
        mean, half = (
            (self.defocus_u + self.defocus_v) / 2,
            (self.defocus_u - self.defocus_v) / 2,
        )
        double = 2 * math.radians(self.defocus_angle)
        return (
            mean + half * math.cos(double),
            mean - half * math.cos(double),
            half * math.sin(double),
        )


def wavelength(voltage: float) -> float:
    """Wavelength of electrons, Å, from the voltage in kV (relativistic)."""
    volts = 1000 * voltage
    return 12.2643247 / math.sqrt(volts * (1 + 0.978466e-6 * volts))
