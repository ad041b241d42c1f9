import Glibc
import Graphs
import Kernels
import Tensors

/// Regions of feature maps pooled to one size, read between pixels.
///
/// - `X`: float16, bfloat16, float32 or float64 `[N, C, H, W]`. `rois`: the same dtype `[R, 4]` of
///   `x1, y1, x2, y2`. `batch_indices`: int64 `[R]`, the image of each region.
/// - `mode`: avg (default) or max; max takes the largest weighted corner, as the standard's reference
///   does. `output_height`, `output_width`: default 1. `sampling_ratio`: samples along each side
///   of a bin; default 0: as many as it has pixels, rounded up. `spatial_scale`: of the coordinates;
///   default 1. `coordinate_transformation_mode`: half_pixel (default from opset 16) or
///   output_half_pixel.
/// - Output: `[R, C, output_height, output_width]`.
/// - Errors: `.shape`, `.attribute`, `.value` for an image that does not exist or a region of more
///   than 2^24 samples a bin.
/// - Accuracy: float32 in float32 with weights worked out in float64, within 2e-6 of the largest
///   pixel; all else computed in float64, rounded once.
/// - Source: ONNX RoiAlign 10, 16 (`coordinate_transformation_mode`), 22; Mask R-CNN, 2017.
public struct RoiAlign: Operator {
  public let height: Int
  public let width: Int
  public let samples: Int
  public let scale: Float
  public let takesMax: Bool
  public let isHalfPixel: Bool

  public static let schema = Schema(
    "RoiAlign", versions: [10, 16, 22],
    inputs: [
      Parameter("X", .floats, "T1"), Parameter("rois", .floats, "T1"),
      Parameter("batch_indices", .int64, "T2"),
    ],
    outputs: [Parameter("Y", .floats, "T1")],
    attributes: [
      AttributeSpec("mode", .string, "avg or max; default avg"),
      AttributeSpec("output_height", .int, "default 1"),
      AttributeSpec("output_width", .int, "default 1"),
      AttributeSpec("sampling_ratio", .int, "samples along a bin's side; default 0: adaptive"),
      AttributeSpec("spatial_scale", .float, "of the coordinates; default 1"),
      AttributeSpec(
        "coordinate_transformation_mode", .string, "half_pixel or output_half_pixel", since: 16),
    ],
    isDifferentiable: true,
    cases: {
      let x = try Tensor(shape: [1, 2, 4, 4], (1...32).map { Float($0 * $0 % 13) })
      let rois = try Tensor(shape: [2, 4], [0.2, 0.3, 2.9, 3.1, 1, 0.4, 3.3, 2.2] as [Float])
      let images = try Tensor([0, 0] as [Int64])
      return [
        .init(RoiAlign(height: 2, width: 2), [x, rois, images]),
        .init(RoiAlign(height: 2, width: 1, samples: 2, isHalfPixel: false), [x, rois, images]),
      ]
    })

