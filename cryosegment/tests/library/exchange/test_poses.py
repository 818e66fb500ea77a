# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np
import pytest

from cryosegment.exchange.errors import InputError
from cryosegment.exchange.particles import read_poses
from cryosegment.exchange.star import write_star

OPTICS = {
    "rlnOpticsGroup": [1, 2],
    "rlnImagePixelSize": [2.0, 3.0],
    "rlnVoltage": [300.0, 200.0],
    "rlnSphericalAberration": [2.7, 2.0],
    "rlnAmplitudeContrast": [0.1, 0.07],
}
COLUMNS = {
    "rlnImageName": ["000001@a.mrcs", "000002@a.mrcs"],
    "rlnAngleRot": [10.0, 20.0],
    "rlnAngleTilt": [30.0, 40.0],
    "rlnAnglePsi": [50.0, 60.0],
    "rlnOriginXAngst": [1.0, -2.0],
    "rlnOriginYAngst": [3.0, 0.5],
    "rlnDefocusU": [12000.0, 13000.0],
    "rlnDefocusV": [11000.0, 12500.0],
    "rlnDefocusAngle": [20.0, -30.0],
    "rlnOpticsGroup": [2, 1],
}
FIELDS = [
    ("uid", "u8"),
    *[(f"blob/{name}", kind) for name, kind in (("path", "S20"), ("idx", "u4"))],
    *[("blob/shape", "u4", 2), ("blob/psize_A", "f4")],
    *[("alignments3D/pose", "f4", 3), ("alignments3D/shift", "f4", 2)],
]
CTF = {
    **{"df1_A": 12000.0, "df2_A": 11000.0, "df_angle_rad": np.pi / 6, "accel_kv": 300.0},
    **{"cs_mm": 2.7, "amp_contrast": 0.1, "phase_shift_rad": np.pi / 2},
}


def test_relion(tmp_path):
    """Voltages are those of the optics groups, phase shifts are 0 where nothing says them."""
    write_star(tmp_path / "p.star", {"optics": OPTICS, "particles": COLUMNS})
    found = read_poses(tmp_path / "p.star")
    np.testing.assert_array_equal(found.angles, [[10, 30, 50], [20, 40, 60]])
    np.testing.assert_array_equal(found.shifts_yx, [[3, 1], [0.5, -2]])
    expected = [[12000, 11000, 20, 200, 2.0, 0.07, 0], [13000, 12500, -30, 300, 2.7, 0.1, 0]]
    np.testing.assert_allclose(found.ctfs, expected)


@pytest.mark.parametrize("is_apart", [False, True])
def test_cryosparc(tmp_path, is_apart):
    """CTFs may have been passed through; angles are in radians there."""
    fields = [(f"ctf/{name}", "f4") for name in CTF]
    rows = np.zeros(2, [*FIELDS, *fields])
    rows["uid"], rows["blob/path"], rows["blob/psize_A"] = [5, 6], b"a.mrc", 2.0
    rows["alignments3D/shift"] = [[1, 2], [0, 0]]
    for name, value in CTF.items():
        rows[f"ctf/{name}"] = value
    main = [field[0] for field in FIELDS] if is_apart else list(rows.dtype.names)
    tables = {"p.cs": rows[main]}
    if is_apart:
        names = ["uid", *(field[0] for field in fields)]
        tables["p_passthrough_particles.cs"] = rows[names][::-1]
    for name, table in tables.items():
        with (tmp_path / name).open("wb") as stream:
            np.save(stream, table)
    found = read_poses(tmp_path / "p.cs")
    np.testing.assert_allclose(found.ctfs, [[12000, 11000, 30, 300, 2.7, 0.1, 90]] * 2, rtol=1e-6)
    np.testing.assert_allclose(found.shifts_yx, [[4, 2], [0, 0]])


@pytest.mark.parametrize(
    ("optics", "columns", "message"),
    [
        ({}, {"rlnDefocusU": None}, "the column rlnDefocusU"),
        ({}, {"rlnAngleTilt": None}, "rlnAngleTilt"),
        ({"rlnCtfDataAreCtfPremultiplied": [0, 1]}, {}, "says rlnCtfDataAreCtfPremultiplied"),
        ({"rlnCtfDataArePhaseFlipped": [1, 1]}, {}, "says rlnCtfDataArePhaseFlipped"),
    ],
)
def test_what_cannot_be_compared_is_refused(tmp_path, optics, columns, message):
    own = {name: values for name, values in {**COLUMNS, **columns}.items() if values is not None}
    write_star(tmp_path / "p.star", {"optics": {**OPTICS, **optics}, "particles": own})
    with pytest.raises(InputError, match=message):
        read_poses(tmp_path / "p.star")
