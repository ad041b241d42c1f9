/// What is used of NumPy: its table of functions and the fields of an array, both of its public
/// interface in C (`__multiarray_api.h`, `ndarraytypes.h`), the same in NumPy 1 and 2.
struct NumPy: @unchecked Sendable {
  let arrayType: PyObject
  private let python: Interpreter
  private let create: Create
  private let setBase: @convention(c) (PyObject?, PyObject?) -> Int32

  private typealias Create =
    @convention(c) (
      PyObject?, PyObject?, Int32, UnsafePointer<Int>?, UnsafePointer<Int>?,
      UnsafeMutableRawPointer?, Int32, PyObject?
    ) -> PyObject?

  /// An array object.
  struct Array {
    let object: PyObject

    var data: UnsafeMutableRawPointer? { field(16) }
    var rank: Int32 { object.load(fromByteOffset: 24, as: Int32.self) }
    var shape: UnsafePointer<Int>? { field(32) }
    var dtype: PyObject? { field(56) }
    /// Whether it is contiguous in C's order, and aligned.
    var isInPlace: Bool { object.load(fromByteOffset: 64, as: Int32.self) & 0x101 == 0x101 }

    private func field<T>(_ offset: Int) -> T {
      object.load(fromByteOffset: offset, as: T.self)
    }
  }

  /// From the capsule `_ARRAY_API`; nil where it is none.
  init?(_ api: PyObject, _ python: Interpreter) {
    guard let content = python.capsuleContent(api, nil) else { return nil }
    let table = content.assumingMemoryBound(to: UnsafeMutableRawPointer?.self)
    guard let type = table[2], let create = table[94], let setBase = table[282] else { return nil }
    arrayType = type
    self.python = python
    self.create = unsafeBitCast(create, to: Create.self)
    self.setBase = unsafeBitCast(
      setBase, to: (@convention(c) (PyObject?, PyObject?) -> Int32).self)
  }

  func array(_ object: PyObject) -> Array? {
    python.type(of: object) == arrayType ? Array(object: object) : nil
  }

  /// An array without contents; nil, with an exception, where there is no memory.
  func new(_ dtype: PyObject, _ rank: UInt32, _ shape: UnsafePointer<Int>) -> PyObject? {
    python.retain(dtype)
    return create(arrayType, dtype, Int32(rank), shape, nil, nil, 0, nil)
  }

  /// A writable array over memory that `owner` keeps, whose reference it takes; nil, with an
  /// exception, where there is no memory.
  func view(
    _ dtype: PyObject, _ rank: UInt32, _ shape: UnsafePointer<Int>,
    over data: UnsafeMutableRawPointer, of owner: PyObject
  ) -> PyObject? {
    python.retain(dtype)
    guard let array = create(arrayType, dtype, Int32(rank), shape, nil, data, 0x501, nil) else {
      python.release(owner)
      return nil
    }
    guard setBase(array, owner) == 0 else {
      python.release(array)
      return nil
    }
    return array
  }
}
