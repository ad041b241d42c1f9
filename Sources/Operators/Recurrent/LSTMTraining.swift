import Graphs
import Kernels
import Tensors

/// `LSTM` that keeps what its gradient needs, so that no step is computed twice.
///
/// - Inputs: X, W, R, B, `initial_h` and `initial_c` of LSTM. Outputs: Y, Y_h, Y_c of LSTM, and
///   `gates` `[T, N, 4*H]` of i, o, f, c behind their functions, and `cells` `[T, N, H]`.
/// - One direction, forwards, time first, the standard functions. What is kept: float32 alone.
/// - Errors: those of LSTM; `.unsupported` for asking to keep other dtypes.
/// - Accuracy: that of LSTM; the same for any number of threads.
/// - Gradient: `LSTMTrainingGradient`, or that of LSTM where nothing was kept. What is kept is a
///   constant to gradients.
/// - Source: domain ai.dlrun 1.
public struct LSTMTraining: Operator {
  public static let schema = Schema(
    "LSTMTraining", domain: "ai.dlrun", versions: [1],
    inputs: [
      Parameter("X", .floats), Parameter("W", .floats), Parameter("R", .floats),
      .optional("B", .floats), .optional("initial_h", .floats), .optional("initial_c", .floats),
    ],
    outputs: [
      Parameter("Y", .floats), .optional("Y_h", .floats), .optional("Y_c", .floats),
      .optional("gates", .floats), .optional("cells", .floats),
    ], isDifferentiable: true,
    cases: {
      let full = try LSTM.fullInputs(gates: 4, directions: 1)
      return [
        .init(LSTMTraining(), try LSTM.exampleInputs(gates: 4), outputCount: 3),
        .init(LSTMTraining(), Array(full[0..<4] + full[5..<7]), outputCount: 3),
      ]
    })

  public init() {}
  public init(reading a: AttributeReader) throws(EngineError) {}

  /// A list of this operator's inputs as LSTM takes them.
  private func plain<T>(_ list: [T?]) -> [T?] {
    let padded = list + [T?](repeating: nil, count: max(0, 6 - list.count))
    return Array(padded[0..<4]) + [nil] + Array(padded[4..<6]) + [nil]
  }

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] {
    let facts = try LSTM().infer(Inference(inputs: plain((0..<6).map { c.fact($0) })))
    var (gates, cells): ([Dim]?, [Dim]?) = (nil, nil)
    if let y = facts[0].dims, y.count == 4 {
      gates = [y[0], y[2], 4 * y[3]]
      cells = [y[0], y[2], y[3]]
    }
    let dtype = c.dtype(0)
    return facts + [Fact(dtype, gates), Fact(dtype, cells)]
  }

  public func multiplyAdds(inputs: [[Dim]?], outputs: [[Dim]?]) -> Dim? {
    LSTM().multiplyAdds(inputs: inputs, outputs: outputs)
  }

  public func prepare(_ p: Preparation) throws(EngineError) -> Prepared {
    if let half = try widened(p) { return half }
    // The layer's own checks, and its kernel where nothing is kept.
    let inputs = (0..<6).map { $0 < p.inputs.count ? p.inputs[$0] : nil }
    let types = Array(p.outputs.prefix(3))
    let layer = try LSTM().prepare(
      Preparation(
        inputs: plain(inputs), outputs: types,
        constants: plain([Tensor?](repeating: nil, count: 6)), options: p.options, store: p.store))
    let keeps = p.wants(3) || p.wants(4)
    let (x, r) = (try p.input(0), try p.input(2))
    let has = (3..<6).map { p.has($0) }
    let (hasBias, hasH, hasC) = (has[0], has[1], has[2])
    if !keeps {
      let count = inputs.count
      return Prepared(scratchBytes: layer.scratchBytes, label: "lstm") { (m) throws(EngineError) in
        // The layer has its sequence lengths between.
        var list = InlineArray<8, UnsafeMutableRawPointer>(repeating: Storage.empty)
        for i in 0..<4 where i < count { list[i] = m.inputs[i] }
        for i in 4..<6 where i < count { list[i + 1] = m.inputs[i] }
        let span = list.span
        try span.withUnsafeBufferPointer { (b) throws(EngineError) in
          guard let base = b.baseAddress else { return }
          try layer.run(
            Memory(inputs: base, outputs: m.outputs, scratch: m.scratch, pool: m.pool))
        }
      }
    }
    guard x.dtype == .float32 else { throw p.noKernel() }
    let kernel = LSTMTrainingKernel(
      steps: x.shape[0], batch: x.shape[1], input: x.shape[2], hidden: r.shape[2],
      threads: p.options.threads)
    let wants = (0..<5).map { p.wants($0) }
    let (wantsH, wantsC) = (wants[1], wants[2])
    guard wants[0], wants[3], wants[4] else {
      throw EngineError(
        .arity, "an LSTM in training keeps all or nothing", expected: "Y, gates and cells",
        hint: "leave out both gates and cells, or neither")
    }
    let (steps, state) = (x.shape[0], x.shape[1] * r.shape[2])
    return Prepared(scratchBytes: kernel.forwardBytes, label: "lstm training") { m in
      var o = LSTMTrainingKernel.Operands(x: m.input(0), w: m.input(1), r: m.input(2))
      if hasBias { o.bias = m.input(3) }
      if hasH { o.firstH = m.input(4) }
      if hasC { o.firstC = m.input(5) }
      let kept = LSTMTrainingKernel.Kept(y: m.output(0), gates: m.output(3), cells: m.output(4))
      kernel.forward(o, kept, scratch: m.scratch, pool: m.pool)
      for (wants, i, from) in [(wantsH, 1, kept.y), (wantsC, 2, kept.cells)] where wants {
        let to = m.output(i, Float.self)
        if steps > 0 {
          to.update(from: from + (steps - 1) * state, count: state)
        } else {
          to.update(repeating: 0, count: state)
        }
      }
    }
  }

  public func gradient<B: Builder>(
    _ b: B, _ g: inout Backward<B.Value>
  ) throws(EngineError) {
    let given = (0..<6).map { $0 < g.inputs.count ? g.inputs[$0] : nil }
    let ups = (0..<3).map { $0 < g.upstreams.count ? g.upstreams[$0] : nil }
    let made: Few<B.Value>
    if g.outputs.count == 5 {
      let kept: [B.Value?] = [g.outputs[0], g.outputs[3], g.outputs[4]]
      made = try b.apply(LSTMTrainingGradient(), inputs: given + kept + ups, outputs: 6)
    } else {
      made = try b.apply(LSTMGradient(LSTM()), inputs: plain(given) + ups, outputs: 6)
    }
    for i in 0..<6 where g.needs(i) { g.give(i, made[i]) }
  }
}
