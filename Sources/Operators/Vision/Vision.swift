import Graphs

/// Operators that sample images at computed places.
enum Vision {
  static let operators: [any Operator.Type] = [
    AffineGrid.self,
    GridSample.self,
    MaxRoiPool.self,
    RoiAlign.self,
  ]
}
