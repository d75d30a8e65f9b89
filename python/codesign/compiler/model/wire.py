# SPDX-License-Identifier: Apache-2.0
"""The protobuf wire format, looked through without building anything: two bytes of a file may become an object of hundreds."""

from __future__ import annotations

from typing import Any


class MalformedError(ValueError):
    """The bytes are no message of the wanted kind."""


def count_fields(data: bytes, descriptor: Any, limit: int) -> int:
    """Fields in a message and in the messages inside it, as the protobuf `descriptor` of its type knows them.

    Counting ends above `limit`, so that the work is bounded too.

    Raises:
        MalformedError: the bytes end within a field, or hold a wire type that no message of today has.
    """
    view, count = memoryview(data), 0
    waiting = [(0, len(data), _messages(descriptor))]
    known: dict[Any, Any] = {descriptor: waiting[0][2]}
    while waiting:
        position, end, messages = waiting.pop()
        while position < end:
            count += 1
            if count > limit:
                return count
            tag, position = _varint(view, position, end)
            match tag & 7:
                case 0:
                    _, position = _varint(view, position, end)
                case 1:
                    position += 8
                case 2:
                    length, position = _varint(view, position, end)
                    inner = messages.get(tag >> 3)
                    if inner is not None and position + length <= end:
                        if inner not in known:
                            known[inner] = _messages(inner)
                        waiting.append((position, position + length, known[inner]))
                    position += length
                case 5:
                    position += 4
                case kind:
                    raise MalformedError(f"wire type {kind}")
            if position > end:
                raise MalformedError("a field goes on after the end")
    return count


def _messages(descriptor: Any) -> dict[int, Any]:
    """Descriptors of the fields that are messages, by number."""
    return {field.number: field.message_type for field in descriptor.fields if field.message_type is not None}


def _varint(view: memoryview, position: int, end: int) -> tuple[int, int]:
    """(value, position after it)."""
    value = shift = 0
    while position < end and shift < 70:
        byte = view[position]
        position += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, position
        shift += 7
    raise MalformedError("a number without an end")
