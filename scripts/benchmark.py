"""Time bnlab against Keras 3 on JAX, PyTorch eager and compiled, and a plain loop of jitted steps; the same work for each.

    python scripts/benchmark.py [--rounds 3] [--quick] [--out DIR]
    python scripts/benchmark.py --against PYTHON [--rounds 3]      bnlab under another Python, with its version of JAX

Run it on an idle machine. Contenders come from the dependency group `benchmark`. If one is not installed, it is left out,
and a line says so. Each contender runs in its own process, in turn (A B C, A B C, …), and is warmed up before its clock
starts. All contenders start from the same first weights and use the same batches. A time counts only where the final test
loss agrees with bnlab's. Writes benchmark.json, benchmark.md and scaling.png. The MNIST rows need MNIST (BNLAB_DATA_DIR).
"""

import argparse
import dataclasses
import itertools
import json
import os
import platform
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

AGREEMENT = 0.15
"""The largest relative difference between the final test losses of a contender and of bnlab. It is about two standard
deviations over seeds of the MNIST model after one epoch (0.157 ± 0.011). From equal starts, rounding alone can cause such
a difference."""

WORKS = {
    "regression": "regression with BN, 2,000 steps, training and test loss after every step",
    "mnist": "MNIST BN model (784-32-32-10), Adam, batch 32, one epoch of 1,718 steps, training alone",
}
ONE_EPOCH = ["num_steps=1718", "evaluation.train_rows=batch"]
"""The overrides that train mnist_bn for one epoch and do not evaluate all training images."""

CONTENDERS = {
    "regression": ("bnlab", "jitted steps", "PyTorch eager", "PyTorch compiled"),
    "mnist": ("bnlab", "Keras on JAX", "jitted steps", "PyTorch eager", "PyTorch compiled"),
}


# --- Workers: one contender, one work, in this process -------------------------------------------------------


def bnlab_prepared(work: str, changes: Sequence[str] = (), fields: Sequence[Sequence[str]] = ((),)) -> list[Any]:
    """Return a work's config, prepared, once for each of `fields`. A change "points=N" sets the points of the regression."""
    from bnlab.config import load_config
    from bnlab.training import prepare

    points = [int(change.removeprefix("points=")) for change in changes if change.startswith("points=")]
    overrides = [change for change in changes if not change.startswith("points=")]
    name = {"regression": "regression_bn", "mnist": "mnist_bn"}[work]
    configs = [load_config(name, overrides=[*overrides, *field]) for field in fields]
    return prepare(configs, points=points[0] if points else None)


def bnlab_worker(work: str, seeds: int, config_changes: list[str]) -> tuple[float, float]:
    """Return seconds for all seeds, and the final test loss of seed 0."""
    (whole,) = bnlab_prepared(work, config_changes)
    from bnlab.experiment import chunks_here

    prepared = whole
    if work == "mnist":  # training alone: the evaluation of a record takes only one row
        one_row = {"train": whole.data["train"], "test": tuple(values[:1] for values in whole.data["test"])}
        prepared = dataclasses.replace(whole, data=one_row)
    for _ in chunks_here([prepared.task(0, 0)]):
        pass
    last = {}
    began = time.perf_counter()
    for chunk in chunks_here([prepared.task(seed, seed) for seed in range(seeds)]):
        last[min(chunk.task, 1)] = chunk  # only task 0's chunk is used; all chunks would add to the peak memory
    seconds = time.perf_counter() - began
    if work == "regression":
        return seconds, float(last[0].metrics["test_loss"][-1])
    return seconds, float(whole.evaluate(last[0].recorded)["test_loss"][-1])


GRIDS = {
    "optimizer.learning_rate": (1e-4, 1e-2),
    "model.norm.momentum": (0.9, 0.999),
    "optimizer.epsilon": (1e-9, 1e-3),
    "l2_penalty.scale": (1e-6, 1e-2),
}
POINTS = 100
RATES = "optimizer.learning_rate=" + ",".join(f"{rate:.2g}" for rate in np.geomspace(1e-4, 1e-2, 20))


