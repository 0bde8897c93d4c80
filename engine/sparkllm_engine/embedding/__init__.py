"""Embeddings: of a sentence-embedding model, or the form that all embeddings have."""
