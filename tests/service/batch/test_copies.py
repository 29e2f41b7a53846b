"""Wire copies: found whatever a site made of them, noted, and computed once on request."""

from __future__ import annotations

import itertools
import os
import random
import shutil
import sqlite3
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from threading import Event

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from echo_batch import Echo
from fake_pipeline import running
from service.batch.copies import LEAST, Copies, Search, signature, similarity
from service.batch.job import Job
from service.batch.ledger import OutputFailed
from service.batch.reading import Selector
from service.batch.record import Place
from service.batch.report import read_lines, report
from service.batch.servers import Servers
from service.schema import Coverage, DigestRequest, Span, SpanKind

pytestmark = pytest.mark.usefixtures("inline_workers")

ROOT = Path(__file__).parents[3]
SKIP = DigestRequest(skip_cleaning=True)
WORDS = [f"word{n}" for n in range(1000)]


def story(seed: int, words: int = 300) -> str:
    return " ".join(random.Random(seed).choices(WORDS, k=words))


def runs(text: str) -> set[tuple[str, ...]]:
    words = text.split()
    return {tuple(words[n : n + 5]) for n in range(len(words) - 4)}


@given(st.integers(0, 10**6), st.integers(20, 400), st.floats(0, 1), st.floats(0, 0.1))
@settings(deadline=None)
def test_signatures_estimate_how_much_stories_share(seed, words, kept, changed) -> None:
    chance = random.Random(seed)
    one = story(seed, words)
    other = one.split()[: max(5, round(words * kept))]
    other = " ".join(w if chance.random() > changed else "else" for w in other)
    a, b = signature(one), signature(other)
    assert a
    assert b
    exact = len(runs(one) & runs(other)) / len(runs(one) | runs(other))
    # Five times the standard error of 120 values; less than once in a million.
    assert abs(similarity(a.values, b.values) - exact) <= 5 * (0.25 / 120) ** 0.5
    assert signature(one.upper().replace(" ", "\n  ")) == a


def test_what_has_no_words_is_no_copy() -> None:
    assert signature(" \n—… ") is None
    assert signature("One two.") == signature("one, two")
    assert signature("One two.") != signature("One three.")


def found(folder: Path, stories: list[str], order: list[int]) -> dict[int, int]:
    """The first of each copy among stories that are added in some order."""
    search = Search(folder / "scratch")
    for n in order:
        if made := signature(stories[n]):
            search.add([(n + 1, Place("dump", n), f"id {n}", made)])
    search.save(folder / "copies", "")
    search.close()
    copies = Copies.load(folder / "copies")
    assert copies
    firsts = {n: copies.first_of(Place("dump", n)) for n in range(len(stories))}
    assert copies.count == sum(first is not None for first in firsts.values())
    assert {n for n in firsts if copies.is_first(Place("dump", n))} == {
        int(first.input.partition(":")[2]) for first in firsts.values() if first
    }
    copies.close()
    return {n: int(first.id[3:]) for n, first in firsts.items() if first}


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])  # fmt: skip
@given(st.data())
def test_copies_are_like_their_first_whatever_the_order(tmp_path: Path, data) -> None:
    origins = data.draw(st.lists(st.integers(0, 3), min_size=2, max_size=20))
    kept = [data.draw(st.sampled_from([1.0, 0.98, 0.95, 0.7, 0.4])) for _ in origins]
    stories = [
        " ".join(story(o).split()[: round(300 * k)]) for o, k in zip(origins, kept, strict=True)
    ]
    first_of = found(tmp_path, stories, list(range(len(stories))))
    assert first_of == found(tmp_path, stories, data.draw(st.permutations(range(len(stories)))))
    values = [made.values for text in stories if (made := signature(text))]
    for n in range(len(stories)):
        # By the definition, in so many words; pairs below 0.8 may be missed, and are few.
        alike = [m for m in range(n) if m not in first_of and similarity(values[n], values[m]) >= LEAST]  # fmt: skip
        assert first_of.get(n) == (alike[0] if alike else None)


