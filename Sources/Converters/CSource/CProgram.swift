import Graphs
import Tensors

/// The text of a C program: constants, a function for each node, and the function that runs them.
struct CProgram {
  private let source: CGraph
  private let memory: CMemory
  private let name: String
  private let title: String
  private var constants: [ValueID: String] = [:]
  private var constantText: [UInt8] = []
  private var functions: [UInt8] = []
  private var calls: [String] = []
  private var dtypes: Set<String> = []
  private let inputNames: [String]
  private let outputNames: [String]

  /// Errors: `.unsupported` listing all nodes that are not written.
  init(_ source: CGraph, name: String, title: String) throws(EngineError) {
    self.source = source
    self.name = name
    self.title = title
    memory = CMemory(source)
    var taken: Set<String> = ["int", "float", "double", "for", "if", "const", "static"]
    let graph = source.graph
    inputNames = graph.inputs.map { Self.unique(graph.name($0), &taken) }
    outputNames = graph.outputs.map { Self.unique(graph.name($0), &taken) }
    try write()
  }

  private static func unique(_ name: String, _ taken: inout Set<String>) -> String {
    let base = CType.identifier(name)
    var candidate = base
    var k = 1
    while !taken.insert(candidate).inserted {
      k += 1
      candidate = "\(base)_\(k)"
    }
    return candidate
  }

  // MARK: Parts

  private mutating func write() throws(EngineError) {
    var parts = UnsupportedParts()
    let graph = source.graph
    for (i, node) in graph.nodes.enumerated() where !COperators.views.contains(node.type) {
      guard let op = node.op, let entry = COperators.all[node.type] else { continue }
      var body = CBody(
        op, inputs: node.inputs.map { $0.flatMap { source.value($0) } },
        outputs: node.outputs.map { $0.flatMap { source.value($0) } })
      do throws(EngineError) {
        try entry.write(&body)
      } catch {
        parts.add(node.type, at: graph.nodeName(i), error.message)
        continue
      }
      add(body, node, i)
    }
    try parts.check(.onnx)
    for (k, id) in memory.copies {
      guard let value = source.value(id) else { continue }
      let size = "sizeof(\(CType.name(value.dtype) ?? "float"))"
      calls.append("memcpy(\(outputNames[k]), \(address(id)), \(value.count) * \(size));")
    }
  }

  private mutating func add(_ body: CBody, _ node: Graph.Node, _ i: Int) {
    let function = "\(name)_\(i)_\(node.type.lowercased())"
    var parameters: [String] = []
    var arguments: [String] = []
    var shapes: [String] = []
    for k in body.usedInputs.sorted() {
      guard let id = node.inputs[k], let value = body.inputs[k] else { continue }
      parameters.append("const \(CType.name(value.dtype) ?? "float") *x\(k)")
      arguments.append(address(id))
      shapes.append("x\(k) \(value.shape)")
    }
    for k in body.usedOutputs.sorted() {
      guard let id = node.outputs[k], let value = body.outputs[k] else { continue }
      parameters.append("\(CType.name(value.dtype) ?? "float") *y\(k)")
      arguments.append(address(id))
      shapes.append("y\(k) \(value.shape)")
    }
    // Nothing is made where nothing is written: an empty result.
    if parameters.isEmpty { return }
    let place = comment(source.graph.nodeName(i))
    let head = "/* \(node.type) '\(place)': \(shapes.joined(separator: ", ")) */\n"
    let line = "static void \(function)(\(parameters.joined(separator: ", ")))\n{\n"
    functions += Array((head + line + body.text + "}\n\n").utf8)
    calls.append("\(function)(\(arguments.joined(separator: ", ")));")
  }

  /// How a call names a value.
  private mutating func address(_ id: ValueID) -> String {
    switch memory.place(of: id) {
    case .input(let k): return inputNames[k]
    case .output(let k): return outputNames[k]
    case .arena(let offset):
      guard let value = source.value(id) else { return "0" }
      let member = "\(value.dtype == .bool ? DType.uint8 : value.dtype)"
      dtypes.insert(member)
      return "\(name)_arena.\(member) + \(offset / max(value.dtype.byteSize, 1))"
    case .constant(let root): return constant(root)
    }
  }

