"""One table from exceptions to statuses, and back to the same exceptions."""

from __future__ import annotations

import logging
import string

import grpc
import pytest
from google.rpc import error_details_pb2, status_pb2
from hypothesis import given, settings
from hypothesis import strategies as st

from service import errors
from service.errors import (
    ComputeFailed,
    DeadlineExpired,
    EmptyArticle,
    InvalidRequest,
    ModelUnavailable,
    NotEnglish,
    Overloaded,
    PermissionRefused,
    SvodkaError,
    TooLarge,
    Unauthenticated,
    Unavailable,
    Violation,
)
from service.rpc.status import CODES, Status, error_of, received, status_of, trailer_of

BLAME = (Violation("article.text", "is bad; do better"), Violation("timeout", "is negative"))

TABLE = [
    (SvodkaError("broken"), "INTERNAL", "INTERNAL"),
    (InvalidRequest(*BLAME), "INVALID_ARGUMENT", "INVALID_REQUEST"),
    (TooLarge(*BLAME), "INVALID_ARGUMENT", "TOO_LARGE"),
    (EmptyArticle(*BLAME), "INVALID_ARGUMENT", "EMPTY_ARTICLE"),
    (NotEnglish(*BLAME), "INVALID_ARGUMENT", "NOT_ENGLISH"),
    (Unauthenticated("who?"), "UNAUTHENTICATED", "UNAUTHENTICATED"),
    (PermissionRefused("no"), "PERMISSION_DENIED", "PERMISSION_REFUSED"),
    (Overloaded("full", retry_after=2.5), "RESOURCE_EXHAUSTED", "OVERLOADED"),
    (DeadlineExpired("late"), "DEADLINE_EXCEEDED", "DEADLINE_EXPIRED"),
    (Unavailable("loading", retry_after=0.25), "UNAVAILABLE", "UNAVAILABLE"),
    (ComputeFailed("poison"), "INTERNAL", "COMPUTE_FAILED"),
    (ModelUnavailable("fetch it"), "FAILED_PRECONDITION", "MODEL_UNAVAILABLE"),
]
EACH = pytest.mark.parametrize(
    ("error", "code", "reason"), TABLE, ids=[type(row[0]).__name__ for row in TABLE]
)


def details(status: Status) -> dict[str, object]:
    """The rich details as a stranger's client reads them, by type."""
    trailer = dict(trailer_of(status))
    rich = status_pb2.Status.FromString(trailer["grpc-status-details-bin"])
    assert (rich.code, rich.message) == (status.code, status.message)
    found = {}
    for packed in rich.details:
        kind = getattr(error_details_pb2, packed.TypeName().removeprefix("google.rpc."))
        found[kind.__name__] = kind.FromString(packed.value)
    return found


def test_the_table_here_knows_every_exception():
    tree = [SvodkaError]
    for cls in tree:
        tree += [c for c in cls.__subclasses__() if c.__module__ == errors.__name__]
    assert set(tree) == {type(error) for error, _, _ in TABLE}


@EACH
def test_each_exception_has_its_code_reason_and_message(error, code, reason):
    status = status_of(error)
    assert status.code == grpc.StatusCode[code].value[0]
    assert status.grpc_code is grpc.StatusCode[code]
    assert status.reason == reason
    assert status.message == str(error)


@EACH
def test_the_trailer_tells_a_stranger_all_of_it(error, code, reason):
    status = status_of(error)
    found = details(status)
    info = found.pop("ErrorInfo")
    assert (info.reason, info.domain) == (reason, "svodka")
    pushback = dict(trailer_of(status)).get("grpc-retry-pushback-ms")
    if isinstance(error, InvalidRequest):
        blamed = found.pop("BadRequest").field_violations
        assert tuple(Violation(v.field, v.description) for v in blamed) == BLAME
    if isinstance(error, Overloaded | Unavailable):
        delay = found.pop("RetryInfo").retry_delay
        assert delay.ToNanoseconds() == error.retry_after * 1e9
        assert pushback == str(round(error.retry_after * 1000))
    else:
        assert pushback is None
    assert not found


@EACH
def test_the_client_gets_the_same_exception_back(error, code, reason):
    status = status_of(error)
    again = error_of(received(status.grpc_code, status.message, trailer_of(status)))
    assert type(again) is type(error)
    assert str(again) == str(error)
    assert again.reason == reason
    assert vars(again) | {"reason": ""} == vars(error) | {"reason": ""}


def test_a_subclass_without_a_row_has_its_parents_code_and_its_own_reason():
    class Blurred(NotEnglish):
        reason = "BLURRED"

    status = status_of(Blurred(*BLAME))
    assert (status.grpc_code, status.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "BLURRED")


def test_an_unknown_failure_tells_an_id_and_nothing_else(caplog):
    secret = "the article's own words"
    with caplog.at_level(logging.ERROR):
        status = status_of(RuntimeError(secret))
    (record,) = caplog.records
    assert (status.grpc_code, status.reason) == (grpc.StatusCode.INTERNAL, "INTERNAL")
    assert record.error_id in status.message
    assert record.getMessage() == f"internal error {record.error_id}"
    assert len(record.error_id) == 8
    assert secret not in status.message
    assert record.exc_info[1].args == (secret,)
    assert status.message != status_of(RuntimeError(secret)).message
    assert "log" in status.message
    assert not status.violations
    assert status.retry_after is None


def test_errors_of_ours_are_not_logged_as_failures(caplog):
    status_of(NotEnglish(*BLAME))
    assert not caplog.records


texts = st.text(max_size=2000) | st.text(
    alphabet=st.characters(min_codepoint=0x400, max_codepoint=0x10FFFF), max_size=2000
)


