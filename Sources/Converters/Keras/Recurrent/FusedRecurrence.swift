import Graphs
import Operators
import Tensors

/// A recurrent layer as one of ONNX's operators, in one direction or two.
struct FusedRecurrence {
  let cell: RecurrentCell
  private let weights: LayerCall
  /// Names of the functions, and parameters of those that have some.
  private let functions: [(name: String, alpha: Float?, beta: Float?)]

  /// Nil where a function is none that ONNX knows.
  init?(_ cell: RecurrentCell, _ weights: LayerCall) throws(EngineError) {
    self.cell = cell
    self.weights = weights
    guard let main = Self.function(cell.activation), let gate = Self.function(cell.gate) else {
      return nil
    }
    switch cell.kind {
    case .simple: functions = [main]
    case .gru: functions = [gate, main]
    case .lstm: functions = [gate, main, main]
    }
    // What is read once must be read as the operator has it.
    guard weights.dtype == .float32 || weights.dtype == .float64 else { return nil }
  }

  private static func function(
    _ function: ActivationFunction
  ) -> (name: String, alpha: Float?, beta: Float?)? {
    guard case .named(let name) = function else { return nil }
    switch name {
    case "tanh": return ("Tanh", nil, nil)
    case "sigmoid": return ("Sigmoid", nil, nil)
    case "relu": return ("Relu", nil, nil)
    case "hard_sigmoid": return ("HardSigmoid", 1 / 6, 0.5)
    case "hard_sigmoid_2": return ("HardSigmoid", 0.2, 0.5)
    case "softsign": return ("Softsign", nil, nil)
    case "softplus": return ("Softplus", nil, nil)
    case "elu": return ("Elu", 1, nil)
    case "linear": return ("Affine", 1, 0)
    default: return nil
    }
  }

  /// Whether `other` can run backwards in the same operator.
  func fits(_ other: FusedRecurrence) -> Bool {
    cell.kind == other.cell.kind && cell.units == other.cell.units
      && cell.resetsAfter == other.cell.resetsAfter && weights.dtype == other.weights.dtype
      && functions.elementsEqual(other.functions) { $0 == $1 }
  }

  // MARK: Weights

  private var gates: [Int] {
    switch cell.kind {
    case .simple: [0]
    // Keras has i, f, c, o; ONNX i, o, f, c.
    case .lstm: [0, 3, 1, 2]
    case .gru: [0, 1, 2]
    }
  }

  /// Columns of gates in ONNX's order.
  private var columns: [Int64] {
    gates.flatMap { gate in (0..<cell.units).map { Int64(gate * cell.units + $0) } }
  }

  /// `[I, G units]` as `[1, G units, I]`.
  private func matrix(_ index: Int) throws(EngineError) -> Tensor {
    let w = try weights.tensor(index)
    guard w.shape.rank == 2, w.shape[1] == gates.count * cell.units else {
      throw EngineError(
        .malformed, "'\(weights.name)' has a kernel of shape \(w.shape)",
        expected: "\(gates.count * cell.units) columns")
    }
    let eager = Eager()
    var sorted = try eager.apply(Transpose(perm: [1, 0]), w)
    if cell.kind == .lstm {
      sorted = try eager.apply(Gather(axis: 0), sorted, try Tensor(columns))
    }
    let made = try sorted.reshaped(try Shape(checking: [1] + sorted.shape.array))
    return made.dtype == weights.dtype ? made : try eager.apply(Cast(to: weights.dtype), made)
  }

  /// `[1, 2 G units]`: the input's bias, then the recurrent one.
  private func bias() throws(EngineError) -> Tensor {
    let eager = Eager()
    let w = try weights.tensor(2)
    let width = gates.count * cell.units
    guard w.shape.count == width || w.shape.count == 2 * width else {
      throw EngineError(.malformed, "'\(weights.name)' has a bias of shape \(w.shape)")
    }
    var rows = try w.reshaped(try Shape(checking: [w.shape.count / width, width]))
    if cell.kind == .lstm {
      rows = try eager.apply(Gather(axis: 1), rows, try Tensor(columns))
    }
    rows = rows.dtype == weights.dtype ? rows : try eager.apply(Cast(to: weights.dtype), rows)
    if rows.shape[0] == 1 {
      let zeros = try eager.apply(Mul(), rows, try LayerCall.scalar(0, weights.dtype))
      rows = try eager.apply(Concat(axis: 0), rows, zeros)
    }
    return try rows.reshaped(try Shape(checking: [1, 2 * width]))
  }

