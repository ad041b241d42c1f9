import Graphs
import Kernels
import Tensors

/// Each element as a row of zeros with a 1 at the place of its category.
///
/// - `X`: float32, float64, int32, int64 or strings, any shape. `Y`: float32 `X.shape + [number of
///   categories]`.
/// - `cats_int64s` for numbers, floats without their fraction; `cats_strings` for strings. Of equal
///   categories the last counts. `zeros`: 1 (default): an unknown category gives zeros; 0: it is an
///   error.
/// - Errors: `.attribute` without categories or with both kinds, `.dtype` when X is of the other
///   kind, `.value` for an unknown category.
/// - Source: ai.onnx.ml OneHotEncoder 1.
public struct OneHotEncoder: Operator {
  public let categories: ClassLabels
  public let zeros: Bool

  public static let schema = Schema(
    "OneHotEncoder", domain: Classical.domain, versions: [1],
    inputs: [Parameter("X", [Classical.numbers, .string])],
    outputs: [Parameter("Y", DTypes(.float32), "")],
    attributes: [
      AttributeSpec("cats_int64s", .ints, "the categories, or"),
      AttributeSpec("cats_strings", .strings, "the categories"),
      AttributeSpec("zeros", .int, "0: unknown categories are errors; default 1"),
    ],
    cases: {
      let x = try Tensor(shape: [2, 2], [1, 5, 3, 1] as [Int64])
      return [
        .init(OneHotEncoder(.ints([3, 1])), [x]),
        .init(
          OneHotEncoder(.strings(["b", "a"]), zeros: false),
          [try Tensor(shape: [2], strings: ["a", "b"])]),
      ]
    })

  public init(_ categories: ClassLabels, zeros: Bool = true) {
    self.categories = categories
    self.zeros = zeros
  }
  public init(reading a: AttributeReader) throws(EngineError) {
    categories = try ClassLabels(reading: a, ints: "cats_int64s", strings: "cats_strings")
    zeros = try a.bool("zeros", default: true)
  }
  public var attributes: [Attribute] {
    [
      categories.attribute(ints: "cats_int64s", strings: "cats_strings"), .bool("zeros", zeros),
    ]
  }

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] {
    if let dtype = c.dtype(0), (dtype == .string) != (categories.dtype == .string) {
      throw EngineError(
        .dtype, "the categories are of another kind than the elements",
        expected: categories.dtype == .string ? "strings" : "numbers", received: "\(dtype)")
    }
    return [Fact(.float32, c.dims(0).map { $0 + [Dim(categories.count)] })]
  }

  private static func unknown(_ element: String, at i: Int) -> EngineError {
    EngineError(
      .value, "element \(i) is no known category", received: element,
      hint: "with the attribute zeros = 1 it becomes zeros")
  }

  public func prepare(_ p: Preparation) throws(EngineError) -> Prepared {
    guard case .ints(let list) = categories else { throw p.noKernel() }
    let keys = IntegerKeys(list.map { Int64($0) })
    let x = try p.input(0)
    let (count, width, dtype, zeros) = (x.count, list.count, x.dtype, zeros)
    let step = max(1, 1 << 14 / max(1, width))
    let pieces = (count + step - 1) / step
    // For each piece the place of its first unknown element, or -1.
    return Prepared(scratchBytes: pieces * 8, label: "one-hot \(dtype)") {
      (m) throws(EngineError) in
      let y = m.output(0, Float.self)
      let faults = m.scratch.assumingMemoryBound(to: Int.self)
      m.pool.run(pieces) { piece in
        faults[piece] = -1
        for i in piece * step..<min(count, (piece + 1) * step) {
          let row = y + i * width
          for j in 0..<width { row[j] = 0 }
          let place = keys.place(OneHotEncoder.category(m.inputs[0], i, dtype))
          if place >= 0 {
            row[place] = 1
          } else if !zeros && faults[piece] < 0 {
            faults[piece] = i
          }
        }
      }
      for piece in 0..<pieces where faults[piece] >= 0 {
        let i = faults[piece]
        throw OneHotEncoder.unknown("\(loadNumber(m.inputs[0], i, dtype))", at: i)
      }
    }
  }

  /// Element `i` as an integer, without its fraction; what no int64 holds becomes the least one.
  @inline(__always) private static func category(
    _ memory: UnsafeRawPointer, _ i: Int, _ dtype: DType
  ) -> Int64 {
    if dtype.isInteger { return IntegerKeys.load(memory, i, dtype) }
    let v =
      dtype == .float32
      ? Double(memory.assumingMemoryBound(to: Float.self)[i])
      : memory.assumingMemoryBound(to: Double.self)[i]
    return v > -0x1p63 && v < 0x1p63 ? Int64(v) : .min
  }

  /// Strings.
  public func evaluate(_ e: Evaluation) throws(EngineError) -> [Value?] {
    let x = try e.tensor(0)
    guard let type = try infer(Inference(inputs: [Fact(x.type)])).first?.tensorType,
      case .strings(let list) = categories
    else { throw EngineError(.shape, "the sizes of the result are not settled") }
    let keys = StringKeys(list)
    let out = try e.allocate(type)
    let y = out.bytes.assumingMemoryBound(to: Float.self)
    for i in 0..<type.count { y[i] = 0 }
    for (i, text) in x.strings.enumerated() {
      let place = keys.place(text)
      if place >= 0 {
        y[i * list.count + place] = 1
      } else if !zeros {
        throw OneHotEncoder.unknown("'\(text)'", at: i)
      }
    }
    return [.tensor(Tensor(out))]
  }
}
