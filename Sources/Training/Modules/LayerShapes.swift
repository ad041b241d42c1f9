import Tensors

// What layers ask of the shapes of their inputs.

extension Layer {
  /// The size along an axis, which must be known.
  ///
  /// Errors: `.shape` where the axis is not there or its size not known.
  public func size(of shape: LayerShape, _ axis: Int) throws(EngineError) -> Int {
    if let n = shape[axis] { return n }
    throw EngineError(
      .shape, "the layer needs to know its input's size along axis \(axis)",
      expected: "a known size", received: "\(shape)")
  }

  /// Errors: `.shape` for another rank.
  public func expect(
    _ shape: LayerShape, rank: ClosedRange<Int>, _ what: String = "the input"
  ) throws(EngineError) {
    if rank.contains(shape.rank) { return }
    let wanted =
      rank.lowerBound == rank.upperBound
      ? "rank \(rank.lowerBound)"
      : rank.upperBound == Shape.maxRank
        ? "rank \(rank.lowerBound) or more" : "rank \(rank.lowerBound) to \(rank.upperBound)"
    throw EngineError(
      .shape, "\(what) has the wrong rank", expected: wanted,
      received: "rank \(shape.rank), \(shape)")
  }

  /// Errors: `.shape` for another size than the layer was built for.
  public func expect(
    _ shape: LayerShape, axis: Int, size: Int, _ what: String = "the input"
  ) throws(EngineError) {
    guard let n = shape[axis], n != size else { return }
    throw EngineError(
      .shape, "\(what) has the wrong size along axis \(axis)", expected: "\(size)",
      received: "\(n) in \(shape)")
  }

  /// Errors: `.arity` for another number of inputs.
  public func expect(_ shapes: [LayerShape], count: ClosedRange<Int>) throws(EngineError) {
    if count.contains(shapes.count) { return }
    throw EngineError(
      .arity, "the layer has the wrong number of inputs",
      expected: count.lowerBound == count.upperBound
        ? "\(count.lowerBound)"
        : count.upperBound == Int.max
          ? "\(count.lowerBound) or more" : "\(count.lowerBound) to \(count.upperBound)",
      received: "\(shapes.count)")
  }

  /// Output shapes by running the layer on zeros: twice, with other sizes where they are not known.
  func probe(_ shapes: [LayerShape]) throws(EngineError) -> [LayerShape] {
    if isCalled { return shapes }
    let context = TapeContext.current
    let before = (context.capture, context.isTraining, context.extraLosses, context.random)
    context.capture = nil
    context.isTraining = false
    context.extraLosses = nil
    defer {
      (context.capture, context.isTraining, context.extraLosses, context.random) = before
    }
    func sizes(_ unknown: Int) throws(EngineError) -> [Shape] {
      do {
        let outputs = try context.paused {
          var zeros: [Tensor] = []
          for s in shapes {
            zeros.append(try .zeros(s.sizes.map { $0 ?? unknown }, dtype: dtype))
          }
          return try scoped { try run(LayerInput(zeros)) }
        }
        return outputs.values.map(\.shape)
      } catch let error as EngineError { throw error } catch {
        throw EngineError(.internalDefect, "a layer failed: \(error)", cause: error)
      }
    }
    let (one, two) = (try sizes(2), try sizes(3))
    var result: [LayerShape] = []
    for (a, b) in zip(one, two) {
      guard a.rank == b.rank else {
        throw EngineError(.shape, "the output's rank depends on a size", received: "\(a), \(b)")
      }
      result.append(LayerShape((0..<a.rank).map { a[$0] == b[$0] ? a[$0] : nil }))
    }
    return result
  }
}
