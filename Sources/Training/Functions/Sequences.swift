import Graphs
import Operators
import Tensors

/// What a recurrent function gives, batch first.
public struct SequenceResult {
  /// The state after each step, `[N, T, units]`; `[N, T, 2 units]` both ways, forwards first.
  public let steps: Tensor
  /// The last state, `[N, units]` for each direction.
  public let last: [Tensor]
  /// The last cell of an LSTM for each direction.
  public let cells: [Tensor]
}

/// Which way a recurrent function goes through time.
public enum SequenceDirection: Sendable { case forward, reverse, both }

extension Tensor {
  /// Long short-term memory cells over time, `[N, T, inputs]`.
  ///
  /// - `weight` `[D, 4 units, inputs]`, `recurrent` `[D, 4 units, units]`, `bias` `[D, 8 units]`
  ///   (that of the input before that of the state), gates in the order i, o, f, c; `D` directions.
  /// - `state`, `cell`: `[D, N, units]`, zeros for nil.
  /// - Errors: `.shape`, `.dtype`. - Source: ONNX LSTM 22.
  public func lstm(
    _ weight: Tensor, _ recurrent: Tensor, _ bias: Tensor?, state: Tensor? = nil,
    cell: Tensor? = nil, direction: SequenceDirection = .forward,
    file: StaticString = #fileID, line: UInt = #line
  ) throws(EngineError) -> SequenceResult {
    if direction == .forward, dtype == .float32, TapeContext.current.keepsForGradients {
      return try overTime(
        LSTMTraining(), [weight, recurrent, bias, state, cell], outputs: 5, file, line)
    }
    return try overTime(
      LSTM(direction.options(recurrent)), [weight, recurrent, bias, nil, state, cell], outputs: 3,
      file, line)
  }

  /// Gated recurrent units over time, `[N, T, inputs]`.
  ///
  /// - `weight` `[D, 3 units, inputs]`, `recurrent` `[D, 3 units, units]`, `bias` `[D, 6 units]`,
  ///   gates in the order z, r, h. - `resetAfter`: whether the reset gate acts behind the product.
  /// - Errors: `.shape`, `.dtype`. - Source: ONNX GRU 22.
  public func gru(
    _ weight: Tensor, _ recurrent: Tensor, _ bias: Tensor?, state: Tensor? = nil,
    resetAfter: Bool = true, direction: SequenceDirection = .forward,
    file: StaticString = #fileID, line: UInt = #line
  ) throws(EngineError) -> SequenceResult {
    try overTime(
      GRU(direction.options(recurrent), linearBeforeReset: resetAfter),
      [weight, recurrent, bias, nil, state], outputs: 2, file, line)
  }

  /// A simple recurrent layer by tanh over time, `[N, T, inputs]`.
  ///
  /// - `weight` `[D, units, inputs]`, `recurrent` `[D, units, units]`, `bias` `[D, 2 units]`.
  /// - Errors: `.shape`, `.dtype`. - Source: ONNX RNN 22.
  public func simpleRNN(
    _ weight: Tensor, _ recurrent: Tensor, _ bias: Tensor?, state: Tensor? = nil,
    direction: SequenceDirection = .forward, file: StaticString = #fileID, line: UInt = #line
  ) throws(EngineError) -> SequenceResult {
    try overTime(
      RNN(direction.options(recurrent)), [weight, recurrent, bias, nil, state], outputs: 2, file,
      line)
  }

  private func overTime<Op: Operator>(
    _ op: Op, _ operands: [Tensor?], outputs: Int, _ file: StaticString, _ line: UInt
  ) throws(EngineError) -> SequenceResult {
    // The operators' own batch-first layout turns states as well; time first is what kernels have.
    let results = try apply(
      op, [transpose([1, 0, 2], file: file, line: line)] + operands, outputs: outputs, file, line)
    let y = results[0]
    let turned = try y.transpose([2, 0, 1, 3], file: file, line: line)
    let steps = try turned.reshape(copying: [0, 0, -1], file: file, line: line)
    func parts(_ t: Tensor) throws(EngineError) -> [Tensor] {
      var list: [Tensor] = []
      for d in 0..<t.shape[0] {
        list.append(try t.slice(0, from: d, to: d + 1).squeeze([0], file: file, line: line))
      }
      return list
    }
    return SequenceResult(
      steps: steps, last: try parts(results[1]),
      cells: outputs > 2 ? try parts(results[2]) : [])
  }

  /// Scaled dot-product attention: this tensor's heads `[N, H, Tq, E]` over those of keys
  /// `[N, Hkv, Tk, E]` and values `[N, Hkv, Tk, Ev]`, `H` a multiple of `Hkv`.
  ///
  /// - `mask`: bool, false where a key is not seen, or added to the products; broadcasts to
  ///   `[N, H, Tq, Tk]`. - `scale`: default `1 / sqrt(E)`.
  /// - `heads`: of queries and of keys, where all are `[N, T, heads E]`.
  /// - Errors: `.shape`, `.dtype`. - Source: ONNX Attention 23.
  public func attention(
    keys: Tensor, values: Tensor, mask: Tensor? = nil, isCausal: Bool = false,
    scale: Float? = nil, heads: (queries: Int, keys: Int)? = nil, file: StaticString = #fileID,
    line: UInt = #line
  ) throws(EngineError) -> Tensor {
    var options = Attention.Options()
    options.isCausal = isCausal
    options.scale = scale
    options.queryHeads = heads?.queries
    options.keyHeads = heads?.keys
    return try apply(Attention(options), [self, keys, values, mask], outputs: 1, file, line)[0]
  }
}

extension SequenceDirection {
  /// The options of a layer with these recurrent weights, `[D, gates units, units]`. ONNX derives
  /// the number of units from them as well, but onnxruntime wants to be told.
  func options(_ recurrent: Tensor) -> RecurrentOptions {
    let units = recurrent.shape.rank == 3 ? recurrent.shape[2] : nil
    switch self {
    case .forward: return RecurrentOptions(hiddenSize: units)
    case .reverse: return RecurrentOptions(direction: .reverse, hiddenSize: units)
    case .both: return RecurrentOptions(direction: .bidirectional, hiddenSize: units)
    }
  }
}
