"""Thrift's compact protocol, as far as Parquet's metadata uses it: values read, passed over, and written again.

Source: thrift-compact-protocol.md of Apache Thrift. A struct is a dict of field number → value; a value that is damaged
or cut raises ValueError or IndexError.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any, Final

TRUE: Final = 1
FALSE: Final = 2
BYTE: Final = 3
I32: Final = 5
I64: Final = 6
DOUBLE: Final = 7
BINARY: Final = 8
LIST: Final = 9
SET: Final = 10
MAP: Final = 11
STRUCT: Final = 12
INTEGERS: Final = frozenset({4, I32, I64})


class Reader:
    """Reads values one after the other from `position` on."""

    __slots__ = ("data", "position")

    def __init__(self, data: bytes, position: int = 0) -> None:
        self.data = data
        self.position = position

    def varint(self) -> int:
        result = shift = 0
        while True:
            byte = self.data[self.position]
            self.position += 1
            result |= (byte & 0x7F) << shift
            if byte < 0x80:
                return result
            shift += 7
            if shift > 63:
                raise ValueError("an integer has more than 64 bits")

    def integer(self) -> int:
        value = self.varint()
        return (value >> 1) ^ -(value & 1)

    def fields(self) -> Iterator[tuple[int, int]]:
        """Number and kind of each field of a struct; whoever asks reads or skips its value before the next."""
        number = 0
        while True:
            head = self.data[self.position]
            self.position += 1
            if not head:
                return
            number = number + (head >> 4) if head >> 4 else self.integer()
            yield number, head & 15

    def items(self) -> tuple[int, int]:
        """How many items a list has, and their kind."""
        head = self.data[self.position]
        self.position += 1
        count = head >> 4
        return (self.varint() if count == 15 else count), head & 15

    def value(self, kind: int) -> Any:
        """A value of a kind."""
        if kind in INTEGERS:
            return self.integer()
        if kind == STRUCT:
            return {number: self.value(inner) for number, inner in self.fields()}
        if kind == BINARY:
            return self._bytes(self.varint())
        if kind in (TRUE, FALSE):
            return kind == TRUE
        if kind in (LIST, SET):
            count, inner = self.items()
            return [self._item(inner) for _ in range(count)]
        if kind == BYTE:
            return self._bytes(1)[0]
        if kind == DOUBLE:
            return struct.unpack("<d", self._bytes(8))[0]
        raise ValueError(f"a value is of kind {kind}, which Parquet's metadata does not use")

    def _item(self, kind: int) -> Any:
        # A truth value is its own kind in a field, and a byte in a list.
        return self._bytes(1) == b"\x01" if kind in (TRUE, FALSE) else self.value(kind)

    def skip(self, kind: int) -> None:
        """Pass over a value."""
        if kind in INTEGERS:
            while self.data[self.position] >= 0x80:
                self.position += 1
            self.position += 1
        elif kind == STRUCT:
            for _, inner in self.fields():
                self.skip(inner)
        elif kind == BINARY:
            size = self.varint()
            self.position += size
        elif kind in (LIST, SET):
            count, inner = self.items()
            for _ in range(count):
                self.skip(BYTE if inner in (TRUE, FALSE) else inner)
        else:
            self.value(kind)

    def _bytes(self, size: int) -> bytes:
        begin = self.position
        self.position += size
        if self.position > len(self.data):
            raise ValueError("the data ends within a value")
        return self.data[begin : self.position]


def varint(value: int) -> bytes:
    """An unsigned integer."""
    result = bytearray()
    while value >= 0x80:
        result.append(value & 0x7F | 0x80)
        value >>= 7
    result.append(value)
    return bytes(result)


def integer(value: int) -> bytes:
    """A signed integer of any width."""
    return varint((value << 1) ^ (value >> 63))


def binary(value: bytes) -> bytes:
    return varint(len(value)) + value


def items(kind: int, encoded: list[bytes]) -> bytes:
    """A list of values that are already encoded."""
    size = len(encoded)
    head = bytes([size << 4 | kind]) if size < 15 else bytes([0xF0 | kind]) + varint(size)
    return head + b"".join(encoded)


def fields(*encoded: tuple[int, int, bytes]) -> bytes:
    """A struct: number, kind and encoded value of each field, in the order of their numbers."""
    result, before = bytearray(), 0
    for number, kind, value in encoded:
        result.append((number - before) << 4 | kind)
        result += value
        before = number
    return bytes(result) + b"\0"
