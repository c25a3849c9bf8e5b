"""Faults are made against the stores of the contract suite."""

from __future__ import annotations

from tests.contract.storage.conftest import http, s3_bucket, s3_store

__all__ = ["http", "s3_bucket", "s3_store"]
