import datetime

from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Priority(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    PRIORITY_UNSPECIFIED: _ClassVar[Priority]
    PRIORITY_INTERACTIVE: _ClassVar[Priority]
    PRIORITY_BULK: _ClassVar[Priority]

class SpanKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SPAN_KIND_UNSPECIFIED: _ClassVar[SpanKind]
    SPAN_KIND_USED: _ClassVar[SpanKind]
    SPAN_KIND_CONTEXT: _ClassVar[SpanKind]
    SPAN_KIND_NOT_NEEDED: _ClassVar[SpanKind]
    SPAN_KIND_BOILERPLATE: _ClassVar[SpanKind]
    SPAN_KIND_REPEATED: _ClassVar[SpanKind]
    SPAN_KIND_OTHER_LANGUAGE: _ClassVar[SpanKind]
    SPAN_KIND_EXCLUDED: _ClassVar[SpanKind]

class Severity(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SEVERITY_UNSPECIFIED: _ClassVar[Severity]
    SEVERITY_INFO: _ClassVar[Severity]
    SEVERITY_WARNING: _ClassVar[Severity]
    SEVERITY_ERROR: _ClassVar[Severity]

class FindingKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    FINDING_KIND_UNSPECIFIED: _ClassVar[FindingKind]
    FINDING_KIND_REPETITION: _ClassVar[FindingKind]
    FINDING_KIND_NUMBERS: _ClassVar[FindingKind]
    FINDING_KIND_NAMES: _ClassVar[FindingKind]
    FINDING_KIND_QUOTES: _ClassVar[FindingKind]
    FINDING_KIND_PLACEHOLDERS: _ClassVar[FindingKind]
    FINDING_KIND_LENGTH_RATIO: _ClassVar[FindingKind]
    FINDING_KIND_SCRIPT: _ClassVar[FindingKind]
    FINDING_KIND_COVERAGE: _ClassVar[FindingKind]
    FINDING_KIND_GLOSSARY: _ClassVar[FindingKind]
    FINDING_KIND_NEGATION: _ClassVar[FindingKind]
    FINDING_KIND_SUPPORT: _ClassVar[FindingKind]
    FINDING_KIND_TRUNCATED: _ClassVar[FindingKind]
    FINDING_KIND_FAILED: _ClassVar[FindingKind]
    FINDING_KIND_SHORT_ARTICLE: _ClassVar[FindingKind]
    FINDING_KIND_INPUT: _ClassVar[FindingKind]
PRIORITY_UNSPECIFIED: Priority
PRIORITY_INTERACTIVE: Priority
PRIORITY_BULK: Priority
SPAN_KIND_UNSPECIFIED: SpanKind
SPAN_KIND_USED: SpanKind
SPAN_KIND_CONTEXT: SpanKind
SPAN_KIND_NOT_NEEDED: SpanKind
SPAN_KIND_BOILERPLATE: SpanKind
SPAN_KIND_REPEATED: SpanKind
SPAN_KIND_OTHER_LANGUAGE: SpanKind
SPAN_KIND_EXCLUDED: SpanKind
SEVERITY_UNSPECIFIED: Severity
SEVERITY_INFO: Severity
SEVERITY_WARNING: Severity
SEVERITY_ERROR: Severity
FINDING_KIND_UNSPECIFIED: FindingKind
FINDING_KIND_REPETITION: FindingKind
FINDING_KIND_NUMBERS: FindingKind
FINDING_KIND_NAMES: FindingKind
FINDING_KIND_QUOTES: FindingKind
FINDING_KIND_PLACEHOLDERS: FindingKind
FINDING_KIND_LENGTH_RATIO: FindingKind
FINDING_KIND_SCRIPT: FindingKind
FINDING_KIND_COVERAGE: FindingKind
FINDING_KIND_GLOSSARY: FindingKind
FINDING_KIND_NEGATION: FindingKind
FINDING_KIND_SUPPORT: FindingKind
FINDING_KIND_TRUNCATED: FindingKind
FINDING_KIND_FAILED: FindingKind
FINDING_KIND_SHORT_ARTICLE: FindingKind
FINDING_KIND_INPUT: FindingKind

class Article(_message.Message):
    __slots__ = ("id", "headline", "text", "html", "url")
    ID_FIELD_NUMBER: _ClassVar[int]
    HEADLINE_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    HTML_FIELD_NUMBER: _ClassVar[int]
    URL_FIELD_NUMBER: _ClassVar[int]
    id: str
    headline: str
    text: str
    html: str
    url: str
    def __init__(self, id: _Optional[str] = ..., headline: _Optional[str] = ..., text: _Optional[str] = ..., html: _Optional[str] = ..., url: _Optional[str] = ...) -> None: ...

class SummaryOptions(_message.Message):
    __slots__ = ("max_sentences", "max_words")
    MAX_SENTENCES_FIELD_NUMBER: _ClassVar[int]
    MAX_WORDS_FIELD_NUMBER: _ClassVar[int]
    max_sentences: int
    max_words: int
    def __init__(self, max_sentences: _Optional[int] = ..., max_words: _Optional[int] = ...) -> None: ...

class GlossaryEntry(_message.Message):
    __slots__ = ("source", "target")
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    TARGET_FIELD_NUMBER: _ClassVar[int]
    source: str
    target: str
    def __init__(self, source: _Optional[str] = ..., target: _Optional[str] = ...) -> None: ...

class TranslationOptions(_message.Message):
    __slots__ = ("glossary", "keep", "typography")
    GLOSSARY_FIELD_NUMBER: _ClassVar[int]
    KEEP_FIELD_NUMBER: _ClassVar[int]
    TYPOGRAPHY_FIELD_NUMBER: _ClassVar[int]
    glossary: _containers.RepeatedCompositeFieldContainer[GlossaryEntry]
    keep: _containers.RepeatedScalarFieldContainer[str]
    typography: bool
    def __init__(self, glossary: _Optional[_Iterable[_Union[GlossaryEntry, _Mapping]]] = ..., keep: _Optional[_Iterable[str]] = ..., typography: bool = ...) -> None: ...

class Range(_message.Message):
    __slots__ = ("start", "end")
    START_FIELD_NUMBER: _ClassVar[int]
    END_FIELD_NUMBER: _ClassVar[int]
    start: int
    end: int
    def __init__(self, start: _Optional[int] = ..., end: _Optional[int] = ...) -> None: ...

class DigestRequest(_message.Message):
    __slots__ = ("article", "summary", "translation", "priority", "timeout", "translate_body", "skip_cleaning", "excluded", "no_cache", "request_id")
    ARTICLE_FIELD_NUMBER: _ClassVar[int]
    SUMMARY_FIELD_NUMBER: _ClassVar[int]
    TRANSLATION_FIELD_NUMBER: _ClassVar[int]
    PRIORITY_FIELD_NUMBER: _ClassVar[int]
    TIMEOUT_FIELD_NUMBER: _ClassVar[int]
    TRANSLATE_BODY_FIELD_NUMBER: _ClassVar[int]
    SKIP_CLEANING_FIELD_NUMBER: _ClassVar[int]
    EXCLUDED_FIELD_NUMBER: _ClassVar[int]
    NO_CACHE_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    article: Article
    summary: SummaryOptions
    translation: TranslationOptions
    priority: Priority
    timeout: _duration_pb2.Duration
    translate_body: bool
    skip_cleaning: bool
    excluded: _containers.RepeatedCompositeFieldContainer[Range]
    no_cache: bool
    request_id: str
    def __init__(self, article: _Optional[_Union[Article, _Mapping]] = ..., summary: _Optional[_Union[SummaryOptions, _Mapping]] = ..., translation: _Optional[_Union[TranslationOptions, _Mapping]] = ..., priority: _Optional[_Union[Priority, str]] = ..., timeout: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., translate_body: bool = ..., skip_cleaning: bool = ..., excluded: _Optional[_Iterable[_Union[Range, _Mapping]]] = ..., no_cache: bool = ..., request_id: _Optional[str] = ...) -> None: ...

class Evidence(_message.Message):
    __slots__ = ("start", "end", "score")
    START_FIELD_NUMBER: _ClassVar[int]
    END_FIELD_NUMBER: _ClassVar[int]
    SCORE_FIELD_NUMBER: _ClassVar[int]
    start: int
    end: int
    score: float
    def __init__(self, start: _Optional[int] = ..., end: _Optional[int] = ..., score: _Optional[float] = ...) -> None: ...

class DigestSentence(_message.Message):
    __slots__ = ("en", "ru", "evidence")
    EN_FIELD_NUMBER: _ClassVar[int]
    RU_FIELD_NUMBER: _ClassVar[int]
    EVIDENCE_FIELD_NUMBER: _ClassVar[int]
    en: str
    ru: str
    evidence: _containers.RepeatedCompositeFieldContainer[Evidence]
    def __init__(self, en: _Optional[str] = ..., ru: _Optional[str] = ..., evidence: _Optional[_Iterable[_Union[Evidence, _Mapping]]] = ...) -> None: ...

class TranslatedParagraph(_message.Message):
    __slots__ = ("start", "end", "ru")
    START_FIELD_NUMBER: _ClassVar[int]
    END_FIELD_NUMBER: _ClassVar[int]
    RU_FIELD_NUMBER: _ClassVar[int]
    start: int
    end: int
    ru: str
    def __init__(self, start: _Optional[int] = ..., end: _Optional[int] = ..., ru: _Optional[str] = ...) -> None: ...

class Finding(_message.Message):
    __slots__ = ("kind", "severity", "field", "sentence_index", "start", "end", "evidence", "message")
    KIND_FIELD_NUMBER: _ClassVar[int]
    SEVERITY_FIELD_NUMBER: _ClassVar[int]
    FIELD_FIELD_NUMBER: _ClassVar[int]
    SENTENCE_INDEX_FIELD_NUMBER: _ClassVar[int]
    START_FIELD_NUMBER: _ClassVar[int]
    END_FIELD_NUMBER: _ClassVar[int]
    EVIDENCE_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    kind: FindingKind
    severity: Severity
    field: str
    sentence_index: int
    start: int
    end: int
    evidence: str
    message: str
    def __init__(self, kind: _Optional[_Union[FindingKind, str]] = ..., severity: _Optional[_Union[Severity, str]] = ..., field: _Optional[str] = ..., sentence_index: _Optional[int] = ..., start: _Optional[int] = ..., end: _Optional[int] = ..., evidence: _Optional[str] = ..., message: _Optional[str] = ...) -> None: ...

class Span(_message.Message):
    __slots__ = ("start", "end", "kind", "reason")
    START_FIELD_NUMBER: _ClassVar[int]
    END_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    start: int
    end: int
    kind: SpanKind
    reason: str
    def __init__(self, start: _Optional[int] = ..., end: _Optional[int] = ..., kind: _Optional[_Union[SpanKind, str]] = ..., reason: _Optional[str] = ...) -> None: ...

class Coverage(_message.Message):
    __slots__ = ("text", "spans")
    TEXT_FIELD_NUMBER: _ClassVar[int]
    SPANS_FIELD_NUMBER: _ClassVar[int]
    text: str
    spans: _containers.RepeatedCompositeFieldContainer[Span]
    def __init__(self, text: _Optional[str] = ..., spans: _Optional[_Iterable[_Union[Span, _Mapping]]] = ...) -> None: ...

class Metadata(_message.Message):
    __slots__ = ("authors", "published", "site")
    AUTHORS_FIELD_NUMBER: _ClassVar[int]
    PUBLISHED_FIELD_NUMBER: _ClassVar[int]
    SITE_FIELD_NUMBER: _ClassVar[int]
    authors: _containers.RepeatedScalarFieldContainer[str]
    published: str
    site: str
    def __init__(self, authors: _Optional[_Iterable[str]] = ..., published: _Optional[str] = ..., site: _Optional[str] = ...) -> None: ...

class Usage(_message.Message):
    __slots__ = ("input_tokens", "output_tokens", "cached_units", "prepare_ms", "queue_ms", "compute_ms")
    INPUT_TOKENS_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_TOKENS_FIELD_NUMBER: _ClassVar[int]
    CACHED_UNITS_FIELD_NUMBER: _ClassVar[int]
    PREPARE_MS_FIELD_NUMBER: _ClassVar[int]
    QUEUE_MS_FIELD_NUMBER: _ClassVar[int]
    COMPUTE_MS_FIELD_NUMBER: _ClassVar[int]
    input_tokens: int
    output_tokens: int
    cached_units: int
    prepare_ms: float
    queue_ms: float
    compute_ms: float
    def __init__(self, input_tokens: _Optional[int] = ..., output_tokens: _Optional[int] = ..., cached_units: _Optional[int] = ..., prepare_ms: _Optional[float] = ..., queue_ms: _Optional[float] = ..., compute_ms: _Optional[float] = ...) -> None: ...

class Model(_message.Message):
    __slots__ = ("role", "name", "revision", "engine", "compute_type")
    ROLE_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    ENGINE_FIELD_NUMBER: _ClassVar[int]
    COMPUTE_TYPE_FIELD_NUMBER: _ClassVar[int]
    role: str
    name: str
    revision: str
    engine: str
    compute_type: str
    def __init__(self, role: _Optional[str] = ..., name: _Optional[str] = ..., revision: _Optional[str] = ..., engine: _Optional[str] = ..., compute_type: _Optional[str] = ...) -> None: ...

class DigestResponse(_message.Message):
    __slots__ = ("id", "headline_en", "headline_ru", "summary_en", "summary_ru", "sentences", "body_ru", "body", "findings", "coverage", "metadata", "usage", "models")
    ID_FIELD_NUMBER: _ClassVar[int]
    HEADLINE_EN_FIELD_NUMBER: _ClassVar[int]
    HEADLINE_RU_FIELD_NUMBER: _ClassVar[int]
    SUMMARY_EN_FIELD_NUMBER: _ClassVar[int]
    SUMMARY_RU_FIELD_NUMBER: _ClassVar[int]
    SENTENCES_FIELD_NUMBER: _ClassVar[int]
    BODY_RU_FIELD_NUMBER: _ClassVar[int]
    BODY_FIELD_NUMBER: _ClassVar[int]
    FINDINGS_FIELD_NUMBER: _ClassVar[int]
    COVERAGE_FIELD_NUMBER: _ClassVar[int]
    METADATA_FIELD_NUMBER: _ClassVar[int]
    USAGE_FIELD_NUMBER: _ClassVar[int]
    MODELS_FIELD_NUMBER: _ClassVar[int]
    id: str
    headline_en: str
    headline_ru: str
    summary_en: str
    summary_ru: str
    sentences: _containers.RepeatedCompositeFieldContainer[DigestSentence]
    body_ru: str
    body: _containers.RepeatedCompositeFieldContainer[TranslatedParagraph]
    findings: _containers.RepeatedCompositeFieldContainer[Finding]
    coverage: Coverage
    metadata: Metadata
    usage: Usage
    models: _containers.RepeatedCompositeFieldContainer[Model]
    def __init__(self, id: _Optional[str] = ..., headline_en: _Optional[str] = ..., headline_ru: _Optional[str] = ..., summary_en: _Optional[str] = ..., summary_ru: _Optional[str] = ..., sentences: _Optional[_Iterable[_Union[DigestSentence, _Mapping]]] = ..., body_ru: _Optional[str] = ..., body: _Optional[_Iterable[_Union[TranslatedParagraph, _Mapping]]] = ..., findings: _Optional[_Iterable[_Union[Finding, _Mapping]]] = ..., coverage: _Optional[_Union[Coverage, _Mapping]] = ..., metadata: _Optional[_Union[Metadata, _Mapping]] = ..., usage: _Optional[_Union[Usage, _Mapping]] = ..., models: _Optional[_Iterable[_Union[Model, _Mapping]]] = ...) -> None: ...

class DigestStreamRequest(_message.Message):
    __slots__ = ("request_id", "request")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    REQUEST_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    request: DigestRequest
    def __init__(self, request_id: _Optional[str] = ..., request: _Optional[_Union[DigestRequest, _Mapping]] = ...) -> None: ...

class FieldViolation(_message.Message):
    __slots__ = ("field", "description")
    FIELD_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    field: str
    description: str
    def __init__(self, field: _Optional[str] = ..., description: _Optional[str] = ...) -> None: ...

class Error(_message.Message):
    __slots__ = ("code", "reason", "message", "violations", "retry_after")
    CODE_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    VIOLATIONS_FIELD_NUMBER: _ClassVar[int]
    RETRY_AFTER_FIELD_NUMBER: _ClassVar[int]
    code: int
    reason: str
    message: str
    violations: _containers.RepeatedCompositeFieldContainer[FieldViolation]
    retry_after: _duration_pb2.Duration
    def __init__(self, code: _Optional[int] = ..., reason: _Optional[str] = ..., message: _Optional[str] = ..., violations: _Optional[_Iterable[_Union[FieldViolation, _Mapping]]] = ..., retry_after: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class DigestStreamResponse(_message.Message):
    __slots__ = ("request_id", "digest", "error")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    digest: DigestResponse
    error: Error
    def __init__(self, request_id: _Optional[str] = ..., digest: _Optional[_Union[DigestResponse, _Mapping]] = ..., error: _Optional[_Union[Error, _Mapping]] = ...) -> None: ...

class SummarizeRequest(_message.Message):
    __slots__ = ("article", "summary", "priority", "timeout", "skip_cleaning", "excluded", "no_cache", "request_id")
    ARTICLE_FIELD_NUMBER: _ClassVar[int]
    SUMMARY_FIELD_NUMBER: _ClassVar[int]
    PRIORITY_FIELD_NUMBER: _ClassVar[int]
    TIMEOUT_FIELD_NUMBER: _ClassVar[int]
    SKIP_CLEANING_FIELD_NUMBER: _ClassVar[int]
    EXCLUDED_FIELD_NUMBER: _ClassVar[int]
    NO_CACHE_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    article: Article
    summary: SummaryOptions
    priority: Priority
    timeout: _duration_pb2.Duration
    skip_cleaning: bool
    excluded: _containers.RepeatedCompositeFieldContainer[Range]
    no_cache: bool
    request_id: str
    def __init__(self, article: _Optional[_Union[Article, _Mapping]] = ..., summary: _Optional[_Union[SummaryOptions, _Mapping]] = ..., priority: _Optional[_Union[Priority, str]] = ..., timeout: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., skip_cleaning: bool = ..., excluded: _Optional[_Iterable[_Union[Range, _Mapping]]] = ..., no_cache: bool = ..., request_id: _Optional[str] = ...) -> None: ...

class SummarySentence(_message.Message):
    __slots__ = ("en", "evidence")
    EN_FIELD_NUMBER: _ClassVar[int]
    EVIDENCE_FIELD_NUMBER: _ClassVar[int]
    en: str
    evidence: _containers.RepeatedCompositeFieldContainer[Evidence]
    def __init__(self, en: _Optional[str] = ..., evidence: _Optional[_Iterable[_Union[Evidence, _Mapping]]] = ...) -> None: ...

class SummarizeResponse(_message.Message):
    __slots__ = ("id", "headline_en", "summary_en", "sentences", "findings", "coverage", "metadata", "usage", "models")
    ID_FIELD_NUMBER: _ClassVar[int]
    HEADLINE_EN_FIELD_NUMBER: _ClassVar[int]
    SUMMARY_EN_FIELD_NUMBER: _ClassVar[int]
    SENTENCES_FIELD_NUMBER: _ClassVar[int]
    FINDINGS_FIELD_NUMBER: _ClassVar[int]
    COVERAGE_FIELD_NUMBER: _ClassVar[int]
    METADATA_FIELD_NUMBER: _ClassVar[int]
    USAGE_FIELD_NUMBER: _ClassVar[int]
    MODELS_FIELD_NUMBER: _ClassVar[int]
    id: str
    headline_en: str
    summary_en: str
    sentences: _containers.RepeatedCompositeFieldContainer[SummarySentence]
    findings: _containers.RepeatedCompositeFieldContainer[Finding]
    coverage: Coverage
    metadata: Metadata
    usage: Usage
    models: _containers.RepeatedCompositeFieldContainer[Model]
    def __init__(self, id: _Optional[str] = ..., headline_en: _Optional[str] = ..., summary_en: _Optional[str] = ..., sentences: _Optional[_Iterable[_Union[SummarySentence, _Mapping]]] = ..., findings: _Optional[_Iterable[_Union[Finding, _Mapping]]] = ..., coverage: _Optional[_Union[Coverage, _Mapping]] = ..., metadata: _Optional[_Union[Metadata, _Mapping]] = ..., usage: _Optional[_Union[Usage, _Mapping]] = ..., models: _Optional[_Iterable[_Union[Model, _Mapping]]] = ...) -> None: ...

class TranslateRequest(_message.Message):
    __slots__ = ("text", "html", "translation", "priority", "timeout", "no_cache", "request_id")
    TEXT_FIELD_NUMBER: _ClassVar[int]
    HTML_FIELD_NUMBER: _ClassVar[int]
    TRANSLATION_FIELD_NUMBER: _ClassVar[int]
    PRIORITY_FIELD_NUMBER: _ClassVar[int]
    TIMEOUT_FIELD_NUMBER: _ClassVar[int]
    NO_CACHE_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    text: str
    html: str
    translation: TranslationOptions
    priority: Priority
    timeout: _duration_pb2.Duration
    no_cache: bool
    request_id: str
    def __init__(self, text: _Optional[str] = ..., html: _Optional[str] = ..., translation: _Optional[_Union[TranslationOptions, _Mapping]] = ..., priority: _Optional[_Union[Priority, str]] = ..., timeout: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., no_cache: bool = ..., request_id: _Optional[str] = ...) -> None: ...

class TranslatedSentence(_message.Message):
    __slots__ = ("start", "end", "en", "ru")
    START_FIELD_NUMBER: _ClassVar[int]
    END_FIELD_NUMBER: _ClassVar[int]
    EN_FIELD_NUMBER: _ClassVar[int]
    RU_FIELD_NUMBER: _ClassVar[int]
    start: int
    end: int
    en: str
    ru: str
    def __init__(self, start: _Optional[int] = ..., end: _Optional[int] = ..., en: _Optional[str] = ..., ru: _Optional[str] = ...) -> None: ...

class TranslateResponse(_message.Message):
    __slots__ = ("text_ru", "html_ru", "sentences", "findings", "usage", "models")
    TEXT_RU_FIELD_NUMBER: _ClassVar[int]
    HTML_RU_FIELD_NUMBER: _ClassVar[int]
    SENTENCES_FIELD_NUMBER: _ClassVar[int]
    FINDINGS_FIELD_NUMBER: _ClassVar[int]
    USAGE_FIELD_NUMBER: _ClassVar[int]
    MODELS_FIELD_NUMBER: _ClassVar[int]
    text_ru: str
    html_ru: str
    sentences: _containers.RepeatedCompositeFieldContainer[TranslatedSentence]
    findings: _containers.RepeatedCompositeFieldContainer[Finding]
    usage: Usage
    models: _containers.RepeatedCompositeFieldContainer[Model]
    def __init__(self, text_ru: _Optional[str] = ..., html_ru: _Optional[str] = ..., sentences: _Optional[_Iterable[_Union[TranslatedSentence, _Mapping]]] = ..., findings: _Optional[_Iterable[_Union[Finding, _Mapping]]] = ..., usage: _Optional[_Union[Usage, _Mapping]] = ..., models: _Optional[_Iterable[_Union[Model, _Mapping]]] = ...) -> None: ...

class GetServerInfoRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class Limits(_message.Message):
    __slots__ = ("max_article_chars", "max_message_bytes", "max_sentences", "max_terms", "max_timeout", "default_timeout", "max_stream_items")
    MAX_ARTICLE_CHARS_FIELD_NUMBER: _ClassVar[int]
    MAX_MESSAGE_BYTES_FIELD_NUMBER: _ClassVar[int]
    MAX_SENTENCES_FIELD_NUMBER: _ClassVar[int]
    MAX_TERMS_FIELD_NUMBER: _ClassVar[int]
    MAX_TIMEOUT_FIELD_NUMBER: _ClassVar[int]
    DEFAULT_TIMEOUT_FIELD_NUMBER: _ClassVar[int]
    MAX_STREAM_ITEMS_FIELD_NUMBER: _ClassVar[int]
    max_article_chars: int
    max_message_bytes: int
    max_sentences: int
    max_terms: int
    max_timeout: _duration_pb2.Duration
    default_timeout: _duration_pb2.Duration
    max_stream_items: int
    def __init__(self, max_article_chars: _Optional[int] = ..., max_message_bytes: _Optional[int] = ..., max_sentences: _Optional[int] = ..., max_terms: _Optional[int] = ..., max_timeout: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., default_timeout: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., max_stream_items: _Optional[int] = ...) -> None: ...

class GetServerInfoResponse(_message.Message):
    __slots__ = ("version", "preset", "models", "limits", "source_language", "target_language")
    VERSION_FIELD_NUMBER: _ClassVar[int]
    PRESET_FIELD_NUMBER: _ClassVar[int]
    MODELS_FIELD_NUMBER: _ClassVar[int]
    LIMITS_FIELD_NUMBER: _ClassVar[int]
    SOURCE_LANGUAGE_FIELD_NUMBER: _ClassVar[int]
    TARGET_LANGUAGE_FIELD_NUMBER: _ClassVar[int]
    version: str
    preset: str
    models: _containers.RepeatedCompositeFieldContainer[Model]
    limits: Limits
    source_language: str
    target_language: str
    def __init__(self, version: _Optional[str] = ..., preset: _Optional[str] = ..., models: _Optional[_Iterable[_Union[Model, _Mapping]]] = ..., limits: _Optional[_Union[Limits, _Mapping]] = ..., source_language: _Optional[str] = ..., target_language: _Optional[str] = ...) -> None: ...
