import Graphs
import Operators
import Tensors

/// Layers as DynamicQuantizeLinear, MatMulInteger or ConvInteger, Cast and Mul, as onnxruntime's own
/// tool writes them: the activation's range is that of each run.
struct DynamicRewriting {
  let prepared: PreparedModel
  let options: QuantizationOptions
  let calibration: Calibration

  func run(_ layers: [Layer]) throws(EngineError) -> Rewritten {
    let e = QuantEditor(prepared)
    var noise: [String: Double] = [:]
    var probes: [String: Rewritten.Probe] = [:]
    var inputs: [ValueID: [ValueID]] = [:]
    for layer in layers {
      let name = prepared.graph.name(layer.output)
      probes[layer.name] = .init(float: name, quantised: name)
      if layer.kind == .embedding {
        noise[layer.name] = try EmbeddingRewriting.rewrite(e, layer)
        continue
      }
      let x = layer.input
      if inputs[x] == nil { inputs[x] = try quantise(e, x, at: layer.node) }
      noise[layer.name] = try rewrite(e, layer, inputs[x] ?? [])
    }
    var result = Rewritten(model: try prepared.finished(e.g.finish()))
    result.probes = probes
    result.weightNoise = noise
    return result
  }

  private func quantise(
    _ e: QuantEditor, _ x: ValueID, at place: Int
  ) throws(EngineError) -> [ValueID] {
    let name = e.name(x)
    return try e.addAll(
      DynamicQuantizeLinear(), [x],
      [name + "_quantized", name + "_scale", name + "_zero_point"],
      name + "_DynamicQuantizeLinear", at: place)
  }

  private func rewrite(
    _ e: QuantEditor, _ layer: Layer, _ codes: [ValueID]
  ) throws(EngineError) -> Double {
    guard let w = layer.weight, let given = e.g.constant(w), codes.count == 3 else {
      return .infinity
    }
    let i = layer.node
    let isConv = layer.kind == .conv
    let isTurned = layer.kind == .gemm && layer.channelAxis == 0
    // MatMulInteger has its weights as [K, N].
    let tensor = isTurned ? try given.turned() : given
    let weights = Array(tensor.elements(Float.self))
    let axis = options.perChannel ? (isConv ? 0 : 1) : nil
    let rounded = ChannelWeights(weights, shape: tensor.shape, axis: axis)
    let channels = tensor.shape[isConv ? 0 : 1]
    var bias = layer.kind == .matMul ? nil : e.bias(layer, channels: channels).values
    let floats = rounded.floats()
    if options.biasCorrection {
      let exact = isTurned ? Array(given.elements(Float.self)) : weights
      let shown = isTurned ? try Tensor(shape: tensor.shape, floats).turned().floatList : floats
      if let change = BiasChange(
        layer, e.g.node(i).op, shape: given.shape, exact, shown, calibration.means[layer.input])
      {
        let (old, isFree) = e.bias(layer, channels: channels)
        if old != nil || isFree {
          let sum = zip(old ?? [Float](repeating: 0, count: channels), change.change)
            .map { Float(Double($0) + $1) }
          if layer.kind == .matMul { try e.setAddedBias(layer, sum) } else { bias = sum }
        }
      }
    }
    let name = e.name(w)
    let along = isConv ? [1, channels] + [Int](repeating: 1, count: tensor.shape.rank - 2) : nil
    var scale = try rounded.scaleTensor()
    if let along, axis != nil { scale = try scale.reshaped(try Shape(checking: along)) }
    let weightScale = e.constant(scale, name + "_scale")
    let product: ValueID
    if isConv, let conv = e.g.node(i).op as? Conv {
      // onnxruntime's ConvInteger takes unsigned weights only.
      let shifted = rounded.codes.map { UInt8(bitPattern: $0) ^ 0x80 }
      let inputs = [
        codes[0], e.constant(try Tensor(shape: tensor.shape, shifted), name + "_quantized"),
        codes[2], e.constant(try Tensor(scalar: UInt8(128)), name + "_zero_point"),
      ]
      product = try e.add(
        ConvInteger(window: conv.window, group: conv.group), inputs, layer.name + "_ConvInteger",
        at: i)
    } else {
      let inputs = [
        codes[0], e.constant(try rounded.codeTensor(), name + "_quantized"), codes[2],
        e.constant(try rounded.zeroTensor(), name + "_zero_point"),
      ]
      product = try e.add(MatMulInteger(), inputs, layer.name + "_MatMulInteger", at: i)
    }
    let number = try e.add(Cast(to: .float32), [product], layer.name + "_cast", at: i)
    let factor = try e.add(Mul(), [codes[1], weightScale], layer.name + "_scales", at: i)
    var addend = layer.kind == .gemm ? e.g.input(i, 2) : nil
    if let bias {
      var t = try Tensor(bias)
      if let along { t = try t.reshaped(try Shape(checking: along)) }
      addend = e.constant(t, layer.name + "_bias")
    }
    if let addend {
      let scaled = try e.add(Mul(), [number, factor], layer.name + "_scaled", at: i)
      e.replace(i, with: Add(), [scaled, addend])
    } else {
      e.replace(i, with: Mul(), [number, factor])
    }
    return decibels(weights, floats)
  }
}

extension Tensor {
  /// A float32 matrix with rows and columns exchanged.
  func turned() throws(EngineError) -> Tensor {
    let (rows, columns) = (shape[0], shape[1])
    let x = elements(Float.self)
    var list: [Float] = []
    list.reserveCapacity(count)
    for c in 0..<columns { for r in 0..<rows { list.append(x[r * columns + c]) } }
    return try Tensor(shape: [columns, rows], list)
  }
  /// The elements of a float32 tensor.
  var floatList: [Float] { Array(elements(Float.self)) }
}
