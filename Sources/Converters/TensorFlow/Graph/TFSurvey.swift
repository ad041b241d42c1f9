import Tensors

/// All that outputs depend on, functions included, walked before anything is converted: so that one
/// message names everything that cannot be.
struct TFSurvey {
  private var parts = UnsupportedParts()

  /// Why well-known operators are refused.
  private static func reason(_ op: String) -> String {
    switch op {
    case "ReadFile", "WholeFileReaderV2", "MatchingFiles", "TextLineReaderV2",
      "FixedLengthRecordReaderV2", "TFRecordReaderV2", "ReaderReadV2", "RestoreV2", "Restore":
      "it reads files"
    case "WriteFile", "SaveV2", "Save", "PrintV2", "MergeV2Checkpoints": "it writes files"
    case "PyFunc", "EagerPyFunc", "PyFuncStateless": "it runs Python"
    case "XlaLaunch", "XlaCallModule", "RemoteCall", "LoadLibrary": "it runs code"
    case "CudnnRNN", "CudnnRNNV2", "CudnnRNNV3":
      "it holds weights in a form of the GPU; save the model on a CPU"
    default: "not supported"
    }
  }

  /// - `given`: values that stand for inputs.
  init(
    _ program: TFProgram, _ outputs: [TFRef], given: Set<TFRef>
  ) throws(EngineError) {
    var seen: Set<String> = []
    var functions: [String] = []
    try walk(program.main, outputs, given, program, &functions)
    while let name = functions.popLast() {
      guard seen.insert(name).inserted else { continue }
      let body = try program.body(name)
      try walk(body, body.results.map(\.ref), [], program, &functions)
    }
  }

  private mutating func walk(
    _ body: TFBody, _ outputs: [TFRef], _ given: Set<TFRef>, _ program: TFProgram,
    _ functions: inout [String]
  ) throws(EngineError) {
    var seen: Set<Int> = []
    var stack = outputs.filter { !given.contains($0) }.map(\.node)
    while let n = stack.popLast() {
      guard seen.insert(n).inserted else { continue }
      let node = body.nodes[n]
      if TFOperators.table[node.op] != nil || node.op == TFNode.argumentOperator {
        for f in try node.attributes.allFunctions() where program.has(f) { functions.append(f) }
      } else if program.has(node.op) {
        functions.append(node.op)
      } else {
        parts.add(node.op, at: node.name, Self.reason(node.op))
      }
      for ref in body.inputs[n] where !given.contains(ref) { stack.append(ref.node) }
    }
  }

  /// Errors: `.unsupported` listing all operators that are not converted.
  func check(_ kind: SourceKind) throws(EngineError) { try parts.check(kind) }
}
