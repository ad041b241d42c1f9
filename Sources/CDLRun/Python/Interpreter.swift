import Glibc

/// A reference to an object of Python.
typealias PyObject = UnsafeMutableRawPointer

/// CPython, where the process that loaded this library is one: what calls need of its stable
/// interface, looked for by name, so that the library depends on no Python.
///
/// Everything here needs the interpreter's lock, but for taking it.
struct Interpreter: @unchecked Sendable {
  let retain: @convention(c) (PyObject?) -> Void
  let release: @convention(c) (PyObject?) -> Void
  /// Whether two objects compare so: 1 or 0, -1 where an exception came of it.
  let compare: @convention(c) (PyObject?, PyObject?, Int32) -> Int32
  let error: @convention(c) () -> PyObject?
  let dictSize: @convention(c) (PyObject?) -> Int
  let dictItem: @convention(c) (PyObject?, PyObject?) -> PyObject?
  let tupleSize: @convention(c) (PyObject?) -> Int
  let tupleItem: @convention(c) (PyObject?, Int) -> PyObject?
  let newList: @convention(c) (Int) -> PyObject?
  let listSize: @convention(c) (PyObject?) -> Int
  let listItem: @convention(c) (PyObject?, Int) -> PyObject?
  let setListItem: @convention(c) (PyObject?, Int, PyObject?) -> Int32
  let newInteger: @convention(c) (Int) -> PyObject?
  let newFunction: @convention(c) (UnsafeMutableRawPointer?, PyObject?, PyObject?) -> PyObject?
  let newCapsule:
    @convention(c) (
      UnsafeMutableRawPointer?, UnsafePointer<CChar>?, (@convention(c) (PyObject?) -> Void)?
    ) -> PyObject?
  let capsuleContent: @convention(c) (PyObject?, UnsafePointer<CChar>?) -> UnsafeMutableRawPointer?
  /// Lets other threads run Python; gives what `lock` wants.
  let unlock: @convention(c) () -> UnsafeMutableRawPointer?
  let lock: @convention(c) (UnsafeMutableRawPointer?) -> Void
  let none: PyObject
  let dictType: PyObject
  let listType: PyObject
  let tupleType: PyObject
  let stringType: PyObject

  /// PyMethodDef: a function in C that Python can call.
  struct Method {
    typealias Body = @convention(c) (PyObject?, UnsafePointer<PyObject?>?, Int) -> PyObject?
    let name: UnsafePointer<CChar>
    let body: Body
    /// METH_FASTCALL: arguments by place, as an array and its count.
    let flags: Int32 = 0x80
    let documentation: UnsafePointer<CChar>? = nil
  }

  /// Py_EQ.
  static let equal: Int32 = 2

  /// This process's; nil where it is no CPython.
  static let shared = Interpreter()

  private struct Missing: Error {}

  private init?() {
    func function<T>(_ name: String) throws(Missing) -> T {
      guard let address = dlsym(nil, name) else { throw Missing() }
      return unsafeBitCast(address, to: T.self)
    }
    do throws(Missing) {
      retain = try function("Py_IncRef")
      release = try function("Py_DecRef")
      compare = try function("PyObject_RichCompareBool")
      error = try function("PyErr_Occurred")
      dictSize = try function("PyDict_Size")
      dictItem = try function("PyDict_GetItemWithError")
      tupleSize = try function("PyTuple_Size")
      tupleItem = try function("PyTuple_GetItem")
      newList = try function("PyList_New")
      listSize = try function("PyList_Size")
      listItem = try function("PyList_GetItem")
      setListItem = try function("PyList_SetItem")
      newInteger = try function("PyLong_FromSsize_t")
      newFunction = try function("PyCFunction_NewEx")
      newCapsule = try function("PyCapsule_New")
      capsuleContent = try function("PyCapsule_GetPointer")
      unlock = try function("PyEval_SaveThread")
      lock = try function("PyEval_RestoreThread")
      none = try function("_Py_NoneStruct")
      dictType = try function("PyDict_Type")
      listType = try function("PyList_Type")
      tupleType = try function("PyTuple_Type")
      stringType = try function("PyUnicode_Type")
    } catch {
      return nil
    }
  }

  /// The type of an object: what its header has behind the count of references.
  func type(of object: PyObject) -> PyObject? {
    object.load(fromByteOffset: 8, as: PyObject?.self)
  }

  /// None, as a function gives it.
  func nothing() -> PyObject? {
    retain(none)
    return none
  }

  /// The items of a list or tuple, borrowed; nil for anything else.
  func items(of object: PyObject) -> [PyObject]? {
    let kind = type(of: object)
    var items: [PyObject] = []
    if kind == listType {
      for i in 0..<listSize(object) { if let item = listItem(object, i) { items.append(item) } }
    } else if kind == tupleType {
      for i in 0..<tupleSize(object) { if let item = tupleItem(object, i) { items.append(item) } }
    } else {
      return nil
    }
    return items
  }
}
