import Compiler
import Formats
import Graphs
import Operators
import Tensors

/// Makes a whole model of a recorded graph.
public enum ModelCompletion {
  /// The model of `graph` in standard ONNX: constants folded, unused nodes removed, every node in a
  /// form that other runtimes load.
  ///
  /// - `opset`: of ai.onnx; nil: the lowest of 17, 20, 23 and later that has a form for every node.
  /// - Errors: `.unsupported` naming a node without a form in that opset.
  public static func model(
    _ graph: Graph, opset: Int? = nil, producer: String = "dlrun"
  ) throws(EngineError) -> ModelGraph {
    try model(ModelGraph(graph), opset: opset, producer: producer)
  }

  /// The same of a graph with metadata, which stay.
  public static func model(
    _ recorded: ModelGraph, opset: Int? = nil, producer: String = "dlrun"
  ) throws(EngineError) -> ModelGraph {
    var made = recorded
    made.producerName = producer
    var failure: EngineError?
    for version in opset.map({ [$0] }) ?? [17, 20, 23, 24, 25, 26, 27, 28] {
      // Domains that no node is of are left out of the file.
      made.opsets = [("", version), ("ai.onnx.ml", 4), ("ai.dlrun", 1)]
      do throws(EngineError) {
        return try Compiler.Optimizer(PassOptions(level: .basic)).saved(made)
      } catch { failure = failure ?? error }
    }
    throw failure ?? EngineError(.internalDefect, "no opset was tried")
  }

  /// Notes in the metadata where the model came from.
  public static func stamp(_ model: inout ModelGraph, kind: SourceKind, digest: String) {
    model.metadata.removeAll { $0.key == "dlrun.source" || $0.key == "dlrun.source_sha256" }
    model.metadata.append(.init("dlrun.source", kind.rawValue))
    model.metadata.append(.init("dlrun.source_sha256", digest))
  }
}
