"""YAML as a study file needs it, and no more of it: one plain value for each key.

Read by PyYAML's safe loader, which builds plain values and runs nothing. Beyond that, a key that
stands twice is an error (YAML's own rule, which PyYAML does not keep: the last one would win in
silence), and so is an alias: nine lines of aliases to aliases can mean a billion values, and a
study file needs none. Numbers are decimal as they look: YAML 1.1, which PyYAML reads, would take
010 for eight and 1:04 for sixty-four.
"""

from __future__ import annotations

import re
from collections.abc import Hashable
from typing import Any

import yaml

MOST_CHARACTERS = 100_000
"""A longer text is no study file, and only costs time."""


class StrictYamlError(ValueError):
    """What is wrong with a text, in one line."""


class _Loader(yaml.SafeLoader):
    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.events.AliasEvent):
            event: Any = self.peek_event()  # type: ignore[no-untyped-call]
            raise yaml.composer.ComposerError(
                None, None, f"an alias, *{event.anchor}: write the value out", event.start_mark
            )
        return super().compose_node(parent, index)

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Hashable, Any]:
        known: set[Hashable] = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if isinstance(key, Hashable):
                if key in known:
                    raise yaml.constructor.ConstructorError(
                        None, None, f"the key {key!r} stands there twice", key_node.start_mark
                    )
                known.add(key)
        return super().construct_mapping(node, deep)

    def construct_yaml_int(self, node: Any) -> int:
        number = super().construct_yaml_int(node)
        self._refuse_old_number(node, number)
        return number

    def construct_yaml_float(self, node: Any) -> float:
        number = super().construct_yaml_float(node)
        self._refuse_old_number(node, number)
        return number

    def _refuse_old_number(self, node: Any, number: float) -> None:
        """Refuse octal and base-60 numbers, which nobody who types them here means."""
        text = str(node.value)
        if ":" in text or re.fullmatch(r"[-+]?0[0-7_]+", text):
            raise yaml.constructor.ConstructorError(
                None,
                None,
                f"{text} would mean {number} in YAML 1.1: write the number without a leading zero "
                "or colon, or text in quotes",
                node.start_mark,
            )


_Loader.add_constructor("tag:yaml.org,2002:int", _Loader.construct_yaml_int)
_Loader.add_constructor("tag:yaml.org,2002:float", _Loader.construct_yaml_float)


def read_yaml(text: str) -> Any:
    """The value that `text` means.

    Raises:
        StrictYamlError: it is not YAML, too long, nested too deeply, or holds aliases, a key twice,
            or an octal or base-60 number.
    """
    if len(text) > MOST_CHARACTERS:
        raise StrictYamlError(f"more than {MOST_CHARACTERS:,} characters are too many for a study")
    try:
        return yaml.load(text, Loader=_Loader)  # which is a SafeLoader: see above
    except RecursionError:
        raise StrictYamlError("it is nested too deeply") from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        raise StrictYamlError(f"{place}{_line(error.problem or error)}") from None
    # PyYAML's constructors raise nearly everything on odd values: the month 13, the integer "zz".
    except Exception as error:
        raise StrictYamlError(_line(error)) from None


def _line(text: object) -> str:
    return " ".join(str(text).split())[:200]
