# SPDX-License-Identifier: GPL-3.0-or-later
"""The check of types in the tests: an int is a float, as everywhere in Python."""

from beartype import BeartypeConf, beartype

check = beartype(conf=BeartypeConf(is_pep484_tower=True))
