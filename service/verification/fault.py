"""What a check looks at and what it says.

A check is a function from a :class:`Pair` to the faults it sees, nothing more:
no state, no settings, no models. The order of the checks and what becomes of
their faults is decided by their callers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from service.schema import Finding, FindingKind, GlossaryEntry, Severity

#: So much worse is one ERROR than one WARNING, and one WARNING than one INFO.
_WEIGHTS = {Severity.INFO: 1, Severity.WARNING: 10, Severity.ERROR: 100}


@dataclass(frozen=True)
class Pair:
    """An English sentence and its Russian one, and what was asked for."""

    en: str
    ru: str
    keep: tuple[str, ...] = ()
    glossary: tuple[GlossaryEntry, ...] = ()
    truncated: bool = False
    headline: bool = False


@dataclass(frozen=True)
class Fault:
    """Something wrong with one text.

    ``start`` and ``end`` are code points within the text that was checked (the
    Russian, or the summary's sentence); both are 0 where something is missing
    and has no place. ``evidence`` quotes what gave it away.
    """

    kind: FindingKind
    severity: Severity
    start: int
    end: int
    evidence: str
    message: str

    def finding(self, field: str, sentence_index: int = -1) -> Finding:
        """The fault as part of an answer: ``field`` is a path such as ``summary_ru``."""
        return Finding(
            kind=self.kind,
            severity=self.severity,
            field=field,
            message=self.message,
            sentence_index=sentence_index,
            start=self.start,
            end=self.end,
            evidence=self.evidence,
        )


Check = Callable[[Pair], Iterable[Fault]]


def cost(faults: Iterable[Fault | Finding]) -> int:
    """How bad these faults are together; 0 for none. For comparing two attempts."""
    return sum(_WEIGHTS[fault.severity] for fault in faults)


def worse(a: Iterable[Fault | Finding], b: Iterable[Fault | Finding]) -> bool:
    """Whether an attempt with faults ``a`` is worse than one with faults ``b``."""
    return cost(a) > cost(b)


def doubtful(faults: Iterable[Fault | Finding]) -> bool:
    """Whether these faults are reason to try again: one of them is more than a remark."""
    return any(fault.severity is not Severity.INFO for fault in faults)


def is_lost(fault: Fault) -> bool:
    """Whether something that the caller's wording or the source's addresses fix is not there."""
    fixed = fault.kind in (FindingKind.PLACEHOLDERS, FindingKind.GLOSSARY)
    return fixed and fault.severity is Severity.ERROR
