# SPDX-License-Identifier: GPL-3.0-or-later
"""What the Scipion side and the torch side share: records, parameters, jobs, files."""
