"""Dataclasses of ``service.schema`` to and from protobuf messages and JSON.

The two sides agree on names, so one rule per kind of value maps every class,
and no field is named here. What the rules say:

* A ``Duration`` is a float of seconds, and None (or 0.0 where the class knows
  no None) when it is not set.
* A member of a oneof is None when it is not set, and left out of the JSON.
* A repeated field is a tuple; in JSON, a list.
* An enum keeps its number; in JSON, its short name.

Nothing is clamped, cut or guessed: a value without a form on the other side
raises ``InvalidRequest`` naming the field.
"""

from __future__ import annotations

import math
import sys
import types
import typing
from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields, is_dataclass
from enum import Enum
from functools import cache, partial
from typing import Any, TypeVar

from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message

from service.errors import InvalidRequest, TooLarge, Violation, too_many

M = TypeVar("M", bound=Message)
T = TypeVar("T")

_Read = Callable[[Any, int], Any]  # of an item, and the most entries that a list may have

_NANOS = 1_000_000_000
_LONGEST = 315_576_000_000  # seconds: the Duration type's own bound, 10,000 years


def to_message(value: object, message_class: type[M]) -> M:
    """The message that says what the dataclass instance ``value`` says."""
    message = message_class()
    _fill(message, value)
    return message


def from_message(message: Message, cls: type[T], *, most: int = sys.maxsize) -> T:
    """The instance of ``cls`` that says what ``message`` says.

    Fields of the message unknown to ``cls`` are passed over: they belong to a
    newer version of the contract. A list of more than ``most`` entries is not read, since
    that alone would take long, and raises TooLarge.
    """
    values = {}
    for name, optional, read in _readers(message.DESCRIPTOR, cls):
        if optional and not message.HasField(name):
            values[name] = None
            continue
        item = getattr(message, name)
        try:
            values[name] = read(item, most) if read else item
        except InvalidRequest as error:
            raise _within(name, error) from None
    return cls(**values)


def to_json(value: Any) -> Any:
    """``value`` as ``json.dumps`` takes it: defaults included, unset ones not."""
    if is_dataclass(value):
        pairs = ((name, getattr(value, name)) for name in _hints(type(value)))
        return {name: to_json(item) for name, item in pairs if item is not None}
    if isinstance(value, tuple):
        return [to_json(item) for item in value]
    if isinstance(value, Enum):
        return value.name
    return value


def from_json(data: object, cls: type[T]) -> T:
    """What ``to_json`` wrote, read back; fields left out take their defaults.

    Unknown names and wrong types raise ``InvalidRequest``, so that a misspelt
    option is not mistaken for one left out.
    """
    return _parse(data, cls)


# -- protobuf ----------------------------------------------------------------------------


def _fill(message: Message, value: Any) -> None:
    known = message.DESCRIPTOR.fields_by_name
    for name in _hints(type(value)):
        item = getattr(value, name)
        if item is None:
            continue
        try:
            _put(message, known[name], item)
        except InvalidRequest as error:
            raise _within(name, error) from None
        except UnicodeEncodeError:
            raise _refused(name, "holds a lone surrogate, which is no character") from None
        except (ValueError, TypeError):
            raise _refused(name, "is out of range or of a wrong type") from None


def _put(message: Message, descriptor: Any, item: Any) -> None:
    name = descriptor.name
    if isinstance(item, tuple):
        target = getattr(message, name)
        if descriptor.message_type is None:
            target.extend(item)
            return
        for index, element in enumerate(item):
            try:
                _fill(target.add(), element)
            except InvalidRequest as error:
                raise _within(f"[{index}]", error) from None
    elif is_dataclass(item):
        part = getattr(message, name)
        part.SetInParent()
        _fill(part, item)
    elif _is_duration(descriptor):
        getattr(message, name).CopyFrom(_duration(item))
    else:
        group = descriptor.containing_oneof
        if group is not None and (other := message.WhichOneof(group.name)):
            raise _refused("", f"is set beside {other}; set one of the two")
        setattr(message, name, item.value if isinstance(item, Enum) else item)


@cache
def _readers(descriptor: Any, cls: type) -> tuple[tuple[str, bool, _Read | None], ...]:
    """Of each field: its name, whether it may be unset, and what makes the value of its item."""
    known = descriptor.fields_by_name
    kinds = ((name, *_unwrap(hint)) for name, hint in _hints(cls).items())
    return tuple((name, optional, _reader(known[name], kind)) for name, kind, optional in kinds)


