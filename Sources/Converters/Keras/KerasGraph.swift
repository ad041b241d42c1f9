import Graphs
import Tensors

/// Records a whole model: its inputs, its layers, its outputs.
struct KerasGraph {
  private let options: ConversionOptions
  private let kind: SourceKind
  private let b = ConversionBuilder()

  /// - `path`: the file's, for progress.
  init(_ options: ConversionOptions, kind: SourceKind, path: String = "") {
    self.options = options
    self.kind = kind
    b.recorded = options.recorder(of: path)
  }

  /// Errors: `.malformed`; `.unsupported` for what only shows when sizes are known.
  func record(_ root: KerasObject, _ model: any KerasModel) throws(EngineError) -> Graph {
    var inputs: [KerasValue] = []
    for port in try model.inputs(of: root) {
      let fact = Fact(port.dtype, try dims(port))
      inputs.append(.id(b.input(port.name, fact)))
    }
    let call = LayerCall(
      b: b, object: root, arguments: [inputs.count == 1 ? inputs[0] : .list(inputs)], keywords: [])
    let result = try model.convert(call)
    let names = model.outputNames(of: root)
    let tensors = result.tensors
    guard !tensors.isEmpty else { throw EngineError(.malformed, "the model has no outputs") }
    b.scope = ""
    for (i, tensor) in tensors.enumerated() {
      try b.output(i < names.count ? names[i] : "output_\(i)", tensor.id)
    }
    return b.graph
  }

  /// Open sizes become symbols: `batch` in front, else named after the input and axis.
  private func dims(_ port: KerasPort) throws(EngineError) -> [Dim] {
    let given = options.shapes[port.name]
    if let given, given.count != port.shape.count {
      throw EngineError(
        .usage, "the shape given for input '\(port.name)' has a wrong rank",
        expected: "\(port.shape.count)", received: "\(given.count)")
    }
    return port.shape.enumerated().map { i, size in
      if let size { return Dim(size) }
      if let given, given[i] > 0 { return Dim(given[i]) }
      return Dim(symbol: i == 0 ? "batch" : "\(port.name)_\(i)")
    }
  }
}

/// An input of a model.
struct KerasPort {
  let name: String
  let dtype: DType
  /// Nil for a size that the model leaves open.
  let shape: [Int?]
}

/// A layer that is a model: what it is called with and what its results are called.
protocol KerasModel: KerasLayer {
  func inputs(of object: KerasObject) throws(EngineError) -> [KerasPort]
  func outputNames(of object: KerasObject) -> [String]
}
