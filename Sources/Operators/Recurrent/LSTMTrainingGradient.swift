import Graphs
import Kernels
import Tensors

/// The gradients of `LSTMTraining` by its inputs, from what it kept.
///
/// - Inputs: those of LSTMTraining; its Y, gates and cells; the gradients by Y, Y_h and Y_c, each
///   optional. Float32.
/// - Outputs: the gradients by X, W, R, B, `initial_h` and `initial_c`; those of an absent input
///   have the shape that it would have.
/// - Errors: `.shape` for operands that do not fit.
/// - Accuracy: that of LSTM; the same for any number of threads. Gradient: none.
/// - Source: domain ai.dlrun 1; backpropagation through time.
public struct LSTMTrainingGradient: Operator {
  private static let real = DTypes(.float32)
  public static let schema = Schema(
    "LSTMTrainingGradient", domain: "ai.dlrun", versions: [1],
    inputs: [
      Parameter("X", real), Parameter("W", real), Parameter("R", real),
      .optional("B", real), .optional("initial_h", real), .optional("initial_c", real),
      Parameter("Y", real), Parameter("gates", real), Parameter("cells", real),
      .optional("dY", real), .optional("dY_h", real), .optional("dY_c", real),
    ],
    outputs: [
      Parameter("dX", real), .optional("dW", real), .optional("dR", real),
      .optional("dB", real), .optional("d_initial_h", real),
      .optional("d_initial_c", real),
    ],
    cases: {
      func wave(_ sizes: [Int], _ phase: Int) throws -> Tensor {
        let shape = Shape(sizes)
        return try Tensor(
          shape: shape, (0..<shape.count).map { Float((($0 + phase) * 5) % 13) * 0.05 + 0.1 })
      }
      let inputs = try LSTM.exampleInputs(gates: 4)
      let kept = [try wave([3, 1, 2, 2], 1), try wave([3, 2, 8], 2), try wave([3, 2, 2], 3)]
      return [
        .init(
          LSTMTrainingGradient(), inputs + [nil, nil] + kept + [try wave([3, 1, 2, 2], 4)],
          outputCount: 6)
      ]
    })

  public init() {}
  public init(reading a: AttributeReader) throws(EngineError) {}

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] {
    let dtype = c.dtype(0)
    var (bias, state): ([Dim]?, [Dim]?) = (nil, nil)
    if let x = c.dims(0), let r = c.dims(2), x.count == 3, r.count == 3 {
      bias = [1, 8 * r[2]]
      state = [1, x[1], r[2]]
    }
    return [
      Fact(dtype, c.dims(0)), Fact(dtype, c.dims(1)), Fact(dtype, c.dims(2)), Fact(dtype, bias),
      Fact(dtype, state), Fact(dtype, state),
    ]
  }

  public func prepare(_ p: Preparation) throws(EngineError) -> Prepared {
    let (x, r) = (try p.input(0), try p.input(2))
    guard x.dtype == .float32 else { throw p.noKernel() }
    guard x.shape.rank == 3, r.shape.rank == 3 else {
      throw EngineError(.shape, "X and R have rank 3", received: "\(x) and \(r)")
    }
    let (steps, batch, input, hidden) = (x.shape[0], x.shape[1], x.shape[2], r.shape[2])
    let state = [1, batch, hidden]
    let wanted: [[Int]] = [
      x.shape.array, [1, 4 * hidden, input], [1, 4 * hidden, hidden], [1, 8 * hidden], state, state,
      [steps, 1, batch, hidden], [steps, batch, 4 * hidden], [steps, batch, hidden],
      [steps, 1, batch, hidden], state, state,
    ]
    for (i, sizes) in wanted.enumerated() where p.has(i) {
      let type = try p.input(i)
      guard type.shape.array == sizes, type.dtype == .float32 else {
        throw EngineError(
          .shape, "input \(Self.schema.inputs[i].name) does not fit",
          expected: "float32 of shape \(sizes)", received: "\(type)")
      }
    }
    let kernel = LSTMTrainingKernel(
      steps: steps, batch: batch, input: input, hidden: hidden, threads: p.options.threads)
    let has = Table((0..<12).map { p.has($0) ? 1 : 0 })
    let wants = Table((0..<6).map { p.wants($0) ? 1 : 0 })
    return Prepared(scratchBytes: kernel.backwardBytes, label: "lstm training gradient") { m in
      func read(_ i: Int) -> UnsafePointer<Float>? { has[i] == 1 ? m.input(i) : nil }
      func result(_ i: Int) -> UnsafeMutablePointer<Float>? { wants[i] == 1 ? m.output(i) : nil }
      func kept(_ i: Int) -> UnsafeMutablePointer<Float> {
        m.inputs[i].assumingMemoryBound(to: Float.self)
      }
      var o = LSTMTrainingKernel.Operands(x: m.input(0), w: m.input(1), r: m.input(2))
      (o.bias, o.firstH, o.firstC) = (read(3), read(4), read(5))
      var g = LSTMTrainingKernel.Gradients()
      (g.dy, g.dLastH, g.dLastC) = (read(9), read(10), read(11))
      (g.dx, g.dw, g.dr) = (result(0), result(1), result(2))
      (g.dBias, g.dFirstH, g.dFirstC) = (result(3), result(4), result(5))
      kernel.backward(
        o, LSTMTrainingKernel.Kept(y: kept(6), gates: kept(7), cells: kept(8)), g,
        scratch: m.scratch, pool: m.pool)
    }
  }

  public func gradient<B: Builder>(
    _ b: B, _ g: inout Backward<B.Value>
  ) throws(EngineError) {
    throw EngineError(
      .notDifferentiable, "the gradient of a recurrent layer has no gradient of its own",
      hint: "write the steps out to derive twice",
      subject: .init(operatorName: Self.schema.name))
  }
}
