"""The page on verification says what the checks' own words say."""

from pathlib import Path

from service.verification.__main__ import rows, table

PAGE = Path(__file__).parents[3] / "docs" / "verification.md"


def test_the_page_has_the_table_that_the_checks_make() -> None:
    assert table() in PAGE.read_text("utf-8")


def test_every_check_says_what_it_catches_and_misses() -> None:
    assert all(catches and misses for _, catches, misses in rows())