def test_there_are_no_chains(tmp_path: Path) -> None:
    words = story(1).split()
    stories = [
        " ".join(words[n : n + 200]) for n in (0, 14, 36, 50)
    ]  # the third is like the second
    assert found(tmp_path, stories, [3, 2, 1, 0]) == {1: 0, 3: 2}


def test_a_thousand_copies_and_names_of_any_kind(tmp_path: Path) -> None:
    search = Search(tmp_path / "scratch")
    made = signature(story(1))
    assert made
    search.add([(n, Place("b\udcff", n), "\ud800", made) for n in range(1, 1001)])
    search.save(tmp_path / "copies", "f")
    search.close()
    copies = Copies.load(tmp_path / "copies")
    assert copies
    assert copies.count == 999
    first = copies.first_of(Place("b\udcff", 1000))
    assert first
    assert (first.input, first.id, first.similarity) == ("b\udcff:1", "\ud800", 1.0)
    copies.close()
    assert Copies.load(tmp_path / "nowhere") is None
    (tmp_path / "noise").write_bytes(b"noise" * 999)
    assert Copies.load(tmp_path / "noise") is None


NATO = (ROOT / "samples/nato-2014.txt").read_text("utf-8")
STORY = NATO[NATO.index("BRUSSELS") : NATO.index("\n\nSign up")]
CUT = STORY[: STORY.rindex("\n\n")]
APPEAL = NATO[NATO.index("Sign up") :]
SITES = {
    "the site's chrome around it": NATO,
    "nothing around it": STORY,
    "another dateline": STORY.replace("BRUSSELS —", "BRUSSELS, Oct. 28 (AP) —"),
    "the last paragraph dropped": CUT,
    "another site's chrome": f"Home\nWorld\nSport\n\nShare this article\n\n{STORY}\n\nRelated: 5 photos of the week\n\nCopyright 2014. All rights reserved.",
    "all at once": f"Menu\n\n{CUT.replace('BRUSSELS —', 'LONDON (Reuters) -')}\n\n{APPEAL}",
    "as a page": "<!DOCTYPE html><html><body><nav><a href='/'>Home</a></nav><article>"
    + "".join(f"<p>{paragraph}</p>" for paragraph in STORY.split("\n\n"))
    + "</article><footer>Copyright 2014</footer></body></html>",
}  # fmt: skip


async def test_what_sites_make_of_a_wire_story_is_noted(batch, dump) -> None:
    files = sorted((ROOT / "tests/data/cleaning").glob("*.txt"))
    others = [file.read_text("utf-8") for file in files]
    texts = [others[0], *SITES.values(), *others[1:]]
    path = dump(*({"id": f"a{n}", "title": f"Head {n}", "text": t} for n, t in enumerate(texts)))
    ran = await batch(path, index_boilerplate=True)
    noted = {line["id"]: line["duplicate_of"] for line in ran.lines if "duplicate_of" in line}
    assert set(noted) == {f"a{n}" for n in range(2, 1 + len(SITES))}
    for note in noted.values():
        assert (note["input"], note["id"], note["reused"]) == (f"{path}:2", "a1", False)
        assert LEAST <= note["similarity"] <= 1
    assert len(ran.echo.requests) == len(texts)  # noted, and computed all the same
    assert f"{len(noted)} articles are copies" in ran.said


def copies(*seeds: int, **more):
    """Articles by their stories; a story that comes again is a copy, with a word put before."""
    for n, seed in enumerate(seeds):
        yield {"id": f"a{n}", "title": f"Head {n}", "text": f"{n * 'x'}y {story(seed)}", **more}


def told(ran) -> dict[str, tuple]:
    lines = [*ran.lines, *ran.errors]
    assert len(lines) == len({line["input"] for line in lines})
    return {
        line["id"]: (line.get("summary_ru"), line.get("duplicate_of"), line.get("message"))
        for line in lines
    }


async def once(batch, path: Path, **given):
    return await batch(path, index_boilerplate=True, compute_once=True, request=SKIP, **given)


