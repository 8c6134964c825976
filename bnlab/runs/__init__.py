"""Run folders: the only writer of runs/, and the reader of what it wrote.

runs/NAME/RUN_ID/ (or the folder given) holds, once the run is complete:

config.yaml       the resolved config; training it again repeats the run
curves.npz        seeds [S], data_seeds [S], step [R], and each metric [S, R] as float32 (train_loss, test_loss, …)
metrics.csv       the same as rows of seed, data_seed, step, metrics; left out above MAX_CSV_ROWS rows
params.npz        final weights and moving statistics (dense0/kernel, bn0/gamma, …), leading axis = seed
examples.npz      test_correct [S, examples]: whether the final model is right on each test example; if asked for
summary.json      identity: the hash of the computation; final: {metric: {mean, std, min, max, per_seed}}; metrics: {metric:
                  {split, kind, unit, direction}}; failed: {seed, data_seed, step} of each seed whose loss was no longer
                  finite; steps_per_second of one thread in the compiled training function; seconds by phase (compile and
                  train are summed over threads); the SHA-256 of every other file, and of all these values. It is written
                  last, so where it is the run is whole
environment.json  numerics (all that the bits depend on besides the config), versions, device, threads, flags, commit, command
loss.png …        figures

and while it runs, config.yaml, `.lock` (held by the process that writes) and the last two checkpoints, named
checkpoint-N.ckpt: an .npz followed by its SHA-256, which also names the numerics of its writer: with others it would not go
on with the same bits. Each file is written beside its place and moved there, so a kill at any moment leaves a complete run
or one that `--resume` finishes with the same bits. Nothing is pickled.

RUN_ID is TIME-CHANGES-HASH. CHANGES says what is computed otherwise than the shipped config of this name says; a run of that
config itself has none. HASH is the beginning of the identity. It is a hint for a quick search: `Catalogue` compares the
config itself before it takes a run's seeds.

runs/seed-check/NAME-TIME-HASH/ holds seed_check.json (see `bnlab.seed_check`).
runs/compare/NAMES-TIME/ holds a comparison of runs: `bnlab.compare` lists its files.
runs/sweep/NAME-TIME/ holds the answers of a sweep, whose points are runs as any other: `bnlab.sweep` lists its files.
runs/reproduce/TIME/ holds a report: `bnlab.report.writing` lists its files.
"""

from bnlab.runs.arrays import json_bytes
from bnlab.runs.catalogue import Catalogue
from bnlab.runs.checkpoints import Progress
from bnlab.runs.claims import Claims
from bnlab.runs.exporting import csv_lines, write_export
from bnlab.runs.folders import (
    RUN_FILES,
    RUNS,
    comparison_folder,
    report_folder,
    run_folder,
    sweep_folder,
    write_answers,
    write_comparison,
    write_seed_check,
)
from bnlab.runs.identity import computation, identity, same_computation
from bnlab.runs.listing import Entry, Runs, State, list_runs
from bnlab.runs.pool import Pool, gather
from bnlab.runs.reading import Failure, Run, read_run
from bnlab.runs.removing import check_removable, remove_run
from bnlab.runs.summary import describe, printed
from bnlab.runs.tensorboard import EventFiles, write_event_files
from bnlab.runs.writing import RunWriter

__all__ = [
    "RUNS",
    "RUN_FILES",
    "Catalogue",
    "Claims",
    "Entry",
    "EventFiles",
    "Failure",
    "Pool",
    "Progress",
    "Run",
    "RunWriter",
    "Runs",
    "State",
    "check_removable",
    "comparison_folder",
    "computation",
    "csv_lines",
    "describe",
    "gather",
    "identity",
    "json_bytes",
    "list_runs",
    "printed",
    "read_run",
    "remove_run",
    "report_folder",
    "run_folder",
    "same_computation",
    "sweep_folder",
    "write_answers",
    "write_comparison",
    "write_event_files",
    "write_export",
    "write_seed_check",
]
