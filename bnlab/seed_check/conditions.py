"""The conditions under which a run is repeated, and the required result of each."""

import hashlib
import json
import math
import os
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import jax
import jax.numpy as jnp
import numpy as np

from bnlab import inline, runtime
from bnlab.config import Config
from bnlab.environment import describe_environment
from bnlab.errors import RunFailed, UserError
from bnlab.frames import data_frame
from bnlab.metrics import metrics_of
from bnlab.models import to_arrays
from bnlab.seed_check import table
from bnlab.seed_check.trace import Difference, Trace, first_difference, take_trace, worst_losses
from bnlab.training import SEGMENT_STEPS, prepare

if TYPE_CHECKING:
    import pandas as pd

MOST_STEPS = 2_000
"""The default number of checked steps: all steps of a small study, a ninth of an MNIST study's ten epochs."""
LEAST_RECORDS = 10
TRACE_BYTES = 250_000_000
"""The most memory of a trace's records. A large model is recorded less often, so that its trace fits."""

SHORT_STEPS, STEP_RTOL, RECORD_RTOL = 20, 1e-5, 1e-2
"""The tolerance where bits may differ: for the losses of the first 20 steps, and for the losses of the records.

Another compiled program adds float32 numbers in another order, and rounds a·b + c once instead of twice. The difference is
about 1e-7 of the value, and it grows from step to step. After hundreds of steps two correct programs may be far apart.
After 20 steps every study here was within 4e-7, so 1e-5 lets no wrong formula pass.

A record's loss is computed in inference mode and differs by up to 2e-3. The reason is a bias before batch norm, which batch
norm subtracts again. Its exact gradient is zero, so rounding alone decides its direction, and Adam moves it by the learning
rate in each step. The mean of the batch contains the moved bias; the moving mean lags behind it.
"""

Must = Literal["bitwise", "within tolerance", "differ"]
Verdict = Literal["bitwise", "within tolerance", "not", "nothing is drawn"]
OnCondition = Callable[[int, int], None]


@dataclass(frozen=True)
class Outcome:
    """The result of one condition.

    first: the first step and array that differ.
    losses: the largest relative differences of a step's loss and of a record's loss, where they are judged.
    digits: whether a metric of any record differs in the four printed digits.
    conclusion: whether the final metrics that `bnlab train` prints differ.
    note: a remark.
    """

    name: str
    must: Must
    verdict: Verdict
    ok: bool
    first: Difference | None = None
    losses: tuple[float, float] | None = None
    digits: bool | None = None
    conclusion: bool | None = None
    note: str = ""
    seconds: float = 0.0

    def to_json(self) -> dict[str, Any]:
        """Return the outcome as seed_check.json has it: a number that is not finite is None."""
        losses = self.losses and [value if math.isfinite(value) else None for value in self.losses]
        return {**asdict(self), "losses": losses}


@dataclass(frozen=True, repr=False)
class SeedCheck:
    """The results of all conditions of one config, with the config and the environment. path: its file, where it has one."""

    config: Config
    whole_steps: int
    line: str
    records: list[dict[str, Any]]
    outcomes: list[Outcome]
    environment: dict[str, Any]
    path: Path | None = None

    def __repr__(self) -> str:
        ok = sum(outcome.ok for outcome in self.outcomes)
        return f"SeedCheck({self.config.name}, {self.config.num_steps} steps: {ok} of {len(self.outcomes)} conditions ok)"

    def _repr_html_(self) -> str:
        return inline.card(
            inline.title(f"seed-check {self.config.name}", f"{self.config.num_steps:,} steps", self.path),
            inline.table(table.HEADER, [table.row(outcome) for outcome in self.outcomes]),
        )

    def to_pandas(self) -> "pd.DataFrame":
        """Return a pandas table with a row for each condition: see `Outcome`.

        Raises:
            UserError: pandas is not installed.
        """
        return data_frame(asdict(outcome) for outcome in self.outcomes)

    @property
    def passed(self) -> bool:
        """Whether every condition has its required result."""
        return all(outcome.ok for outcome in self.outcomes)

    def to_json(self) -> dict[str, Any]:
        """Return the content of seed_check.json."""
        return {
            "name": self.config.name,
            "passed": self.passed,
            "steps": self.config.num_steps,
            "steps_of_the_config": self.whole_steps,
            "record_every": self.config.record_every,
            "seeds": self.config.seeds.model_dump(mode="json"),
            "prints": self.line,
            "short_steps": SHORT_STEPS,
            "short_rtol": {"step": STEP_RTOL, "record": RECORD_RTOL},
            "conditions": [outcome.to_json() for outcome in self.outcomes],
            "environment": self.environment,
            "sha256_16_of_each_record": self.records,
        }


