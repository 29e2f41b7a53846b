"""The examples run as their readers would run them, against a real server."""

from __future__ import annotations

import asyncio
import json
import shutil
import sys
from pathlib import Path

import pytest
from fake_pipeline import FakePipeline, running

from service.errors import NotEnglish, Violation
from service.schema import Limits

EXAMPLES = Path(__file__).parents[2] / "examples"
NODE = shutil.which("node")
NPM = shutil.which("npm")


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
def javascript(tmp_path_factory) -> Path:
    """The example with its packages, in a folder of its own."""
    if not NODE or not NPM:
        pytest.skip("node is not here")
    folder = tmp_path_factory.mktemp("javascript")
    for name in ("package.json", "digest.mjs"):
        shutil.copy(EXAMPLES / "javascript" / name, folder)
    install = [NPM, "install", "--no-audit", "--no-fund", "--fetch-retries=0"]
    code, _, err = asyncio.run(run(*install, cwd=folder))
    if code:
        pytest.skip(f"npm cannot install the packages: {err.strip()[-200:]}")
    return folder


async def test_javascript(javascript, article, french):
    proto = EXAMPLES.parent / "proto" / "svodka" / "v1" / "svodka_service.proto"
    env = {"SVODKA_PROTO": str(proto), "PATH": str(Path(str(NODE)).parent)}
    run_it = [NODE, javascript / "digest.mjs"]
    async with serving() as r:
        code, out, err = await run(*run_it, article, r.address, env=env)
        assert (code, err) == (0, "")
        digest = json.loads(out)
        assert digest["summary_en"] == "NATO met in Wales."
        assert digest["id"] == str(article)
        assert digest["coverage"] == {"text": "", "spans": []}
        code, _, err = await run(*run_it, french, r.address, env=env)
        assert code == 1
        assert "INVALID_ARGUMENT: article: is not English" in err
    code, out, err = await run(*run_it, article, r.address, env=env)
    assert (code, out) == (1, "")
    assert "UNAVAILABLE" in err
    assert "is `svodka serve` running and warm?" in err
