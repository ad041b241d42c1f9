import Graphs
import Kernels
import Tensors

/// AveragePool or GlobalAveragePool of an image of bytes:
/// `Y = clamp(round(mean of what X stands for / y_scale) + y_zero)`.
///
/// - `X`: uint8 `[N, H, W, C]`, C in fours.
/// - Attributes: those of AveragePool; without `kernel_shape` the window is the whole image; scales
///   and zero points of X and Y.
/// - Output: uint8 `[N, OH, OW, C]`.
/// - Errors: as AveragePool; `.unsupported` for windows that hold no pixel.
/// - Accuracy: sums are exact; the mean is rounded in float32, then to the step.
/// - Source: domain ai.dlrun 1; ONNX AveragePool between DequantizeLinear and QuantizeLinear.
public struct ByteAveragePool: Operator {
  public let window: Window
  public let countsPads: Bool
  public let x: PixelScale
  public let y: PixelScale

  public static let schema = Schema(
    "ByteAveragePool", domain: "ai.dlrun", versions: [1],
    inputs: [Parameter("X", ByteLayout.types)], outputs: [Parameter("Y", ByteLayout.types)],
    attributes: poolSpecs + [
      AttributeSpec("count_include_pad", .int, "1: pads count as zeros; default 0")
    ] + ByteLayout.specs("x", of: "X") + ByteLayout.specs("y", of: "Y"),
    cases: {
      let x = try ByteLayout.example()
      let padded = Window(kernel: [3, 3], strides: [2, 2], padsBegin: [1, 1], padsEnd: [1, 1])
      let (from, to) = (PixelScale(0.25, zero: 100), PixelScale(0.2, zero: 90))
      return [
        .init(ByteAveragePool(Window(kernel: [2, 2]), from, to), [x]),
        .init(ByteAveragePool(padded, from, to), [x]),
        .init(ByteAveragePool(padded, countsPads: true, from, to), [x]),
        .init(ByteAveragePool(Window(), from, to), [x]),
      ]
    })

  public init(_ window: Window, countsPads: Bool = false, _ x: PixelScale, _ y: PixelScale) {
    (self.window, self.countsPads, self.x, self.y) = (window, countsPads, x, y)
  }
  public init(reading a: AttributeReader) throws(EngineError) {
    window = try Window(reading: a, needsKernel: false)
    countsPads = try a.bool("count_include_pad", default: false)
    x = try ByteLayout.scale("x", a)
    y = try ByteLayout.scale("y", a)
  }
  public var attributes: [Attribute] {
    window.attributes + (countsPads ? [.bool("count_include_pad", true)] : [])
      + ByteLayout.attributes("x", x) + ByteLayout.attributes("y", y)
  }

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] {
    guard let plain = try ByteLayout.plain(c.dims(0), channels: nil, "X") else {
      return [Fact(.uint8, nil)]
    }
    let spatial =
      window.kernel.isEmpty
      ? [1, 1] : try window.outputDims(input: Array(plain.dropFirst(2)))
    return [Fact(.uint8, [plain[0]] + spatial + [plain[1]])]
  }

  public func prepare(_ p: Preparation) throws(EngineError) -> Prepared {
    let (input, output) = (try p.input(0), try p.output(0))
    if output.count == 0 { return Prepared { (_) throws(EngineError) in } }
    var window = self.window
    if window.kernel.isEmpty { window = Window(kernel: [input.shape[1], input.shape[2]]) }
    guard input.count > 0 else { throw EngineError(.unsupported, "a window holds no pixel") }
    let axes = try window.byteAxes(input.shape)
    let settled = try window.concrete(inputSpatial: [input.shape[1], input.shape[2]])
    guard axes.isNeverEmpty else {
      throw EngineError(.unsupported, "a window holds no pixel")
    }
    var counts: [Int] = []
    for i in 0...1 {
      let (before, behind) = countsPads ? (settled.padsBegin[i], settled.padsEnd[i]) : (0, 0)
      counts += (0..<axes.output[i]).map { axes.taps($0, i, before: before, behind: behind) }
    }
    let kernel = ByteWindow(
      average: axes, counts: counts, from: x, to: y, batch: input.shape[0],
      step: input.shape[3], threads: p.options.threads)
    return Prepared(label: kernel.label) { m in
      kernel.run(x: m.input(0), y: m.output(0), pool: m.pool)
    }
  }
}
