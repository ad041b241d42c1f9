import Graphs
import Kernels
import Tensors

/// What the gradients of RNN, GRU and LSTM share.
///
/// Inputs: those of the layer, then the gradients by its results, each of them optional. Outputs:
/// the gradients by X, W, R, B, the initial states and the peepholes, as many as there are inputs;
/// an absent input counts as zeros. The forward pass is computed again, so nothing has to be kept
/// between the two.
///
/// Errors: those of the layer. Accuracy: that of the layer; the same for any number of threads.
/// Gradient: from the layer's steps written out, whose number must be known then.
public protocol RecurrentGradient: FormulaGradient {
  associatedtype Layer: RecurrentLayer
  var layer: Layer { get }
  init(_ layer: Layer)
}

extension RecurrentGradient {
  static func makeSchema(_ cases: @escaping @Sendable () throws -> [Schema.Case]) -> Schema {
    let layer = Layer.schema
    var results = [
      Parameter("dX", .floats), .optional("dW", .floats), .optional("dR", .floats),
      .optional("dB", .floats), .optional("d_initial_h", .floats),
    ]
    if Layer.schema.inputs.count > 6 {
      results += [.optional("d_initial_c", .floats), .optional("dP", .floats)]
    }
    return Schema(
      layer.name + "Gradient", domain: "ai.dlrun", versions: [1],
      inputs: layer.inputs + layer.outputs.map { Parameter.optional("d" + $0.name, .floats) },
      outputs: results,
      attributes: layer.attributes.map { AttributeSpec($0.name, $0.kind, $0.doc) },
      isDifferentiable: true, cases: cases)
  }

  public init(reading a: AttributeReader) throws(EngineError) {
    // The layer's attributes of its newest version.
    self.init(
      try Layer(
        reading: AttributeReader(
          Layer.schema.name, opset: 22, attributes: a.all, inputCount: a.inputCount,
          outputCount: a.outputCount)))
  }
  public var attributes: [Attribute] { layer.attributes }

