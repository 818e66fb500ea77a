# SPDX-License-Identifier: GPL-3.0-or-later
"""The templates that Scipion lists, each loaded, filled in and run on simulated micrographs."""

from __future__ import annotations

import shutil
import unittest
from typing import Any, List

from cryosegment.tests.machine import NO_RELION, has_relion
from cryosegment.tests.scripted import DIAMETER, PIXEL_SIZE, ProtocolTest, domain, simulate

NAMES = {
    "clean_particles",
    "consensus",
    "data_collection",
    "first_picks",
    "model_from_reconstruction",
}


def templates() -> Any:
    """What Scipion offers for new projects, by name."""
    plugin = domain().getPlugins()["cryosegment"]._pluginInstance
    return {template.name: template for template in plugin.getTemplates()}


class TestCryoSegmentTemplates(ProtocolTest):
    """Projects from templates, of two micrographs."""

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.micrographs = simulate(cls.folder, 2)
        cls.given = {"pixelSize": PIXEL_SIZE, "diameter": DIAMETER}

    def load(self, name: str, **values: Any) -> List[Any]:
        """The protocols of a template, with these answers to what it asks."""
        template = templates()[name]
        assert template.description != "Not provided"
        template.replaceEnvVariables()
        template.parseContent()
        values = {"folder": self.micrographs, **self.given, **values}
        for alias, value in values.items():
            assert template.setParamValue(alias, str(value)) == 1, alias
        assert not [field.validate() for field in template.getParams().values() if field.validate()]
        return list(self.proj.loadProtocols(template.createTemplateFile()).values())

    def run_all(self, name: str, **values: Any) -> List[Any]:
        """The finished protocols of a template, run one after another."""
        return [self.launchProtocol(each) for each in self.load(name, **values)]

    def testAllAreThere(self) -> None:
        """They name fields of the forms alone, and ask for each thing once."""
        assert set(templates()) == NAMES
        for template in templates().values():
            template.replaceEnvVariables()
            asked = [text.split("|") for text in template.getContent()[1::2]]
            for number in (0, 3):
                words = [field[number] for field in asked]
                assert len(set(words)) == len(words) > 0

    def testFirstPicks(self) -> None:
        """Micrographs in, coordinates and masks out."""
        _, pick = self.run_all("first_picks")
        assert pick.outputCoordinates.getSize() > 20
        assert pick.outputMasks.getSize() == 2

    def testModelFromReconstruction(self) -> None:
        """A model that knows the particle picks it."""
        truth = self.folder / "truth"
        (volume,) = (truth / "maps").glob("*.mrc")
        files = {"map": volume, "particles": truth / "coordinates.star", "voxelSize": PIXEL_SIZE}
        protocols = self.load("model_from_reconstruction", minutes=0.1, **files)
        *_, labels, train, pick = protocols
        train.patch.set(64)
        train.batch.set(32)  # for a CPU
        for each in protocols:
            self.launchProtocol(each)
        assert labels.outputMasks.getSize() == 2
        assert pick.inputModel.get().getPath() == train.outputModel.getPath()
        assert pick.outputCoordinates.getSize() > 20

    @unittest.skipUnless(has_relion(), NO_RELION)
    def testConsensus(self) -> None:
        """At most what each has found."""
        _, pick, other, both = self.run_all("consensus")
        most = min(pick.outputCoordinates.getSize(), other.outputCoordinates.getSize())
        assert 10 < both.outputCoordinates.getSize() <= most
        assert both.diameter.get() == DIAMETER

    @unittest.skipUnless(has_relion(), NO_RELION)
    def testCleanParticles(self) -> None:
        """Kept and dropped are the extracted ones."""
        *_, extract, rank = self.run_all("clean_particles", keep=0.5)
        total = extract.outputParticles.getSize()
        assert rank.outputParticles.getSize() == round(0.5 * total)
        assert rank.outputParticlesDropped.getSize() == total - rank.outputParticles.getSize()

    def testDataCollection(self) -> None:
        """The second micrograph comes when the first is picked."""
        first, second = sorted(self.micrographs.iterdir())
        folder = self.folder / "collected"
        folder.mkdir()
        shutil.copy(first, folder)
        source, pick = self.load("data_collection", folder=folder, fileTimeout=1)
        self.proj.launchProtocol(source, wait=False)
        self.waitFor(source, lambda: source.hasAttribute("outputMicrographs"))
        self.proj.launchProtocol(pick, wait=False)
        self.waitFor(pick, lambda: pick.hasAttribute("outputCoordinates"))
        shutil.copy(second, folder)
        self.waitFor(source, lambda: source.outputMicrographs.getSize() == 2)
        source.stopImport(None)  # the form's button
        self.waitFor(pick, lambda: not pick.isActive())
        assert pick.isFinished(), pick.getErrorMessage()
        names = {each.getMicName() for each in pick.outputCoordinates}
        assert names == {first.name, second.name}
