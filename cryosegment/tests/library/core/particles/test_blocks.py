# SPDX-License-Identifier: GPL-3.0-or-later
import mrcfile
import numpy as np
import pytest

from cryosegment.core.particles.blocks import blocks_of
from cryosegment.exchange.errors import InputError
from cryosegment.exchange.particles import Named, ParticleStacks


def stacks_of(names, positions, pixel_sizes=None, are_dark=None):
    count = len(positions)
    return ParticleStacks(
        Named.of(names),
        np.array(positions),
        np.full(count, 2.0) if pixel_sizes is None else np.array(pixel_sizes),
        np.zeros(count, bool) if are_dark is None else np.array(are_dark),
        Named.of(names),
        np.full(count, np.nan),
    )


def test_every_image_is_in_one_block_in_the_order_of_its_stack():
    random = np.random.default_rng(0)
    names, positions = random.choice(["b", "a", "c"], 50), random.permutation(50)
    blocks = list(blocks_of(stacks_of(names.tolist(), positions), 7))
    assert sorted(np.concatenate([block.rows for block in blocks])) == list(range(50))
    assert max(len(block.rows) for block in blocks) == 7
    for block in blocks:
        assert {names[row] for row in block.rows} == {block.stack}
        assert block.positions.tolist() == sorted(positions[block.rows])
    assert len({block.name for block in blocks}) == len(blocks)
    stacks = [block.stack for block in blocks]
    assert len(list(dict.fromkeys(stacks))) == sum(a != b for a, b in zip(stacks, ["", *stacks]))


def test_a_block_has_one_pixel_size_and_contrast():
    blocks = list(blocks_of(stacks_of("aaaa", range(4), [2, 1, 2, 2], [0, 0, 1, 0]), 10))
    found = [(block.rows.tolist(), block.pixel_size, block.is_dark) for block in blocks]
    assert sorted(found) == [([0, 3], 2, False), ([1], 1, False), ([2], 2, True)]


def test_images_are_bright_and_found_above_the_list(tmp_path):
    """RELION names stacks from the folder of the project."""
    images = np.arange(4 * 9, dtype=np.float32).reshape(4, 3, 3)
    (tmp_path / "Extract" / "job1").mkdir(parents=True)
    mrcfile.write(tmp_path / "Extract" / "a.mrcs", images)
    stacks = stacks_of(["Extract/a.mrcs"] * 2, [3, 1], are_dark=[False, True])
    listed = tmp_path / "Extract" / "job1" / "particles.star"
    bright, dark = blocks_of(stacks)
    np.testing.assert_array_equal(bright.read(listed), images[3:])
    np.testing.assert_array_equal(dark.read(listed), -images[1:2])
    with pytest.raises(InputError, match=r"stack Extract/a\.mrcs of .* is neither in"):
        bright.read(tmp_path.parent / "other.star")
