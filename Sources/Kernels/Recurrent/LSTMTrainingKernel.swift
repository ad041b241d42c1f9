import CKernels
import Tensors

/// An LSTM of the standard functions in training: one direction, float32, time first, every
/// sequence as long as the batch. The pass forwards keeps gates and cells of all steps, so that the
/// pass backwards computes none of them again.
///
/// The products of all inputs, and the gradients by the weights, are one product each over all
/// steps. Rows of the batch do not meet in between: with several threads, groups of them run through
/// all steps side by side. A row's results depend neither on the others nor on threads.
public struct LSTMTrainingKernel: Sendable {
  public let steps: Int
  public let batch: Int
  public let input: Int
  public let hidden: Int
  let isa: InstructionSet
  let groups: Int
  let cell: RecurrentSteps
  let inputs, inputGradient, inputWeights, stateWeights: GemmPlan
  /// `down R` of a group's rows, for the larger and the smaller groups.
  let stateGradient: [Int: GemmPlan]
  /// Working memory of one of them.
  private let stepScratch: Int
  let sums: ColumnSums

  private var rows: Int { steps * batch }
  private var width: Int { 4 * hidden }
  private var panels: Int { (hidden + 15) / 16 }

  public init(
    steps: Int, batch: Int, input: Int, hidden: Int, threads: Int, isa: InstructionSet = .current
  ) {
    self.steps = steps
    self.batch = batch
    self.input = input
    self.hidden = hidden
    self.isa = isa
    cell = RecurrentSteps(.lstm(couplesForget: false), isa)
    let (rows, width) = (steps * batch, 4 * hidden)
    let work = Double(rows * width) * Double(hidden)
    groups = threads > 1 && work >= 1_000_000 ? max(1, min(threads, batch / 4)) : 1
    func plan(
      _ m: Int, _ n: Int, _ k: Int, a: GemmPlan.Layout, b: GemmPlan.Layout,
      bias: Bool = false, threads: Int
    ) -> GemmPlan {
      GemmPlan(
        m: m, n: n, k: k, a: a, b: b,
        epilogue: bias ? .biasPerColumn : GemmPlan.Epilogue(), threads: threads, isa: isa)
    }
    func row(_ n: Int) -> GemmPlan.Layout { .init(row: n, column: 1) }
    func column(_ n: Int) -> GemmPlan.Layout { .init(row: 1, column: n) }
    inputs = plan(rows, width, input, a: row(input), b: column(input), bias: true, threads: threads)
    inputGradient = plan(rows, input, width, a: row(width), b: row(input), threads: threads)
    inputWeights = plan(width, input, rows, a: column(width), b: row(input), threads: threads)
    stateWeights = plan(width, hidden, rows, a: column(width), b: row(hidden), threads: threads)
    var gradients: [Int: GemmPlan] = [:]
    for g in 0..<groups {
      let n = (g + 1) * batch / groups - g * batch / groups
      gradients[n] = plan(n, hidden, width, a: row(width), b: row(hidden), threads: 1)
    }
    stateGradient = gradients
    stepScratch = GemmPlan.aligned(gradients.values.map(\.scratchBytes).max() ?? 0)
    sums = ColumnSums(rows: rows, columns: width)
  }

  private func aligned(_ count: Int) -> Int { (count + 15) & ~15 }
  private var tableFloats: Int {
    aligned(
      batch * max(MemoryLayout<dl_recur_row>.stride, MemoryLayout<dl_lstm_back_row>.stride) / 4 + 4)
  }

  /// Bytes of scratch of the pass forwards.
  public var forwardBytes: Int {
    (aligned(width) + aligned(hidden) + aligned(panels * hidden * 64) + tableFloats) * 4
      + inputs.scratchBytes
  }
  /// Bytes of scratch of the pass backwards.
  public var backwardBytes: Int {
    let gemm =
      [inputGradient, inputWeights, stateWeights].map(\.scratchBytes)
      + [turned(input), turned(hidden)].compactMap { $0?.scratchBytes }
    let steps = stepScratch * groups
    return
      (aligned(rows * width) + aligned(rows * hidden) + 2 * aligned(batch * hidden)
      + aligned(hidden) + tableFloats) * 4 + max(gemm.max() ?? 0, steps)
  }
  /// The product of the gates' gradients, turned, and rows of `n`; nil where sums are short.
  private func turned(_ n: Int) -> TurnedProductPlan? {
    TurnedProductPlan(m: width, n: n, k: rows, threads: groups, isa: isa)
  }

