"""Values that stay, and inputs and outputs bound for many runs, under onnxruntime's names."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from . import _dtypes
from ._dtypes import Array
from ._values import TypedArray
from .errors import InvalidArgument, NotImplemented

if TYPE_CHECKING:
    from .options import RunOptions
    from .session import InferenceSession


def _cpu(device_type: Any) -> None:
    if str(device_type).lower() not in ("cpu", "cpu:0"):
        raise NotImplemented(f"memory of device '{device_type}', expected 'cpu'")


class OrtValue:
    """A value outside a session. On a CPU that is the NumPy array, list or dict itself."""

    def __init__(self, value: Any, code: int = 0) -> None:
        self._value = value
        self._code = code

    @staticmethod
    def ortvalue_from_numpy(
        numpy_obj: Array, device_type: str = "cpu", device_id: int = 0
    ) -> OrtValue:
        """The array itself, or a contiguous copy of it."""
        _cpu(device_type)
        if not isinstance(numpy_obj, np.ndarray):
            raise InvalidArgument(f"a {type(numpy_obj).__name__}, expected a NumPy array")
        # Keeps rank 0, which ascontiguousarray does not.
        return OrtValue(np.asarray(numpy_obj, order="C"), _dtypes.code_of(numpy_obj.dtype))

    @staticmethod
    def ortvalue_from_numpy_with_onnx_type(data: Array, onnx_element_type: int) -> OrtValue:
        """Bits of elements that NumPy lacks: uint16 for bfloat16, uint8 for the 8-bit floats.

        `onnx_element_type` as in TensorProto.DataType.
        """
        code = _dtypes.code_of(data.dtype, int(onnx_element_type))
        if code != int(onnx_element_type):
            raise InvalidArgument(
                f"an array of {data.dtype} for elements of type {onnx_element_type}")
        return OrtValue(np.asarray(data, order="C"), code)

    @staticmethod
    def ortvalue_from_shape_and_type(
        shape: Sequence[int], element_type: Any, device_type: str = "cpu", device_id: int = 0
    ) -> OrtValue:
        """Memory that is not initialised."""
        _cpu(device_type)
        dtype = _element_dtype(element_type)
        return OrtValue(np.empty(tuple(shape), dtype), _dtypes.code_of(dtype))

    def _held(self) -> Any:
        if isinstance(self._value, np.ndarray) and self._code:
            return TypedArray(self._value, self._code)
        return self._value

    def _plain(self) -> Any:
        """The array, where that says all; else this value."""
        if isinstance(self._value, np.ndarray) and self._code in _dtypes.PLAIN:
            return self._value
        return self

    def _array(self) -> Array:
        if not isinstance(self._value, np.ndarray):
            raise InvalidArgument(f"a {type(self._value).__name__}, expected a tensor")
        return self._value

    def numpy(self) -> Any:
        """The array, list or dict, without a copy."""
        return self._value

    def is_tensor(self) -> bool:
        return isinstance(self._value, np.ndarray)

    def is_tensor_sequence(self) -> bool:
        return isinstance(self._value, list) and all(
            isinstance(v, np.ndarray) for v in self._value)

    def is_sparse_tensor(self) -> bool:
        return False

    def has_value(self) -> bool:
        return self._value is not None

    def shape(self) -> list[int]:
        return list(self._array().shape)

    def data_type(self) -> str:
        """As "tensor(float)"."""
        return f"tensor({_dtypes.NAMES[self.element_type()]})"

    def element_type(self) -> int:
        """The element type's number in TensorProto.DataType."""
        return self._code or _dtypes.code_of(self._array().dtype)

    def device_name(self) -> str:
        return "cpu"

    def data_ptr(self) -> int:
        return int(self._array().ctypes.data)

    def tensor_size_in_bytes(self) -> int:
        return int(self._array().nbytes)

    def update_inplace(self, np_arr: Array) -> None:
        """Copies the elements of an array of the same dtype and shape into this value."""
        value = self._array()
        if np_arr.shape != value.shape or np_arr.dtype != value.dtype:
            raise InvalidArgument(
                f"an array {np_arr.dtype}{list(np_arr.shape)}, "
                f"expected {value.dtype}{list(value.shape)}")
        np.copyto(value, np_arr)


