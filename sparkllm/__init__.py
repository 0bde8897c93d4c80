"""LLM calls inside Spark SQL."""