  /// Addresses of what a pass reads; absent ones nil. `w` `[4 H, I]`, `r` `[4 H, H]`, `bias`
  /// `[8 H]`, states `[N, H]`, gates in the order i, o, f, c.
  public struct Operands {
    public var x: UnsafePointer<Float>
    public var w: UnsafePointer<Float>
    public var r: UnsafePointer<Float>
    public var bias: UnsafePointer<Float>?
    public var firstH: UnsafePointer<Float>?
    public var firstC: UnsafePointer<Float>?

    public init(
      x: UnsafePointer<Float>, w: UnsafePointer<Float>, r: UnsafePointer<Float>
    ) {
      self.x = x
      self.w = w
      self.r = r
    }
  }

  /// What the pass forwards makes: `y` `[T, N, H]`, `gates` `[T, N, 4 H]`, `cells` `[T, N, H]`.
  public struct Kept {
    public var y: UnsafeMutablePointer<Float>
    public var gates: UnsafeMutablePointer<Float>
    public var cells: UnsafeMutablePointer<Float>

    public init(
      y: UnsafeMutablePointer<Float>, gates: UnsafeMutablePointer<Float>,
      cells: UnsafeMutablePointer<Float>
    ) {
      self.y = y
      self.gates = gates
      self.cells = cells
    }
  }

  public func forward(
    _ o: Operands, _ kept: Kept, scratch: UnsafeMutableRawPointer, pool: ThreadPool
  ) {
    if rows == 0 || hidden == 0 { return }
    let bias = scratch.assumingMemoryBound(to: Float.self)
    let none = bias + aligned(width)
    let packed = none + aligned(hidden)
    let table = packed + aligned(panels * hidden * 64)
    let own = UnsafeMutableRawPointer(table + tableFloats)
    for i in 0..<width { bias[i] = o.bias.map { $0[i] + $0[width + i] } ?? 0 }
    none.update(repeating: 0, count: hidden)
    inputs.run(a: o.x, b: o.w, c: kept.gates, addend: bias, scratch: own, pool: pool)
    pool.run(panels) { packPanel($0, o.r, packed + $0 * hidden * 64) }
    let list = UnsafeMutableRawPointer(table).assumingMemoryBound(to: dl_recur_row.self)
    pool.run(groups) { group in
      let (first, end) = (group * batch / groups, (group + 1) * batch / groups)
      var e = dl_recur_cell(hidden, [.sigmoid, .tanh, .tanh], clip: nil, couples: false)
      for step in 0..<steps {
        for b in first..<end {
          let at = step * batch + b
          let c = kept.cells + at * hidden
          if step > 0 {
            c.update(from: kept.cells + (at - batch) * hidden, count: hidden)
          } else if let firstC = o.firstC {
            c.update(from: firstC + b * hidden, count: hidden)
          } else {
            c.update(repeating: 0, count: hidden)
          }
          let before =
            step > 0
            ? UnsafePointer(kept.y + (at - batch) * hidden)
            : o.firstH.map { $0 + b * hidden } ?? UnsafePointer(none)
          let gates = kept.gates + at * width
          list[b] = dl_recur_row(
            x: gates, h: before, to: kept.y + at * hidden, c: c, last: nil, gates: gates)
        }
        cell.first(&e, packed, 0, panels, end - first, list + first, Int32(step & 1), nil)
      }
    }
  }

  /// Panel `p` of the recurrent weights: `[H][gate][16 units]`.
  private func packPanel(
    _ p: Int, _ r: UnsafePointer<Float>, _ to: UnsafeMutablePointer<Float>
  ) {
    let count = min(16, hidden - p * 16)
    for gate in 0..<4 {
      let from = r + (gate * hidden + p * 16) * hidden
      #if arch(x86_64)
        if isa >= .avx512 {
          dl_pack_32__avx512_transpose(
            UnsafeMutableRawPointer(to + gate * 16).assumingMemoryBound(to: UInt32.self), 64,
            UnsafeRawPointer(from).assumingMemoryBound(to: UInt32.self), count, hidden, hidden)
          continue
        }
      #endif
      for k in 0..<hidden {
        for j in 0..<16 { to[k * 64 + gate * 16 + j] = j < count ? from[j * hidden + k] : 0 }
      }
    }
  }

