"""What callers ask for and what they get, as frozen dataclasses.

The fields are those of ``proto/svodka/v1`` by name, so ``service.wire`` maps
the two onto each other without knowing any field, and the JSON of the command
line is the JSON of the wire. Offsets count Unicode code points; the start is
included, the end is not. Times are in seconds unless a name says ``_ms``.

It holds no behaviour beyond that: reading and judging text is the business of
``service.cleaning``, ``service.verification`` and ``service.pipeline``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum


class Priority(Enum):
    """Order among the work of all callers."""

    UNSPECIFIED = 0
    INTERACTIVE = 1
    BULK = 2

    # The scheduler looks things up by priority dozens of times for each unit, and an Enum's own
    # hash is a Python function.
    __hash__ = object.__hash__


class SpanKind(Enum):
    """What became of a piece of the submitted text."""

    USED = 1
    CONTEXT = 2
    NOT_NEEDED = 3
    BOILERPLATE = 4
    REPEATED = 5
    OTHER_LANGUAGE = 6
    EXCLUDED = 7


class Severity(Enum):
    """How bad a finding is."""

    INFO = 1
    WARNING = 2
    ERROR = 3


class FindingKind(Enum):
    """Which check found something."""

    REPETITION = 1
    NUMBERS = 2
    NAMES = 3
    QUOTES = 4
    PLACEHOLDERS = 5
    LENGTH_RATIO = 6
    SCRIPT = 7
    COVERAGE = 8
    GLOSSARY = 9
    NEGATION = 10
    SUPPORT = 11
    TRUNCATED = 12
    FAILED = 13
    SHORT_ARTICLE = 14
    INPUT = 15


@dataclass(frozen=True)
class Article:
    """One English article. Exactly one of ``text`` and ``html`` is set."""

    id: str = ""
    headline: str = ""
    text: str | None = None
    html: str | None = None
    url: str = ""


@dataclass(frozen=True)
class SummaryOptions:
    """Bounds of the summary, held exactly; 0 means the default or no bound."""

    max_sentences: int = 0
    max_words: int = 0


@dataclass(frozen=True)
class GlossaryEntry:
    """An English term and its Russian one in dictionary form."""

    source: str = ""
    target: str = ""


@dataclass(frozen=True)
class TranslationOptions:
    """Terms and their translations; strings that stay exactly as they are; whether to set
    the Russian by the customs of Russian typography.
    """

    glossary: tuple[GlossaryEntry, ...] = ()
    keep: tuple[str, ...] = ()
    typography: bool = False


@dataclass(frozen=True)
class Range:
    """A piece of the submitted text."""

    start: int = 0
    end: int = 0


@dataclass(frozen=True)
class DigestRequest:
    """One article's digest. ``timeout`` is in seconds, None for the default."""

    article: Article = Article()
    summary: SummaryOptions = SummaryOptions()
    translation: TranslationOptions = TranslationOptions()
    priority: Priority = Priority.UNSPECIFIED
    timeout: float | None = None
    translate_body: bool = False
    skip_cleaning: bool = False
    excluded: tuple[Range, ...] = ()
    no_cache: bool = False
    request_id: str = ""


@dataclass(frozen=True)
class SummarizeRequest:
    """One article's English summary."""

    article: Article = Article()
    summary: SummaryOptions = SummaryOptions()
    priority: Priority = Priority.UNSPECIFIED
    timeout: float | None = None
    skip_cleaning: bool = False
    excluded: tuple[Range, ...] = ()
    no_cache: bool = False
    request_id: str = ""


@dataclass(frozen=True)
class TranslateRequest:
    """The Russian of a text. Exactly one of ``text`` and ``html`` is set."""

    text: str | None = None
    html: str | None = None
    translation: TranslationOptions = TranslationOptions()
    priority: Priority = Priority.UNSPECIFIED
    timeout: float | None = None
    no_cache: bool = False
    request_id: str = ""


@dataclass(frozen=True)
class Evidence:
    """A piece of the article that supports a sentence; score in [0, 1]."""

    start: int = 0
    end: int = 0
    score: float = 0.0


@dataclass(frozen=True)
class DigestSentence:
    """One sentence of the summary in both languages."""

    en: str = ""
    ru: str = ""
    evidence: tuple[Evidence, ...] = ()


