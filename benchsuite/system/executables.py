"""Copy a compiled program to another device, by undocumented parts of JAX: see `compat`."""

from __future__ import annotations

import io
from typing import Any


def copy_program(compiled: Any, device: Any) -> Any:
    """Copy a program that was compiled for one device to another of the same kind, without compiling it again.

    Returns:
        The program, which is the same to the last instruction; None where this version of JAX or the kind of device
        cannot do this.
    """
    if device.platform != "cpu":  # not tried on accelerators
        return None
    try:
        return _copied(compiled, device)
    except Exception:  # noqa: BLE001  # the parts are undocumented, and a program that is not copied is compiled
        return None


def _copied(compiled: Any, device: Any) -> Any:
    import jax
    import numpy as np
    from jax._src.compiler import get_compile_options
    from jax.experimental import serialize_executable

    class Relocation(serialize_executable._JaxPjrtUnpickler):  # noqa: SLF001
        """Replaces each device by the new one, which the public function does for devices of the same number alone."""

        def persistent_load(self, pid: Any) -> Any:
            if pid[0] == "device":
                return device
            if pid[0] != "exec":
                return super().persistent_load(pid)  # type: ignore[no-untyped-call]
            options = get_compile_options(num_replicas=1, num_partitions=1, device_assignment=np.array([[device.id]]))
            return self.backend.deserialize_executable(pid[1], self.execution_devices, options)

    content, arguments, results = serialize_executable.serialize(compiled)
    unpickler = Relocation(io.BytesIO(content), device.client, [device])  # type: ignore[no-untyped-call]
    loaded, described, no_keywords = unpickler.load()
    given = arguments.unflatten(described)
    return jax.stages.Compiled(loaded.load(), [], given, results, no_kwargs=no_keywords)
