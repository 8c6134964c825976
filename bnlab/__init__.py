"""bnlab: run, repeat and compare the batch-normalization studies of five articles."""

__version__ = "0.1.0"