  private var layerInputs: Int { Layer.schema.inputs.count }

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] {
    let dtype = c.dtype(0)
    let directions = Dim(layer.options.direction.isReverse.count)
    let gates = Dim(layer.cell.gates)
    let hidden = c.dims(2).flatMap { $0.count == 3 ? $0[2] : nil } ?? c.unknown()
    var state: [Dim]?
    if let x = c.dims(0), x.count == 3 {
      let batch = x[layer.options.isBatchFirst ? 0 : 1]
      state =
        layer.options.isBatchFirst ? [batch, directions, hidden] : [directions, batch, hidden]
    }
    let facts = [
      Fact(dtype, c.dims(0)), Fact(dtype, c.dims(1)), Fact(dtype, c.dims(2)),
      Fact(dtype, [directions, 2 * gates * hidden]), Fact(dtype, state), Fact(dtype, state),
      Fact(dtype, [directions, 3 * hidden]),
    ]
    return Array(facts.prefix(Self.schema.outputs.count))
  }

  public func prepare(_ p: Preparation) throws(EngineError) -> Prepared {
    if let half = try widened(p) { return half }
    let (x, r) = (try p.input(0), try p.input(2))
    guard let element = GemmElement(x.dtype), x.dtype == .float32 || x.dtype == .float64 else {
      throw p.noKernel()
    }
    // The layer's own checks of shapes and attributes.
    let given = Array(p.inputs.prefix(layerInputs))
    let facts: [Fact?] = given.map { type in type.map { Fact($0) } }
    let types = try layer.infer(Inference(inputs: facts)).map { $0.tensorType }
    _ = try layer.prepare(
      Preparation(
        inputs: given, outputs: types,
        constants: [Tensor?](repeating: nil, count: layerInputs), options: p.options,
        store: p.store))
    for i in 0..<types.count where p.has(layerInputs + i) {
      let upstream = try p.input(layerInputs + i)
      guard upstream == types[i] else {
        throw EngineError(
          .shape, "a gradient does not have the type of the layer's result",
          expected: types[i].map { "\($0)" } ?? "?", received: "\(upstream)")
      }
    }
    let options = layer.options
    let (steps, batch) =
      options.isBatchFirst ? (x.shape[1], x.shape[0]) : (x.shape[0], x.shape[1])
    let kernel = RecurrentGradientKernel(
      cell: layer.cell, steps: steps, batch: batch, input: x.shape[2], hidden: r.shape[2],
      isReverse: options.direction.isReverse,
      activations: try options.settled(default: Layer.standardActivations), clip: options.clip,
      isBatchFirst: options.isBatchFirst, element: element, threads: p.options.threads)
    let has = (0..<layerInputs + types.count).map { p.has($0) }
    let wants = (0..<7).map { p.wants($0) }
    let inputCount = layerInputs
    let (dtype, present) = (x.dtype, Table(has.map { $0 ? 1 : 0 }))
    let wanted = Table(wants.map { $0 ? 1 : 0 })
    let resultCount = types.count
    return Prepared(scratchBytes: kernel.scratchBytes, label: "\(layer.cell) gradient") {
      (m) throws(EngineError) in
      func input(_ i: Int) -> UnsafeRawPointer? {
        present[i] == 1 ? UnsafeRawPointer(m.inputs[i]) : nil
      }
      func output(_ i: Int) -> UnsafeMutableRawPointer? { wanted[i] == 1 ? m.outputs[i] : nil }
      var o = RecurrentGradientKernel.Operands(x: m.inputs[0], w: m.inputs[1], r: m.inputs[2])
      o.bias = input(3)
      if present[4] == 1 { o.lengths = m.input(4) }
      o.initialH = input(5)
      if inputCount > 6 { (o.initialC, o.peepholes) = (input(6), input(7)) }
      (o.dy, o.dLastH) = (input(inputCount), input(inputCount + 1))
      if resultCount > 2 { o.dLastC = input(inputCount + 2) }
      (o.dx, o.dw, o.dr) = (output(0), output(1), output(2))
      (o.dBias, o.dInitialH, o.dInitialC, o.dPeepholes) = (
        output(3), output(4), output(5), output(6)
      )
      try kernel.run(dtype, o, scratch: m.scratch, pool: m.pool)
    }
  }

  /// The layer written out, and the gradient of that.
  public func formula<B: Builder>(
    _ b: B, _ inputs: Few<B.Value?>, outputs: Int
  ) throws(EngineError) -> Few<B.Value> {
    func input(_ i: Int) -> B.Value? { i < inputs.count ? inputs[i] : nil }
    guard let x = input(0) else { throw EngineError(.arity, "an input is missing") }
    // The places of the gradients' inputs; sequence lengths have none.
    let places = Array([0, 1, 2, 3, 5, 6, 7].prefix(outputs))
    var list: [B.Value?] = (0..<layerInputs).map { input($0) }
    var needed: UInt64 = 0
    for (k, i) in places.enumerated() {
      if list[i] == nil { list[i] = try absent(b, k, x: x, r: input(2)) }
      needed |= 1 << UInt64(i)
    }
    let count = Layer.schema.outputs.count
    let ups: Few<B.Value?> = Few((0..<count).map { input(layerInputs + $0) })
    // Only the number of outputs matters to the tape.
    let placeholders: Few<B.Value> = Few([B.Value](repeating: x, count: count))
    let given: Few<B.Value?> = Few(list)
    var g = Backward(inputs: given, outputs: placeholders, upstreams: ups, needed: needed)
    let tape = FormulaTape(b)
    let taped = tape.inputs(g)
    let made = try RecurrentFormula(tape, layer, taped).outputs(taped)
    try tape.give(taped, Few(Array(made.prefix(count))), &g)
    var results: [B.Value] = []
    for i in places {
      if let part = g.result(i) {
        results.append(part)
      } else if let own = list[i] {
        results.append(try zeros(b, like: own))
      }
    }
    return Few(results)
  }

  /// Zeros of the shape that absent input `k` would have.
  private func absent<B: Builder>(
    _ b: B, _ k: Int, x: B.Value, r: B.Value?
  ) throws(EngineError) -> B.Value {
    guard let hidden = r.flatMap({ b.fact(of: $0).dims?[2].known }),
      let batch = b.fact(of: x).dims?[layer.options.isBatchFirst ? 0 : 1].known,
      let dtype = b.fact(of: x).dtype
    else { throw EngineError(.notDifferentiable, "batch and neurons are not known") }
    let directions = layer.options.direction.isReverse.count
    let shape: Shape
    switch k {
    case 3: shape = [directions, 2 * layer.cell.gates * hidden]
    case 6: shape = [directions, 3 * hidden]
    default:
      shape =
        layer.options.isBatchFirst
        ? [batch, directions, hidden] : [directions, batch, hidden]
    }
    return try zeros(b, TensorType(dtype, shape))
  }
}

extension RecurrentLayer {
  /// Hands in what `op`, this layer's gradient, makes.
  func gradient<B: Builder, Op: RecurrentGradient>(
    _ b: B, _ g: inout Backward<B.Value>, by op: Op
  ) throws(EngineError) {
    let count = Self.schema.inputs.count
    let results = Self.schema.outputs.count
    var inputs: [B.Value?] = []
    for i in 0..<count { inputs.append(i < g.inputs.count ? g.inputs[i] : nil) }
    for i in 0..<results { inputs.append(i < g.upstreams.count ? g.upstreams[i] : nil) }
    let made = try b.apply(op, inputs: inputs, outputs: count > 6 ? 7 : 5)
    // Sequence lengths stand among the inputs and have no gradient.
    for (k, i) in [0, 1, 2, 3, 5, 6, 7].enumerated() where k < made.count && g.needs(i) {
      g.give(i, made[k])
    }
  }
}
