"""Was enough of the article read?

Catches: a page of which hardly anything was taken for the story, because it is
no article or because cleaning was wrong about it. Misses: a story of which a
paragraph was dropped; the coverage itself shows that.
"""

from __future__ import annotations

from collections.abc import Iterable

from service.schema import Finding, FindingKind, Severity, Span, SpanKind

# On pages of a public extraction benchmark, flattened, the story is half of the
# letters in the median; less than a tenth of them on 2 pages of 84.
LITTLE = 0.1


def check_coverage(text: str, spans: Iterable[Span]) -> list[Finding]:
    """Say so if less than a tenth of the letters not excluded were read as the story."""
    letters = dict.fromkeys(SpanKind, 0)
    for span in spans:
        letters[span.kind] += sum(map(str.isalpha, text[span.start : span.end]))
    offered = sum(letters.values()) - letters[SpanKind.EXCLUDED]
    share = letters[SpanKind.USED] / offered if offered else 0.0
    if share >= LITTLE:
        return []
    return [
        Finding(
            FindingKind.COVERAGE,
            Severity.WARNING,
            "coverage",
            f"Only {100 * share:.0f} % of the text was read as the story; look at what was left "
            "out, or send it with skip_cleaning.",
        )
    ]
