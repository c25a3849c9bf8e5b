"""An app that reads a file from the store and passes it on: a download through the app, as it is usually written."""

import os
from collections.abc import Iterator

import uvicorn
from fastapi import FastAPI
from fastapi.responses import StreamingResponse
from minio import Minio

BLOCK = 1_048_576
store = Minio(
    os.environ["BENCH_ENDPOINT"],
    os.environ["BENCH_ACCESS_KEY"],
    os.environ["BENCH_SECRET_KEY"],
    secure=False,
    region="us-east-1",
)
app = FastAPI()


@app.get("/_stcore/health")
def health() -> str:
    return "ok"


@app.get("/download")
def download(bucket: str, key: str) -> StreamingResponse:
    found = store.get_object(bucket, key)

    def blocks() -> Iterator[bytes]:
        try:
            yield from found.stream(BLOCK)
        finally:
            found.close()
            found.release_conn()

    return StreamingResponse(blocks(), headers={"Content-Length": found.headers["Content-Length"]})


if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=int(os.environ["BENCH_PORT"]), log_level="warning")
