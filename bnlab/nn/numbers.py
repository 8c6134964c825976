"""The numbers of a config as arguments of a compiled function; what is left of the config decides what is compiled.

A learning rate, a momentum or an epsilon changes no shape and no branch of a program. So the option classes (`BatchNorm`,
`MLP`, `Optimizer`, …) are trees whose leaves are such numbers: two configs of one tree structure share a compiled program,
which takes their numbers as one array.

    structure, numbers = split(options)      # outside: what to compile, and what to call it with
    options = join(structure, numbers)       # inside: the options again, with a `Number` for each number
"""

import dataclasses
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Float


@jax.tree_util.register_pytree_node_class
class Number:
    """A number inside a compiled function: its `value`, and `complement` = 1 − value.

    Both are rounded from double precision. So `1 - number` is what it is for a Python float (1 − 0.999 rounds to
    0.001), where float32 arithmetic would give 0.00099998713. In all else a Number acts as its value. It counts as true,
    since a number that switches something off at 0 is no leaf there (`register_options`).
    """

    def __init__(self, value: Array, complement: Array):
        self.value, self.complement = value, complement

    def tree_flatten(self) -> tuple[tuple[Array, Array], None]:
        """Return value and complement: optax hands numbers to functions that it compiles by itself."""
        return (self.value, self.complement), None

    @classmethod
    def tree_unflatten(cls, _: None, children: tuple[Array, Array]) -> "Number":
        """Return the number again."""
        return cls(*children)

    def __jax_array__(self) -> Array:
        return self.value

    def __rsub__(self, other: Any) -> Array:
        return self.complement if isinstance(other, int | float) and other == 1 else other - self.value

    def __sub__(self, other: Any) -> Array:
        return self.value - other

    def __neg__(self) -> Array:
        return -self.value

    def __add__(self, other: Any) -> Array:
        return self.value + other

    def __mul__(self, other: Any) -> Array:
        return self.value * other

    def __truediv__(self, other: Any) -> Array:
        return self.value / other

    def __rtruediv__(self, other: Any) -> Array:
        return other / self.value

    def __pow__(self, other: Any) -> Array:
        return self.value**other

    __radd__, __rmul__ = __add__, __mul__


Scalar = float | Number
"""A number of a formula: a Python float, or inside a compiled function one of its arguments."""


Structure = Any
"""A PyTreeDef: all of the options but their numbers. Two of them are equal where the same is compiled for both."""


def split(options: Any) -> tuple[Structure, Float[np.ndarray, "leaves pair"]]:
    """Return the structure of the options and their numbers, each with its complement, in the structure's order."""
    leaves, structure = jax.tree.flatten(options)
    exact = np.asarray(leaves, np.float64).reshape(-1, 1)
    return structure, np.hstack([exact, 1.0 - exact]).astype(np.float32)


def join(structure: Structure, numbers: Float[Array, "leaves pair"]) -> Any:
    """Return the options of this structure with these numbers: the inverse of `split`, for use inside a compiled function."""
    return jax.tree.unflatten(structure, [Number(value, complement) for value, complement in numbers])


def square_root(number: Any) -> Any:
    """Return the square root of a Python float (in double precision) or of a `Number` (in its own)."""
    return jnp.sqrt(number.value) if isinstance(number, Number) else np.sqrt(number)


def register_options(cls: type, numbers: Sequence[str], *, off_at_zero: Sequence[str] = ()) -> None:
    """Make the frozen dataclass `cls` a tree: the fields `numbers` are its leaves or subtrees, the others its structure.

    A field of `off_at_zero` that is 0 belongs to the structure too: what it scales is not computed.
    """
    others = [field.name for field in dataclasses.fields(cls) if field.name not in numbers]

    def flatten(options: Any) -> tuple[list[Any], tuple[Any, ...]]:
        children = [getattr(options, name) for name in numbers]
        children = [None if name in off_at_zero and _is_zero(c) else c for name, c in zip(numbers, children, strict=True)]
        return children, tuple(getattr(options, name) for name in others)

    def unflatten(static: tuple[Any, ...], children: Sequence[Any]) -> Any:
        options = object.__new__(cls)  # not checked: a leaf may be a tracer, and was checked when it was a number
        for name, child in zip(numbers, children, strict=True):
            object.__setattr__(options, name, 0.0 if name in off_at_zero and child is None else child)
        for name, value in zip(others, static, strict=True):
            object.__setattr__(options, name, value)
        return options

    jax.tree_util.register_pytree_node(cls, flatten, unflatten)


def _is_zero(value: Any) -> bool:
    return isinstance(value, int | float) and value == 0
