"""The names of the pictures of charts."""

from __future__ import annotations

from pages.widgets.chart_export import file_stem


def test_a_picture_is_named_after_the_dataset_as_every_system_takes_it() -> None:
    assert file_stem("Airports Number of rows by state") == "Airports Number of rows by state"
    assert file_stem("a/b\\c:d?.  ") == "a-b-c-d-"
    assert file_stem("Größe 数据") == "Größe 数据"
    assert file_stem("...") == "chart"
    assert len(file_stem("x" * 300)) == 120
