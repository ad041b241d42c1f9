import Graphs
import Operators
import Tensors

/// Weights alone in few bits: by blocks of the summed axis for matrix products, by output channel for
/// convolutions, by row for tables. What is computed stays float32.
struct WeightRewriting {
  let prepared: PreparedModel
  let options: QuantizationOptions
  let calibration: Calibration

  /// The oldest opset that has scales by blocks and types of 4 bits.
  private static let blockOpset = 21

  func run(_ layers: [Layer]) throws(EngineError) -> Rewritten {
    let e = QuantEditor(prepared)
    var noise: [String: Double] = [:]
    var probes: [String: Rewritten.Probe] = [:]
    var notes: [(layer: String, reason: String)] = []
    var hasBlocks = false
    for layer in layers {
      let name = prepared.graph.name(layer.output)
      probes[layer.name] = .init(float: name, quantised: name)
      if layer.kind == .embedding {
        noise[layer.name] = try EmbeddingRewriting.rewrite(e, layer)
      } else if layer.isProduct {
        hasBlocks = true
        noise[layer.name] = try rewriteProduct(e, layer, &notes)
      } else {
        noise[layer.name] = try rewriteConv(e, layer)
      }
    }
    let opset =
      hasBlocks && options.format == .qdq ? Self.blockOpset : PreparedModel.oldestOpset
    var result = Rewritten(model: try prepared.finished(e.g.finish(), opset: opset))
    result.probes = probes
    result.weightNoise = noise
    result.notes = notes
    return result
  }

  private func rewriteConv(_ e: QuantEditor, _ layer: Layer) throws(EngineError) -> Double {
    guard let w = layer.weight, let tensor = e.g.constant(w) else { return .infinity }
    let weights = tensor.floatList
    let axis = options.perChannel ? layer.channelAxis : nil
    let rounded = ChannelWeights(weights, shape: tensor.shape, axis: axis)
    let floats = rounded.floats()
    let (name, i) = (e.name(w), layer.node)
    let codes = [
      e.constant(try rounded.codeTensor(), name + "_quantized"),
      e.constant(try rounded.scaleTensor(), name + "_scale"),
      e.constant(try rounded.zeroTensor(), name + "_zero_point"),
    ]
    let scales = DequantizeLinear(scales: QuantScales(axis: axis ?? 1))
    let value = try e.add(scales, codes, name + "_DequantizeLinear", at: i)
    e.g.setInput(i, 1, to: value)
    if let sum = corrected(e, layer, tensor.shape, weights, floats), let op = e.g.node(i).op {
      let bias = e.constant(try Tensor(sum), layer.name + "_bias_corrected")
      e.replace(i, with: op, [layer.input, value, bias])
    }
    return decibels(weights, floats)
  }

  /// The bias of a layer with the rounding's mean error; nil where it stays as it is.
  private func corrected(
    _ e: QuantEditor, _ layer: Layer, _ shape: Shape, _ exact: [Float], _ rounded: [Float]
  ) -> [Float]? {
    guard options.biasCorrection,
      let change = BiasChange(
        layer, e.g.node(layer.node).op, shape: shape, exact, rounded,
        calibration.means[layer.input])
    else { return nil }
    let (old, isFree) = e.bias(layer, channels: change.change.count)
    guard old != nil || isFree else { return nil }
    let base = old ?? [Float](repeating: 0, count: change.change.count)
    return zip(base, change.change).map { Float(Double($0) + $1) }
  }

  private func rewriteProduct(
    _ e: QuantEditor, _ layer: Layer, _ notes: inout [(layer: String, reason: String)]
  ) throws(EngineError) -> Double {
    guard let w = layer.weight, let given = e.g.constant(w) else { return .infinity }
    let isTurned = layer.kind == .gemm && layer.channelAxis == 0
    let tensor = isTurned ? try given.turned() : given
    let weights = tensor.floatList
    let (k, n) = (tensor.shape[0], tensor.shape[1])
    let block = block(of: k)
    let rounded = round(weights, k, n, layer, block, &notes)
    let floats = rounded.floats()
    let exact = isTurned ? given.floatList : weights
    let shown = isTurned ? try Tensor(shape: tensor.shape, floats).turned().floatList : floats
    let sum = corrected(e, layer, given.shape, exact, shown)
    if let sum, layer.kind == .matMul { try e.setAddedBias(layer, sum) }
    var addend = layer.kind == .gemm ? e.g.input(layer.node, 2) : nil
    if let sum, layer.kind == .gemm {
      addend = e.constant(try Tensor(sum), layer.name + "_bias_corrected")
    }
    switch options.format {
    case .qdq: try writeDequantised(e, layer, rounded, addend)
    case .matmulnbits: try writeNBits(e, layer, rounded, addend)
    }
    return decibels(weights, floats)
  }

