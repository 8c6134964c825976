"""Everything besides the config that describes a run: versions, device, threads, flags, bnlab's code, commit, command."""

import hashlib
import json
import os
import platform
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from importlib import metadata
from pathlib import Path
from types import CodeType
from typing import Any

from bnlab import runtime

PACKAGES = ("bnlab", "jax", "jaxlib", "optax", "numpy")
COMPUTING_CODE = ("nn", "models.py", "optimizers.py", "metrics.py", "training", "data")
"""The files and folders of bnlab that decide the bits of a run."""
JAX_SETTINGS = (
    "jax_default_matmul_precision",
    "jax_default_prng_impl",
    "jax_disable_jit",
    "jax_enable_x64",
    "jax_threefry_partitionable",
)
"""The settings of JAX that change bits."""
CPU_FEATURES = ("sse", "avx", "fma", "f16c", "amx", "neon", "asimd", "sve")
"""Prefixes of the CPU features that XLA compiles for."""


version = cache(metadata.version)


@cache
def numerics() -> dict[str, str]:
    """Return everything besides the config that the bits of a run depend on: {name: value}.

    Two runs of one computation have the same bits where all of these agree. They are read once per process, when the first
    run begins. So they describe the code that runs, and not files that changed later.
    """
    runtime.configure()
    import jax

    device = jax.devices()[0]
    found = {name: version(name) for name in PACKAGES if name != "bnlab"}
    found["code"] = code_digest()
    found["device"] = f"{device.platform}: {device.device_kind}"
    if device.platform == "cpu":
        features = sorted(f for f in _cpu().get("features", "").lower().split() if f.startswith(CPU_FEATURES))
        found["cpu"] = f"{platform.machine()} {hashlib.sha256(' '.join(features).encode()).hexdigest()[:12]}"
        found["threads"] = os.environ.get("NPROC") or str(runtime.cores())
    if limits := runtime.lanes():
        found["lanes"] = str(limits)
    found["XLA_FLAGS"] = os.environ.get("XLA_FLAGS", "")
    found["compiler options"] = json.dumps(runtime.compiler_options(), sort_keys=True)
    return found | {name: str(getattr(jax.config, name)) for name in JAX_SETTINGS}


@cache
def code_digest() -> str:
    """Return 32 hexadecimal digits of the SHA-256 of bnlab's computing code, without its comments, docstrings and layout.

    The digest is computed from compiled Python code, so another version of Python may give another digest.
    """
    package = Path(__file__).resolve().parent
    digest = hashlib.sha256()
    for entry in COMPUTING_CODE:
        place = package / entry
        for path in sorted(place.rglob("*.py")) if place.is_dir() else [place]:
            name = path.relative_to(package).as_posix()
            for part in _parts(compile(path.read_bytes(), name, "exec", optimize=2)):  # 2 leaves docstrings out
                digest.update(part)
    return digest.hexdigest()[:32]


def describe_environment() -> dict[str, Any]:
    """Return versions, device, CPU, threads, flags, the commit of bnlab (with a dirty flag) and the command."""
    exact = numerics()
    return {
        "python": platform.python_version(),
        "packages": {name: version(name) for name in PACKAGES},
        "platform": platform.platform(),
        "device": exact["device"],
        "cpu": _cpu(),
        "cores": os.cpu_count(),
        "precision": exact["jax_default_matmul_precision"],
        "xla_flags": exact["XLA_FLAGS"],
        "runtime": runtime.configure(),
        "numerics": exact,
        "git": commit(),
        "command": command_line(),
    }


def command_line() -> list[str]:
    """Return the command of this process in words: `python -m bnlab` is "bnlab".

    A notebook's kernel is "notebook" alone; nobody typed its command.
    """
    name = Path(sys.argv[0]).name
    if name == "ipykernel_launcher.py":
        return ["notebook"]
    return ["bnlab" if name == "__main__.py" else name, *sys.argv[1:]]


@cache
def commit() -> dict[str, Any] | None:
    """Return the commit of the code that runs, and whether bnlab/ was changed since; None outside a clone.

    It is read once per process, when the first run begins.
    """
    folder = Path(__file__).resolve().parent.parent
    if not (folder / ".git").exists():
        return None

    def git(*args: str) -> str:
        command = ["git", "-C", str(folder), *args]
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=10).stdout.strip()

    try:
        return {"commit": git("rev-parse", "HEAD"), "dirty": bool(git("status", "--porcelain", "--", "bnlab"))}
    except (OSError, subprocess.SubprocessError):
        return None


@cache
def _cpu() -> dict[str, str]:
    """Return the CPU's model and features, where the system lists them."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return {"model": platform.processor()}
    fields = dict(line.split(":", 1) for line in lines if ":" in line)
    fields = {key.strip(): value.strip() for key, value in fields.items()}
    features = fields.get("flags") or fields.get("Features", "")
    return {"model": fields.get("model name", platform.processor()), "features": features}


def _parts(code: CodeType) -> Iterator[bytes]:
    """Yield the parts of compiled code, without its line and column numbers."""
    yield code.co_code
    for names in (code.co_names, code.co_varnames, code.co_freevars, code.co_cellvars):
        yield repr(names).encode()
    line = code.co_firstlineno if "__firstlineno__" in code.co_names else None  # a class keeps it from Python 3.13 on
    for constant in code.co_consts:
        if line is not None and constant == line:
            continue
        if isinstance(constant, CodeType):
            yield from _parts(constant)
        else:
            yield (repr(sorted(map(repr, constant))) if isinstance(constant, frozenset) else repr(constant)).encode()
