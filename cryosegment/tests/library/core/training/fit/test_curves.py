# SPDX-License-Identifier: GPL-3.0-or-later
import csv
from pathlib import Path

from cryosegment.core.training.fit.curves import Curves
from cryosegment.core.training.fit.state import TrainingProgress
from cryosegment.exchange.progress import no_progress

START = {"step": 0.0, "seconds": 1.0, "score": 0.25, "threshold": 0.5}
NEXT = {"step": 10.0, "seconds": 60.0, "particle": 0.75, "score": 0.5, "threshold": 0.25}


def table(path: Path) -> list[dict[str, float]]:
    with path.open() as file:
        return [{k: float(v) for k, v in row.items() if v} for row in csv.DictReader(file)]


def test_a_row_for_each_validation(tmp_path: Path) -> None:
    curves = Curves(tmp_path / "model.safetensors", "F1", no_progress)
    path = tmp_path / "model.history.csv"
    curves(TrainingProgress(step=1, seconds=2.0, history=[START]), 0.01)
    assert table(path) == [START]
    curves(TrainingProgress(step=10, seconds=60.0, history=[START, NEXT]), 0.1)
    assert table(path) == [START, NEXT]


def test_the_table_is_written_when_there_is_something_new(tmp_path: Path) -> None:
    curves = Curves(tmp_path / "model.safetensors", "F1", no_progress)
    path = tmp_path / "model.history.csv"
    curves(TrainingProgress(step=1, seconds=2.0, history=[START]), 0.01)
    path.unlink()
    curves(TrainingProgress(step=2, seconds=3.0, history=[START]), 0.02)
    assert not path.exists()


def test_every_step_is_told(tmp_path: Path) -> None:
    told = []
    curves = Curves(tmp_path / "model.safetensors", "F1", lambda *said: told.append(said))
    curves(TrainingProgress(step=5, seconds=30.0, history=[START]), 0.2)
    assert told == [(200, 1000, "step 5, F1 0.250")]


def test_curves_for_tensorboard(tmp_path: Path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    output = tmp_path / "model.safetensors"
    changed = {**NEXT, "score": 0.75}
    for run, last in enumerate((NEXT, changed)):  # an interrupted training, and one in its place
        curves = Curves(output, "F1", no_progress)
        curves(TrainingProgress(step=1, seconds=2.0, history=[START]), 0.01)
        curves(TrainingProgress(step=10, seconds=60.0, history=[START, last]), 0.1)
        curves.close()
        for file in (tmp_path / "model.tensorboard").glob("events.out.tfevents.*.*.*"):
            file.rename(file.with_name(f"events.out.tfevents.{run}"))  # they are read in this order
    events = EventAccumulator(str(tmp_path / "model.tensorboard"))
    events.Reload()
    assert set(events.Tags()["scalars"]) == {"seconds", "particle", "score", "threshold"}
    found = [(event.step, event.value) for event in events.Scalars("score")]
    assert found == [(0, 0.25), (10, 0.75)]
