"""The pace of one LocalModel's writes, by a clock that the test turns."""

from bolwerk.shell.pace import Pace


def test_ten_at_once_then_one_a_second_and_ten_again_after_a_rest() -> None:
    now = 0.0
    pace: Pace[str] = Pace(lambda: now)

    assert [pace.take("a") for _ in range(12)] == [0.0] * 10 + [1.0] * 2
    assert pace.take("b") == 0.0, "each has its own"
    now = 1.0
    assert [pace.take("a"), pace.take("a")] == [0.0, 1.0]
    now = 100.0
    assert [pace.take("a") for _ in range(11)] == [0.0] * 10 + [1.0]


def test_what_is_forgotten_starts_anew() -> None:
    pace: Pace[str] = Pace(lambda: 0.0)
    for _ in range(10):
        pace.take("a")
    pace.forget("a")

    assert pace.take("a") == 0.0
