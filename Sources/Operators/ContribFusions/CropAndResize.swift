import Graphs
import Kernels
import Tensors

/// Parts of images at boxes, brought to one size by sampling whose corners are aligned.
///
/// Along an axis of size n, place `p` of `m` reads at `b (n - 1) + p (e - b) (n - 1) / (m - 1)` for
/// a box from b to e; with `m = 1` at the middle, `(b + e) (n - 1) / 2`.
///
/// - `X`: float16, float32 or float64 `[N, C, H, W]`; `rois`: its type `[R, 4]`, each `y1, x1, y2,
///   x2` with 1 for the last row or column; `batch_indices`: int32 `[R]`; `crop_size`: int32 `[2]`.
/// - `Y`: `[R, C, crop height, crop width]`.
/// - `mode`: bilinear (default) or nearest; `extrapolation_value` (default 0): for places outside.
/// - Errors: `.shape`; `.value` for a batch index out of range or a crop size below 1.
/// - Accuracy: in float32, for float64 in float64.
/// - Source: com.microsoft CropAndResize 1.
public struct CropAndResize: FormulaGradient {
  public let isNearest: Bool
  public let outside: Float

  public static let schema = Schema(
    "CropAndResize", domain: "com.microsoft", versions: [1],
    inputs: [
      Parameter("X", FusedConv.types, "T1"), Parameter("rois", FusedConv.types, "T1"),
      Parameter("batch_indices", DTypes(.int32), "T2"),
      Parameter("crop_size", DTypes(.int32), "", shape: true),
    ],
    outputs: [Parameter("Y", FusedConv.types, "T1")],
    attributes: [
      AttributeSpec("extrapolation_value", .float, "for places outside; default 0"),
      AttributeSpec("mode", .string, "bilinear (default) or nearest"),
    ],
    isDifferentiable: true,
    cases: {
      let x = try Tensor(shape: [2, 1, 4, 4], (0..<32).map { Float($0 * 7 % 32) / 4 })
      let boxes = try Tensor(
        shape: [3, 4], [0.02, 0.05, 0.97, 0.93, 0.1, 0.2, 1.2, 0.7, 0.9, 0.3, 0.2, 0.8] as [Float])
      let images = try Tensor([0, 1, 0] as [Int32])
      return [
        .init(CropAndResize(), [x, boxes, images, try Tensor([2, 3] as [Int32])]),
        .init(
          CropAndResize(isNearest: true, outside: 9),
          [x, boxes, images, try Tensor([3, 1] as [Int32])]),
      ]
    })