  /// The block for a sum over `k`; nil for one scale a column. OpenVINO reads whole blocks only, and
  /// onnxruntime makes a kernel of 16 elements and more.
  private func block(of k: Int) -> Int? {
    guard options.format == .qdq else { return options.block }
    var block = options.block
    while block >= 16, k % block != 0 { block /= 2 }
    return block >= 16 ? block : nil
  }

  /// Weights by GPTQ where that is asked for and possible, else each to the nearest code. What cannot
  /// be cut into blocks has 8 bits whatever the mode.
  private func round(
    _ weights: [Float], _ k: Int, _ n: Int, _ layer: Layer, _ block: Int?,
    _ notes: inout [(layer: String, reason: String)]
  ) -> BlockWeights {
    let bits = options.mode == .weights4 && block != nil ? 4 : 8
    // Eight bits have steps enough to do without zero points.
    let isSymmetric = options.symmetric || bits == 8
    if options.mode == .weights4, block == nil {
      notes.append((layer.name, "8 bits by column: no block of 16 or more divides \(k)"))
    }
    if options.gptq {
      if let hessian = calibration.hessians[layer.input],
        let made = GPTQ.round(
          weights, k: k, n: n, hessian, bits: bits, block: block ?? k, symmetric: isSymmetric)
      {
        return made
      }
      notes.append((layer.name, "rounded to nearest: its inputs have no Hessian to factor"))
    }
    return BlockWeights(
      weights, k: k, n: n, bits: bits, block: block ?? k, symmetric: isSymmetric)
  }

  private func writeDequantised(
    _ e: QuantEditor, _ layer: Layer, _ rounded: BlockWeights, _ addend: ValueID?
  ) throws(EngineError) {
    guard let w = layer.weight else { return }
    let (name, i) = (e.name(w), layer.node)
    let isWhole = block(of: rounded.k) == nil
    var scale = try rounded.scaleTensor()
    if isWhole { scale = try scale.reshaped([rounded.n]) }
    var inputs = [
      e.constant(try rounded.codeTensor(), name + "_quantized"),
      e.constant(scale, name + "_scale"),
    ]
    if var zeros = try rounded.zeroTensor() {
      if isWhole { zeros = try zeros.reshaped([rounded.n]) }
      inputs.append(e.constant(zeros, name + "_zero_point"))
    }
    let scales = isWhole ? QuantScales(axis: 1) : QuantScales(axis: 0, block: rounded.block)
    let op = DequantizeLinear(scales: scales)
    let value = try e.add(op, inputs, name + "_DequantizeLinear", at: i)
    if layer.kind == .matMul {
      e.g.setInput(i, 1, to: value)
    } else if let addend {
      let product = try e.add(
        MatMul(), [layer.input, value], layer.name + "_MatMul", at: i)
      e.replace(i, with: Add(), [product, addend])
    } else {
      e.replace(i, with: MatMul(), [layer.input, value])
    }
  }

  private func writeNBits(
    _ e: QuantEditor, _ layer: Layer, _ rounded: BlockWeights, _ addend: ValueID?
  ) throws(EngineError) {
    guard let w = layer.weight else { return }
    let (name, i) = (e.name(w), layer.node)
    let codes = e.constant(try rounded.nbitsCodes(), name + "_quantized")
    let scales = e.constant(try rounded.nbitsScales(), name + "_scale")
    let zeros = try rounded.nbitsZeros().map { e.constant($0, name + "_zero_point") }
    let op = MatMulNBits(
      bits: rounded.bits, k: rounded.k, n: rounded.n, block: rounded.block, accuracyLevel: 4)
    let isBias = addend.flatMap { e.g.dims($0) }.map { $0 == [Dim(rounded.n)] } ?? false
    var inputs: [ValueID?] = [layer.input, codes, scales]
    if zeros != nil || isBias { inputs.append(zeros) }
    if isBias { inputs += [nil, addend] }
    if let addend, !isBias {
      let product = try e.add(op, inputs, layer.name + "_MatMulNBits", at: i)
      e.replace(i, with: Add(), [product, addend])
    } else {
      e.replace(i, with: op, inputs)
    }
  }
}
