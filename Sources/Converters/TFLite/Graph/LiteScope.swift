import Graphs
import Tensors

/// A subgraph while it is converted: its tensors as they are stored, integers for quantised ones,
/// and as the numbers that those stand for.
final class LiteScope {
  let session: LiteSession
  let graph: LiteGraph
  private var stored: [Int: FlowValue] = [:]
  private var numbers: [Int: ValueID] = [:]

  var b: ConversionBuilder { session.builder }

  init(_ session: LiteSession, _ graph: LiteGraph) {
    self.session = session
    self.graph = graph
  }

  func set(_ i: Int, _ value: FlowValue) { stored[i] = value }

  /// Converts all operators, in the order in which they run, and gives the outputs as stored.
  func run() throws(EngineError) -> [FlowValue] {
    for node in graph.nodes {
      let name = session.model.operators[node.op]
      let place = node.outputs.first.map { graph.tensors[$0].name } ?? name
      do throws(EngineError) {
        guard let op = LiteOperators.table[name] else {
          throw EngineError(.unsupported, "the operator is not converted")
        }
        b.scope = place
        let results = try op.convert(LiteCall(node: node, scope: self))
        guard results.count >= node.outputs.count else {
          throw EngineError(
            .unsupported, "the operator gives too few results",
            expected: "\(node.outputs.count)", received: "\(results.count)")
        }
        for (i, r) in zip(node.outputs, results) { try set(i, r) }
      } catch { throw error.at(node: place, operatorName: name) }
    }
    var results: [FlowValue] = []
    for i in graph.outputs { results.append(try value(i)) }
    return results
  }

  private func set(_ i: Int, _ result: LiteResult) throws(EngineError) {
    switch result {
    case .stored(let v): stored[i] = v
    case .numbers(let id):
      guard let q = graph.tensors[i].quantization, let dtype = graph.tensors[i].dtype,
        dtype == .int8 || dtype == .uint8 || dtype == .int16
      else {
        stored[i] = .tensor(id)
        return
      }
      stored[i] = .tensor(try quantize(id, q, dtype))
    }
  }

  /// Tensor `i` as it is stored.
  ///
  /// Errors: `.invalidModel` where nothing has made it yet.
  func value(_ i: Int) throws(EngineError) -> FlowValue {
    guard graph.tensors.indices.contains(i) else {
      throw EngineError(.invalidModel, "an input is missing")
    }
    if let known = stored[i] { return known }
    let tensor = graph.tensors[i]
    guard let constant = try session.model.constant(tensor) else {
      throw EngineError(
        .invalidModel, "a tensor is used before it is made", subject: .init(node: tensor.name))
    }
    let id =
      constant.count <= 64 ? try b.constant(constant) : b.weight(tensor.name, constant)
    stored[i] = .tensor(id)
    return .tensor(id)
  }

  func storedTensor(_ i: Int) throws(EngineError) -> ValueID {
    guard case .tensor(let id) = try value(i) else {
      throw EngineError(.unsupported, "a handle is used as a tensor")
    }
    return id
  }

  /// Tensor `i` as the numbers that its integers stand for.
  func number(_ i: Int) throws(EngineError) -> ValueID {
    let id = try storedTensor(i)
    guard let q = graph.tensors[i].quantization, b.dtype(id)?.isInteger == true else {
      // Weights of half precision are unpacked where they are used.
      return id
    }
    if let known = numbers[i] { return known }
    let made = try dequantize(id, q, axis: q.axis)
    numbers[i] = made
    return made
  }

  /// The numbers of integers; `axis` is the place of the scales' axis in `id`.
  func dequantize(
    _ id: ValueID, _ q: LiteQuantization, axis: Int
  ) throws(EngineError) -> ValueID {
    let dtype = b.dtype(id) ?? .int8
    let shape: Shape = q.scales.count == 1 ? [] : [q.scales.count]
    let scale = try b.constant(try Tensor(shape: shape, q.scales))
    if dtype == .int64 {
      return try b.mul(try b.cast(id, .float32), scale)
    }
    // int32 has no zero point.
    let zero =
      dtype == .int32
      ? nil
      : try b.constant(try NumberTensor.tensor(q.zeros.map { Double($0) }, shape: shape, dtype))
    if q.scales.count == 1 {
      return try b.elementwise(id) { (x) throws(EngineError) in
        try b.onnx("DequantizeLinear", [x, scale, zero].dropLastNil())
      }
    }
    return try b.onnx(
      "DequantizeLinear", [id, scale, zero].dropLastNil(), [.int("axis", axis)])
  }

  private func quantize(
    _ id: ValueID, _ q: LiteQuantization, _ dtype: DType
  ) throws(EngineError) -> ValueID {
    guard q.scales.count == 1, let zero = q.zeros.first else {
      throw EngineError(.unsupported, "a computed tensor has scales by channel")
    }
    let scale = try b.constant(try Tensor(shape: [], q.scales))
    let point = try b.constant(try NumberTensor.tensor([Double(zero)], shape: [], dtype))
    return try b.elementwise(id) { (x) throws(EngineError) in
      try b.onnx("QuantizeLinear", [x, scale, point])
    }
  }
}
