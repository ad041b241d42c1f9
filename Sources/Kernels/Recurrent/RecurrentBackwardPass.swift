import Tensors

/// One direction of `RecurrentGradientKernel`.
struct RecurrentBackwardPass<T: RowReal> {
  typealias Row = UnsafeMutablePointer<T>
  let k: RecurrentGradientKernel
  let d: Int
  let o: RecurrentGradientKernel.Operands
  let memory: Row
  let pool: ThreadPool
  let n: Int
  let width: Int
  let w: UnsafePointer<T>
  let r: UnsafePointer<T>
  let clip: T?

  init(
    _ kernel: RecurrentGradientKernel, _ direction: Int,
    _ operands: RecurrentGradientKernel.Operands, _ memory: Row, _ pool: ThreadPool
  ) {
    k = kernel
    d = direction
    o = operands
    self.memory = memory
    self.pool = pool
    n = kernel.hidden
    width = kernel.cell.gates * kernel.hidden
    w = operands.w.assumingMemoryBound(to: T.self) + direction * width * kernel.input
    r = operands.r.assumingMemoryBound(to: T.self) + direction * width * kernel.hidden
    clip = kernel.clip.map { T($0) }
  }

  private func activation(_ i: Int) -> CellActivation {
    k.activations[d * k.cell.activations + i]
  }
  private func length(_ b: Int) -> Int { o.lengths.map { Int($0[b]) } ?? k.steps }
  private func time(_ step: Int, _ b: Int) -> Int {
    k.isReverse[d] ? length(b) - 1 - step : step
  }
  /// Where the state of batch entry `b` lies in initial and last states.
  private func place(_ b: Int) -> Int {
    (k.isBatchFirst ? b * k.isReverse.count + d : d * k.batch + b) * n
  }
  private func row(_ start: Int, _ step: Int, _ b: Int, _ width: Int) -> Row {
    memory + start + (step * k.batch + b) * width
  }
  private var gemmScratch: UnsafeMutableRawPointer {
    // Aligned as all scratch is: buffers are whole lines.
    UnsafeMutableRawPointer(memory + k.layout.gemm)
  }
  private func product(
    _ plan: GemmPlan, _ a: UnsafePointer<T>, _ b: UnsafePointer<T>, _ c: Row
  ) {
    plan.run(
      a: UnsafeRawPointer(a), b: UnsafeRawPointer(b), c: UnsafeMutableRawPointer(c),
      scratch: gemmScratch, pool: pool)
  }
  private func bias(_ half: Int, _ i: Int) -> T {
    o.bias.map { $0.assumingMemoryBound(to: T.self)[(d * 2 + half) * width + i] } ?? 0
  }
  private func peephole(_ i: Int) -> T {
    o.peepholes.map { $0.assumingMemoryBound(to: T.self)[d * 3 * n + i] } ?? 0
  }

  /// Inputs in the order of processing, and the states before the first step.
  func load() {
    let x = o.x.assumingMemoryBound(to: T.self)
    for step in 0..<k.steps {
      for b in 0..<k.batch {
        let to = row(k.layout.x, step, b, k.input)
        if step < length(b) {
          to.update(from: x + at(step, b) * k.input, count: k.input)
        } else {
          to.update(repeating: 0, count: k.input)
        }
      }
    }
    for b in 0..<k.batch {
      copy(o.initialH, b, to: row(k.layout.h, 0, b, n))
      copy(o.initialC, b, to: row(k.layout.c, 0, b, n))
    }
    if k.steps > 0 {
      product(k.plans.inputs, memory + k.layout.x, w, memory + k.layout.sums)
    }
  }

  /// The state of batch entry `b` among `states`; zeros where there are none.
  private func copy(_ states: UnsafeRawPointer?, _ b: Int, to: Row) {
    if let from = states?.assumingMemoryBound(to: T.self) {
      to.update(from: from + place(b), count: n)
    } else {
      to.update(repeating: 0, count: n)
    }
  }

  /// The row of X (and, but for directions, of Y) that a step reads.
  private func at(_ step: Int, _ b: Int) -> Int {
    let t = time(step, b)
    return k.isBatchFirst ? b * k.steps + t : t * k.batch + b
  }