def grid_worker(field: str) -> tuple[float, float]:
    """Return the seconds for POINTS points of a field, one seed each, and for POINTS seeds of one point; both warm."""
    values = np.geomspace(*GRIDS[field], POINTS)
    points = bnlab_prepared("regression", (), [[f"{field}={value}"] for value in values])
    from bnlab.experiment import chunks_here

    def seconds(tasks: list[Any]) -> float:
        began = time.perf_counter()
        for _ in chunks_here(tasks):
            pass
        return time.perf_counter() - began

    middle = points[POINTS // 2]
    seconds([middle.task(0, 0)])
    grid, seeds = [], []
    for _ in range(3):
        seeds.append(seconds([middle.task(seed, seed) for seed in range(POINTS)]))
        grid.append(seconds([point.task(0, 0) for point in points]))
    return statistics.median(grid), statistics.median(seeds)


def compile_worker(work: str) -> tuple[float, float]:
    """Return the seconds for tracing and compiling all programs of a run, and no loss."""
    (prepared,) = bnlab_prepared(work)
    program, segment = prepared.program, prepared.segments[0]
    rows = prepared.batches(0, 0, segment.all_steps).reshape(segment.records, segment.steps, -1)
    _, _, recorded = program.train(prepared.numbers, prepared.first_state(0), rows, prepared.data)
    program.evaluate.ready(prepared.numbers, recorded, prepared.data)
    return program.compile_seconds, float("nan")


def jitted_worker(work: str, given: dict) -> tuple[float, float]:
    """A plain Python loop of jitted steps, with optax, as a tutorial would write it."""
    import jax
    import jax.numpy as jnp
    import optax

    optimizer = optax.adam(given["learning_rate"])
    x, y, test_x, test_y = (jnp.asarray(given[name]) for name in ("x", "y", "test_x", "test_y"))
    layers = int(given["layers"])
    regression = work == "regression"

    def forward(params, stats, x, training):
        new = []
        for i in range(layers):
            x = x @ params[f"dense{i}"]["kernel"] + params[f"dense{i}"]["bias"]
            if i == layers - 1:
                return x, new
            if regression:
                x = jax.nn.relu(x)
            mean, var = (x.mean(0), x.var(0)) if training else stats[i]
            new.append((stats[i][0] * 0.99 + mean * 0.01, stats[i][1] * 0.99 + var * 0.01) if training else stats[i])
            x = (x - mean) / jnp.sqrt(var + 1e-3) * params[f"bn{i}"]["gamma"] + params[f"bn{i}"]["beta"]
            if not regression:
                x = jax.nn.relu(x)
        raise AssertionError

    def loss_of(outputs, y):
        if regression:
            return 0.5 * jnp.sum((outputs - y) ** 2)
        return optax.softmax_cross_entropy_with_integer_labels(outputs, y).mean()

    @jax.jit
    def step(params, stats, state, rows):
        def loss(params):
            outputs, new = forward(params, stats, x[rows], True)
            return loss_of(outputs, y[rows]), new

        grads, stats = jax.grad(loss, has_aux=True)(params)
        updates, state = optimizer.update(grads, state)
        return optax.apply_updates(params, updates), stats, state

    @jax.jit
    def both_losses(params, stats, rows):
        train = loss_of(forward(params, stats, x[rows], False)[0], y[rows]) / len(rows)
        return train, loss_of(forward(params, stats, test_x, False)[0], test_y) / len(test_x)

    def run(batches):
        params, stats = given["params"](jnp.asarray), [(jnp.zeros(n), jnp.ones(n)) for n in given["hidden"]]
        state = optimizer.init(params)
        curves = []
        for rows in batches:
            params, stats, state = step(params, stats, state, rows)
            if regression:
                curves.append(both_losses(params, stats, rows))
        jax.block_until_ready((params, curves))
        return params, stats

    run(given["batches"][:20])
    began = time.perf_counter()
    params, stats = run(given["batches"])
    seconds = time.perf_counter() - began
    final = loss_of(forward(params, stats, test_x, False)[0], test_y)
    return seconds, float(final) / (len(test_x) if regression else 1)


def torch_worker(work: str, given: dict, compiled: bool) -> tuple[float, float]:
    """PyTorch: nn.Sequential, Adam; BatchNorm1d with PyTorch's momentum 0.01 for our 0.99."""
    import torch

    regression = work == "regression"
    modules: list[torch.nn.Module] = []
    widths = [given["x"].shape[1], *given["hidden"], given["outputs"]]
    for i, (inputs, outputs) in enumerate(itertools.pairwise(widths)):
        modules.append(torch.nn.Linear(inputs, outputs))
        if i < len(widths) - 2:
            norm = torch.nn.BatchNorm1d(outputs, eps=1e-3, momentum=0.01)
            modules += [torch.nn.ReLU(), norm] if regression else [norm, torch.nn.ReLU()]
    model = torch.nn.Sequential(*modules)
    x, y, test_x, test_y = (torch.from_numpy(np.array(given[name])) for name in ("x", "y", "test_x", "test_y"))
    if not regression:
        y, test_y = y.long(), test_y.long()
    cross_entropy = torch.nn.CrossEntropyLoss()

    def loss_of(outputs, y):
        return 0.5 * ((outputs - y) ** 2).sum() if regression else cross_entropy(outputs, y)

    def reset():
        dense = [m for m in model if isinstance(m, torch.nn.Linear)]
        with torch.no_grad():
            for i, layer in enumerate(dense):
                layer.weight.copy_(torch.from_numpy(np.array(given["arrays"][f"dense{i}/kernel"].T)))
                layer.bias.zero_()
        for m in model:
            if isinstance(m, torch.nn.BatchNorm1d):
                m.reset_parameters()
        return torch.optim.Adam(model.parameters(), lr=given["learning_rate"], eps=1e-8)

    def forward_backward(x, y):
        loss = loss_of(model(x), y)
        loss.backward()
        return loss

    forward_backward = torch.compile(forward_backward) if compiled else forward_backward
    batches = torch.from_numpy(given["batches"].astype(np.int64))

    def run(batches):
        optimizer = reset()
        curves = []
        for rows in batches:
            model.train()
            optimizer.zero_grad()
            forward_backward(x[rows], y[rows])
            optimizer.step()
            if regression:
                model.eval()
                with torch.no_grad():
                    train = loss_of(model(x[rows]), y[rows]) / len(rows)
                    curves.append((train.item(), (loss_of(model(test_x), test_y) / len(test_x)).item()))

    run(batches[:20])
    began = time.perf_counter()
    run(batches)
    seconds = time.perf_counter() - began
    model.eval()
    with torch.no_grad():
        final = loss_of(model(test_x), test_y) / (len(test_x) if regression else 1)
    return seconds, float(final)


def keras_worker(work: str, given: dict) -> tuple[float, float]:
    """Keras 3 on JAX at its best: model.fit with steps_per_execution, the rows laid out in the order of the batches."""
    assert work == "mnist"
    os.environ["KERAS_BACKEND"] = "jax"
    import keras

    layers: list = [keras.Input((given["x"].shape[1],))]
    for width in given["hidden"]:
        layers += [
            keras.layers.Dense(width),
            keras.layers.BatchNormalization(momentum=0.99, epsilon=1e-3),
            keras.layers.ReLU(),
        ]
    model = keras.Sequential([*layers, keras.layers.Dense(given["outputs"])])
    dense = [layer for layer in model.layers if isinstance(layer, keras.layers.Dense)]
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)

    def set_weights():
        for i, layer in enumerate(dense):
            layer.set_weights([given["arrays"][f"dense{i}/kernel"], np.zeros(layer.units, np.float32)])
        for layer in model.layers:
            if isinstance(layer, keras.layers.BatchNormalization):
                n = layer.gamma.shape[0]
                layer.set_weights([np.ones(n), np.zeros(n), np.zeros(n), np.ones(n)])

    size = given["batches"].shape[1]
    rows = given["batches"].ravel()
    x, y = given["x"][rows], given["y"][rows]
    model.compile(
        optimizer=keras.optimizers.Adam(given["learning_rate"], epsilon=1e-8),
        loss=loss,
        steps_per_execution=given["steps_per_execution"],
        jit_compile=True,
    )
    # A second fit of the same compiled model is warm. Its weights and its optimizer are reset by hand.
    model.fit(x, y, batch_size=size, epochs=1, shuffle=False, verbose=0)
    set_weights()
    for variable in model.optimizer.variables:
        if "learning_rate" not in variable.path:
            variable.assign(np.zeros(variable.shape, variable.dtype))
    began = time.perf_counter()
    model.fit(x, y, batch_size=size, epochs=1, shuffle=False, verbose=0)
    seconds = time.perf_counter() - began
    return seconds, float(loss(given["test_y"], model.predict(given["test_x"], batch_size=10_000, verbose=0)))


