"""Read the kernels, graphs, loops and instructions of a function that XLA has compiled for a GPU, from its dumps.

The formats of these files are not documented: they are those of the version of jax that `gpu_ahead.json` names.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

#: What is launched on the device; the other kinds contain these, or move the host along.
LAUNCHED = ("kCustomKernel", "kKernel", "kCublasLtMatmul", "kGemm", "kCopy", "kMemset32BitValue", "kMemzero")
GRAPH, LOOP, CHOICE = "kCommandBuffer", "kWhile", "kConditional"

_THUNK = re.compile(r"^( *)(\d+): (\w+) +\[[^\]]*\] *(\S*)(?:.*?grid: \[([\d, ]+)\] threads: \[([\d, ]+)\])?")
_NAME = re.compile(r'profile_annotation: "([^"]*)"\s+thunk_id: (\d+)')
_INSTRUCTION = re.compile(r"^ +(?:ROOT )?%?(\S+) = (.+?) ([\w-]+)\((.*)")
_SHAPE = re.compile(r"\w+\[([\d,]*)\]")
_TRIPS = re.compile(r'"known_trip_count":\{"n":"(\d+)"\}')
_CALL = re.compile(r'custom_call_target="([^"]+)"')
_CONTRACTED = re.compile(r'"lhs_contracting_dimensions":\[([^\]]*)\]')
_PRECISION = re.compile(r'"operand_precision":\[([^\]]*)\]')
_ENTRY = re.compile(r"\.entry (\w+)\(.*?^\}", re.DOTALL | re.MULTILINE)
_ATOMIC = re.compile(r"^\s*(?:@\S+ )?(?:atom|red)\.", re.MULTILINE)


@dataclass
class Thunk:
    """One part of a program as the host runs it: a launch, a graph of launches, or a loop over them.

    Args:
        kind: such as "kCustomKernel".
        name: of its kernel; of the loop for a loop.
        threads: of all of its blocks.
        trips: of a loop; None where the host reads a condition after each.
        children: of a graph, loop or choice.
    """

    kind: str
    name: str = ""
    threads: int = 0
    trips: int | None = 1
    children: list[Thunk] = field(default_factory=list)

    @property
    def is_launch(self) -> bool:
        """Whether it is a launch, and contains no others."""
        return not self.children and self.kind in LAUNCHED

    def launches(self, times: int = 1) -> Iterator[tuple[Thunk, int]]:
        """Iterate over the launches, with the number of times that each runs; once in a loop of unknown length."""
        if not self.children:
            yield self, times
        for child in self.children:
            yield from child.launches(times * (self.trips or 1))

    def inside(self) -> Iterator[Thunk]:
        """Iterate over all parts of this one."""
        for child in self.children:
            yield child
            yield from child.inside()


@dataclass(frozen=True)
class Dump:
    """The files that XLA has written about one function.

    Args:
        program: the whole function.
        instructions: kernel → instructions of a thread, loops counted once.
        atomic: kernels with atomic operations.
        tensor_float: kernels that round to TensorFloat-32.
        calls: custom call → its target.
        products: multiplications of all products of matrices that are calls, by name.
        rounded: calls whose operands may be rounded.
    """

    program: Thunk
    instructions: dict[str, int]
    atomic: set[str]
    tensor_float: set[str]
    calls: dict[str, str]
    products: dict[str, int]
    rounded: set[str]

    @classmethod
    def read(cls, folder: Path) -> Dump:
        """Read the files of a folder with one program.

        Raises:
            ValueError: it has none, or several.
        """
        hlo = _only(folder, "*gpu_after_optimizations.txt")
        names = {int(number): name for name, number in _NAME.findall(_only(folder, "*thunk_metadata.txt"))}
        trips = {
            name: int(found[1]) if (found := _TRIPS.search(rest)) else None for name, _, rest in _lines(hlo, "while")
        }
        final = "*thunk_sequence_after_thunk_passes.txt"  # written where graphs are made
        sequence = _only(folder, final if list(folder.glob(final)) else "*thunk_sequence.txt")
        program = parse_thunks(sequence, names, trips)
        kernels = {found[1]: found[0] for path in folder.glob("*.ptx") for found in _ENTRY.finditer(path.read_text())}
        shapes = {name: shape for name, shape, _ in _lines(hlo)}
        calls = list(_lines(hlo, "custom-call"))
        return cls(
            program,
            {name: text.count(";\n") for name, text in kernels.items()},
            {name for name, text in kernels.items() if _ATOMIC.search(text)},
            {name for name, text in kernels.items() if "tf32" in text},
            {name: _CALL.search(rest)[1] for name, _, rest in calls},
            {name: _multiplications(shape, rest, shapes) for name, shape, rest in calls if "gemm" in rest},
            {
                name
                for name, _, rest in calls
                if (of := _PRECISION.search(rest)) and set(of[1].split(",")) != {'"HIGHEST"'}
            },
        )


def parse_thunks(text: str, names: dict[int, str], trips: dict[str, int | None]) -> Thunk:
    """Parse the sequence of thunks of a program; conditions of loops are left out where the host does not read them.

    Args:
        text: as XLA dumps it.
        names: number of a thunk → its name.
        trips: loop → its known number of trips.
    """
    whole = Thunk("program")
    path: list[tuple[int, Thunk]] = [(-1, whole)]
    skipped = -1
    for line in text.splitlines():
        if line.strip() == "condition:":
            skipped = path[-1][0] if path[-1][1].trips is not None else -1
        elif line.strip() == "body:":
            skipped = -1
        elif found := _THUNK.match(line):
            indent, number, kind, name = len(found[1]), int(found[2]), found[3], found[4]
            if -1 < skipped < indent:
                continue
            while path[-1][0] >= indent:
                path.pop()
            threads = math.prod(map(int, f"{found[5]}, {found[6]}".split(", "))) if found[5] else 0
            name = names.get(number, name) if kind in (LOOP, name) else name
            thunk = Thunk(kind, name, threads, trips.get(name) if kind == LOOP else 1)
            path[-1][1].children.append(thunk)
            path.append((indent, thunk))
    return whole


def training_step(program: Thunk, steps: int) -> Thunk:
    """Find the loop over the optimiser steps: the innermost that, with the loops around it, runs most of them.

    Args:
        program: trains from one evaluation to the next.
        steps: optimiser steps that it takes; the last of an epoch may stand after the loop.
    """
    found, times = program, 1
    while times < steps // 2:
        loops = [part for part in found.inside() if part.kind == LOOP]
        if not loops:
            break
        found = max(loops, key=lambda loop: sum(times for _, times in loop.launches()))
        times *= found.trips or steps
    return found


def _only(folder: Path, pattern: str) -> str:
    paths = list(folder.glob(pattern))
    if len(paths) != 1:
        raise ValueError(f"{folder} has {len(paths)} files {pattern}; expected 1")
    return paths[0].read_text()


def _lines(hlo: str, operation: str = "") -> Iterator[tuple[str, str, str]]:
    """Iterate over the instructions of a module, (name, shape, the rest of the line), or those of one kind."""
    for line in hlo.splitlines():
        if (found := _INSTRUCTION.match(line)) and operation in ("", found[3]):
            yield found[1], found[2], found[4]


def _dimensions(shape: str) -> list[int]:
    """The dimensions of an array, or of the first one of a tuple."""
    found = _SHAPE.search(shape)
    return [int(size) for size in found[1].split(",") if size] if found else []


def _multiplications(shape: str, rest: str, shapes: dict[str, str]) -> int:
    """Count the multiplications of a product of matrices."""
    left = _dimensions(shapes[rest.partition(",")[0].strip().lstrip("%")])
    contracted = [int(axis.strip('"')) for axis in _CONTRACTED.search(rest)[1].split(",") if axis]
    return math.prod(_dimensions(shape)) * math.prod(left[axis] for axis in contracted)