  private func activate(_ i: Int, _ sums: Row, _ to: Row, _ count: Int, bounded: Bool = true) {
    to.update(from: sums, count: count)
    activation(i).apply(to, count, clip: bounded ? clip : nil)
  }

  /// The derivative of a gate; none where its input was cut.
  private func slope(_ i: Int, _ x: T, _ y: T) -> T {
    if let clip, x < -clip || x > clip { return 0 }
    return activation(i).slope(x, y)
  }

  func forward() {
    for step in 0..<k.steps {
      let h = row(k.layout.h, step, 0, n)
      let products = memory + k.layout.step
      product(k.plans.states, h, r, products)
      for b in 0..<k.batch {
        let (state, next) = (row(k.layout.h, step, b, n), row(k.layout.h, step + 1, b, n))
        next.update(from: state, count: n)
        row(k.layout.c, step + 1, b, n).update(from: row(k.layout.c, step, b, n), count: n)
        let (sums, gates) = (
          row(k.layout.sums, step, b, width), row(k.layout.gates, step, b, width)
        )
        guard step < length(b) else {
          gates.update(repeating: 0, count: width)
          row(k.layout.extra, step, b, n).update(repeating: 0, count: n)
          continue
        }
        let plain = k.cell.gates == 3 ? 2 * n : width
        for i in 0..<plain { sums[i] += products[b * width + i] + bias(0, i) + bias(1, i) }
        for i in plain..<width { sums[i] += bias(0, i) }
        switch k.cell {
        case .rnn:
          activate(0, sums, gates, n)
          next.update(from: gates, count: n)
        case .lstm(let couples): lstm(step, b, couples)
        case .gru:
          activate(0, sums, gates, 2 * n)
          if case .gru(false) = k.cell {
            let reset = row(k.layout.extra, step, b, n)
            for j in 0..<n { reset[j] = gates[n + j] * state[j] }
          }
        }
      }
      if case .gru(let linear) = k.cell { gru(step, linear) }
    }
  }

  private func lstm(_ step: Int, _ b: Int, _ couples: Bool) {
    let (sums, gates) = (row(k.layout.sums, step, b, width), row(k.layout.gates, step, b, width))
    let (old, c) = (row(k.layout.c, step, b, n), row(k.layout.c, step + 1, b, n))
    let (h, shown) = (row(k.layout.h, step + 1, b, n), row(k.layout.extra, step, b, n))
    if o.peepholes != nil {
      for j in 0..<n { sums[j] += peephole(j) * old[j] }
      for j in 0..<n { sums[2 * n + j] += peephole(2 * n + j) * old[j] }
    }
    activate(0, sums, gates, n)
    if couples {
      for j in 0..<n { gates[2 * n + j] = 1 - gates[j] }
    } else {
      activate(0, sums + 2 * n, gates + 2 * n, n)
    }
    activate(1, sums + 3 * n, gates + 3 * n, n)
    for j in 0..<n { c[j] = gates[2 * n + j] * old[j] + gates[j] * gates[3 * n + j] }
    if o.peepholes != nil { for j in 0..<n { sums[n + j] += peephole(n + j) * c[j] } }
    activate(0, sums + n, gates + n, n)
    activate(2, c, shown, n, bounded: false)
    for j in 0..<n { h[j] = gates[n + j] * shown[j] }
  }

  private func gru(_ step: Int, _ linear: Bool) {
    let products = memory + k.layout.step
    let source = linear ? row(k.layout.h, step, 0, n) : row(k.layout.extra, step, 0, n)
    product(k.plans.candidate, source, r + 2 * n * n, products)
    for b in 0..<k.batch where step < length(b) {
      let (sums, gates) = (row(k.layout.sums, step, b, width), row(k.layout.gates, step, b, width))
      let (state, next) = (row(k.layout.h, step, b, n), row(k.layout.h, step + 1, b, n))
      for j in 0..<n {
        let part = products[b * width + j] + bias(1, 2 * n + j)
        sums[2 * n + j] += linear ? gates[n + j] * part : part
        if linear { row(k.layout.extra, step, b, n)[j] = part }
      }
      activate(1, sums + 2 * n, gates + 2 * n, n)
      for j in 0..<n { next[j] = (1 - gates[j]) * gates[2 * n + j] + gates[j] * state[j] }
    }
  }