def load_given(path: Path) -> dict:
    """Return the common start of all contenders, as the orchestrating process wrote it."""
    with np.load(path) as file:
        given: dict = {name: file[name] for name in file.files}
    arrays = {name.removeprefix("init/"): v for name, v in given.items() if name.startswith("init/")}
    layers = sum(name.endswith("kernel") for name in arrays)
    given |= {
        "arrays": arrays,
        "layers": layers,
        "hidden": [int(n) for n in given["hidden"]],
        "outputs": int(given["outputs"]),
        "learning_rate": float(given["learning_rate"]),
        "steps_per_execution": 200,
    }

    def params(convert):
        tree: dict = {}
        for name, value in arrays.items():
            layer, field = name.split("/")
            if not field.startswith("moving"):
                tree.setdefault(layer, {})[field] = convert(value)
        return tree

    return given | {"params": params}


def worker(contender: str, work: str, seeds: int, path: str, changes: list[str]) -> None:
    """Run one contender once and print {"seconds", "loss", "peak_mb"} as the last line."""
    given = load_given(Path(path)) if path else {}
    if contender == "bnlab":
        seconds, loss = bnlab_worker(work, seeds, changes)
    elif contender == "grid":
        seconds, loss = grid_worker(changes[0])
    elif contender == "compile":
        seconds, loss = compile_worker(work)
    elif contender == "jitted steps":
        seconds, loss = jitted_worker(work, given)
    elif contender == "Keras on JAX":
        seconds, loss = keras_worker(work, given)
    else:
        seconds, loss = torch_worker(work, given, compiled="compiled" in contender)
    print(json.dumps({"seconds": seconds, "loss": loss, "peak_mb": peak_mb()}))


