"""Parse calls such as "optax.chain(optax.clip(1.0), optax.adam(0.1))" without evaluating them."""

from __future__ import annotations

import ast
import hashlib
import keyword
import re
import sys
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from benchsuite.errors import OptionError, printable
from benchsuite.names import join_words, number_word

#: The name at the beginning of a text; names of treatments may have hyphens, and begin with digits.
_HEAD = re.compile(r"\w[\w.-]*(?::[^\W\d]\w*)?")

#: A string, which is skipped, or the colon of "module:name".
_COLON = re.compile(r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|\b([^\W\d][\w.]*):(?=[^\W\d])""")

#: Characters of the name of a call; the rest is replaced by a digest.
_LONGEST = 80

#: Characters of a text that are shown before and after a mistake.
_SHOWN = 60

#: Expressions of Python that are not part of the grammar, as errors name them.
_KINDS = {
    ast.Lambda: "a lambda expression",
    ast.ListComp: "a comprehension",
    ast.SetComp: "a comprehension",
    ast.DictComp: "a comprehension",
    ast.GeneratorExp: "a comprehension",
    ast.BinOp: "arithmetic",
    ast.UnaryOp: "an operator",
    ast.BoolOp: "an operator",
    ast.Compare: "a comparison",
    ast.Subscript: "an index",
    ast.Attribute: "an attribute of a value",
    ast.IfExp: "a condition",
    ast.JoinedStr: "a formatted string",
    ast.NamedExpr: "an assignment",
    ast.Set: "a set",
    ast.Starred: "an argument with a star",
}


@dataclass(frozen=True)
class Place:
    """A part of a text, at which errors point.

    Args:
        text: the whole text.
        start: index of its first character.
        end: index after its last one.
    """

    text: str
    start: int
    end: int

    def __str__(self) -> str:
        return self.text[self.start : self.end]

    def error(self, message: str, hint: str) -> OptionError:
        """Make an error that shows the text, with carets below the part."""
        first, last = max(0, self.start - _SHOWN), self.start + _SHOWN
        before = ("…" if first else "") + printable(self.text[first : self.start])
        part = printable(self.text[self.start : min(self.end, last)])
        after = printable(self.text[min(self.end, last) : last]) + ("…" if last < len(self.text) else "")
        carets = " " * len(before) + "^" * max(1, len(part))
        return OptionError(f"{message}\n    {before}{part}{after}\n    {carets}", hint)


@dataclass(frozen=True)
class Argument:
    """An argument of a call.

    Args:
        name: empty where it is given by position.
        value: a number, string, truth value, None, `Call`, or a list, tuple or dict of them.
        place: of the value.
    """

    name: str
    value: Any
    place: Place


@dataclass(frozen=True)
class Call:
    """A parsed call, or a name that is not called.

    Args:
        name: dotted, with a colon after the name of a module; empty where the result of a call is called.
        place: where it stands.
        arguments: in their order.
        called: whether it has parentheses.
        function: the call whose result is called, as in inject_hyperparams(adam)(0.1).
    """

    name: str
    place: Place
    arguments: tuple[Argument, ...] = ()
    called: bool = False
    function: Call | None = None

    @classmethod
    def parse(cls, text: str, hint: str) -> Call:
        """Parse "name", "name(1e-2, option=0.9)" or "name(other(1), [2, 'text'])".

        Args:
            text: to parse.
            hint: of the error.

        Raises:
            OptionError: it is none of them.
        """
        return _Parser(text, hint).parse()

    @property
    def label(self) -> str:
        """The call as the name of a treatment: "optax.adam-0.01", "positive-bias-bias-minus1"."""
        words = list(_words(self))
        label = join_words([self.root.name, *words[1:]])
        label = re.sub(r"[-.]*-[-.]*", "-", re.sub(r"\.{2,}", ".", label))
        if label and len(label) <= _LONGEST:
            return label
        digest = hashlib.sha256("\0".join(words).encode(errors="replace")).hexdigest()[:6]
        return f"{label[:_LONGEST].rpartition('-')[0] or label[:_LONGEST]}-{digest}".strip("-.")

    @property
    def root(self) -> Call:
        """The first of the calls whose results are called; the call itself where there is one."""
        return self.function.root if self.function else self

    @property
    def values(self) -> list[Any]:
        """The values of the arguments by position."""
        return [argument.value for argument in self.arguments if not argument.name]

    @property
    def options(self) -> dict[str, Any]:
        """The values of the arguments by name."""
        return {argument.name: argument.value for argument in self.arguments if argument.name}

    @property
    def is_nested(self) -> bool:
        """Whether an argument contains a call, or the result of a call is called."""
        return self.function is not None or any(map(_has_call, (argument.value for argument in self.arguments)))


def _has_call(value: Any) -> bool:
    if isinstance(value, dict):
        return any(map(_has_call, value.values()))
    return isinstance(value, Call) or (isinstance(value, list | tuple) and any(map(_has_call, value)))


def _words(value: Any) -> Iterator[str]:
    """The words of the label of a value."""
    if isinstance(value, Call):
        yield from _words(value.function) if value.function else [value.name.removeprefix("optax.")]
        for argument in value.arguments:
            yield from ([argument.name] if argument.name else [])
            yield from _words(argument.value)
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from (*_words(key), *_words(item))
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _words(item)
    else:
        yield re.sub(r"[^A-Za-z0-9]+", "-", value) if isinstance(value, str) else number_word(value)


@dataclass
class _Parser:
    """Converts the syntax tree of Python to calls.

    Args:
        text: to parse.
        hint: of the errors.
    """

    text: str
    hint: str
    source: str = field(init=False)

    def parse(self) -> Call:
        self.text = re.sub(r"\s", " ", self.text.strip())
        if not self.text:
            raise OptionError("the text is empty, not a name or a call", self.hint)
        head = _HEAD.match(self.text)
        self.source = _as_identifier(head[0] if head else "") + _without_colons(self.text[head.end() if head else 0 :])
        try:
            tree = self._tree()
            if not isinstance(tree, ast.Call | ast.Name | ast.Attribute):
                raise self._refusal(tree, "is not a name or a call")
            return self._call(tree)
        except (RecursionError, MemoryError) as error:
            raise OptionError(f"{self.text[:_SHOWN]!r}… is nested too deeply", self.hint) from error

    def _tree(self) -> ast.expr:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                return ast.parse(self.source, mode="eval").body
        except SyntaxError as error:
            start = min(max((error.offset or 1) - 1, 0), len(self.text))
            raise Place(self.text, start, start + 1).error(error.msg or "invalid syntax", self.hint) from error
        except (ValueError, OverflowError) as error:
            raise OptionError(f"{self.text!r} cannot be parsed: {error}", self.hint) from error

    def _place(self, node: ast.expr | ast.keyword) -> Place:
        encoded = self.source.encode()
        start, end = (len(encoded[:at].decode()) for at in (node.col_offset, node.end_col_offset or 0))
        return Place(self.text, start, end)

    def _refusal(self, node: ast.expr, message: str) -> OptionError:
        return self._place(node).error(f"{self._shown(node)} {message}", self.hint)

    def _shown(self, node: ast.expr) -> str:
        shown = str(self._place(node))
        return _KINDS.get(type(node), "this") if len(shown) > _SHOWN // 2 or type(node) in _KINDS else shown

    def _call(self, node: ast.expr) -> Call:
        if isinstance(node, ast.Name | ast.Attribute):
            return Call(self._name(node), self._place(node))
        if not isinstance(node, ast.Call):
            raise self._refusal(node, "cannot be called")
        function = self._call(node.func) if isinstance(node.func, ast.Call) else None
        name = "" if function else self._name(node.func)
        positional = [Argument("", self._value(value), self._place(value)) for value in node.args]
        named = [self._named(option) for option in node.keywords]
        return Call(name, self._place(node), (*positional, *named), called=True, function=function)

    def _named(self, option: ast.keyword) -> Argument:
        if option.arg is None:
            raise self._place(option).error("an argument with two stars is not supported", self.hint)
        return Argument(option.arg, self._value(option.value), self._place(option))

    def _name(self, node: ast.expr) -> str:
        below = node
        while isinstance(below, ast.Attribute):
            below = below.value
        if not isinstance(below, ast.Name):
            raise self._refusal(node, "is not a name of a function")
        return re.sub(r"\s", "", str(self._place(node)))

    def _value(self, node: ast.expr) -> Any:
        if isinstance(node, ast.Call | ast.Name | ast.Attribute):
            return self._call(node)
        if isinstance(node, ast.List | ast.Tuple):
            items = [self._value(item) for item in node.elts]
            return items if isinstance(node, ast.List) else tuple(items)
        if isinstance(node, ast.Dict):
            return {self._key(key, node): self._value(item) for key, item in zip(node.keys, node.values, strict=True)}
        return self._literal(node)

    def _literal(self, node: ast.expr) -> Any:
        match node:
            case ast.UnaryOp(op=ast.USub() | ast.UAdd(), operand=ast.Constant(value=int() | float())):
                return self._number(node.operand) * (-1 if isinstance(node.op, ast.USub) else 1)
            case ast.Constant(value=int() | float()):
                return self._number(node)
            case ast.Constant(value=str() | None):
                return node.value
            case _:
                raise self._refusal(node, "is not supported: expected a number, string, list, tuple, dict or call")

    def _key(self, key: ast.expr | None, node: ast.expr) -> Any:
        if not isinstance(key, ast.Constant) or not isinstance(key.value, str | int):
            raise self._refusal(key or node, "is not supported as a key of a dict")
        return key.value

    def _number(self, node: ast.expr) -> Any:
        value = node.value  # type: ignore[attr-defined]  # a constant
        if not abs(value) <= sys.float_info.max:
            raise self._refusal(node, "is too large a number")
        return value


def _as_identifier(name: str) -> str:
    """Replace what no name of Python can have, such as hyphens, keeping the length."""
    if keyword.iskeyword(name.partition(":")[0]):
        return name
    return re.sub(r"^\d|\W", "_", name)


def _without_colons(text: str) -> str:
    """Replace the colons of "module:name" outside of strings."""

    def replaced(found: re.Match[str]) -> str:
        name = found[1]
        return found[0] if name is None or keyword.iskeyword(name) else f"{name}_"

    return _COLON.sub(replaced, text)


def split_treatments(text: str) -> list[str]:
    """Split a text at the plus signs outside of parentheses and strings."""
    parts, depth, quote, escaped = [""], 0, "", False
    for character in text:
        if quote:
            quote = quote if escaped or character != quote else ""
            escaped = character == "\\" and not escaped
        elif character in "'\"" and depth:
            quote = character
        depth += 0 if quote else (character in "([{") - (character in ")]}")
        if character == "+" and depth <= 0 and not quote:
            parts.append("")
        else:
            parts[-1] += character
    return parts