  func backward() {
    let (dh, dc, next) = (memory + k.layout.dh, memory + k.layout.dc, memory + k.layout.next)
    for b in 0..<k.batch {
      // A sequence of no steps has a last state of zeros, whatever it started from.
      copy(length(b) > 0 ? o.dLastH : nil, b, to: dh + b * n)
      copy(length(b) > 0 ? o.dLastC : nil, b, to: dc + b * n)
    }
    for step in (0..<k.steps).reversed() {
      for b in 0..<k.batch {
        let (down, extra) = (
          row(k.layout.down, step, b, width), row(k.layout.downExtra, step, b, n)
        )
        guard step < length(b) else {
          down.update(repeating: 0, count: width)
          extra.update(repeating: 0, count: n)
          continue
        }
        let up = dh + b * n
        if let dy = o.dy?.assumingMemoryBound(to: T.self) {
          let t = time(step, b)
          let count = k.isReverse.count
          let place =
            k.isBatchFirst ? (b * k.steps + t) * count + d : (t * count + d) * k.batch + b
          for j in 0..<n { up[j] += dy[place * n + j] }
        }
        switch k.cell {
        case .rnn:
          let (sums, gates) = (row(k.layout.sums, step, b, n), row(k.layout.gates, step, b, n))
          for j in 0..<n { down[j] = up[j] * slope(0, sums[j], gates[j]) }
          up.update(repeating: 0, count: n)
        case .lstm(let couples):
          lstmBack(step, b, couples, up, dc + b * n, down)
          up.update(repeating: 0, count: n)
        case .gru(let linear): gruBack(step, b, linear, up, down, extra)
        }
      }
      if case .gru(let linear) = k.cell {
        product(
          k.plans.candidateGradient, row(k.layout.downExtra, step, 0, n), r + 2 * n * n, next)
        for b in 0..<k.batch where step < length(b) {
          let (sums, gates) = (
            row(k.layout.sums, step, b, width), row(k.layout.gates, step, b, width)
          )
          let (state, up, part) = (row(k.layout.h, step, b, n), dh + b * n, next + b * n)
          let down = row(k.layout.down, step, b, width)
          for j in 0..<n {
            if linear {
              up[j] += part[j]
            } else {
              up[j] += part[j] * gates[n + j]
              down[n + j] = part[j] * state[j] * slope(0, sums[n + j], gates[n + j])
            }
          }
        }
      }
      // Rows past their length have gradients of zero here, and keep what they carry.
      product(k.plans.stateGradient, row(k.layout.down, step, 0, width), r, next)
      for i in 0..<(k.batch * n) { dh[i] += next[i] }
    }
  }

  private func lstmBack(
    _ step: Int, _ b: Int, _ couples: Bool, _ dh: Row, _ dc: Row, _ down: Row
  ) {
    let (sums, gates) = (row(k.layout.sums, step, b, width), row(k.layout.gates, step, b, width))
    let (old, c) = (row(k.layout.c, step, b, n), row(k.layout.c, step + 1, b, n))
    let shown = row(k.layout.extra, step, b, n)
    for j in 0..<n {
      let (i, out, f, candidate) = (gates[j], gates[n + j], gates[2 * n + j], gates[3 * n + j])
      let dOut = dh[j] * shown[j] * slope(0, sums[n + j], out)
      var carried = dc[j] + dh[j] * out * activation(2).slope(c[j], shown[j])
      carried += dOut * peephole(n + j)
      let di = (couples ? carried * (candidate - old[j]) : carried * candidate)
      let dIn = di * slope(0, sums[j], i)
      let dForget = couples ? 0 : carried * old[j] * slope(0, sums[2 * n + j], f)
      down[j] = dIn
      down[n + j] = dOut
      down[2 * n + j] = dForget
      down[3 * n + j] = carried * i * slope(1, sums[3 * n + j], candidate)
      dc[j] = carried * f + dIn * peephole(j) + dForget * peephole(2 * n + j)
    }
  }