def peak_mb() -> float:
    """Return the peak memory of this process. On Linux it is read from /proc: getrusage begins at the size of the parent."""
    try:
        lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:")) / 1024
    except (OSError, StopIteration):
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


# --- The orchestrating process --------------------------------------------------------------------------------


def write_given(work: str, path: Path) -> None:
    """Write the data, first weights (seed 0) and batches of a work."""
    (prepared,) = bnlab_prepared(work)
    from bnlab.models import to_arrays

    config, dataset, state = prepared.config, prepared.dataset, prepared.first_state(0)
    steps = {"regression": 2000, "mnist": 1718}[work]
    np.savez(
        path,
        x=dataset.train.inputs,
        y=dataset.train.targets,
        test_x=dataset.test.inputs,
        test_y=dataset.test.targets,
        batches=prepared.batches(0, 0, steps),
        hidden=np.asarray(config.model.hidden),
        outputs=np.asarray(dataset.num_classes or 1),
        learning_rate=np.asarray(config.optimizer.learning_rate),
        **{f"init/{name}": value for name, value in to_arrays(state.params, state.batch_stats).items()},
    )


def measure(
    contender: str,
    work: str,
    seeds: int,
    path: Path | str,
    changes: list[str],
    env: dict[str, str] | None = None,
    python: str = sys.executable,
) -> dict | None:
    """Run a worker process; None where its framework is not installed."""
    command = [python, __file__, "--worker", contender, work, str(seeds), str(path), *changes]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ | (env or {}))
    if done.returncode:
        if "ModuleNotFoundError" in done.stderr:
            return None
        raise SystemExit(f"{contender}, {work}:\n{done.stderr[-3000:]}")
    return json.loads(done.stdout.splitlines()[-1])


