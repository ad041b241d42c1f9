import Graphs
import Operators
import Tensors

extension Tensor {
  /// The same elements under another shape; one size may be -1 and follows from the count.
  public func reshape(
    _ sizes: [Int], file: StaticString = #fileID, line: UInt = #line
  ) throws(EngineError) -> Tensor {
    try apply(Reshape(allowZero: true), self, ints(sizes), file, line)
  }

  /// The same elements under another shape.
  public func reshaped(
    _ shape: Shape, file: StaticString = #fileID, line: UInt = #line
  ) throws(EngineError) -> Tensor { try reshape(shape.array, file: file, line: line) }

  /// Two axes: those before `axis` as one, and the rest as one.
  public func flatten(
    from axis: Int = 1, file: StaticString = #fileID, line: UInt = #line
  ) throws(EngineError) -> Tensor { try apply(Flatten(axis: axis), self, file, line) }

  /// All elements along one axis.
  public func raveled(
    file: StaticString = #fileID, line: UInt = #line
  ) throws(EngineError) -> Tensor { try reshape([-1], file: file, line: line) }

  /// The axes in another order; reversed where none is given.
  public func transpose(
    _ order: [Int]? = nil, file: StaticString = #fileID, line: UInt = #line
  ) throws(EngineError) -> Tensor { try apply(Transpose(perm: order), self, file, line) }

  /// Two axes swapped.
  public func swapAxes(
    _ a: Int, _ b: Int, file: StaticString = #fileID, line: UInt = #line
  ) throws(EngineError) -> Tensor {
    var order = Array(0..<shape.rank)
    order.swapAt(
      try normalisedAxis(a, rank: shape.rank), try normalisedAxis(b, rank: shape.rank))
    return try transpose(order, file: file, line: line)
  }

  /// One axis moved to another place.
  public func moveAxis(
    _ from: Int, to: Int, file: StaticString = #fileID, line: UInt = #line
  ) throws(EngineError) -> Tensor {
    var order = Array(0..<shape.rank)
    let axis = order.remove(at: try normalisedAxis(from, rank: shape.rank))
    order.insert(axis, at: try normalisedAxis(to, rank: shape.rank))
    return try transpose(order, file: file, line: line)
  }

  /// Without axes of size 1: those given, or all.
  public func squeeze(
    _ axes: [Int]? = nil, file: StaticString = #fileID, line: UInt = #line
  ) throws(EngineError) -> Tensor {
    guard let axes else { return try apply(Squeeze(), self, file, line) }
    return try apply(Squeeze(), self, ints(axes), file, line)
  }

  /// With axes of size 1 at the given places of the result.
  public func unsqueeze(
    _ axes: [Int], file: StaticString = #fileID, line: UInt = #line
  ) throws(EngineError) -> Tensor { try apply(Unsqueeze(), self, ints(axes), file, line) }

  /// With an axis of size 1 at `axis`.
  public func expandDims(
    at axis: Int, file: StaticString = #fileID, line: UInt = #line
  ) throws(EngineError) -> Tensor { try unsqueeze([axis], file: file, line: line) }

  /// The elements repeated along axes of size 1 so that the shape is `sizes`.
  public func broadcast(
    to sizes: [Int], file: StaticString = #fileID, line: UInt = #line
  ) throws(EngineError) -> Tensor { try apply(Expand(), self, ints(sizes), file, line) }

  /// The tensor repeated along each axis.
  public func tiled(
    _ repeats: [Int], file: StaticString = #fileID, line: UInt = #line
  ) throws(EngineError) -> Tensor { try apply(Tile(), self, ints(repeats), file, line) }

  /// Each element `count` times in a row along an axis.
  public func repeated(
    _ count: Int, axis: Int, file: StaticString = #fileID, line: UInt = #line
  ) throws(EngineError) -> Tensor {
    let place = try normalisedAxis(axis, rank: shape.rank)
    var inner = shape.array
    inner.insert(count, at: place + 1)
    var sizes = shape.array
    sizes[place] *= count
    return try unsqueeze([place + 1], file: file, line: line).broadcast(
      to: inner, file: file, line: line
    ).reshape(sizes, file: file, line: line)
  }

  /// The elements `start..<end` along an axis, every `step`th; negative places count from the end.
  public func slice(
    _ axis: Int, from start: Int, to end: Int, by step: Int = 1,
    file: StaticString = #fileID, line: UInt = #line
  ) throws(EngineError) -> Tensor {
    try apply(
      Slice(), [self, ints([start]), ints([end]), ints([axis]), ints([step])], outputs: 1, file,
      line)[0]
  }

  /// The elements `starts..<ends` along several axes.
  public func slice(
    axes: [Int], from starts: [Int], to ends: [Int], by steps: [Int]? = nil,
    file: StaticString = #fileID, line: UInt = #line
  ) throws(EngineError) -> Tensor {
    let steps = try ints(steps ?? axes.map { _ in 1 })
    return try apply(
      Slice(), [self, ints(starts), ints(ends), ints(axes), steps], outputs: 1, file, line)[0]
  }

