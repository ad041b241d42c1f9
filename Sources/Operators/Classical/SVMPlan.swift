import Kernels
import Tensors

/// A support vector machine with everything settled but the memory.
struct SVMPlan: Sendable {
  let rows: FeatureRows
  private let machine: SVMMachine
  private let transform: ScoreTransform
  private let matrix: SVMKernelRows?
  private let linear: LinearScores?
  private let weights: Tensor
  /// Where the support vectors of each class begin, and behind the last.
  private let starts: Table
  /// The label of each class; nil: its number.
  private let labels: Table?
  private let rho: Tensor
  private let prob: Tensor
  private let isPositive: Bool

  init(
    _ machine: SVMMachine, _ transform: ScoreTransform, _ x: TensorType, threads: Int,
    labels: Table?
  ) throws(EngineError) {
    self.machine = machine
    self.transform = transform
    self.labels = labels
    let (c, v) = (machine.classes, machine.vectors)
    let floats = v == 0 ? c : v + c * c + machine.width
    let sizes = try FeatureRows(x, floatsPerRow: floats, threads: 1)
    weights = try Tensor(machine.coefficients)
    rho = try Tensor(machine.rho)
    prob = try Tensor(machine.slopes + machine.offsets)
    isPositive = machine.coefficients.allSatisfy { $0 >= 0 }
    var starts = [0]
    for n in machine.perClass { starts.append(starts[starts.count - 1] + n) }
    self.starts = Table(starts)
    let own: Int
    if v > 0 {
      let m = try SVMKernelRows(machine.kernel, machine.support, vectors: v, rows: sizes)
      matrix = m
      linear = nil
      own = m.scratchBytes
    } else {
      let l = try LinearScores(
        weights: machine.coefficients, outputs: c, bias: [machine.rho[0]], rows: sizes)
      linear = l
      matrix = nil
      own = l.scratchBytes
    }
    let width = machine.width
    rows = try FeatureRows(x, floatsPerRow: floats, threads: threads) { rows in
      if v == 0 { return own + rows * width * 4 }
      // Products, kernel values, sums by class, scores, and one row's coupling in float64.
      return own + FeatureRows.aligned(rows * (v + c * (c - 1) + width) * 4)
        + (2 * c * c + 3 * c + c * (c - 1) / 2) * 8
    }
  }

  func run(
    _ x: UnsafeRawPointer, classes: UnsafeMutablePointer<Int64>?,
    scores out: UnsafeMutablePointer<Float>?, scratch: UnsafeMutableRawPointer, pool: ThreadPool
  ) {
    let width = machine.width
    rows.run(x, scratch: scratch, pool: pool) { range, x, scratch in
      let target = classes.map { $0 + range.lowerBound }
      let given = out.map { $0 + range.lowerBound * width }
      if let linear {
        runLinear(linear, range.count, x, target, given, scratch)
      } else if let matrix {
        runVoting(matrix, range.count, x, target, given, scratch)
      }
    }
  }

  private func label(_ i: Int) -> Int64 { Int64(labels.map { $0[i] } ?? i) }

  private func runLinear(
    _ linear: LinearScores, _ rows: Int, _ x: UnsafePointer<Float>,
    _ classes: UnsafeMutablePointer<Int64>?, _ out: UnsafeMutablePointer<Float>?,
    _ scratch: UnsafeMutableRawPointer
  ) {
    let c = machine.classes
    let s = out ?? (scratch + linear.scratchBytes).assumingMemoryBound(to: Float.self)
    linear.run(rows: rows, x, into: s, scratch: scratch)
    if let classes {
      for r in 0..<rows {
        let row = s + r * c
        var best = 0
        for j in 1..<max(1, c) where row[j] > row[best] { best = j }
        if c == 2, isPositive ? row[best] >= 0.5 : row[best] > 0 { best = 1 }
        classes[r] = label(best)
      }
    }
    transform.apply(s, rows: rows, width: c)
  }

