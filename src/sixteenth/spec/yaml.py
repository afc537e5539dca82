"""A strict subset of YAML for study files.

It uses PyYAML's safe loader, which builds plain values and runs no code. In addition, there are
errors for

- duplicate keys, as the YAML standard says; PyYAML silently keeps the last one;
- aliases: nine lines of aliases to aliases can expand to a billion values;
- octal and base-60 numbers of YAML 1.1, such as 010 (8) and 1:04 (64).
"""

from __future__ import annotations

import math
import re
from collections.abc import Hashable
from typing import Any

import yaml

from ..messages import one_line

MAX_CHARACTERS = 100_000
"""A longer text is rejected, since parsing it would take long."""


QUOTE_STAR = '; a text that begins with * needs quotes, such as "*_mask.png"'
"""After an alias, or what PyYAML takes for one: users of a study file write patterns."""


class StrictYamlError(ValueError):
    """A text is not valid; the message is one line."""


class _Loader(yaml.SafeLoader):
    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.events.AliasEvent):
            event: Any = self.peek_event()  # type: ignore[no-untyped-call]
            raise yaml.composer.ComposerError(
                None,
                None,
                f"an alias, *{event.anchor}: write the value out{QUOTE_STAR}",
                event.start_mark,
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

    def construct_number(self, node: Any) -> float:
        """An int or a float, but none in octal or base-60 notation, which users do not expect."""
        is_int = node.tag == "tag:yaml.org,2002:int"
        number = (self.construct_yaml_int if is_int else self.construct_yaml_float)(node)
        text = str(node.value)
        if ":" in text or re.fullmatch(r"[-+]?0[0-7_]+", text):
            raise yaml.constructor.ConstructorError(
                None,
                None,
                f"{text} would mean {number} in YAML 1.1: write the number without a leading zero "
                "or colon, or text in quotes",
                node.start_mark,
            )
        return number


for _tag in ("tag:yaml.org,2002:int", "tag:yaml.org,2002:float"):
    _Loader.add_constructor(_tag, _Loader.construct_number)


def read_yaml(text: str) -> Any:
    """The value of a YAML text.

    Raises:
        StrictYamlError: it is not YAML, too long, nested too deeply, or has an alias, a duplicate
            key, or an octal or base-60 number.
    """
    if len(text) > MAX_CHARACTERS:
        raise StrictYamlError(f"more than {MAX_CHARACTERS:,} characters are too many for a study")
    try:
        return yaml.load(text, Loader=_Loader)  # a SafeLoader
    except RecursionError:
        raise StrictYamlError("it is nested too deeply") from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        hint = QUOTE_STAR if error.context == "while scanning an alias" else ""
        raise StrictYamlError(f"{place}{one_line(error.problem or error)[:200]}{hint}") from None
    # PyYAML's constructors raise nearly any exception on invalid values, such as the month 13.
    except Exception as error:
        raise StrictYamlError(one_line(error)[:200]) from None


def quote(text: str) -> str:
    """`text` as one line of YAML that is a text, whatever it looks like.

    JSON's escapes are none of YAML's: a character above U+FFFF would become two.
    """
    return yaml.safe_dump(text, default_style='"', width=math.inf).rstrip("\n")


def as_item(text: str) -> str:
    """`text` as it may stand in a list in brackets: in quotes where it would be read otherwise."""
    try:
        plain = read_yaml(f"[{text}]") == [text]
    except StrictYamlError:
        plain = False
    return text if plain else quote(text)
