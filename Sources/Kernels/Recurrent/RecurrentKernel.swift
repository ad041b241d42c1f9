import Tensors

/// A recurrent layer over a whole sequence: RNN, GRU or LSTM, one or two directions.
///
/// The product of all inputs with `W` is taken once, before the steps. Each step then adds the
/// product of the last state with `R` and applies the cell. Float32 or float64.
public struct RecurrentKernel: Sendable {
  public enum Cell: Hashable, Sendable {
    case rnn
    case gru(linearBeforeReset: Bool)
    case lstm(couplesForget: Bool)

    /// Blocks of `hidden` rows in the weights.
    public var gates: Int {
      switch self {
      case .rnn: 1
      case .gru: 3
      case .lstm: 4
      }
    }
    /// Activations a direction takes.
    public var activations: Int {
      switch self {
      case .rnn: 1
      case .gru: 2
      case .lstm: 3
      }
    }
  }

  let cell: Cell
  let steps: Int
  let batch: Int
  let input: Int
  let hidden: Int
  /// Whether each direction runs backwards.
  let isReverse: [Bool]
  /// `cell.activations` a direction.
  let activations: [CellActivation]
  let clip: Float?
  let isBatchFirst: Bool

  public init(
    cell: Cell, steps: Int, batch: Int, input: Int, hidden: Int, isReverse: [Bool],
    activations: [CellActivation], clip: Float?, isBatchFirst: Bool
  ) {
    precondition(activations.count == isReverse.count * cell.activations)
    self.cell = cell
    self.steps = steps
    self.batch = batch
    self.input = input
    self.hidden = hidden
    self.isReverse = isReverse
    self.activations = activations
    self.clip = clip
    self.isBatchFirst = isBatchFirst
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
    public var y: UnsafeMutableRawPointer?
    public var lastH: UnsafeMutableRawPointer?
    public var lastC: UnsafeMutableRawPointer?

    public init(x: UnsafeRawPointer, w: UnsafeRawPointer, r: UnsafeRawPointer) {
      self.x = x
      self.w = w
      self.r = r
    }
  }

  /// Elements of scratch: the input product, one step's gates, the states, a row for helpers.
  private var scratchElements: Int {
    let width = cell.gates * hidden
    return steps * batch * width + batch * width + 4 * batch * hidden + hidden
  }
  public func scratchBytes(_ dtype: DType) -> Int { scratchElements * dtype.byteSize + 64 }

  /// Errors: `.value` for a sequence length outside `0...steps`.
  public func run(
    _ dtype: DType, _ o: Operands, scratch: UnsafeMutableRawPointer, pool: ThreadPool
  ) throws(EngineError) {
    try checkLengths(o)
    if dtype == .float32 {
      run(Float.self, o, scratch, pool)
    } else {
      run(Double.self, o, scratch, pool)
    }
  }

  /// Errors: `.value` for a sequence length outside `0...steps`.
  func checkLengths(_ o: Operands) throws(EngineError) {
    guard let lengths = o.lengths else { return }
    for b in 0..<batch where lengths[b] < 0 || Int(lengths[b]) > steps {
      throw EngineError(
        .value, "a sequence length is out of range", expected: "0 to \(steps)",
        received: "\(lengths[b])")
    }
  }

  private func run<T: RowReal>(
    _: T.Type, _ o: Operands, _ scratch: UnsafeMutableRawPointer, _ pool: ThreadPool
  ) {
    let x = o.x.assumingMemoryBound(to: T.self)
    let width = cell.gates * hidden
    let directions = isReverse.count
    let product = scratch.assumingMemoryBound(to: T.self)
    let y = o.y?.assumingMemoryBound(to: T.self)
    if let y, o.lengths != nil {
      for i in 0..<steps * directions * batch * hidden { y[i] = 0 }
    }
    for d in 0..<directions {
      let w = o.w.assumingMemoryBound(to: T.self) + d * width * input
      let rows = steps * batch
      pool.run((rows + 15) / 16) { i in
        let first = i * 16
        T.dots(
          min(16, rows - first), width, input, x + first * input, input, w, input,
          into: product + first * width, width, adds: false)
      }
      var p = Pass<T>(kernel: self, direction: d, operands: o, scratch: product)
      p.run(pool)
    }
  }

