import Graphs
import Operators
import Tensors

/// Puts quantisers into a graph, as QuantizeLinear and DequantizeLinear around float operators, which
/// onnxruntime, OpenVINO and dlrun's compiler turn into integer kernels.
struct StaticRewriting {
  let prepared: PreparedModel
  let options: QuantizationOptions
  let calibration: Calibration

  /// Rewrites with these layers quantised.
  func run(_ layers: [Layer]) throws(EngineError) -> Rewritten {
    let e = QuantEditor(prepared)
    let placement = Placement(e.g, layers)
    let parameters = parameters(placement)
    var results: [ValueID: ValueID] = [:]
    for v in placement.quantised.sorted(by: { $0.index < $1.index }) {
      guard let p = parameters[v] else { continue }
      results[v] = try quantise(e, v, p, placement)
    }
    // Last, since a layer that gets a bias gets another number.
    var noise: [String: Double] = [:]
    for layer in layers {
      if layer.kind == .embedding {
        noise[layer.name] = try EmbeddingRewriting.rewrite(e, layer)
      } else if layer.weight != nil {
        noise[layer.name] = try quantiseWeights(e, layer, parameters[layer.input])
      }
    }
    var probes: [String: Rewritten.Probe] = [:]
    for layer in layers {
      let end = placement.tails[layer.node] ?? layer.output
      let mine = placement.made.contains(end) ? results[end] ?? end : end
      probes[layer.name] = .init(float: prepared.graph.name(end), quantised: e.name(mine))
    }
    var result = Rewritten(model: try prepared.finished(e.g.finish()))
    result.probes = probes
    result.weightNoise = noise
    for v in placement.quantised.sorted(by: { $0.index < $1.index }) {
      guard let p = parameters[v], let seen = calibration.ranges[v] else { continue }
      result.ranges.append((prepared.graph.name(v), p.range, seen.histogram))
    }
    return result
  }

  /// The parameters of each quantised value: of a group those of the range that holds all its
  /// ranges.
  private func parameters(_ placement: Placement) -> [ValueID: QuantParameters] {
    var ranges: [ValueID: ClosedRange<Float>] = [:]
    for v in placement.quantised {
      guard let range = calibration.ranges[v]?.range(options) else { continue }
      let root = placement.groups.root(v)
      if let old = ranges[root] {
        ranges[root] =
          min(old.lowerBound, range.lowerBound)...max(old.upperBound, range.upperBound)
      } else {
        ranges[root] = range
      }
    }
    var result: [ValueID: QuantParameters] = [:]
    for v in placement.quantised {
      guard let range = ranges[placement.groups.root(v)] else { continue }
      result[v] = QuantParameters(range, symmetric: options.symmetric)
    }
    return result
  }

  /// Puts a quantiser behind a value.
  ///
  /// - Returns: the value that is taken instead.
  private func quantise(
    _ e: QuantEditor, _ v: ValueID, _ p: QuantParameters, _ placement: Placement
  ) throws(EngineError) -> ValueID {
    let name = e.name(v)
    let isMade = placement.made.contains(v)
    let takers = placement.taken.filter { $0.value.contains(v) }.map(\.key).sorted()
    guard let place = e.g.maker(v) ?? e.g.users(v).min() else { return v }
    var source = v
    if isMade, let activation = placement.activations[v],
      isRedundant(e.g, activation.node, p)
    {
      source = activation.input
    }
    let scale = e.constant(try Tensor(scalar: p.scale), name + "_scale")
    let zero = e.constant(try p.zeroTensor(), name + "_zero_point")
    let dims = e.g.fact(v).dims
    let codes = e.value(name + "_quantized", Fact(p.dtype, dims))
    let numbers = e.value(name + "_dequantized", Fact(.float32, dims))
    e.append(
      DequantizeLinear(), [codes, scale, zero], [numbers], name + "_DequantizeLinear", at: place)
    if isMade {
      e.g.replace(v, with: numbers)
    } else {
      for i in takers {
        for k in e.g.node(i).inputs.indices where e.g.input(i, k) == v {
          e.g.setInput(i, k, to: numbers)
        }
      }
    }
    e.append(QuantizeLinear(), [source, scale, zero], [codes], name + "_QuantizeLinear", at: place)
    return numbers
  }

  /// Whether a quantiser cuts off everything that a Relu or Clip before it does.
  private func isRedundant(_ g: GraphEditor, _ node: Int, _ p: QuantParameters) -> Bool {
    guard p.clipsNegatives else { return false }
    guard let clip: Clip = g.op(node) else { return true }
    guard clip.upper != nil || g.input(node, 2) != nil else { return true }
    guard let upper = clip.upper.map(Double.init) ?? g.scalar(g.input(node, 2)) else {
      return false
    }
    // The largest code must not stand for more, but for the rounding of the scale.
    return Double(p.range.upperBound) <= upper * (1 + 1e-6)
  }

