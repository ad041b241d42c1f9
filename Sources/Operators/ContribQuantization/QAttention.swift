import Graphs
import Kernels
import Tensors

/// Self-attention with a quantised projection of its input: `[Q, K, V] = (input - input_zero)
/// (weight - weight_zero) input_scale weight_scale + bias`, `output = softmax(Q K^T * scale +
/// masks) V` for each head.
///
/// - `input`: int8 or uint8 `[N, S, D]`; `weight`: int8 or uint8 `[D, 3 * H * E]`; `bias`: float32
///   or float16 `[3 * H * E]`. `input_scale`: one element, `weight_scale`: one or `[3 * H * E]`;
///   zero points (optional, 0) likewise. `past` (optional): `[2, N, H, P, E]`, keys and values in
///   front of the new ones; `T = P + S`.
/// - `mask_index` (optional): int32, ends of the keys `[N]`; ends and then beginnings `[2 * N]`; or
///   0 for hidden keys, `[N, T]` or `[N, S, T]`.
/// - Attributes: `num_heads` H; `unidirectional` 1: a query sees no later key; `scale` default
///   `1 / sqrt(E)`; `mask_filter_value` default -10000, added to hidden scores; `do_rotary` and
///   `past_present_share_buffer` 0.
/// - Outputs: `output` `[N, S, H * E]`; `present`: `past` with the new, `[2, N, H, T, E]`.
/// - Errors: `.shape` for operands that do not fit; `.unsupported` for attributes other than these.
/// - Source: com.microsoft QAttention 1.
public struct QAttention: CompositeOperator {
  public let heads: Int
  public let isUnidirectional: Bool
  public let scale: Float?
  public let filter: Float

  private static let real = DTypes(.float32, .float16)

  public static let schema = Schema(
    "QAttention", domain: "com.microsoft", versions: [1],
    inputs: [
      Parameter("input", MatMulInteger.types, "T1"),
      Parameter("weight", MatMulInteger.types, "T2"), Parameter("bias", real, "T3"),
      Parameter("input_scale", real, "T3"), Parameter("weight_scale", real, "T3"),
      .optional("mask_index", DTypes(.int32), "T4"),
      .optional("input_zero_point", MatMulInteger.types, "T1"),
      .optional("weight_zero_point", MatMulInteger.types, "T2"), .optional("past", real, "T3"),
    ],
    outputs: [Parameter("output", real, "T3"), .optional("present", real, "T3")],
    attributes: [
      AttributeSpec("do_rotary", .int, "must be 0"),
      AttributeSpec("mask_filter_value", .float, "added to hidden scores; default -10000"),
      AttributeSpec("num_heads", .int, "heads; required"),
      AttributeSpec("past_present_share_buffer", .int, "must be 0"),
      AttributeSpec("scale", .float, "factor of the products; default 1 / sqrt(head size)"),
      AttributeSpec("unidirectional", .int, "1: a query sees no later key; default 0"),
    ],
    cases: {
      let x = try Tensor(shape: [2, 3, 4], (0..<24).map { UInt8($0 * 37 % 100 + 80) })
      let w = try Tensor(shape: [4, 12], (0..<48).map { Int8($0 * 29 % 100 - 50) })
      let bias = try Tensor(shape: [12], (0..<12).map { Float($0 * 5 % 12) / 8 - 0.5 })
      let (s, t) = (try Tensor(scalar: 0.02 as Float), try Tensor(scalar: 0.03 as Float))
      let zero = try Tensor(scalar: 128 as UInt8)
      let past = try Tensor(shape: [2, 2, 2, 1, 2], (0..<16).map { Float($0 * 7 % 16) / 8 - 1 })
      return [
        .init(QAttention(heads: 2), [x, w, bias, s, t, try Tensor([2, 3] as [Int32]), zero]),
        .init(
          QAttention(heads: 2, isUnidirectional: true),
          [x, w, bias, s, t, nil, zero, try Tensor(scalar: 3 as Int8), past], outputCount: 2),
      ]
    })

  public init(
    heads: Int, isUnidirectional: Bool = false, scale: Float? = nil, filter: Float = -10000
  ) {
    self.heads = heads
    self.isUnidirectional = isUnidirectional
    self.scale = scale
    self.filter = filter
  }

  public init(reading a: AttributeReader) throws(EngineError) {
    heads = try a.int("num_heads")
    guard heads > 0, heads <= Int(Int32.max) else {
      throw EngineError(
        .attribute, "attribute 'num_heads' is out of range", expected: "at least 1",
        received: "\(heads)")
    }
    isUnidirectional = try a.bool("unidirectional", default: false)
    let given = a.has("scale") ? try a.float("scale") : nil
    scale = given == 0 ? nil : given
    filter = try a.float("mask_filter_value", default: -10000)
    for name in ["do_rotary", "past_present_share_buffer"] where try a.int(name, default: 0) != 0 {
      throw EngineError(
        .unsupported, "attribute '\(name)' of QAttention", expected: "0", received: "1")
    }
  }

