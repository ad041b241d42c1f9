import Graphs
import Operators
import Synchronization
import Tensors

/// A function being recorded into a graph: operators run on example values, so that Swift code sees
/// real shapes, and are added to the graph.
final class Capture {
  let builder = GraphBuilder()
  /// By number of the tensor: its value in the graph.
  private var values: [ValueID] = []
  /// Constants by the identity of their memory, which is kept alive.
  private var constants: [ObjectIdentifier: (Tensor, ValueID)] = [:]
  private let generation: Int
  /// How many nodes have a name without its number.
  private var names: [String: Int] = [:]
  let eager: Eager

  private static let generations = Atomic<Int>(1)
  /// A number that no tape has: tapes stay below 2^30.
  static func nextGeneration() -> Int {
    1 << 30 | generations.wrappingAdd(1, ordering: .relaxed).newValue & 0x3FFF_FFFF
  }

  /// Whether gradients will flow through the graph.
  let isForTraining: Bool
  /// Whether the graph goes to a file: what it holds does not change any more.
  var isExport = false
  /// The input that random numbers depend on, and how many calls drew from it.
  private var random: Tensor?
  private(set) var randomCalls = 0
  /// What was asked for where nothing can be thrown: thrown when the capture ends.
  private var refusal: EngineError?

  init(generation: Int, eager: Eager, isForTraining: Bool) {
    self.generation = generation
    self.eager = eager
    self.isForTraining = isForTraining
  }

  /// The tensor as a constant to gradients.
  func stopped(_ tensor: Tensor) -> Tensor {
    guard isForTraining, isCaptured(tensor) else { return tensor }
    do throws(EngineError) {
      let value = try builder.call(StopGradient(), Few(value(tensor)), outputs: 1)[0]
      return self.tensor(tensor, for: value)
    } catch {
      refuse(error)
      return tensor
    }
  }

  func refuse(_ error: EngineError) { refusal = refusal ?? error }

  /// Errors: what could not be captured and not be said where it was asked for.
  func check() throws(EngineError) { if let refusal { throw refusal } }

  /// Errors: `.unsupported` when gradients must flow through what is no operator.
  func checkCustom(_ what: String, _ inputs: [Tensor]) throws(EngineError) {
    guard isForTraining, inputs.contains(where: isCaptured) else { return }
    throw EngineError(
      .unsupported, "\(what) cannot be captured into a graph",
      hint: "train this function without compiling it")
  }

  /// The state that the next draw of random numbers depends on, and what is added to its calls.
  func drawnState() throws(EngineError) -> (state: Tensor, offset: Int) {
    let context = TapeContext.current
    let state: Tensor
    if let random {
      state = random
    } else {
      let now = RandomStream(key: context.random.seed, call: context.random.calls)
      state = input("random", try now.state(), dims: [2])
      random = state
    }
    defer { randomCalls += 1 }
    return (state, randomCalls)
  }

  func isCaptured(_ tensor: Tensor) -> Bool { tensor.slot >> 32 == generation }

  /// A tensor that stands for a value of the graph.
  func tensor(_ example: Tensor, for value: ValueID) -> Tensor {
    values.append(value)
    return Tensor(example.storage, slot: generation << 32 | (values.count - 1))
  }

  /// An input of the graph. `dims` may be symbolic.
  func input(_ name: String, _ example: Tensor, dims: [Dim]) -> Tensor {
    tensor(example, for: builder.graph.addInput(name, Fact(.tensor(example.dtype, dims))))
  }

  /// A constant that operators are recorded on, named by the layer that runs.
  func constant(_ name: String, _ tensor: Tensor) throws(EngineError) -> Tensor {
    let id = try builder.constant(tensor)
    let path = TapeContext.current.layerPath
    builder.graph.values[id.index].name =
      "\(path.isEmpty ? "" : path + ".")\(name).\(id.index)"
    return self.tensor(tensor, for: id)
  }

  /// The value of a tensor; one made outside becomes a constant.
  func value(_ tensor: Tensor) throws(EngineError) -> ValueID {
    if isCaptured(tensor) { return values[tensor.slot & 0xFFFF_FFFF] }
    let id = ObjectIdentifier(tensor.storage)
    if let (_, known) = constants[id] { return known }
    let made = try builder.constant(tensor)
    constants[id] = (tensor, made)
    return made
  }

  func call<Op: Operator>(
    _ op: Op, _ inputs: Few<Tensor?>, outputs: Int
  ) throws(EngineError) -> Few<Tensor> {
    let results = try eager.run(eager.prepared(op, inputs, outputs: outputs), inputs)
    let list = inputs.array
    guard list.contains(where: { $0.map(isCaptured) ?? false }) else { return results }
    var ids: [ValueID?] = []
    for t in list { ids.append(try t.map { (t) throws(EngineError) in try value(t) }) }
    let made = try builder.call(op, Few(ids), outputs: outputs)
    name(Op.schema.name)
    var tensors: [Tensor] = []
    // The capture itself counts as one pause; more of them are withoutGradient's.
    let stops = TapeContext.current.pauses > 1
    for i in 0..<results.count {
      let result = tensor(results[i], for: made[i])
      tensors.append(stops ? stopped(result) : result)
    }
    return Few(tensors)
  }

  /// Names the last node by the layer that runs and its operator.
  private func name(_ operatorName: String) {
    let path = TapeContext.current.layerPath.split(separator: ".").joined(separator: "/")
    let plain = path.isEmpty ? operatorName : "\(path)/\(operatorName)"
    let count = names[plain, default: 0]
    names[plain] = count + 1
    builder.graph.nodes[builder.graph.nodes.count - 1].name =
      count == 0 ? plain : "\(plain)_\(count)"
  }
}
