import Graphs
import Kernels
import Tensors

/// What the scatter operators do with several updates of one place.
public enum ScatterReduction: String, Sendable, Hashable {
  case none, add, mul, max, min

  init(_ a: AttributeReader) throws(EngineError) {
    let name = try a.string("reduction", default: "none")
    guard let value = ScatterReduction(rawValue: name) else {
      throw EngineError(
        .attribute, "attribute 'reduction' has no legal value",
        expected: "none, add, mul, max or min", received: "'\(name)'")
    }
    self = value
  }

  var operation: ScatterReduce.Operation? { .init(rawValue: rawValue) }
}

/// Writes or folds `updates` into `target`, whose contents are the data already.
func scatter(
  _ reduction: ScatterReduction, _ dtype: DType, on target: UnsafeMutableRawPointer,
  offsets: UnsafePointer<Int64>, updates: UnsafeRawPointer, count: Int, blockElements: Int
) {
  if let operation = reduction.operation {
    ScatterReduce.run(
      operation, dtype, on: target, offsets: offsets, updates: updates, count: count,
      blockElements: blockElements)
  } else {
    Blocks.put(
      to: target, offsets: offsets, from: updates, count: count,
      blockBytes: blockElements * dtype.byteSize)
  }
}

/// Runs a scatter of strings.
///
/// Errors: `.dtype` when it should reduce them.
func scatterStrings(
  _ op: any Operator, _ reduction: ScatterReduction, _ e: Evaluation
) throws(EngineError) -> [Value?] {
  guard reduction == .none else {
    throw EngineError(
      .dtype, "no reduction \(reduction) of these elements", received: "\(try e.tensor(0).dtype)")
  }
  return try moveByPlaces(op, e, data: [0, 2])
}
