"""Answers as text for people."""

from __future__ import annotations

import shutil
import textwrap
from collections.abc import Iterable, Iterator

from service.schema import Coverage, Digest, Finding, SpanKind, Summary, Translation


def digest_lines(digest: Digest) -> Iterator[str]:
    """A digest: headline, summary, Russian, findings."""
    yield from _heading(digest.headline_en)
    yield from _wrapped(digest.summary_en)
    yield ""
    yield from _heading(digest.headline_ru)
    yield from _wrapped(digest.summary_ru)
    if digest.body_ru:
        yield ""
        yield digest.body_ru


def summary_lines(summary: Summary) -> Iterator[str]:
    """An English summary under its headline."""
    yield from _heading(summary.headline_en)
    yield from _wrapped(summary.summary_en)


def translation_lines(translation: Translation) -> Iterator[str]:
    """The Russian, its paragraphs as they were."""
    yield (translation.text_ru if translation.html_ru is None else translation.html_ru) or ""


def finding_lines(findings: Iterable[Finding]) -> Iterator[str]:
    """One line a finding: how bad, where, what."""
    for finding in findings:
        place = finding.field
        if finding.sentence_index >= 0:
            place += f", sentence {finding.sentence_index + 1}"
        yield f"{finding.severity.name.lower()}: {place}: {finding.message}"


def coverage_line(coverage: Coverage) -> str:
    """How much of the text was read, and what the rest was."""
    sizes: dict[SpanKind, int] = {}
    for span in coverage.spans:
        sizes[span.kind] = sizes.get(span.kind, 0) + span.end - span.start
    total = sum(sizes.values()) or 1
    shares = ", ".join(
        f"{kind.name.lower().replace('_', ' ')} {100 * size / total:.0f} %"
        for kind, size in sorted(sizes.items(), key=lambda item: -item[1])
    )
    return f"text: {shares}"


def _heading(text: str) -> Iterator[str]:
    if text:
        yield from _wrapped(text)
        yield ""


def _wrapped(text: str) -> list[str]:
    width = min(100, shutil.get_terminal_size().columns)
    return textwrap.wrap(text, width, break_long_words=False, break_on_hyphens=False)
