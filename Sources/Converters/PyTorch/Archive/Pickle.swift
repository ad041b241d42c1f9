import Formats
import Tensors

/// Reads a pickle without running anything in it: a machine of the few opcodes that tensors and
/// containers need.
///
/// A pickle is a program. Its calls name Python objects; only those of a fixed table mean anything
/// here (`PickleGlobal`), none is imported or called, and any other is refused by its name. Stack,
/// memo and results have bounds; containers are changed only by opcodes that fit their kind.
///
/// Source: `pickletools` of CPython 3.11 for the opcodes; the choice is that of
/// `torch/_weights_only_unpickler.py` of torch 2.13.
struct Pickle {
  private let bytes: UnsafeRawBufferPointer
  private var at = 0
  private var stack: [PickleValue] = []
  private var marks: [Int] = []
  private var memo: [Int: PickleValue] = [:]
  private var made = 0
  /// Every container, so that all are emptied at the end: cycles go, and no chain of them is freed
  /// by recursion.
  private var lists: [PickleList] = []
  private var dicts: [PickleDict] = []

  /// The most values that a pickle may make.
  static let maxValues = 4_000_000

  /// Lends what the pickle holds to `use`; containers are empty afterwards.
  ///
  /// Errors: `.malformed` for bytes that are no pickle; `.unsupported` for what is not data, by
  /// name; `.budget`; those of `use`.
  static func read(
    _ bytes: UnsafeRawBufferPointer, use: (PickleValue) throws(EngineError) -> Void
  ) throws(EngineError) {
    var machine = Pickle(bytes: bytes)
    defer { machine.empty() }
    let root: PickleValue
    do throws(EngineError) {
      root = try machine.run()
    } catch { throw error.at(offset: machine.at) }
    try use(root)
  }

  private func empty() {
    for list in lists { list.items = [] }
    for dict in dicts { dict.items = [] }
  }

  private mutating func makeList(_ items: [PickleValue] = []) -> PickleList {
    let list = PickleList(items)
    lists.append(list)
    return list
  }

  private mutating func makeDict() -> PickleDict {
    let dict = PickleDict()
    dicts.append(dict)
    return dict
  }

