import Graphs

/// Operators that move elements or change shapes.
enum Layout {
  static let operators: [any Operator.Type] = [
    CenterCropPad.self,
    Concat.self,
    DepthToSpace.self,
    Expand.self,
    Flatten.self,
    Pad.self,
    Reshape.self,
    Resize.self,
    ResizeGradient.self,
    Slice.self,
    SpaceToDepth.self,
    Split.self,
    Squeeze.self,
    Tile.self,
    Transpose.self,
    Unsqueeze.self,
    Upsample.self,
  ]
}