@pytest.mark.parametrize("ordered", [False, True])
@pytest.mark.parametrize("seconds", [0.0, 0.01])
async def test_copies_get_the_answer_of_the_first(batch, dump, ordered, seconds) -> None:
    seeds = [1, 2, 1, 1, 3, *range(10, 50), 2, 1]
    path = dump(*copies(*seeds))
    ran = await once(batch, path, ordered=ordered, echo=Echo(seconds))
    assert len(ran.echo.requests) == len(set(seeds))
    answers = told(ran)
    for n, seed in enumerate(seeds):
        first = seeds.index(seed)
        summary, note, _ = answers[f"a{n}"]
        assert summary == f"{first * 'x'}y {story(seed)}".upper()
        if first == n:
            assert note is None
        else:
            assert (note["input"], note["id"], note["reused"]) == (f"{path}:{first + 1}", f"a{first}", True)  # fmt: skip
    if ordered:
        assert [line["id"] for line in ran.lines] == [f"a{n}" for n in range(len(seeds))]
    reused = [line for line in ran.lines if line.get("duplicate_of")]
    assert all(line["usage"]["input_tokens"] == 0 for line in reused)
    assert ran.outcome.tally.reused == len(reused) == 4


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])  # fmt: skip
@given(
    seeds=st.lists(st.integers(0, 4), min_size=3, max_size=12),
    stops=st.lists(st.tuples(st.integers(1, 12), st.integers(0, 3000)), max_size=3),
    output=st.sampled_from(["out.jsonl", "out.jsonl.gz", "out.parquet"]),
)
async def test_stopped_and_resumed_the_end_is_the_same(batch, dump, tmp_path, seeds, stops, output) -> None:  # fmt: skip
    path = dump(*copies(*seeds))
    for old in tmp_path.glob("*out*"):
        shutil.rmtree(old) if old.is_dir() else old.unlink()
    whole = rows(await once(batch, path, output=f"whole-{output}"))
    for limit, cut in stops:
        ran = await once(batch, path, output=output, limit=limit, resume=True)
        if ran.paths.output.is_file():  # as if killed: the end of the output is lost
            os.truncate(ran.paths.output, max(0, ran.paths.output.stat().st_size - cut))
    assert rows(await once(batch, path, output=output, resume=True)) == whole
    assert len(whole) == len(seeds)


def rows(ran) -> dict[str, dict]:
    found = [dict(line) for line in read_lines(ran.paths.output)]
    assert len(found) == len({row["input"] for row in found})
    for row in found:
        row.setdefault("duplicate_of", None)
    return {row["input"]: row for row in found}


async def test_a_copy_whose_first_failed_is_computed_itself(batch, dump) -> None:
    first, second, third = copies(1, 1, 1)
    first["text"] += " please fail"
    path = dump(first, second, third)
    ran = await once(batch, path)
    assert [error["id"] for error in ran.errors] == ["a0"]
    answers = told(ran)
    assert answers["a1"][0] == second["text"].upper()
    assert answers["a2"][0] == third["text"].upper()
    assert answers["a2"][1]["id"] == "a0"
    assert answers["a2"][1]["reused"] is False


async def test_a_copy_whose_first_is_not_read_is_computed_itself(batch, dump) -> None:
    # Which records a sample has depends on the path; one is taken in which the first is not.
    names = (f"{n}.jsonl" for n in itertools.count())
    paths = (dump(*copies(*[1] * 40), name=name) for name in names)
    sampled = Selector(lambda _: False, sample=0.2).wants
    path = next(path for path in paths if not sampled(Place(str(path), 1)))
    ran = await once(batch, path, sample=0.2)
    ids = sorted(line["id"] for line in ran.lines)
    assert "a0" not in ids
    assert sorted(r.article.id for r in ran.echo.requests) == ids
    assert all(line["duplicate_of"]["id"] == "a0" for line in ran.lines)


