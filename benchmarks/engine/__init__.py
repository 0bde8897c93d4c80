"""The engine beside its peers and the limit of the machine: `python -m benchmarks.engine`."""
