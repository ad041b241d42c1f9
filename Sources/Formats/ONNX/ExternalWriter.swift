import Graphs
import Tensors

/// Writes a model's large tensors to one file beside it.
///
/// The file is named after the SHA-256 of its contents, so that a model never refers to bytes of
/// another and an interrupted save leaves nothing in place of something. Each tensor starts at a
/// multiple of 4096 bytes, a page, so that readers map it.
enum ExternalWriter {
  static let alignment = 4096

  /// Nil when no tensor is large enough.
  static func write(
    _ model: ModelGraph, beside path: String, threshold: Int
  ) throws(EngineError) -> ExternalPlacement? {
    var tensors: [Tensor] = []
    var offsets: [ObjectIdentifier: Int] = [:]
    var end = 0
    visit(model) { tensor in
      let key = ObjectIdentifier(tensor.storage)
      guard tensor.dtype != .string, tensor.byteCount >= max(threshold, 1), offsets[key] == nil
      else { return }
      end = (end + alignment - 1) / alignment * alignment
      offsets[key] = end
      end += tensor.byteCount
      tensors.append(tensor)
    }
    guard !tensors.isEmpty else { return nil }
    var name = SHA256()
    var checksum = SHA1()
    try forEach(tensors) { (bytes) throws(EngineError) in
      name.update(bytes)
      checksum.update(bytes)
    }
    let slash = path.lastIndex(of: "/").map { path.index(after: $0) } ?? path.startIndex
    let stem = path[slash...].prefix { $0 != "." }
    let location = "\(stem.isEmpty ? "weights" : stem)-\(name.hex().prefix(16)).data"
    let file = try AtomicFile(path[..<slash] + location)
    try forEach(tensors) { (bytes) throws(EngineError) in try file.write(bytes) }
    try file.commit()
    return ExternalPlacement(location: location, checksum: checksum.hex(), offsets: offsets)
  }

  /// The file's bytes in order: tensors, and zeros up to the next page.
  private static func forEach(
    _ tensors: [Tensor], _ body: (UnsafeRawBufferPointer) throws(EngineError) -> Void
  ) throws(EngineError) {
    let zeros = UnsafeMutableRawBufferPointer.allocate(byteCount: alignment, alignment: 16)
    defer { zeros.deallocate() }
    zeros.initializeMemory(as: UInt8.self, repeating: 0)
    var at = 0
    for tensor in tensors {
      let gap = (alignment - at % alignment) % alignment
      try body(UnsafeRawBufferPointer(rebasing: zeros[..<gap]))
      try tensor.withUnsafeBytes(body)
      at += gap + tensor.byteCount
    }
  }

  /// Every tensor of a model, in the order in which they are written.
  static func visit(_ model: ModelGraph, _ body: (Tensor) -> Void) {
    func visit(_ a: Attribute) {
      switch a.payload {
      case .tensor(let t): body(t)
      case .tensors(let list): list.forEach(body)
      case .sparse(let s): [s.values, s.indices].forEach(body)
      case .sparses(let list): list.forEach { [$0.values, $0.indices].forEach(body) }
      case .graph(let g): visit(g)
      case .graphs(let list): list.forEach { visit($0) }
      default: break
      }
    }
    func visit(_ graph: Graph) {
      for node in graph.nodes { node.attributes.forEach { visit($0) } }
      for (_, tensor) in graph.initializers { body(tensor) }
      for (_, s) in graph.sparseInitializers { [s.values, s.indices].forEach(body) }
    }
    visit(model.graph)
    for f in model.functions {
      visit(f.body)
      f.defaults.forEach { visit($0) }
    }
  }
}