  private func gruBack(
    _ step: Int, _ b: Int, _ linear: Bool, _ dh: Row, _ down: Row, _ extra: Row
  ) {
    let (sums, gates) = (row(k.layout.sums, step, b, width), row(k.layout.gates, step, b, width))
    let state = row(k.layout.h, step, b, n)
    let kept = row(k.layout.extra, step, b, n)
    for j in 0..<n {
      let (z, reset, candidate) = (gates[j], gates[n + j], gates[2 * n + j])
      down[j] = dh[j] * (state[j] - candidate) * slope(0, sums[j], z)
      let part = dh[j] * (1 - z) * slope(1, sums[2 * n + j], candidate)
      down[2 * n + j] = part
      if linear { down[n + j] = part * kept[j] * slope(0, sums[n + j], reset) }
      extra[j] = linear ? part * reset : part
      dh[j] *= z
    }
  }

  /// The gradients of inputs, weights, bias, first states and peepholes.
  func finish() {
    let l = k.layout
    let rows = k.steps * k.batch
    func result(_ p: UnsafeMutableRawPointer?, _ count: Int) -> Row? {
      p.map { $0.assumingMemoryBound(to: T.self) + d * count }
    }
    for b in 0..<k.batch {
      give(l.dh, b, to: o.dInitialH)
      give(l.dc, b, to: o.dInitialC)
    }
    if let dx = o.dx?.assumingMemoryBound(to: T.self), rows > 0 {
      product(k.plans.inputGradient, memory + l.down, w, memory + l.dx)
      for step in 0..<k.steps {
        for b in 0..<k.batch where step < length(b) {
          T.axpy(row(l.dx, step, b, k.input), k.input, 1, into: dx + at(step, b) * k.input)
        }
      }
    }
    weights(o.dw.map { $0 }, k.plans.inputWeights, l.down, l.x, width * k.input, 0)
    weights(o.dr, k.plans.stateWeights, l.down, l.h, width * n, 0)
    if case .gru(let linear) = k.cell {
      weights(
        o.dr, k.plans.candidateWeights, l.downExtra, linear ? l.h : l.extra, width * n, 2 * n * n)
    }
    if let bias = result(o.dBias, 2 * width) {
      for i in 0..<2 * width { bias[i] = 0 }
      for i in 0..<rows {
        for j in 0..<width { bias[j] += memory[l.down + i * width + j] }
      }
      for j in 0..<width { bias[width + j] = bias[j] }
      if case .gru(true) = k.cell {
        for j in 0..<n { bias[width + 2 * n + j] = 0 }
        for i in 0..<rows {
          for j in 0..<n { bias[width + 2 * n + j] += memory[l.downExtra + i * n + j] }
        }
      }
    }
    if let p = result(o.dPeepholes, 3 * n) {
      for j in 0..<3 * n { p[j] = 0 }
      for step in 0..<k.steps {
        for b in 0..<k.batch where step < length(b) {
          let down = row(l.down, step, b, width)
          let (old, c) = (row(l.c, step, b, n), row(l.c, step + 1, b, n))
          for j in 0..<n {
            p[j] += down[j] * old[j]
            p[n + j] += down[n + j] * c[j]
            p[2 * n + j] += down[2 * n + j] * old[j]
          }
        }
      }
    }
  }

  /// The gradient by the first state of batch entry `b`, where it is wanted.
  private func give(_ start: Int, _ b: Int, to states: UnsafeMutableRawPointer?) {
    guard let to = states?.assumingMemoryBound(to: T.self) else { return }
    let isEmpty = length(b) == 0
    for j in 0..<n { to[place(b) + j] = isEmpty ? 0 : memory[start + b * n + j] }
  }

  private func weights(
    _ to: UnsafeMutableRawPointer?, _ plan: GemmPlan, _ down: Int, _ x: Int, _ size: Int,
    _ first: Int
  ) {
    guard let to = to?.assumingMemoryBound(to: T.self) else { return }
    let at = to + d * size + first
    if k.steps * k.batch == 0 {
      for i in 0..<plan.m * plan.n { at[i] = 0 }
    } else {
      product(plan, memory + down, memory + x, at)
    }
  }
}