  private mutating func constant(_ id: ValueID) -> String {
    if let known = constants[id] { return known }
    guard let tensor = source.value(id)?.constant else { return "0" }
    let label = "\(name)_w\(constants.count)"
    constants[id] = label
    let given = source.graph.values[id.index].name
    var text = given.isEmpty ? "" : "/* \(comment(given)) \(tensor.shape) */\n"
    text +=
      "static const \(CType.name(tensor.dtype) ?? "float") \(label)[\(max(tensor.count, 1))] = {\n"
    constantText += Array(text.utf8)
    var row = " "
    for i in 0..<tensor.count {
      row += " " + CType.element(tensor, i) + (i + 1 < tensor.count ? "," : "")
      if row.utf8.count > 88 || i + 1 == tensor.count {
        constantText += Array((row + "\n").utf8)
        row = " "
      }
    }
    if tensor.count == 0 { constantText += Array("  0\n".utf8) }
    constantText += Array("};\n\n".utf8)
    return label
  }

  /// Text that ends no comment and starts no trigraph.
  private func comment(_ text: String) -> String {
    String(
      String.UnicodeScalarView(
        text.unicodeScalars.map { c in
          let isPlain =
            c.isASCII && c.value >= 32 && c.value < 127 && c != "*" && c != "?" && c != "\\"
          return isPlain ? c : "_"
        }))
  }

  // MARK: Files

  var arenaBytes: Int { memory.arenaBytes }

  private var macro: String { name.uppercased() }

  private var parameters: String {
    let graph = source.graph
    func declared(_ id: ValueID, _ label: String, isInput: Bool) -> String {
      let type = source.value(id).flatMap { CType.name($0.dtype) } ?? "float"
      return "\(isInput ? "const " : "")\(type) *\(label)"
    }
    let list =
      zip(graph.inputs, inputNames).map { declared($0, $1, isInput: true) }
      + zip(graph.outputs, outputNames).map { declared($0, $1, isInput: false) }
    return list.isEmpty ? "void" : list.joined(separator: ", ")
  }

  /// The header: what the function takes and gives.
  var header: [UInt8] {
    let graph = source.graph
    var lines = [
      "/* \(comment(title)), made by dlrun. */", "#ifndef \(macro)_H", "#define \(macro)_H",
    ]
    lines += ["", "#include <stdint.h>", ""]
    lines += ["/* Bytes of the memory in which \(name)_run works, which is static. */"]
    lines += ["#define \(macro)_ARENA_BYTES \(memory.arenaBytes)", ""]
    lines += ["#ifdef __cplusplus", "extern \"C\" {", "#endif", ""]
    lines += ["/* Runs the model. It works in static memory: one call at a time.", " *"]
    for (id, label) in zip(graph.inputs, inputNames) {
      lines.append(" * \(label): in, \(described(id)).")
    }
    for (id, label) in zip(graph.outputs, outputNames) {
      lines.append(" * \(label): out, \(described(id)).")
    }
    lines += [" */", "void \(name)_run(\(parameters));", ""]
    lines += ["#ifdef __cplusplus", "}", "#endif", "", "#endif", ""]
    return Array(lines.joined(separator: "\n").utf8)
  }

  private func described(_ id: ValueID) -> String {
    guard let value = source.value(id) else { return "" }
    return "\(value.dtype) \(value.shape), \(value.count) elements"
  }

  /// The program, which includes its header under `headerName`.
  func text(including headerName: String) -> [UInt8] {
    var head = "/* \(comment(title)), made by dlrun. */\n#include \"\(headerName)\"\n\n"
    head += "#include <math.h>\n#include <stdint.h>\n#include <string.h>\n\n"
    var result = Array(head.utf8) + constantText
    if memory.arenaBytes > 0, !dtypes.isEmpty {
      var arena =
        "/* Values between the nodes; those that live at different times share memory. */\n"
      arena += "static union {\n"
      for dtype in DType.allCases where dtypes.contains("\(dtype)") {
        let count = (memory.arenaBytes + dtype.byteSize - 1) / dtype.byteSize
        arena += "  \(CType.name(dtype) ?? "float") \(dtype)[\(count)];\n"
      }
      arena += "} \(name)_arena;\n\n"
      result += Array(arena.utf8)
    }
    result += functions
    var run = "void \(name)_run(\(parameters))\n{\n"
    for label in unusedParameters { run += "  (void)\(label);\n" }
    run += calls.map { "  \($0)\n" }.joined() + "}\n"
    return result + Array(run.utf8)
  }

  /// Parameters that nothing reads or writes.
  private var unusedParameters: [String] {
    (inputNames + outputNames).filter { label in
      !calls.contains { call in
        call.split(whereSeparator: { "(), ".contains($0) }).contains { $0 == label }
      }
    }
  }
}
