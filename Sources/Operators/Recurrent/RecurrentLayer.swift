import Graphs
import Kernels
import Tensors

/// What RNN, GRU and LSTM share: shapes, checks and the kernel.
///
/// With `D` directions and `G` gates: `X` `[T, N, I]` (batch first `[N, T, I]`), `W` `[D, G*H, I]`,
/// `R` `[D, G*H, H]`, `B` `[D, 2*G*H]`, `sequence_lens` int32 `[N]`, states `[D, N, H]` (batch
/// first `[N, D, H]`). `Y` `[T, D, N, H]` (batch first `[N, T, D, H]`), last states as the initial
/// ones. Steps past a sequence's length give zeros in `Y` and leave the state alone.
public protocol RecurrentLayer: Operator {
  var options: RecurrentOptions { get }
  var cell: RecurrentKernel.Cell { get }
  static var standardActivations: [String] { get }
}

extension RecurrentLayer {
  /// The lists of inputs and outputs up to `initial_h`.
  static var inputs: [Parameter] {
    [
      Parameter("X", .floats), Parameter("W", .floats), Parameter("R", .floats),
      .optional("B", .floats), .optional("sequence_lens", DTypes(.int32), "T1"),
      .optional("initial_h", .floats),
    ]
  }

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] {
    let directions = Dim(options.direction.isReverse.count)
    for (i, name) in [(0, "X"), (1, "W"), (2, "R")] {
      if let d = c.dims(i), d.count != 3 {
        throw EngineError(
          .shape, "\(name) has the wrong rank", expected: "3", received: "shape \(d)")
      }
    }
    let hidden =
      c.dims(2)?[2] ?? options.hiddenSize.map { Dim($0) } ?? c.unknown()
    let x = c.dims(0) ?? c.unknown(rank: 3)
    let (steps, batch) = options.isBatchFirst ? (x[1], x[0]) : (x[0], x[1])
    let state = options.isBatchFirst ? [batch, directions, hidden] : [directions, batch, hidden]
    let y =
      options.isBatchFirst
      ? [batch, steps, directions, hidden] : [steps, directions, batch, hidden]
    let dtype = c.dtype(0)
    return Array([Fact(dtype, y), Fact(dtype, state), Fact(dtype, state)].prefix(outputCount))
  }

  public func multiplyAdds(inputs: [[Dim]?], outputs: [[Dim]?]) -> Dim? {
    guard let x = inputs[0], let w = inputs[1], let r = inputs[2], x.count == 3 else { return nil }
    return x[0] * x[1] * (w.product + r.product)
  }

  private var outputCount: Int { Self.schema.outputs.count }

  private func check(
    _ p: Preparation, _ i: Int, _ name: String, _ dims: [Int]
  ) throws(EngineError) {
    guard p.has(i) else { return }
    let type = try p.input(i)
    guard type.shape.array == dims else {
      throw EngineError(
        .shape, "\(name) has the wrong shape", expected: "\(dims)", received: "\(type.shape)")
    }
  }

  public func prepare(_ p: Preparation) throws(EngineError) -> Prepared {
    if let half = try widened(p) { return half }
    let dtype = try p.input(0).dtype
    guard dtype == .float32 || dtype == .float64 else { throw p.noKernel() }
    for i in [1, 2, 3, 5, 6, 7] where p.has(i) {
      guard try p.input(i).dtype == dtype else { throw p.noKernel() }
    }
    let x = try p.input(0).shape
    let r = try p.input(2).shape
    guard x.rank == 3, r.rank == 3, r[2] < 1 << 31 else {
      throw EngineError(.shape, "X and R have rank 3", received: "\(x) and \(r)")
    }
    let (steps, batch) = options.isBatchFirst ? (x[1], x[0]) : (x[0], x[1])
    let (input, hidden) = (x[2], r[2])
    let isReverse = options.direction.isReverse
    let directions = isReverse.count
    let gates = cell.gates
    if let stated = options.hiddenSize, stated != hidden {
      throw EngineError(
        .attribute, "attribute 'hidden_size' does not fit R", expected: "\(hidden)",
        received: "\(stated)")
    }
    // The product of all inputs with W lies in scratch.
    let (rows, overflow) = steps.multipliedReportingOverflow(by: batch)
    let (product, overflows) = rows.multipliedReportingOverflow(by: gates * max(1, hidden))
    guard !overflow, !overflows, product < 1 << 40 else {
      throw EngineError(.budget, "the sequence is too large", received: "X \(x), R \(r)")
    }
    let state = options.isBatchFirst ? [batch, directions, hidden] : [directions, batch, hidden]
    try check(p, 1, "W", [directions, gates * hidden, input])
    try check(p, 2, "R", [directions, gates * hidden, hidden])
    try check(p, 3, "B", [directions, 2 * gates * hidden])
    try check(p, 4, "sequence_lens", [batch])
    try check(p, 5, "initial_h", state)
    try check(p, 6, "initial_c", state)
    try check(p, 7, "P", [directions, 3 * hidden])
    let kernel = RecurrentKernel(
      cell: cell, steps: steps, batch: batch, input: input, hidden: hidden, isReverse: isReverse,
      activations: try options.settled(default: Self.standardActivations), clip: options.clip,
      isBatchFirst: options.isBatchFirst)
    let fast = try packedKernel(kernel, p)
    let has = (3..<8).map { p.has($0) }
    let (hasBias, hasLengths, hasH, hasC, hasP) = (has[0], has[1], has[2], has[3], has[4])
    let (wantsY, wantsH, wantsC) = (p.wants(0), p.wants(1), p.wants(2))
    return Prepared(
      scratchBytes: fast?.scratchBytes ?? kernel.scratchBytes(dtype),
      label: fast?.label ?? "\(cell)"
    ) { (m) throws(EngineError) in
      var o = RecurrentKernel.Operands(x: m.inputs[0], w: m.inputs[1], r: m.inputs[2])
      if hasBias { o.bias = UnsafeRawPointer(m.inputs[3]) }
      if hasLengths { o.lengths = m.input(4) }
      if hasH { o.initialH = UnsafeRawPointer(m.inputs[5]) }
      if hasC { o.initialC = UnsafeRawPointer(m.inputs[6]) }
      if hasP { o.peepholes = UnsafeRawPointer(m.inputs[7]) }
      if wantsY { o.y = m.outputs[0] }
      if wantsH { o.lastH = m.outputs[1] }
      if wantsC { o.lastC = m.outputs[2] }
      if let fast {
        try fast.run(o, scratch: m.scratch, pool: m.pool)
      } else {
        try kernel.run(dtype, o, scratch: m.scratch, pool: m.pool)
      }
    }
  }

  /// The kernel for constant float32 weights; nil where there are none, or nothing to compute.
  private func packedKernel(
    _ kernel: RecurrentKernel, _ p: Preparation
  ) throws(EngineError) -> PackedRecurrentKernel? {
    let (x, w, r) = (try p.input(0), try p.input(1), try p.input(2))
    guard x.dtype == .float32, x.count > 0, r.count > 0, let wValues = p.constant(1),
      let rValues = p.constant(2), wValues.type == w, rValues.type == r
    else { return nil }
    let (directions, depth, hidden) = (w.shape[0], w.shape[2], r.shape[2])
    let inputs = try p.packed(wValues, as: "recurrent inputs \(cell) \(hidden)") {
      (space) throws(EngineError) in
      try RecurrentWeights(
        inputs: wValues.storage.bytes, cell, directions: directions, depth: depth,
        hidden: hidden, space: space)
    }
    let states = try p.packed(rValues, as: "recurrent states \(cell) \(hidden)") {
      (space) throws(EngineError) in
      try RecurrentWeights(
        states: rValues.storage.bytes, cell, directions: directions, hidden: hidden,
        space: space)
    }
    return PackedRecurrentKernel(
      kernel, w: inputs, r: states, hasLengths: p.has(4), threads: p.options.threads)
  }

  /// As `exampleInputs`, with sequence lengths, first states and, for LSTM, peepholes.
  static func fullInputs(gates: Int, directions: Int) throws -> [Tensor?] {
    func wave(_ shape: [Int], _ phase: Int) throws -> Tensor {
      let shape = Shape(shape)
      return try Tensor(
        shape: shape, (0..<shape.count).map { Float((($0 + phase) * 5) % 13) * 0.1 - 0.6 })
    }
    var list = try exampleInputs(gates: gates, directions: directions)
    list += [try Tensor([3, 2] as [Int32]), try wave([directions, 2, 2], 4)]
    if gates == 4 { list += [try wave([directions, 2, 2], 7), try wave([directions, 6], 2)] }
    return list
  }

  /// Small weights for `gates` blocks of 2 neurons over 3 inputs, and a sequence of 3 steps.
  static func exampleInputs(gates: Int, directions: Int = 1) throws -> [Tensor?] {
    func wave(_ shape: [Int], _ phase: Int) throws -> Tensor {
      let shape = Shape(shape)
      return try Tensor(
        shape: shape, (0..<shape.count).map { Float((($0 + phase) * 7) % 11) * 0.1 - 0.5 })
    }
    return [
      try wave([3, 2, 3], 0), try wave([directions, gates * 2, 3], 3),
      try wave([directions, gates * 2, 2], 5), try wave([directions, 4 * gates], 1),
    ]
  }
}
