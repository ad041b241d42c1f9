import Graphs
import Kernels
import Tensors

/// The gradient of `MaxRoiPool` by the feature maps: each bin's goes to its largest pixel, the first
/// of equals.
///
/// - `X`, `rois`: MaxRoiPool's inputs. `dY`: the gradient by its output.
/// - Attributes: those of MaxRoiPool.
/// - Output: `dX`, the shape of X.
/// - Errors: those of MaxRoiPool.
/// - Accuracy: sums in the order of the regions.
/// - Gradient: none.
/// - Source: domain ai.dlrun 1; MaxRoiPool transposed.
public struct MaxRoiPoolGradient: Operator {
  public let pool: MaxRoiPool

  public static let schema = Schema(
    "MaxRoiPoolGradient", domain: "ai.dlrun", versions: [1],
    inputs: [Parameter("X", .floats), Parameter("rois", .floats), Parameter("dY", .floats)],
    outputs: [Parameter("dX", .floats)], attributes: MaxRoiPool.schema.attributes,
    cases: {
      let x = try Tensor(shape: [2, 2, 4, 5], (1...80).map { Float($0 * $0 % 83) })
      let rois = try Tensor(
        shape: [3, 5], [0, 0, 0, 4, 3, 1, 1.2, 0.8, 3.4, 2, 1, 3, 2, 9, 8] as [Float])
      let dy = try Tensor(shape: [3, 2, 2, 2], (0..<24).map { Float(($0 * 5) % 24) / 8 - 1 })
      return [.init(MaxRoiPoolGradient(MaxRoiPool(height: 2, width: 2)), [x, rois, dy])]
    })

  public init(_ pool: MaxRoiPool) { self.pool = pool }
  public init(reading a: AttributeReader) throws(EngineError) {
    pool = try MaxRoiPool(reading: a)
  }
  public var attributes: [Attribute] { pool.attributes }

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] {
    _ = try pool.infer(Inference(inputs: Array(c.inputs.prefix(2))))
    return [Fact(c.dtype(0), c.dims(0))]
  }

  public func prepare(_ p: Preparation) throws(EngineError) -> Prepared {
    if let half = try widened(p) { return half }
    let (x, rois, dy) = (try p.input(0), try p.input(1), try p.input(2))
    guard rois.dtype == x.dtype, dy.dtype == x.dtype else { throw p.noKernel() }
    let want = [rois.shape[0], x.shape[1], pool.height, pool.width]
    guard dy.shape.array == want else {
      throw EngineError(
        .shape, "the gradient does not have the output's shape", expected: "\(want)",
        received: "\(dy.shape)")
    }
    switch x.dtype {
    case .float32: return spreading(Float.self, x.shape, regions: rois.shape[0])
    case .float64: return spreading(Double.self, x.shape, regions: rois.shape[0])
    default: throw p.noKernel()
    }
  }

  private func spreading<T: Real & Element>(
    _: T.Type, _ x: Shape, regions: Int
  ) -> Prepared {
    let op = pool
    let bins = op.height * op.width
    return Prepared(label: "max roi gradient") { (m) throws(EngineError) in
      let dx = m.output(0, T.self)
      for i in 0..<x.count { dx[i] = 0 }
      let rois = m.input(1, T.self)
      for r in 0..<regions {
        let region = try MaxRoiPool.Region<T>(op, rois + 5 * r, r, x)
        m.pool.run(x[1]) { channel in
          let at = (region.image * x[1] + channel) * x[2] * x[3]
          region.spread(
            m.input(0, T.self) + at, m.input(2, T.self) + (r * x[1] + channel) * bins,
            into: dx + at)
        }
      }
    }
  }
}

extension MaxRoiPool.Region {
  fileprivate func spread(
    _ x: UnsafePointer<T>, _ dy: UnsafePointer<T>, into dx: UnsafeMutablePointer<T>
  ) {
    for i in 0..<op.height {
      let down = span(i, binHeight, from: top, limit: rows)
      for j in 0..<op.width {
        let across = span(j, binWidth, from: left, limit: columns)
        var (largest, place) = (-T.infinity, -1)
        for r in down {
          for c in across where x[r * columns + c] > largest {
            (largest, place) = (x[r * columns + c], r * columns + c)
          }
        }
        if place >= 0 { dx[place] += dy[i * op.width + j] }
      }
    }
  }
}
