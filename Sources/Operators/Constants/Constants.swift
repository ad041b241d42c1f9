import Graphs

/// Constants, shapes and casts.
enum Constants {
  static let operators: [any Operator.Type] = [
    BitCast.self,
    Cast.self,
    CastLike.self,
    Constant.self,
    ConstantOfShape.self,
    Dropout.self,
    Identity.self,
    RangeOp.self,
    ShapeOp.self,
    Size.self,
  ]
}
