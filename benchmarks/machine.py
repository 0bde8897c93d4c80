"""The machine that a benchmark ran on."""

import os
import platform
from pathlib import Path


def machine(device: str = "cpu") -> str:
    """Return processor, cores and load, and the GPU if a torch device is one, in a line."""
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    name = names[0] if names else platform.processor() or platform.machine()
    load = f", load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    if device.startswith("cuda"):
        import torch

        name = f"{torch.cuda.get_device_name(device)}, {name}"
    return f"{name}, {os.cpu_count()} cores{load}, Python {platform.python_version()}"