def compare_contenders(rounds: int, folder: Path, works: list[str]) -> list[dict]:
    """Return a row for each work and contender, with one seed."""
    rows = []
    for work in works:
        path = folder / f"{work}.npz"
        write_given(work, path)
        changes = ONE_EPOCH if work == "mnist" else []
        results: dict[str, list[dict]] = {}
        missing: set[str] = set()
        for _ in range(rounds):
            for contender in CONTENDERS[work]:
                if contender in missing:
                    continue
                result = measure(contender, work, 1, path, changes)
                if result is None:
                    missing.add(contender)
                    print(f"{work}: {contender} is not installed and left out", flush=True)
                    continue
                results.setdefault(contender, []).append(result)
                print(f"{work}: {contender}: {result['seconds']:.3f} s, loss {result['loss']:.4f}", flush=True)
        ours = statistics.median(r["seconds"] for r in results["bnlab"])
        for contender, runs in results.items():
            times = [r["seconds"] for r in runs]
            off = abs(runs[0]["loss"] - results["bnlab"][0]["loss"]) / results["bnlab"][0]["loss"]
            rows.append(
                {
                    "work": work,
                    "contender": contender,
                    "seconds": {"min": min(times), "median": statistics.median(times), "max": max(times)},
                    "times_bnlab": statistics.median(times) / ours,
                    "final_test_loss": runs[0]["loss"],
                    "agrees": off <= AGREEMENT,
                    "peak_mb": max(r["peak_mb"] for r in runs),
                }
            )
    return rows


def device() -> str:
    """Return the platform of JAX's first device: cpu, gpu or tpu. Another process asks, so that none is taken here."""
    command = [sys.executable, "-c", "import jax; print(jax.devices()[0].platform)"]
    return subprocess.check_output(command, text=True).split()[-1]


def many_seeds(rounds: int, works: list[str], quick: bool) -> list[dict]:
    """Return a row for each number of seeds, bnlab alone: ms per seed on the CPU (and a GPU, where there is one), memory."""
    places = {"ms_per_seed": {"JAX_PLATFORMS": "cpu"}} | ({"gpu_ms_per_seed": {}} if device() == "gpu" else {})
    counts = {"regression": (1, 10, 100) if quick else (1, 10, 100, 1000), "mnist": (1, 8) if quick else (1, 8, 32)}
    rows = []
    for work in works:
        changes = ONE_EPOCH if work == "mnist" else []
        for seeds in counts[work]:
            row: dict[str, Any] = {"work": work, "seeds": seeds}
            for place, env in places.items():
                runs = [measure("bnlab", work, seeds, "", changes, env) for _ in range(rounds)]
                per_seed = [1000 * run["seconds"] / seeds for run in runs if run]
                row[place] = {"min": min(per_seed), "median": statistics.median(per_seed), "max": max(per_seed)}
                row.setdefault("peak_mb", max(run["peak_mb"] for run in runs if run))
                print(f"{work}: {seeds} seeds: {place} {row[place]['median']:.2f}", flush=True)
            rows.append(row)
    return rows


def grids(rounds: int) -> list[dict]:
    """Return a row for each field of GRIDS: POINTS points, one seed each, against POINTS seeds of one point."""
    rows = []
    for field in GRIDS:
        runs = [measure("grid", "regression", 1, "", [field]) for _ in range(rounds)]
        ratios = [run["seconds"] / run["loss"] for run in runs if run]
        seconds = [run["seconds"] for run in runs if run]
        rows.append({"field": field, "seconds": statistics.median(seconds), "times_seeds": statistics.median(ratios)})
        print(f"{field}: {POINTS} points take {rows[-1]['times_seeds']:.2f} times {POINTS} seeds", flush=True)
    return rows


