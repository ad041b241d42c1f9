import Graphs
import Kernels
import Tensors

/// Sampling places of affine maps, for GridSample.
///
/// - Formula: `grid = theta * (x, y, 1)`, in 3D `theta * (x, y, z, 1)`, positions evenly spaced from
///   -1 to 1.
/// - `theta`: float16, bfloat16, float32 or float64 `[N, 2, 3]` or `[N, 3, 4]`. `size`: int64
///   `[N, C, H, W]` or `[N, C, D, H, W]`.
/// - `align_corners`: 1: -1 and 1 are the centres of the corner pixels, otherwise their outer edges;
///   default 0.
/// - Output: `[N, H, W, 2]` or `[N, D, H, W, 3]`, x first.
/// - Errors: `.shape` when theta and size do not fit.
/// - Edges: with `align_corners`, an axis of one pixel has its centre at -1.
/// - Accuracy: computed in float64, rounded once.
/// - Source: ONNX AffineGrid 20.
public struct AffineGrid: FormulaGradient {
  public let alignsCorners: Bool

  public static let schema = Schema(
    "AffineGrid", versions: [20],
    inputs: [Parameter("theta", .floats, "T1"), Parameter("size", .int64, "T2", shape: true)],
    outputs: [Parameter("grid", .floats, "T1")],
    attributes: [
      AttributeSpec("align_corners", .int, "1: -1 and 1 are centres of corner pixels; default 0")
    ],
    isDifferentiable: true,
    cases: {
      let theta = try Tensor(shape: [1, 2, 3], [0.5, 0.25, 0.1, -0.25, 1, 0.3] as [Float])
      let size = try Tensor([1, 3, 2, 4] as [Int64])
      return [
        .init(AffineGrid(), [theta, size]), .init(AffineGrid(alignsCorners: true), [theta, size]),
      ]
    })

  public init(alignsCorners: Bool = false) { self.alignsCorners = alignsCorners }
  public init(reading a: AttributeReader) throws(EngineError) {
    alignsCorners = try a.bool("align_corners", default: false)
  }
  public var attributes: [Attribute] { [.bool("align_corners", alignsCorners)] }

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] {
    let dtype = c.dtype(0)
    let theta = c.dims(0)
    if let theta {
      guard theta.count == 3,
        [2, nil].contains(theta[1].known) && [3, nil].contains(theta[2].known)
          || [3, nil].contains(theta[1].known) && [4, nil].contains(theta[2].known)
      else {
        throw EngineError(
          .shape, "theta holds no affine maps", expected: "[N, 2, 3] or [N, 3, 4]",
          received: "\(theta)")
      }
    }
    guard let size = c.elements(1) else {
      guard let n = c.dims(1)?.first?.known, n == 4 || n == 5 else { return [Fact(dtype, nil)] }
      return [Fact(dtype, c.unknown(rank: n - 1) + [Dim(n - 2)])]
    }
    let spatial = size.count - 2
    guard spatial == 2 || spatial == 3, (theta?[1].known).map({ $0 == spatial }) ?? true else {
      throw EngineError(
        .shape, "the size does not fit theta", expected: "[N, C, H, W] or [N, C, D, H, W]",
        received: "\(size)")
    }
    if let n = size[0].known, let maps = theta?[0].known, n != maps {
      throw EngineError(
        .shape, "the size has another batch than theta", expected: "\(maps)", received: "\(n)")
    }
    let dims = [size[0]] + size.dropFirst(2) + [Dim(spatial)]
    try checkSizes(dims)
    return [Fact(dtype, dims)]
  }

  public func prepare(_ p: Preparation) throws(EngineError) -> Prepared {
    let y = try p.output(0)
    let dtype = y.dtype
    guard DTypes.floats.contains(dtype) else { throw p.noKernel() }
    let spatial = y.shape.rank - 2
    let width = y.shape[spatial]
    let rows = y.shape.count(of: 0..<spatial)
    let (height, depth) = (y.shape[spatial - 1], spatial == 3 ? y.shape[1] : 1)
    let aligns = alignsCorners
    return Prepared(scratchBytes: width * 8) { m in
      func position(_ i: Int, _ n: Int) -> Double {
        aligns ? 2 * Double(i) / Double(max(1, n - 1)) - 1 : (2 * Double(i) + 1) / Double(n) - 1
      }
      let along = m.scratch.assumingMemoryBound(to: Double.self)
      for x in 0..<width { along[x] = position(x, width) }
      m.pool.run(rows) { row in
        let map = row / (height * depth) * spatial * (spatial + 1)
        let py = position(row % height, height)
        let pz = position(row / height % depth, depth)
        // What a row's first, second and third coordinate start from, and their steps along it.
        var (start, step) = (SIMD4<Double>(), SIMD4<Double>())
        for k in 0..<spatial {
          let first = map + k * (spatial + 1)
          step[k] = loadNumber(m.inputs[0], first, dtype)
          start[k] =
            loadNumber(m.inputs[0], first + spatial, dtype)
            + py * loadNumber(m.inputs[0], first + 1, dtype)
          if spatial == 3 { start[k] += pz * loadNumber(m.inputs[0], first + 2, dtype) }
        }
        guard dtype == .float32 else {
          for x in 0..<width * spatial {
            let k = x % spatial
            let sum = start[k] + along[x / spatial] * step[k]
            storeNumber(sum, m.outputs[0], row * width * spatial + x, dtype)
          }
          return
        }
        let y = m.output(0, Float.self) + row * width * spatial
        if spatial == 2 {
          let (starts, steps) = (start.lowHalf, step.lowHalf)
          for x in 0..<width {
            let place = SIMD2<Float>(starts + along[x] * steps)
            UnsafeMutableRawPointer(y + 2 * x).storeBytes(of: place, as: SIMD2<Float>.self)
          }
        } else {
          for x in 0..<width {
            let place = SIMD4<Float>(start + along[x] * step)
            (y[3 * x], y[3 * x + 1], y[3 * x + 2]) = (place[0], place[1], place[2])
          }
        }
      }
    }
  }
}

extension AffineGrid {
  public func formula<B: Builder>(
    _ b: B, _ inputs: Few<B.Value?>, outputs: Int
  ) throws(EngineError) -> Few<B.Value> {
    guard let theta = inputs[0], let size = inputs[1] else {
      throw EngineError(.arity, "an input is missing")
    }
    guard let sizes = b.fact(of: size).knownInts, sizes.count >= 4 else {
      throw EngineError(.notDifferentiable, "the size of the grid is not known")
    }
    let spatial = Array(sizes.dropFirst(2))
    func position(_ i: Int, _ n: Int) -> Double {
      alignsCorners
        ? 2 * Double(i) / Double(max(1, n - 1)) - 1 : (2 * Double(i) + 1) / Double(n) - 1
    }
    // Rows of x, y, (z,) 1: the innermost axis first.
    let count = spatial.reduce(1, *)
    var points: [Double] = []
    for p in 0..<count {
      var rest = p
      for n in spatial.reversed() {
        points.append(position(rest % n, n))
        rest /= n
      }
      points.append(1)
    }
    let rows = try cast(
      b, b.constant(Tensor(shape: [count, spatial.count + 1], points)), like: theta)
    let grid = try b.apply(MatMul(), rows, turned(b, theta))
    return Few(try reshape(b, grid, [0] + spatial + [spatial.count]))
  }
}
