import Layers
import Tensors

/// Windows over numbers in a row, such as characters: `length` of them, and as targets the same
/// shifted by one. int64 `[N, length]` each.
public struct TextWindows: DataSet {
  public let numbers: [Int32]
  public let length: Int
  /// From one window's beginning to the next one's.
  public let stride: Int
  public let count: Int

  /// - Errors: `.value` for fewer numbers than one window needs.
  public init(_ numbers: [Int32], length: Int, stride: Int) throws(EngineError) {
    guard length > 0, stride > 0, numbers.count > length else {
      throw EngineError(
        .value, "the text is shorter than a window", expected: "more than \(length) characters",
        received: "\(numbers.count)")
    }
    self.numbers = numbers
    self.length = length
    self.stride = stride
    count = (numbers.count - length - 1) / stride + 1
  }

  public func batch(_ samples: [Int]) throws -> Batch {
    try checkSamples(samples, count)
    func part(_ shift: Int) throws(EngineError) -> Tensor {
      let list = samples.flatMap { i in
        numbers[i * stride + shift..<i * stride + shift + length].map { Int64($0) }
      }
      return try Tensor(shape: [samples.count, length], list)
    }
    return Batch([try part(0)], [try part(1)])
  }
}
