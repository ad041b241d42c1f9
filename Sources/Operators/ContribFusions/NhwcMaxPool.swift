import Graphs
import Kernels
import Tensors

/// MaxPool of codes on images that lie as `[N, D1, ..., C]`.
///
/// - `x`: int8 or uint8 `[N, D1, ..., C]`; `y`: its type, `[N, o1, ..., C]`.
/// - Attributes, errors: as MaxPool.
/// - Source: com.microsoft NhwcMaxPool 1.
public struct NhwcMaxPool: Operator {
  public let pool: MaxPool

  static let images = ChannelsLast(images: [0])

  public static let schema = Schema(
    "NhwcMaxPool", domain: "com.microsoft", versions: [1],
    inputs: [Parameter("x", MatMulInteger.types)], outputs: [Parameter("y", MatMulInteger.types)],
    attributes: poolSpecs,
    cases: {
      let x = try Tensor(shape: [1, 4, 5, 2], (0..<40).map { UInt8($0 * 37 % 256) })
      let window = Window(kernel: [2, 3], strides: [2, 1], padsBegin: [1, 0], padsEnd: [0, 1])
      let four = try Tensor(shape: [1, 5, 4, 4], (0..<80).map { Int8(($0 * 59) % 256 - 128) })
      let op = NhwcMaxPool(MaxPool(window))
      return [.init(op, [x]), .init(op, [four])]
    })

  public init(_ pool: MaxPool) { self.pool = pool }
  public init(reading a: AttributeReader) throws(EngineError) { pool = try MaxPool(reading: a) }
  public var attributes: [Attribute] { pool.window.attributes }

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] {
    try Self.images.infer(pool, c)
  }
  public func prepare(_ p: Preparation) throws(EngineError) -> Prepared {
    let (x, y) = (try p.input(0), try p.output(0))
    guard x.shape.rank == 4, x.shape[3] % 4 == 0, y.count > 0, x.dtype.bits == 8 else {
      return try Self.images.prepare(pool, p)
    }
    let axes = try pool.window.byteAxes(x.shape)
    guard axes.isNeverEmpty else { return try Self.images.prepare(pool, p) }
    let kernel = ByteWindow(
      max: axes, batch: x.shape[0], step: x.shape[3], isSigned: x.dtype == .int8,
      threads: p.options.threads)
    return Prepared(label: kernel.label) { m in
      kernel.run(x: m.input(0), y: m.output(0), pool: m.pool)
    }
  }
}
