"""The main job over a real socket: known articles in, known Russian out."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
import pytest
from google.protobuf import json_format
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from javascript_client import javascript_client
from real_server import MARIAN, SAMPLE, Running, running, wait_until_serving
from svodka.v1 import svodka_service_pb2 as pb


def article_of(sentences: list[str]) -> pb.Article:
    """A story of two-sentence paragraphs under a site's menu."""
    paragraphs = [" ".join(sentences[i : i + 2]) for i in range(0, len(sentences), 2)]
    return pb.Article(text="\n\n".join(paragraphs))


def test_known_phrases_come_back_in_exactly_their_russian(
    server: Running, phrases: dict[str, str]
) -> None:
    text = "\n".join(phrases)
    answer = server.stub.Translate(pb.TranslateRequest(text=text), timeout=300)
    assert answer.text_ru.split("\n") == list(phrases.values())
    assert [s.en for s in answer.sentences] == list(phrases)
    assert all(text[s.start : s.end] == s.en for s in answer.sentences)


def test_the_answer_names_what_computed_it(server: Running, phrases: dict[str, str]) -> None:
    """The exact Russian of these tests is int8's."""
    request = pb.DigestRequest(article=article_of(list(phrases)[:6]), skip_cleaning=True)
    told = server.stub.GetServerInfo(pb.GetServerInfoRequest(), timeout=60)
    for models in (server.stub.Digest(request, timeout=300).models, told.models):
        assert {m.role: (m.engine, m.compute_type) for m in models} == {
            "summarizer": ("transformers", "float32"),
            "translator": ("ctranslate2", "int8"),
        }


def test_a_digest_is_known_to_the_letter(server: Running, phrases: dict[str, str]) -> None:
    english = random.Random(1).sample(sorted(phrases), 12)
    request = pb.DigestRequest(article=article_of(english), translate_body=True, skip_cleaning=True)
    digest = server.stub.Digest(request, timeout=300)
    assert len(digest.sentences) == 3
    assert [english.index(s.en) for s in digest.sentences] == sorted(
        english.index(s.en) for s in digest.sentences
    )
    for sentence in digest.sentences:
        assert sentence.ru == phrases[sentence.en]
        (place,) = sentence.evidence
        assert request.article.text[place.start : place.end] == sentence.en
    assert digest.summary_ru == " ".join(s.ru for s in digest.sentences)
    assert digest.body_ru.split("\n\n") == [
        " ".join(phrases[s] for s in english[i : i + 2]) for i in range(0, 12, 2)
    ]


def test_spans_partition_the_text(server: Running) -> None:
    text = SAMPLE.read_text("utf-8")
    digest = server.stub.Digest(pb.DigestRequest(article=pb.Article(text=text)), timeout=300)
    ends = [0, *(span.end for span in digest.coverage.spans)]
    assert [span.start for span in digest.coverage.spans] == ends[:-1]
    assert ends[-1] == len(text)
    assert all(span.reason for span in digest.coverage.spans)
    assert "Stoltenberg" in digest.summary_en
    assert "newsletter" not in digest.summary_en


def test_html_keeps_its_markup(server: Running, phrases: dict[str, str]) -> None:
    first, second = list(phrases)[:2]
    page = f'<div class="x"><p>{first}</p><!-- note --><ul><li>{second}</li></ul></div>'
    answer = server.stub.Translate(pb.TranslateRequest(html=page), timeout=300)
    assert answer.html_ru == page.replace(first, phrases[first]).replace(second, phrases[second])


def test_alone_or_in_a_crowd_the_answer_is_the_same(
    server: Running, phrases: dict[str, str]
) -> None:
    """33 callers at once, with articles of very different lengths, against one by one."""
    choose = random.Random(7)
    requests = [
        pb.DigestRequest(
            article=article_of(choose.sample(sorted(phrases), choose.randint(4, 40))),
            skip_cleaning=True,
            translate_body=True,
            no_cache=True,
        )
        for _ in range(33)
    ]

    def ask(request: pb.DigestRequest) -> tuple[str, str, str]:
        digest = server.stub.Digest(request, timeout=300)
        return digest.summary_en, digest.summary_ru, digest.body_ru

    alone = [ask(request) for request in requests[:8]]
    with ThreadPoolExecutor(33) as callers:
        crowd = list(callers.map(ask, requests))
    assert crowd[:8] == alone
    for request, (_, _, body) in zip(requests, crowd, strict=True):
        russian = [
            " ".join(phrases[s + "."] for s in paragraph.removesuffix(".").split(". "))
            for paragraph in request.article.text.split("\n\n")
        ]
        assert body.split("\n\n") == russian