def compare_pythons(rounds: int, works: list[str], other: str) -> None:
    """Print a table of bnlab's own times under this Python and another, in turn, and their ratio."""
    version = "import sys, jax; print('Python %d.%d, JAX' % sys.version_info[:2], jax.__version__)"
    names = [subprocess.check_output([python, "-c", version], text=True).strip() for python in (sys.executable, other)]
    cases = {
        "regression": ("one of 100 seeds, ms", 100, [], 10.0),  # ms of one seed
        "mnist": ("one of 8 seeds, one epoch, ms", 8, ONE_EPOCH, 125.0),
    }
    print(f"| what | {names[0]} | {names[1]} | ratio |\n| --- | --- | --- | --- |", flush=True)

    def compare(what: str, case: Callable[[str], float]) -> None:
        pairs = [(case(sys.executable), case(other)) for _ in range(rounds)]
        here, there = (statistics.median(side) for side in zip(*pairs, strict=True))
        ratio = statistics.median(b / a for a, b in pairs)
        print(f"| {what} | {here:.3g} | {there:.3g} | {ratio:.2f} |", flush=True)

    def measured(contender: str, work: str, seeds: int, changes: list[str], scale: float, python: str) -> float:
        result = measure(contender, work, seeds, "", changes, {"BNLAB_COMPILATION_CACHE": "off"}, python)
        assert result is not None
        return scale * result["seconds"]

    for work in works:
        words, seeds, changes, factor = cases[work]
        compare(f"{work}, {words}", partial(measured, "bnlab", work, seeds, changes, factor))
        compare(f"{work}, compiling, s", partial(measured, "compile", work, seeds, changes, 1.0))
    with tempfile.TemporaryDirectory() as cache:
        for words, arguments in (case for work in works for case in COMMANDS[work].items()):
            for python in (sys.executable, other):
                command_seconds(arguments, Path(cache), python)  # fills the cache
            compare(f"{words}, warm, s", partial(command_seconds, arguments, Path(cache)))


MODELS = {"regression": "regression_bn", "mnist": "mnist_bn"}
COMMANDS = {
    "regression": {
        "`bnlab --help`": "--help",
        "`bnlab train regression_bn`": "train regression_bn --quiet",
        "`bnlab compare regression_bn`, 20 learning rates, 5 seeds": (
            f"compare regression_bn --vary {RATES} --seeds 0:5 --quiet"
        ),
    },
    "mnist": {
        "`bnlab train mnist_bn`": "train mnist_bn --quiet",
        "`bnlab compare mnist mnist_bn --seeds 0`": "compare mnist mnist_bn --seeds 0 --quiet",
    },
}
"""{work: {whole command, as a table calls it: its arguments}}."""


def command_seconds(arguments: str, cache: Path, python: str = sys.executable) -> float:
    """Run bnlab with these arguments in an empty folder, with this folder for bnlab's cache, and return its seconds."""
    with tempfile.TemporaryDirectory() as place:
        began = time.perf_counter()
        command = [python, "-m", "bnlab", *arguments.split()]
        env = os.environ | {"BNLAB_CACHE_DIR": str(cache)}
        done = subprocess.run(command, cwd=place, env=env, capture_output=True, check=False)
        seconds = time.perf_counter() - began
    if done.returncode:
        raise SystemExit(f"{command}: {done.stderr.decode()[-2000:]}")
    return seconds