@dataclass(frozen=True)
class SummarySentence:
    """One sentence of an English summary."""

    en: str = ""
    evidence: tuple[Evidence, ...] = ()


@dataclass(frozen=True)
class TranslatedSentence:
    """One sentence in both languages, and its place in the source."""

    start: int = 0
    end: int = 0
    en: str = ""
    ru: str = ""


@dataclass(frozen=True)
class TranslatedParagraph:
    """One paragraph of the story in Russian, and its place in the source."""

    start: int = 0
    end: int = 0
    ru: str = ""


@dataclass(frozen=True)
class Finding:
    """Something a check found.

    ``field`` is a path into the answer, such as ``summary_ru``. ``start`` and
    ``end`` lie within that field, or within its sentence ``sentence_index``
    (-1: none in particular).
    """

    kind: FindingKind
    severity: Severity
    field: str
    message: str
    sentence_index: int = -1
    start: int = 0
    end: int = 0
    evidence: str = ""


@dataclass(frozen=True)
class Span:
    """A piece of the submitted text and what became of it, and why."""

    start: int
    end: int
    kind: SpanKind
    reason: str


@dataclass(frozen=True)
class Coverage:
    """A partition of the text. ``text`` is the page's flattening for HTML,
    and empty for plain text, which the caller has.
    """

    text: str = ""
    spans: tuple[Span, ...] = ()


@dataclass(frozen=True)
class Metadata:
    """What the page says of itself; ``published`` in ISO 8601."""

    authors: tuple[str, ...] = ()
    published: str = ""
    site: str = ""


@dataclass(frozen=True)
class Usage:
    """What the answer cost. ``compute_ms`` is the article's share of its
    batches' time, in proportion to its tokens.
    """

    input_tokens: int = 0
    output_tokens: int = 0
    cached_units: int = 0
    prepare_ms: float = 0.0
    queue_ms: float = 0.0
    compute_ms: float = 0.0


@dataclass(frozen=True)
class Model:
    """One model that took part; ``role`` is summarizer or translator."""

    role: str = ""
    name: str = ""
    revision: str = ""
    engine: str = ""
    compute_type: str = ""


@dataclass(frozen=True)
class Digest:
    """One article's digest."""

    id: str = ""
    headline_en: str = ""
    headline_ru: str = ""
    summary_en: str = ""
    summary_ru: str = ""
    sentences: tuple[DigestSentence, ...] = ()
    body_ru: str = ""
    body: tuple[TranslatedParagraph, ...] = ()
    findings: tuple[Finding, ...] = ()
    coverage: Coverage = field(default_factory=Coverage)
    metadata: Metadata = field(default_factory=Metadata)
    usage: Usage = field(default_factory=Usage)
    models: tuple[Model, ...] = ()


@dataclass(frozen=True)
class Summary:
    """One article's English summary."""

    id: str = ""
    headline_en: str = ""
    summary_en: str = ""
    sentences: tuple[SummarySentence, ...] = ()
    findings: tuple[Finding, ...] = ()
    coverage: Coverage = field(default_factory=Coverage)
    metadata: Metadata = field(default_factory=Metadata)
    usage: Usage = field(default_factory=Usage)
    models: tuple[Model, ...] = ()


@dataclass(frozen=True)
class Translation:
    """The Russian of a text, in the form that was sent."""

    text_ru: str | None = None
    html_ru: str | None = None
    sentences: tuple[TranslatedSentence, ...] = ()
    findings: tuple[Finding, ...] = ()
    usage: Usage = field(default_factory=Usage)
    models: tuple[Model, ...] = ()


@dataclass(frozen=True)
class Limits:
    """Limits of one request; times in seconds."""

    max_article_chars: int = 2_000_000
    max_message_bytes: int = 32 * 1024 * 1024
    max_sentences: int = 50
    max_terms: int = 1_000
    max_timeout: float = 600.0
    default_timeout: float = 300.0
    max_stream_items: int = 64


@dataclass(frozen=True)
class ServerInfo:
    """What a server is."""

    version: str = ""
    preset: str = ""
    models: tuple[Model, ...] = ()
    limits: Limits = field(default_factory=Limits)
    source_language: str = "en"
    target_language: str = "ru"
