"""Datasets over HTTP (DESIGN 5, "List"), on both backends."""

from __future__ import annotations

import re

import httpx
import pytest

from tests.app_server import RunningApp
from tests.shelf_client import problem, store, unique

CSV = b"id,customer_key\n1,Ada\n2,Grace\n"
ITEM = {"id", "name", "description", "tags", "owner", "format", "size", "rows", "columns", "file_id", "file_name"} | {
    "created_at",
    "updated_at",
    "download_url",
    "visibility",
    "access",
}
UNKNOWN = "9a6f0c52-6c0e-4b6e-9d0a-6f2f3a8e4c11"
TIME = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$")


def test_item_has_every_member_and_a_link_that_works_without_credentials(shelf: RunningApp) -> None:
    name = unique()
    store(shelf, CSV, "people.csv", name=name)
    with shelf.client() as client:
        page = client.get("/datasets", params={"q": name}).json()
    (item,) = page["items"]
    assert set(page) == {"items", "next_cursor", "total"}
    assert page["total"] == 1
    assert page["next_cursor"] is None
    assert set(item) == ITEM
    assert TIME.match(item["created_at"])
    assert TIME.match(item["updated_at"])
    assert httpx.get(item["download_url"]).content == CSV


def test_pages_follow_the_cursor_and_miss_nothing(shelf: RunningApp) -> None:
    stem = unique("paged")
    made = {store(shelf, CSV, f"{stem}.csv")["id"] for _ in range(5)}
    for sort in ("-updated_at", "updated_at", "name", "-name", "size", "-size"):
        seen: list[str] = []
        cursor = None
        with shelf.client() as client:
            while True:
                params = {"q": stem, "limit": 2, "sort": sort, **({"cursor": cursor} if cursor else {})}
                page = client.get("/datasets", params=params).json()
                assert page["total"] == 5
                seen += [item["id"] for item in page["items"]]
                cursor = page["next_cursor"]
                if cursor is None:
                    break
        assert len(seen) == 5, sort
        assert set(seen) == made, sort


def test_sorts_put_what_they_name_first(shelf: RunningApp) -> None:
    stem = unique("sorted")
    for letter, rows in (("b", 1), ("a", 3), ("c", 2)):
        store(shelf, CSV + b"3,x\n" * rows, "x.csv", name=f"{stem} {letter}")
    with shelf.client() as client:

        def order(sort: str) -> str:
            items = client.get("/datasets", params={"q": stem, "sort": sort}).json()["items"]
            return "".join(item["name"][-1] for item in items)

        assert order("name") == "abc"
        assert order("-name") == "cba"
        assert order("size") == "bca"
        assert order("-size") == "acb"
        assert order("updated_at") == "bac"
        assert order("-updated_at") == "cab"


@pytest.mark.parametrize(
    "params",
    ["limit=0", "limit=201", "limit=abc", "sort=colour", "cursor=nonsense", "cursor=e30", "cursor=%C3%A9", "cursor="],
)
def test_bad_page_is_422(shelf: RunningApp, params: str) -> None:
    with shelf.client() as client:
        problem(client.get(f"/datasets?{params}"), 422)


def test_limits_at_their_ends_are_taken(shelf: RunningApp) -> None:
    with shelf.client() as client:
        for limit in (1, 200):
            assert client.get("/datasets", params={"limit": limit}).status_code == 200


def test_search_finds_names_descriptions_tags_and_columns(shelf: RunningApp) -> None:
    word = unique("w")
    dataset = store(shelf, f"{word}col,b\n1,2\n".encode(), "x.csv", name=f"{word}name")
    with shelf.client() as client:
        client.patch(f"/datasets/{dataset['id']}", json={"description": f"about {word}desc", "tags": [f"{word}tag"]})
        client.get(f"/files/{dataset['file_id']}/preview")
        for suffix in ("NAME", "desc", "tag", "col"):
            found = client.get("/datasets", params={"q": word + suffix}).json()
            assert [item["id"] for item in found["items"]] == [dataset["id"]], suffix
        assert client.get("/datasets", params={"q": f"{word}%"}).json()["total"] == 0


def test_repeated_tag_means_and(shelf: RunningApp) -> None:
    one, two = unique("tag"), unique("tag")
    for tags in ([one], [one, two]):
        dataset = store(shelf, CSV, "x.csv", name=unique())
        with shelf.client() as client:
            client.patch(f"/datasets/{dataset['id']}", json={"tags": tags})
    with shelf.client() as client:
        assert client.get("/datasets", params={"tag": one}).json()["total"] == 2
        assert client.get("/datasets", params={"tag": [one, two]}).json()["total"] == 1