  private init(bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

  private mutating func run() throws(EngineError) -> PickleValue {
    while true {
      let code = try integer(UInt8.self)
      switch code {
      case 0x80:  // PROTO
        let version = try integer(UInt8.self)
        guard version <= 5 else {
          throw EngineError(.unsupported, "the pickle has protocol \(version)", expected: "2 to 5")
        }
      case 0x95: _ = try integer(UInt64.self)  // FRAME
      case 0x2E:  // STOP
        let value = try pop()
        guard stack.isEmpty, marks.isEmpty else { throw malformed("values are left at its end") }
        return value
      default: try step(code)
      }
    }
  }

  private mutating func step(_ code: UInt8) throws(EngineError) {
    switch code {
    case 0x28: marks.append(stack.count)  // MARK
    case 0x30: _ = try pop()  // POP
    case 0x4E: try push(.none)
    case 0x88: try push(.bool(true))
    case 0x89: try push(.bool(false))
    case 0x4A: try push(.int(Int(try integer(Int32.self))))  // BININT
    case 0x4B: try push(.int(Int(try integer(UInt8.self))))  // BININT1
    case 0x4D: try push(.int(Int(try integer(UInt16.self))))  // BININT2
    case 0x8A: try push(.int(try long()))  // LONG1
    case 0x47:  // BINFLOAT, big-endian
      try push(.float(Double(bitPattern: UInt64(bigEndian: UInt64(littleEndian: try integer())))))
    case 0x58: try push(.text(try text(Int(try integer(UInt32.self)))))  // BINUNICODE
    case 0x8C: try push(.text(try text(Int(try integer(UInt8.self)))))  // SHORT_BINUNICODE
    case 0x55: try push(.text(try text(Int(try integer(UInt8.self)))))  // SHORT_BINSTRING
    case 0x43: try push(.bytes(try take(Int(try integer(UInt8.self))).count))  // SHORT_BINBYTES
    case 0x63: try push(.global(try PickleGlobal(module: try line(), name: try line())))  // GLOBAL
    case 0x93:  // STACK_GLOBAL
      let name = try pop()
      guard case .text(let n) = name, case .text(let m) = try pop() else {
        throw malformed("a global's name is no text")
      }
      try push(.global(try PickleGlobal(module: m, name: n)))
    case 0x71: try store(Int(try integer(UInt8.self)))  // BINPUT
    case 0x72: try store(Int(try integer(UInt32.self)))  // LONG_BINPUT
    case 0x94: try store(memo.count)  // MEMOIZE
    case 0x68: try load(Int(try integer(UInt8.self)))  // BINGET
    case 0x6A: try load(Int(try integer(UInt32.self)))  // LONG_BINGET
    case 0x51: try push(.storage(try PickleStorage(try pop())))  // BINPERSID
    default: try build(code)
    }
  }

  /// The opcodes of containers and objects.
  private mutating func build(_ code: UInt8) throws(EngineError) {
    switch code {
    case 0x7D: try push(.dict(makeDict()))  // EMPTY_DICT
    case 0x5D: try push(.list(makeList()))  // EMPTY_LIST
    case 0x8F: try push(.list(makeList()))  // EMPTY_SET
    case 0x29: try push(.tuple(makeList()))  // EMPTY_TUPLE
    case 0x74: try push(.tuple(makeList(try sinceMark())))  // TUPLE
    case 0x85: try push(.tuple(makeList(try pop(1))))
    case 0x86: try push(.tuple(makeList(try pop(2))))
    case 0x87: try push(.tuple(makeList(try pop(3))))
    case 0x61:  // APPEND
      let value = try pop()
      try list().items.append(value)
    case 0x65:  // APPENDS
      let values = try sinceMark()
      try list().items.append(contentsOf: values)
    case 0x90:  // ADDITEMS
      let values = try sinceMark()
      try list().items.append(contentsOf: values)
    case 0x73: try set(try pop(2))  // SETITEM
    case 0x75: try set(try sinceMark())  // SETITEMS
    case 0x52: try call()  // REDUCE
    case 0x81: try call()  // NEWOBJ
    case 0x62: try state()  // BUILD
    default:
      throw EngineError(
        .unsupported, "the pickle uses opcode 0x\(String(code, radix: 16))",
        expected: "those that tensors and containers need")
    }
  }

  // MARK: Objects

  private mutating func set(_ values: [PickleValue]) throws(EngineError) {
    guard case .dict(let dict)? = stack.last else {
      throw malformed("items are set on what is no dictionary")
    }
    guard values.count % 2 == 0 else { throw malformed("a key has no value") }
    var i = 0
    while i + 1 < values.count {
      dict.items.append((values[i], values[i + 1]))
      i += 2
    }
  }

  private func list() throws(EngineError) -> PickleList {
    guard case .list(let list)? = stack.last else {
      throw malformed("items are appended to what is no list")
    }
    return list
  }

  private mutating func call() throws(EngineError) {
    guard case .tuple(let arguments) = try pop() else {
      throw malformed("a call's arguments are no tuple")
    }
    guard case .global(let global) = try pop() else {
      throw malformed("what is called is no global")
    }
    if case .orderedDict = global {
      let dict = makeDict()
      try global.fill(dict, from: arguments.items)
      try push(.dict(dict))
      return
    }
    try push(try global.called(with: arguments.items))
  }

  /// The state that an object is given: attributes of dictionaries (`_metadata`) mean nothing here.
  private mutating func state() throws(EngineError) {
    _ = try pop()
    guard let target = stack.last else { throw malformed("the stack is empty") }
    switch target {
    case .dict, .tensor: break
    default: throw malformed("a state is given to what is no object")
    }
  }

  // MARK: Stack and memo

  private mutating func push(_ value: PickleValue) throws(EngineError) {
    made += 1
    guard made <= Self.maxValues else {
      throw EngineError(
        .budget, "the pickle makes too many values", expected: "at most \(Self.maxValues)")
    }
    stack.append(value)
  }

  private mutating func pop() throws(EngineError) -> PickleValue {
    guard stack.count > (marks.last ?? 0), let value = stack.popLast() else {
      throw malformed("the stack is empty")
    }
    return value
  }

  private mutating func pop(_ n: Int) throws(EngineError) -> [PickleValue] {
    guard stack.count - (marks.last ?? 0) >= n else { throw malformed("the stack is empty") }
    let values = Array(stack.suffix(n))
    stack.removeLast(n)
    return values
  }

  private mutating func sinceMark() throws(EngineError) -> [PickleValue] {
    guard let mark = marks.popLast(), mark <= stack.count else { throw malformed("no mark is set") }
    let values = Array(stack[mark...])
    stack.removeLast(stack.count - mark)
    return values
  }

  private mutating func store(_ key: Int) throws(EngineError) {
    guard let value = stack.last else { throw malformed("the stack is empty") }
    guard memo.count < Self.maxValues else {
      throw EngineError(.budget, "the pickle remembers too many values")
    }
    memo[key] = value
  }

  private mutating func load(_ key: Int) throws(EngineError) {
    guard let value = memo[key] else {
      throw malformed("value \(key) is asked for and was never stored")
    }
    try push(value)
  }

  // MARK: Bytes

  private mutating func integer<T: FixedWidthInteger>(
    _: T.Type = T.self
  ) throws(EngineError) -> T {
    guard let value = bytes.little(T.self, at: at) else { throw malformed("it is cut off") }
    at += MemoryLayout<T>.size
    return value
  }

  private mutating func take(_ count: Int) throws(EngineError) -> UnsafeRawBufferPointer {
    guard let part = bytes.slice(at, count) else { throw malformed("it is cut off") }
    at += count
    return part
  }

  private mutating func text(_ count: Int) throws(EngineError) -> String {
    let part = try take(count)
    guard let text = String(validating: part, as: UTF8.self) else {
      throw malformed("a text is not UTF-8")
    }
    return text
  }

  private mutating func line() throws(EngineError) -> String {
    var end = at
    while end < bytes.count, bytes[end] != 0x0A, end - at <= 512 { end += 1 }
    guard end < bytes.count, bytes[end] == 0x0A else { throw malformed("a name has no end") }
    let name = try text(end - at)
    at = end + 1
    return name
  }

  private mutating func long() throws(EngineError) -> Int {
    let part = try take(Int(try integer(UInt8.self)))
    guard part.count <= 8 else {
      throw EngineError(.unsupported, "the pickle holds an integer beyond 64 bits")
    }
    var value: UInt64 = 0
    for (i, byte) in part.enumerated() { value |= UInt64(byte) << UInt64(8 * i) }
    if let last = part.last, last & 0x80 != 0, part.count < 8 {
      value |= UInt64.max << UInt64(8 * part.count)
    }
    return Int(truncatingIfNeeded: value)
  }

  private func malformed(_ what: String) -> EngineError {
    EngineError(.malformed, "the pickle is wrong: \(what)")
  }
}
