"""Answers of deterministic calls, kept so that none is computed twice."""

from sparkllm_engine.store.location import Location, StoreLocationError
from sparkllm_engine.store.options import StoreOptions
from sparkllm_engine.store.result_store import ResultStore

__all__ = ["Location", "ResultStore", "StoreLocationError", "StoreOptions"]
