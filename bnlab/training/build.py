"""From a config and its data to the compiled program that trains it."""

import numpy as np

from bnlab import runtime
from bnlab.config import MAX_WEIGHTS, Config
from bnlab.data import PIXEL, Dataset
from bnlab.errors import UserError
from bnlab.models import MLP
from bnlab.nn import BatchNorm, RenormClipping
from bnlab.optimizers import make_optimizer
from bnlab.training.program import Data, Evaluation, NormInputs, Objective, Program

FEW_WEIGHTS = 128
"""Up to so many weights, the optimizer takes all of them as one vector: a loop of a step instead of one for each array."""

NOT_OPTIONS = {"kind", "position", "batch_weights", "mask", "adjustment"}
"""The fields of `model.norm` that are not options of the layer: where it stands, and what a train step calls it with."""


def build_model(config: Config, dataset: Dataset) -> MLP:
    """Return the model that the config describes, for this data. Raises: UserError where its options do not fit."""
    inputs = dataset.train.stored.shape[1]
    outputs = dataset.num_classes or dataset.train.targets.shape[1]
    norm, position = None, "before_activation"
    if config.model.norm:
        options = config.model.norm.model_dump(exclude=NOT_OPTIONS)
        position = config.model.norm.position
        try:
            if options["renorm_clipping"]:
                options["renorm_clipping"] = RenormClipping(**options["renorm_clipping"])
            norm = BatchNorm(**options)
        except ValueError as error:
            raise UserError(f"{config.name}: model.norm.{error}") from None
    model = MLP(
        inputs,
        config.model.hidden,
        outputs if config.model.output_layer else None,
        activation=config.model.activation,
        norm=norm,
        position=position,
    )
    if model.weights > MAX_WEIGHTS:
        raise UserError(f"{config.name}: model.hidden: makes {model.weights:,} weights, expected at most {MAX_WEIGHTS:,}")
    if not config.model.output_layer and model.widths[-1] != outputs:
        raise UserError(f"{config.name}: model.hidden: its last width must be {outputs} without an output layer")
    group = config.model.norm and config.model.norm.virtual_batch_size
    if group and config.batch_size % group:
        raise UserError(
            f"{config.name}: model.norm.virtual_batch_size: got {group}, expected a divisor of batch_size "
            f"({config.batch_size})"
        )
    return model


def build_program(config: Config, dataset: Dataset) -> Program:
    """Return the program of the config's variant. Raises: UserError where its options do not fit together."""
    rows = len(dataset.train)
    if config.batch_size > rows:
        raise UserError(
            f"{config.name}: batch_size: got {config.batch_size}, expected at most {rows}, "
            f"the rows of the training set of {dataset.name}"
        )
    penalty = config.l2_penalty
    model = build_model(config, dataset)
    optimizer = make_optimizer(**config.optimizer.model_dump(), flat=model.weights <= FEW_WEIGHTS)
    return Program(
        model,
        Objective(config.loss, penalty.scale if penalty else 0.0, penalty.halved if penalty else True),
        optimizer,
        Evaluation(config.evaluation.train_rows, config.evaluation.train_statistics, dataset.train is dataset.test),
        _norm_inputs(config),
        pixel=PIXEL.item(),
        compiler_options=runtime.compiler_options(),
    )


def _norm_inputs(config: Config) -> NormInputs:
    norm = config.model.norm
    if norm is None:
        return NormInputs()
    adjustment = norm.adjustment
    return NormInputs(
        None if norm.batch_weights is None else np.asarray(norm.batch_weights, np.float32),
        None if norm.mask is None else np.asarray(norm.mask),
        None if adjustment is None else (adjustment.scale, adjustment.bias),
    )


def device_data(dataset: Dataset) -> Data:
    """Return the data set's splits on the device, as the program takes them."""
    import jax

    splits: dict[str, tuple[np.ndarray, np.ndarray]] = {
        name: (split.stored, split.targets)
        for name, split in (("train", dataset.train), ("valid", dataset.valid), ("test", dataset.test))
        if split is not None
    }
    return jax.block_until_ready(jax.device_put(splits))
