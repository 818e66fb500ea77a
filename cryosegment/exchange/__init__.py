# SPDX-License-Identifier: GPL-3.0-or-later
"""Shared by the Scipion side and the torch side: records, parameters, jobs, files."""
