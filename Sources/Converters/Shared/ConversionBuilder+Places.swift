import Graphs
import Tensors

/// Elements taken, put, summed and joined by place.
extension ConversionBuilder {
  /// Reduces along `axes`; over the spatial axes of channels-last images in channels first.
  func reduce(
    _ type: String, _ x: ValueID, axes: [Int], keeps: Bool
  ) throws(EngineError) -> ValueID {
    let flag = Attribute.bool("keepdims", keeps)
    if axes.isEmpty { return x }
    if let first = knownChannelsFirst(x), let rank = dims(first)?.count {
      let wanted = Set(axes.map { $0 < 0 ? $0 + rank : $0 })
      if wanted == Set(1..<(rank - 1)) {
        let made = try onnx(type, [first, try ints(Array(2..<rank))], [flag])
        return keeps ? try channelsLast(made) : made
      }
    }
    return try onnx(type, [x, try ints(axes)], [flag])
  }

  /// Slices along `axis` by indices; the first `batch` axes of both count together.
  func gather(
    _ x: ValueID, _ indices: ValueID, axis: Int, batch: Int
  ) throws(EngineError) -> ValueID {
    if batch == 0 { return try onnx("Gather", [x, indices], [.int("axis", axis)]) }
    let (rank, indexRank) = (try rank(x), try rank(indices))
    guard batch > 0, batch <= axis, axis < rank, batch <= indexRank else {
      throw EngineError(.invalidModel, "the batch axes do not fit", received: "\(batch)")
    }
    // The gathered axis behind the batch, then places as tuples of one number.
    let perm = Array(0..<batch) + [axis] + (batch..<rank).filter { $0 != axis }
    let moved = try transpose(x, perm)
    let places = try unsqueeze(try cast(indices, .int64), [indexRank])
    let made = try onnx("GatherND", [moved, places], [.int("batch_dims", batch)])
    // Back: what stood between batch and axis comes before the axes of the indices.
    let own = indexRank - batch
    let between = axis - batch
    let back =
      Array(0..<batch) + (0..<between).map { batch + own + $0 } + (0..<own).map { batch + $0 }
      + Array((batch + own + between)..<(rank - 1 + own))
    return try transpose(made, back)
  }

  /// `x` with `updates` at places, combined with what was there as `how` says: add, sub, mul, min, max.
  func scatter(
    _ x: ValueID, _ indices: ValueID, _ updates: ValueID, _ how: String
  ) throws(EngineError) -> ValueID {
    let places = try cast(indices, .int64)
    if how == "sub" {
      return try onnx(
        "ScatterND", [x, places, try onnx("Neg", [updates])], [.string("reduction", "add")])
    }
    return try onnx("ScatterND", [x, places, updates], [.string("reduction", how)])
  }

  /// Parts joined along `axis`, in channels first where all are known so.
  func joined(
    _ parts: [ValueID], axis: Int
  ) throws(EngineError) -> ValueID {
    let images = parts.compactMap { knownChannelsFirst($0) }
    guard let first = images.first, images.count == parts.count else {
      return try concat(parts, axis: axis)
    }
    // Axis 0 stays, the last comes second, the others move back by one.
    let rank = try rank(first)
    let moved = axis == 0 ? 0 : axis == rank - 1 ? 1 : axis + 1
    return try channelsLast(try concat(images, axis: moved))
  }
}
