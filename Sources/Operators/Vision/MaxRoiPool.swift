import Glibc
import Graphs
import Kernels
import Tensors

/// The largest elements of the bins of regions, on the pixel grid.
///
/// A region's corners are scaled and rounded to pixels, both ends inside; bin `i` of `P` covers
/// pixels `floor(i * size / P)` to `ceil((i + 1) * size / P)`, exclusive, so bins may overlap.
///
/// - `X`: float16, bfloat16, float32 or float64 `[N, C, H, W]`. `rois`: the same dtype `[R, 5]` of
///   `image, x1, y1, x2, y2`.
/// - `pooled_shape`: height and width of the result, required; `spatial_scale`: of the coordinates,
///   default 1.
/// - Output: `[R, C, pooled_shape...]`.
/// - Errors: `.shape`, `.attribute`, `.value` for an image that does not exist or a coordinate that
///   is not finite.
/// - Edges: a bin outside of the image gives 0; a region has at least one pixel a side; NaN in a bin
///   is passed over; a bin of nothing else gives -inf.
/// - Accuracy: exact. Bins are computed in float32, for float64 in float64.
/// - Source: ONNX MaxRoiPool 1, 22; Fast R-CNN, 2015. The standard leaves rounding open: halves go
///   away from zero, as in ONNX Runtime.
public struct MaxRoiPool: Operator {
  public let height: Int
  public let width: Int
  public let scale: Float

  public static let schema = Schema(
    "MaxRoiPool", versions: [1, 22],
    inputs: [Parameter("X", .floats), Parameter("rois", .floats)],
    outputs: [Parameter("Y", .floats)],
    attributes: [
      AttributeSpec("pooled_shape", .ints, "height and width of the result; required"),
      AttributeSpec("spatial_scale", .float, "of the coordinates; default 1"),
    ],
    isDifferentiable: true,
    cases: {
      let x = try Tensor(shape: [2, 2, 4, 5], (1...80).map { Float($0 * 37 % 83) })
      let rois = try Tensor(
        shape: [3, 5], [0, 0, 0, 4, 3.2, 1, 1.2, 0.8, 3.4, 2, 1, 3.2, 2, 9.2, 8] as [Float])
      return [
        .init(MaxRoiPool(height: 2, width: 2), [x, rois]),
        .init(MaxRoiPool(height: 1, width: 3, scale: 0.5), [x, rois]),
      ]
    })

  public init(height: Int, width: Int, scale: Float = 1) {
    self.height = height
    self.width = width
    self.scale = scale
  }

