# SPDX-License-Identifier: GPL-3.0-or-later
"""How accurate a model is that was trained on one, two, five or ten micrographs.

    OMP_NUM_THREADS=1 python benchmarks/few_shot.py --data DATA --work runs/few_shot [--minutes 4]

Beta-galactosidase, as in `empiar10017.py`: the shipped model, trained for as many minutes on the
labels of each number of micrographs, and scored on the four that none of them was trained on. Where
there are two or more, one in five (at least one) is kept for validation.
"""

from __future__ import annotations

from empiar10017 import LENGTHS, fine_tune, options_of, split
from micrograph_sets import REAL_DIAMETER, REAL_PIXEL_SIZE, read_empiar10017
from scoring import HEADER, only, pick, print_row

NUMBERS = (1, 2, 5, 10)


def main() -> None:
    """Train with each number, pick, print the table."""
    arguments = options_of(__doc__).parse_args()
    folder = arguments.data / "empiar10017"
    five, others = split(folder)
    order = [*five, *others]
    held_out = order[max(NUMBERS) :]
    reference = only(read_empiar10017(folder).reference, {path.stem for path in held_out})
    print(HEADER)
    for number in (0, *NUMBERS):
        model, work = arguments.model, arguments.work / str(number)
        if number:
            model = fine_tune(order[:number], folder / "coordinates", work, arguments)
        options = [*LENGTHS, "--crf", arguments.crf, "--model", model]
        found = pick(held_out, work / "picks", REAL_PIXEL_SIZE, options)
        print_row(f"{number} micrographs", found, reference, REAL_DIAMETER)


if __name__ == "__main__":
    main()
