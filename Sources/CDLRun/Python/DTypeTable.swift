import CDLRunHeader
import Tensors

/// NumPy's dtypes for dlrun's element types, by which both know each other.
struct DTypeTable: @unchecked Sendable {
  struct Entry {
    let dtype: PyObject
    let code: dlrun_dtype
    let size: Int
  }
  private let entries: [Entry]

  /// From a tuple with the dtype of each type at the place of its number, None for those without.
  /// Keeps references.
  init?(_ dtypes: PyObject, _ python: Interpreter) {
    guard let items = python.items(of: dtypes) else { return nil }
    var entries: [Entry] = []
    for (i, dtype) in items.enumerated() where dtype != python.none {
      guard let code = UInt8(exactly: i), let type = DType(rawValue: code), type.byteSize > 0
      else { return nil }
      entries.append(
        Entry(dtype: dtype, code: dlrun_dtype(rawValue: UInt32(code)), size: type.byteSize))
    }
    // What most models have comes first.
    entries.sort { a, b in a.code == DLRUN_FLOAT32 && b.code != DLRUN_FLOAT32 }
    for entry in entries { python.retain(entry.dtype) }
    self.entries = entries
  }

  func release(_ python: Interpreter) {
    for entry in entries { python.release(entry.dtype) }
  }

  /// What stands for a dtype, which has to be the object itself.
  func entry(of dtype: PyObject?) -> Entry? {
    for entry in entries where entry.dtype == dtype { return entry }
    return nil
  }
  func entry(of code: dlrun_dtype) -> Entry? {
    for entry in entries where entry.code == code { return entry }
    return nil
  }

  /// Whether a port takes tensors of these types only.
  func has(_ port: dlrun_port) -> Bool {
    port.kind == DLRUN_TENSOR && entry(of: port.dtype) != nil
  }
}
