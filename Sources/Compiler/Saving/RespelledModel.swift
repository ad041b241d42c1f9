import Graphs
import Operators
import Tensors

extension ModelGraph {
  /// The opsets of ai.onnx that a model can be written in.
  public static let opsetsWritten = 1...28

  /// The model in another opset of ai.onnx, with the results it had.
  ///
  /// Nothing is optimised: a node stays as it is where the opset has it; else it gets the form that
  /// the opset has (axes as inputs or attributes, the broadcasting of before opset 7), or becomes
  /// the operators that it stands for, whose results may differ by rounding. Every form reads back
  /// to the operator. Local functions are written out, since their bodies are of an opset too,
  /// also where the opset is the model's own.
  /// Names, doc strings and metadata stay.
  ///
  /// - Errors: `.usage` for an opset that is not written; `.unsupported` naming all nodes without a
  ///   form in it; those of a model that cannot be read.
  public func respelled(
    opset: Int, operators: OperatorSet = .builtIn
  ) throws(EngineError) -> ModelGraph {
    guard ModelGraph.opsetsWritten.contains(opset) else {
      let range = ModelGraph.opsetsWritten
      throw EngineError(
        .usage, "the opset cannot be written",
        expected: "\(range.lowerBound) to \(range.upperBound)", received: "\(opset)")
    }
    guard let current = self.opset("") ?? (functions.isEmpty ? nil : opset),
      current != opset || !functions.isEmpty
    else { return self }
    var lookup = operators.lookup(opsets: opsets)
    let plain = try inliningFunctions(using: lookup)
    lookup = operators.lookup(opsets: plain.opsets)
    var graph = plain.graph
    try graph.inferFacts(using: lookup, options: .lenient)
    var versions: [String: Int] = ["com.microsoft": 1]
    for (domain, version) in plain.opsets { versions[domain == "ai.onnx" ? "" : domain] = version }
    versions[""] = opset
    let speller = Speller(
      opsets: versions, original: current, used: graph.operatorNames, lookup: lookup,
      isForeign: true)
    let wasIdle = graph.idleConstants
    var result = plain
    result.graph = try speller.spelled(graph)
    result.graph.dropConstants { !wasIdle.contains($0) }
    result.graph.dropUnusedValues()
    result.importOpsets(versions, isRaised: opset > current)
    if opset < current { result.lowerVersion(opset) }
    result.graph.restorePorts(of: plain.graph)
    try result.check(operators)
    return result
  }

  /// Gives the model the oldest version of the format that has all it uses, so that readers of its
  /// opset take it.
  private mutating func lowerVersion(_ opset: Int) {
    guard functions.isEmpty, configurations.isEmpty, trainingInfo.isEmpty else { return }
    var needed = ModelGraph.formatVersion(of: opset)
    let inputs = Set(graph.inputs)
    if graph.initializers.contains(where: { !inputs.contains($0.id) }) { needed = max(needed, 4) }
    for value in graph.values {
      guard let dtype = value.fact.dtype else {
        if value.fact.isTensor { continue }
        // Optional and sparse types came with version 8.
        needed = max(needed, 8)
        continue
      }
      switch dtype {
      case .float8e4m3fn, .float8e4m3fnuz, .float8e5m2, .float8e5m2fnuz: needed = max(needed, 9)
      case .int4, .uint4: needed = max(needed, 10)
      case .float4e2m1: needed = max(needed, 11)
      case .float8e8m0: needed = max(needed, 12)
      case .int2, .uint2, .float6e2m3, .float6e3m2: needed = max(needed, 13)
      default: break
      }
    }
    irVersion = min(irVersion, needed)
  }

  /// The version of the format that came with an opset.
  static func formatVersion(of opset: Int) -> Int {
    let releases = [
      (9, 4), (10, 5), (11, 6), (12, 7), (15, 8), (19, 9), (21, 10), (23, 11), (24, 12),
    ]
    return releases.last { $0.0 <= opset }?.1 ?? 3
  }
}

extension Graph {
  /// Names of values that constant nodes make and nothing uses.
  fileprivate var idleConstants: Set<String> {
    var used = Set(outputs)
    for node in nodes { used.formUnion(node.inputs.compactMap { $0 } + node.captured) }
    var idle: Set<String> = []
    for node in nodes where node.type == "Constant" {
      for case let id? in node.outputs where !used.contains(id) {
        idle.insert(values[id.index].name)
      }
    }
    return idle
  }

  /// Removes constant nodes that nothing uses, as far as `isGone` says so of their values' names.
  fileprivate mutating func dropConstants(where isGone: (String) -> Bool) {
    let idle = idleConstants
    guard !idle.isEmpty else { return }
    nodes.removeAll { node in
      guard node.type == "Constant", let id = node.outputs.first.flatMap({ $0 }) else {
        return false
      }
      let name = values[id.index].name
      return idle.contains(name) && isGone(name) && !outputs.contains(id)
    }
  }
}
