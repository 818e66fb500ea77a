# SPDX-License-Identifier: GPL-3.0-or-later
"""A Scipion home for the protocol tests: importing this prepares it.

It comes before pyworkflow, which reads its environment when it is imported. Under Scipion's own
test runner pyworkflow is there already, and its environment is used as it is.
"""

from __future__ import annotations

import atexit
import os
import shutil
import sys
import tempfile
from pathlib import Path

from cryosegment.scripting import prepare_scipion

if "pyworkflow" not in sys.modules:
    home = Path(tempfile.mkdtemp(prefix="cryosegment_tests_"))
    atexit.register(shutil.rmtree, home, ignore_errors=True)
    prepare_scipion(home)
    os.environ["SCIPION_STEPS_CHECK_SEC"] = "1"  # between two looks for new input, in place of 5
