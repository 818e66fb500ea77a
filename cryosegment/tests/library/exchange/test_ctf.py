# SPDX-License-Identifier: GPL-3.0-or-later
from dataclasses import replace

import pandas
import pytest
import starfile

from cryosegment.exchange.ctf import CtfEstimate, read_ctfs, write_ctfs
from cryosegment.exchange.errors import InputError

OF_MICROGRAPHS = {
    "rlnMicrographName": ["Micrographs/a.mrc", "Micrographs/b c.mrc"],
    "rlnDefocusU": [15000.0, 21000.0],
    "rlnDefocusV": [14000.0, 20500.0],
    "rlnDefocusAngle": [30.0, -12.5],
}
OF_OPTICS = {
    "rlnVoltage": [300.0, 200.0],
    "rlnSphericalAberration": [2.7, 2.0],
    "rlnAmplitudeContrast": [0.1, 0.07],
}
EXPECTED = {
    "a": CtfEstimate(15000.0, 14000.0, 30.0, 200.0, 2.0, 0.07),
    "b c": CtfEstimate(21000.0, 20500.0, -12.5, 300.0, 2.7, 0.1),
}


@pytest.fixture
def write(tmp_path):
    def write_tables(**tables):
        path = tmp_path / "micrographs_ctf.star"
        starfile.write({name: pandas.DataFrame(table) for name, table in tables.items()}, path)
        return path

    return write_tables


def test_estimates_with_optics_groups(write):
    optics = {"rlnOpticsGroup": [1, 2], **OF_OPTICS}
    path = write(optics=optics, micrographs={**OF_MICROGRAPHS, "rlnOpticsGroup": [2, 1]})
    assert read_ctfs(path) == EXPECTED


def test_estimates_in_one_table_as_relion_3_0_has_them(write):
    values = {name: column[::-1] for name, column in OF_OPTICS.items()}
    assert read_ctfs(write(micrographs={**OF_MICROGRAPHS, **values})) == EXPECTED


@pytest.mark.parametrize("table", ["micrographs", "optics"])
def test_phase_shifts_of_a_phase_plate(write, table):
    values = {name: column[::-1] for name, column in OF_OPTICS.items()}
    tables = {
        "optics": {"rlnOpticsGroup": [1, 2]},
        "micrographs": {**OF_MICROGRAPHS, **values, "rlnOpticsGroup": [1, 2]},
    }
    tables[table]["rlnPhaseShift"] = [90.0, 45.5]
    assert read_ctfs(write(**tables)) == {
        "a": replace(EXPECTED["a"], phase_shift=90.0),
        "b c": replace(EXPECTED["b c"], phase_shift=45.5),
    }


def test_the_first_particle_of_a_micrograph_counts_and_missing_values_do_not(write):
    values = {name: column[::-1] for name, column in OF_OPTICS.items()}
    table = {name: [column[0], *column] for name, column in {**OF_MICROGRAPHS, **values}.items()}
    table["rlnDefocusU"] = [15000.0, 9.0, "nan"]
    assert read_ctfs(write(particles=table)) == {"a": EXPECTED["a"]}


def test_what_is_no_estimate(write):
    with pytest.raises(InputError, match="expected the column rlnVoltage"):
        read_ctfs(write(micrographs=OF_MICROGRAPHS))
    with pytest.raises(InputError, match="expected a table with the column rlnMicrographName"):
        read_ctfs(write(micrographs=OF_OPTICS))


def test_what_is_written_others_read(tmp_path):
    path = tmp_path / "ctfs.star"
    expected = {"a": replace(EXPECTED["a"], phase_shift=90.0), "b c": EXPECTED["b c"]}
    write_ctfs(path, expected)
    assert read_ctfs(path) == expected
    table = starfile.read(path)
    assert list(table["rlnMicrographName"]) == ["a", "b c"]
    assert list(table["rlnDefocusV"]) == [14000.0, 20500.0]
    assert list(table["rlnPhaseShift"]) == [90.0, 0.0]
    write_ctfs(path, {})
    assert read_ctfs(path) == {}