  public init(reading a: AttributeReader) throws(EngineError) {
    let sizes = try a.ints("pooled_shape")
    guard sizes.count == 2, sizes.allSatisfy({ $0 >= 1 && $0 <= Int(Int32.max) }) else {
      throw EngineError(
        .attribute, "attribute 'pooled_shape' is no height and width", expected: "two sizes from 1",
        received: "\(sizes)")
    }
    (height, width) = (sizes[0], sizes[1])
    scale = try a.float("spatial_scale", default: 1)
  }
  public var attributes: [Attribute] {
    [.ints("pooled_shape", [height, width]), .float("spatial_scale", scale)]
  }

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] {
    if let x = c.dims(0), x.count != 4 {
      throw EngineError(
        .shape, "expected feature maps", expected: "[N, C, H, W]", received: "\(x)")
    }
    if let rois = c.dims(1), rois.count != 2 || rois[1].known ?? 5 != 5 {
      throw EngineError(.shape, "expected regions", expected: "[R, 5]", received: "\(rois)")
    }
    let dims = [c.dims(1)?[0] ?? c.unknown(), c.dims(0)?[1] ?? c.unknown()]
    return [Fact(c.dtype(0), dims + [Dim(height), Dim(width)])]
  }

  public func prepare(_ p: Preparation) throws(EngineError) -> Prepared {
    if let half = try widened(p) { return half }
    let (x, rois) = (try p.input(0), try p.input(1))
    guard rois.dtype == x.dtype else { throw p.noKernel() }
    switch x.dtype {
    case .float32: return pooling(Float.self, x.shape, regions: rois.shape[0])
    case .float64: return pooling(Double.self, x.shape, regions: rois.shape[0])
    default: throw p.noKernel()
    }
  }

  private func pooling<T: Real & Element>(
    _: T.Type, _ x: Shape, regions: Int
  ) -> Prepared {
    let op = self
    // The bounds of rows and columns of bins.
    let bytes = 2 * (height + width) * MemoryLayout<Int>.size
    return Prepared(scratchBytes: bytes, label: "max") { (m) throws(EngineError) in
      let rois = m.input(1, T.self)
      let bounds = m.scratch.assumingMemoryBound(to: Int.self)
      for r in 0..<regions {
        let region = try Region<T>(op, rois + 5 * r, r, x)
        region.bounds(into: bounds)
        m.pool.run(x[1]) { channel in
          region.pool(
            m.input(0, T.self) + (region.image * x[1] + channel) * x[2] * x[3], bounds,
            into: m.output(0, T.self) + (r * x[1] + channel) * op.height * op.width)
        }
      }
    }
  }

  /// One region in pixels, with the extent of its bins.
  struct Region<T: Real> {
    let op: MaxRoiPool
    let image: Int
    let (rows, columns): (Int, Int)
    let (top, left): (T, T)
    let (binHeight, binWidth): (T, T)

    init(
      _ op: MaxRoiPool, _ roi: UnsafePointer<T>, _ r: Int, _ x: Shape
    ) throws(EngineError) {
      self.op = op
      (rows, columns) = (x[2], x[3])
      guard let image = Int(exactly: roi[0]), image >= 0, image < x[0] else {
        throw EngineError(
          .value, "region \(r) is of an image that does not exist",
          expected: "0 to \(x[0] - 1)", received: "\(roi[0])")
      }
      self.image = image
      func pixel(_ k: Int) -> T { (roi[k] * T(op.scale)).rounded(.toNearestOrAwayFromZero) }
      (left, top) = (pixel(1), pixel(2))
      let (right, bottom) = (pixel(3), pixel(4))
      guard left.isFinite, top.isFinite, right.isFinite, bottom.isFinite else {
        throw EngineError(
          .value, "region \(r) has a coordinate that is not finite", expected: "finite numbers",
          received: "\(roi[1]), \(roi[2]), \(roi[3]), \(roi[4])")
      }
      binHeight = max(bottom - top + 1, 1) / T(op.height)
      binWidth = max(right - left + 1, 1) / T(op.width)
    }

    /// The pixels of bin `i` that lie in the image.
    func span(_ i: Int, _ bin: T, from start: T, limit: Int) -> Range<Int> {
      let most = T(limit)
      let low = ((T(i) * bin).rounded(.down) + start).clamped(to: 0, most)
      let high = ((T(i + 1) * bin).rounded(.up) + start).clamped(to: 0, most)
      let first = Int(low)
      return first..<max(first, Int(high))
    }

    /// First and end of each row of bins, then of each column.
    func bounds(into list: UnsafeMutablePointer<Int>) {
      for i in 0..<op.height {
        let rows = span(i, binHeight, from: top, limit: self.rows)
        (list[2 * i], list[2 * i + 1]) = (rows.lowerBound, rows.upperBound)
      }
      for j in 0..<op.width {
        let columns = span(j, binWidth, from: left, limit: self.columns)
        let at = 2 * (op.height + j)
        (list[at], list[at + 1]) = (columns.lowerBound, columns.upperBound)
      }
    }

    func pool(
      _ x: UnsafePointer<T>, _ bounds: UnsafePointer<Int>, into y: UnsafeMutablePointer<T>
    ) {
      let across = bounds + 2 * op.height
      for i in 0..<op.height {
        let (up, down) = (bounds[2 * i], bounds[2 * i + 1])
        for j in 0..<op.width {
          let (begin, end) = (across[2 * j], across[2 * j + 1])
          var largest: T = up >= down || begin >= end ? 0 : -T.infinity
          var row = x + up * columns
          for _ in up..<down {
            var c = begin
            while c < end {
              let v = row[c]
              largest = v > largest ? v : largest
              c += 1
            }
            row += columns
          }
          y[i * op.width + j] = largest
        }
      }
    }
  }
}

extension BinaryFloatingPoint {
  /// NaN becomes `low`.
  func clamped(to low: Self, _ high: Self) -> Self {
    self > low ? (self < high ? self : high) : low
  }
}

extension MaxRoiPool {
  /// By X alone: regions are whole pixels.
  public func gradient<B: Builder>(
    _ b: B, _ g: inout Backward<B.Value>
  ) throws(EngineError) {
    if g.needs(0) {
      g.give(
        0, try b.apply(MaxRoiPoolGradient(self), g.input(0), g.input(1), g.upstream()))
    }
  }
}
