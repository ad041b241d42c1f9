import Graphs
import Operators
import Tensors

/// Convolutions over one to three spatial axes, as plain loops.
enum CConvolutions {
  static let operators: [String: COperators.Entry] = [
    "Conv": .init { (b) throws(EngineError) in try conv(&b) },
    "ConvTranspose": .init { (b) throws(EngineError) in try transposed(&b) },
  ]

  /// Sizes, steps and pads of a convolution.
  struct Geometry {
    let batch: Int
    let group: Int
    /// Channels of a group.
    let channels: Int
    let outputs: Int
    let window: Window.Concrete
    var axes: Int { window.input.count }

    init(
      _ window: Window, group: Int, x: Shape, w: Shape
    ) throws(EngineError) {
      batch = x[0]
      self.group = group
      channels = w[1]
      outputs = w[0] / max(group, 1)
      let spatial = 2..<x.rank
      self.window = try window.concrete(
        inputSpatial: spatial.map { x[$0] }, kernel: spatial.map { w[$0] })
    }

    var inputSize: Int { window.input.reduce(1, *) }
    var outputSize: Int { window.output.reduce(1, *) }
    var taps: Int { window.kernel.reduce(1, *) }

    /// The place of spatial coordinates named `prefix0`, `prefix1`, … in an image of `sizes`.
    func place(_ prefix: String, _ sizes: [Int]) -> String {
      var step = 1
      var parts: [String] = []
      for axis in sizes.indices.reversed() {
        if let term = CLoops.term("\(prefix)\(axis)", step) { parts.insert(term, at: 0) }
        step *= sizes[axis]
      }
      return CLoops.sum(parts)
    }
  }

  private static func conv(_ b: inout CBody) throws(EngineError) {
    guard let op = b.op as? Conv else { return }
    let (x, w) = (try b.input(0), try b.input(1))
    guard x.dtype == .float32 || x.dtype == .float64 else { throw b.refuse("not for \(x.dtype)") }
    let g = try Geometry(op.window, group: op.group, x: x.shape, w: w.shape)
    let type = CType.name(x.dtype) ?? "float"
    let bias = b.has(2) ? "\(b.x(2))[m]" : "0"
    openOutputs(&b, g)
    b.line("\(type) sum = \(bias);")
    openTaps(&b, g)
    let (source, filter) = places(g)
    b.line("sum += \(b.x(0))[\(source)] * \(b.x(1))[\(filter)];")
    b.close(g.axes + 1)
    b.line("\(b.y())[\(outputPlace(g))] = sum;")
    b.close(g.axes + 3)
  }

  /// Loops over images, groups, channels and places of the result. `m` counts all output channels.
  static func openOutputs(_ b: inout CBody, _ g: Geometry) {
    b.loop("n", g.batch)
    b.loop("group", g.group)
    b.open(
      "for (int m = group * \(g.outputs); m < (group + 1) * \(g.outputs); m++)")
    for axis in 0..<g.axes { b.loop("o\(axis)", g.window.output[axis]) }
  }

  /// Loops over channels and taps; what lies in a pad is passed over.
  static func openTaps(_ b: inout CBody, _ g: Geometry) {
    b.loop("c", g.channels)
    for axis in 0..<g.axes {
      let w = g.window
      b.loop("k\(axis)", w.kernel[axis])
      let start = CLoops.term("o\(axis)", w.strides[axis]) ?? "0"
      let tap = CLoops.term("k\(axis)", w.dilations[axis]) ?? "0"
      b.line("const int i\(axis) = \(CLoops.sum([start, tap], -w.padsBegin[axis]));")
      // The last window may reach beyond the pads it was given.
      let last =
        (w.output[axis] - 1) * w.strides[axis] + (w.kernel[axis] - 1) * w.dilations[axis]
        - w.padsBegin[axis]
      var tests: [String] = []
      if w.padsBegin[axis] > 0 { tests.append("i\(axis) < 0") }
      if last >= w.input[axis] { tests.append("i\(axis) >= \(w.input[axis])") }
      if !tests.isEmpty { b.line("if (\(tests.joined(separator: " || "))) continue;") }
    }
  }

