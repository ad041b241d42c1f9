import Graphs
import Operators
import Tensors

/// What lies beyond the edges of an image.
public enum SampleEdge: String, Sendable { case zeros, border, reflection }

extension Tensor {
  /// Images `[N, C, H, W]` under affine maps of their places.
  ///
  /// - `maps`: float `[N, 2, 3]`: each result's pixel is read at `map (x, y, 1)`, places from -1 to
  ///   1, the outer edges of corner pixels.
  /// - `size`: height and width of the result; by default the image's.
  /// - `nearest`: reads the nearest pixel instead of a mean of four.
  /// - Errors: `.shape`. - Source: ONNX AffineGrid 20, GridSample 20.
  public func transformed(
    _ maps: Tensor, size: (height: Int, width: Int)? = nil, edge: SampleEdge = .zeros,
    nearest: Bool = false, file: StaticString = #fileID, line: UInt = #line
  ) throws(EngineError) -> Tensor {
    let whole = try apply(ShapeOp(), detached(), file, line)
    var wanted = whole
    if let size {
      let first = try apply(ShapeOp(start: 0, end: 2), detached(), file, line)
      wanted = try concat([first, ints([size.height, size.width])], file: file, line: line)
    }
    let grid = try apply(AffineGrid(), maps, wanted, file, line)
    let padding = GridSample.Padding(rawValue: edge.rawValue) ?? .zeros
    return try apply(
      GridSample(mode: nearest ? .nearest : .linear, padding: padding), self, grid, file, line)
  }

  /// Resized along two axes, the others as they are; half-pixel coordinates, no antialiasing.
  ///
  /// - `firstAxis`: that of the height, the width behind it. - `nearest`: the nearest pixel, of two
  ///   as near the second.
  /// - Errors: `.shape`.
  public func resized(
    height: Int, width: Int, firstAxis: Int, nearest: Bool = false,
    file: StaticString = #fileID, line: UInt = #line
  ) throws(EngineError) -> Tensor {
    var parts = [try apply(ShapeOp(start: 0, end: firstAxis), detached(), file, line)]
    parts.append(try ints([height, width]))
    if firstAxis + 2 < shape.rank {
      parts.append(try apply(ShapeOp(start: firstAxis + 2), detached(), file, line))
    }
    let sizes = try concat(parts, file: file, line: line)
    var op = Resize(mode: nearest ? .nearest : .linear)
    op.rounding = .roundPreferCeil
    return try apply(op, [self, nil, nil, sizes], outputs: 1, file, line)[0]
  }
}
