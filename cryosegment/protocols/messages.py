# SPDX-License-Identifier: GPL-3.0-or-later
"""Messages in the words of a form."""

from __future__ import annotations

import re
from typing import Dict, Iterable, List

from pwem.protocols import EMProtocol
from pyworkflow.object import Pointer

from cryosegment.exchange.errors import InputError
from cryosegment.exchange.files import PathLike, read_text
from cryosegment.exchange.micrograph_lists import read_failures
from cryosegment.exchange.records import in_words
from cryosegment.exchange.wording import counted

OPTIONS = {
    "coordinates": "*Coordinates*",
    "ctf": "*CTFs*",
    "gpu": "*GPU IDs*",
    "gpu cpu": "*GPU IDs: No*",
    "map": "*Volume*",
    "map-pixel-size": "the pixel size of *Volume*",
    "mask": "*Mask*",
    "output": "the folder of the run",
    "particle-pixel-size": "the pixel size of the particles",
    "particles": "*Refined particles*",
    "pixel-size": "the pixel size of the import",
    "resume": "*Continue*",
    "template": "*Template*",
    "y-up": "coordinates whose y axis is flipped",
}
"""What forms call the options of the core that are no plain fields of theirs."""
OPTION = re.compile(r"`?--([a-z][a-z-]*[a-z])( cpu\b)?`?")
EXPECTED = re.compile(r"\bexpected ([a-z][a-z-]*(?: [a-z-]+){0,3}?)(?= to be\b|,)")
PICKED_WARNING = (
    "The coordinates have a picker's scores. A model that is trained on them learns its mistakes, "
    "too, and F1 then measures the agreement with that picker, not how well the model picks. "
    "Correct the coordinates of a few micrographs by hand, or use refined particles."
)
SPEAKER = "cryosegment: "
"""What a last line of the core begins with."""


def last_line(log: PathLike, otherwise: str) -> str:
    """Last line that the core has said; `otherwise` where it has said nothing, or it is gone."""
    try:
        lines = read_text(log).strip().splitlines()
    except InputError:
        lines = []
    return lines[-1] if lines else otherwise


def run_names(pointers: Iterable[Pointer]) -> List[str]:
    """Names of sets, without commas: of the runs that made them, numbered where these are alike."""
    names: List[str] = []
    for number, pointer in enumerate(pointers, start=1):
        run = pointer.getObjValue().getRunName()
        names.append(f"{run} ({number})" if run in names else run)
    return [name.replace(",", " ") for name in names]


class FormWords(EMProtocol):
    """A protocol whose messages, and those of the core, name the fields of its form."""

    _label = None

    def inFormWords(self, text: str) -> str:
        """A message of the core with the labels of the form in place of options and parameters."""
        labels = self._labels()

        def option(found: re.Match[str]) -> str:
            name = found[1] + (found[2] or "")
            words = labels.get(found[1].replace("-", " "), OPTIONS.get(found[1], found[0]))
            return OPTIONS.get(name, words + (found[2] or ""))

        def parameter(found: re.Match[str]) -> str:
            return f"expected {labels.get(found[1], found[1])}"

        return EXPECTED.sub(parameter, OPTION.sub(option, text.replace(SPEAKER, "", 1)))

    def _labels(self) -> Dict[str, str]:
        """Labels of the fields that show, by the words of the parameter that they are."""
        found = {}
        for name, param in self.getDefinition().iterParams():
            parameter = getattr(param, "parameter", None)
            if parameter and self.evalParamCondition(name):
                found[in_words(parameter.name)] = f"*{param.label.get()}*"
        return found

    def validate(self) -> List[str]:
        """Errors of the form, in its words."""
        errors = self._pointedErrors()
        return errors or [self.inFormWords(error) for error in super().validate()]

    def _pointedErrors(self) -> List[str]:
        """Numbers that another run was to put out, and has not: they do not count as left empty."""
        return [
            f"*{param.label.get()}* points to a result that is not there: run what makes it first, "
            "or give a number."
            for name, param in self.getDefinition().iterParams()
            if param.allowsPointers
            and getattr(self, name).hasPointer()
            and getattr(self, name).get() is None
        ]

    def _coreError(self, otherwise: str) -> str:
        """The last words of the core; `otherwise` where it said nothing."""
        return self.inFormWords(last_line(self.getStderrLog(), otherwise))

    def _failuresIn(self, folder: str) -> Dict[str, str]:
        """Error of each micrograph that failed in a folder, by its name."""
        return {name: self.inFormWords(text) for name, text in read_failures(folder).items()}

    def _failuresText(self, failures: Dict[str, str], more: str) -> List[str]:
        """A line of a summary: how many failed, one of them, and `more`."""
        if not failures:
            return []
        name, message = next(iter(failures.items()))
        count = counted(len(failures), "micrograph")
        return [f"*{count} failed*, such as {name}: {message}. {more}"]
