"""`bnlab seed-check`: whether a run can be repeated, condition by condition, and where it first differs if not.

Article 002's lesson is that a run repeats only if *every* generator is seeded; its trap is replayed here too.

`conditions` says what is tried and what it must give, `trace` what a run did; `python -m bnlab.seed_check` takes one trace in
a fresh process. Nothing is imported here: JAX must not be there before that process has set XLA's flags.
"""
