import Graphs
import Operators
import Tensors

/// The inputs and outputs of a program, as those of a graph.
struct TorchInterface {
  private let program: ExportedProgram
  /// Sizes wanted for inputs, by name.
  private let shapes: [String: [Int]]

  init(_ program: ExportedProgram, _ shapes: [String: [Int]]) {
    self.program = program
    self.shapes = shapes
  }

  /// Gives the graph's inputs their values: the caller's become inputs, parameters and buffers
  /// constants.
  ///
  /// Errors: `.usage` for wanted sizes that do not fit; those of the archive.
  func addInputs(to graph: TorchGraph, from archive: ExportArchive) throws(EngineError) {
    let sizes = try wantedSizes()
    var parameters: Set<String> = []
    for node in program.graph.nodes { note(node, in: &parameters) }
    for output in program.graph.outputs { parameters.formUnion(output.names) }
    for (argument, input) in zip(program.graph.inputs, program.inputs) {
      switch input {
      case .user: try addUserInput(argument, to: graph, sizes)
      case .parameter(let value, let name), .buffer(let value, let name),
        .constant(let value, let name):
        graph.fixed.insert(value)
        if case .constant = input { graph.fixed.remove(value) }
        // What nothing uses, such as counters of training, is not read.
        guard parameters.contains(value) else { continue }
        let tensor = try archive.tensor(name)
        if let stated = program.graph.tensors[value] {
          let fits =
            stated.dtype == tensor.dtype && stated.dims.count == tensor.shape.rank
            && zip(stated.dims, tensor.shape.array).allSatisfy { $0.known == nil || $0.known == $1 }
          guard fits else {
            throw EngineError(
              .malformed, "tensor '\(name)' is not what the graph takes it for",
              expected: "\(stated.dtype) \(stated.dims)", received: "\(tensor.type)")
          }
        }
        graph.define(value, .tensor(graph.parameters.add(name, tensor)))
      case .fixed:
        for name in argument.names { graph.define(name, .none) }
      case .other(let what):
        throw EngineError(
          .unsupported, "the program takes a \(what)", expected: "tensors and numbers")
      }
    }
  }

  private func note(_ node: ExportNode, in names: inout Set<String>) {
    for (_, value) in node.inputs { names.formUnion(value.names) }
  }

  private func addUserInput(
    _ argument: ExportArgument, to graph: TorchGraph, _ sizes: [String: Dim]
  ) throws(EngineError) {
    switch argument {
    case .tensor(let name):
      guard let stated = program.graph.tensors[name] else {
        throw EngineError(.malformed, "the file does not describe input '\(name)'")
      }
      graph.given.insert(name)
      let fact = Fact(stated.dtype, stated.dims.map { $0.substituting(sizes) })
      graph.define(name, .tensor(graph.builder.input(name, fact)))
    case .scalar(.name(let name)):
      // A number that the caller gives: an int64 without axes.
      let b = graph.builder
      let id = b.input(name, Fact(.int64, []))
      graph.define(name, .symbol(try b.apply(Unsqueeze(), id, try b.ints([0]))))
    default: break
    }
  }

  /// What the wanted shapes say of the program's named sizes.
  private func wantedSizes() throws(EngineError) -> [String: Dim] {
    var sizes: [String: Dim] = [:]
    for (name, wanted) in shapes.sorted(by: { $0.key < $1.key }) {
      guard let stated = program.graph.tensors[name],
        program.graph.inputs.contains(where: { $0.names == [name] })
      else {
        throw EngineError(
          .usage, "no input is called '\(name)'", expected: userNames.joined(separator: ", "))
      }
      let unfit = EngineError(
        .usage, "the sizes wanted for '\(name)' do not fit", expected: "\(stated.dims)",
        received: "\(wanted)")
      guard stated.dims.count == wanted.count else { throw unfit }
      for (dim, n) in zip(stated.dims, wanted) {
        if let symbol = dim.symbol {
          guard n >= 0, sizes[symbol] == nil || sizes[symbol] == Dim(n) else { throw unfit }
          sizes[symbol] = Dim(n)
        } else if let known = dim.known, known != n {
          throw unfit
        }
      }
    }
    return sizes
  }

  private var userNames: [String] {
    var names: [String] = []
    for (argument, input) in zip(program.graph.inputs, program.inputs) {
      if case .user = input { names += argument.names }
    }
    return names
  }

  /// Makes the program's results the graph's outputs.
  ///
  /// Errors: `.unsupported` where a buffer would keep a result for the next call.
  func addOutputs(of graph: TorchGraph) throws(EngineError) {
    let b = graph.builder
    b.scope = ""
    var names = program.outputNames ?? []
    let users = zip(program.graph.outputs, program.outputs).filter {
      if case .user = $0.1 { true } else { false }
    }
    if names.count != users.count { names = [] }
    var place = 0
    for (argument, output) in zip(program.graph.outputs, program.outputs) {
      switch output {
      case .user:
        let name = place < names.count ? names[place] : nil
        place += 1
        let value: TorchValue
        switch argument {
        case .tensor(let tensor): value = try graph.value(tensor)
        case .scalar(let scalar): value = try graph.value(scalar)
        default: continue
        }
        let own = argument.names.first ?? "output_\(place - 1)"
        switch value {
        case .tensor(let id): try b.output(name ?? own, id)
        case .symbol(let id):
          try b.output(name ?? own, try b.apply(Squeeze(), id, try b.ints([0])))
        case .number(let n):
          try b.output(name ?? own, try b.constant(try TorchScalar.tensor(n, n.dtype)))
        case .none: continue
        }
      case .bufferMutation(let name):
        throw EngineError(
          .unsupported, "the program changes its buffer '\(name)'",
          expected: "a model without state", hint: "call eval() before the export")
      case .inputMutation(let name):
        graph.notes.append("the program changes its input '\(name)', which the model does not")
      case .other(let what):
        throw EngineError(.unsupported, "the program gives a \(what)")
      }
    }
    guard !b.graph.outputs.isEmpty else {
      throw EngineError(.unsupported, "the program gives no tensor")
    }
  }
}