  /// The order along the axes reversed.
  public func flipped(
    _ axes: [Int], file: StaticString = #fileID, line: UInt = #line
  ) throws(EngineError) -> Tensor {
    let starts = axes.map { _ in -1 }, ends = axes.map { _ in Int.min + 1 }
    return try slice(
      axes: axes, from: starts, to: ends, by: starts, file: file, line: line)
  }

  /// The elements shifted along an axis; those that leave come in at the other end.
  public func rolled(
    _ shift: Int, axis: Int, file: StaticString = #fileID, line: UInt = #line
  ) throws(EngineError) -> Tensor {
    let place = try normalisedAxis(axis, rank: shape.rank)
    let n = shape[place]
    if n == 0 { return self }
    let cut = ((-shift) % n + n) % n
    if cut == 0 { return self }
    let tail = try slice(place, from: cut, to: n, file: file, line: line)
    let head = try slice(place, from: 0, to: cut, file: file, line: line)
    return try concat([tail, head], axis: place, file: file, line: line)
  }

  /// With elements before and after along each axis: a value, the edge, or mirrored.
  public func padded(
    _ before: [Int], _ after: [Int], mode: Pad.Mode = .constant, value: Double = 0,
    file: StaticString = #fileID, line: UInt = #line
  ) throws(EngineError) -> Tensor {
    let fill = mode == .constant ? try constant(value, dtype) : nil
    return try apply(
      Pad(mode: mode), [self, ints(before + after), fill], outputs: 1, file, line)[0]
  }

  /// Equal parts along an axis.
  public func split(
    into parts: Int, axis: Int = 0, file: StaticString = #fileID, line: UInt = #line
  ) throws(EngineError) -> [Tensor] {
    let place = try normalisedAxis(axis, rank: shape.rank)
    guard parts > 0, shape[place] % parts == 0 else {
      throw located(
        EngineError(
          .shape, "an axis of \(shape[place]) elements cannot be split into \(parts) equal parts"),
        "Split", [self], file, line)
    }
    let sizes = [Int](repeating: shape[place] / parts, count: parts)
    return try split(sizes, axis: axis, file: file, line: line)
  }

  /// Parts of given sizes along an axis.
  public func split(
    _ sizes: [Int], axis: Int = 0, file: StaticString = #fileID, line: UInt = #line
  ) throws(EngineError) -> [Tensor] {
    try apply(Split(axis: axis), [self, ints(sizes)], outputs: sizes.count, file, line)
  }

  /// The tensors along an axis, without it.
  public func unstacked(
    axis: Int = 0, file: StaticString = #fileID, line: UInt = #line
  ) throws(EngineError) -> [Tensor] {
    let place = try normalisedAxis(axis, rank: shape.rank)
    var list: [Tensor] = []
    for part in try split(into: shape[place], axis: axis, file: file, line: line) {
      list.append(try part.squeeze([place], file: file, line: line))
    }
    return list
  }

  /// The elements on and above a diagonal of the last two axes, 0 elsewhere.
  public func triangleUpper(
    _ diagonal: Int = 0, file: StaticString = #fileID, line: UInt = #line
  ) throws(EngineError) -> Tensor {
    try apply(Trilu(isUpper: true), self, Tensor(scalar: Int64(diagonal)), file, line)
  }

  /// The elements on and below a diagonal of the last two axes, 0 elsewhere.
  public func triangleLower(
    _ diagonal: Int = 0, file: StaticString = #fileID, line: UInt = #line
  ) throws(EngineError) -> Tensor {
    try apply(Trilu(isUpper: false), self, Tensor(scalar: Int64(diagonal)), file, line)
  }

  /// Blocks of pixels as channels: `[N, C, H, W]` to `[N, C b^2, H/b, W/b]`.
  public func spaceToDepth(
    block: Int, file: StaticString = #fileID, line: UInt = #line
  ) throws(EngineError) -> Tensor { try apply(SpaceToDepth(blockSize: block), self, file, line) }

  /// Channels as blocks of pixels: `[N, C b^2, H, W]` to `[N, C, H b, W b]`.
  public func depthToSpace(
    block: Int, file: StaticString = #fileID, line: UInt = #line
  ) throws(EngineError) -> Tensor { try apply(DepthToSpace(blockSize: block), self, file, line) }

  /// Channels as blocks of pixels, the channel the slowest, as in sub-pixel convolution.
  public func pixelShuffle(
    _ factor: Int, file: StaticString = #fileID, line: UInt = #line
  ) throws(EngineError) -> Tensor {
    try apply(
      DepthToSpace(blockSize: factor, isColumnFirst: true), self, file, line)
  }
}