def test_format_and_owner_narrow_the_list(shelf: RunningApp) -> None:
    stem = unique("formats")
    store(shelf, CSV, f"{stem}.csv")
    store(shelf, b'{"a":1}\n', f"{stem}.jsonl")
    with shelf.client() as client:
        assert client.get("/datasets", params={"q": stem, "format": "jsonl"}).json()["total"] == 1
        assert client.get("/datasets", params={"q": stem, "owner": "local"}).json()["total"] == 2
        assert client.get("/datasets", params={"q": stem, "owner": "nobody"}).json()["total"] == 0


def test_unfiltered_total_keeps_count(shelf: RunningApp) -> None:
    with shelf.client() as client:
        before = client.get("/datasets").json()["total"]
        dataset = store(shelf, CSV, "x.csv", name=unique())
        assert client.get("/datasets").json()["total"] == before + 1
        store(shelf, CSV, "y.csv", dataset_id=dataset["id"])
        assert client.get("/datasets").json()["total"] == before + 1
        assert client.delete(f"/datasets/{dataset['id']}").status_code == 204
        assert client.get("/datasets").json()["total"] == before


def test_patch_changes_what_it_names_and_leaves_the_rest(shelf: RunningApp) -> None:
    dataset = store(shelf, CSV, "x.csv", name=unique())
    with shelf.client() as client:
        path = f"/datasets/{dataset['id']}"
        described = client.patch(path, json={"description": "Who is who", "tags": ["people", "demo"]}).json()
        renamed = client.patch(path, json={"name": dataset["name"] + " renamed"}).json()
    assert described["description"] == "Who is who"
    assert sorted(renamed["tags"]) == ["demo", "people"]
    assert renamed["description"] == "Who is who"
    assert renamed["name"].endswith(" renamed")


def test_bad_patch_is_422_and_a_taken_name_409(shelf: RunningApp) -> None:
    one, two = (store(shelf, CSV, "x.csv", name=unique()) for _ in range(2))
    with shelf.client() as client:
        path = f"/datasets/{one['id']}"
        for change in (
            {"name": " "},
            {"name": "a\nb"},
            {"name": "x" * 500},
            {"tags": ["a", ""]},
            {"tags": "a"},
            {"size": 1},
        ):
            problem(client.patch(path, json=change), 422)
        assert problem(client.patch(path, json={"name": two["name"]}), 409)["dataset_id"] == two["id"]
        assert client.get(path).json()["name"] == one["name"]


def test_delete_for_good_is_204_once_and_the_bytes_are_gone(shelf: RunningApp) -> None:
    dataset = store(shelf, CSV, "x.csv", name=unique())
    link = dataset["download_url"]
    assert httpx.get(link).status_code == 200
    with shelf.client() as client:
        assert client.delete(f"/datasets/{dataset['id']}", params={"permanent": True}).status_code == 204
        problem(client.delete(f"/datasets/{dataset['id']}"), 404, "dataset-not-found")
        problem(client.get(f"/files/{dataset['file_id']}"), 404, "file-not-found")
    assert httpx.get(link).status_code == 404


def test_deleting_the_newest_version_lets_the_one_before_speak(shelf: RunningApp) -> None:
    first = store(shelf, CSV, "one.csv", name=unique())
    second = store(shelf, CSV * 2, "two.csv", dataset_id=first["id"])
    with shelf.client() as client:
        assert client.delete(f"/files/{second['file_id']}").status_code == 204
        left = client.get(f"/datasets/{first['id']}").json()
        assert (left["file_id"], left["size"]) == (first["file_id"], len(CSV))
        assert client.delete(f"/files/{first['file_id']}").status_code == 204
        assert client.get("/datasets", params={"q": first["name"]}).json()["total"] == 0


@pytest.mark.parametrize(
    "bad", ["nonsense", "00000000", UNKNOWN.upper(), UNKNOWN.replace("-", ""), "{" + UNKNOWN + "}", UNKNOWN]
)
def test_malformed_or_unknown_id_is_404(shelf: RunningApp, bad: str) -> None:
    with shelf.client() as client:
        for method, path in (("GET", "/datasets/"), ("DELETE", "/datasets/"), ("GET", "/files/"), ("GET", "/uploads/")):
            problem(client.request(method, path + bad), 404)
        problem(client.patch("/datasets/" + bad, json={}), 404)
