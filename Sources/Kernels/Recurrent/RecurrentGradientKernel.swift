import Tensors

/// The gradients of a recurrent layer over a whole sequence: RNN, GRU or LSTM, one or two
/// directions, float32 or float64.
///
/// The forward pass runs once more and keeps the gates of every step; the steps then run backwards,
/// and the gradients of the weights are one product each over all steps. Steps past a sequence's
/// length have gates of gradient zero and hand the state's gradient on. Rows of all buffers are in
/// the order of processing, `[steps, batch]`, so that directions and layouts only matter on the way
/// in and out.
public struct RecurrentGradientKernel: Sendable {
  public typealias Cell = RecurrentKernel.Cell

  let cell: Cell
  let steps: Int
  let batch: Int
  let input: Int
  let hidden: Int
  let isReverse: [Bool]
  let activations: [CellActivation]
  let clip: Float?
  let isBatchFirst: Bool
  let plans: Plans
  let layout: Layout
  public let scratchBytes: Int

  /// The products of one direction.
  struct Plans: Sendable {
    /// `X W^T`, `dZ W`, `dZ^T X`.
    let inputs, inputGradient, inputWeights: GemmPlan
    /// One step: `H R^T`, `dZ R`, over the gates that see the state as it is.
    let states, stateGradient, stateWeights: GemmPlan
    /// The same for a GRU's candidate.
    let candidate, candidateGradient, candidateWeights: GemmPlan
    var scratchBytes: Int {
      [
        inputs, inputGradient, inputWeights, states, stateGradient, stateWeights, candidate,
        candidateGradient, candidateWeights,
      ].map(\.scratchBytes).max() ?? 0
    }
  }

  /// Where each buffer starts, in elements.
  struct Layout: Sendable {
    var x = 0
    /// Sums before the activations, and after: `[steps * batch, gates * hidden]`.
    var sums = 0
    var gates = 0
    /// The state before each step and behind the last: `[(steps + 1) * batch, hidden]`.
    var h = 0
    var c = 0
    /// LSTM: the cell's activation. GRU: the reset state, or its product.
    var extra = 0
    /// Gradients by the sums; GRU: by the candidate's recurrent part.
    var down = 0
    var downExtra = 0
    /// One step's products, and the gradients of the states.
    var step = 0
    var dh = 0
    var dc = 0
    var next = 0
    var dx = 0
    var gemm = 0
    var end = 0
  }

  public init(
    cell: Cell, steps: Int, batch: Int, input: Int, hidden: Int, isReverse: [Bool],
    activations: [CellActivation], clip: Float?, isBatchFirst: Bool, element: GemmElement,
    threads: Int
  ) {
    self.cell = cell
    self.steps = steps
    self.batch = batch
    self.input = input
    self.hidden = hidden
    self.isReverse = isReverse
    self.activations = activations
    self.clip = clip
    self.isBatchFirst = isBatchFirst
    let (rows, width) = (steps * batch, cell.gates * hidden)
    // A GRU's candidate has products of its own.
    let plain = cell.gates == 3 ? 2 * hidden : width
    func plan(
      _ m: Int, _ n: Int, _ k: Int, a: GemmPlan.Layout, b: GemmPlan.Layout, c: Int
    ) -> GemmPlan {
      GemmPlan(m: m, n: n, k: k, element: element, a: a, b: b, c: c, threads: threads)
    }
    func row(_ n: Int) -> GemmPlan.Layout { .init(row: n, column: 1) }
    func column(_ n: Int) -> GemmPlan.Layout { .init(row: 1, column: n) }
    plans = Plans(
      inputs: plan(rows, width, input, a: row(input), b: column(input), c: width),
      inputGradient: plan(rows, input, width, a: row(width), b: row(input), c: input),
      inputWeights: plan(width, input, rows, a: column(width), b: row(input), c: input),
      states: plan(batch, plain, hidden, a: row(hidden), b: column(hidden), c: width),
      stateGradient: plan(batch, hidden, plain, a: row(width), b: row(hidden), c: hidden),
      stateWeights: plan(plain, hidden, rows, a: column(width), b: row(hidden), c: hidden),
      candidate: plan(batch, hidden, hidden, a: row(hidden), b: column(hidden), c: width),
      candidateGradient: plan(batch, hidden, hidden, a: row(hidden), b: row(hidden), c: hidden),
      candidateWeights: plan(hidden, hidden, rows, a: column(hidden), b: row(hidden), c: hidden))
    var l = Layout()
    func take(_ count: Int) -> Int {
      let at = l.end
      l.end += (count + 15) / 16 * 16
      return at
    }
    let state = batch * hidden
    l.x = take(rows * input)
    l.sums = take(rows * width)
    l.gates = take(rows * width)
    l.h = take((steps + 1) * state)
    l.c = take((steps + 1) * state)
    l.extra = take(rows * hidden)
    l.down = take(rows * width)
    l.downExtra = take(rows * hidden)
    l.step = take(batch * width)
    l.dh = take(state)
    l.dc = take(state)
    l.next = take(state)
    l.dx = take(rows * input)
    l.gemm = l.end
    layout = l
    scratchBytes = l.end * element.byteSize + plans.scratchBytes + 64
  }

