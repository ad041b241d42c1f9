import Graphs
import Operators
import Tensors

/// Spatial axes grown by whole factors.
struct UpSamplingLayer: KerasLayer {
  let factors: [Int]
  let interpolation: Interpolation
  let isFirst: Bool

  init(_ config: KerasConfig, _ reader: KerasReader) throws(EngineError) {
    let rank = try ConvolutionOptions.rank(config)
    factors = try config.ints("size", count: rank, default: [Int](repeating: 2, count: rank))
    interpolation = try Interpolation(config, default: "nearest")
    isFirst = try config.isChannelsFirst()
    for n in factors where n < 1 {
      throw EngineError(.malformed, "'\(config.name)' grows by \(n)")
    }
  }

  func convert(_ call: LayerCall) throws(EngineError) -> KerasValue {
    let x = try call.input()
    if interpolation == .nearest {
      return .id(
        try call.onSpace(x.id, isFirst: isFirst) { (y, from) throws(EngineError) in
          try repeated(y, from, call)
        })
    }
    let y = isFirst ? x.id : try call.b.channelsFirst(x.id)
    var sizes: [Int] = []
    for (i, n) in factors.enumerated() {
      let (size, overflow) = (try call.size(y, i + 2)).multipliedReportingOverflow(by: n)
      guard !overflow else { throw call.unsupported("it grows too much") }
      sizes.append(size)
    }
    let made = try interpolation.resize(y, sizes, antialias: false, call)
    return .id(isFirst ? made : try call.b.channelsLast(made))
  }

  private func repeated(
    _ x: ValueID, _ from: Int, _ call: LayerCall
  ) throws(EngineError) -> ValueID {
    var op = Resize(mode: .nearest, coordinates: .asymmetric)
    op.rounding = .floor
    var scales = [Float](repeating: 1, count: try call.rank(x))
    for (i, n) in factors.enumerated() { scales[from + i] = Float(n) }
    return try call.b.apply(
      op, inputs: [x, nil, try call.b.constant(try Tensor(scales))])
  }
}
