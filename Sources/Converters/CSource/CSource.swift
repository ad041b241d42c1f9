import Formats
import Graphs
import Tensors

/// A model as C99 source that needs nothing but libm and `string.h`: weights as constants, one
/// function for each node, one static arena worked out from lifetimes, no allocation.
///
/// ```c
/// #include "digits.h"
/// static float image[64], scores[10];
/// digits_run(image, scores);
/// ```
///
/// Every size must be known. Floats and integers of 8 to 64 bits are written; quantised models, with
/// QLinear operators or with pairs of QuantizeLinear and DequantizeLinear around convolutions and
/// products, become integer code that is within one step of their meaning.
public enum CSource {
  /// What it is written of.
  public static var operators: [SourceOperator] { COperators.listed }

  /// The files of a model.
  public struct Files: Sendable {
    public let source: [UInt8]
    public let header: [UInt8]
    /// The size of the static arena.
    public let arenaBytes: Int
  }

  /// The source of `model`, whose functions begin with `name`.
  ///
  /// Errors: `.usage` for open sizes; `.unsupported` listing all parts that are not written.
  public static func files(
    _ model: ModelGraph, name: String, headerName: String? = nil
  ) throws(EngineError) -> Files {
    let prefix = CType.identifier(name)
    let graph = try CGraph(model)
    let title = model.graph.name.isEmpty ? name : model.graph.name
    let program = try CProgram(graph, name: prefix, title: title)
    return Files(
      source: program.text(including: headerName ?? "\(prefix).h"), header: program.header,
      arenaBytes: program.arenaBytes)
  }

  /// Writes the source to `path` and the header beside it.
  ///
  /// - Returns: both paths, the source's first.
  /// - Errors: those of `files`; `.cannotCreate`, `.io`.
  public static func write(
    _ model: ModelGraph, to path: String, name: String? = nil
  ) throws(EngineError) -> [String] {
    let slash = path.lastIndex(of: "/").map { path.index(after: $0) } ?? path.startIndex
    var stem = String(path[slash...])
    if stem.hasSuffix(".c") || stem.hasSuffix(".h") { stem.removeLast(2) }
    let (source, header) = ("\(path[..<slash])\(stem).c", "\(path[..<slash])\(stem).h")
    let files = try files(model, name: name ?? stem, headerName: "\(stem).h")
    for (bytes, path) in [(files.header, header), (files.source, source)] {
      let file = try AtomicFile(path)
      try file.write(bytes)
      try file.commit()
    }
    return [source, header]
  }
}
