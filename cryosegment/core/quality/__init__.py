# SPDX-License-Identifier: GPL-3.0-or-later
"""How good labels are, judged by their micrographs."""
