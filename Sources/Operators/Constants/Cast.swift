import Graphs
import Kernels
import Tensors

/// Converts elements to another type.
///
/// - `input`: every dtype but complex, any shape. Output: the dtype `to`, the same shape.
/// - `to`: the target's number in ONNX's list of types; required.
/// - `saturate`: whether 8-bit floats take their largest number instead of infinity or NaN for
///   what lies beyond; default 1.
/// - `round_mode`: up, down or nearest, for float8e8m0 only; default up.
/// - Floats round to nearest even and overflow to infinity; floats of at most 8 bits round once, also
///   from float64. Integers wrap. Floats become integers by dropping the fraction; to bool: not 0.
/// - Text is read as a decimal number, inf or nan; numbers are written in the shortest form that
///   reads back the same, bools as True and False.
/// - Errors: `.attribute` for an unknown type, `.dtype` for complex, `.value` for text that is no
///   number.
/// - Edges: where ONNX leaves it open, floats that no integer of the width can hold give what x86
///   gives: the least integer for 32 and 64 bits, low bits of the 32-bit one for narrower types.
/// - Gradient: the upstream in the input's type; none where a type is no float.
/// - Source: ONNX Cast 1, 6, 9, 13, 19, 21, 23, 24, 25, 28.
public struct Cast: Operator {
  public let to: DType
  public let saturate: Bool
  public let rounding: NarrowFloat.Rounding

  static let types: DTypes = [.numeric, .bool, .string, .float8s, .float6s, .packed]

  public static let schema = Schema(
    "Cast", versions: [1, 6, 9, 13, 19, 21, 23, 24, 25, 28],
    inputs: [Parameter("input", types, "T1")], outputs: [Parameter("output", types, "T2")],
    attributes: [
      AttributeSpec("to", .string, "the target's name, FLOAT for one; required", before: 6),
      AttributeSpec("to", .int, "the target's type number; required", since: 6),
      AttributeSpec(
        "saturate", .int, "8-bit floats stop at their largest number; default 1", since: 19),
      AttributeSpec(
        "round_mode", .string, "up, down or nearest for float8e8m0; default up", since: 24),
    ],
    isDifferentiable: true,
    cases: {
      let x = try Tensor(shape: [2, 3], [1.5, -0.75, 0.25, 2, -1.25, 0.5] as [Float])
      let i = try Tensor([1, 2, 300] as [Int64])
      return [
        .init(Cast(to: .float64), [x]), .init(Cast(to: .float16), [x]),
        .init(Cast(to: .float8e4m3fn), [x]), .init(Cast(to: .uint8), [i]),
        .init(Cast(to: .int4), [i]), .init(Cast(to: .string), [x]),
      ]
    })

  public init(to: DType, saturate: Bool = true, rounding: NarrowFloat.Rounding = .up) {
    self.to = to
    self.saturate = saturate
    self.rounding = rounding
  }

  public init(reading a: AttributeReader) throws(EngineError) {
    if a.opset < 6, a.has("to") {
      to = try elementType(named: a.string("to", default: ""))
    } else {
      _ = try a.int("to")
      to = try a.dtype("to", default: .float32)
    }
    saturate = try a.bool("saturate", default: true)
    rounding = try readRounding(a)
  }

  public var attributes: [Attribute] {
    [.dtype("to", to)] + conversionAttributes(saturate, rounding)
  }

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] {
    [Fact(.tensor(to, c.dims(0)), elements: convertedElements(c, to))]
  }

  public func prepare(_ p: Preparation) throws(EngineError) -> Prepared {
    try prepareConversion(p, to, saturate, rounding)
  }

  /// Strings.
  public func evaluate(_ e: Evaluation) throws(EngineError) -> [Value?] {
    [.tensor(try convertText(e.tensor(0), to, saturate, rounding))]
  }

  public func gradient<B: Builder>(
    _ b: B, _ g: inout Backward<B.Value>
  ) throws(EngineError) {
    let x = try g.input(0)
    if b.fact(of: x).dtype?.isFloat != false, to.isFloat {
      g.give(0, try b.apply(CastLike(), g.upstream(), x))
    }
  }
}

/// The element type that ONNX's list calls `name`.
///
/// Errors: `.attribute` for any other name.
private func elementType(named name: String) throws(EngineError) -> DType {
  switch name {
  case "FLOAT": return .float32
  case "DOUBLE": return .float64
  default:
    for dtype in DType.allCases where dtype != .float32 && dtype != .float64 {
      if "\(dtype)".uppercased() == name { return dtype }
    }
    throw EngineError(
      .attribute, "attribute 'to' names no element type", expected: "FLOAT, INT64, ...",
      received: "'\(name)'")
  }
}

/// The attribute `round_mode`.
func readRounding(_ a: AttributeReader) throws(EngineError) -> NarrowFloat.Rounding {
  let mode = try a.string("round_mode", default: "up", oneOf: ["up", "down", "nearest"])
  return NarrowFloat.Rounding(rawValue: mode) ?? .up
}

func conversionAttributes(_ saturate: Bool, _ rounding: NarrowFloat.Rounding) -> [Attribute] {
  var list: [Attribute] = []
  if !saturate { list.append(.bool("saturate", false)) }
  if rounding != .up { list.append(.string("round_mode", rounding.rawValue)) }
  return list
}

/// Small integers stay known where the target holds them as they are.
func convertedElements(_ c: Inference, _ to: DType?) -> [Dim]? {
  guard let x = integerElements(c.fact(0)) else { return nil }
  switch to {
  case .int64: return x
  case .int32:
    for d in x {
      guard let n = d.known else { continue }
      if Int32(exactly: n) == nil { return nil }
    }
    return x
  case .bool:
    var result: [Dim] = []
    for d in x {
      guard let n = d.known else { return nil }
      result.append(n == 0 ? 0 : 1)
    }
    return result
  default: return nil
  }
}

func prepareConversion(
  _ p: Preparation, _ to: DType, _ saturate: Bool, _ rounding: NarrowFloat.Rounding
) throws(EngineError) -> Prepared {
  let x = try p.input(0)
  if x.dtype == to { return .view }
  guard let c = Conversion(x.dtype, to, saturate: saturate, rounding: rounding) else {
    throw p.noKernel()
  }
  let count = x.count
  return Prepared(scratchBytes: c.needsScratch ? Conversion.scratchBytes : 0, label: c.label) { m in
    c.run(count, m.inputs[0], m.outputs[0], scratch: m.scratch, m.pool)
  }
}

func convertText(
  _ x: Tensor, _ to: DType, _ saturate: Bool, _ rounding: NarrowFloat.Rounding
) throws(EngineError) -> Tensor {
  if to == .string { return try strings(of: x) }
  if x.dtype == .string {
    return try numbers(from: x, to, saturate: saturate, rounding: rounding)
  }
  return try converted(x, to, saturate: saturate, rounding: rounding)
}
