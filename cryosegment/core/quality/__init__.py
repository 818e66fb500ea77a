# SPDX-License-Identifier: GPL-3.0-or-later
"""Quality of labels: how well they fit their micrographs."""
