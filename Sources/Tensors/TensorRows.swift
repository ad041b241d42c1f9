// For data, not for models: no gradient flows through these copies, so that they are not public.
extension Tensor {
  /// Slices along the first axis, in the order of their numbers, in memory of their own.
  ///
  /// - Errors: `.shape` for a tensor without axes, `.value` for a number out of range, `.dtype` for
  ///   strings and for elements of less than a byte.
  package func rows(_ numbers: some Collection<Int>) throws(EngineError) -> Tensor {
    let size = try rowSize()
    let count = shape[0]
    let wanted = Shape(rank: shape.rank) { $0 == 0 ? numbers.count : shape[$0] }
    return try Tensor(TensorType(dtype, wanted)) { (target) throws(EngineError) in
      guard let to = target.baseAddress else { return }
      var place = 0
      for n in numbers {
        guard n >= 0, n < count else {
          throw EngineError(
            .value, "a row is out of range", expected: "0 to \(count - 1)", received: "\(n)")
        }
        (to + place).copyMemory(from: storage.bytes + n * size, byteCount: size)
        place += size
      }
    }
  }

  /// Slices along the first axis that follow each other, in memory of their own.
  ///
  /// - Errors: as for `rows(_:)` of numbers.
  package func rows(in range: Range<Int>) throws(EngineError) -> Tensor {
    let size = try rowSize()
    guard range.lowerBound >= 0, range.upperBound <= shape[0] else {
      throw EngineError(
        .value, "rows are out of range", expected: "0..<\(shape[0])", received: "\(range)")
    }
    let wanted = Shape(rank: shape.rank) { $0 == 0 ? range.count : shape[$0] }
    return try Tensor(TensorType(dtype, wanted)) { (target) throws(EngineError) in
      guard let to = target.baseAddress else { return }
      to.copyMemory(from: storage.bytes + range.lowerBound * size, byteCount: range.count * size)
    }
  }

  private func rowSize() throws(EngineError) -> Int {
    guard shape.rank > 0 else {
      throw EngineError(.shape, "a tensor without axes has no rows")
    }
    guard dtype != .string, byteCount == count * dtype.byteSize else {
      throw EngineError(.dtype, "rows of \(dtype) cannot be copied", expected: "whole bytes")
    }
    return shape.count(of: 1..<shape.rank) * dtype.byteSize
  }
}