  /// One direction.
  private struct Pass<T: RowReal> {
    let k: RecurrentKernel
    let d: Int
    let o: Operands
    let product: UnsafeMutablePointer<T>
    let gates: UnsafeMutablePointer<T>
    var h: UnsafeMutablePointer<T>
    let c: UnsafeMutablePointer<T>
    let next: UnsafeMutablePointer<T>
    let extra: UnsafeMutablePointer<T>
    let row: UnsafeMutablePointer<T>
    let r: UnsafePointer<T>
    let width: Int
    let clip: T?

    init(
      kernel: RecurrentKernel, direction: Int, operands: Operands, scratch: UnsafeMutablePointer<T>
    ) {
      k = kernel
      d = direction
      o = operands
      width = kernel.cell.gates * kernel.hidden
      let state = kernel.batch * kernel.hidden
      product = scratch
      gates = product + kernel.steps * kernel.batch * width
      h = gates + kernel.batch * width
      c = h + state
      next = c + state
      extra = next + state
      row = extra + state
      r = operands.r.assumingMemoryBound(to: T.self) + direction * width * kernel.hidden
      clip = kernel.clip.map { T($0) }
    }

    private func activation(_ i: Int) -> CellActivation {
      k.activations[d * k.cell.activations + i]
    }

    /// Where the state of batch entry `b` lies in initial and last states.
    private func place(_ b: Int) -> Int {
      (k.isBatchFirst ? b * k.isReverse.count + d : d * k.batch + b) * k.hidden
    }

    private func load(_ from: UnsafeRawPointer?, _ to: UnsafeMutablePointer<T>) {
      for b in 0..<k.batch {
        for i in 0..<k.hidden {
          to[b * k.hidden + i] = from.map { $0.assumingMemoryBound(to: T.self)[place(b) + i] } ?? 0
        }
      }
    }
    private func save(_ from: UnsafeMutablePointer<T>, _ to: UnsafeMutableRawPointer?) {
      guard let to = to?.assumingMemoryBound(to: T.self) else { return }
      for b in 0..<k.batch { (to + place(b)).update(from: from + b * k.hidden, count: k.hidden) }
    }

    /// `to[b, columns] (+)= state[b] . R[rows]`, split over columns.
    private func recur(
      _ state: UnsafeMutablePointer<T>, _ firstRow: Int, _ rows: Int,
      _ to: UnsafeMutablePointer<T>, _ stride: Int, adds: Bool, _ pool: ThreadPool
    ) {
      let tile = max(16, 65536 / max(1, k.hidden * k.batch) / 4 * 4)
      pool.run((rows + tile - 1) / tile) { i in
        let first = i * tile
        T.dots(
          k.batch, min(tile, rows - first), k.hidden, state, k.hidden,
          r + (firstRow + first) * k.hidden, k.hidden, into: to + first, stride, adds: adds)
      }
    }

