"""What a result depends on besides its config: versions, device, threads, flags, commit, command."""

import os
import platform
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

from bnlab import runtime

PACKAGES = ("bnlab", "jax", "jaxlib", "optax", "numpy")


def numerics() -> dict[str, str]:
    """Return what the bits of a run depend on besides its config and the processor, as far as the software knows."""
    import jax

    device = jax.devices()[0]
    return {
        **{name: version(name) for name in PACKAGES},
        "device": f"{device.platform}: {device.device_kind}",
        "XLA_FLAGS": os.environ.get("XLA_FLAGS", ""),
    }


def describe_environment() -> dict[str, Any]:
    """Return versions, device, CPU, threads, flags, the commit of bnlab (with a dirty flag) and the command."""
    import jax

    exact = numerics()
    return {
        "python": platform.python_version(),
        "packages": {name: exact[name] for name in PACKAGES},
        "platform": platform.platform(),
        "device": exact["device"],
        "cpu": _cpu(),
        "cores": os.cpu_count(),
        "precision": str(getattr(jax.config, "jax_default_matmul_precision", None) or "default"),
        "xla_flags": exact["XLA_FLAGS"],
        "runtime": runtime.configure(),
        "git": _commit(),
        "command": [Path(sys.argv[0]).name, *sys.argv[1:]],
    }


def _cpu() -> dict[str, str]:
    """Return the CPU's model and features, where the system says them."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return {"model": platform.processor()}
    fields = dict(line.split(":", 1) for line in lines if ":" in line)
    fields = {key.strip(): value.strip() for key, value in fields.items()}
    return {"model": fields.get("model name", platform.processor()), "features": fields.get("flags", "")}


def _commit() -> dict[str, Any] | None:
    """Return the commit this code was checked out from and whether it was changed since; None outside a clone."""
    folder = Path(__file__).resolve().parent.parent
    if not (folder / ".git").exists():
        return None

    def git(*args: str) -> str:
        command = ["git", "-C", str(folder), *args]
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=10).stdout.strip()

    try:
        return {"commit": git("rev-parse", "HEAD"), "dirty": bool(git("status", "--porcelain", "-uno"))}
    except (OSError, subprocess.SubprocessError):
        return None
