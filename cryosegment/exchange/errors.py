# SPDX-License-Identifier: GPL-3.0-or-later
"""The errors raised on purpose; messages say what was expected, found, and to do."""


class CryoSegmentError(Exception):
    """An error a user can act on; its message is one line."""


class ParameterError(CryoSegmentError, ValueError):
    """A parameter is out of its range."""


class InputError(CryoSegmentError, ValueError):
    """A file, shape or pixel size cannot be used, or a file cannot be written."""


class ModelError(CryoSegmentError, RuntimeError):
    """A model file disagrees with the code or the data."""


class NetworkError(CryoSegmentError, RuntimeError):
    """A server that cannot be reached, is busy, or breaks off."""
