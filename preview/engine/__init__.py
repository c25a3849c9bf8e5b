"""Whole files through DuckDB: statistics, SQL, filters and charts. Runs in workers of its own, never in the app."""
