"""A client that stores, replaces, cancels and deletes files as fast as it can, through whatever falls over meanwhile.

`python -m tests.faults.writer URL SEED RECORD` appends a line to RECORD for everything that was acknowledged (`has`),
before each deletion is asked for (`deletes`) and once it was answered (`deleted`). It ends when it is killed.
"""

from __future__ import annotations

import hashlib
import random
import sys
import time
from pathlib import Path
from typing import Any

import httpx

PART = 16 * 1024**2
SIZES = (0, 1, 1000, 70_000, 300_000, PART + 11)


class Writer:
    """One client; everything it does follows from its seed and from what it is answered."""

    def __init__(self, url: str, seed: str, record: Path) -> None:
        self.http = httpx.Client(timeout=20)
        self.api = f"{url}/api/ml/v1"
        self.seed = seed
        self.rng = random.Random(seed)
        self.record = record.open("a", encoding="utf-8", buffering=1)
        self.mine: dict[str, list[str]] = {}

    def run(self) -> None:
        number = 0
        while True:
            number += 1
            try:
                self.store(number)
                if len(self.mine) > 3 and self.rng.random() < 0.3:
                    self.delete(self.rng.choice(sorted(self.mine)))
            except (httpx.HTTPError, KeyError, ValueError):
                # A server is down, or has just come up and knows nothing of what was under way.
                time.sleep(0.1)

    def store(self, number: int) -> None:
        data = self.rng.randbytes(self.rng.choice(SIZES))
        into = self.rng.choice([*sorted(self.mine), None]) if self.rng.random() < 0.5 else None
        digest = hashlib.sha256(data).hexdigest()
        wanted = {"filename": f"{self.seed}-{number}.bin", "size": len(data), "sha256": digest, "dataset_id": into}
        started = self.http.post(f"{self.api}/uploads", json=wanted).json()
        upload = f"{self.api}/uploads/{started['upload_id']}"
        parts = [self.part(part, data) for part in started["parts"]]
        if self.rng.random() < 0.1:
            self.http.delete(upload)
            return
        answer = self.complete(upload, parts)
        if answer is not None:
            newest = next(file for file in answer["files"] if file["id"] == started["file_id"])
            print("has", newest["id"], digest, file=self.record)
            self.mine.setdefault(answer["id"], []).append(newest["id"])

    def part(self, part: dict[str, Any], data: bytes) -> dict[str, Any]:
        begin = (part["number"] - 1) * PART
        answer = self.http.put(part["url"], content=data[begin : begin + PART])
        answer.raise_for_status()
        return {"number": part["number"], "etag": answer.headers["etag"]}

    def complete(self, upload: str, parts: list[dict[str, Any]]) -> dict[str, Any] | None:
        """Asked for again, as a client does, where there was no answer."""
        for _ in range(20):
            try:
                answer = self.http.post(f"{upload}/complete", json={"parts": parts})
            except httpx.HTTPError:
                time.sleep(0.3)
                continue
            if answer.status_code == 200:
                done: dict[str, Any] = answer.json()
                return done
            if answer.status_code != 503:
                return None
            time.sleep(0.3)
        return None

    def delete(self, dataset: str) -> None:
        files = self.mine.pop(dataset)
        print("deletes", *files, file=self.record)
        if self.http.delete(f"{self.api}/datasets/{dataset}").status_code == 204:
            print("deleted", *files, file=self.record)


if __name__ == "__main__":
    Writer(sys.argv[1], sys.argv[2], Path(sys.argv[3])).run()