async def test_a_number_that_a_copy_lacks_is_not_handed_on(batch, dump) -> None:
    class Numbers(Echo):
        async def digest(self, request, repeated=()):
            digest = await super().digest(request)
            return replace(digest, summary_en=f"It rose by {request.article.text.split()[-1]} points.")  # fmt: skip

    texts = [f"{story(1)} {n}" for n in ("4.5", "4.5", "5.5", "4,5")]
    path = dump(*({"id": f"a{n}", "text": text} for n, text in enumerate(texts)))
    ran = await once(batch, path, echo=Numbers())
    reused = {line["id"]: line["duplicate_of"]["reused"] for line in ran.lines if line["id"] != "a0"}  # fmt: skip
    assert reused == {"a1": True, "a2": False, "a3": False}
    assert all(line["summary_en"] in (f"It rose by {t.split()[-1]} points." for t in texts) for line in ran.lines)  # fmt: skip


async def test_servers_are_asked_once_too(batch, dump) -> None:
    async with running() as server:
        ran = await once(batch, dump(*copies(1, 1, 2, 1)), echo=Servers([server.address]))
    assert Counter(line.get("duplicate_of", {}).get("id") for line in ran.lines) == {None: 2, "a0": 2}  # fmt: skip
    assert len(server.pipeline.seen) == 2


async def test_the_report_shows_a_copy_beside_the_text_it_was_computed_of(batch, dump) -> None:
    class Covering(Echo):
        async def digest(self, request, repeated=()):
            digest = await super().digest(request)
            span = Span(0, len(request.article.text), SpanKind.USED, "story")
            return replace(digest, coverage=Coverage(spans=(span,)))

    path = dump(*copies(1, 1))
    ran = await once(batch, path, echo=Covering())
    page = ran.paths.output.with_suffix(".html")
    report(Job((str(path),), ran.paths), {}, page)
    shown = page.read_text("utf-8")
    assert "is a copy of <b>a0</b> <code>" in shown
    assert shown.count(f"y {story(1)}") == 2
    assert f"xy {story(1)}" not in shown


async def test_a_full_disk_is_told(batch, dump, monkeypatch) -> None:
    def full(*_):
        raise sqlite3.OperationalError("database or disk is full")

    path = dump(*copies(1, 1))
    monkeypatch.setattr(Copies, "keep", full)
    with pytest.raises(OutputFailed, match="disk is full"):
        await once(batch, path)
    monkeypatch.undo()


def scratch_search(folder: Path, count: int) -> Search:
    """A search among so many articles, half of them copies."""
    search = Search(folder / "scratch")
    signatures = [signature(story(n, 60)) for n in range(count // 2)]
    search.add([(n, Place("a", n), "", it) for n, it in enumerate(2 * signatures) if it])
    return search


def test_a_job_may_end_while_its_reader_still_asks(tmp_path) -> None:
    with closing(scratch_search(tmp_path, 10)) as search:
        search.save(tmp_path / "found", "")

    def ask(copies: Copies, asked: Event) -> None:
        while copies.first_of(Place("a", 7)):
            asked.set()

    with ThreadPoolExecutor() as pool:
        for _ in range(100):
            copies, asked = Copies.load(tmp_path / "found"), Event()
            assert copies
            asking = pool.submit(ask, copies, asked)
            assert asked.wait(60)
            copies.close()
            with pytest.raises(sqlite3.ProgrammingError, match="closed"):
                asking.result(60)


def test_a_job_may_end_while_it_searches(tmp_path) -> None:
    with ThreadPoolExecutor() as pool:
        for delay in (0.0, 0.01, 0.02, 0.05, 0.1):
            search = scratch_search(tmp_path, 2_000)
            saving = pool.submit(search.save, tmp_path / "found", "")
            time.sleep(delay)
            search.close()
            error = saving.exception(60)
            assert error is None or isinstance(error, sqlite3.Error)
            assert not (tmp_path / "scratch").exists()
            assert (tmp_path / "found").exists() == (error is None)
            (tmp_path / "found").unlink(missing_ok=True)
