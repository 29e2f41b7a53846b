"""The examples run as their readers would run them, against a real server."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

import pytest

from fake_pipeline import FakePipeline, running
from javascript_client import Client, javascript_client
from service.errors import NotEnglish, Violation
from service.schema import Limits

EXAMPLES = Path(__file__).parents[2] / "examples"


async def run(*command: object, cwd: Path | None = None, env=None) -> tuple[int, str, str]:
    process = await asyncio.create_subprocess_exec(
        *map(str, command),
        cwd=cwd,
        env=env,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    return process.returncode or 0, out.decode(), err.decode()


async def act(request) -> None:
    if "bonjour" in (request.article.text or ""):
        raise NotEnglish(Violation("article", "is not English; send English"))


@pytest.fixture
def article(tmp_path) -> Path:
    path = tmp_path / "article.txt"
    path.write_text("NATO met in Wales.", encoding="utf-8")
    return path


@pytest.fixture
def french(tmp_path) -> Path:
    path = tmp_path / "french.txt"
    path.write_text("bonjour", encoding="utf-8")
    return path


def serving():
    return running(FakePipeline(limits=Limits(), act=act))


async def test_digest(article, french, tmp_path):
    async with serving() as r:
        run_it = [sys.executable, EXAMPLES / "digest.py", "--server", r.address]
        code, _, err = await run(*run_it, article)
        assert (code, err) == (0, "")
        code, _, err = await run(*run_it, french)
        assert code == 1
        assert "INVALID_ARGUMENT: article: is not English" in err
        code, _, err = await run(*run_it, tmp_path / "none.txt")
        assert (code, "cannot read" in err) == (1, True)
        page = tmp_path / "page.html"
        page.write_text("<p>NATO met.")
        await run(*run_it, page)
        request, _ = r.pipeline.seen[-1]
        assert (request.article.html, request.article.text) == ("<p>NATO met.", None)
    code, out, err = await run(*run_it, article)
    assert (code, out) == (1, "")
    assert "is `svodka serve` running and warm?" in err
    assert "Traceback" not in err


async def test_digest_stream(article, french):
    async with serving() as r:
        run_it = [sys.executable, EXAMPLES / "digest_stream.py", "--server", r.address]
        code, out, err = await run(*run_it, article, french)
        assert code == 1
        assert json.loads(out) == {"id": str(article), "summary_ru": ""}
        assert f"{french}: article: is not English" in err
        code, _, _ = await run(*run_it, article)
        assert code == 0
    code, _, err = await run(*run_it, article)
    assert code == 1
    assert "is `svodka serve` running and warm?" in err
    assert "Traceback" not in err


@pytest.fixture(scope="module")
def javascript(tmp_path_factory) -> Client:
    return javascript_client(tmp_path_factory.mktemp("javascript"))


async def test_javascript(javascript, article, french):
    async with serving() as r:
        done = await asyncio.to_thread(javascript, article, r.address)
        assert (done.returncode, done.stderr) == (0, "")
        digest = json.loads(done.stdout)
        assert digest["summary_en"] == "NATO met in Wales."
        assert digest["id"] == str(article)
        assert digest["coverage"] == {"text": "", "spans": []}
        done = await asyncio.to_thread(javascript, french, r.address)
        assert done.returncode == 1
        assert "INVALID_ARGUMENT: article: is not English" in done.stderr
    done = await asyncio.to_thread(javascript, article, r.address)
    assert (done.returncode, done.stdout) == (1, "")
    assert "UNAVAILABLE" in done.stderr
    assert "is `svodka serve` running and warm?" in done.stderr
