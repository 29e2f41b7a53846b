"""Bad and odd input: each has its expected outcome, and the server lives on."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf import json_format
from google.protobuf.duration_pb2 import Duration

from real_server import MARIAN, SAMPLE, Running, running, wait_until_serving
from service.rpc.status import received
from svodka.v1 import svodka_service_pb2 as pb

STORY = SAMPLE.read_text("utf-8")
RUSSIAN = (
    "Министр прибыл в Москву во вторник. Он встретится с президентом и обсудит с ним торговлю, "
    "энергетику и безопасность. Переговоры продлятся два дня и закончатся пресс-конференцией."
)
APPEAL = "Sign up for our free weekly newsletter\n\nSupport us today!\n\nRead more\n\nSubscribe now"
INVALID = grpc.StatusCode.INVALID_ARGUMENT


def text(content: str, **fields: Any) -> pb.DigestRequest:
    return pb.DigestRequest(article=pb.Article(text=content), **fields)


def page(content: str) -> pb.DigestRequest:
    return pb.DigestRequest(article=pb.Article(html=content))


REFUSED = {
    "no article": (pb.DigestRequest(), "INVALID_REQUEST", "article"),
    "empty": (text(""), "EMPTY_ARTICLE", "article.text"),
    "white space": (text(" \n\t\u00a0\u2003\n "), "EMPTY_ARTICLE", "article.text"),
    "only boilerplate": (text(APPEAL), "EMPTY_ARTICLE", "article.text"),
    "10 MB": (text("word " * 2_000_000), "TOO_LARGE", "article.text"),
    "10 MB of HTML": (page("<p>word</p>" * 1_000_000), "TOO_LARGE", "article.html"),
    "HTML without text": (page("<html><body><img src=x></body></html>"), "EMPTY_ARTICLE", "article.html"),
    "Russian": (text(RUSSIAN), "NOT_ENGLISH", "article.text"),
    "emoji": (text("😀🎉👍🏽 🇷🇺"), "EMPTY_ARTICLE", "article.text"),
    "digits": (text("1 2 3 4.5 6% 7/8"), "EMPTY_ARTICLE", "article.text"),
    "negative sentences": (
        text(STORY, summary=pb.SummaryOptions(max_sentences=-1)), "INVALID_REQUEST", "summary.max_sentences",
    ),
    "absurdly many sentences": (
        text(STORY, summary=pb.SummaryOptions(max_sentences=2**31 - 1)), "INVALID_REQUEST", "summary.max_sentences",
    ),
    "negative words": (
        text(STORY, summary=pb.SummaryOptions(max_words=-5)), "INVALID_REQUEST", "summary.max_words",
    ),
    "no sentence so short": (
        text(STORY, summary=pb.SummaryOptions(max_words=1)), "INVALID_REQUEST", "summary.max_words",
    ),
    "range beyond the text": (
        text(STORY, excluded=[pb.Range(start=5, end=10**6)]), "INVALID_REQUEST", "excluded[0].end",
    ),
    "range backwards": (
        text(STORY, excluded=[pb.Range(start=9, end=5)]), "INVALID_REQUEST", "excluded[0]",
    ),
    "negative timeout": (text(STORY, timeout=Duration(seconds=-1)), "INVALID_REQUEST", "timeout"),
    "unknown priority": (text(STORY, priority=77), "INVALID_REQUEST", "priority"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_bad_input_is_refused_with_field_and_remedy(server: Running, name: str) -> None:
    request, reason, field = REFUSED[name]
    with pytest.raises(grpc.RpcError) as caught:
        server.stub.Digest(request, timeout=120)
    error = received(caught.value.code(), caught.value.details(), caught.value.trailing_metadata())
    assert caught.value.code() is INVALID, caught.value.details()
    assert error.reason == reason
    assert field in [violation.field for violation in error.violations]
    lives_on(server)


ANSWERED = {
    "NUL and control characters": text(STORY.replace(" ", "\x00 ", 3).replace("NATO", "\x01NATO\x1b", 2)),
    "byte order mark": text("\ufeff" + STORY),
    "Windows line ends": text(STORY.replace("\n", "\r\n")),
    "one word of 100,000 letters": text(STORY + "\n\n" + "x" * 100_000),
    "5,000 short paragraphs": text("\n\n".join(f"The minister met {n} people on Monday." for n in range(5_000))),
    "one sentence": text("The minister arrived in Moscow on Tuesday."),
    "combining marks and right-to-left": text(STORY + "\n\nHe wrote e\u0301\u0301\u0301 and \u202eabc\u202c to them all."),
    "deep HTML": page("<div>" * 3_000 + "<p>" + STORY.replace("\n\n", "</p><p>") + "</p>"),
    "HTML soup": page("<p><b><table><p>" + STORY.replace("\n\n", "<p></i></td>") + "</b><script>"),
}  # fmt: skip


@pytest.mark.parametrize("name", ANSWERED)
def test_odd_input_is_answered_whole(server: Running, name: str) -> None:
    request = ANSWERED[name]
    digest = server.stub.Digest(request, timeout=300)
    assert digest.summary_en
    assert digest.summary_ru
    size = len(digest.coverage.text or request.article.text)
    assert sum(span.end - span.start for span in digest.coverage.spans) == size
    lives_on(server)


def test_a_lone_surrogate_is_refused_before_it_travels() -> None:
    with pytest.raises(json_format.ParseError):
        json_format.Parse('{"article": {"text": "\\ud800"}}', pb.DigestRequest())


def test_a_deadline_already_past_costs_nothing(server: Running) -> None:
    for request, timeout in (
        (text(STORY, no_cache=True), 0.000001),
        (text(STORY, no_cache=True, timeout=Duration(nanos=1)), 60),
    ):
        with pytest.raises(grpc.RpcError) as caught:
            server.stub.Digest(request, timeout=timeout)
        assert caught.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    lives_on(server)


@pytest.mark.parametrize("seconds", [0.0, 0.005, 0.05, 0.2, 0.5])
def test_a_client_may_leave_at_any_stage(server: Running, seconds: float) -> None:
    """However far the work has come, leaving ends it and harms nobody."""
    long = text("\n\n".join([STORY] * 5), no_cache=True, translate_body=True)
    call = server.stub.Digest.future(long, timeout=300)
    threading.Event().wait(seconds)
    call.cancel()
    stream = server.stub.DigestStream(
        iter([pb.DigestStreamRequest(request_id="1", request=long)]), timeout=300
    )
    threading.Event().wait(seconds)
    stream.cancel()
    lives_on(server)


def lives_on(server: Running) -> None:
    answer = server.stub.Translate(
        pb.TranslateRequest(text="The mayor arrived in Rome on Saturday."), timeout=120
    )
    assert answer.text_ru == "Мэр прибыл в Рим в субботу."


def command(*arguments: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "service.cli", *arguments], input=stdin, capture_output=True
    )


def half_written(folder: Path) -> Path:
    for file in MARIAN.iterdir():
        if file.suffix != ".safetensors":
            (folder / file.name).write_bytes(file.read_bytes())
    weights = (MARIAN / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(weights[: len(weights) // 2])
    return folder


WRONG_CALLS: dict[str, tuple[Callable[[Path], list[str]], int, str]] = {
    "missing file": (lambda tmp: ["digest", str(tmp / "nothing.txt")], 1, "cannot be read"),
    "not UTF-8": (lambda tmp: ["digest", str(latin(tmp))], 1, "not UTF-8"),
    "unknown preset": (lambda tmp: ["digest", "--preset", "best", str(SAMPLE)], 1, "presets are"),
    "missing model folder": (
        lambda tmp: ["digest", "--translator", str(tmp / "gone"), str(SAMPLE)], 1, "gone",
    ),
    "empty model folder": (lambda tmp: ["digest", "--translator", str(tmp), str(SAMPLE)], 1, "missing or empty"),
    "half-written model": (
        lambda tmp: ["digest", "--translator", str(half_written(tmp)), str(SAMPLE)], 1, "model",
    ),
    "unknown option": (lambda tmp: ["digest", "--bogus"], 2, "--bogus"),
    "no such server": (
        lambda tmp: ["digest", "--server", "127.0.0.1:1", "--timeout", "1", str(SAMPLE)], 1, "",
    ),
}  # fmt: skip


def latin(folder: Path) -> Path:
    path = folder / "latin.txt"
    path.write_bytes("café".encode("latin-1"))
    return path


@pytest.mark.parametrize("name", WRONG_CALLS)
def test_a_wrong_command_gets_one_clear_line(name: str, tmp_path: Path) -> None:
    arguments, code, says = WRONG_CALLS[name]
    done = command(*arguments(tmp_path))
    lines = done.stderr.decode().strip().splitlines()
    assert done.returncode == code, done.stderr.decode()
    assert done.stdout == b""
    assert says in lines[-1]
    assert "Traceback" not in done.stderr.decode()


def test_some_files_failing_is_told_apart_from_all(server: Running, tmp_path: Path) -> None:
    done = command("digest", "--server", server.address, str(SAMPLE), str(latin(tmp_path)))
    assert done.returncode == 3
    assert "Stoltenberg" in done.stdout.decode()


def test_sigterm_finishes_what_was_accepted(phrases: dict[str, str]) -> None:
    with running("--grace", "120") as server:
        wait_until_serving(server)
        call = server.stub.Translate.future(
            pb.TranslateRequest(text="\n".join(phrases)), timeout=300
        )
        # Answered on the same connection, so the call before it has been accepted.
        assert server.stub.GetServerInfo(pb.GetServerInfoRequest()).version
        server.process.terminate()
        assert call.result().text_ru.split("\n") == list(phrases.values())
        assert server.process.wait(120) == 0
