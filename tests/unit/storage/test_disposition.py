"""The header that names a download, for any name a user can think of."""

from __future__ import annotations

import re
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage import content_disposition

SHAPE = re.compile(r'(attachment|inline); filename="([\x20-\x7e]*)"; filename\*=UTF-8\'\'([A-Za-z0-9!#$&+\-.^_`|~%]+)')


@pytest.mark.parametrize(
    ("name", "fallback", "full"),
    [
        ("data.csv", "data.csv", "data.csv"),
        ("Übersicht.csv", "Ubersicht.csv", "Übersicht.csv"),
        ("数据.csv", "_.csv", "数据.csv"),
        ("📈.csv", "_.csv", "📈.csv"),
        ('a"b.csv', "a_b.csv", 'a"b.csv'),
        ("a%41.csv", "a_41.csv", "a%41.csv"),
        ("a\r\nX: y.csv", "aX: y.csv", "aX: y.csv"),
        ("../../etc/passwd", ".._.._etc_passwd", ".._.._etc_passwd"),
        ("C:\\x.csv", "C:_x.csv", "C:_x.csv"),
        ("\u202evsc.exe", "vsc.exe", "vsc.exe"),
        ("\n\t ", "download", "download"),
        ("\udc80.csv", "_.csv", "?.csv"),
    ],
)
def test_name_is_given_in_ascii_and_in_full(name: str, fallback: str, full: str) -> None:
    found = SHAPE.fullmatch(content_disposition(name))
    assert found
    assert (found[1], found[2], unquote(found[3])) == ("attachment", fallback, full)


def test_inline_says_so() -> None:
    assert content_disposition("a.csv", inline=True).startswith("inline; ")


@given(st.text())
def test_no_name_breaks_out_of_the_header(name: str) -> None:
    found = SHAPE.fullmatch(content_disposition(name))
    assert found
    assert '"' not in found[2]
    assert not set("/\\\r\n") & set(found[2] + unquote(found[3]))
