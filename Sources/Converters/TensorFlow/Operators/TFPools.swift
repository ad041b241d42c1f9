import Graphs
import Tensors

/// Maxima and averages of windows.
enum TFPools {
  static let operators: [TFOperator] = [
    TFOperator("MaxPool") { (c) throws(EngineError) in try pool(c, axes: 2, isMaximum: true) },
    TFOperator("AvgPool") { (c) throws(EngineError) in try pool(c, axes: 2, isMaximum: false) },
    TFOperator("MaxPool3D") { (c) throws(EngineError) in try pool(c, axes: 3, isMaximum: true) },
    TFOperator("AvgPool3D") { (c) throws(EngineError) in try pool(c, axes: 3, isMaximum: false) },
    TFOperator("MaxPoolV2") { (c) throws(EngineError) in
      try pool(
        c, axes: 2, isMaximum: true, kernel: try c.ints(1), strides: try c.ints(2))
    },
    .many("MaxPoolWithArgmax", "without the places", outputs: ["output", "argmax"]) {
      (c) throws(EngineError) in
      [.tensor(try pool(c, axes: 2, isMaximum: true))]
    },
  ]

  private static func pool(
    _ c: TFCall, axes: Int, isMaximum: Bool, kernel: [Int]? = nil, strides: [Int]? = nil
  ) throws(EngineError) -> ValueID {
    let isFirst = try c.isChannelsFirst()
    let stated = try c.a.ints("ksize")
    let sizes = kernel ?? stated
    guard sizes.count == axes + 2 else {
      throw EngineError(.invalidModel, "the window has the wrong number of sizes")
    }
    guard (isFirst ? [sizes[0], sizes[1]] : [sizes[0], sizes[axes + 1]]) == [1, 1] else {
      throw EngineError(.unsupported, "windows over batch and channels are not converted")
    }
    func spatial(_ list: [Int]) -> [Int] {
      isFirst ? Array(list[2...]) : Array(list[1...axes])
    }
    var window = try TFConvolutions.window(c, axes: axes)
    if let strides {
      guard strides.count == axes + 2 else {
        throw EngineError(.invalidModel, "there is a wrong number of strides")
      }
      window.strides = spatial(strides)
    }
    let b = c.b
    let x = try b.first(try c.tensor(0), isFirst)
    return try b.last(
      try b.pool(x, spatial(sizes), window, isMaximum: isMaximum), isFirst)
  }
}