class IOBinding:
    """Inputs and outputs of a session, bound once and run many times."""

    def __init__(self, session: InferenceSession) -> None:
        self._session = session
        self._feed: dict[str, Any] = {}
        self._wanted: dict[str, Array | None] = {}
        self._results: list[Any] = []
        #: The names of what `_results` are.
        self._names: tuple[str, ...] = ()
        #: `_wanted` as a run takes it; None where it has changed.
        self._bound: tuple[tuple[str, ...], tuple[Array | None, ...]] | None = None

    def bind_cpu_input(self, name: str, arr_on_cpu: Any) -> None:
        """Binds an array, which every run reads in place."""
        places = self._session._input_place
        if name not in places:
            raise InvalidArgument(
                f"the model has no input {name!r}, expected one of {list(places)}")
        self._feed[name] = arr_on_cpu

    def bind_ortvalue_input(self, name: str, ortvalue: OrtValue) -> None:
        self.bind_cpu_input(name, ortvalue._plain())

    def bind_input(
        self, name: str, device_type: str, device_id: int, element_type: Any,
        shape: Sequence[int], buffer_ptr: int,
    ) -> None:
        """Binds memory that the caller keeps."""
        _cpu(device_type)
        self.bind_cpu_input(name, _array_at(buffer_ptr, element_type, shape))

    def bind_output(
        self, name: str, device_type: str = "cpu", device_id: int = 0, element_type: Any = None,
        shape: Sequence[int] | None = None, buffer_ptr: int | None = None,
    ) -> None:
        """Without `buffer_ptr` the run makes memory for the output."""
        _cpu(device_type)
        if buffer_ptr is None:
            self._bind(name, None)
        elif element_type is None or shape is None:
            raise InvalidArgument("buffer_ptr needs element_type and shape beside it")
        else:
            self._bind(name, _array_at(buffer_ptr, element_type, shape))

    def bind_ortvalue_output(self, name: str, ortvalue: OrtValue) -> None:
        """Binds a value that every run writes to."""
        self._bind(name, ortvalue._array())

    def _bind(self, name: str, target: Array | None) -> None:
        self._session._places([name])
        if target is not None and (
            target.dtype not in _dtypes.FROM_NUMPY
            or _dtypes.FROM_NUMPY[target.dtype] in _dtypes.NARROW
            or not (target.flags.c_contiguous and target.flags.aligned and target.flags.writeable)
        ):
            raise InvalidArgument(
                f"output {name!r} needs a writable contiguous array of whole bytes an element")
        self._wanted[name] = target
        self._bound = None

    def synchronize_inputs(self) -> None:
        """Memory of the CPU is always ready."""

    def synchronize_outputs(self) -> None:
        """Memory of the CPU is always ready."""

    def _run(self, session: InferenceSession, run_options: RunOptions | None) -> None:
        if session is not self._session:
            raise InvalidArgument("the binding is of another session")
        if self._bound is None:
            if not self._wanted:
                raise InvalidArgument("no output is bound")
            self._bound = tuple(self._wanted), tuple(self._wanted.values())
        names, targets = self._bound
        results = session._run_into(names, self._feed, run_options, targets)
        for target, result in zip(targets, results):
            if target is not None and result is not target:
                self._refuse(names, targets, results)
        self._results = results
        self._names = names

    def _refuse(
        self, names: tuple[str, ...], targets: tuple[Array | None, ...], results: list[Any]
    ) -> None:
        for name, target, result in zip(names, targets, results):
            if target is not None and result is not target:
                raise InvalidArgument(
                    f"output '{name}' is {result.dtype}{list(result.shape)}, bound to memory for "
                    f"{target.dtype}{list(target.shape)}")

    def get_outputs(self) -> list[OrtValue]:
        """The results of the last run, in the order in which they were bound."""
        codes = [self._session._outputs[i]._dtype for i in self._session._places(self._names)]
        return [OrtValue(r, code) for r, code in zip(self._results, codes)]

    def copy_outputs_to_cpu(self) -> list[Any]:
        """Copies of the results, which the next run does not touch."""
        return [r.copy() if isinstance(r, np.ndarray) else r for r in self._results]

    def clear_binding_inputs(self) -> None:
        self._feed.clear()

    def clear_binding_outputs(self) -> None:
        self._wanted.clear()
        self._bound = None
        self._results = []


class _Pointer:
    def __init__(self, pointer: int, size: int) -> None:
        self.__array_interface__ = {
            "data": (pointer, False), "shape": (size,), "typestr": "|u1", "version": 3}


def _element_dtype(element_type: Any) -> Any:
    """The dtype of a number of TensorProto.DataType, or of anything that NumPy takes for one."""
    try:
        if isinstance(element_type, int):
            return _dtypes.dtype_of(element_type)
        return np.dtype(element_type)
    except (KeyError, TypeError):
        raise InvalidArgument(f"{element_type!r} is no element type") from None


def _array_at(pointer: int, element_type: Any, shape: Sequence[int]) -> Array:
    """An array over memory that the caller keeps."""
    dtype = _element_dtype(element_type)
    sizes = tuple(int(n) for n in shape)
    size = int(dtype.itemsize)
    for n in sizes:
        size *= n
    if size <= 0 or dtype.hasobject:
        if size < 0 or dtype.hasobject:
            raise InvalidArgument(f"memory for {dtype}{list(sizes)}")
        return np.empty(sizes, dtype)
    if not pointer:
        raise InvalidArgument("buffer_ptr is 0")
    raw: Array = np.asarray(_Pointer(int(pointer), size))
    typed: Array = raw.view(dtype).reshape(sizes)
    return typed


#: onnxruntime's other name for it.
SessionIOBinding = IOBinding
