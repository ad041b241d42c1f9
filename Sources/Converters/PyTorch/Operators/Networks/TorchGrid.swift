import Graphs
import Operators
import Tensors

/// Images read at the places of a grid.
enum TorchGrid {
  static let operators: [TorchOperator] = [
    .one("aten.grid_sampler.default", sample), .one("aten.grid_sampler_2d.default", sample),
    .one("aten.grid_sampler_3d.default", sample),
    .one("aten.affine_grid_generator.default") { (c) throws(EngineError) in
      try c.builder.apply(
        AffineGrid(alignsCorners: try c.bool("align_corners", false)), try c.x("theta"),
        try c.vector(try c.sizes("size") ?? []))
    },
  ]

  @Sendable private static func sample(_ c: TorchCall) throws(EngineError) -> ValueID {
    let modes: [GridSample.Mode] = [.linear, .nearest, .cubic]
    let paddings: [GridSample.Padding] = [.zeros, .border, .reflection]
    let (mode, padding) = (try c.int("interpolation_mode"), try c.int("padding_mode"))
    guard modes.indices.contains(mode), paddings.indices.contains(padding) else {
      throw EngineError(.malformed, "the mode or the padding is out of range")
    }
    return try c.builder.apply(
      GridSample(
        mode: modes[mode], padding: paddings[padding],
        alignsCorners: try c.bool("align_corners", false)), try c.x("input"), try c.x("grid"))
  }
}
