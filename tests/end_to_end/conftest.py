"""One real server for all tests here."""

from collections.abc import Iterator

import pytest

from real_server import Running, known_phrases, running, wait_until_serving


@pytest.fixture(scope="session")
def phrases() -> dict[str, str]:
    """English phrases that the tiny translator knows, and their Russian."""
    return known_phrases()


@pytest.fixture(scope="session")
def server() -> Iterator[Running]:
    with running() as server:
        wait_until_serving(server)
        yield server
