import Graphs
import Operators
import Tensors

/// A long short-term cell whose products are convolutions: what `ConvLSTM1D`, `2D` and `3D` hold.
struct ConvLSTMCell: KerasCell {
  let options: ConvolutionOptions
  let filters: Int
  let activation: ActivationFunction
  let gate: ActivationFunction

  init(_ config: KerasConfig, _ reader: KerasReader) throws(EngineError) {
    options = try ConvolutionOptions(config, reader)
    filters = try config.int("filters")
    activation = try ActivationFunction(config, reader, default: "tanh")
    gate = try ActivationFunction(
      config, reader, "recurrent_activation",
      default: reader.majorVersion < 3 ? "hard_sigmoid" : "sigmoid")
    guard filters > 0 else { throw EngineError(.malformed, "'\(config.name)' has no filters") }
  }

  var variables: [KerasVariable] {
    [
      KerasVariable("kernel", place: "cell"), KerasVariable("recurrent_kernel", place: "cell"),
    ] + (options.usesBias ? [KerasVariable("bias", place: "cell")] : [])
  }

  func outputShape(_ x: [Dim]) throws(EngineError) -> [Int] {
    let space = options.isFirst ? x.dropFirst(2) : x.dropFirst().dropLast()
    guard x.count == options.rank + 2 else {
      throw EngineError(.malformed, "a convolutional LSTM is called with a wrong rank")
    }
    var sizes: [Int] = []
    for (i, dim) in space.enumerated() {
      guard let n = dim.known else {
        throw EngineError(.unsupported, "a convolutional LSTM needs images of known size")
      }
      let reach = (options.kernel[i] - 1) * options.dilations[i] + 1
      let room =
        options.padding == "same" ? n + options.strides[i] - 1 : n - reach + options.strides[i]
      sizes.append(Swift.max(room, 0) / options.strides[i])
    }
    return options.isFirst ? [filters] + sizes : sizes + [filters]
  }

  func stateShapes(_ x: [Dim]) throws(EngineError) -> [[Int]] {
    let shape = try outputShape(x)
    return [shape, shape]
  }

  func step(
    _ call: LayerCall, _ x: ValueID, _ states: [ValueID]
  ) throws(EngineError) -> (output: ValueID, states: [ValueID]) {
    func kernel(_ i: Int) throws(EngineError) -> ValueID {
      try call.weight(i, form: "turned") { (w) throws(EngineError) in
        try ConvolutionOptions.turned(w)
      }
    }
    func laid(_ x: ValueID) throws(EngineError) -> ValueID { try options.laid(x, call) }
    let input = try laid(x)
    let ahead = try call.b.apply(
      Conv(window: try options.window(input, call)),
      inputs: [input, try kernel(0), options.usesBias ? try call.weight(2) : nil])
    let h = try laid(states[0])
    let ones = [Int](repeating: 1, count: options.rank)
    let window = try ConvolutionOptions.window(
      h, call, kernel: options.kernel, strides: ones, dilations: ones, padding: "same")
    let back = try call.b.apply(Conv(window: window), inputs: [h, try kernel(1)])
    let parts = try call.split(
      try call.add(ahead, back), axis: 1, [filters, filters, filters, filters])
    let (i, f) = (try gate.apply(parts[0], call), try gate.apply(parts[1], call))
    let fresh = try call.mul(i, try activation.apply(parts[2], call))
    let c = try call.add(try call.mul(f, try laid(states[1])), fresh)
    let y = try call.mul(
      try gate.apply(parts[3], call), try activation.apply(c, call))
    if options.isFirst { return (y, [y, c]) }
    let result = try call.b.channelsLast(y)
    return (result, [result, try call.b.channelsLast(c)])
  }
}
