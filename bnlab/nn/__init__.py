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
from bnlab.nn.noise import add_noise
from bnlab.nn.penalties import l2_penalty
from bnlab.nn.row_norms import RowNormParams, init_row_norm, row_norm
from bnlab.options import BatchNorm, KernelInit, Noise, RenormClipping, RowNorm

__all__ = [
    "BatchNorm",
    "BatchNormParams",
    "BatchStats",
    "DenseParams",
    "KernelInit",
    "Noise",
    "RenormClipping",
    "RowNorm",
    "RowNormParams",
    "accuracy",
    "activation",
    "add_noise",
    "batch_norm",
    "batch_norm_penalty",
    "dense",
    "half_sum_squares",
    "init_batch_norm",
    "init_dense",
    "init_row_norm",
    "l2_penalty",
    "mean_squared_error",
    "row_norm",
    "softmax_cross_entropy",
]
