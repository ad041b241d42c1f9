import Graphs
import Tensors

extension ConversionBuilder {
  /// Images `[N, H, W, C]` at another size.
  ///
  /// - `size`: int64 `[2]`.
  /// - `mode`: nearest, linear or cubic; cubic with half pixels takes a = -0.5 and leaves out what
  ///   lies beyond the edge, otherwise a = -0.75, as TensorFlow's kernels do.
  /// - Source: `resize_bilinear_op.cc`, `resize_nearest_neighbor_op.cc`, `resize_bicubic_op.cc` and
  ///   `image_resizer_state.h` of TensorFlow.
  func resize(
    _ x: ValueID, size: ValueID, mode: String, alignCorners: Bool, halfPixel: Bool
  ) throws(EngineError) -> ValueID {
    let images = try channelsFirst(x)
    let places = alignCorners ? "align_corners" : halfPixel ? "half_pixel" : "asymmetric"
    var attributes: [Attribute] = [
      .string("mode", mode), .ints("axes", [2, 3]),
      .string("coordinate_transformation_mode", places),
    ]
    switch mode {
    case "nearest":
      // TensorFlow rounds half away from zero with aligned corners, else it rounds down.
      attributes[2] = .string(
        "coordinate_transformation_mode",
        alignCorners ? places : halfPixel ? "tf_half_pixel_for_nn" : "asymmetric")
      attributes.append(.string("nearest_mode", alignCorners ? "round_prefer_ceil" : "floor"))
    case "cubic":
      attributes.append(.float("cubic_coeff_a", halfPixel ? -0.5 : -0.75))
      if halfPixel { attributes.append(.int("exclude_outside", 1)) }
    default: break
    }
    let made = try onnx("Resize", [images, nil, nil, try cast(size, .int64)], attributes)
    return try channelsLast(made)
  }

  /// Moves blocks of the spatial axes behind the batch: TensorFlow's SpaceToBatchND.
  ///
  /// - `block`: sizes of the first axes after the batch; `pads`: before and after each.
  func spaceToBatch(
    _ x: ValueID, block: [Int], pads: [Int]
  ) throws(EngineError) -> ValueID {
    let rank = try rank(x)
    let m = block.count
    guard m >= 1, rank > m, pads.count == 2 * m, block.allSatisfy({ $0 >= 1 }) else {
      throw EngineError(.invalidModel, "the blocks do not fit the input", received: "\(block)")
    }
    var padded = x
    if pads.contains(where: { $0 != 0 }) {
      let begins = [0] + (0..<m).map { pads[2 * $0] } + Array(repeating: 0, count: rank - m - 1)
      let ends = [0] + (0..<m).map { pads[2 * $0 + 1] } + Array(repeating: 0, count: rank - m - 1)
      padded = try onnx("Pad", [x, try ints(begins + ends)])
    }
    // [N, d1 / b1, b1, ..., rest] -> [b1, ..., N, d1 / b1, ..., rest]
    var parts: [ValueID] = [try size(padded, 0)]
    for i in 0..<m {
      parts.append(try div(try size(padded, i + 1), try ints([block[i]])))
      parts.append(try ints([block[i]]))
    }
    for axis in (m + 1)..<max(m + 1, rank) { parts.append(try size(padded, axis)) }
    let split = try reshape(padded, try concat(parts, axis: 0))
    let perm =
      (0..<m).map { 2 + 2 * $0 } + [0] + (0..<m).map { 1 + 2 * $0 }
      + Array((2 * m + 1)..<(rank + m))
    let turned = try transpose(split, perm)
    let product = block.reduce(1) { $0.multipliedReportingOverflow(by: $1).partialValue }
    var result: [ValueID] = [try mul(try size(padded, 0), try ints([product]))]
    for i in 0..<m { result.append(try div(try size(padded, i + 1), try ints([block[i]]))) }
    for axis in (m + 1)..<max(m + 1, rank) { result.append(try size(padded, axis)) }
    return try reshape(turned, try concat(result, axis: 0))
  }

  /// The reverse of `spaceToBatch`: `crops` are taken off both ends of each axis.
  func batchToSpace(
    _ x: ValueID, block: [Int], crops: [Int]
  ) throws(EngineError) -> ValueID {
    let rank = try rank(x)
    let m = block.count
    guard m >= 1, rank > m, crops.count == 2 * m, block.allSatisfy({ $0 >= 1 }) else {
      throw EngineError(.invalidModel, "the blocks do not fit the input", received: "\(block)")
    }
    let product = block.reduce(1) { $0.multipliedReportingOverflow(by: $1).partialValue }
    let batch = try div(try size(x, 0), try ints([max(product, 1)]))
    var parts: [ValueID] = try block.map { (n) throws(EngineError) in try ints([n]) }
    parts.append(batch)
    for axis in 1..<rank { parts.append(try size(x, axis)) }
    let split = try reshape(x, try concat(parts, axis: 0))
    var perm = [m]
    for i in 0..<m { perm += [m + 1 + i, i] }
    perm += Array((2 * m + 1)..<(rank + m))
    let turned = try transpose(split, perm)
    var result: [ValueID] = [batch]
    for i in 0..<m { result.append(try mul(try size(x, i + 1), try ints([block[i]]))) }
    for axis in (m + 1)..<max(m + 1, rank) { result.append(try size(x, axis)) }
    let whole = try reshape(turned, try concat(result, axis: 0))
    guard crops.contains(where: { $0 != 0 }) else { return whole }
    return try slice(
      whole, (0..<m).map { crops[2 * $0] },
      (0..<m).map { crops[2 * $0 + 1] == 0 ? Int.max >> 1 : -crops[2 * $0 + 1] },
      axes: Array(1...m))
  }

  /// Reads `x` `[N, H, W, C]` along blocks into channels, or the reverse, in TensorFlow's order.
  func depthSpace(
    _ x: ValueID, block: Int, toDepth: Bool, isFirst: Bool
  ) throws(EngineError) -> ValueID {
    guard block >= 1 else { throw EngineError(.invalidModel, "the block size is below 1") }
    let images = try first(x, isFirst)
    let made = try onnx(
      toDepth ? "SpaceToDepth" : "DepthToSpace", [images],
      [.int("blocksize", block)] + (toDepth ? [] : [.string("mode", "DCR")]))
    return try last(made, isFirst)
  }
}
