"""Article 003, "BN lab on MNIST": what it states of its one run, with batch norm (mnist_bn) and without (mnist)."""

from bnlab.compare import Stated

STATED = {
    "mnist": {
        "test_loss": Stated(0.23670065, 1e-8),
        "test_accuracy": Stated(0.9449, 1e-4),
        "valid_loss": Stated(0.23571, 1e-5),
        "valid_accuracy": Stated(0.9426, 1e-4),
    },
    "mnist_bn": {
        "test_loss": Stated(0.105519876, 1e-9),
        "test_accuracy": Stated(0.9713, 1e-4),
        "valid_loss": Stated(0.10053, 1e-5),
        "valid_accuracy": Stated(0.9720, 1e-4),
    },
}
"""{shipped config: {metric: its final value}}: on test after training, on validation after the last of the ten epochs."""