def seed_check(config: Config, *, steps: int | None = None, on_condition: OnCondition | None = None) -> SeedCheck:
    """Run the config's first pair of seeds under every condition. `on_condition(done, all)` is called before each.

    Raises:
        UserError: as `bnlab.experiment.run_all`; fewer than one step; or a loss that is no longer finite.
        RunFailed: a fresh process failed.
    """
    if steps is not None and steps < 1:
        raise UserError(f"got {steps}, expected 1 or more", argument="steps")
    runtime.configure()
    short = _shortened(config, min(steps or MOST_STEPS, config.num_steps))
    outcomes: list[Outcome] = []
    with tempfile.TemporaryDirectory(prefix="bnlab-seed-check-") as folder:
        check = _Check(short, config, Path(folder))
        conditions = [*check.conditions()]
        try:
            for number, condition in enumerate(conditions):
                if on_condition:
                    on_condition(number, len(conditions))
                began = time.perf_counter()
                outcome = condition()
                outcomes.append(replace(outcome, seconds=time.perf_counter() - began))
        except KeyboardInterrupt:
            raise KeyboardInterrupt from None  # without the message: it names folders that are deleted now
        reference = check.reference
    return SeedCheck(short, config.num_steps, reference.line, reference.digests(), outcomes, describe_environment())


