import Graphs
import Operators
import Tensors

/// Images at another size.
enum TorchResize {
  static let operators: [TorchOperator] = TorchOperator.joined(
    forms("upsample_nearest1d", 1, .nearest), forms("upsample_nearest2d", 2, .nearest),
    forms("upsample_nearest3d", 3, .nearest), forms("upsample_linear1d", 1, .linear),
    forms("upsample_bilinear2d", 2, .linear), forms("upsample_trilinear3d", 3, .linear),
    forms("_upsample_nearest_exact1d", 1, .nearest, isExact: true),
    forms("_upsample_nearest_exact2d", 2, .nearest, isExact: true),
    forms("_upsample_nearest_exact3d", 3, .nearest, isExact: true),
    forms("upsample_bicubic2d", 2, .cubic),
    forms("_upsample_bilinear2d_aa", 2, .linear, antialias: true),
    forms("_upsample_bicubic2d_aa", 2, .cubic, antialias: true))

  private static func forms(
    _ name: String, _ n: Int, _ mode: Resize.Mode, isExact: Bool = false, antialias: Bool = false
  ) -> [TorchOperator] {
    ["vec", "default"].map { overload in
      TorchOperator.one("aten.\(name).\(overload)") { (c) throws(EngineError) in
        let x = try c.x(overload == "vec" ? "input" : "self")
        var op = Resize(mode: mode, coordinates: .halfPixel, antialias: antialias)
        if mode == .nearest {
          // PyTorch's nearest takes the floor of the scaled place; its exact form the centre's.
          op.coordinates = isExact ? .halfPixel : .asymmetric
          op.rounding = isExact ? .roundPreferCeil : .floor
        } else if try c.bool("align_corners", false) {
          op.coordinates = .alignCorners
        }
        // Keys' kernel: -0.5 where it is antialiased.
        if mode == .cubic { op.cubicA = antialias ? -0.5 : -0.75 }
        if antialias { op.excludesOutside = true }
        return try resized(c, x, n, op)
      }
    }
  }

  private static func resized(
    _ c: TorchCall, _ x: ValueID, _ n: Int, _ op: Resize
  ) throws(EngineError) -> ValueID {
    let b = c.builder
    guard try c.rank(x) == n + 2 else {
      throw EngineError(.malformed, "the operand does not have \(n) spatial axes")
    }
    let single =
      n == 1
      ? ["scales"]
      : n == 2
        ? ["scales_h", "scales_w"]
        : ["scales_d", "scales_h", "scales_w"]
    var scales = try c.doubles("scale_factors") ?? []
    if scales.isEmpty {
      for name in single { if let s = try c.number(name) { scales.append(s.double) } }
    }
    if scales.count == n, op.coordinates != .alignCorners {
      let list = try b.constant(
        try Tensor(shape: [n + 2], [1, 1] + scales.map { Float($0) }))
      return try b.apply(op, inputs: [x, nil, list])
    }
    var sizes = try c.sizes("output_size") ?? []
    if sizes.isEmpty {
      // Corners are aligned by sizes: those that the scales make.
      for (i, scale) in scales.enumerated() {
        guard let size = try c.dims(x)[i + 2].known else {
          let list = try b.constant(
            try Tensor(shape: [n + 2], [1, 1] + scales.map { Float($0) }))
          return try b.apply(op, inputs: [x, nil, list])
        }
        guard let made = Int(exactly: (Double(size) * scale).rounded(.down)) else {
          throw EngineError(.malformed, "'scale_factors' is out of range")
        }
        sizes.append(.known(made))
      }
    }
    guard sizes.count == n else {
      throw EngineError(.malformed, "neither sizes nor scales fit the operator")
    }
    let whole = [try c.size(of: x, 0), try c.size(of: x, 1)] + sizes
    return try b.apply(op, inputs: [x, nil, nil, try c.vector(whole)])
  }
}
