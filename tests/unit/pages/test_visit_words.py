"""What the page of a share link says to somebody without an account, and its password form."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from catalog.visitors import Visit
from pages import link_password, visit_words

NOW = datetime(2026, 11, 29, 12, 0, tzinfo=UTC)
VISIT = Visit(
    token="t",
    shared_by="ada",
    has_password=False,
    locked=False,
    expires_at=None,
    max_downloads=None,
    downloads_left=None,
    dataset_name="Airports",
    format="csv",
    rows=3376,
    column_count=7,
    updated_at=datetime(2026, 11, 24, 23, 59, tzinfo=UTC),
    version=4,
)


def test_facts_as_far_as_they_are_known() -> None:
    assert visit_words.facts(VISIT, now=NOW) == "3,376 rows × 7 columns · CSV · version 4, 24 Nov"
    assert visit_words.facts(replace(VISIT, sliced=True), now=NOW).endswith("part of version 4, 24 Nov")
    unread = replace(VISIT, rows=None, column_count=None, format="other", updated_at=datetime(2025, 1, 2, tzinfo=UTC))
    assert visit_words.facts(unread, now=NOW) == "File · version 4, 2 Jan 2025"
    assert visit_words.facts(replace(VISIT, rows=1, column_count=1), now=NOW).startswith("1 row × 1 column ·")


def test_who_shares_where_there_are_people() -> None:
    assert visit_words.shared_by(VISIT) == "ada shared a dataset with you"
    assert visit_words.shared_by(replace(VISIT, shared_by="local")) == "A dataset was shared with you"


@pytest.mark.parametrize(
    ("shown", "total", "columns", "count", "said"),
    [
        (20, 3376, 7, 7, "First 20 of 3,376 rows"),
        (5, 5, 7, 7, "All 5 rows"),
        (1, 1, 7, 7, "The only row"),
        (0, 0, 7, 7, "No rows"),
        (20, None, 1000, 2000, "First 20 rows · the first 1,000 of 2,000 columns"),
    ],
)
def test_what_the_rows_cover(shown: int, total: int | None, columns: int, count: int, said: str) -> None:
    assert visit_words.first_rows(shown, total, columns, count) == said


def test_a_long_description_ends_at_a_word() -> None:
    assert visit_words.shortened("Short.") is None
    cut = visit_words.shortened("Measured daily. " * 200)
    assert cut is not None
    assert len(cut) <= visit_words.LONG
    assert cut.endswith(("daily.…", "Measured…"))
    assert visit_words.shortened("x" * 5000) == "x" * visit_words.LONG + "…"
    lines = visit_words.shortened("\n".join(str(n) for n in range(50)))
    assert lines == "\n".join(str(n) for n in range(8)) + "…"


def test_an_unknown_reason_gets_the_general_sentence() -> None:
    assert "store does not answer" in visit_words.not_sent("storage-unavailable")
    assert visit_words.not_sent("<script>") == visit_words.OTHERWISE


def test_the_password_form_says_what_came_of_the_last_try() -> None:
    assert link_password.problem("wrong-password", "") == "That is not the password. Try again."
    assert "Wait 30 seconds" in link_password.problem("too-many-attempts", "30")
    assert "Wait 8 minutes" in link_password.problem("too-many-attempts", "450")
    assert "Wait a little" in link_password.problem("too-many-attempts", "<b>")
    assert link_password.problem("anything", "") == ""
