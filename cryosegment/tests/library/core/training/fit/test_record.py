# SPDX-License-Identifier: GPL-3.0-or-later
import csv
from pathlib import Path

from cryosegment.core.training.fit.record import Record
from cryosegment.core.training.fit.state import Progress
from cryosegment.exchange.progress import no_progress

START = {"step": 0.0, "seconds": 1.0, "score": 0.25, "threshold": 0.5}
NEXT = {"step": 10.0, "seconds": 60.0, "particle": 0.75, "score": 0.5, "threshold": 0.25}


def table(path: Path) -> list[dict[str, float]]:
    with path.open() as file:
        return [{k: float(v) for k, v in row.items() if v} for row in csv.DictReader(file)]


def test_a_row_for_each_validation(tmp_path: Path) -> None:
    record = Record(tmp_path / "model.safetensors", no_progress)
    path = tmp_path / "model.history.csv"
    record(Progress(step=1, seconds=2.0, history=[START]), 0.01)
    assert table(path) == [START]
    record(Progress(step=10, seconds=60.0, history=[START, NEXT]), 0.1)
    assert table(path) == [START, NEXT]


def test_the_table_is_written_when_there_is_something_new(tmp_path: Path) -> None:
    record = Record(tmp_path / "model.safetensors", no_progress)
    path = tmp_path / "model.history.csv"
    record(Progress(step=1, seconds=2.0, history=[START]), 0.01)
    path.unlink()
    record(Progress(step=2, seconds=3.0, history=[START]), 0.02)
    assert not path.exists()


def test_every_step_is_told(tmp_path: Path) -> None:
    told = []
    record = Record(tmp_path / "model.safetensors", lambda *said: told.append(said))
    record(Progress(step=5, seconds=30.0, history=[START]), 0.2)
    assert told == [(200, 1000, "step 5, F1 0.250")]


def test_curves_for_tensorboard(tmp_path: Path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    output = tmp_path / "model.safetensors"
    changed = {**NEXT, "score": 0.75}
    for last in (NEXT, changed):  # an interrupted training, and one in its place
        record = Record(output, no_progress)
        record(Progress(step=1, seconds=2.0, history=[START]), 0.01)
        record(Progress(step=10, seconds=60.0, history=[START, last]), 0.1)
        record.close()
    events = EventAccumulator(str(tmp_path / "model.tensorboard"))
    events.Reload()
    assert set(events.Tags()["scalars"]) == {"seconds", "particle", "score", "threshold"}
    found = [(event.step, event.value) for event in events.Scalars("score")]
    assert found == [(0, 0.25), (10, 0.75)]
