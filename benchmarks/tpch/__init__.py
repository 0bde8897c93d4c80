"""A TPC-H-like set: its eight tables, empty, and 22 queries of the shapes of TPC-H.

They stand for the queries of a warehouse that know nothing of `llm`.
"""

from benchmarks.tpch.sessions import with_and_without
from benchmarks.tpch.tables import create_tables, queries

__all__ = ["create_tables", "queries", "with_and_without"]