  /// Addresses of the operands; absent ones nil. Shapes as ONNX has them.
  public struct Operands {
    public var x: UnsafeRawPointer
    public var w: UnsafeRawPointer
    public var r: UnsafeRawPointer
    public var bias: UnsafeRawPointer?
    public var lengths: UnsafePointer<Int32>?
    public var initialH: UnsafeRawPointer?
    public var initialC: UnsafeRawPointer?
    public var peepholes: UnsafeRawPointer?
    /// The gradients by the layer's results.
    public var dy: UnsafeRawPointer?
    public var dLastH: UnsafeRawPointer?
    public var dLastC: UnsafeRawPointer?
    /// The results: gradients by X, W, R, B, the initial states and the peepholes.
    public var dx: UnsafeMutableRawPointer?
    public var dw: UnsafeMutableRawPointer?
    public var dr: UnsafeMutableRawPointer?
    public var dBias: UnsafeMutableRawPointer?
    public var dInitialH: UnsafeMutableRawPointer?
    public var dInitialC: UnsafeMutableRawPointer?
    public var dPeepholes: UnsafeMutableRawPointer?

    public init(x: UnsafeRawPointer, w: UnsafeRawPointer, r: UnsafeRawPointer) {
      self.x = x
      self.w = w
      self.r = r
    }
  }

  /// Errors: `.value` for a sequence length outside `0...steps`.
  public func run(
    _ dtype: DType, _ o: Operands, scratch: UnsafeMutableRawPointer, pool: ThreadPool
  ) throws(EngineError) {
    if let lengths = o.lengths {
      for b in 0..<batch where lengths[b] < 0 || Int(lengths[b]) > steps {
        throw EngineError(
          .value, "a sequence length is out of range", expected: "0 to \(steps)",
          received: "\(lengths[b])")
      }
    }
    if dtype == .float32 {
      run(Float.self, o, scratch, pool)
    } else {
      run(Double.self, o, scratch, pool)
    }
  }

  private func run<T: RowReal>(
    _: T.Type, _ o: Operands, _ scratch: UnsafeMutableRawPointer, _ pool: ThreadPool
  ) {
    let memory = scratch.assumingMemoryBound(to: T.self)
    if let dx = o.dx?.assumingMemoryBound(to: T.self) {
      for i in 0..<(steps * batch * input) { dx[i] = 0 }
    }
    for d in isReverse.indices {
      let pass = RecurrentBackwardPass<T>(self, d, o, memory, pool)
      pass.load()
      pass.forward()
      pass.backward()
      pass.finish()
    }
  }
}

extension CellActivation {
  /// The derivative at `x`, where the function is `y`.
  func slope<T: RowReal>(_ x: T, _ y: T) -> T {
    switch self {
    case .sigmoid: return y * (1 - y)
    case .tanh: return 1 - y * y
    case .relu: return x > 0 ? 1 : 0
    case .softsign:
      let s = 1 + x.magnitude
      return 1 / (s * s)
    case .softplus: return 1 / (1 + T.exponential(-x))
    case .affine(let a, _): return T(a)
    case .leakyRelu(let a): return x < 0 ? T(a) : 1
    case .thresholdedRelu(let a): return x > T(a) ? 1 : 0
    case .scaledTanh(let a, let b):
      let t = T.hyperbolicTangent(T(b) * x)
      return T(a) * T(b) * (1 - t * t)
    case .hardSigmoid(let a, let b):
      let v = T(a) * x + T(b)
      return v > 0 && v < 1 ? T(a) : 0
    case .elu(let a): return x < 0 ? T(a) * T.exponential(x) : 1
    }
  }
}
