"""Every class of the vocabulary survives the wire and JSON; what cannot is refused by name."""

from __future__ import annotations

import dataclasses
import enum
import json
import math
import types
import typing
from functools import cache, partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service import schema, wire
from service.errors import InvalidRequest, TooLarge, Violation
from service.rpc.status import Status
from svodka.v1 import svodka_service_pb2 as pb

# Where the two sides are named differently.
MESSAGES = {
    schema.Digest: pb.DigestResponse,
    schema.Summary: pb.SummarizeResponse,
    schema.Translation: pb.TranslateResponse,
    schema.ServerInfo: pb.GetServerInfoResponse,
    Violation: pb.FieldViolation,
    Status: pb.Error,
}
CLASSES = [
    cls
    for cls in vars(schema).values()
    if dataclasses.is_dataclass(cls) and cls.__module__ == schema.__name__
]
ENUMS = [
    cls
    for cls in vars(schema).values()
    if isinstance(cls, enum.EnumMeta) and cls.__module__ == schema.__name__
]
ONEOFS = [("text", "html"), ("text_ru", "html_ru")]


def message_class(cls: type):
    return MESSAGES.get(cls) or getattr(pb, cls.__name__)


@cache
def instances(cls: type) -> st.SearchStrategy:
    """Any instance whose oneofs are set at most once."""
    hints = typing.get_type_hints(cls)
    every = st.builds(cls, **{name: values_of(hints[name]) for name in hints})
    for first, second in ONEOFS:
        if {first, second} <= hints.keys():
            every = every.map(partial(unset_second, first=first, second=second))
    return every


def unset_second(value, first: str, second: str):
    twice = getattr(value, first) is not None and getattr(value, second) is not None
    return dataclasses.replace(value, **{second: None}) if twice else value


@cache
def values_of(hint) -> st.SearchStrategy:
    if isinstance(hint, types.UnionType):
        return st.none() | values_of(typing.get_args(hint)[0])
    if typing.get_origin(hint) is tuple:
        return st.lists(values_of(typing.get_args(hint)[0]), max_size=2).map(tuple)
    if dataclasses.is_dataclass(hint):
        return instances(hint)
    plain = {
        int: st.integers(-(2**31), 2**31 - 1),
        # Whole nanoseconds: what a Duration can say, and a double, too.
        float: st.integers(-(10**15), 10**15).map(lambda nanos: nanos / 10**9),
        str: st.text(max_size=20),
        bool: st.booleans(),
    }
    return plain[hint] if hint in plain else st.sampled_from(hint)


@pytest.mark.parametrize("cls", [*CLASSES, Violation, Status], ids=lambda cls: cls.__name__)
@settings(max_examples=15)
@given(data=st.data())
def test_every_class_survives_the_wire(cls, data):
    value = data.draw(instances(cls))
    raw = wire.to_message(value, message_class(cls)).SerializeToString()
    assert wire.from_message(message_class(cls).FromString(raw), cls) == value


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)
@settings(max_examples=15)
@given(data=st.data())
def test_every_class_survives_json(cls, data):
    value = data.draw(instances(cls))
    text = json.dumps(wire.to_json(value))
    assert wire.from_json(json.loads(text), cls) == value


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)
def test_class_and_message_have_the_same_fields(cls):
    names = {field.name for field in dataclasses.fields(cls)}
    assert names == set(message_class(cls).DESCRIPTOR.fields_by_name)


@pytest.mark.parametrize("cls", ENUMS, ids=lambda cls: cls.__name__)
def test_class_and_message_have_the_same_enums(cls):
    there = {
        value.number: value.name for value in pb.DESCRIPTOR.enum_types_by_name[cls.__name__].values
    }
    here = {member.value: member.name for member in cls}
    assert there.keys() - here.keys() <= {0}
    assert all(there[number].endswith(f"_{name}") for number, name in here.items())


def test_json_has_short_names_and_defaults_and_leaves_out_what_is_unset():
    span = schema.Span(0, 3, schema.SpanKind.USED, "story")
    assert wire.to_json(span) == {"start": 0, "end": 3, "kind": "USED", "reason": "story"}
    assert wire.to_json(schema.Article(text="")) == {
        "id": "",
        "headline": "",
        "text": "",
        "url": "",
    }
    request = wire.to_json(schema.TranslateRequest(text="a", priority=schema.Priority.BULK))
    assert request["priority"] == "BULK"
    assert request["translation"] == {"glossary": [], "keep": [], "typography": False}
    assert "timeout" not in request
    assert "html" not in request


