import Graphs

/// Operators that read images and sample them at computed places.
enum Vision {
  static let operators: [any Operator.Type] = [
    AffineGrid.self,
    GridSample.self,
    ImageDecoder.self,
    MaxRoiPool.self,
    MaxRoiPoolGradient.self,
    RoiAlign.self,
    RoiAlignGradient.self,
  ]
}
