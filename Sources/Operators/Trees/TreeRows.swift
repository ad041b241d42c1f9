import Graphs
import Kernels
import Tensors

/// Rows of features, as the tree operators take them: `[N, F]`, or `[F]` for one row.
struct TreeRows {
  let count: Int
  let features: Int

  /// Errors: `.shape` for other ranks.
  init(_ shape: Shape) throws(EngineError) {
    switch shape.rank {
    case 1: (count, features) = (1, shape[0])
    case 2: (count, features) = (shape[0], shape[1])
    default:
      throw EngineError(
        .shape, "expected rows of features", expected: "[N, F] or [F]", received: "\(shape)")
    }
  }

  /// N, where the rank is known.
  static func dim(_ c: Inference, _ forest: DecisionForest) throws(EngineError) -> Dim? {
    guard let dims = c.dims(0) else { return nil }
    guard dims.count == 1 || dims.count == 2 else {
      throw EngineError(
        .shape, "expected rows of features", expected: "[N, F] or [F]", received: "\(dims)")
    }
    if let f = dims[dims.count - 1].known, f < forest.featureCount {
      throw EngineError(
        .shape, "rows are too short for the trees", expected: "\(forest.featureCount) features",
        received: "\(f)")
    }
    return dims.count == 1 ? 1 : dims[0]
  }
}