def _reader(descriptor: Any, kind: Any) -> _Read | None:
    """What makes a value of a field's item; None where the item is the value."""
    if typing.get_origin(kind) is tuple:
        return partial(_read_all, typing.get_args(kind)[0])
    if is_dataclass(kind):
        return partial(_read_part, kind)
    if _is_duration(descriptor):
        return lambda item, _: (item.seconds * _NANOS + item.nanos) / _NANOS  # rounded once
    if issubclass(kind, Enum):
        return lambda item, _: _member(kind, item, by_name=False)
    return None


def _read_part(cls: Any, item: Any, most: int) -> Any:
    return from_message(item, cls, most=most)


def _read_all(cls: Any, items: Any, most: int) -> tuple:
    if len(items) > most:
        raise TooLarge(too_many("", len(items), most))
    if not is_dataclass(cls):
        return tuple(items)
    read = []
    for index, item in enumerate(items):
        try:
            read.append(_read_part(cls, item, most))
        except InvalidRequest as error:
            raise _within(f"[{index}]", error) from None
    return tuple(read)


def _duration(seconds: float) -> Duration:
    # Written so that NaN fails it too.
    if not abs(seconds) <= _LONGEST:
        raise _refused("", "must be a number of seconds below 10,000 years")
    total = round(seconds * _NANOS)
    whole = abs(total) // _NANOS * (1 if total >= 0 else -1)
    return Duration(seconds=whole, nanos=total - whole * _NANOS)


def _is_duration(descriptor: Any) -> bool:
    kind = descriptor.message_type
    return kind is not None and kind.full_name == Duration.DESCRIPTOR.full_name


# -- JSON --------------------------------------------------------------------------------

_PLAIN = {str: "a string", int: "a whole number", float: "a number", bool: "true or false"}


def _parse(data: Any, hint: Any) -> Any:
    kind, optional = _unwrap(hint)
    if data is None and optional:
        return None
    if typing.get_origin(kind) is tuple:
        return _parse_all(data, typing.get_args(kind)[0])
    if is_dataclass(kind):
        return _parse_object(data, typing.cast(type, kind))
    if issubclass(kind, Enum):
        return _member(kind, str(data), by_name=True)
    # To Python a bool is an int, but a count of "true" is a mistake.
    allowed = (int, float) if kind is float else (kind,)
    if not isinstance(data, allowed) or (isinstance(data, bool) and kind is not bool):
        raise _refused("", f"must be {_PLAIN[kind]}")
    if isinstance(data, float) and not math.isfinite(data):
        raise _refused("", "must be a finite number")
    return float(data) if isinstance(data, int) and kind is float else data


def _parse_all(data: object, element: Any) -> tuple:
    if not isinstance(data, list | tuple):
        raise _refused("", "must be a list")
    parsed = []
    for index, item in enumerate(data):
        try:
            parsed.append(_parse(item, element))
        except InvalidRequest as error:
            raise _within(f"[{index}]", error) from None
    return tuple(parsed)


def _parse_object(data: object, cls: type[T]) -> T:
    if not isinstance(data, Mapping):
        raise _refused("", "must be an object")
    hints = _hints(cls)
    wrong = [Violation(str(name), "is not a field here") for name in data if name not in hints]
    wrong += [Violation(name, "is required") for name in _required(cls) if name not in data]
    values = {}
    for name, hint in hints.items():
        if name in data:
            try:
                values[name] = _parse(data[name], hint)
            except InvalidRequest as error:
                wrong += _within(name, error).violations
    if wrong:
        raise InvalidRequest(*wrong)
    return cls(**values)


# -- both --------------------------------------------------------------------------------


def _member(kind: type[Enum], item: Any, by_name: bool) -> Enum:
    try:
        return kind[item] if by_name else kind(item)
    except (KeyError, ValueError):
        names = ", ".join(member.name for member in kind)
        raise _refused("", f"must be one of {names}") from None


def _unwrap(hint: Any) -> tuple[Any, bool]:
    """The type itself, and whether None is one of its values."""
    if isinstance(hint, types.UnionType):
        (kind,) = (part for part in typing.get_args(hint) if part is not types.NoneType)
        return kind, True
    return hint, False


@cache
def _hints(cls: type) -> dict[str, Any]:
    hints = typing.get_type_hints(cls)
    return {f.name: hints[f.name] for f in fields(cls)}


@cache
def _required(cls: type) -> tuple[str, ...]:
    return tuple(
        f.name for f in fields(cls) if f.default is MISSING and f.default_factory is MISSING
    )


def _refused(field: str, description: str) -> InvalidRequest:
    return InvalidRequest(Violation(field, description))


def _within(outer: str, error: InvalidRequest) -> InvalidRequest:
    """The same complaint, seen from one level further out."""
    return type(error)(*(Violation(_join(outer, v.field), v.description) for v in error.violations))


def _join(outer: str, inner: str) -> str:
    return f"{outer}.{inner}" if inner and not inner.startswith("[") else outer + inner