def whole_commands(rounds: int, folder: Path, works: list[str]) -> list[dict]:
    """Return a row for each whole command, and for compiling alone: with an empty cache and with a warm one."""
    cache = folder / "cache"

    def compiling(work: str) -> float:
        result = measure("compile", work, 1, "", [], {"BNLAB_CACHE_DIR": str(cache)})
        assert result is not None
        return result["seconds"]

    cases: dict[str, Callable[[], float]] = {}
    for work in works:
        cases |= {words: partial(command_seconds, arguments, cache) for words, arguments in COMMANDS[work].items()}
        cases[f"compiling {MODELS[work]}"] = partial(compiling, work)
    rows = []
    for label, case in cases.items():
        case()  # fills all other caches than that of compiled programs
        for state in ("cold", "warm"):
            times = []
            for _ in range(rounds):
                if state == "cold":
                    shutil.rmtree(cache / "compiled", ignore_errors=True)
                times.append(case())
            seconds = {"min": min(times), "median": statistics.median(times), "max": max(times)}
            rows.append({"command": label, "cache": state, "seconds": seconds})
            print(f"{label} ({state}): {seconds['median']:.2f} s", flush=True)
    return rows


def scaling(quick: bool) -> dict[str, list[tuple[float, float]]]:
    """Return seconds of one seed (or of all) against seeds, steps, width, data and batch size, bnlab alone."""
    few = slice(0, 3) if quick else slice(None)
    series: dict[str, list[tuple[float, float]]] = {}
    cases = {
        "seeds": [(n, n, "regression", []) for n in (1, 3, 10, 30, 100, 300)[few]],
        "steps": [(n, 1, "regression", [f"num_steps={n}"]) for n in (100, 300, 1000, 3000, 10000, 30000)[few]],
        "width": [(n, 1, "regression", [f"model.hidden=[{n}]"]) for n in (10, 30, 100, 300, 1000)[few]],
        "data points": [(n, 1, "regression", [f"points={n}"]) for n in (30, 100, 300, 1000, 3000, 10000)[few]],
        "batch size": [(n, 1, "regression", [f"batch_size={n}"]) for n in (2, 5, 20, 60, 150, 300)[few]],
    }
    for label, points in cases.items():
        for x, seeds, work, changes in points:
            result = measure("bnlab", work, seeds, "", changes)
            assert result is not None
            series.setdefault(label, []).append((x, result["seconds"]))
            print(f"{label}: {x}: {result['seconds']:.4f} s", flush=True)
    return series


def draw_scaling(series: dict[str, list[tuple[float, float]]], path: Path) -> None:
    """Draw seconds against each size on log axes, a panel each, with a dotted line of slope one."""
    from bnlab.plots import save
    from bnlab.plots.frame import finish, label_values, label_x, new_figure, plain_log
    from bnlab.plots.looks import LOOKS

    figure, panels = new_figure(len(series), columns=3)
    for axes, (label, points) in zip(panels, series.items(), strict=True):
        x, y = np.array(points).T
        axes.loglog(x, y, "-o", color=LOOKS[0].color, label="measured")
        axes.loglog(x, y[-1] * x / x[-1], ":", color="0.35", label="in proportion to the largest")
        label_x(axes, label)
        label_values(axes, "seconds", "")
        plain_log(axes.xaxis)
        plain_log(axes.yaxis)
    title = "What a regression with batch norm costs, by seeds, steps, width, data points and batch size"
    notes = ["both axes have log scales; one seed, except in the first panel"]
    save(finish(figure, title, notes, panels[0].get_lines(), between=(0.8, 0.75)), path)


def machine() -> dict:
    """Return the speed of the machine in float32 matrix products and memory copies, best of five."""
    a = np.random.default_rng(0).random((2048, 2048), np.float32)
    b = np.empty(2**27, np.uint8)
    c = np.ones(2**27, np.uint8)

    def best(function) -> float:
        times = []
        for _ in range(5):
            began = time.perf_counter()
            function()
            times.append(time.perf_counter() - began)
        return min(times)

    return {
        "sgemm_gflops": 2 * 2048**3 / best(lambda: a @ a) / 1e9,
        "memory_gb_s": 2 * 2**27 / best(lambda: np.copyto(b, c)) / 1e9,
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "platform": platform.platform(),
    }