  /// Gradients by the results, absent ones nil, and where those by the operands go, nil where they
  /// are not wanted.
  public struct Gradients {
    public var dy: UnsafePointer<Float>?
    public var dLastH: UnsafePointer<Float>?
    public var dLastC: UnsafePointer<Float>?
    public var dx: UnsafeMutablePointer<Float>?
    public var dw: UnsafeMutablePointer<Float>?
    public var dr: UnsafeMutablePointer<Float>?
    public var dBias: UnsafeMutablePointer<Float>?
    public var dFirstH: UnsafeMutablePointer<Float>?
    public var dFirstC: UnsafeMutablePointer<Float>?
    public init() {}
  }

  public func backward(
    _ o: Operands, _ kept: Kept, _ g: Gradients, scratch: UnsafeMutableRawPointer,
    pool: ThreadPool
  ) {
    let state = batch * hidden
    let down = scratch.assumingMemoryBound(to: Float.self)
    let before = down + aligned(rows * width)
    let dh = before + aligned(rows * hidden)
    let dc = dh + aligned(state)
    let none = dc + aligned(state)
    let table = none + aligned(hidden)
    let own = UnsafeMutableRawPointer(table + tableFloats)
    none.update(repeating: 0, count: hidden)
    dh.update(repeating: 0, count: state)
    dc.update(repeating: 0, count: state)
    if let last = g.dLastH { dh.update(from: last, count: state) }
    if let last = g.dLastC { dc.update(from: last, count: state) }
    let list = UnsafeMutableRawPointer(table).assumingMemoryBound(to: dl_lstm_back_row.self)
    let each = stepScratch
    pool.run(groups) { group in
      let (first, end) = (group * batch / groups, (group + 1) * batch / groups)
      guard let plan = stateGradient[end - first], end > first else { return }
      for step in (0..<steps).reversed() {
        for b in first..<end {
          let at = step * batch + b
          let earlier =
            step > 0
            ? UnsafePointer(kept.cells + (at - batch) * hidden)
            : o.firstC.map { $0 + b * hidden } ?? UnsafePointer(none)
          list[b] = dl_lstm_back_row(
            gates: kept.gates + at * width, before: earlier, cell: kept.cells + at * hidden,
            dy: g.dy.map { $0 + at * hidden }, dh: dh + b * hidden, dc: dc + b * hidden,
            down: down + at * width)
        }
        back(end - first, list + first)
        plan.run(
          a: down + (step * batch + first) * width, b: o.r, c: dh + first * hidden,
          scratch: own + group * each, pool: .single)
      }
    }
    g.dFirstH?.update(from: dh, count: state)
    g.dFirstC?.update(from: dc, count: state)
    if let dx = g.dx, rows > 0 {
      inputGradient.run(a: down, b: o.w, c: dx, scratch: own, pool: pool)
    }
    if let dw = g.dw {
      if let plan = turned(input) {
        plan.run(a: down, b: o.x, c: dw, scratch: own, pool: pool)
      } else {
        inputWeights.run(a: down, b: o.x, c: dw, scratch: own, pool: pool)
      }
    }
    if let dr = g.dr {
      if steps > 0 {
        if let firstH = o.firstH {
          before.update(from: firstH, count: state)
        } else {
          before.update(repeating: 0, count: state)
        }
        (before + state).update(from: kept.y, count: (steps - 1) * state)
      }
      if let plan = turned(hidden) {
        plan.run(a: down, b: before, c: dr, scratch: own, pool: pool)
      } else {
        stateWeights.run(a: down, b: before, c: dr, scratch: own, pool: pool)
      }
    }
    if let dBias = g.dBias {
      sums.run(down, into: dBias, pool: pool)
      (dBias + width).update(from: dBias, count: width)
    }
  }

  private func back(_ count: Int, _ rows: UnsafePointer<dl_lstm_back_row>) {
    #if arch(x86_64)
      if isa >= .avx512 {
        dl_lstm_back_f32__avx512(hidden, count, rows)
        return
      } else if isa >= .avx2 {
        dl_lstm_back_f32__avx2(hidden, count, rows)
        return
      }
    #endif
    dl_lstm_back_f32__scalar(hidden, count, rows)
  }
}
