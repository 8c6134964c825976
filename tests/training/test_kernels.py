"""A small training is one kernel. Otherwise each step starts dozens of kernels, and takes three times as long or more."""

from importlib.metadata import version

import numpy as np
import pytest

from bnlab import runtime
from bnlab.config import load_config
from bnlab.training import prepare


@pytest.mark.skipif(
    version("jaxlib") not in runtime.COMPILER_OPTIONS, reason="bnlab has no settings for this version of jaxlib"
)
@pytest.mark.parametrize(("config", "kernels"), [("regression", 1), ("regression_bn", 1), ("digits_bn", 0)])
def test_the_loop_of_a_regression_is_one_kernel(config: str, kernels: int):
    """The digits' loop moves too many bytes."""
    (prepared,) = prepare([load_config(config, overrides=["num_steps=50"])])
    segment = prepared.segments[0]
    rows = prepared.batches(0, 0, segment.all_steps).reshape(segment.records, segment.steps, -1)
    ready = prepared.program.train.ready(prepared.numbers, prepared.first_state(0), rows.astype(np.int32), prepared.data)
    assert ready.as_text().count('xla_cpu_small_call="true"') == kernels  # pyright: ignore[reportFunctionMemberAccess]


def test_each_version_of_jaxlib_has_its_own_settings(monkeypatch: pytest.MonkeyPatch):
    flag = "--xla_backend_extra_options=xla_cpu_small_while_loop_byte_threshold=262144"
    ynn, start = {"xla_cpu_experimental_ynn_fusion_type": ""}, {"xla_backend_optimization_level": "1"}

    def options(jaxlib: str, flags: str) -> runtime.CompilerOptions:
        monkeypatch.setattr(runtime, "version", {"jaxlib": jaxlib}.__getitem__)
        monkeypatch.setenv("XLA_FLAGS", flags)
        return runtime.compiler_options()

    assert options("0.10.2", f"--other=1 {flag}") == {"train": ynn, "start": start}
    assert options("0.12.0.1", flag) == {"train": {**ynn, "xla_cpu_multi_thread_eigen": False}, "start": start}
    assert options("0.10.2", "--other=1") == options("0.12.0.1", "") == {}  # JAX was imported before the flag could be set
    assert options("0.11.0", flag) == {}