  /// W, R and B of this direction and perhaps another.
  private func operands(
    _ other: FusedRecurrence?, _ call: LayerCall
  ) throws(EngineError) -> [ValueID?] {
    var result: [ValueID?] = []
    for (index, name) in ["kernel", "recurrent_kernel", "bias"].enumerated() {
      func part(_ of: FusedRecurrence) throws(EngineError) -> Tensor {
        index < 2 ? try of.matrix(index) : try of.bias()
      }
      guard index < 2 || cell.usesBias || other?.cell.usesBias == true else {
        result.append(nil)
        continue
      }
      let key = "\(index) fused \(other == nil ? 1 : 2)"
      if let known = call.object.values[key] {
        result.append(known)
        continue
      }
      var tensor = try part(self)
      if let other {
        tensor = try Eager().apply(Concat(axis: 0), tensor, try part(other))
      }
      let made = call.b.weight("\(call.b.scope)/\(name)", tensor)
      call.object.values[key] = made
      result.append(made)
    }
    return result
  }

  // MARK: Operators

  /// One direction.
  func run(
    _ call: LayerCall, _ x: ValueID, _ states: [ValueID], backwards: Bool, sequences: Bool,
    flips: Bool
  ) throws(EngineError) -> KerasRecurrentLayer.Result {
    let made = try apply(call, x, states, direction: backwards ? .reverse : .forward, nil)
    var result = KerasRecurrentLayer.Result(
      output: made[1], states: [], mask: nil)
    for state in made.dropFirst() { result.states.append(try call.squeeze(state, [0])) }
    result.output = result.states[0]
    if sequences {
      // [T, 1, N, H] as [N, T, H].
      result.output = try call.transpose(try call.squeeze(made[0], [1]), [1, 0, 2])
      if backwards, flips {
        result.output = try call.slice(result.output, axis: 1, from: -1, step: -1)
      }
    }
    return result
  }

  /// Y, Y_h and, for LSTM, Y_c; with `other` running backwards.
  func apply(
    _ call: LayerCall, _ x: ValueID, _ states: [ValueID],
    direction: RecurrentOptions.Direction, _ other: FusedRecurrence?
  ) throws(EngineError) -> [ValueID] {
    var options = RecurrentOptions(direction: direction, hiddenSize: cell.units)
    let all = other == nil ? functions : functions + functions
    let isStandard = functions.map(\.name) == standard
    if !isStandard {
      options.activations = all.map(\.name)
      options.alphas = all.compactMap(\.alpha)
      options.betas = all.compactMap(\.beta)
    }
    let directions = other == nil ? 1 : 2
    let count = cell.kind == .lstm ? 2 : 1
    var initial: [ValueID?] = []
    if !states.isEmpty {
      guard states.count == count * directions else {
        throw EngineError(
          .malformed, "'\(call.name)' is given a wrong number of states",
          expected: "\(count * directions)", received: "\(states.count)")
      }
      for i in 0..<count {
        var rows: [ValueID] = []
        for d in 0..<directions { rows.append(try call.unsqueeze(states[d * count + i], [0])) }
        initial.append(try call.concat(rows, axis: 0))
      }
    }
    let time = try call.transpose(x, [1, 0, 2])
    let inputs = [time] + (try operands(other, call)) + (initial.isEmpty ? [] : [nil] + initial)
    let b = call.b
    switch cell.kind {
    case .simple: return try b.apply(RNN(options), inputs: inputs, outputs: 2).array
    case .gru:
      return try b.apply(
        GRU(options, linearBeforeReset: cell.resetsAfter), inputs: inputs, outputs: 2
      ).array
    case .lstm: return try b.apply(LSTM(options), inputs: inputs, outputs: 3).array
    }
  }

  private var standard: [String] {
    switch cell.kind {
    case .simple: ["Tanh"]
    case .gru: ["Sigmoid", "Tanh"]
    case .lstm: ["Sigmoid", "Tanh", "Tanh"]
    }
  }
}
