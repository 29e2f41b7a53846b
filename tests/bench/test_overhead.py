"""The comparison of two servers, on figures whose answer is known."""

from __future__ import annotations

import numpy as np
import pytest

from bench.overhead import compare


def test_what_is_the_same_in_every_round_is_certain():
    bare = np.array([3.0, 5.0, 4.0, 6.0])
    assert compare(bare, bare * 1.04) == pytest.approx((0.04, 0.04))


def test_rounds_of_different_size_cost_no_certainty_and_noise_does():
    chance = np.random.default_rng(1)
    bare = chance.uniform(1, 10, 40)
    overhead, most = compare(bare, bare * chance.normal(1.02, 0.05, 40))
    assert 0 < overhead < most < 0.06
    _, loud = compare(bare, bare * chance.normal(1.02, 0.3, 40))
    assert loud > most
