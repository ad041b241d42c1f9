"""Values that stay, and inputs and outputs bound for many runs, under onnxruntime's names."""

from __future__ import annotations

from typing import Any

import numpy as np

from . import _dtypes
from .errors import InvalidArgument, NotImplemented


def _cpu(device_type: Any) -> None:
    if str(device_type).lower() not in ("cpu", "cpu:0"):
        raise NotImplemented(f"memory of device '{device_type}', expected 'cpu'")


class OrtValue:
    """A value outside a session. On a CPU that is the NumPy array, list or dict itself."""

    def __init__(self, value: Any) -> None:
        self._value = value

    @staticmethod
    def ortvalue_from_numpy(array: np.ndarray, device_type: str = "cpu", device_id: int = 0) -> OrtValue:
        _cpu(device_type)
        return OrtValue(np.ascontiguousarray(array))

    @staticmethod
    def ortvalue_from_shape_and_type(shape, element_type, device_type: str = "cpu", device_id: int = 0) -> OrtValue:
        """Memory that is not initialised."""
        _cpu(device_type)
        return OrtValue(np.empty(tuple(shape), element_type))

    def numpy(self) -> Any:
        return self._value

    def is_tensor(self) -> bool:
        return isinstance(self._value, np.ndarray)

    def is_tensor_sequence(self) -> bool:
        return isinstance(self._value, list)

    def is_sparse_tensor(self) -> bool:
        return False

    def has_value(self) -> bool:
        return self._value is not None

    def shape(self) -> list[int]:
        return list(self._value.shape)

    def data_type(self) -> str:
        return f"tensor({_dtypes.NAMES[_dtypes.FROM_NUMPY.get(self._value.dtype, _dtypes.STRING)]})"

    def element_type(self) -> int:
        return _dtypes.FROM_NUMPY.get(self._value.dtype, _dtypes.STRING)

    def device_name(self) -> str:
        return "cpu"

    def data_ptr(self) -> int:
        return self._value.ctypes.data

    def tensor_size_in_bytes(self) -> int:
        return self._value.nbytes

    def update_inplace(self, array: np.ndarray) -> None:
        if array.shape != self._value.shape or array.dtype != self._value.dtype:
            raise InvalidArgument(
                f"an array {array.dtype}{list(array.shape)}, expected {self._value.dtype}{self.shape()}")
        np.copyto(self._value, array)


class IOBinding:
    """Inputs and outputs of a session, bound once and run many times."""

    def __init__(self, session) -> None:
        self._session = session
        self._feed: dict[str, Any] = {}
        self._wanted: dict[str, Any] = {}
        self._results: list[Any] = []

    def bind_cpu_input(self, name: str, array: np.ndarray) -> None:
        if name not in self._session._input_place:
            raise InvalidArgument(
                f"the model has no input '{name}', expected one of {list(self._session._input_place)}")
        self._feed[name] = array

    def bind_ortvalue_input(self, name: str, value: OrtValue) -> None:
        self.bind_cpu_input(name, value._value)

    def bind_input(self, name, device_type, device_id, element_type, shape, buffer_ptr) -> None:
        _cpu(device_type)
        self.bind_cpu_input(name, _array_at(buffer_ptr, element_type, shape))

    def bind_output(
        self, name, device_type="cpu", device_id=0, element_type=None, shape=None, buffer_ptr=None
    ) -> None:
        """Without `buffer_ptr` the run makes memory for the output."""
        _cpu(device_type)
        target = None if buffer_ptr is None else _array_at(buffer_ptr, element_type, shape)
        self._bind(name, target)

    def bind_ortvalue_output(self, name: str, value: OrtValue) -> None:
        self._bind(name, value._value)

    def _bind(self, name: str, target) -> None:
        self._session._places([name])
        if target is not None and (target.dtype not in _dtypes.FROM_NUMPY or not target.flags.c_contiguous
                                   or not target.flags.writeable):
            raise InvalidArgument(f"output '{name}' needs a writable contiguous array of a dense dtype")
        self._wanted[name] = target

    def synchronize_inputs(self) -> None:
        """Memory of the CPU is always ready."""

    synchronize_outputs = synchronize_inputs

    def _run(self, run_options) -> None:
        names = list(self._wanted)
        targets = list(self._wanted.values())
        places = self._session._places(names)
        results = self._session._run(places, self._feed, run_options, targets)
        for name, target, result in zip(names, targets, results):
            if target is not None and result is not target:
                raise InvalidArgument(
                    f"output '{name}' is {result.dtype}{list(result.shape)}, bound to memory for "
                    f"{target.dtype}{list(target.shape)}")
        self._results = results

    def get_outputs(self) -> list[OrtValue]:
        return [OrtValue(r) for r in self._results]

    def copy_outputs_to_cpu(self) -> list[Any]:
        return [r.copy() if isinstance(r, np.ndarray) else r for r in self._results]

    def clear_binding_inputs(self) -> None:
        self._feed.clear()

    def clear_binding_outputs(self) -> None:
        self._wanted.clear()
        self._results = []


class _Pointer:
    def __init__(self, pointer: int, size: int) -> None:
        self.__array_interface__ = {"data": (pointer, False), "shape": (size,), "typestr": "|u1", "version": 3}


def _array_at(pointer: int, element_type: Any, shape) -> np.ndarray:
    """An array over memory that the caller keeps."""
    dtype = np.dtype(_dtypes.TO_NUMPY[element_type] if isinstance(element_type, int) else element_type)
    size = int(np.prod(tuple(shape), dtype=np.int64)) * dtype.itemsize
    if size == 0:
        return np.empty(tuple(shape), dtype)
    return np.asarray(_Pointer(int(pointer), size)).view(dtype).reshape(tuple(shape))
