import Graphs
import Tensors

/// Transposed convolutions: the gradients of convolutions by their inputs.
enum TFTransposedConvolutions {
  static let operators: [TFOperator] = [
    TFOperator("Conv2DBackpropInput") { (c) throws(EngineError) in try convolution(c, axes: 2) },
    TFOperator("Conv3DBackpropInputV2") { (c) throws(EngineError) in try convolution(c, axes: 3) },
    TFOperator("DepthwiseConv2dNativeBackpropInput") { (c) throws(EngineError) in
      let b = c.b
      let filter = try c.tensor(1)
      let sizes = try b.sizes(filter)
      let isFirst = try c.isChannelsFirst()
      let x = try b.first(try c.tensor(2), isFirst)
      guard sizes.count == 4, sizes[3] == 1 else {
        throw EngineError(.unsupported, "several filters for a channel are not converted here")
      }
      // Each channel by itself: one group for each.
      let window = try TFConvolutions.window(c, axes: 2)
      let w = try b.arranged(filter, [2, 3, 0, 1])
      let made = try b.transposedConvolution(
        x, w, nil, window, output: try spatialSizes(c, isFirst, axes: 2), groups: sizes[2])
      return try b.last(made, isFirst)
    },
  ]

  /// Inputs: the sizes of the result, filters `[k..., O, I]`, the value.
  private static func convolution(_ c: TFCall, axes: Int) throws(EngineError) -> ValueID {
    let b = c.b
    let isFirst = try c.isChannelsFirst()
    let w = try b.arranged(try c.tensor(1), [axes + 1, axes] + Array(0..<axes))
    let x = try b.first(try c.tensor(2), isFirst)
    let made = try b.transposedConvolution(
      x, w, nil, try TFConvolutions.window(c, axes: axes),
      output: try spatialSizes(c, isFirst, axes: axes))
    return try b.last(made, isFirst)
  }

  private static func spatialSizes(
    _ c: TFCall, _ isFirst: Bool, axes: Int
  ) throws(EngineError) -> [Dim]? {
    guard let all = c.b.fact(of: try c.tensor(0)).elements else { return nil }
    if all.count == axes { return all }
    guard all.count == axes + 2 else {
      throw EngineError(.invalidModel, "the sizes of a transposed convolution have a wrong number")
    }
    return isFirst ? Array(all[2...]) : Array(all[1...axes])
  }
}
