"""Paragraphs that stand in many articles: counted over the dump, marked in each article."""

from __future__ import annotations

import itertools

import pytest

from echo_batch import Echo
from service.batch.boilerplate import Boilerplate, key_of
from service.batch.computing import InProcess
from service.cleaning import clean_article
from service.cleaning.blocks import paragraph_offsets
from service.schema import Article, DigestRequest, Range, SpanKind
from service.settings import EngineSettings

pytestmark = pytest.mark.usefixtures("inline_workers")

APPEAL = "Readers like you keep this newsroom going. Please give what you can today."


class Seeing(Echo):
    """Remembers what it was told is repeated."""

    def __init__(self) -> None:
        super().__init__()
        self.repeated: dict[str, list[str]] = {}

    async def digest(self, request: DigestRequest, repeated: tuple[Range, ...] = ()):
        text = request.article.text or ""
        self.repeated[request.article.id] = [text[r.start : r.end] for r in repeated]
        return await super().digest(request, repeated)


def articles(count, host="news.example", appeal=APPEAL):
    for n in range(count):
        text = f"Story number {n} of the day.\n\n{appeal}\n\nIt ended at {n} o'clock, they said."
        yield {"id": f"{host}{n}", "url": f"https://{host}/{n}", "text": text}


async def test_an_appeal_is_found_at_the_host_that_makes_it(batch, dump) -> None:
    rare = [
        {"id": "other", "url": "https://other.example/1", "text": f"Another story.\n\n{APPEAL}"}
    ]
    path = dump(*articles(8), *articles(4, "few.example"), *rare)
    ran = await batch(path, index_boilerplate=True, echo=Seeing())
    assert ran.echo.repeated["news.example3"] == [APPEAL]
    assert ran.echo.repeated["few.example1"] == []  # four articles may be chance
    assert ran.echo.repeated["other"] == []


async def test_order_resume_and_sample_change_nothing(batch, dump) -> None:
    path = dump(*articles(30))
    first = await batch(path, index_boilerplate=True, limit=3, echo=Seeing())
    stored = first.paths.boilerplate.read_bytes()
    second = await batch(path, index_boilerplate=True, resume=True, echo=Seeing())
    assert second.paths.boilerplate.read_bytes() == stored
    assert {**first.echo.repeated, **second.echo.repeated} == {
        f"news.example{n}": [APPEAL] for n in range(30)
    }
    assert "reading once before" not in second.said
    assert not list(first.paths.output.parent.glob("*tmp"))
    first.paths.boilerplate.write_bytes(b"broken")
    third = await batch(path, index_boilerplate=True, resume=True)
    assert "1 paragraphs stand in many articles" in third.said


async def test_pages_are_marked_on_their_flattening(batch, dump) -> None:
    def page(n):
        story = f"<p>Story number {n} began in the north of the country, where it rained.</p>" * 3
        return f"<!DOCTYPE html><html><body><article>{story}<p>{APPEAL}</p></article></body></html>"

    class Pages(Echo):
        def __init__(self):
            super().__init__()
            self.marked = []

        async def digest(self, request, repeated=()):
            flat = clean_article(request.article).flat
            self.marked.append("".join(flat[r.start : r.end] for r in repeated))
            return await super().digest(request)

    pages = Pages()
    path = dump(*({"html": page(n), "url": f"https://a.example/{n}"} for n in range(6)))
    await batch(path, index_boilerplate=True, echo=pages)
    assert len(pages.marked) == 6
    assert all(APPEAL in marked for marked in pages.marked)


def test_what_is_repeated_is_told_from_what_is_excluded() -> None:
    text = f"It rained all day in the north of the country.\n\n{APPEAL}\n\nIt will rain tomorrow."
    start = text.index(APPEAL)
    repeated = (Range(start, start + len(APPEAL)),)
    excluded = (Range(0, 10),)
    cleaned = clean_article(Article(text=text), excluded=excluded, repeated=repeated)
    kinds = {text[s.start : s.end]: s.kind for s in cleaned.spans()}
    assert kinds[APPEAL] is SpanKind.REPEATED
    assert kinds["It rained"] is SpanKind.EXCLUDED
    assert APPEAL not in cleaned.text
    both = clean_article(Article(text=text), excluded=repeated, repeated=repeated)
    assert SpanKind.REPEATED not in {s.kind for s in both.spans()}


def test_the_index_finds_paragraphs_whatever_their_white_space() -> None:
    import numpy as np

    index = Boilerplate(np.array([key_of("", APPEAL)], "<u8"), "")
    spaced = APPEAL.replace(" this ", "  THIS ")
    text = "A story.\n\n" + spaced
    (found,) = index.ranges(Article(text=text), text, paragraph_offsets(text))
    assert text[found.start : found.end] == spaced
    nothing = Boilerplate(np.zeros(0, "<u8"), "")
    assert nothing.ranges(Article(text=text), text, paragraph_offsets(text)) == ()


async def test_copies_of_a_story_do_not_make_it_boilerplate(batch, dump) -> None:
    ran = await batch(dump(*[next(articles(1))] * 9), index_boilerplate=True, echo=Seeing())
    assert ran.echo.repeated["news.example0"] == []


@pytest.mark.slow
async def test_in_process_the_answer_says_repeated(batch, dump) -> None:
    from real_server import MARIAN, known_phrases

    phrases = list(itertools.islice(known_phrases().items(), 6))
    path = dump(*({"text": f"{english}\n\n{APPEAL}"} for english, _ in phrases))
    settings = EngineSettings(preset="starter", translator=str(MARIAN))
    request = DigestRequest(skip_cleaning=True)  # a single phrase is hardly an article
    echo = InProcess(settings)
    ran = await batch(path, index_boilerplate=True, request=request, echo=echo)
    assert ran.errors == []
    assert {line["summary_ru"] for line in ran.lines} == {russian for _, russian in phrases}
    assert all("REPEATED" in str(line["coverage"]) for line in ran.lines)
