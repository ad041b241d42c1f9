import Formats
import Tensors

/// A group or a dataset of an HDF5 file.
final class HDF5Object {
  let file: HDF5File
  let header: HDF5Header
  private var known: [String: Int]?

  init(_ file: HDF5File, _ header: HDF5Header) {
    self.file = file
    self.header = header
  }

  var isDataset: Bool { header.first(HDF5Header.Kind.layout) != nil }

  /// The members of a group: names with the addresses of their objects.
  ///
  /// Errors: `.malformed`; `.unsupported` for soft and external links and for groups in a fractal
  /// heap.
  func links() throws(EngineError) -> [String: Int] {
    if let known { return known }
    let made = try HDF5Links(self).places
    known = made
    return made
  }

  /// The member called `name`, or nil.
  func child(_ name: String) throws(EngineError) -> HDF5Object? {
    guard !isDataset, let place = try links()[name] else { return nil }
    return try file.object(at: place)
  }

  /// The object at a path of names with slashes between, from this group on; nil where there is
  /// none.
  func descendant(_ path: String) throws(EngineError) -> HDF5Object? {
    var here = self
    for part in path.split(separator: "/") {
      guard let next = try here.child(String(part)) else { return nil }
      here = next
    }
    return here
  }

  /// The attribute called `name`, or nil.
  func attribute(_ name: String) throws(EngineError) -> HDF5Attribute? {
    for message in header.all(HDF5Header.Kind.attribute) {
      let attribute = try HDF5Attribute(file, message)
      if attribute.name == name { return attribute }
    }
    if let info = header.first(HDF5Header.Kind.attributeInfo) {
      var cursor = try file.cursor(at: info.start, count: info.count)
      try cursor.skip(1)
      if try cursor.byte() & 1 != 0 { try cursor.skip(2) }
      guard try cursor.address() == nil else { throw HDF5File.refused("dense attribute storage") }
    }
    return nil
  }

  /// The elements of a dataset; `name` is for messages.
  ///
  /// Contiguous ones that lie aligned are views of the file. Booleans are `bool`, fixed strings
  /// `string`, other elements keep their dtype.
  ///
  /// Errors: `.malformed`, `.budget`; `.unsupported` for what `HDF5File` names.
  func tensor(_ name: String) throws(EngineError) -> Tensor {
    do throws(EngineError) { return try HDF5Dataset(self, name).tensor() } catch {
      throw EngineError(
        error.code, "dataset '\(name)': \(error.message)", expected: error.expected,
        received: error.received, hint: error.hint, subject: error.subject)
    }
  }
}
