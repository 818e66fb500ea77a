# SPDX-License-Identifier: GPL-3.0-or-later
"""Which tests belong to what changed."""

import subprocess
from math import inf
from pathlib import Path
from types import SimpleNamespace

import pytest

from cryosegment.tests import conftest
from cryosegment.tests.changed import changed_files, files_of_tests

PACKAGE = {
    "optics/__init__.py": "from toy.optics.lens import Lens, GLASS",
    "optics/lens.py": "GLASS: int = 3\nclass Lens: pass",
    "optics/mirror.py": "def reflect(): pass",
    "tests/library/conftest.py": "",
    "tests/library/optics/conftest.py": "",
    "tests/library/optics/test_lens.py": "",
    "tests/library/optics/test_mirror.py": "from toy.optics import mirror",
    "tests/library/test_glass.py": "from toy.optics import GLASS",
    "tests/library/test_layers.py": "",
    "tests/library/test_light.py": "from toy.optics.mirror import reflect",
    "tests/library/test_other.py": "import toy",
}


def write(folder: Path, files: dict) -> None:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def belonging(package: Path, *changed: str) -> dict:
    found = files_of_tests([package / name for name in changed], package)
    assert found.pop(package / "tests" / "library" / "test_layers.py")
    return {path.name: is_near for path, is_near in found.items()}


def test_tests_that_belong_to_a_module(tmp_path: Path) -> None:
    package = tmp_path / "toy"
    write(package, PACKAGE)
    assert belonging(package, "optics/lens.py") == {"test_lens.py": True, "test_glass.py": False}
    assert belonging(package, "optics/mirror.py") == {
        "test_mirror.py": True,
        "test_light.py": False,
    }
    assert belonging(package, "tests/library/test_light.py") == {"test_light.py": True}
    of_the_room = {"test_lens.py": True, "test_mirror.py": True}
    assert belonging(package, "tests/library/optics/conftest.py") == of_the_room
    assert belonging(package, "optics/gone.py", "../README.md") == {}


def test_the_layers_are_always_looked_at(tmp_path: Path) -> None:
    write(tmp_path, PACKAGE)
    layers = tmp_path / "tests" / "library" / "test_layers.py"
    assert files_of_tests([], tmp_path) == {layers: True}


def test_what_changed(tmp_path: Path) -> None:
    def git(*words: str) -> None:
        who = ["-c", "user.name=n", "-c", "user.email=e"]
        subprocess.run(["git", *who, *words], cwd=tmp_path, check=True, capture_output=True)

    def commit(name: str) -> None:
        write(tmp_path, {name: ""})
        git("add", name)
        git("commit", "-m", name)

    def changed() -> set:
        return {path.name for path in changed_files("main", tmp_path)}

    git("init", "-b", "main")
    commit("first.py")
    commit("second.py")
    assert changed() == {"second.py"}  # on main, the last commit
    git("checkout", "-b", "branch")
    commit("third.py")
    write(tmp_path, {"first.py": "edited", "new.py": ""})
    assert changed() == {"first.py", "third.py", "new.py"}
    git("stash")
    git("checkout", "main")
    commit("elsewhere.py")
    git("checkout", "branch")
    assert changed() == {"third.py", "new.py"}  # not what main has got meanwhile


def test_the_nearest_come_first_and_others_are_left_out_when_the_time_is_over() -> None:
    near, far = Path("near.py"), Path("far.py")
    config = SimpleNamespace(stash=pytest.Stash())
    config.stash[conftest.CHOSEN] = {near: True, far: False}
    items = [SimpleNamespace(path=path, config=config) for path in (far, near)]
    conftest.pytest_collection_modifyitems(config, items)
    assert [item.path for item in items] == [near, far]
    for end, left in ((inf, []), (-inf, [far])):
        config.stash[conftest.END], found = end, []
        for item in items:
            try:
                conftest.pytest_runtest_setup(item)
            except pytest.skip.Exception:
                found.append(item.path)
        assert found == left