  public init(isNearest: Bool = false, outside: Float = 0) {
    self.isNearest = isNearest
    self.outside = outside
  }
  public init(reading a: AttributeReader) throws(EngineError) {
    let mode = try a.string("mode", default: "bilinear", oneOf: ["bilinear", "nearest"])
    isNearest = mode == "nearest"
    outside = try a.float("extrapolation_value", default: 0)
  }
  public var attributes: [Attribute] {
    [
      .float("extrapolation_value", outside),
      .string("mode", isNearest ? "nearest" : "bilinear"),
    ]
  }

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] {
    for (i, name, rank) in [
      (0, "X", 4), (1, "rois", 2), (2, "batch_indices", 1), (3, "crop_size", 1),
    ] {
      guard let given = c.rank(i), given != rank else { continue }
      throw EngineError(
        .shape, "input \(name) has the wrong rank", expected: "\(rank)", received: "\(given)")
    }
    if let boxes = c.dims(1), let four = boxes[1].known, four != 4 {
      throw EngineError(.shape, "rois are not [R, 4]", received: "\(boxes)")
    }
    if let a = c.dims(1)?[0].known, let b = c.dims(2)?[0].known, a != b {
      throw EngineError(
        .shape, "rois and batch_indices differ in number", expected: "\(a)", received: "\(b)")
    }
    var size = c.unknown(rank: 2)
    if let given = c.ints(3) {
      guard given.count == 2, given.allSatisfy({ $0 > 0 }) else {
        throw EngineError(
          .value, "crop_size is not legal", expected: "two sizes of at least 1",
          received: "\(given)")
      }
      size = given.map { Dim($0) }
    }
    let boxes = c.dims(1)?[0] ?? c.dims(2)?[0] ?? c.unknown()
    let dims = [boxes, c.dims(0)?[1] ?? c.unknown()] + size
    try checkSizes(dims)
    return [Fact(c.dtype(0), dims)]
  }

  public func prepare(_ p: Preparation) throws(EngineError) -> Prepared {
    let (x, y) = (try p.input(0), try p.output(0))
    guard FusedConv.types.contains(x.dtype), try p.input(1).dtype == x.dtype else {
      throw p.noKernel()
    }
    if y.count == 0 { return Prepared { (_) throws(EngineError) in } }
    let dtype = x.dtype
    if dtype == .float64 {
      return cropping(Double.self, x.shape, y.shape, dtype)
    }
    return cropping(Float.self, x.shape, y.shape, dtype)
  }

  private func cropping<T: BinaryFloatingPoint>(
    _: T.Type, _ x: Shape, _ y: Shape, _ dtype: DType
  ) -> Prepared {
    let (images, channels, height, width) = (x[0], x[1], x[2], x[3])
    let (boxes, rows, columns) = (y[0], y[2], y[3])
    return Prepared(label: "crop") { [self] (m) throws(EngineError) in
      let numbers = m.input(2, Int32.self)
      for r in 0..<boxes where numbers[r] < 0 || numbers[r] >= images {
        throw EngineError(
          .value, "batch index \(r) is out of range", expected: "0 to \(images - 1)",
          received: "\(numbers[r])")
      }
      m.pool.run(boxes * rows) { line in
        let (r, i) = (line / rows, line % rows)
        func corner(_ k: Int) -> T { T(loadNumber(m.inputs[1], r * 4 + k, dtype)) }
        let v = place(i, rows, corner(0), corner(2), height)
        for j in 0..<columns {
          let h = place(j, columns, corner(1), corner(3), width)
          for c in 0..<channels {
            let plane = (Int(numbers[r]) * channels + c) * height * width
            let value = sample(m.inputs[0], plane, v, h, height, width, dtype)
            storeNumber(
              Double(value), m.outputs[0], ((r * channels + c) * rows + i) * columns + j, dtype)
          }
        }
      }
    }
  }

  /// Where place `i` of `count` reads along an axis of size `n`.
  private func place<T: BinaryFloatingPoint>(
    _ i: Int, _ count: Int, _ from: T, _ to: T, _ n: Int
  ) -> T {
    let last = T(n - 1)
    if count == 1 { return 0.5 * (from + to) * last }
    return from * last + T(i) * ((to - from) * last / T(count - 1))
  }

  private func sample<T: BinaryFloatingPoint>(
    _ x: UnsafeRawPointer, _ plane: Int, _ v: T, _ h: T, _ height: Int, _ width: Int,
    _ dtype: DType
  ) -> T {
    guard v >= 0, v <= T(height - 1), h >= 0, h <= T(width - 1) else { return T(outside) }
    func at(_ row: Int, _ column: Int) -> T {
      T(loadNumber(x, plane + row * width + column, dtype))
    }
    if isNearest {
      return at(
        Int(v.rounded(.toNearestOrAwayFromZero)), Int(h.rounded(.toNearestOrAwayFromZero)))
    }
    let (top, left) = (Int(v.rounded(.down)), Int(h.rounded(.down)))
    let (bottom, right) = (Int(v.rounded(.up)), Int(h.rounded(.up)))
    let (dv, dh) = (v - T(top), h - T(left))
    let upper = at(top, left) + (at(top, right) - at(top, left)) * dh
    let lower = at(bottom, left) + (at(bottom, right) - at(bottom, left)) * dh
    return upper + (lower - upper) * dv
  }
}
