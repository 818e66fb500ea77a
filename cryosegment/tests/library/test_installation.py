# SPDX-License-Identifier: GPL-3.0-or-later
import subprocess
import venv
import zipfile
from pathlib import Path

import pytest

from cryosegment import installation
from cryosegment.installation import PINS, has_nvidia_driver, pinned_torch, torch_words

PIN = "torch==2.13.0"


def wheel(folder: Path, name: str, version: str, needs: str = "") -> None:
    """A package of one empty module, as pip takes it."""
    info = f"{name}-{version}.dist-info"
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    metadata += f"Requires-Dist: {needs}\n" if needs else ""
    with zipfile.ZipFile(folder / f"{name}-{version}-py3-none-any.whl", "w") as file:
        file.writestr(f"{name}.py", "")
        file.writestr(f"{info}/METADATA", metadata)
        file.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        file.writestr(f"{info}/RECORD", "")


@pytest.fixture
def packages(tmp_path: Path) -> Path:
    """Torch as the package index has it, an older one, and what needs torch and a pinned one."""
    folder = tmp_path / "packages"
    folder.mkdir()
    for version in (PIN.split("==")[1], "2.7.1"):
        wheel(folder, "torch", version)
    wheel(folder, "picker", "1.0", needs="torch>=2.4")
    for version in ("4.70.1", "99.0"):
        wheel(folder, "tqdm", version)
    return folder


@pytest.fixture
def install(tmp_path: Path, packages: Path, monkeypatch: pytest.MonkeyPatch):
    """Run the file in a new environment that has no index but a folder; what is there after."""
    for name, value in {
        "PIP_CONFIG_FILE": "/dev/null",
        "PIP_FIND_LINKS": str(packages),
        "PIP_NO_INDEX": "1",
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    venv.create(tmp_path / "env", with_pip=True)
    python = tmp_path / "env" / "bin" / "python"

    def run(*words: str) -> tuple[subprocess.CompletedProcess[str], set[str]]:
        command = [str(python), installation.__file__, *words]
        done = subprocess.run(command, capture_output=True, text=True)
        installed = (tmp_path / "env").glob("lib/*/site-packages/*.dist-info")
        names = {path.stem for path in installed}
        return done, {name for name in names if name.split("-")[0] not in ("pip", "setuptools")}

    return run


def test_torch_for_cpus_comes_from_its_own_index_first():
    index = ["--index-url", "https://download.pytorch.org/whl/cpu", f"{PIN}+cpu"]
    first, second = torch_words("", PIN, has_driver=False)
    assert first[-3:] == index
    assert second == [PIN]
    assert torch_words("cpu", PIN, has_driver=True) == [first]  # asked for: nothing else will do


def test_torch_with_cuda_is_that_of_the_package_index():
    assert torch_words("", PIN, has_driver=True) == [["torch===2.13.0"]]
    assert torch_words("cuda", PIN, has_driver=False) == [["torch===2.13.0"]]


def test_torch_for_a_version_of_cuda():
    ((*_, index, requirement),) = torch_words("cu126", PIN, has_driver=True)
    assert (index, requirement) == ("https://download.pytorch.org/whl/cu126", f"{PIN}+cu126")


def test_torch_in_words():
    words = "torch==2.7.1 --index-url 'https://host/a b'"
    expected = ["torch==2.7.1", "--index-url", "https://host/a b"]
    assert torch_words(words, PIN, has_driver=False) == [expected]


def test_the_pin_of_torch():
    assert pinned_torch() == PIN
    assert PINS.parent == Path(installation.__file__).parent / "requirements"


@pytest.mark.slow
def test_installing(install, packages):
    """Torch by what is asked for, from where it is; the rest by its pins, and torch stays."""
    done, found = install("--torch", "cu126", "tqdm")
    assert done.returncode == 1
    assert "torch==2.13.0+cu126" in done.stderr
    assert found == set()

    done, found = install("--torch", "", "picker", "tqdm")
    assert done.returncode == 0, done.stderr
    told = "no torch for CPUs from https://download.pytorch.org/whl" in done.stderr
    assert told == (not has_nvidia_driver())
    assert found == {"picker-1.0", "torch-2.13.0", "tqdm-4.70.1"}

    done, found = install("--torch", "torch==2.7.1", "picker")
    assert done.returncode == 0, done.stderr
    assert found == {"picker-1.0", "torch-2.7.1", "tqdm-4.70.1"}

    wheel(packages, "torch", "2.13.0+cpu")
    done, found = install("--torch", "cpu", "picker")
    assert "torch-2.13.0+cpu" in found
    done, found = install("--torch", "cuda", "picker")
    assert "torch-2.13.0" in found
