import Formats
import Tensors

/// A tensor of a subgraph.
struct LiteTensor {
  let name: String
  /// Sizes as the interpreter starts with.
  let shape: [Int]
  /// Sizes as the model was made, -1 where they are open.
  let signature: [Int]
  /// Nil for types without tensors.
  let dtype: DType?
  let buffer: Int
  let isVariable: Bool
  let isSparse: Bool
  /// How integers stand for numbers; nil for tensors that are what they are.
  let quantization: LiteQuantization?

  /// `Tensor`: 0 shape, 1 type, 2 buffer, 3 name, 4 quantisation, 5 variable, 6 sparsity,
  /// 7 signature of the shape.
  init(_ t: FlatTable) throws(EngineError) {
    name = try t.string(3)
    shape = try t.ints(0) ?? []
    let stated = try t.ints(7) ?? []
    signature = stated.count == shape.count ? stated : shape
    dtype = Self.dtype(try t.int8(1))
    buffer = try t.uint(2)
    isVariable = try t.bool(5)
    isSparse = try t.table(6) != nil
    quantization = try t.table(4).flatMap { (q) throws(EngineError) in try LiteQuantization(q) }
  }

  static func dtype(_ code: Int) -> DType? {
    switch code {
    case 0: .float32
    case 1: .float16
    case 2: .int32
    case 3: .uint8
    case 4: .int64
    case 5: .string
    case 6: .bool
    case 7: .int16
    case 9: .int8
    case 10: .float64
    case 12: .uint64
    case 15: .uint32
    case 16: .uint16
    case 17: .int4
    case 18: .bfloat16
    default: nil
    }
  }
}

/// `value = scale (integer - zero point)`, for the whole tensor or along an axis.
struct LiteQuantization: Equatable {
  let scales: [Float]
  let zeros: [Int]
  let axis: Int

  /// `QuantizationParameters`: 2 scales, 3 zero points, 6 axis. Nil without scales.
  init?(_ q: FlatTable) throws(EngineError) {
    guard let scales = try q.floats(2), !scales.isEmpty else { return nil }
    self.scales = scales
    let zeros = try q.longs(3) ?? []
    axis = try q.int(6)
    guard zeros.count == scales.count || zeros.isEmpty || zeros.count == 1,
      scales.allSatisfy({ $0 > 0 && $0.isFinite })
    else { throw EngineError(.invalidModel, "scales and zero points do not fit together") }
    self.zeros =
      zeros.count == scales.count
      ? zeros : Array(repeating: zeros.first ?? 0, count: scales.count)
  }

  init(scale: Float, zero: Int) {
    scales = [scale]
    zeros = [zero]
    axis = 0
  }
}

/// An operator of a subgraph.
struct LiteNode {
  let op: Int
  /// Numbers of tensors, -1 for absent ones.
  let inputs: [Int]
  let outputs: [Int]
  let options: FlatTable?
  let customOptions: Range<Int>?
}

/// A subgraph: 0 tensors, 1 inputs, 2 outputs, 3 operators, 4 name.
struct LiteGraph {
  let name: String
  let tensors: [LiteTensor]
  let inputs: [Int]
  let outputs: [Int]
  let nodes: [LiteNode]

  init(_ g: FlatTable, operatorCount: Int, bufferCount: Int) throws(EngineError) {
    name = try g.string(4)
    var tensors: [LiteTensor] = []
    for t in try g.tables(0) {
      let tensor = try LiteTensor(t)
      guard tensor.buffer < max(bufferCount, 1) else {
        throw EngineError(
          .invalidModel, "a tensor has a buffer that does not exist",
          subject: .init(node: tensor.name))
      }
      tensors.append(tensor)
    }
    let count = tensors.count
    func checked(_ list: [Int], optional: Bool) throws(EngineError) -> [Int] {
      for i in list where i >= count || i < (optional ? -1 : 0) {
        throw EngineError(
          .invalidModel, "an operator uses a tensor that does not exist",
          expected: "0 to \(count - 1)", received: "\(i)")
      }
      return list
    }
    inputs = try checked(try g.ints(1) ?? [], optional: false)
    outputs = try checked(try g.ints(2) ?? [], optional: false)
    var nodes: [LiteNode] = []
    for o in try g.tables(3) {
      let op = try o.uint(0)
      guard op < operatorCount else {
        throw EngineError(.invalidModel, "an operator has a code that does not exist")
      }
      let large = try o.table(12)
      let small = try o.table(4)
      nodes.append(
        LiteNode(
          op: op, inputs: try checked(try o.ints(1) ?? [], optional: true),
          outputs: try checked(try o.ints(2) ?? [], optional: false), options: small ?? large,
          customOptions: try o.vector(5, width: 1)))
    }
    self.tensors = tensors
    self.nodes = nodes
  }
}
