"""The files that XLA dumps about programs for a GPU are read, and the page shows the pinned figures."""

from __future__ import annotations

import json
import re
import sys
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parent.parent

THUNKS = """\
000: kCommandBuffer [source       | next=006 (1)]
    001: kCustomKernel [source       | sink        ] loop_add_fusion_2 grid: [128, 1, 1] threads: [128, 1, 1]
006: kWhile         [prev=000 (1) | next=000 (1)]
condition:
    007: kCustomKernel [source | sink] loop_compare_fusion grid: [1, 1, 1] threads: [1, 1, 1]
  body:
    000: kCommandBuffer [source | sink]
        008: kCublasLtMatmul [source | next=009 (1)] kCublasLtMatmul
        009: kCustomKernel [prev=008 (1) | sink] input_reduce_fusion grid: [4, 1, 1] threads: [256, 1, 1]
010: kWhile         [prev=000 (1) | next=000 (1)]
condition:
    011: kCustomKernel [source | sink] loop_compare_fusion_1 grid: [1, 1, 1] threads: [1, 1, 1]
  body:
    012: kCustomKernel [source | sink] loop_add_fusion grid: [1, 1, 1] threads: [64, 1, 1]
"""

METADATA = "".join(
    f'thunk_metadata {{\n  thunk_info {{\n    profile_annotation: "{name}"\n    thunk_id: {number}\n  }}\n}}\n'
    for number, name in {6: "while.6", 8: "custom-call.1", 10: "while.7"}.items()
)

HLO = """\
  %a = f32[2,8,16]{2,1,0} parameter(0)
  %b = f32[2,16,4]{2,1,0} parameter(1)
  %custom-call.1 = (f32[2,8,4]{2,1,0}, s8[64]{0}) custom-call(%a, %b), custom_call_target="__cublas$lt$matmul", \
backend_config={"gemm_backend_config":{"dot_dimension_numbers":{"lhs_contracting_dimensions":["2"]},\
"precision_config":{"operand_precision":["HIGHEST","HIGHEST"]}}}
  %while.6 = (s32[]) while(%t), condition=%c, body=%b, backend_config={"known_trip_count":{"n":"100"}}
  %while.7 = (s32[]) while(%t), condition=%c, body=%b
"""

PTX = """\
.visible .entry input_reduce_fusion(
)
{
	add.s32 %r1, %r2, %r3;
	atom.global.add.f32 %f1, [%rd1], %f2;
	ret;
}
"""


@pytest.fixture
def programs(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The module that reads dumps."""
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    monkeypatch.delitem(sys.modules, "gpu_programs", raising=False)
    return import_module("gpu_programs")


def test_dumps_are_read(programs: ModuleType, tmp_path: Path) -> None:
    """Loops, graphs, launches, products and atomic operations are found, and the loop of the training step."""
    for name, text in {
        "m.thunk_sequence_after_thunk_passes.txt": THUNKS,
        "m.thunk_metadata.txt": METADATA,
        "m.sm_gpu_after_optimizations.txt": HLO,
        "m.1.ptx": PTX,
    }.items():
        (tmp_path / name).write_text(text)

    dump = programs.Dump.read(tmp_path)

    step = programs.training_step(dump.program, 100)
    assert (step.name, step.trips, [child.kind for child in step.children]) == ("while.6", 100, ["kCommandBuffer"])
    assert [(part.name, times) for part, times in step.launches()] == [
        ("custom-call.1", 100),
        ("input_reduce_fusion", 100),
    ]
    assert [part.name for part in dump.program.inside() if part.kind == "kWhile" and part.trips is None] == ["while.7"]
    assert "loop_compare_fusion_1" in {part.name for part in dump.program.inside()}  # the host waits for this one
    assert dump.products == {"custom-call.1": 2 * 8 * 4 * 16}
    assert (dump.atomic, dump.rounded, dump.tensor_float) == ({"input_reduce_fusion"}, set(), set())
    assert dump.instructions == {"input_reduce_fusion": 3}


def test_the_page_shows_the_pinned_figures() -> None:
    """A case a row, in the order of the names, with its lanes and kernels."""
    cases = json.loads((ROOT / "benchmarks" / "gpu_ahead.json").read_text())["cases"]
    page = (ROOT / "docs" / "explanation" / "gpu.md").read_text()
    table = page.partition("<!-- Written by benchmarks/gpu_ahead.py --renew. -->")[2]
    rows = re.findall(r"^\| ([\w.-]+) \| ([\d,]+) \| (\d+) \|", table, re.MULTILINE)

    assert rows == [(name, f"{of['lanes']:,}", str(of["kernels"])) for name, of in sorted(cases.items())]