  public var attributes: [Attribute] {
    var list: [Attribute] = [.int("num_heads", heads)]
    if filter != -10000 { list.append(.float("mask_filter_value", filter)) }
    if let scale { list.append(.float("scale", scale)) }
    if isUnidirectional { list.append(.bool("unidirectional", true)) }
    return list
  }

  public func expand<B: Builder>(
    _ b: B, _ inputs: Few<B.Value?>, outputs: Int
  ) throws(EngineError) -> Few<B.Value> {
    func input(_ i: Int) -> B.Value? { i < inputs.count ? inputs[i] : nil }
    guard let x = input(0), let w = input(1) else {
      throw EngineError(.arity, "an input is missing")
    }
    let projected = try b.apply(
      MatMulIntegerToFloat(), inputs: [x, w, input(3), input(4), input(6), input(7), input(2)])
    let parts = try b.apply(Split(axis: -1, parts: 3), inputs: [projected], outputs: 3)
    var key: B.Value?
    var value: B.Value?
    if let past = input(8) {
      let halves = try b.apply(Split(axis: 0, parts: 2), inputs: [past], outputs: 2)
      let axis = try b.constant(Tensor([0] as [Int64]))
      key = try b.apply(Squeeze(), halves[0], axis)
      value = try b.apply(Squeeze(), halves[1], axis)
    }
    var options = Attention.Options()
    options.isCausal = isUnidirectional
    options.scale = scale
    options.queryHeads = heads
    options.keyHeads = heads
    var bias: B.Value?
    if let mask = input(5) { bias = try scores(b, mask, x, projected, key) }
    let results = try b.apply(
      Attention(options), inputs: [parts[0], parts[1], parts[2], bias, key, value],
      outputs: outputs > 1 ? 3 : 1)
    if outputs < 2 { return Few(results[0]) }
    let axis = try b.constant(Tensor([0] as [Int64]))
    let present = try b.apply(
      Concat(axis: 0), b.apply(Unsqueeze(), results[1], axis),
      b.apply(Unsqueeze(), results[2], axis))
    return Few(results[0], present)
  }

  /// What is added to the scores, `[N, 1, 1 or S, T]`.
  private func scores<B: Builder>(
    _ b: B, _ mask: B.Value, _ x: B.Value, _ like: B.Value, _ past: B.Value?
  ) throws(EngineError) -> B.Value {
    guard let dims = b.fact(of: mask).dims, let batch = b.fact(of: x).dims?.first else {
      throw EngineError(.shape, "the ranks of input and mask_index are not known")
    }
    func numbers(_ list: [Int64]) throws(EngineError) -> B.Value { try b.constant(Tensor(list)) }
    let hidden: B.Value
    switch dims.count {
    case 1:
      // Numbers of the keys, [T], against ends and beginnings, [N, 1, 1, 1].
      let length = try b.apply(
        Gather(), b.apply(ShapeOp(), x), b.constant(Tensor(scalar: 1 as Int64)))
      var total = length
      if let past {
        let more = try b.apply(
          Gather(), b.apply(ShapeOp(), past), b.constant(Tensor(scalar: 2 as Int64)))
        total = try b.apply(Add(), length, more)
      }
      let keys = try b.apply(
        RangeOp(), b.constant(Tensor(scalar: 0 as Int64)), total,
        b.constant(Tensor(scalar: 1 as Int64)))
      let hasBeginnings = dims[0] != batch
      let bounds = try b.apply(
        Reshape(), b.apply(Cast(to: .int64), mask), numbers([hasBeginnings ? 2 : 1, -1, 1, 1, 1]))
      let both = try b.apply(
        Split(axis: 0, parts: hasBeginnings ? 2 : 1), inputs: [bounds],
        outputs: hasBeginnings ? 2 : 1)
      let first = try b.apply(Squeeze(), both[0], numbers([0]))
      let late = try b.apply(GreaterOrEqual(), keys, first)
      if hasBeginnings {
        let start = try b.apply(Squeeze(), both[1], numbers([0]))
        hidden = try b.apply(Or(), late, b.apply(Less(), keys, start))
      } else {
        hidden = late
      }
    case 2, 3:
      let axes = try numbers(dims.count == 2 ? [1, 2] : [1])
      hidden = try b.apply(
        Equal(), b.apply(Unsqueeze(), mask, axes), b.constant(Tensor(scalar: 0 as Int32)))
    default:
      throw EngineError(
        .unsupported, "mask_index of rank \(dims.count)", expected: "rank 1, 2 or 3",
        received: "\(dims)")
    }
    return try b.apply(
      Where(), hidden, scalar(b, Double(filter), like: like), scalar(b, 0, like: like))
  }
}
