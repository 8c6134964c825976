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
from bnlab.nn.layer_norm import LayerNormParams, init_layer_norm, layer_norm
from bnlab.nn.losses import accuracy, half_sum_squares, mean_squared_error, softmax_cross_entropy
from bnlab.nn.noise import add_noise
from bnlab.nn.penalties import l2_penalty
from bnlab.options import BatchNorm, KernelInit, LayerNorm, Noise, RenormClipping

__all__ = [
    "BatchNorm",
    "BatchNormParams",
    "BatchStats",
    "DenseParams",
    "KernelInit",
    "LayerNorm",
    "LayerNormParams",
    "Noise",
    "RenormClipping",
    "accuracy",
    "activation",
    "add_noise",
    "batch_norm",
    "batch_norm_penalty",
    "dense",
    "half_sum_squares",
    "init_batch_norm",
    "init_dense",
    "init_layer_norm",
    "l2_penalty",
    "layer_norm",
    "mean_squared_error",
    "softmax_cross_entropy",
]