  public init(
    height: Int = 1, width: Int = 1, samples: Int = 0, scale: Float = 1, takesMax: Bool = false,
    isHalfPixel: Bool = true
  ) {
    self.height = height
    self.width = width
    self.samples = samples
    self.scale = scale
    self.takesMax = takesMax
    self.isHalfPixel = isHalfPixel
  }
  public init(reading a: AttributeReader) throws(EngineError) {
    height = try a.int("output_height", default: 1)
    width = try a.int("output_width", default: 1)
    samples = try a.int("sampling_ratio", default: 0)
    scale = try a.float("spatial_scale", default: 1)
    takesMax = try a.string("mode", default: "avg", oneOf: ["avg", "max"]) == "max"
    isHalfPixel =
      try a.string(
        "coordinate_transformation_mode",
        default: a.opset < 16 ? "output_half_pixel" : "half_pixel",
        oneOf: ["half_pixel", "output_half_pixel"]) == "half_pixel"
    guard height > 0, width > 0, samples >= 0, samples <= 4096 else {
      throw EngineError(
        .attribute, "the sizes are out of range",
        expected: "output sizes from 1, sampling_ratio from 0 to 4096",
        received: "\(height), \(width), \(samples)")
    }
  }
  public var attributes: [Attribute] {
    [
      .int("output_height", height), .int("output_width", width), .int("sampling_ratio", samples),
      .float("spatial_scale", scale), .string("mode", takesMax ? "max" : "avg"),
      .string(
        "coordinate_transformation_mode", isHalfPixel ? "half_pixel" : "output_half_pixel"),
    ]
  }

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] {
    if let x = c.dims(0), x.count != 4 {
      throw EngineError(
        .shape, "expected feature maps", expected: "[N, C, H, W]", received: "\(x)")
    }
    if let rois = c.dims(1), rois.count != 2 || rois[1].known ?? 4 != 4 {
      throw EngineError(.shape, "expected regions", expected: "[R, 4]", received: "\(rois)")
    }
    if let list = c.dims(2), list.count != 1 {
      throw EngineError(
        .shape, "expected an image for each region", expected: "[R]", received: "\(list)")
    }
    if let n = c.dims(1)?.first?.known, let m = c.dims(2)?.first?.known, n != m {
      throw EngineError(
        .shape, "expected an image for each region", expected: "\(n)", received: "\(m)")
    }
    let regions = c.dims(1)?.first ?? c.dims(2)?.first ?? c.unknown()
    return [Fact(c.dtype(0), [regions, c.dims(0)?[1] ?? c.unknown(), Dim(height), Dim(width)])]
  }

  public func prepare(_ p: Preparation) throws(EngineError) -> Prepared {
    let (x, rois) = (try p.input(0), try p.input(1))
    guard DTypes.floats.contains(x.dtype), rois.dtype == x.dtype else { throw p.noKernel() }
    let op = self
    let regions = rois.shape[0]
    if x.dtype == .float32 { return byChannels(x, regions, p.options.threads) }
    return Prepared(label: takesMax ? "max" : "avg") { (m) throws(EngineError) in
      for r in 0..<regions {
        let image = try image(r, m, of: x)
        let region = try AlignedRegion(op, m.inputs[1], r, x)
        m.pool.run(x.shape[1]) { channel in
          region.pool(
            m.inputs[0], plane: (image * x.shape[1] + channel) * x.shape[2] * x.shape[3],
            to: m.outputs[0], first: (r * x.shape[1] + channel) * op.height * op.width)
        }
      }
    }
  }

  /// In float32, all channels of an image together.
  private func byChannels(_ x: TensorType, _ regions: Int, _ threads: Int) -> Prepared {
    let op = self
    let (images, channels, rows, columns) = (x.shape[0], x.shape[1], x.shape[2], x.shape[3])
    let kernel = RegionPooling(
      channels: channels, map: (rows, columns), bins: (height, width), regions: regions,
      samples: samples > 0 ? samples : nil, takesPeaks: takesMax, threads: threads)
    return Prepared(
      scratchBytes: kernel.scratchBytes, label: takesMax ? "max by channels" : "avg by channels"
    ) {
      (m) throws(EngineError) in
      try kernel.run(
        maps: images, x: m.input(0, Float.self), y: m.output(0, Float.self), scratch: m.scratch,
        pool: m.pool
      ) { (r) throws(EngineError) in
        let image = try op.image(r, m, of: x)
        let region = try AlignedRegion(op, m.inputs[1], r, x)
        return (
          image, .init(first: region.top, bin: region.binHeight, samples: region.down),
          .init(first: region.left, bin: region.binWidth, samples: region.across)
        )
      }
    }
  }

  /// The image of region `r`.
  private func image(_ r: Int, _ m: Memory, of x: TensorType) throws(EngineError) -> Int {
    let image = m.input(2, Int64.self)[r]
    guard image >= 0, image < Int64(x.shape[0]) else {
      throw EngineError(
        .value, "region \(r) is of an image that does not exist",
        expected: "0 to \(x.shape[0] - 1)", received: "\(image)")
    }
    return Int(image)
  }
}

