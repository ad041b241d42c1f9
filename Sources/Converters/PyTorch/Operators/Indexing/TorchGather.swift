import Graphs
import Operators
import Tensors

/// Elements picked by place.
enum TorchGather {
  static let operators: [TorchOperator] = [
    .one("aten.embedding.default") { (c) throws(EngineError) in
      try c.builder.apply(Gather(axis: 0), try c.x("weight"), try c.x("indices"))
    },
    .one("aten.index_select.default") { (c) throws(EngineError) in
      let x = try c.x()
      let index = try c.x("index")
      let flat = try c.rank(index) == 0 ? try c.reshaped(index, [1]) : index
      return try c.builder.apply(
        Gather(axis: try c.axis(try c.int("dim"), try c.rank(x))), x, flat)
    },
    .one("aten.gather.default") { (c) throws(EngineError) in try gather(c, try c.int("dim")) },
    .one("aten.take_along_dim.default") { (c) throws(EngineError) in
      let (x, indices) = (try c.x(), try c.x("indices"))
      guard c.has("dim") else {
        return try c.builder.apply(
          Gather(axis: 0), try c.reshaped(x, [-1]), try c.reshaped(indices, [-1]))
      }
      return try c.builder.apply(
        GatherElements(axis: try c.axis(try c.int("dim"), try c.rank(x))), x, indices)
    },
    .one("aten.take.default") { (c) throws(EngineError) in
      try c.builder.apply(Gather(axis: 0), try c.reshaped(try c.x(), [-1]), try c.x("index"))
    },
    .one("aten.one_hot.default") { (c) throws(EngineError) in
      let classes = try c.int("num_classes", -1)
      guard classes > 0 else {
        throw EngineError(.unsupported, "'num_classes' has to be given")
      }
      return try c.builder.apply(
        OneHot(),
        inputs: [
          try c.x(), try c.builder.scalar(classes), try c.builder.ints([0, 1]),
        ])
    },
    .one("aten.bucketize.Tensor") { (c) throws(EngineError) in
      let (x, bounds) = (try c.x(), try c.x("boundaries"))
      let wide = try c.unsqueezed(x, [try c.rank(x)])
      let isAbove =
        try c.bool("right", false)
        ? try c.builder.apply(LessOrEqual(), bounds, wide)
        : try c.builder.apply(Less(), bounds, wide)
      return try TorchReduction.reduced(c, try c.cast(isAbove, try c.result()), [-1], false) {
        ReduceSum($0)
      }
    },
  ]

  private static func gather(_ c: TorchCall, _ dim: Int) throws(EngineError) -> ValueID {
    let (x, index) = (try c.x(), try c.x("index"))
    guard try c.rank(x) > 0 else { return x }
    return try c.builder.apply(
      GatherElements(axis: try c.axis(dim, try c.rank(x))), x, index)
  }
}
