import Formats
import Tensors

/// A file of HDF5 in memory, read as far as such files of Keras go.
///
/// Read are superblocks 0 to 3, object headers 1 and 2, groups of symbol tables and of link
/// messages, datasets that are contiguous, compact or chunked (with a B-tree of version 1; deflate,
/// shuffle and Fletcher filters) of integers, floats, booleans and fixed strings, and attributes.
/// External storage, links that leave the file or are soft, virtual datasets, committed types and
/// dense storage are refused. No structure is read outside of the file, and nothing that a dataset
/// claims takes memory before its bytes are found.
///
/// Source: The HDF Group, "HDF5 File Format Specification Version 3.0".
final class HDF5File {
  let bytes: UnsafeRawBufferPointer
  /// Keeps `bytes` alive; tensors that are views of them hold it too.
  let keeper: AnyObject
  let limits: TensorLimits
  private(set) var widths = HDF5Widths()
  private var rootAddress = 0
  private var objects: [Int: HDF5Object] = [:]
  private var readBytes = 0

  static let signature: [UInt8] = [0x89, 0x48, 0x44, 0x46, 0x0D, 0x0A, 0x1A, 0x0A]

  /// Reads the superblock.
  ///
  /// Errors: `.malformed`; `.unsupported` for versions and features that are not read.
  init(
    _ bytes: UnsafeRawBufferPointer, keeper: AnyObject, limits: TensorLimits = TensorLimits()
  ) throws(EngineError) {
    self.bytes = bytes
    self.keeper = keeper
    self.limits = limits
    guard bytes.starts(with: Self.signature) else {
      throw HDF5File.malformed("the file does not begin as HDF5 does", 0)
    }
    var cursor = try HDF5Cursor(bytes, widths, from: 8)
    let version = try cursor.byte()
    switch version {
    case 0, 1:
      try cursor.skip(4)
      try readWidths(&cursor)
      try cursor.skip(1 + 4 + 4 + (version == 1 ? 4 : 0))
      cursor = try HDF5Cursor(bytes, widths, from: cursor.at)
      try checkBase(&cursor)
      try cursor.skip(3 * widths.address)
      // The symbol table entry of the root group: a name's offset, then the object's address.
      try cursor.skip(widths.address)
    case 2, 3:
      try readWidths(&cursor)
      try cursor.skip(1)
      cursor = try HDF5Cursor(bytes, widths, from: cursor.at)
      try checkBase(&cursor)
      try cursor.skip(2 * widths.address)
    default:
      throw EngineError(
        .unsupported, "HDF5 superblock version \(version) is not read", expected: "0 to 3")
    }
    guard let root = try cursor.address() else {
      throw HDF5File.malformed("the file has no root group", cursor.at)
    }
    rootAddress = root
  }

  private func readWidths(_ cursor: inout HDF5Cursor) throws(EngineError) {
    widths = HDF5Widths(address: try cursor.byte(), length: try cursor.byte())
    guard [2, 4, 8].contains(widths.address), [2, 4, 8].contains(widths.length) else {
      throw HDF5File.malformed("addresses of an impossible size", cursor.at - 2)
    }
  }

  private func checkBase(_ cursor: inout HDF5Cursor) throws(EngineError) {
    guard try cursor.address() == 0 else {
      throw EngineError(.unsupported, "the HDF5 file begins behind other data")
    }
  }

  /// The root group.
  var root: HDF5Object {
    get throws(EngineError) { try object(at: rootAddress) }
  }

  /// The object whose header stands at `address`, read once.
  func object(at address: Int) throws(EngineError) -> HDF5Object {
    if let known = objects[address] { return known }
    guard objects.count < limits.members else {
      throw EngineError(
        .budget, "the HDF5 file has too many objects", expected: "at most \(limits.members)")
    }
    let made = HDF5Object(self, try HDF5Header(self, at: address))
    objects[address] = made
    return made
  }

  func cursor(at address: Int, count: Int? = nil) throws(EngineError) -> HDF5Cursor {
    try HDF5Cursor(bytes, widths, from: address, count: count)
  }

  /// Counts the bytes of a tensor against the budget, and against what any file of this size can
  /// hold.
  ///
  /// Errors: `.budget`.
  func charge(_ count: Int, _ name: String) throws(EngineError) {
    let (total, overflow) = readBytes.addingReportingOverflow(count)
    guard !overflow, total <= limits.bytes else {
      throw EngineError(
        .budget, "the datasets of the HDF5 file are too large",
        expected:
          "at most \(limits.bytes) bytes", received: "'\(name)' of \(count)")
    }
    readBytes = total
  }

  static func malformed(_ message: String, _ offset: Int) -> EngineError {
    EngineError(.malformed, "HDF5: \(message)", subject: .init(offset: offset))
  }
  static func refused(_ what: String) -> EngineError {
    EngineError(.unsupported, "HDF5: \(what) is not read")
  }
}