  private func runVoting(
    _ matrix: SVMKernelRows, _ rows: Int, _ x: UnsafePointer<Float>,
    _ classes: UnsafeMutablePointer<Int64>?, _ out: UnsafeMutablePointer<Float>?,
    _ scratch: UnsafeMutableRawPointer
  ) {
    let (c, v, width) = (machine.classes, machine.vectors, machine.width)
    let k = (scratch + matrix.scratchBytes).assumingMemoryBound(to: Float.self)
    let sums = k + rows * v
    let scores = out ?? sums + rows * c * (c - 1)
    let end = matrix.scratchBytes + FeatureRows.aligned(rows * (v + c * (c - 1) + width) * 4)
    let doubles = (scratch + end).assumingMemoryBound(to: Double.self)
    matrix.run(rows: rows, x, into: k, scratch: scratch)
    // sums[r, i, j]: the part of class i's vectors in its machine against the j-th other class.
    let w = weights.storage.bytes.assumingMemoryBound(to: Float.self)
    for i in 0..<c {
      Float.dots(
        rows, c - 1, starts[i + 1] - starts[i], k + starts[i], v, w + starts[i], v,
        into: sums + i * (c - 1), c * (c - 1), adds: false)
    }
    let pairs = machine.pairs
    let shift = rho.storage.bytes.assumingMemoryBound(to: Float.self)
    let decisions = doubles + 2 * c * c + 2 * c
    let votes = decisions + pairs
    for r in 0..<rows {
      let part = sums + r * c * (c - 1)
      for i in 0..<c { votes[i] = 0 }
      var p = 0
      for i in 0..<(c - 1) {
        for j in (i + 1)..<c {
          let s =
            Double(part[i * (c - 1) + j - 1]) + Double(part[j * (c - 1) + i])
            + Double(shift[p])
          decisions[p] = s
          votes[s > 0 ? i : j] += 1
          p += 1
        }
      }
      if let classes {
        var best = 0
        for i in 1..<c where votes[i] > votes[best] { best = i }
        classes[r] = label(best)
      }
      let row = scores + r * width
      if machine.hasProbabilities {
        couple(decisions, doubles, row)
      } else if c == 2 {
        // One score a row for now; the second column follows.
        scores[r] = Float(decisions[0])
      } else {
        for q in 0..<pairs { row[q] = Float(decisions[q]) }
      }
    }
    if out == nil { return }
    if !machine.hasProbabilities && c == 2 {
      transform.expand(scores, rows: rows, negates: true)
    } else {
      transform.apply(scores, rows: rows, width: width)
    }
  }

  /// Probabilities of the classes from the decisions of pairs. `work`: `2 c c + 2 c` numbers.
  private func couple(
    _ decisions: UnsafePointer<Double>, _ work: UnsafeMutablePointer<Double>,
    _ out: UnsafeMutablePointer<Float>
  ) {
    let c = machine.classes
    let pairwise = work
    let ab = prob.storage.bytes.assumingMemoryBound(to: Float.self)
    let n = machine.slopes.count
    var q = 0
    for i in 0..<(c - 1) {
      for j in (i + 1)..<c {
        let f = decisions[q] * Double(ab[q]) + Double(ab[n + q])
        let p = min(max(1 / (1 + Double.exponential(f)), 1e-7), 1 - 1e-7)
        pairwise[i * c + j] = p
        pairwise[j * c + i] = 1 - p
        q += 1
      }
    }
    let p = work + 2 * c * c
    PairwiseCoupling.run(c, pairwise, into: p, matrix: work + c * c, work: p + c)
    for i in 0..<c { out[i] = Float(p[i]) }
  }
}

/// Wu, Lin and Weng's second method, as in libsvm.
enum PairwiseCoupling {
  /// - `r`: `[c, c]`, the probability of the row's class against the column's.
  /// - `p`: the result, `[c]`. `q`: `[c, c]` and `qp`: `[c]` of scratch.
  static func run(
    _ c: Int, _ r: UnsafePointer<Double>, into p: UnsafeMutablePointer<Double>,
    matrix q: UnsafeMutablePointer<Double>, work qp: UnsafeMutablePointer<Double>
  ) {
    for t in 0..<c {
      p[t] = 1 / Double(c)
      q[t * c + t] = 0
      for j in 0..<c where j != t {
        q[t * c + t] += r[j * c + t] * r[j * c + t]
        q[t * c + j] = -r[j * c + t] * r[t * c + j]
      }
    }
    let tolerance = 0.005 / Double(c)
    for _ in 0..<max(100, c) {
      var total = 0.0
      for t in 0..<c {
        qp[t] = 0
        for j in 0..<c { qp[t] += q[t * c + j] * p[j] }
        total += p[t] * qp[t]
      }
      var worst = 0.0
      for t in 0..<c { worst = max(worst, abs(qp[t] - total)) }
      if worst < tolerance { break }
      for t in 0..<c {
        let diff = (-qp[t] + total) / q[t * c + t]
        p[t] += diff
        total = (total + diff * (diff * q[t * c + t] + 2 * qp[t])) / (1 + diff) / (1 + diff)
        for j in 0..<c {
          qp[j] = (qp[j] + diff * q[t * c + j]) / (1 + diff)
          p[j] /= 1 + diff
        }
      }
    }
  }
}
