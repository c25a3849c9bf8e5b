"""Which of DuckDB's functions and views a query may name.

Table functions are listed where they are allowed, for every release of DuckDB brings new ones, and most of them read
files, settings or memory (`read_text`, `duckdb_settings`, `arrow_scan`, `json_execute_serialized_sql`). Scalar
functions are listed where they are not: there are some 900, and those few tell of the process, wait, run SQL that
nobody has looked at, or take bytes for DuckDB's own structures in memory.
"""

from __future__ import annotations

from typing import Final

TABLE_FUNCTIONS: Final = frozenset(
    {
        "generate_series",
        "histogram",
        "histogram_values",
        "json_each",
        "json_tree",
        "pg_timezone_names",
        "pragma_table_info",
        "range",
        "repeat",
        "repeat_row",
        "unnest",
    }
)

NOT_SCALAR_FUNCTIONS: Final = frozenset(
    {
        "combine",
        "current_setting",
        "currval",
        "finalize",
        "getenv",
        "getvariable",
        "index_key",
        "json_deserialize_sql",
        "json_execute_serialized_sql",
        "json_serialize_plan",
        "json_serialize_sql",
        "nextval",
        "parse_duckdb_log_message",
        "pg_get_viewdef",
        "pg_sleep",
        "setval",
        "sleep_ms",
        "to_aggregate_state",
        "variant_bytes_to_variant",
        "write_log",
    }
)

INFORMATION: Final = frozenset({"columns", "schemata", "tables"})
"""Views of `information_schema` that tell of the tables' columns and of nothing else."""

QUERY_NODES: Final = frozenset({"SELECT_NODE", "SET_OPERATION_NODE", "RECURSIVE_CTE_NODE", "CTE_NODE"})
"""What a SELECT is made of; `WITH x AS (DELETE …)` is another node within the same kind of statement."""

SHOWN: Final = frozenset({'"tables"', "__show_tables_expanded"})
"""What SHOW may show beside one table."""
