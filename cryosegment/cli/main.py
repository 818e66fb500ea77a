# SPDX-License-Identifier: GPL-3.0-or-later
"""The command line."""

from __future__ import annotations


def main(args: list[str] | None = None) -> int:
    """Exit status of the command line `args`."""
    raise SystemExit(f"not ready: {args}")
