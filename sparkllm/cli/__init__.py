"""The command `sparkllm`."""

from sparkllm.cli.main import main

__all__ = ["main"]
