# SPDX-License-Identifier: GPL-3.0-or-later
"""Form fields of training, and the job parameters that are made of them."""

from __future__ import annotations

from typing import Any, Dict, List, Sequence

from pyworkflow.protocol import params

from cryosegment.exchange.params import (
    BRANCHED_NETWORKS,
    ENCODED_NETWORKS,
    LOW_PASS,
    FrontEndParams,
    TrainParams,
)
from cryosegment.exchange.params.training import DEFAULT_MINUTES
from cryosegment.exchange.training_settings import MAY_NEED_CTF, chosen_front_end
from cryosegment.protocols.ctf_choice import CtfChoice
from cryosegment.protocols.form_fields import add_field, field_choices, form_values
from cryosegment.protocols.gpu_choice import GpuChoice
from cryosegment.protocols.trained_model import MODEL_SCRATCH, TrainedModel

UNIT_MINUTES, UNIT_EPOCHS = 0, 1
FRONT_ENDS = field_choices(TrainParams, "front_end")
LOW_PASS_CHOICE = FRONT_ENDS.index(LOW_PASS)
CTF_CHOICES = [FRONT_ENDS.index(name) for name in MAY_NEED_CTF]
COMPLETE, PARTIAL = 0, 1

OF_NETWORKS = {"encoder": ENCODED_NETWORKS, "branches": BRANCHED_NETWORKS}
"""Parameters that only some networks have, with these networks."""
ADVANCED = {"expertLevel": params.LEVEL_ADVANCED}
LEARNING = (
    ("augmentation", "augmentation", "Augmentation", {}),
    ("patience", "patience", "Patience", {}),
    ("partial_loss", "partialLoss", "Loss", {"condition": f"labelsAre == {PARTIAL}", **ADVANCED}),
    ("loss", "loss", "Loss", {"condition": f"labelsAre == {COMPLETE}", **ADVANCED}),
    ("crf", "crf", "Train with a CRF", ADVANCED),
    ("batch", "batch", "Batch", ADVANCED),
    ("patch", "patch", "Patch", ADVANCED),
    ("learning_rate", "learningRate", "Learning rate", ADVANCED),
    ("schedule", "schedule", "Schedule of the learning rate", ADVANCED),
    ("seed", "seed", "Seed", ADVANCED),
)
"""Parameter, form field, label and options of how a network learns."""


class TrainingForm(TrainedModel, CtfChoice, GpuChoice):
    """Form fields of a training: its start, its length, and how the network learns."""

    _label = None

    def _defineTrainingParams(self, form: params.Form) -> None:
        form.addSection(label="Training")
        self._defineDurationParams(form)
        add_field(form, TrainParams, "validation", "Validation fraction")
        add_field(form, TrainParams, "labels_are", "Labels are", "labelsAre", **ADVANCED)
        add_field(
            form,
            TrainParams,
            "expected_particles",
            "Particles per micrograph",
            "expectedParticles",
            allowsNull=True,
            condition=f"labelsAre == {PARTIAL}",
            **ADVANCED,
        )
        form.addSection(label="Model")
        self._defineNetworkParams(form)
        form.addSection(label="Learning")
        for name, attribute, label, options in LEARNING:
            add_field(form, TrainParams, name, label, attribute, **options)

    def _defineDurationParams(self, form: params.Form) -> None:
        form.addParam(
            "unit",
            params.EnumParam,
            choices=["minutes", "epochs"],
            default=UNIT_MINUTES,
            display=params.EnumParam.DISPLAY_HLIST,
            label="Duration in",
            help="An *epoch* is a pass over the micrographs.",
        )
        for name, kind, value, unit in (
            ("minutes", params.FloatParam, DEFAULT_MINUTES, UNIT_MINUTES),
            ("epochs", params.IntParam, 20, UNIT_EPOCHS),
        ):
            form.addParam(
                name,
                kind,
                default=value,
                condition=f"unit == {unit}",
                label=name.capitalize(),
                help="Longer training improves the model until the curve of F1 is flat.",
            )

    def _defineNetworkParams(self, form: params.Form) -> None:
        self._defineStartParams(form, "random weights; needs many micrographs.", "trained")
        scratch = {"condition": f"modelSource == {MODEL_SCRATCH}", **ADVANCED}
        add_field(form, TrainParams, "network", "Network", **scratch)
        for name, networks in OF_NETWORKS.items():
            options = {**scratch, "condition": _has_network(networks)}
            add_field(form, TrainParams, name, name.capitalize(), **options)
        add_field(
            form,
            TrainParams,
            "pixels_per_diameter",
            "Particle diameter for the network",
            "pixelsPerDiameter",
            **ADVANCED,
        )
        add_field(form, TrainParams, "front_end", "Front end", "frontEnd", **ADVANCED)
        low_pass = {"condition": f"frontEnd == {LOW_PASS_CHOICE}", **ADVANCED}
        add_field(form, TrainParams, "low_pass", "Low-pass", "lowPass", **low_pass)
        self._defineCtfParam(form, condition=f"frontEnd in {CTF_CHOICES}")

    def _gpuErrors(self) -> List[str]:
        errors = super()._gpuErrors()
        count = len(self.getGpuList()) if self.useGpu and not errors else 1
        if self.batch.get() % count:
            errors.append(
                f"{count} GPUs cannot share a batch of {self.batch} evenly: change the batch."
            )
        return errors

    def _frontEnd(self) -> str:
        card = None if self.modelSource == MODEL_SCRATCH else self._card()
        own = card.input.front_end if card else FrontEndParams()
        return chosen_front_end(self.getEnumText("frontEnd"), own).name

    def _trainValues(self) -> Dict[str, Any]:
        """Parameters of the job."""
        unit = self.getEnumText("unit")
        return {
            **form_values(self, TrainParams),
            **self._ctfParams(self._getExtraPath()),
            unit: getattr(self, unit).get(),
            "start": self._model(),
            **self._cpuParams(),
        }


def _has_network(networks: Sequence[str]) -> str:
    """Condition that the network is one of these, and trained from scratch."""
    choices = field_choices(TrainParams, "network")
    numbers = [choices.index(network) for network in networks]
    return f"modelSource == {MODEL_SCRATCH} and network in {numbers}"