    mutating func run(_ pool: ThreadPool) {
      load(o.initialH, h)
      load(o.initialC, c)
      let hidden = k.hidden
      let bias = o.bias.map { $0.assumingMemoryBound(to: T.self) + d * 2 * width }
      for step in 0..<k.steps {
        for b in 0..<k.batch where step < length(b) {
          let t = time(step, b)
          let from = product + (k.isBatchFirst ? b * k.steps + t : t * k.batch + b) * width
          let to = gates + b * width
          if let bias {
            // Both halves of the bias, except a GRU's hidden part of the second: see `gru`.
            let both = k.cell.gates == 3 ? 2 * hidden : width
            for i in 0..<both { to[i] = from[i] + bias[i] + bias[width + i] }
            for i in both..<width { to[i] = from[i] + bias[i] }
          } else {
            to.update(from: from, count: width)
          }
        }
        switch k.cell {
        case .rnn:
          recur(h, 0, hidden, gates, width, adds: true, pool)
          for b in 0..<k.batch where step < length(b) {
            activation(0).apply(gates + b * width, hidden, clip: clip)
            (h + b * hidden).update(from: gates + b * width, count: hidden)
          }
        case .gru(let linear): gru(step, linear, bias.map { UnsafePointer($0 + width) }, pool)
        case .lstm(let couples):
          recur(h, 0, width, gates, width, adds: true, pool)
          for b in 0..<k.batch where step < length(b) { lstm(b, couples) }
        }
        guard let y = o.y?.assumingMemoryBound(to: T.self) else { continue }
        let directions = k.isReverse.count
        for b in 0..<k.batch where step < length(b) {
          let t = time(step, b)
          let at =
            k.isBatchFirst ? (b * k.steps + t) * directions + d : (t * directions + d) * k.batch + b
          (y + at * hidden).update(from: h + b * hidden, count: hidden)
        }
      }
      // A sequence of no steps has no last state; ONNX Runtime gives 0, and the standard nothing.
      for b in 0..<k.batch where length(b) == 0 {
        for j in 0..<hidden { h[b * hidden + j] = 0 }
        for j in 0..<hidden { c[b * hidden + j] = 0 }
      }
      save(h, o.lastH)
      save(c, o.lastC)
    }

    private func length(_ b: Int) -> Int { o.lengths.map { Int($0[b]) } ?? k.steps }
    private func time(_ step: Int, _ b: Int) -> Int {
      k.isReverse[d] ? length(b) - 1 - step : step
    }

    /// Gates i, o, f, c.
    private func lstm(_ b: Int, _ couples: Bool) {
      let n = k.hidden
      let g = gates + b * width
      let (i, output, f, candidate) = (g, g + n, g + 2 * n, g + 3 * n)
      let (c, h) = (c + b * n, h + b * n)
      let p = o.peepholes.map { $0.assumingMemoryBound(to: T.self) + d * 3 * n }
      if let p {
        for j in 0..<n { i[j] += p[j] * c[j] }
        for j in 0..<n { f[j] += p[2 * n + j] * c[j] }
      }
      activation(0).apply(i, n, clip: clip)
      if couples {
        for j in 0..<n { f[j] = 1 - i[j] }
      } else {
        activation(0).apply(f, n, clip: clip)
      }
      activation(1).apply(candidate, n, clip: clip)
      for j in 0..<n { c[j] = f[j] * c[j] + i[j] * candidate[j] }
      if let p { for j in 0..<n { output[j] += p[n + j] * c[j] } }
      activation(0).apply(output, n, clip: clip)
      // The gates alone are bounded, as in ONNX Runtime: the standard's "input of activations"
      // leaves open whether the cell is one.
      row.update(from: c, count: n)
      activation(2).apply(row, n, clip: nil)
      for j in 0..<n { h[j] = output[j] * row[j] }
    }

    /// Gates z, r, h. `recurrentBias` is the second half of the bias.
    private func gru(
      _ step: Int, _ linear: Bool, _ recurrentBias: UnsafePointer<T>?, _ pool: ThreadPool
    ) {
      let n = k.hidden
      recur(h, 0, 2 * n, gates, width, adds: true, pool)
      for b in 0..<k.batch where step < length(b) {
        activation(0).apply(gates + b * width, 2 * n, clip: clip)
      }
      if linear {
        recur(h, 2 * n, n, extra, n, adds: false, pool)
      } else {
        for b in 0..<k.batch {
          for j in 0..<n { next[b * n + j] = gates[b * width + n + j] * h[b * n + j] }
        }
        recur(next, 2 * n, n, extra, n, adds: false, pool)
      }
      for b in 0..<k.batch where step < length(b) {
        let (z, reset) = (gates + b * width, gates + b * width + n)
        let candidate = gates + b * width + 2 * n
        for j in 0..<n {
          let part = extra[b * n + j] + (recurrentBias?[2 * n + j] ?? 0)
          candidate[j] += linear ? reset[j] * part : part
        }
        activation(1).apply(candidate, n, clip: clip)
        for j in 0..<n {
          h[b * n + j] = (1 - z[j]) * candidate[j] + z[j] * h[b * n + j]
        }
      }
    }
  }
}
