import Graphs
import Tensors

/// Columns of a table as features: numbers less their mean over their deviation, missing ones 0
/// with a mark of their own where training data had some; categories as one-hot vectors, all zeros
/// for what training data did not have or had too seldom.
struct ColumnsEncoding: Encoding {
  struct Numbers: Sendable {
    let name: String
    let mean: Float
    /// One over the deviation; 0 for a constant column.
    let scale: Float
    let marksMissing: Bool
  }
  struct Categories: Sendable {
    let name: String
    let values: [String]
  }

  let numbers: [Numbers]
  let categories: [Categories]
  /// Numbers of deviations at which features are cut off.
  static let limit: Float = 10

  /// The columns in the order in which the model's inputs take them.
  var features: [String] { numbers.map(\.name) + categories.map(\.name) }

  var inputs: [EncodedInput] {
    let both = !numbers.isEmpty && !categories.isEmpty
    var list: [EncodedInput] = []
    if !numbers.isEmpty {
      list.append(
        .init(name: both ? "numbers" : "features", dtype: .float32, sizes: [numbers.count]))
    }
    if !categories.isEmpty {
      list.append(
        .init(name: both ? "texts" : "features", dtype: .string, sizes: [categories.count]))
    }
    return list
  }

  var sampleSizes: [Int] {
    [
      numbers.count + numbers.count(where: \.marksMissing)
        + categories.reduce(0) { $0 + $1.values.count }
    ]
  }

  func add(
    to a: inout GraphAssembly, _ inputs: [ValueID]
  ) throws(EngineError) -> ValueID {
    var parts: [ValueID] = []
    if !numbers.isEmpty, let x = inputs.first {
      let mean = a.constant("encode/mean", try Tensor(numbers.map(\.mean)))
      let scale = a.constant("encode/scale", try Tensor(numbers.map(\.scale)))
      let zero = a.constant("encode/zero", try Tensor(scalar: Float(0)))
      let low = a.constant("encode/low", try Tensor(scalar: -Self.limit))
      let high = a.constant("encode/high", try Tensor(scalar: Self.limit))
      let missing = a.add("IsNaN", [x], name: "encode/missing", dtype: .bool)
      let known = a.add("Where", [missing, mean, x], name: "encode/known", dtype: .float32)
      let centred = a.add("Sub", [known, mean], name: "encode/centred", dtype: .float32)
      let scaled = a.add("Mul", [centred, scale], name: "encode/scaled", dtype: .float32)
      // An infinite value of a constant column is no number either.
      let wrong = a.add("IsNaN", [scaled], name: "encode/wrong", dtype: .bool)
      let safe = a.add("Where", [wrong, zero, scaled], name: "encode/safe", dtype: .float32)
      parts.append(a.add("Clip", [safe, low, high], name: "encode/clipped", dtype: .float32))
      let marked = numbers.indices.filter { numbers[$0].marksMissing }
      if !marked.isEmpty {
        let places = a.constant("encode/marked", try Tensor(marked.map { Int64($0) }))
        let chosen = a.add(
          "Gather", [missing, places], [.int("axis", 1)], name: "encode/marks", dtype: .bool)
        parts.append(
          a.add(
            "Cast", [chosen], [.dtype("to", .float32)], name: "encode/marks", dtype: .float32))
      }
    }
    if !categories.isEmpty, let texts = inputs.last {
      for (j, column) in categories.enumerated() {
        let place = a.constant("encode/column", try Tensor([Int64(j)]))
        let cells = a.add(
          "Gather", [texts, place], [.int("axis", 1)], name: "encode/cells", dtype: .string)
        let hot = a.add(
          "OneHotEncoder", [cells], [.strings("cats_strings", column.values), .int("zeros", 1)],
          domain: "ai.onnx.ml", name: "encode/hot", dtype: .float32)
        parts.append(
          a.add("Flatten", [hot], [.int("axis", 1)], name: "encode/flat", dtype: .float32))
      }
    }
    if parts.count == 1 { return parts[0] }
    return a.add("Concat", parts, [.int("axis", 1)], name: "encode/features", dtype: .float32)
  }
}
