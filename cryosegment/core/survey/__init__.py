# SPDX-License-Identifier: GPL-3.0-or-later
"""What picks look like by themselves, where no reference is known."""
