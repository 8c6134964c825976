"""Settings that must be made before JAX computes anything: XLA's flags, threads, the compilation cache.

XLA reads its flags when the first device is looked for, or the first function compiled. Importing JAX does neither, so the
order of imports does not matter. Whatever computes, or asks for the numerics of this process, calls `configure()` first. It
only adds flags: a flag in the user's own XLA_FLAGS keeps its value. A run's environment.json records the settings.

- A computation runs in the thread that calls it: `bnlab.training` keeps the cores busy with seeds itself.
- On a single core, XLA's pool gets two threads (NPROC). With one thread, jaxlib 0.10.2 sums some long columns in another
  order, and a seed's last bits would depend on the number of cores.
- XLA compiles small loops into one kernel. A regression step then takes a third of the time.
- Training does not use XLA's own library of matrix products, but Eigen. TensorFlow uses Eigen too, so the rounding is the
  same as TensorFlow's. Also, a loop that calls no library can become one kernel; from jaxlib 0.12 on, Eigen must also use one
  thread for that (and see `bnlab.nn.dense`). Evaluation uses the library, because its last bits do not depend on the number
  of threads.
- The function that draws the first weights is compiled without costly optimizations, which take longer than the drawing.
- Compiled programs are kept in the user's cache folder. `BNLAB_COMPILATION_CACHE=off` turns this off. JAX's own
  JAX_COMPILATION_CACHE_DIR names another folder.
- The method for random numbers is fixed, independent of JAX's default, and products keep all digits of float32, also on a
  GPU (JAX_SETTINGS). JAX's own environment variables, such as JAX_DEFAULT_MATMUL_PRECISION, take precedence.
- On a GPU, many seeds train together in one program (`lanes`). On a CPU each seed trains by itself.
- Where JAX has a GPU plugin, flags allow only kernels that sum in a fixed order. `bnlab seed-check` tests whether they do.

The settings for loops, training and first weights use experimental flags and options of XLA. They were measured on the
versions of jaxlib in COMPILER_OPTIONS. XLA aborts on an unknown flag, so any other version gets none of them.

With `BNLAB_XLA_FLAGS=off`, XLA_FLAGS is not changed.
"""

import os
import sys
from functools import cache
from importlib import metadata
from importlib.util import find_spec
from typing import NamedTuple

from bnlab.errors import UserError
from bnlab.files import cache_root

version = cache(metadata.version)  # reads a file, which every point of a sweep would do again

CompilerOptions = dict[str, dict[str, str | bool]]
"""{function name: options}."""

SMALL_LOOPS = "--xla_backend_extra_options=xla_cpu_small_while_loop_byte_threshold=262144"
_EIGEN: dict[str, str | bool] = {"xla_cpu_experimental_ynn_fusion_type": ""}
_QUICK: dict[str, str | bool] = {"xla_backend_optimization_level": "1"}
COMPILER_OPTIONS: dict[str, CompilerOptions] = {
    "0.10.2": {"train": _EIGEN, "start": _QUICK},
    "0.12.0.1": {"train": {**_EIGEN, "xla_cpu_multi_thread_eigen": False}, "start": _QUICK},
}
"""The compiler options for each version of jaxlib on which they and SMALL_LOOPS were measured."""
JAX_SETTINGS = {"jax_threefry_partitionable": True, "jax_default_matmul_precision": "highest"}
DETERMINISTIC_GPU = ("--xla_gpu_exclude_nondeterministic_ops=true", "--xla_gpu_deterministic_ops=true")
MOST_LANES = 256
"""A block keeps so many run folders open at most, and wastes so many lanes at most. No speed was measured for it."""
LEAST_GPU_BYTES = 4 * 2**30
"""The memory that is assumed of a GPU which does not tell it."""
GPU_PLUGINS = ("jax_cuda13_plugin", "jax_cuda12_plugin", "jax_rocm7_plugin", "jax_rocm60_plugin")


def workers() -> int:
    """Return how many computations run side by side: $BNLAB_THREADS, else the number of cores this process may use.

    Raises:
        UserError: BNLAB_THREADS is no number above 0.
    """
    return _chosen("BNLAB_THREADS") or cores()


def _chosen(variable: str) -> int | None:
    """Return the number in an environment variable; None where it is not set."""
    text = os.environ.get(variable, "")
    if text and not (text.isascii() and text.isdigit() and int(text) > 0):
        raise UserError(f"{variable}: got '{text}', expected a whole number above 0")
    return int(text) if text else None


class Lanes(NamedTuple):
    """The limits of a block of seeds (`bnlab.training.blocks`): the most lanes, and their bytes; None where all fit."""

    most: int
    memory: int | None = None

    def __str__(self) -> str:
        return str(self.most) if self.memory is None else f"at most {self.most}, in {self.memory / 2**30:g} GiB"


def lanes() -> Lanes | None:
    """Return how many seeds train together in one program; None where each trains by itself.

    That is $BNLAB_LANES where it is set; 1 is None. Otherwise it is MOST_LANES on a GPU, as far as they fit into half of the
    memory that JAX may use there, and None on other devices.
    """
    import jax

    if chosen := _chosen("BNLAB_LANES"):
        return Lanes(chosen) if chosen > 1 else None
    device = jax.devices()[0]
    if device.platform != "gpu":
        return None
    limit = (device.memory_stats() or {}).get("bytes_limit", LEAST_GPU_BYTES)
    return Lanes(MOST_LANES, max(1, limit // 2**31) * 2**30)


def compiler_options() -> CompilerOptions:
    """Return the compiler options for the functions of a program; none where SMALL_LOOPS is not set."""
    return COMPILER_OPTIONS.get(version("jaxlib"), {}) if SMALL_LOOPS in os.environ.get("XLA_FLAGS", "") else {}


def cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@cache
def configure() -> dict[str, object]:
    """Set flags, dispatch and cache, once per process. Return the settings.

    Where JAX has computed something before, flags have no effect. They are not set, and not reported.
    """
    report: dict[str, object] = {"xla_flags_added": _add_flags(), "workers": workers()}
    report["compiler_options"] = compiler_options()
    if cores() == 1:
        report["nproc"] = os.environ.setdefault("NPROC", "2")
    import jax

    jax.config.update("jax_cpu_enable_async_dispatch", False)
    for setting, value in JAX_SETTINGS.items():
        if setting.upper() not in os.environ:
            jax.config.update(setting, value)
    if os.environ.get("BNLAB_COMPILATION_CACHE") != "off":
        folder = os.environ.get("JAX_COMPILATION_CACHE_DIR") or str(cache_root() / "compiled")
        jax.config.update("jax_compilation_cache_dir", folder)
        jax.config.update("jax_persistent_cache_min_compile_time_secs", 0)
        jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)
        report["compilation_cache"] = folder
    return report


def _add_flags() -> list[str]:
    if _xla_has_started() or os.environ.get("BNLAB_XLA_FLAGS") == "off":
        return []
    flags = [SMALL_LOOPS] if version("jaxlib") in COMPILER_OPTIONS else []
    if any(find_spec(plugin) for plugin in GPU_PLUGINS):
        flags += DETERMINISTIC_GPU
    users = os.environ.get("XLA_FLAGS", "")
    added = [flag for flag in flags if flag.split("=")[0] not in users]
    os.environ["XLA_FLAGS"] = " ".join([users, *added]).strip()
    return added


def _xla_has_started() -> bool:
    """Return whether XLA has read its flags. JAX has no public function for that."""
    bridge = sys.modules.get("jax._src.xla_bridge")
    started = getattr(bridge, "backends_are_initialized", None)
    return started() if started else "jax" in sys.modules
