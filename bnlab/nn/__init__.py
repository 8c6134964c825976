"""Formulas: layers, losses and penalties as pure JAX functions. Nothing here uses files, configs or plots."""

from bnlab.nn.activations import activation
from bnlab.nn.batch_norm import (
    BatchNormParams,
    BatchStats,
    batch_norm,
    batch_norm_penalty,
    init_batch_norm,
)
from bnlab.nn.dense import DenseParams, dense, init_dense
from bnlab.nn.losses import accuracy, half_sum_squares, mean_squared_error, softmax_cross_entropy
from bnlab.nn.penalties import l2_penalty
from bnlab.options import BatchNorm, RenormClipping

__all__ = [
    "BatchNorm",
    "BatchNormParams",
    "BatchStats",
    "DenseParams",
    "RenormClipping",
    "accuracy",
    "activation",
    "batch_norm",
    "batch_norm_penalty",
    "dense",
    "half_sum_squares",
    "init_batch_norm",
    "init_dense",
    "l2_penalty",
    "mean_squared_error",
    "softmax_cross_entropy",
]
