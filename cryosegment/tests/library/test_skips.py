# SPDX-License-Identifier: GPL-3.0-or-later
import subprocess
import sys

TESTS = """
import unittest
import pytest

@unittest.skipUnless(False, "no RELION: get it")
class TestExport(unittest.TestCase):
    def test_one(self): ...
    def test_two(self): ...

@pytest.fixture
def data():
    pytest.skip("no data")

def test_three(data): ...
def test_four(): ...
"""


def test_the_reasons_of_skipped_tests_are_written_down(tmp_path):
    (tmp_path / "test_some.py").write_text(TESTS)
    skips = tmp_path / "skips"
    skips.write_text("no display\n")
    words = ["-p", "cryosegment.tests.conftest", "--skips", str(skips), "test_some.py"]
    subprocess.run([sys.executable, "-m", "pytest", *words], cwd=tmp_path, check=True)
    expected = ["no display", "no RELION: get it", "no RELION: get it", "no data"]
    assert sorted(skips.read_text().splitlines()) == sorted(expected)
