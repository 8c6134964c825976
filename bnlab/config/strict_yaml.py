"""Strict YAML: a key given twice is an error, and 1e-3 is a number."""

import re
from typing import Any

import yaml

from bnlab.errors import UserError


class _Loader(yaml.SafeLoader):
    """Safe YAML in which a key given twice is an error and 1e-3 is a number, as YAML 1.2 has it.

    Aliases are refused: a few lines of them can stand for more values than any memory holds.
    """

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            event = self.peek_event()
            raise yaml.MarkedYAMLError(problem="an alias (*name), which configs cannot have", problem_mark=event.start_mark)
        return super().compose_node(parent, index)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[object] = set()
        for key_node, _ in node.value if isinstance(node, yaml.MappingNode) else ():
            key = self.construct_object(key_node, deep=True)
            if not isinstance(key, str):
                raise yaml.constructor.ConstructorError(None, None, f"the key {key!r} is not text", key_node.start_mark)
            if key in seen:
                raise yaml.constructor.ConstructorError(None, None, f"the key '{key}' is given twice", key_node.start_mark)
            seen.add(key)
        return super().construct_mapping(node, deep)


_RESOLVERS = {  # without YAML 1.1's numbers, to which 0:16 is 16 and 1e-3 is text
    first: [(tag, pattern) for tag, pattern in resolvers if tag not in ("tag:yaml.org,2002:int", "tag:yaml.org,2002:float")]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


_Fastest: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _OwnLoader(_Fastest):
    """The same numbers, by libyaml where PyYAML has it: ten times as fast, and without the checks."""


for _loader in (_Loader, _OwnLoader):
    _loader.yaml_implicit_resolvers = {first: list(resolvers) for first, resolvers in _RESOLVERS.items()}
    _loader.add_implicit_resolver("tag:yaml.org,2002:int", re.compile(r"^[-+]?(0|[1-9][0-9]*)$"), list("-+0123456789"))
    _loader.add_implicit_resolver(
        "tag:yaml.org,2002:float",
        re.compile(r"^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$|^[-+]?\.(inf|Inf|INF)$|^\.(nan|NaN|NAN)$"),
        list("-+0123456789."),
    )


def load_own_yaml(text: str) -> Any:
    """Return what a text holds that bnlab itself wrote; a text of anybody else may crash the process."""
    return yaml.load(text, _OwnLoader)


def load_yaml(text: str, place: str, *, argument: str | None = None) -> Any:
    """Return what the text holds; `place` and `argument` say in errors where it came from. Raises: UserError."""

    def refuse(problem: str) -> UserError:
        return UserError(f"{place}: {problem}", argument=argument)

    try:
        return yaml.load(text, _Loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        where = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        raise refuse(f"{where}{error.problem or 'this is not YAML'}") from None
    except (yaml.YAMLError, ValueError) as error:
        raise refuse(f"this is not YAML: {str(error).splitlines()[0]}") from None
    except (LookupError, AttributeError, TypeError):  # from PyYAML itself, as of '!!bool x' or '!!timestamp x'
        raise refuse("a value does not fit its !!tag") from None
    except RecursionError:
        raise refuse("values are nested too deeply") from None