  /// Where the input and the weight of a tap lie.
  static func places(_ g: Geometry) -> (source: String, filter: String) {
    let image = g.place("i", g.window.input)
    let channels = g.group * g.channels
    let channel = g.group == 1 ? "c" : "group * \(g.channels) + c"
    let source = "((n * \(channels) + \(channel)) * \(g.inputSize)) + \(image)"
    let filter = "(m * \(g.channels) + c) * \(g.taps) + \(g.place("k", g.window.kernel))"
    return (source, filter)
  }

  static func outputPlace(_ g: Geometry) -> String {
    "(n * \(g.group * g.outputs) + m) * \(g.outputSize) + \(g.place("o", g.window.output))"
  }

  private static func transposed(_ b: inout CBody) throws(EngineError) {
    guard let op = b.op as? ConvTranspose else { return }
    let (x, w, y) = (try b.input(0), try b.input(1), try b.output())
    guard x.dtype == .float32 || x.dtype == .float64 else { throw b.refuse("not for \(x.dtype)") }
    let axes = x.shape.rank - 2
    let (channels, outputs) = (w.shape[0] / op.group, w.shape[1])
    var begin: [Int] = []
    for i in 0..<axes {
      let extent = (w.shape[2 + i] - 1) * op.window.dilation(i) + 1
      let extra = i < op.outputPadding.count ? op.outputPadding[i] : 0
      let total =
        op.window.stride(i) * (x.shape[2 + i] - 1) + extra + extent - y.shape[2 + i]
      let isGiven = op.window.autoPad == .explicit && op.outputShape.isEmpty
      if isGiven {
        begin.append(i < op.window.padsBegin.count ? op.window.padsBegin[i] : 0)
      } else {
        let half = total / 2
        begin.append(op.window.autoPad == .sameUpper ? half : total - half)
      }
    }
    let (inSizes, outSizes) = (Array(x.shape.array[2...]), Array(y.shape.array[2...]))
    let taps = Array(w.shape.array[2...])
    func place(_ prefix: String, _ sizes: [Int]) -> String {
      var step = 1
      var parts: [String] = []
      for axis in sizes.indices.reversed() {
        if let term = CLoops.term("\(prefix)\(axis)", step) { parts.insert(term, at: 0) }
        step *= sizes[axis]
      }
      return CLoops.sum(parts)
    }
    let (inSize, outSize) = (inSizes.reduce(1, *), outSizes.reduce(1, *))
    let allOutputs = op.group * outputs
    b.loop("m", x.shape[0] * allOutputs)
    let bias = b.has(2) ? "\(b.x(2))[m % \(allOutputs)]" : "0"
    b.line("for (int k = 0; k < \(outSize); k++) \(b.y())[m * \(outSize) + k] = \(bias);")
    b.close()
    b.loop("n", x.shape[0])
    b.loop("group", op.group)
    b.loop("c", channels)
    b.loop("m", outputs)
    for i in 0..<axes { b.loop("i\(i)", inSizes[i]) }
    for i in 0..<axes {
      b.loop("k\(i)", taps[i])
      let from = CLoops.term("i\(i)", op.window.stride(i)) ?? "0"
      let tap = CLoops.term("k\(i)", op.window.dilation(i)) ?? "0"
      b.line("const int o\(i) = \(CLoops.sum([from, tap], -begin[i]));")
      b.line("if (o\(i) < 0 || o\(i) >= \(outSizes[i])) continue;")
    }
    let target =
      "((n * \(op.group) + group) * \(outputs) + m) * \(outSize) + \(place("o", outSizes))"
    let source =
      "((n * \(op.group) + group) * \(channels) + c) * \(inSize) + \(place("i", inSizes))"
    let filter =
      "((group * \(channels) + c) * \(outputs) + m) * \(taps.reduce(1, *)) + \(place("k", taps))"
    b.line("\(b.y())[\(target)] += \(b.x(0))[\(source)] * \(b.x(1))[\(filter)];")
    b.close(4 + 2 * axes)
  }
}
