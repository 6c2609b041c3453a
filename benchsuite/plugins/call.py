"""Parse a call such as "adam(learning_rate=0.1)" without evaluating it."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from benchsuite.case import join_words, number_word, options_of
from benchsuite.errors import OptionError, near_matches

_CALL = re.compile(r"(?P<name>[A-Za-z_][\w.-]*(?::[A-Za-z_]\w*)?)\s*(?:\((?P<options>.*)\))?", re.DOTALL)


@dataclass(frozen=True)
class Call:
    """A parsed call: a name and its arguments.

    Args:
        name: dotted, with a colon after the name of a module.
        values: positional arguments.
        options: keyword arguments: name -> number or truth value.
        text: of the call.
    """

    name: str
    values: tuple[float, ...]
    options: Mapping[str, float]
    text: str

    @classmethod
    def parse(cls, text: str, hint: str) -> Call:
        """Parse "name" or "name(1e-2, option=0.9)".

        Args:
            text: to parse.
            hint: of the error.

        Raises:
            OptionError: it is neither.
        """
        match = _CALL.fullmatch(text.strip())
        if not match:
            raise OptionError(f"{text!r} is not a name, optionally with numbers in parentheses", hint)
        try:
            values, options = _numbers(match["options"] or "")
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            raise OptionError(f"{text!r} cannot be parsed: {_reason(error)}", hint) from error
        return cls(match["name"], values, options, text)

    @property
    def label(self) -> str:
        """The call as the name of a treatment: "optax.adam-0.01", "positive-bias-bias-minus1"."""
        words = [self.name, *map(number_word, self.values)]
        return join_words([*words, *(word for name, n in self.options.items() for word in (name, number_word(n)))])

    def bind(self, factory: Callable[..., Any], arguments: int = 0) -> dict[str, float]:
        """Bind the arguments to the options of a function: name -> value.

        Args:
            factory: the function.
            arguments: number of its leading parameters that are no options.

        Raises:
            OptionError: it has no such option, or one is given twice.
        """
        try:
            known = options_of(factory, arguments)
        except (TypeError, ValueError) as error:
            raise OptionError(f"{self.text!r}: {self.name} has no options to set", "omit the parentheses") from error
        if len(self.values) > len(known):
            raise OptionError(
                f"{self.text!r} gives {len(self.values)} values, {self.name} has {len(known)} options",
                f"its options are {', '.join(known) or 'none'}",
            )
        bound: dict[str, float] = dict(zip(known, self.values, strict=False))
        for name, value in self.options.items():
            if name not in known:
                raise OptionError(f"{self.text!r}: {self.name} has no option {name!r}", near_matches(name, known))
            if name in bound:
                raise OptionError(f"{self.text!r} gives {name} twice", "give it once")
            bound[name] = value
        return bound


def _reason(error: BaseException) -> str:
    return error.msg if isinstance(error, SyntaxError) else str(error) or type(error).__name__


def _numbers(text: str) -> tuple[tuple[float, ...], dict[str, float]]:
    """Parse the arguments between the parentheses."""
    call = ast.parse(f"call({text})", mode="eval").body
    if not isinstance(call, ast.Call) or ast.unparse(call.func) != "call":
        raise ValueError("the parentheses do not match")
    options: dict[str, float] = {}
    for keyword in call.keywords:
        if keyword.arg is None:
            raise ValueError("** is not supported")
        options[keyword.arg] = _number(keyword.value)
    return tuple(_number(value) for value in call.args), options


def _number(tree: ast.expr) -> float:
    if isinstance(tree, ast.UnaryOp) and isinstance(tree.op, ast.USub | ast.UAdd):
        return _number(tree.operand) * (-1 if isinstance(tree.op, ast.USub) else 1)
    if isinstance(tree, ast.Constant) and isinstance(tree.value, int | float):
        if not abs(tree.value) <= sys.float_info.max:
            raise ValueError("a number in it is too large")
        return tree.value
    raise ValueError(f"{ast.unparse(tree)} is not a number")
