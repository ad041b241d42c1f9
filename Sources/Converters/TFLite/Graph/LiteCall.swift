import Graphs
import Tensors

/// One operator while it is converted.
struct LiteCall {
  let node: LiteNode
  let scope: LiteScope

  var b: ConversionBuilder { scope.b }
  var session: LiteSession { scope.session }
  var count: Int { node.inputs.count }

  func has(_ i: Int) -> Bool { i < node.inputs.count && node.inputs[i] >= 0 }

  private func place(_ i: Int) throws(EngineError) -> Int {
    guard has(i) else { throw EngineError(.invalidModel, "input \(i) is missing") }
    return node.inputs[i]
  }
  func tensor(_ i: Int) throws(EngineError) -> LiteTensor {
    scope.graph.tensors[try place(i)]
  }
  var output: LiteTensor? { node.outputs.first.map { scope.graph.tensors[$0] } }

  /// Input `i` as numbers.
  func number(_ i: Int) throws(EngineError) -> ValueID { try scope.number(try place(i)) }
  /// Input `i` as it is stored.
  func stored(_ i: Int) throws(EngineError) -> ValueID { try scope.storedTensor(try place(i)) }
  func value(_ i: Int) throws(EngineError) -> FlowValue { try scope.value(try place(i)) }
  func rank(_ i: Int) throws(EngineError) -> Int { try b.rank(try stored(i)) }

  func numbers(from first: Int = 0) throws(EngineError) -> [ValueID] {
    var list: [ValueID] = []
    for i in first..<max(first, count) { list.append(try number(i)) }
    return list
  }

  /// Whether these inputs and the result have one scale, or none has any.
  func keepsScale(_ inputs: [Int]) -> Bool {
    inputs.allSatisfy { i in
      (try? tensor(i))?.quantization == output?.quantization
    }
  }

  /// The integers of input `i`, which must be known before the run.
  func ints(_ i: Int) throws(EngineError) -> [Int] {
    guard let ints = b.knownInts(try stored(i)) else {
      throw EngineError(.unsupported, "input \(i) must be constant")
    }
    return ints
  }
  func int(_ i: Int) throws(EngineError) -> Int {
    guard let first = try ints(i).first else {
      throw EngineError(.invalidModel, "input \(i) is empty")
    }
    return first
  }

  func axis(_ axis: Int, rank: Int) throws(EngineError) -> Int {
    guard axis >= -rank, axis < rank else {
      throw EngineError(
        .invalidModel, "an axis is out of range", expected: "\(-rank) to \(rank - 1)",
        received: "\(axis)")
    }
    return axis < 0 ? axis + rank : axis
  }

  // MARK: Options, by the numbers of their fields

  func optionInt(_ i: Int, _ fallback: Int = 0) throws(EngineError) -> Int {
    try node.options?.int(i, fallback) ?? fallback
  }
  func optionByte(_ i: Int) throws(EngineError) -> Int { try node.options?.int8(i) ?? 0 }
  func optionFlag(_ i: Int, _ fallback: Bool = false) throws(EngineError) -> Bool {
    try node.options?.bool(i, fallback) ?? fallback
  }
  func optionFloat(_ i: Int, _ fallback: Float = 0) throws(EngineError) -> Float {
    try node.options?.float(i, fallback) ?? fallback
  }

  /// Weights in another order of axes and perhaps another shape, as numbers; `scaleAxis` is where the
  /// axis of the scales ends up.
  func weight(
    _ i: Int, _ perm: [Int], _ shape: [Int]? = nil, scaleAxis: Int
  ) throws(EngineError) -> ValueID {
    let arranged = try b.arranged(try stored(i), perm, shape)
    guard let q = try tensor(i).quantization, b.dtype(arranged)?.isInteger == true else {
      return arranged
    }
    return try scope.dequantize(arranged, q, axis: scaleAxis)
  }

  /// The function fused behind an operator.
  ///
  /// Errors: `.unsupported` for one that is not known.
  func activated(_ x: ValueID, _ code: Int) throws(EngineError) -> ValueID {
    let b = b
    func clipped(_ low: Double, _ high: Double) throws(EngineError) -> ValueID {
      try b.elementwise(x) { (v) throws(EngineError) in
        try b.onnx("Clip", [v, try b.number(low, like: v), try b.number(high, like: v)])
      }
    }
    switch code {
    case 0: return x
    case 1: return try b.elementwise(x) { (v) throws(EngineError) in try b.onnx("Relu", [v]) }
    case 2: return try clipped(-1, 1)
    case 3: return try clipped(0, 6)
    case 4: return try b.elementwise(x) { (v) throws(EngineError) in try b.onnx("Tanh", [v]) }
    default: throw EngineError(.unsupported, "the fused activation is not known")
    }
  }
}
