"""What the upload components hand to the pages: the browser's values are checked, and a wish is granted once."""

from __future__ import annotations

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from pages.widgets.tray import read_request
from pages.widgets.uploader import SCRIPTS, SOURCES, CompletedUpload, read_completed, read_sources

GOOD = {"dataset_id": "d", "file_id": "f", "name": "n.csv"}


def test_completed_uploads_are_read_in_their_order() -> None:
    other = {**GOOD, "name": "<b>.csv"}
    assert read_completed({"completed": [GOOD, other]}) == (
        CompletedUpload("d", "f", "n.csv"),
        CompletedUpload("d", "f", "<b>.csv"),
    )


@pytest.mark.parametrize(
    "completed", [None, "x", {"dataset_id": "d"}, [None], [{**GOOD, "name": 5}], [{"dataset_id": "d"}], [[GOOD]]]
)
def test_a_tampered_list_is_no_list(completed: object) -> None:
    assert read_completed({"completed": completed}) == ()


@pytest.mark.parametrize(("shown", "wanted"), [("upload", "upload"), (None, None), ("../../etc", None), (5, None)])
def test_the_tray_asks_for_one_page_only(shown: object, wanted: str | None) -> None:
    assert read_request({"show": shown}) == wanted


def test_a_wish_to_open_a_page_is_granted_once() -> None:
    def script() -> None:
        import streamlit as st

        from pages.widgets.uploader import OPEN, page_to_open

        if "asked" not in st.session_state:
            st.session_state["asked"] = True
            st.session_state[OPEN] = ("/dataset", {"id": "some-id"})
        st.write(str(page_to_open()))

    run = AppTest.from_function(script).run()
    assert run.markdown[0].value == "('/dataset', {'id': 'some-id'})"
    assert run.run().markdown[0].value == "None"


def test_every_source_is_used_and_none_reaches_for_another_host() -> None:
    used = {*SCRIPTS, "picker.html", "controls.css", "picker.css"}
    used |= {"tray.css", "tray.js", "pill.css", "pill.js", "watch.js", "visitor.css", "visitor.js"}
    assert {path.name for path in Path(SOURCES).iterdir() if path.is_file()} == used
    text = read_sources(*sorted(used)).replace("http://www.w3.org/2000/svg", "")
    assert "innerHTML" not in text
    assert "http://" not in text
    assert "https://" not in text
