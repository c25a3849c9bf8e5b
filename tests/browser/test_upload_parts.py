"""The uploader's own arithmetic, in the browser that runs it: how many lanes, and numbers as people read them."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page

from pages.widgets.uploader import read_sources

# The clock and the line are made up: `rates[n - 1]` is what n lanes bring in all, in bytes a second. Parts never run
# out, and one that has a lane too many ends at once. Gives the lanes at the end of each second.
SIMULATION = """
async ([rates, seconds]) => {
  const lanes = new Lanes();
  const never = new AbortController().signal;
  const upload = { left: () => 1 };
  const held = [];
  for (let n = 0; n < 500; n += 1) void lanes.take(upload, never).then((lane) => held.push(lane));
  const seen = [];
  let bytes = 0;
  for (let tick = 1; tick <= seconds * 4; tick += 1) {
    bytes += rates[lanes.limit - 1] / 4;
    lanes.sample(tick * 250, bytes);
    await null;
    while (held.length > lanes.limit) held.pop().close();
    if (tick % 4 === 0) seen.push(lanes.limit);
  }
  return seen;
}
"""


def lanes_over_time(page: Page, rates: list[float], seconds: int) -> list[int]:
    page.evaluate(f"{read_sources('failure.js', 'lanes.js')}\nwindow.Lanes = Lanes;\nnull")
    seen: list[int] = page.evaluate(SIMULATION, [rates, seconds])
    return seen


def test_an_etag_that_this_page_was_answered_outlives_the_stores_list(page: Page) -> None:
    script = """(() => {
      const parts = new Parts(10, 4);
      parts.answered(1, "answered", false);
      parts.answered(2, "listed", true);
      const list = [{ number: 1, size: 4, etag: "older" }, { number: 2, size: 4, etag: "newer" }];
      parts.received([...list, { number: 3, size: 1, etag: "short" }]);
      return parts.toPlain();
    })()"""
    known = page.evaluate(f"{read_sources('parts.js')}\n{script}")
    assert known == [{"number": 1, "etag": "answered"}, {"number": 2, "etag": "newer"}]


@pytest.mark.parametrize(("digest", "held"), [("'as it was'", [2]), ("null", [])])
def test_a_part_of_a_changed_file_is_held_for_stored_only_where_its_digest_is_known(
    page: Page, digest: str, held: list[int]
) -> None:
    script = """(() => {
      const parts = new Parts(10, 4);
      const list = [1, 2].map((number) => ({ number, size: 4, etag: `${number}` }));
      parts.received(list);
      parts.doubt(new Map(DIGEST ? [[2, DIGEST]] : []));
      const before = [...parts.etags.keys()];
      parts.received(list);
      return [before, [...parts.etags.keys()], parts.outdated()];
    })()"""
    # Without https there is no digest of now, either: all are outdated until they are sent again.
    seen = page.evaluate(f"{read_sources('parts.js')}\n{script.replace('DIGEST', digest)}")
    assert seen == [held, held, [1, 2, 3]]


def test_one_lane_stays_alone_where_the_machine_is_the_limit(page: Page) -> None:
    seen = lanes_over_time(page, [145e6, 112e6, 100e6, 96e6], 120)
    assert set(seen[:15]) == {1}
    # It does try, but seldom.
    assert seen.count(1) / len(seen) > 0.9


def test_lanes_are_added_while_each_brings_its_own_share(page: Page) -> None:
    seen = lanes_over_time(page, [3e6, 6e6, 9e6, 12e6], 120)
    assert seen[20] == 4
    assert seen[20:].count(4) / len(seen[20:]) > 0.7


def test_a_line_that_two_lanes_fill_is_left_at_two(page: Page) -> None:
    seen = lanes_over_time(page, [5e6, 9e6, 9.2e6, 9.2e6], 120)
    assert seen.count(2) / len(seen) > 0.7


@pytest.mark.parametrize(
    ("call", "text"),
    [
        ("formatSize(0)", "0 B"),
        ("formatSize(999)", "999 B"),
        ("formatSize(13_500)", "13.5 kB"),
        ("formatSize(210_365)", "210 kB"),
        ("formatSize(999_499)", "999 kB"),
        ("formatSize(999_500)", "1.0 MB"),
        ("formatSize(1.8e9)", "1.8 GB"),
        ("formatSize(5 * 2 ** 40)", "5.5 TB"),
        ("formatProgress(2.9e9, 6.6e9)", "2.9 of 6.6 GB"),
        ("formatProgress(300e3, 6.6e9)", "0.0 of 6.6 GB"),
        ("formatProgress(24e3, 24e3)", "24.0 kB"),
        ("formatPercent(0.4399)", "43 %"),
        ("formatPercent(0.9999)", "99 %"),
        ("formatPercent(1)", "100 %"),
        ("formatSpeed(6.1e6)", "6.1 MB/s"),
        ("formatTimeLeft(3.2)", "4 s left"),
        ("formatTimeLeft(0)", "1 s left"),
        ("formatTimeLeft(720)", "12 min left"),
        ("formatTimeLeft(7500)", "2 h 5 min left"),
        ("formatTimeLeft(400_000)", "5 days left"),
        ("formatDuration(3600)", "1 hour"),
        ("formatDuration(900)", "15 minutes"),
        ("formatDuration(86_400)", "24 hours"),
        ("formatDuration(1)", "1 second"),
        ("plural(3376, 'row')", "3,376 rows"),
    ],
)
def test_numbers_are_written_as_people_read_them(page: Page, call: str, text: str) -> None:
    assert page.evaluate(f"(() => {{ {read_sources('format.js')}\nreturn {call}; }})()") == text
