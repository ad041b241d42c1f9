import Graphs
import Tensors

/// Writes compiled models: weights first, from a page boundary on, then graph and manifest. The same
/// model always gives the same bytes.
///
/// Small weights lie together, since all of them are read; then the packed forms, those of a page and
/// more each from a page on; last the large weights as they are, which runs read only where no packed
/// form stands for them, so that they need not become resident.
public enum CompiledWriter {
  private static let page = 4096
  /// Bytes of tensors that are written into the graph.
  private static let smallest = 256
  /// Bytes from which a weight counts as large.
  private static let large = 1 << 16

  /// - `model`: the graph as it runs, every node in a form that reads back to its operator.
  ///
  /// Errors: `.cannotCreate` and `.io` when the file cannot be written, which leaves an older file
  /// as it was; `.budget` for a graph of 2 GiB.
  public static func write(
    _ model: ModelGraph, _ parts: CompiledParts, to path: String
  ) throws(EngineError) {
    do throws(EngineError) {
      var layout = Layout(end: page)
      var offsets: [ObjectIdentifier: Int] = [:]
      func place(_ isWanted: (Tensor) -> Bool) {
        ExternalWriter.visit(model) { tensor in
          let key = ObjectIdentifier(tensor.storage)
          guard tensor.dtype != .string, tensor.byteCount >= smallest, offsets[key] == nil,
            isWanted(tensor)
          else { return }
          offsets[key] = layout.add(tensor)
        }
      }
      place { $0.byteCount < large }
      var packed: [UnsafeMutableRawPointer: Int] = [:]
      var starts: [Int] = []
      for p in parts.packed {
        // One form may serve several initializers that share memory.
        let address = p.bytes.storage.bytes
        let offset = packed[address] ?? layout.add(p.bytes)
        packed[address] = offset
        starts.append(offset)
      }
      place { _ in true }

      var plain = model
      plain.graph = model.graph.writingOpsets()
      let placement = ExternalPlacement(
        location: CompiledReader.ownLocation, checksum: nil, offsets: offsets)
      let graph = ONNXWriter.serialise(plain, external: placement)
      try ONNXWriter.checkSize(graph)
      let manifest = JSONWriter.bytes(of: CompiledManifest.json(parts, offsets: starts))
      let weights = page..<layout.end
      let graphEnd = weights.upperBound + graph.count

      var weightDigest = SHA256()
      try layout.forEach { (bytes) throws(EngineError) in weightDigest.update(bytes) }
      var textDigest = SHA256()
      try graph.forEach { (bytes) throws(EngineError) in textDigest.update(bytes) }
      textDigest.update(manifest)
      let header = CompiledHeader(
        fileBytes: graphEnd + manifest.count, weights: weights,
        graph: weights.upperBound..<graphEnd, manifest: graphEnd..<graphEnd + manifest.count,
        textDigest: textDigest.finish(), weightDigest: weightDigest.finish())

      let file = try AtomicFile(path)
      try file.write(header.bytes)
      try file.write([UInt8](repeating: 0, count: page - CompiledHeader.byteCount))
      try layout.forEach { (bytes) throws(EngineError) in try file.write(bytes) }
      try graph.forEach { (bytes) throws(EngineError) in try file.write(bytes) }
      try file.write(manifest)
      try file.commit()
    } catch { throw error.at(file: path) }
  }

  /// Tensors one after another.
  private struct Layout {
    private(set) var end: Int
    private let start: Int
    private var items: [(offset: Int, tensor: Tensor)] = []

    init(end: Int) {
      self.end = end
      start = end
    }

    mutating func add(_ tensor: Tensor) -> Int {
      let step = tensor.byteCount >= CompiledWriter.page ? CompiledWriter.page : Storage.alignment
      let offset = (end + step - 1) / step * step
      items.append((offset, tensor))
      end = offset + tensor.byteCount
      return offset
    }

    /// All bytes in order, zeros between the tensors.
    func forEach(
      _ body: (UnsafeRawBufferPointer) throws(EngineError) -> Void
    ) throws(EngineError) {
      let zeros = UnsafeMutableRawBufferPointer.allocate(
        byteCount: CompiledWriter.page, alignment: 16)
      defer { zeros.deallocate() }
      zeros.initializeMemory(as: UInt8.self, repeating: 0)
      var at = start
      for (offset, tensor) in items {
        try body(UnsafeRawBufferPointer(rebasing: zeros[..<(offset - at)]))
        try tensor.withUnsafeBytes(body)
        at = offset + tensor.byteCount
      }
    }
  }
}