def _shortened(config: Config, steps: int) -> Config:
    """Return the config with its first pair of seeds and this many steps, recorded at least LEAST_RECORDS times."""
    init, seed = config.seeds.pairs[0]
    (prepared,) = prepare([config])
    fits = max(LEAST_RECORDS, TRACE_BYTES // max(prepared.record_bytes, 1))
    every = max(min(config.record_every, steps // LEAST_RECORDS), -(-steps // fits), 1)
    return _changed(config, num_steps=steps, record_every=every, seeds={"init": init, "data": seed})


def _changed(config: Config, **fields: Any) -> Config:
    given = config.with_steps(config.num_steps).model_dump(mode="json")
    return Config.model_validate({**given, **fields})


class _Check:
    """The conditions of one config. Each is a function without arguments, so they can be counted before they run."""

    def __init__(self, config: Config, original: Config, folder: Path):
        self.config, self.original = config, original
        self._losses = [metric.name for metric in metrics_of(config) if metric.kind == "loss"]
        self._folder = folder
        self._count = 0
        self._reference: Trace | None = None

    @property
    def reference(self) -> Trace:
        """The trace that the others are compared with. Raises: UserError where its seed fails."""
        if self._reference is None:
            self._reference = self._trace(self.config)
            if failed := self._reference.failed_step:
                problem = f"{self.config.name}: the loss was not finite at step {failed}, and what follows cannot be checked"
                raise UserError(problem, advice=f"check the steps before it: --steps {failed - 1}" if failed > 1 else None)
        return self._reference

    def conditions(self) -> Iterator[Callable[[], Outcome]]:
        """Yield the conditions in the order of the report."""
        near = [[(seed + offset) % 2**32 for offset in (2, 1, 0, 3, 4)] for seed in self.config.seeds.pairs[0]]
        together = _changed(self.config, seeds={"init": near[0], "data": near[1]})
        steps = self.config.num_steps
        brief = _changed(self.config, num_steps=min(SHORT_STEPS, steps), record_every=min(2, self.config.record_every))

        def against_reference(name: str, take: Callable[[], Trace]) -> Callable[[], Outcome]:
            return lambda: self._judge(name, "bitwise", self.reference, take())

        def roughly(name: str, note: str, env: dict[str, str]) -> Callable[[], Outcome]:
            def condition() -> Outcome:
                one, other = self._trace(brief), self._process(brief, env=env)
                return self._judge(f"{name}, {brief.num_steps} steps", "within tolerance", one, other, note)

            return condition

        yield against_reference("twice in one process", lambda: self._trace(self.config))
        for hash_seed, locale, zone in (("0", "C", "UTC"), ("42", "tr_TR.UTF-8", "Asia/Tokyo")):
            env = {"PYTHONHASHSEED": hash_seed, "LC_ALL": locale, "TZ": zone}
            yield against_reference(
                f"fresh process ({hash_seed}, {locale}, {zone})",
                lambda env=env: self._process(self.config, env=env),
            )
        yield against_reference(
            "fresh process that compiles anew", lambda: self._process(self.config, env={"BNLAB_COMPILATION_CACHE": "off"})
        )
        yield against_reference(
            "stopped twice and resumed",
            lambda: self._trace(self.config, stops=(max(1, steps // 3), max(1, 2 * steps // 3))),
        )
        yield against_reference("among five seeds, third of them", lambda: self._trace(together, seed=2))
        yield against_reference(
            "the same on one thread and one core",
            lambda: self._process(together, seed=2, env={"BNLAB_THREADS": "1"}, one_core=True),
        )
        yield against_reference(
            "in long segments, as bnlab train", lambda: self._trace(self.config, segment_steps=SEGMENT_STEPS)
        )
        yield against_reference(
            "recorded as the config says",
            lambda: self._trace(_changed(self.config, record_every=min(self.original.record_every, steps))),
        )
        yield against_reference("recorded only at the end", lambda: self._trace(_changed(self.config, record_every=steps)))
        yield against_reference(
            "with plots and progress", lambda: self._trace(self.config, draw=True, on_steps=lambda done, total: None)
        )
        yield roughly(
            "not compiled", "XLA fuses operations and contracts a·b + c, which rounds once", {"JAX_DISABLE_JIT": "1"}
        )
        yield roughly("without bnlab's XLA flags", "another division into kernels", {"BNLAB_XLA_FLAGS": "off"})
        if runtime.lanes():
            yield roughly("one seed at a time, without blocks", "another program for each seed", {"BNLAB_LANES": "1"})
        yield _canary
        yield lambda: self._other_seed("init")
        yield lambda: self._other_seed("data")
        yield lambda: self._trap("init")
        yield lambda: self._trap("data")

    def _other_seed(self, kind: Literal["init", "data"]) -> Outcome:
        """Check that another seed changes what it seeds, and nothing else."""
        other = self._seeded(kind, self.config.seeds.pairs[0][kind == "data"] ^ 1)
        drawn = "first weights" if kind == "init" else "batches"
        name = f"another {kind} seed: other {drawn} only"
        if not self._draws(kind):
            return Outcome(name, "differ", "nothing is drawn", True, note=f"this study draws no {drawn}")
        (weights, batches), (others, other_batches) = self._drawn(self.config), self._drawn(other)
        new_weights, new_batches = weights != others, batches != other_batches
        outcome = self._judge(name, "differ", self.reference, self._trace(other))
        apart = (new_weights, new_batches) == (kind == "init", kind == "data")
        says = (f"weights {_other(new_weights)}", f"batches {_other(new_batches)}")
        return replace(outcome, ok=outcome.ok and apart, note=", ".join(says))

    def _trap(self, seeded: Literal["init", "data"]) -> Outcome:
        """Repeat article 002's mistake: one generator is seeded, the other is not. The run must not repeat."""
        free: Literal["init", "data"] = "data" if seeded == "init" else "init"
        name = f"article 002: only {'weights' if seeded == 'init' else 'batches'} seeded, twice"
        if not self._draws(free):
            return Outcome(name, "differ", "nothing is drawn", True, note=f"{free} draws nothing in this study")
        one, other = (self._trace(self._seeded(free, secrets.randbits(32))) for _ in range(2))
        return self._judge(name, "differ", one, other, f"{free} seed from the system's entropy")

    def _seeded(self, kind: Literal["init", "data"], seed: int) -> Config:
        return _changed(self.config, seeds={**self.config.seeds.model_dump(), kind: seed})

    def _draws(self, kind: Literal["init", "data"]) -> bool:
        """Return whether the study draws anything with this seed: kernels, or batches from more than one row."""
        (prepared,) = prepare([self.config])
        if kind == "init":
            return len(prepared.program.recipe.model.widths) > 1
        return len(prepared.dataset.train) > 1

    def _drawn(self, config: Config) -> tuple[str, str]:
        """Return the SHA-256 of the first weights and of all batches."""
        (prepared,) = prepare([config])
        (init, seed), *_ = config.seeds.pairs
        state = prepared.first_state(init)
        weights = b"".join(values.tobytes() for values in to_arrays(state.params, state.batch_stats).values())
        rows = prepared.batches(seed, 0, config.num_steps).tobytes()
        return hashlib.sha256(weights).hexdigest(), hashlib.sha256(rows).hexdigest()

    def _judge(self, name: str, must: Must, one: Trace, other: Trace, note: str = "") -> Outcome:
        first = first_difference(one, other)
        losses = worst_losses(one, other, self._losses) if first and must == "within tolerance" else None
        verdict: Verdict = "not"
        if first is None:
            verdict = "bitwise"
        elif losses is not None and losses[0] <= STEP_RTOL and losses[1] <= RECORD_RTOL:
            verdict = "within tolerance"
        ok = {"bitwise": verdict == "bitwise", "within tolerance": verdict != "not", "differ": verdict == "not"}[must]
        ours, theirs = one.digits, other.digits
        digits = any(ours[at] != theirs[at] for at in ours.keys() & theirs.keys())
        return Outcome(name, must, verdict, ok, first, losses, digits, one.line != other.line, note)

    def _trace(self, config: Config, **options: Any) -> Trace:
        return take_trace(config, self._new_folder(), **options)

    def _process(self, config: Config, *, seed: int = 0, env: Mapping[str, str], one_core: bool = False) -> Trace:
        """Return the trace from a fresh process. It is spawned and never forked, so it inherits only the environment."""
        folder = self._new_folder()
        folder.mkdir()
        request = {"config": config.to_yaml(), "folder": str(folder), "seed": seed, "one_core": one_core}
        ended = subprocess.run(
            [sys.executable, "-m", "bnlab.seed_check", json.dumps(request)],
            cwd=folder,
            env={**_inherited(os.environ), **env},
            capture_output=True,
            check=False,
        )
        if ended.returncode:
            said = ended.stderr.decode(errors="replace").strip().splitlines()
            raise RunFailed(f"a fresh process ended with exit code {ended.returncode}: {said[-1] if said else 'no message'}")
        return Trace.from_npz((folder / "trace.npz").read_bytes())

    def _new_folder(self) -> Path:
        self._count += 1
        return self._folder / str(self._count)


def _canary() -> Outcome:
    """Test whether the device sums in the same order each time. A flag promises this; here it is measured.

    A GPU may compute colliding scatter-adds, products and long sums with atomics, in the order in which its threads arrive.
    """
    rng = np.random.default_rng(0)
    values = rng.normal(size=(8192, 128)).astype(np.float32)
    places = rng.integers(0, 16, 8192)

    @jax.jit
    def sums(values: jax.Array, places: jax.Array) -> tuple[jax.Array, ...]:
        scattered = jnp.zeros((16, values.shape[1])).at[places].add(values)
        return scattered, values.T @ values, values.sum(), jnp.var(values, axis=0)

    seen = {b"".join(np.asarray(leaf).tobytes() for leaf in sums(values, places)) for _ in range(16)}
    name = "canary: the device's sums, 16 times"
    verdict: Verdict = "bitwise" if len(seen) == 1 else "not"
    flags = [flag for flag in runtime.DETERMINISTIC_GPU if flag in os.environ.get("XLA_FLAGS", "")]
    note = f"{jax.devices()[0].platform}; {len(seen)} result(s); flags {' '.join(flags) or 'not needed'}"
    return Outcome(name, "bitwise", verdict, len(seen) == 1, note=note)


def _other(changed: bool) -> str:
    return "other" if changed else "the same"


def _inherited(env: Mapping[str, str]) -> dict[str, str]:
    """Return the user's environment, with absolute paths, for a process in another folder."""
    paths = ("BNLAB_DATA_DIR", "BNLAB_CACHE_DIR", "JAX_COMPILATION_CACHE_DIR", "PYTHONPATH")
    made = {
        name: os.pathsep.join(str(Path(part).expanduser().absolute()) for part in env[name].split(os.pathsep))
        for name in paths
        if env.get(name)
    }
    ours = str(runtime.configure()["xla_flags_added"])
    made["XLA_FLAGS"] = " ".join(flag for flag in env.get("XLA_FLAGS", "").split() if repr(flag) not in ours)
    return {**env, **made}
