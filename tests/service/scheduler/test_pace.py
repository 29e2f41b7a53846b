"""What is learned of a model's speed from the batches it computed."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fake_lane import unit
from service.scheduler.pace import Pace
from service.scheduler.policy import Policy
from service.scheduler.work import Batch, Unit

SHAPES = st.lists(
    st.tuples(st.integers(1, 32), st.integers(1, 200), st.integers(0, 200)), min_size=4, max_size=20
)


def batch(count: int, input_tokens: int, output_tokens: int) -> Batch:
    return Batch(tuple(Unit("q", None, n, n, input_tokens, output_tokens) for n in range(count)))


def test_nothing_is_foreseen_before_anything_is_measured() -> None:
    pace = Pace("q", Policy(batch_tokens=1000))
    assert pace.predict(10_000, 0.0) == 0.0
    assert pace.budget == 1000


def alone(pace: Pace, batch: Batch, seconds: float, now: float) -> None:
    """A batch that nothing runs beside."""
    pace.measure(batch, seconds, seconds, now)


def learn(pace: Pace, seconds: Callable[[Batch], float], batches: int = 100) -> None:
    """Feed it full batches of units of 60 tokens until it has settled."""
    for _ in range(batches):
        b = batch(max(1, int(pace.budget / 60)), 40, 20)
        alone(pace, b, seconds(b), 0.0)


def linear(per_step: float, per_token: float) -> Callable[[Batch], float]:
    return lambda b: per_step * b.steps + per_token * b.padded


def test_a_model_whose_steps_cost_little_gets_small_batches() -> None:
    """Bigger ones would be no faster, and others would wait for them."""
    pace = Pace("q", Policy(batch_tokens=100_000, batch_seconds=100.0))
    learn(pace, linear(0.002, 0.0002), 60)
    assert pace.budget == 8192  # the 40 ms of the steps are 2.4 % of it, and 4.7 % of half of it


def test_a_model_whose_big_batches_are_slow_gets_smaller_ones() -> None:
    pace = Pace("q", Policy(batch_tokens=100_000, batch_seconds=100.0))
    learn(
        pace, lambda b: 0.01 * b.steps + 0.0002 * b.padded * (1.3 if b.padded > 16_384 else 1), 60
    )
    assert pace.budget == 16_384


def test_another_size_is_tried_again_when_the_model_has_changed() -> None:
    pace = Pace("q", Policy(batch_tokens=100_000, batch_seconds=100.0))
    learn(pace, lambda b: 0.01 * b.steps + 0.0002 * b.padded * (1.3 if b.padded > 16_384 else 1))
    learn(pace, linear(0.05, 0.0002), 400)
    assert pace.budget > 16_384


def test_a_model_whose_steps_cost_much_gets_what_the_time_allows() -> None:
    pace = Pace("q", Policy(batch_tokens=100_000, batch_seconds=5.0))
    learn(pace, linear(0.05, 0.0002))
    assert pace.budget == pytest.approx((5.0 - 20 * 0.05) / 0.0002, rel=0.05)


def test_a_batch_that_shares_its_lane_may_last_as_long_and_no_longer() -> None:
    pace = Pace("q", Policy(batch_tokens=100_000, batch_seconds=5.0))
    duration = linear(0.05, 0.0002)
    for _ in range(100):
        b = batch(max(1, int(pace.budget / 60)), 40, 20)
        pace.measure(b, duration(b) / 2, duration(b), 0.0)
    assert pace.budget == pytest.approx((5.0 - 20 * 0.05) / 0.0002, rel=0.05)
    assert pace.batch_seconds(0.0) == pytest.approx(5.0, rel=0.05)


def test_a_model_that_is_fast_gets_what_memory_allows() -> None:
    pace = Pace("q", Policy(batch_tokens=50_000, batch_seconds=5.0))
    learn(pace, linear(0.05, 1e-6))
    assert pace.budget == 50_000


def test_sizes_are_tried_one_after_the_other_until_memory_runs_out() -> None:
    pace = Pace("q", Policy(batch_tokens=100_000, batch_seconds=1e9))
    sizes = []
    while pace.budget < 60_000:
        sizes.append(pace.budget)
        alone(pace, batch(int(pace.budget / 100), 100, 0), 1.0, 0.0)
    assert list(dict.fromkeys(sizes)) == [4096, 8192, 16384, 32768]
    pace.shrink(batch(600, 100, 0))
    assert pace.budget == 30_000
    alone(pace, batch(300, 100, 0), 1.0, 0.0)
    assert pace.budget == 30_000 + 100_000 / 64


def test_one_batch_is_enough_to_go_on_but_not_to_turn_back() -> None:
    pace = Pace("q", Policy(batch_tokens=100_000, batch_seconds=1e9))
    alone(pace, batch(40, 100, 0), 1.0, 0.0)
    assert pace.budget == 8192
    budgets = []
    for _ in range(3):  # twice as big, and three times as long
        alone(pace, batch(80, 100, 0), 3.0, 0.0)
        budgets.append(pace.budget)
    assert budgets == [8192, 8192, 4096]


def test_lone_units_do_not_make_the_model_look_slow() -> None:
    """A hundred short units one by one, each as long as its steps take, then a full batch."""
    pace = Pace("q", Policy(batch_tokens=4096, batch_seconds=5.0))
    for second in range(100):
        alone(pace, batch(1, 20, 20), 2.0, second)
    assert pace.budget == 4096  # and not the tokens that lone units get through in 5 s
    assert pace.predict(12_000, 99.0) == pytest.approx(2.0 * 12_000 / 4096)


@given(SHAPES, st.floats(1e-4, 1.0), st.floats(1e-6, 1e-2))
def test_steps_and_tokens_are_told_apart(
    shapes: list[tuple[int, int, int]], per_step: float, per_token: float
) -> None:
    pace = Pace("q", Policy())
    batches = [batch(*shape) for shape in shapes]
    for b in batches:
        alone(pace, b, per_step * b.steps + per_token * b.padded, 0.0)
    seen = batches[-1]
    learned_step, learned_token = pace._fit()
    assert learned_step * seen.steps + learned_token * seen.padded == pytest.approx(
        per_step * seen.steps + per_token * seen.padded, rel=0.05
    )


def test_a_size_that_was_not_tried_yet_is_no_promise() -> None:
    """All its seconds are put down to steps, so twice the size would seem twice as fast."""
    pace = Pace("q", Policy(batch_tokens=100_000, batch_seconds=100.0))
    full = batch(68, 40, 20)
    for _ in range(10):
        alone(pace, full, 2.0, 0.0)
    assert pace.budget > 2 * full.padded
    assert pace.predict(100 * full.tokens, 0.0) == pytest.approx(100 * 2.0)


@given(SHAPES, st.lists(st.floats(0.0, 100.0), min_size=20, max_size=20))
def test_whatever_was_measured_predictions_are_finite_and_grow(
    shapes: list[tuple[int, int, int]], seconds: list[float]
) -> None:
    pace = Pace("q", Policy())
    for shape, duration in zip(shapes, seconds, strict=False):
        alone(pace, batch(*shape), duration, 0.0)
    assert pace.budget > 0
    predictions = [pace.predict(tokens, 0.0) for tokens in (0, 1, 10, 1_000, 100_000)]
    assert predictions == sorted(predictions)
    assert 0.0 <= predictions[-1] < float("inf")


def test_a_batch_may_take_as_long_as_its_steps_where_they_alone_take_too_long() -> None:
    pace = Pace("q", Policy(batch_tokens=100_000, batch_seconds=1.0))
    for count in (200, 300, 500) * 4:
        b = batch(count, 10, 10)
        alone(pace, b, 0.5 * b.steps + 0.001 * b.padded, 0.0)
    assert pace.budget == pytest.approx(5.0 / 0.001, rel=0.01)


def test_units_of_an_embedder_take_one_step() -> None:
    assert batch(3, 10, 0).steps == 1
    assert Batch((unit("a", 10),)).steps == 5


def test_a_single_batch_is_foreseen_by_its_steps_and_tokens() -> None:
    pace = Pace("q", Policy())
    for count in (1, 4):
        b = batch(count, 10, 10)
        alone(pace, b, 0.5 * b.steps + 0.001 * b.padded, 0.0)
    assert pace.predict(20, 0.0) == pytest.approx(0.5 * 10 + 0.001 * 20, rel=0.001)


def test_neither_steps_nor_tokens_ever_save_time() -> None:
    """Where the fit would have it so, it all is put down to the other."""
    wide_is_faster = Pace("q", Policy())
    alone(wide_is_faster, batch(1, 10, 10), 2.0, 0.0)
    alone(wide_is_faster, batch(10, 10, 10), 1.0, 0.0)
    assert wide_is_faster._fit() == (pytest.approx((0.9 * 20 + 10) / (0.9 * 100 + 100)), 0.0)
    wide_is_far_slower = Pace("q", Policy())
    alone(wide_is_far_slower, batch(1, 10, 10), 0.0, 0.0)
    alone(wide_is_far_slower, batch(10, 10, 10), 2.0, 0.0)
    per_step, per_token = wide_is_far_slower._fit()
    assert per_step == 0.0
    assert per_token == pytest.approx(2 * 200 / (0.9 * 20**2 + 200**2))


def test_the_rate_is_that_of_late() -> None:
    pace = Pace("q", Policy())
    for second in range(100):
        alone(pace, batch(1, 10, 10), 2.0 if second < 50 else 1.0, second)
    assert pace.rate == pytest.approx(20, rel=0.02)