  /// Writes a layer's weights as int8 and its bias as int32.
  ///
  /// - Returns: the weights' signal-to-noise ratio in decibels.
  private func quantiseWeights(
    _ e: QuantEditor, _ layer: Layer, _ input: QuantParameters?
  ) throws(EngineError) -> Double {
    guard let w = layer.weight, let tensor = e.g.constant(w), let input else { return .infinity }
    let weights = Array(tensor.elements(Float.self))
    let axis = options.perChannel ? layer.channelAxis : nil
    let channels = outputs(layer, e.g, tensor.shape)
    var bias = layer.kind == .matMul ? nil : e.bias(layer, channels: channels).values
    // A bias takes up to 2^30 steps of both scales.
    var floors = bias.map { $0.map { abs($0) / input.scale / Float(1 << 30) } }
    if axis == nil { floors = floors.map { [$0.max() ?? 0] } }
    let rounded = ChannelWeights(weights, shape: tensor.shape, axis: axis, floors: floors)
    let floats = rounded.floats()
    if options.biasCorrection,
      let change = BiasChange(
        layer, e.g.node(layer.node).op, shape: tensor.shape, weights, floats,
        calibration.means[layer.input])
    {
      let (old, isFree) = e.bias(layer, channels: channels)
      if old != nil || isFree {
        let base = old ?? [Float](repeating: 0, count: channels)
        let sum = zip(base, change.change).map { Float(Double($0) + $1) }
        if layer.kind == .matMul { try e.setAddedBias(layer, sum) } else { bias = sum }
      }
    }
    let name = e.name(w)
    let scales = DequantizeLinear(scales: QuantScales(axis: axis ?? 1))
    let inputs = [
      e.constant(try rounded.codeTensor(), name + "_quantized"),
      e.constant(try rounded.scaleTensor(), name + "_scale"),
      e.constant(try rounded.zeroTensor(), name + "_zero_point"),
    ]
    e.g.setInput(
      layer.node, 1,
      to: try e.add(scales, inputs, name + "_DequantizeLinear", at: layer.node))
    if let bias {
      try quantiseBias(e, layer, bias, rounded.scales.map { $0 * input.scale })
    }
    return decibels(weights, floats)
  }

  private func outputs(_ layer: Layer, _ g: GraphEditor, _ shape: Shape) -> Int {
    if layer.kind == .convTranspose, let op: ConvTranspose = g.op(layer.node) {
      return shape[1] * op.group
    }
    return shape[layer.channelAxis ?? 0]
  }

  private func quantiseBias(
    _ e: QuantEditor, _ layer: Layer, _ bias: [Float], _ scales: [Float]
  ) throws(EngineError) {
    let isSingle = options.perChannel == false || layer.channelAxis == nil
    let codes = bias.enumerated().map { (i, b) -> Int32 in
      let q = (Double(b) / Double(scales[isSingle ? 0 : i])).rounded(.toNearestOrEven)
      return Int32(min(max(q, -2_147_483_647), 2_147_483_647))
    }
    let name = e.g.input(layer.node, 2).map { e.name($0) } ?? layer.name + "_bias"
    let scale = isSingle ? try Tensor(scalar: scales[0]) : try Tensor(scales)
    let zero =
      isSingle
      ? try Tensor(scalar: Int32(0)) : try Tensor([Int32](repeating: 0, count: codes.count))
    let inputs = [
      e.constant(try Tensor(codes), name + "_quantized"), e.constant(scale, name + "_scale"),
      e.constant(zero, name + "_zero_point"),
    ]
    let value = try e.add(
      DequantizeLinear(scales: QuantScales(axis: 0)), inputs, name + "_DequantizeLinear",
      at: layer.node)
    if e.g.node(layer.node).inputs.count > 2 {
      e.g.setInput(layer.node, 2, to: value)
    } else if let op = e.g.node(layer.node).op {
      e.replaceInputs(layer, op, value)
    }
  }
}

extension QuantEditor {
  /// Gives a node without a bias one. The node keeps its number's place but not its number.
  fileprivate func replaceInputs(_ layer: Layer, _ op: any Operator, _ bias: ValueID) {
    let old = g.node(layer.node)
    replace(layer.node, with: op, Array(old.inputs.prefix(2)) + [bias])
  }
}