def markdown(report: dict) -> str:
    """Return the report as Markdown: a section for each table, as docs/speed.md shows them."""
    m = report["machine"]
    lines = [
        "## What came out",
        "",
        f"{m['cores']} cores, float32 matrix product {m['sgemm_gflops']:.0f} GFLOP/s, "
        f"memory copy {m['memory_gb_s']:.1f} GB/s. Numbers are medians of {report['rounds']} (min – max).",
        "",
        "## Beside other programs",
        "",
        "| work, one seed | contender | seconds | times bnlab | final test loss |",
        "| --- | --- | --- | --- | --- |",
    ]
    for row in report["contenders"]:
        s = row["seconds"]
        times = f"{row['times_bnlab']:.1f}×" if row["agrees"] else "does not count: its loss disagrees"
        lines.append(
            f"| {WORKS[row['work']]} | {row['contender']} | {s['median']:.3g} ({s['min']:.3g} – {s['max']:.3g}) | {times} "
            f"| {row['final_test_loss']:.4f} |"
        )
    columns = {"ms_per_seed": "ms per seed", "gpu_ms_per_seed": "ms per seed on the GPU"}
    columns = {key: label for key, label in columns.items() if all(key in row for row in report["seeds"])}
    lines += ["", "## Many seeds", "", f"| bnlab | seeds | {' | '.join(columns.values())} | peak memory, MB |"]
    lines += [f"| --- | --- | {' | '.join('---' for _ in columns)} | --- |"]
    for row in report["seeds"]:
        spans = [f"{s['median']:.2f} ({s['min']:.2f} – {s['max']:.2f})" for s in (row[key] for key in columns)]
        lines.append(f"| {row['work']} | {row['seeds']} | {' | '.join(spans)} | {row['peak_mb']:.0f} |")
    lines += [
        "",
        "## Many points of a grid",
        "",
        f"| {POINTS} points of the regression, a seed each | seconds | times {POINTS} seeds of one point |",
        "| --- | --- | --- |",
    ]
    for row in report["grids"]:
        lines.append(f"| {row['field']} | {row['seconds']:.2f} | {row['times_seeds']:.2f} |")
    lines += ["", "## Start-up and compilation", ""]
    lines += ["| whole command, and compiling alone | compilation cache | seconds |", "| --- | --- | --- |"]
    for row in report["commands"]:
        s = row["seconds"]
        lines.append(f"| {row['command']} | {row['cache']} | {s['median']:.2f} ({s['min']:.2f} – {s['max']:.2f}) |")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Parse, run, write."""
    if sys.argv[1:2] == ["--worker"]:
        contender, work, seeds, path, *changes = sys.argv[2:]
        worker(contender, work, int(seeds), path, changes)
        return
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--quick", action="store_true", help="fewer seeds and sizes")
    parser.add_argument("--out", type=Path, default=Path("runs/benchmark"))
    parser.add_argument(
        "--against", metavar="PYTHON", help="time only bnlab, here and under this Python, which has its packages"
    )
    options = parser.parse_args()
    from bnlab.data import status

    whole = all(record.state == "whole" for record in status() if record.dataset == "mnist")
    works = ["regression", "mnist"] if whole else ["regression"]
    if not whole:
        print("MNIST is not here (BNLAB_DATA_DIR); its rows are left out", flush=True)
    if options.against:
        compare_pythons(options.rounds, works, str(Path(options.against).absolute()))  # commands run in other folders
        return
    options.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        report = {
            "rounds": options.rounds,
            "machine": machine(),
            "contenders": compare_contenders(options.rounds, folder, works),
            "seeds": many_seeds(options.rounds, works, options.quick),
            "grids": grids(options.rounds),
            "commands": whole_commands(options.rounds, folder, works),
            "scaling": scaling(options.quick),
        }
    draw_scaling(report["scaling"], options.out / "scaling.png")
    (options.out / "benchmark.json").write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    (options.out / "benchmark.md").write_text(markdown(report), encoding="utf-8")
    print(options.out)


if __name__ == "__main__":
    main()
