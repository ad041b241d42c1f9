import Tensors

/// What the model's first output should be, row by row.
public struct Labels: Sendable {
  public enum Metric: String, Sendable, CaseIterable {
    /// The part of rows whose largest element is the label's, 0 to 1; of a single number, whether it
    /// is above one half.
    case accuracy
    /// The mean squared error.
    case mse
  }
  public let metric: Metric
  private let values: [Double]
  /// How many rows there are labels for.
  let rows: Int

  /// - `values`: `[ROWS]` or `[ROWS, ...]`, numbers.
  /// - Errors: `.shape` for no rows, `.dtype` for what are no numbers.
  public init(_ tensor: Tensor, metric: Metric) throws(EngineError) {
    guard tensor.shape.rank > 0, tensor.shape[0] > 0, tensor.count > 0 else {
      throw EngineError(
        .shape, "there are no labels", expected: "[ROWS, ...]", received: "\(tensor.shape)")
    }
    guard let numbers = tensor.plainNumbers else {
      throw EngineError(
        .dtype, "the labels are no numbers", expected: "integers or floats",
        received: "\(tensor.dtype)")
    }
    values = numbers
    rows = tensor.shape[0]
    self.metric = metric
  }

  /// What is counted over batches.
  struct Score {
    private(set) var sum = 0.0
    private(set) var count = 0
    var value: Double { count > 0 ? sum / Double(count) : 0 }

    mutating func add(_ labels: Labels, _ output: Tensor, from row: Int, rows: Int)
      throws(EngineError)
    {
      let width = labels.values.count / labels.rows
      let end = row + rows
      guard end <= labels.rows else {
        throw EngineError(
          .shape, "there are fewer labels than rows", expected: "\(end) or more",
          received: "\(labels.rows)")
      }
      let wanted = labels.values[row * width..<end * width]
      guard let numbers = output.plainNumbers, !numbers.isEmpty else {
        throw EngineError(
          .dtype, "the model's first output is no numbers to hold against labels",
          received: "\(output.type)")
      }
      let classes = numbers.count / wanted.count
      let isFit =
        labels.metric == .mse
        ? numbers.count == wanted.count
        : numbers.count % wanted.count == 0 && (classes == 1 || output.shape.array.last == classes)
      guard isFit else {
        throw EngineError(
          .shape, "the labels do not fit the model's first output \(output.type)",
          expected: labels.metric == .mse
            ? "a label for each number" : "a label for each row of classes",
          received: "\(wanted.count) labels for \(rows) rows")
      }
      for (i, label) in wanted.enumerated() {
        switch labels.metric {
        case .mse: sum += (numbers[i] - label) * (numbers[i] - label)
        case .accuracy:
          let given: Double
          if classes == 1 {
            given = output.dtype.isFloat ? (numbers[i] > 0.5 ? 1 : 0) : numbers[i]
          } else {
            var best = i * classes
            for k in i * classes..<(i + 1) * classes where numbers[k] > numbers[best] { best = k }
            given = Double(best - i * classes)
          }
          sum += given == label ? 1 : 0
        }
      }
      count += wanted.count
    }
  }
}

extension Tensor {
  /// Elements of the usual number types as doubles; nil for others.
  var plainNumbers: [Double]? {
    switch dtype {
    case .float32: elements(Float.self).map { Double($0) }
    case .float64: Array(elements(Double.self))
    case .float16: elements(Float16.self).map { Double($0) }
    case .int64: elements(Int64.self).map { Double($0) }
    case .int32: elements(Int32.self).map { Double($0) }
    case .int16: elements(Int16.self).map { Double($0) }
    case .int8: elements(Int8.self).map { Double($0) }
    case .uint8: elements(UInt8.self).map { Double($0) }
    case .bool: elements(Bool.self).map { $0 ? 1 : 0 }
    default: nil
    }
  }
}
