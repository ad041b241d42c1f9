import Kernels
import Tensors

/// The work of MoE: token by token, each on one thread, its experts in the order of their scores.
struct ExpertMixture: Sendable {
  let tokens: Int
  let size: Int
  let inner: Int
  let experts: Int
  let options: MoE.Options
  /// Tokens that are under way at once.
  let workers: Int

  struct Operands {
    var x: UnsafePointer<Float>
    var router: UnsafePointer<Float>
    var w1: UnsafePointer<Float>
    var b1: UnsafePointer<Float>?
    var w2: UnsafePointer<Float>
    var b2: UnsafePointer<Float>?
    var w3: UnsafePointer<Float>?
    var b3: UnsafePointer<Float>?
    var output: UnsafeMutablePointer<Float>
  }

  private var isFused: Bool { options.activation == .swiglu && options.fusion != 0 }
  private var rows: Int { isFused ? 2 * inner : inner }
  /// Scratch of a worker: routing weights, the first layer, the gate, what goes on, one result.
  private var workerScratch: Int { experts + rows + 2 * inner + size }
  /// Elements of scratch.
  var scratchCount: Int { workers * workerScratch }

  func run(_ o: Operands, scratch: UnsafeMutablePointer<Float>, pool: ThreadPool) {
    pool.run(workers) { w in
      for t in stride(from: w, to: tokens, by: workers) { token(t, o, scratch + w * workerScratch) }
    }
  }

  private func token(_ t: Int, _ o: Operands, _ s: UnsafeMutablePointer<Float>) {
    let x = o.x + t * size
    let y = o.output + t * size
    let scores = o.router + t * experts
    let weights = s
    let first = weights + experts
    let gate = first + rows
    let hidden = gate + inner
    let result = hidden + inner
    var greatest = -Float.infinity
    for e in 0..<experts { greatest = max(greatest, scores[e]) }
    var total: Float = 0
    for e in 0..<experts {
      weights[e] = Float.exponential(scores[e] - greatest)
      total += weights[e]
    }
    y.update(repeating: 0, count: size)
    if options.normalizes {
      total = 0
      for n in 0..<options.count { total += weights[ranked(scores, n)] }
    }
    for n in 0..<options.count {
      let e = ranked(scores, n)
      layer(x, o.w1 + e * rows * size, o.b1.map { $0 + e * rows }, rows, size, into: first)
      if let w3 = o.w3 {
        layer(x, w3 + e * inner * size, o.b3.map { $0 + e * inner }, inner, size, into: gate)
      }
      activate(first, gate: o.w3 == nil ? nil : gate, into: hidden)
      layer(hidden, o.w2 + e * size * inner, o.b2.map { $0 + e * size }, size, inner, into: result)
      Float.axpy(result, size, weights[e] / total, into: y)
    }
  }

  /// The expert with the `n`-th highest score; of equal ones the first.
  private func ranked(_ scores: UnsafePointer<Float>, _ n: Int) -> Int {
    for e in 0..<experts {
      var better = 0
      for other in 0..<experts
      where scores[other] > scores[e] || (scores[other] == scores[e] && other < e) {
        better += 1
      }
      if better == n { return e }
    }
    // NaN beats nothing and nothing beats it.
    return n
  }

  private func layer(
    _ x: UnsafePointer<Float>, _ w: UnsafePointer<Float>, _ bias: UnsafePointer<Float>?,
    _ rows: Int, _ depth: Int, into y: UnsafeMutablePointer<Float>
  ) {
    Float.dots(1, rows, depth, x, depth, w, depth, into: y, rows, adds: false)
    guard let bias else { return }
    for i in 0..<rows { y[i] += bias[i] }
  }

  private func activate(
    _ x: UnsafePointer<Float>, gate: UnsafePointer<Float>?, into y: UnsafeMutablePointer<Float>
  ) {
    for i in 0..<inner {
      var g = x[i]
      var l = gate.map { $0[i] } ?? 1
      if isFused {
        (g, l) = options.fusion == 1 ? (x[2 * i], x[2 * i + 1]) : (x[i], x[inner + i])
      }
      switch options.activation {
      case .relu: y[i] = max(g, 0) * l
      case .identity: y[i] = g * l
      case .gelu:
        let cube = 0.044715 * g * g * g
        y[i] = g * 0.5 * (1 + Float.hyperbolicTangent(0.7978846 * (g + cube))) * l
      case .silu: y[i] = g / (1 + Float.exponential(-g)) * l
      case .swiglu:
        if let limit = options.limit {
          g = min(g, limit)
          l = max(-limit, min(l, limit))
        }
        y[i] = g / (1 + Float.exponential(-options.alpha * g)) * (l + options.beta)
      }
    }
  }
}