@settings(max_examples=30)
@given(st.lists(st.builds(Violation, texts, texts), max_size=60))
def test_whatever_is_wrong_fits_into_a_trailer(violations):
    status = status_of(InvalidRequest(*violations))
    (_, raw), *rest = trailer_of(status)
    assert not rest
    # As they travel: the details in base64, the message percent-encoded.
    size = len(raw) * 4 / 3 + sum(
        1 if character in string.printable else 3 * len(character.encode())
        for character in status.message
    )
    assert size < 7000
    assert len(status.violations) <= len(violations)
    assert bool(status.violations) == bool(violations)


def test_what_does_not_fit_is_counted():
    many = [Violation(f"translation.keep[{i}]", "is empty") for i in range(500)]
    told = status_of(InvalidRequest(*many)).violations
    assert told[:-1] == tuple(many[: len(told) - 1])
    assert 50 < len(told) < 100
    assert told[-1] == Violation("…", f"and {500 - len(told) + 1} more")


def test_a_few_violations_are_told_whole():
    few = tuple(Violation(f"f{i}", "d" * 100) for i in range(20))
    assert status_of(InvalidRequest(*few)).violations == few


def test_one_endless_violation_is_shortened_not_dropped():
    (told,) = status_of(InvalidRequest(Violation("f" * 900, "д" * 900))).violations
    assert told.field == "f" * 247 + "…"
    assert told.description == "д" * 248 + "…"


def test_a_message_is_shortened_at_a_characters_border():
    assert status_of(ComputeFailed("a" * 500)).message == "a" * 500
    assert status_of(ComputeFailed("a" * 501)).message == "a" * 497 + "…"
    assert status_of(ComputeFailed("a" + "ж" * 500)).message == "a" + "ж" * 248 + "…"
    assert status_of(ComputeFailed("bad \ud800")).message == "bad ?"


# -- back --------------------------------------------------------------------------------


def heard(code: str, message: str | None = "said", *details) -> SvodkaError:
    """What the client makes of a status that is not one of ours."""
    rich = status_pb2.Status()
    for detail in details:
        rich.details.add().Pack(detail)
    other = status_pb2.Status()
    other.details.add().Pack(error_details_pb2.ErrorInfo(reason="NOT_ENGLISH", domain="svodka"))
    trailer = (
        ("other", "x"),
        ("other-bin", other.SerializeToString()),
        ("grpc-status-details-bin", rich.SerializeToString()),
    )
    return error_of(received(grpc.StatusCode[code], message, trailer))


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("INVALID_ARGUMENT", InvalidRequest),
        ("UNAUTHENTICATED", Unauthenticated),
        ("PERMISSION_DENIED", PermissionRefused),
        ("DEADLINE_EXCEEDED", DeadlineExpired),
        ("UNAVAILABLE", Unavailable),
        ("FAILED_PRECONDITION", ModelUnavailable),
        # The transport's: a message above its limit. Coming back would not help.
        ("RESOURCE_EXHAUSTED", SvodkaError),
        ("INTERNAL", SvodkaError),
        ("UNIMPLEMENTED", SvodkaError),
        ("UNKNOWN", SvodkaError),
    ],
)
def test_the_transports_own_failures_go_by_their_code(code, kind):
    for error in (heard(code), error_of(received(grpc.StatusCode[code], "said", None))):
        assert type(error) is kind
        assert "said" in str(error)
        assert error.reason == (code if kind is SvodkaError else kind.reason)


def test_details_that_are_no_message_are_passed_over():
    trailer = (("grpc-status-details-bin", b"\xff\xff"),)
    error = error_of(received(grpc.StatusCode.UNAVAILABLE, "said", trailer))
    assert (type(error), str(error)) == (Unavailable, "said")


def test_a_status_without_words_says_its_code():
    assert str(error_of(received(grpc.StatusCode.UNKNOWN, None, ()))) == "UNKNOWN"


def test_another_services_reasons_are_not_taken_for_ours():
    alien = error_details_pb2.ErrorInfo(reason="EMPTY_ARTICLE", domain="elsewhere")
    assert type(heard("INVALID_ARGUMENT", "said", alien)) is InvalidRequest


def test_a_reason_of_a_newer_server_is_kept_under_the_codes_class():
    newer = error_details_pb2.ErrorInfo(reason="TOO_BORING", domain="svodka")
    error = heard("INVALID_ARGUMENT", "yawn", newer)
    assert (type(error), error.reason) == (InvalidRequest, "TOO_BORING")
    assert error.violations == (Violation("request", "yawn"),)
    assert InvalidRequest.reason == "INVALID_REQUEST"


def test_a_time_to_come_back_makes_exhaustion_an_overload():
    retry = error_details_pb2.RetryInfo()
    retry.retry_delay.FromMilliseconds(1500)
    error = heard("RESOURCE_EXHAUSTED", "busy", retry)
    assert (type(error), error.retry_after) == (Overloaded, 1.5)


def test_unavailable_without_a_time_comes_back_in_a_second():
    assert heard("UNAVAILABLE").retry_after == 1.0
    retry = error_details_pb2.RetryInfo()
    retry.retry_delay.FromMilliseconds(0)
    assert heard("UNAVAILABLE", "now", retry).retry_after == 0.0


def test_a_number_without_a_name_is_unknown():
    assert Status(99, "", "").grpc_code is grpc.StatusCode.UNKNOWN
    assert type(error_of(Status(99, "", "strange"))) is SvodkaError


def test_every_row_is_a_class_of_ours():
    assert all(issubclass(cls, SvodkaError) for cls in CODES)