def test_the_command_line_gives_the_servers_digest(server: Running, tmp_path: Path) -> None:
    def digest(*flags: str) -> dict:
        command = [sys.executable, "-m", "service.cli", "digest", str(SAMPLE), "--json", *flags]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        (line,) = done.stdout.splitlines()
        answer = json.loads(line)
        answer.pop("usage")
        return answer

    local = digest("--preset", "starter", "--translator", str(MARIAN), "--compute-type", "int8")
    remote = digest("--server", server.address)
    assert local == remote


def test_a_stream_answers_every_item_and_survives_the_bad_ones(
    server: Running, phrases: dict[str, str]
) -> None:
    english = list(phrases)
    items = [
        pb.DigestStreamRequest(
            request_id=str(n),
            request=pb.DigestRequest(article=article_of(english[n : n + 5]), skip_cleaning=True)
            if n % 5
            else pb.DigestRequest(article=pb.Article(text="Министр прибыл в Москву во вторник.")),
        )
        for n in range(40)
    ]
    answers = {a.request_id: a for a in server.stub.DigestStream(iter(items), timeout=300)}
    assert sorted(answers, key=int) == [str(n) for n in range(40)]
    for n, answer in ((int(key), answer) for key, answer in answers.items()):
        if n % 5:
            assert answer.digest.sentences[0].ru == phrases[answer.digest.sentences[0].en]
        else:
            assert answer.error.reason == "NOT_ENGLISH"


@pytest.mark.parametrize("words", [12, 30])
def test_bounds_of_the_summary_hold(server: Running, phrases: dict[str, str], words: int) -> None:
    request = pb.SummarizeRequest(
        article=article_of(list(phrases)[:30]),
        summary=pb.SummaryOptions(max_sentences=2, max_words=words),
        skip_cleaning=True,
    )
    summary = server.stub.Summarize(request, timeout=300)
    assert 1 <= len(summary.sentences) <= 2
    assert len(summary.summary_en.split()) <= words
    assert summary.summary_en.endswith(".")


def test_a_strangers_client_gets_the_same_digest(server: Running, tmp_path: Path) -> None:
    """JavaScript, with nothing of ours but the .proto."""
    client = javascript_client(tmp_path)
    done = client(SAMPLE, server.address)
    assert done.returncode == 0, done.stderr
    theirs = json.loads(done.stdout)
    article = pb.Article(id=str(SAMPLE), text=SAMPLE.read_text("utf-8"))
    ours = json_format.MessageToDict(
        server.stub.Digest(pb.DigestRequest(article=article), timeout=300),
        preserving_proto_field_name=True,
        always_print_fields_with_no_presence=True,
    )
    theirs.pop("usage")
    ours.pop("usage")
    assert theirs == ours


def test_reflection_lists_the_service(server: Running) -> None:
    stub = reflection_pb2_grpc.ServerReflectionStub(server.channel)
    ask = reflection_pb2.ServerReflectionRequest(list_services="")
    (answer,) = stub.ServerReflectionInfo(iter([ask]))
    names = {service.name for service in answer.list_services_response.service}
    assert {"svodka.v1.SvodkaService", "grpc.health.v1.Health"} <= names


def test_health_tells_loading_from_serving() -> None:
    """Work is refused until the models are warm, and health says when they are."""
    with running() as fresh:
        health = health_pb2_grpc.HealthStub(fresh.channel)
        status = health.Check(health_pb2.HealthCheckRequest(), wait_for_ready=True).status
        assert status == health_pb2.HealthCheckResponse.NOT_SERVING
        with pytest.raises(grpc.RpcError) as refused:
            fresh.stub.Translate(pb.TranslateRequest(text="Talks failed."), timeout=60)
        assert refused.value.code() is grpc.StatusCode.UNAVAILABLE
        wait_until_serving(fresh)
        answer = fresh.stub.Translate(pb.TranslateRequest(text="Talks failed."), timeout=60)
        assert answer.text_ru == "Переговоры провалились."
