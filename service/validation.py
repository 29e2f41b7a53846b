"""Is a request one that can be served at all? Asked before its text is read.

Each check is cheap and looks at the dataclass alone, so the same answer is
given over the network and in process. All violations are reported at once,
each naming the field and the remedy. What takes reading (is it English, is
there a story in it) is found out later, by the pipeline.

Control characters and stray bytes in the text are no violation: they are what
a crawl leaves, and cleaning knows what to do with them.
"""

from __future__ import annotations

from collections.abc import Iterator

from service.errors import InvalidRequest, TooLarge, Violation, too_many
from service.schema import (
    DigestRequest,
    Limits,
    Range,
    SummarizeRequest,
    SummaryOptions,
    TranslateRequest,
    TranslationOptions,
)

# Bounds of what only names or places things, in code points. They are far above any
# legitimate use, and there to keep logs, metadata and the glossary's search small.
MAX_ID_CHARS = 200
MAX_HEADLINE_CHARS = 2_000
MAX_URL_CHARS = 8_000
MAX_TERM_CHARS = 200

Request = DigestRequest | SummarizeRequest | TranslateRequest


def validate(request: Request, limits: Limits) -> None:
    """Raises TooLarge where a size is among the violations, else InvalidRequest."""
    if isinstance(request, TranslateRequest):
        sizes = [*_body_sizes(request, "", limits), *_id_sizes(request)]
        faults = _body_faults(request, "")
    else:
        sizes = [*_article_sizes(request, limits), *_id_sizes(request)]
        faults = [
            *_body_faults(request.article, "article."),
            *_summary_faults(request.summary, limits),
            *_excluded_faults(request.excluded, request.article.text),
        ]
    if not isinstance(request, SummarizeRequest):
        sizes += _term_sizes(request.translation, limits)
        faults = [*faults, *_term_faults(request.translation)]
    faults = [*faults, *_timeout_faults(request.timeout)]
    if sizes:
        raise TooLarge(*sizes, *faults)
    if faults:
        raise InvalidRequest(*faults)


# -- sizes -------------------------------------------------------------------------------


def _article_sizes(
    request: DigestRequest | SummarizeRequest, limits: Limits
) -> Iterator[Violation]:
    article = request.article
    yield from _body_sizes(article, "article.", limits)
    yield from _longer("article.id", article.id, MAX_ID_CHARS)
    yield from _longer("article.headline", article.headline, MAX_HEADLINE_CHARS)
    yield from _longer("article.url", article.url, MAX_URL_CHARS)
    yield from _more("excluded", len(request.excluded), limits.max_terms)


def _body_sizes(body, path: str, limits: Limits) -> Iterator[Violation]:
    yield from _longer(f"{path}text", body.text or "", limits.max_article_chars)
    yield from _longer(f"{path}html", body.html or "", limits.max_article_chars)


def _id_sizes(request: Request) -> Iterator[Violation]:
    yield from _longer("request_id", request.request_id, MAX_ID_CHARS)


def _term_sizes(options: TranslationOptions, limits: Limits) -> Iterator[Violation]:
    yield from _more("translation.glossary", len(options.glossary), limits.max_terms)
    yield from _more("translation.keep", len(options.keep), limits.max_terms)
    for index, entry in enumerate(options.glossary):
        path = f"translation.glossary[{index}]"
        yield from _longer(f"{path}.source", entry.source, MAX_TERM_CHARS)
        yield from _longer(f"{path}.target", entry.target, MAX_TERM_CHARS)
    for index, term in enumerate(options.keep):
        yield from _longer(f"translation.keep[{index}]", term, MAX_TERM_CHARS)


def _longer(field: str, text: str, most: int) -> Iterator[Violation]:
    if len(text) > most:
        yield Violation(field, f"has {len(text)} characters; at most {most} are taken")


def _more(field: str, count: int, most: int) -> Iterator[Violation]:
    if count > most:
        yield too_many(field, count, most)


# -- faults ------------------------------------------------------------------------------


def _body_faults(body, path: str) -> Iterator[Violation]:
    name = path.removesuffix(".") or "text"
    if body.text is None and body.html is None:
        yield Violation(name, f"is missing; set {path}text or {path}html")
    if body.text is not None and body.html is not None:
        yield Violation(name, f"is there twice; set {path}text or {path}html, not both")


def _summary_faults(options: SummaryOptions, limits: Limits) -> Iterator[Violation]:
    if not 0 <= options.max_sentences <= limits.max_sentences:
        yield Violation(
            "summary.max_sentences",
            f"is {options.max_sentences}; set 1 to {limits.max_sentences}, or 0 for the default",
        )
    if options.max_words < 0:
        yield Violation("summary.max_words", "is negative; set 1 or more, or 0 for no bound")


def _excluded_faults(excluded: tuple[Range, ...], text: str | None) -> Iterator[Violation]:
    # Ranges in a page refer to its flattening, which is not known yet.
    length = None if text is None else len(text)
    for index, piece in enumerate(excluded):
        path = f"excluded[{index}]"
        if not 0 <= piece.start < piece.end:
            yield Violation(path, f"[{piece.start}, {piece.end}) is no range; set 0 <= start < end")
        elif length is not None and piece.end > length:
            yield Violation(f"{path}.end", f"is {piece.end}; the text has {length} characters")


def _term_faults(options: TranslationOptions) -> Iterator[Violation]:
    targets: dict[str, str] = {}
    for index, entry in enumerate(options.glossary):
        path = f"translation.glossary[{index}]"
        if not entry.source.strip():
            yield Violation(f"{path}.source", "is empty; give the English term")
        if not entry.target.strip():
            yield Violation(f"{path}.target", "is empty; give the Russian term")
        if targets.setdefault(entry.source, entry.target) != entry.target:
            yield Violation(f"{path}.source", "has two translations; keep one of the entries")
    for index, term in enumerate(options.keep):
        if not term.strip():
            yield Violation(f"translation.keep[{index}]", "is empty; give a string or leave it out")
        elif len(term.strip().splitlines()) > 1:
            yield Violation(f"translation.keep[{index}]", "has a line break; give its lines singly")


def _timeout_faults(timeout: float | None) -> Iterator[Violation]:
    if timeout is not None and timeout < 0:
        yield Violation("timeout", "is negative; give a time from now, or none for the default")
