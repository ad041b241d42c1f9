import Glibc
import Graphs
import Operators
import Tensors

/// How images are resized, as TensorFlow does it: pixels are squares, their centres at halves.
enum Interpolation: String, Sendable {
  case nearest, bilinear, bicubic, lanczos3, lanczos5, area

  /// Reads `interpolation`.
  ///
  /// Errors: `.unsupported` for one that is not converted.
  init(
    _ config: KerasConfig, _ key: String = "interpolation", default fallback: String
  ) throws(EngineError) {
    let name = try config.string(key, default: fallback).lowercased()
    guard let known = Interpolation(rawValue: name), known != .area else {
      throw EngineError(
        .unsupported, "the interpolation '\(name)' is not converted",
        expected: "nearest, bilinear, bicubic, lanczos3 or lanczos5")
    }
    self = known
  }

  /// `x`, `[N, C, H, W]` with known H and W, at another size.
  func resize(
    _ x: ValueID, _ sizes: [Int], antialias: Bool, _ call: LayerCall
  ) throws(EngineError) -> ValueID {
    guard sizes.allSatisfy({ (1...1 << 20).contains($0) }), sizes.count == 2 else {
      throw call.unsupported("it resizes to \(sizes)")
    }
    switch self {
    case .nearest:
      var op = Resize(mode: .nearest, coordinates: .halfPixel)
      op.rounding = .roundPreferCeil
      return try apply(op, x, sizes, call)
    case .bilinear where !antialias:
      return try apply(Resize(mode: .linear, coordinates: .halfPixel), x, sizes, call)
    default:
      let (height, width) = (try call.size(x, 2), try call.size(x, 3))
      let dtype = call.b.dtype(x) ?? .float32
      let rows = try weights(from: height, to: sizes[0], antialias: antialias, dtype)
      let columns = try weights(from: width, to: sizes[1], antialias: antialias, dtype)
      let turned = try Eager().apply(Transpose(perm: [1, 0]), columns)
      let wide = try call.matmul(x, try call.b.constant(turned))
      return try call.matmul(try call.b.constant(rows), wide)
    }
  }

  private func apply(
    _ op: Resize, _ x: ValueID, _ sizes: [Int], _ call: LayerCall
  ) throws(EngineError) -> ValueID {
    let dims = try call.dims(x)
    if dims.dropFirst(2).map(\.known) == sizes.map({ Optional($0) }) { return x }
    // Scales where the batch is open: sizes would have to name it.
    if let n = dims[0].known, let c = dims[1].known {
      return try call.b.apply(op, inputs: [x, nil, nil, try call.b.ints([n, c] + sizes)])
    }
    let shape = try call.shape([dims[0], dims[1]] + sizes.map { Dim($0) }, like: [x])
    return try call.b.apply(op, inputs: [x, nil, nil, shape])
  }

  /// The matrix `[to, from]` whose rows weigh the pixels that make one of the result.
  ///
  /// Source: TensorFlow `scale_and_translate_op.cc`.
  private func weights(
    from n: Int, to m: Int, antialias: Bool, _ dtype: DType
  ) throws(EngineError) -> Tensor {
    let (cells, overflow) = n.multipliedReportingOverflow(by: m)
    guard !overflow, cells <= 1 << 24 else {
      throw EngineError(.unsupported, "images are too large to resize by \(rawValue)")
    }
    if self == .bicubic, !antialias { return try bicubicWeights(from: n, to: m, dtype) }
    let step = Double(n) / Double(m)
    let stretch = antialias ? Swift.max(step, 1) : 1
    var matrix = [Float](repeating: 0, count: cells)
    for i in 0..<m {
      let centre = (Double(i) + 0.5) * step
      let from = Swift.max(0, Int((centre - radius * stretch - 0.5).rounded(.up)))
      let to = Swift.min(n - 1, Int((centre + radius * stretch - 0.5).rounded(.down)))
      guard from <= to else { continue }
      let row = (from...to).map { kernel((Double($0) + 0.5 - centre) / stretch) }
      let sum = row.reduce(0, +)
      for (k, w) in row.enumerated() where abs(sum) > 1e-12 {
        matrix[i * n + from + k] = Float(w / sum)
      }
    }
    return try Eager().apply(Cast(to: dtype), try Tensor(shape: [m, n], matrix))
  }

  /// Cubic weights as TensorFlow has them without antialiasing: places are rounded to 1024ths of a
  /// pixel, which differs from an exact cubic by more than float32 does.
  ///
  /// Source: TensorFlow `resize_bicubic_op.cc`.
  private func bicubicWeights(from n: Int, to m: Int, _ dtype: DType) throws(EngineError) -> Tensor
  {
    var matrix = [Float](repeating: 0, count: n * m)
    let step = Float(n) / Float(m)
    for i in 0..<m {
      let place = (Float(i) + 0.5) * step - 0.5
      let first = place.rounded(.down)
      let offset = Double(((place - first) * 1024).rounded(.toNearestOrEven)) / 1024
      var row: [(at: Int, weight: Double)] = []
      for k in -1...2 where (0..<n).contains(Int(first) + k) {
        row.append((Int(first) + k, kernel(Double(k) - offset)))
      }
      let sum = row.reduce(0) { $0 + $1.weight }
      for (at, weight) in row where abs(sum) > 1e-12 { matrix[i * n + at] = Float(weight / sum) }
    }
    return try Eager().apply(Cast(to: dtype), try Tensor(shape: [m, n], matrix))
  }

  private var radius: Double {
    switch self {
    case .lanczos3: 3
    case .lanczos5: 5
    case .bicubic: 2
    default: 1
    }
  }

  private func kernel(_ x: Double) -> Double {
    let x = abs(x)
    switch self {
    case .lanczos3, .lanczos5:
      if x > radius { return 0 }
      if x <= 1e-3 { return 1 }
      return radius * sin(.pi * x) * sin(.pi * x / radius) / (.pi * .pi * x * x)
    case .bicubic:
      if x >= 2 { return 0 }
      return x >= 1
        ? ((-0.5 * x + 2.5) * x - 4) * x + 2 : ((1.5 * x - 2.5) * x) * x + 1
    default: return Swift.max(0, 1 - x)
    }
  }
}
