"""The numbers of a config as arguments of a compiled function. The rest of the config decides what is compiled.

A learning rate, a momentum or an epsilon changes no shape and no branch of a program. So the option classes (`BatchNorm`,
`MLP`, `Optimizer`, …) are trees whose leaves are such numbers. Two configs with the same tree structure share a compiled
program, which takes their numbers as one array.

    structure, numbers = split(options)      # outside: the part to compile, and the arguments to call it with
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

    Both are rounded from double precision. So `1 - number` has the same value as for a Python float: 1 − 0.999 rounds to
    0.001, while float32 arithmetic would give 0.00099998713. In every other operation a Number acts as its value. A Number
    is always true, because a number that switches something off at 0 is not a leaf when it is 0 (`register_options`).
    """

    def __init__(self, value: Array, complement: Array):
        self.value, self.complement = value, complement

    def tree_flatten(self) -> tuple[tuple[Array, Array], None]:
        """Return value and complement. A Number is a tree because optax passes it to functions that optax compiles."""
        return (self.value, self.complement), None

    @classmethod
    def tree_unflatten(cls, _: None, children: tuple[Array, Array]) -> "Number":
        """Return the number with these two values: the inverse of `tree_flatten`."""
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
"""A number in a formula: a Python float, or, inside a compiled function, one of its arguments."""


Structure = Any
"""A PyTreeDef: the options without their numbers. Options with equal structures share one compiled program."""


def split(options: Any) -> tuple[Structure, Float[np.ndarray, "leaves pair"]]:
    """Return the structure of the options and their numbers, each with its complement, in the structure's order."""
    leaves, structure = jax.tree.flatten(options)
    exact = np.asarray(leaves, np.float64).reshape(-1, 1)
    return structure, np.hstack([exact, 1.0 - exact]).astype(np.float32)


def join(structure: Structure, numbers: Float[Array, "leaves pair"]) -> Any:
    """Return the options of this structure with these numbers: the inverse of `split`, for use inside a compiled function."""
    return jax.tree.unflatten(structure, [Number(value, complement) for value, complement in numbers])


def square_root(number: Any) -> Any:
    """Return the square root of a Python float (in double precision) or of a `Number` (in the precision of its value)."""
    return jnp.sqrt(number.value) if isinstance(number, Number) else np.sqrt(number)


def register_options(cls: type, numbers: Sequence[str], *, off_at_zero: Sequence[str] = ()) -> None:
    """Make the frozen dataclass `cls` a tree. The fields `numbers` are its leaves or subtrees, the others its structure.

    A field in `off_at_zero` belongs to the structure when it is 0. The program then skips the term that the field scales.
    """
    others = [field.name for field in dataclasses.fields(cls) if field.name not in numbers]

    def flatten(options: Any) -> tuple[list[Any], tuple[Any, ...]]:
        children = [getattr(options, name) for name in numbers]
        children = [None if name in off_at_zero and _is_zero(c) else c for name, c in zip(numbers, children, strict=True)]
        return children, tuple(getattr(options, name) for name in others)

    def unflatten(static: tuple[Any, ...], children: Sequence[Any]) -> Any:
        options = object.__new__(cls)  # no checks here: a leaf may be a tracer; its number was checked before
        for name, child in zip(numbers, children, strict=True):
            object.__setattr__(options, name, 0.0 if name in off_at_zero and child is None else child)
        for name, value in zip(others, static, strict=True):
            object.__setattr__(options, name, value)
        return options

    jax.tree_util.register_pytree_node(cls, flatten, unflatten)


def _is_zero(value: Any) -> bool:
    return isinstance(value, int | float) and value == 0
