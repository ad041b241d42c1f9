import Glibc
import Graphs
import Kernels
import Tensors

/// What is done to the scores of a classical model before they are given out.
///
/// - LOGISTIC `1 / (1 + e^-s)`; SOFTMAX over a row; SOFTMAX_ZERO the same over the scores of a row
///   that are not 0 (within 1e-7), which stay near 0; PROBIT `sqrt 2 erfinv(2 s - 1)`, with the
///   inverse of the error function approximated as ONNX Runtime has it: within 2e-3, and NaN
///   outside 0 to 1.
/// - Source: ONNX ai.onnx.ml; where it leaves room, ONNX Runtime 1.32.
public enum ScoreTransform: String, Hashable, Sendable, CaseIterable {
  case none = "NONE"
  case softmax = "SOFTMAX"
  case logistic = "LOGISTIC"
  case softmaxZero = "SOFTMAX_ZERO"
  case probit = "PROBIT"

  static let spec = AttributeSpec(
    "post_transform", .string, "NONE (default), SOFTMAX, LOGISTIC, SOFTMAX_ZERO or PROBIT")

  init(reading a: AttributeReader) throws(EngineError) {
    let name = try a.string(
      "post_transform", default: "NONE", oneOf: ScoreTransform.allCases.map(\.rawValue))
    self = ScoreTransform(rawValue: name) ?? .none
  }
  var attribute: Attribute { .string("post_transform", rawValue) }

  private static let sigmoid = UnaryKernel(.sigmoid, .float32)

  /// Changes rows of `width` scores in place. A single score changes only under PROBIT.
  func apply(_ scores: UnsafeMutablePointer<Float>, rows: Int, width: Int) {
    if width == 1 && self != .probit { return }
    switch self {
    case .none: break
    case .logistic:
      ScoreTransform.sigmoid?.run(count: rows * width, scores, scores, .single)
    case .softmax:
      SoftmaxKernel.run(
        .float32, log: false, scores, outer: rows, n: width, inner: 1, into: scores,
        pool: .single)
    case .softmaxZero:
      for r in 0..<rows { ScoreTransform.softmaxZero(scores + r * width, width) }
    case .probit:
      for i in 0..<(rows * width) { scores[i] = ScoreTransform.probit(scores[i]) }
    }
  }

  /// Makes of each of `rows` scores, which lie one behind another, the two of a binary decision,
  /// the one for the second class last: `1 - s` and `s`; under LOGISTIC both through it; under
  /// PROBIT `1 - p` and `p`. `negates`: under NONE `-s` and `s`.
  func expand(_ scores: UnsafeMutablePointer<Float>, rows: Int, negates: Bool) {
    var r = rows - 1
    while r >= 0 {
      let s = scores[r]
      var pair: (Float, Float)
      switch self {
      case .logistic: pair = (ScoreTransform.logistic(-s), ScoreTransform.logistic(s))
      case .probit:
        let p = ScoreTransform.probit(s)
        pair = (1 - p, p)
      case .none where negates: pair = (-s, s)
      default: pair = (1 - s, s)
      }
      scores[2 * r] = pair.0
      scores[2 * r + 1] = pair.1
      r -= 1
    }
  }

  static func logistic(_ s: Float) -> Float { 1 / (1 + expf(-s)) }

  static func probit(_ s: Float) -> Float {
    var x = 2 * s - 1
    let sign: Float = x < 0 ? -1 : 1
    x = (1 - x) * (1 + x)
    let l = logf(x)
    let v: Float = 2 / (3.14159 * 0.147) + 0.5 * l
    let v2: Float = 1 / 0.147 * l
    return 1.41421356 * sign * sqrtf(-v + sqrtf(v * v - v2))
  }

  private static func softmaxZero(_ row: UnsafeMutablePointer<Float>, _ n: Int) {
    var top = -Float.greatestFiniteMagnitude
    for i in 0..<n where row[i] > top { top = row[i] }
    let small = expf(-top)
    var sum: Float = 0
    for i in 0..<n {
      if row[i] > 1e-7 || row[i] < -1e-7 {
        row[i] = expf(row[i] - top)
        sum += row[i]
      } else {
        row[i] *= small
      }
    }
    for i in 0..<n { row[i] /= sum }
  }
}