/// One region in the feature map's coordinates, with its bins.
struct AlignedRegion {
  let op: RoiAlign
  let dtype: DType
  let (rows, columns): (Int, Int)
  let (top, left): (Double, Double)
  let (binHeight, binWidth): (Double, Double)
  let (down, across): (Int, Int)

  init(
    _ op: RoiAlign, _ rois: UnsafeRawPointer, _ r: Int, _ x: TensorType
  ) throws(EngineError) {
    self.op = op
    dtype = x.dtype
    (rows, columns) = (x.shape[2], x.shape[3])
    let offset = op.isHalfPixel ? 0.5 : 0
    let dtype = x.dtype
    func coordinate(_ k: Int) -> Double {
      loadNumber(rois, 4 * r + k, dtype) * Double(op.scale) - offset
    }
    (left, top) = (coordinate(0), coordinate(1))
    var (width, height) = (coordinate(2) - left, coordinate(3) - top)
    if !op.isHalfPixel { (width, height) = (max(width, 1), max(height, 1)) }
    (binHeight, binWidth) = (height / Double(op.height), width / Double(op.width))
    let (tall, wide) = (max(0, ceil(binHeight)), max(0, ceil(binWidth)))
    let most = 16_777_216.0
    guard op.samples > 0 || (tall <= most && wide <= most && tall * wide <= most), left.isFinite,
      top.isFinite
    else {
      throw EngineError(
        .value, "region \(r) is not of a reasonable size", received: "\(width) x \(height)")
    }
    down = op.samples > 0 ? op.samples : Int(tall)
    across = op.samples > 0 ? op.samples : Int(wide)
  }

  /// Pools all bins of one channel.
  func pool(_ x: UnsafeRawPointer, plane: Int, to y: UnsafeMutableRawPointer, first: Int) {
    for bin in 0..<op.height * op.width {
      let row = top + Double(bin / op.width) * binHeight
      let column = left + Double(bin % op.width) * binWidth
      var sum = 0.0
      var largest = -Double.infinity
      for i in 0..<down {
        let at = row + (Double(i) + 0.5) * binHeight / Double(down)
        for j in 0..<across {
          let parts = corners(x, plane, at, column + (Double(j) + 0.5) * binWidth / Double(across))
          sum += parts.0 + parts.1 + parts.2 + parts.3
          largest = max(largest, max(max(parts.0, parts.1), max(parts.2, parts.3)))
        }
      }
      let count = down * across
      let value = op.takesMax ? (count == 0 ? 0 : largest) : sum / Double(max(count, 1))
      storeNumber(value, y, first + bin, dtype)
    }
  }

  /// The four pixels around a place, weighted; zeros outside the map.
  private func corners(
    _ x: UnsafeRawPointer, _ plane: Int, _ row: Double, _ column: Double
  ) -> (Double, Double, Double, Double) {
    guard row >= -1, row <= Double(rows), column >= -1, column <= Double(columns), rows > 0,
      columns > 0
    else { return (0, 0, 0, 0) }
    let r = min(max(row, 0), Double(rows - 1))
    let c = min(max(column, 0), Double(columns - 1))
    let (r0, c0) = (Int(r), Int(c))
    let (r1, c1) = (min(r0 + 1, rows - 1), min(c0 + 1, columns - 1))
    let (v, h) = (r - Double(r0), c - Double(c0))
    func pixel(_ i: Int, _ j: Int) -> Double { loadNumber(x, plane + i * columns + j, dtype) }
    return (
      (1 - v) * (1 - h) * pixel(r0, c0), (1 - v) * h * pixel(r0, c1), v * (1 - h) * pixel(r1, c0),
      v * h * pixel(r1, c1)
    )
  }
}

extension RoiAlign {
  public func gradient<B: Builder>(
    _ b: B, _ g: inout Backward<B.Value>
  ) throws(EngineError) {
    let made = try b.apply(
      RoiAlignGradient(self),
      inputs: [try g.input(0), try g.input(1), try g.input(2), try g.upstream()], outputs: 2)
    if g.needs(0) { g.give(0, made[0]) }
    if g.needs(1) { g.give(1, made[1]) }
  }
}
