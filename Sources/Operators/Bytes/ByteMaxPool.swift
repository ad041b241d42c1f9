import Graphs
import Kernels
import Tensors

/// MaxPool of an image of bytes.
///
/// - `X`: uint8 `[N, H, W, C]`, C in fours. Attributes: those of Window.
/// - Output: uint8 `[N, OH, OW, C]`, of X's scale.
/// - Errors: as MaxPool; `.unsupported` for windows that hold no pixel.
/// - Source: domain ai.dlrun 1; ONNX MaxPool between Transposes.
public struct ByteMaxPool: Operator {
  public let window: Window

  public static let schema = Schema(
    "ByteMaxPool", domain: "ai.dlrun", versions: [1],
    inputs: [Parameter("X", ByteLayout.types)], outputs: [Parameter("Y", ByteLayout.types)],
    attributes: poolSpecs,
    cases: {
      let x = try ByteLayout.example()
      let padded = Window(kernel: [3, 3], strides: [2, 2], padsBegin: [1, 1], padsEnd: [1, 1])
      return [
        .init(ByteMaxPool(Window(kernel: [2, 2])), [x]), .init(ByteMaxPool(padded), [x]),
      ]
    })

  public init(_ window: Window) { self.window = window }
  public init(reading a: AttributeReader) throws(EngineError) {
    window = try Window(reading: a, needsKernel: true)
  }
  public var attributes: [Attribute] { window.attributes }

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] {
    guard let plain = try ByteLayout.plain(c.dims(0), channels: nil, "X") else {
      return [Fact(.uint8, nil)]
    }
    let spatial = try window.outputDims(input: Array(plain.dropFirst(2)))
    return [Fact(.uint8, [plain[0]] + spatial + [plain[1]])]
  }

  public func prepare(_ p: Preparation) throws(EngineError) -> Prepared {
    let (x, y) = (try p.input(0), try p.output(0))
    if y.count == 0 { return Prepared { (_) throws(EngineError) in } }
    let axes = try window.byteAxes(x.shape)
    guard axes.isNeverEmpty else {
      throw EngineError(.unsupported, "a window holds no pixel")
    }
    let kernel = ByteWindow(
      max: axes, batch: x.shape[0], step: x.shape[3], threads: p.options.threads)
    return Prepared(label: kernel.label) { m in
      kernel.run(x: m.input(0), y: m.output(0), pool: m.pool)
    }
  }
}

extension Window {
  /// The window's numbers for an image of bytes of this shape.
  func byteAxes(_ x: Shape) throws(EngineError) -> BlockedWindow.Axes {
    let settled = try concrete(inputSpatial: [x[1], x[2]])
    return BlockedWindow.Axes(
      input: settled.input, output: settled.output, kernel: settled.kernel,
      strides: settled.strides, dilations: settled.dilations, pads: settled.padsBegin)
  }
}
