"""What the catalogue counts for Prometheus."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

UPLOADS = Counter(
    "datashelf_uploads_total", "Uploads by how far they came: started, completed, aborted, failed.", ["outcome"]
)
UPLOADED_BYTES = Counter("datashelf_uploaded_bytes_total", "Bytes of completed uploads.", ["backend"])
DOWNLOADS = Counter("datashelf_downloads_total", "Downloads handed to the store.", ["backend"])
PREVIEWS = Counter("datashelf_previews_total", "Previews by how they ended: ok, or the name of the error.", ["outcome"])
PREVIEW_SECONDS = Histogram(
    "datashelf_preview_seconds",
    "How long a preview took.",
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
)
READS = Counter(
    "datashelf_background_reads_total", "Files read in the background, by act and how it ended.", ["act", "outcome"]
)
CHECKS = Counter(
    "datashelf_file_checks_total",
    "Stored files held against their checksums, by act (first, scrub) and outcome: right, wrong, missing, unsure.",
    ["act", "outcome"],
)
CHECKED_BYTES = Counter("datashelf_checked_bytes_total", "Stored bytes read again to check them.", ["act"])
PROFILES = Counter(
    "datashelf_profiles_total", "Statistics computed, by how it ended: ok, or the name of the error.", ["outcome"]
)
PROFILE_SECONDS = Histogram(
    "datashelf_profile_seconds",
    "How long computing a file's statistics took.",
    buckets=(0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800),
)
QUERIES = Counter(
    "datashelf_queries_total",
    "Queries by act (run, export, save, rows, chart) and how they ended: ok, or the name of the error.",
    ["act", "outcome"],
)
QUERY_SECONDS = Histogram(
    "datashelf_query_seconds",
    "How long a query took, waiting for its turn included.",
    ["act"],
    buckets=(0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60),
)
COPIES_BYTES = Gauge("datashelf_copies_bytes", "Bytes of columnar copies kept beside the files.")
