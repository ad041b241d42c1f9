import Graphs
import Kernels
import Tensors

/// Elements that equal one value replaced by another.
///
/// - `X`: float32, float64, int32 or int64, `[..., F]` with a rank from 1. `Y`: the same.
/// - For floats `replaced_value_float` (default 0; NaN replaces every NaN) and
///   `imputed_value_floats`; for integers `replaced_value_int64` (default 0) and
///   `imputed_value_int64s`. One imputed value for all, or one for each of the F features.
/// - Errors: `.attribute` where there is no imputed value for X's type, or not 1 or F of them, or
///   one that an int32 cannot hold.
/// - Source: ai.onnx.ml Imputer 1.
public struct Imputer: Operator {
  public let replacedFloat: Float
  public let imputedFloats: [Float]
  public let replacedInt: Int
  public let imputedInts: [Int]

  public static let schema = Schema(
    "Imputer", domain: Classical.domain, versions: [1],
    inputs: [Parameter("X", Classical.numbers)], outputs: [Parameter("Y", Classical.numbers)],
    attributes: [
      AttributeSpec("imputed_value_floats", .floats, "what to put into floats: 1 or F"),
      AttributeSpec("imputed_value_int64s", .ints, "what to put into integers: 1 or F"),
      AttributeSpec("replaced_value_float", .float, "what to replace in floats; default 0"),
      AttributeSpec("replaced_value_int64", .int, "what to replace in integers; default 0"),
    ],
    isDifferentiable: true,
    cases: {
      let x = try Tensor(shape: [2, 2], [1, 2, .nan, 1] as [Float])
      return [
        .init(Imputer(replacing: .nan, with: [3, 4]), [x]),
        .init(
          Imputer(replacing: 0.75, with: [5] as [Float]),
          [try Tensor(shape: [2, 2], [1, 2, 3, 1] as [Float])]),
        .init(
          Imputer(replacing: 1, with: [-1, 5] as [Int]),
          [try Tensor(shape: [2, 2], [1, 2, 3, 1] as [Int64])]),
      ]
    })

  public init(replacing: Float, with imputed: [Float]) {
    self.init(floats: (replacing, imputed), ints: (0, []))
  }
  public init(replacing: Int, with imputed: [Int]) {
    self.init(floats: (0, []), ints: (replacing, imputed))
  }
  private init(floats: (Float, [Float]), ints: (Int, [Int])) {
    (replacedFloat, imputedFloats) = floats
    (replacedInt, imputedInts) = ints
  }
  public init(reading a: AttributeReader) throws(EngineError) {
    try self.init(
      floats: (
        a.float("replaced_value_float", default: 0),
        a.floats("imputed_value_floats", default: [])
      ),
      ints: (
        a.int("replaced_value_int64", default: 0), a.ints("imputed_value_int64s", default: [])
      ))
  }
  public var attributes: [Attribute] {
    var list: [Attribute] = []
    if !imputedFloats.isEmpty {
      list.append(.floats("imputed_value_floats", imputedFloats))
      list.append(.float("replaced_value_float", replacedFloat))
    }
    if !imputedInts.isEmpty {
      list.append(.ints("imputed_value_int64s", imputedInts))
      list.append(.int("replaced_value_int64", replacedInt))
    }
    return list
  }
  // NaN is a value like any other here.
  public static func == (a: Imputer, b: Imputer) -> Bool {
    a.replacedFloat.bitPattern == b.replacedFloat.bitPattern
      && a.imputedFloats.map(\.bitPattern) == b.imputedFloats.map(\.bitPattern)
      && a.replacedInt == b.replacedInt && a.imputedInts == b.imputedInts
  }
  public func hash(into hasher: inout Hasher) {
    hasher.combine(replacedFloat.bitPattern)
    for v in imputedFloats { hasher.combine(v.bitPattern) }
    hasher.combine(replacedInt)
    hasher.combine(imputedInts)
  }

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] {
    if let dtype = c.dtype(0) {
      let (name, count) =
        dtype.isFloat
        ? ("imputed_value_floats", imputedFloats.count)
        : ("imputed_value_int64s", imputedInts.count)
      let features = c.dims(0).map { $0.last?.known ?? ($0.isEmpty ? 1 : nil) } ?? nil
      guard count > 0, count == 1 || features == nil || count == features else {
        throw EngineError(
          .attribute, "'\(name)' does not fit the features",
          expected: "1" + (features.map { " or \($0) values" } ?? " value or one a feature"),
          received: "\(count)")
      }
    }
    return [Fact(c.dtype(0), c.dims(0))]
  }

  private struct Loop: NumberLoop {
    let replaced: Tensor
    let imputed: Tensor
    func run<T: Numeral>(
      _ range: Range<Int>, _ x: UnsafePointer<T>, _ y: UnsafeMutableRawPointer
    ) {
      let y = y.assumingMemoryBound(to: T.self)
      let old = replaced.storage.bytes.assumingMemoryBound(to: T.self)[0]
      let new = imputed.storage.bytes.assumingMemoryBound(to: T.self)
      let n = imputed.count
      let isNaN = old.isNotANumber
      var i = range.lowerBound
      while i < range.upperBound {
        let first = i % n
        let count = min(n - first, range.upperBound - i)
        let (from, to, fill) = (x + i, y + i, new + first)
        for j in 0..<count {
          let v = from[j]
          // Without branches, which values would upset.
          let isOld = (v == old) != (isNaN && v.isNotANumber)
          to[j] = isOld ? fill[j] : v
        }
        i += count
      }
    }
  }

  public func prepare(_ p: Preparation) throws(EngineError) -> Prepared {
    let x = try p.input(0)
    let loop: Loop
    switch x.dtype {
    case .float32:
      loop = Loop(replaced: try Tensor([replacedFloat]), imputed: try Tensor(imputedFloats))
    case .float64:
      loop = Loop(
        replaced: try Tensor([Double(replacedFloat)]),
        imputed: try Tensor(imputedFloats.map { Double($0) }))
    case .int64:
      loop = Loop(
        replaced: try Tensor([Int64(replacedInt)]),
        imputed: try Tensor(imputedInts.map { Int64($0) }))
    case .int32:
      var values: [Int32] = []
      for v in imputedInts {
        guard let narrow = Int32(exactly: v) else {
          throw EngineError(
            .attribute, "an imputed value does not fit the element type", expected: "int32",
            received: "\(v)")
        }
        values.append(narrow)
      }
      guard let old = Int32(exactly: replacedInt) else {
        // No element can equal it.
        let bytes = x.byteCount
        return Prepared(inPlace: 1) { m in
          m.outputs[0].copyMemory(from: m.inputs[0], byteCount: bytes)
        }
      }
      loop = Loop(replaced: try Tensor([old]), imputed: try Tensor(values))
    default: throw p.noKernel()
    }
    return try prepareNumbers(x.dtype, count: x.count, inPlace: true, loop)
  }
}

extension Imputer {
  public func gradient<B: Builder>(
    _ b: B, _ g: inout Backward<B.Value>
  ) throws(EngineError) {
    guard g.needs(0) else { return }
    let x = try g.input(0)
    let isReplaced =
      try replacedFloat.isNaN
      ? b.apply(IsNaN(), x) : b.apply(Equal(), x, scalar(b, Double(replacedFloat), like: x))
    g.give(0, try masked(b, g.upstream(), where: b.apply(Not(), isReplaced)))
  }
}
