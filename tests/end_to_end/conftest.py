"""One real server for all tests here; its translator computes in int8, by CTranslate2."""

from collections.abc import Iterator

import pytest

from real_server import Running, known_phrases, running, wait_until_serving


@pytest.fixture(scope="session")
def phrases() -> dict[str, str]:
    """English phrases that the tiny translator knows, and their Russian."""
    return known_phrases()


@pytest.fixture(scope="session")
def server() -> Iterator[Running]:
    with running("--compute-type", "int8") as server:
        wait_until_serving(server)
        yield server