@pytest.mark.parametrize(
    ("value", "field"),
    [
        (schema.Article(text="a", html="b"), "html"),
        (schema.Article(id="\ud800"), "id"),
        (schema.SummaryOptions(max_words=2**31), "max_words"),
        (schema.SummaryOptions(max_words="7"), "max_words"),  # type: ignore[arg-type]
    ],
)
def test_what_has_no_form_on_the_wire_is_refused_by_name(value, field):
    with pytest.raises(InvalidRequest) as refusal:
        wire.to_message(value, message_class(type(value)))
    assert [violation.field for violation in refusal.value.violations] == [field]


@pytest.mark.parametrize("seconds", [math.inf, -math.inf, math.nan, 1e300])
def test_a_time_beyond_durations_is_refused(seconds):
    with pytest.raises(InvalidRequest, match="timeout"):
        wire.to_message(schema.DigestRequest(timeout=seconds), pb.DigestRequest)


def test_a_refusal_names_the_whole_path():
    entries = (schema.GlossaryEntry("a", "б"), schema.GlossaryEntry("\udfff", "б"))
    request = schema.DigestRequest(translation=schema.TranslationOptions(glossary=entries))
    with pytest.raises(InvalidRequest) as refusal:
        wire.to_message(request, pb.DigestRequest)
    assert refusal.value.violations[0].field == "translation.glossary[1].source"


def test_an_enum_number_of_another_version_is_refused_not_guessed():
    with pytest.raises(InvalidRequest, match=r"^priority: must be one of .*BULK"):
        wire.from_message(pb.DigestRequest(priority=7), schema.DigestRequest)
    answer = pb.DigestResponse(findings=[pb.Finding(kind=1, severity=1), pb.Finding(kind=1)])
    with pytest.raises(InvalidRequest, match=r"^findings\[1\]\.severity: "):
        wire.from_message(answer, schema.Digest)


def test_a_list_that_is_too_long_is_refused_before_it_is_read():
    request = pb.DigestRequest()
    request.translation.keep.extend("abc")
    assert wire.from_message(request, schema.DigestRequest, most=3).translation.keep == (*"abc",)
    with pytest.raises(TooLarge, match=r"^translation\.keep: has 3 entries; at most 2 are taken$"):
        wire.from_message(request, schema.DigestRequest, most=2)
    for _ in range(4):
        request.excluded.add()
    with pytest.raises(TooLarge, match=r"^excluded: has 4 entries; at most 3 are taken$"):
        wire.from_message(request, schema.DigestRequest, most=3)


def test_durations_keep_their_sign_and_their_absence():
    request = pb.DigestRequest()
    assert wire.from_message(request, schema.DigestRequest).timeout is None
    request.timeout.FromNanoseconds(-1_500_000_000)
    assert wire.from_message(request, schema.DigestRequest).timeout == -1.5
    message = wire.to_message(schema.DigestRequest(timeout=-1.5), pb.DigestRequest)
    assert (message.timeout.seconds, message.timeout.nanos) == (-1, -500_000_000)
    request.timeout.FromNanoseconds(1_283_711_591)
    assert wire.from_message(request, schema.DigestRequest).timeout == 1.283711591
    assert wire.from_message(pb.Limits(), schema.Limits).max_timeout == 0.0


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        ([], "must be an object"),
        ({"artcle": {}}, r"artcle: is not a field here"),
        ({"article": {"text": 7}}, r"article\.text: must be a string"),
        ({"summary": {"max_words": True}}, r"summary\.max_words: must be a whole number"),
        ({"summary": {"max_words": 1.5}}, r"summary\.max_words: must be a whole number"),
        ({"no_cache": 1}, r"no_cache: must be true or false"),
        ({"timeout": math.nan}, r"timeout: must be a finite number"),
        ({"priority": 2}, r"priority: must be one of"),
        ({"priority": "SOON"}, r"priority: must be one of UNSPECIFIED, INTERACTIVE, BULK"),
        ({"excluded": "all"}, r"excluded: must be a list"),
        ({"excluded": [{}, {"start": "1"}]}, r"excluded\[1\]\.start: must be a whole number"),
    ],
)
def test_json_that_says_something_else_is_refused(data, complaint):
    with pytest.raises(InvalidRequest, match=complaint):
        wire.from_json(data, schema.DigestRequest)


def test_json_may_leave_out_what_has_a_default_only():
    assert wire.from_json({"timeout": 3}, schema.DigestRequest) == schema.DigestRequest(timeout=3.0)
    with pytest.raises(InvalidRequest) as refusal:
        wire.from_json({"start": 0, "kind": "LOST"}, schema.Span)
    assert {v.field for v in refusal.value.violations} == {"end", "reason", "kind"}
