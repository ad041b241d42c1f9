import Graphs
import Operators
import Tensors

// The forms of operators that quantising starts from.

extension GraphEditor {
  /// Takes alpha and beta of each Gemm into its constants.
  func foldGemmFactors() throws(EngineError) {
    for i in nodes {
      guard let gemm: Gemm = op(i), gemm.alpha != 1 || gemm.beta != 1, let y = output(i),
        let b = input(i, 1), let weights = constant(b), weights.dtype == .float32, maker(b) == nil
      else { continue }
      var inputs = node(i).inputs
      if let c = input(i, 2), gemm.beta != 1 {
        guard let bias = constant(c), bias.dtype == .float32 else { continue }
        inputs[2] = addConstant(try bias.times(gemm.beta), name: graph.name(c) + "_scaled")
      }
      if gemm.alpha != 1 {
        inputs[1] = addConstant(try weights.times(gemm.alpha), name: graph.name(b) + "_scaled")
      }
      let plain = Gemm(transA: gemm.transA, transB: gemm.transB)
      var made = Graph.Node(
        name: node(i).name, type: node(i).type, attributes: plain.attributes, inputs: inputs,
        outputs: [y])
      made.op = plain
      append(made, at: i)
      remove(i)
    }
  }

  /// Writes the mean over all of an image as GlobalAveragePool, which runtimes have for integers.
  func nameGlobalMeans() throws(EngineError) {
    for i in nodes {
      guard let mean: ReduceMean = op(i), let x = input(i, 0), let y = output(i),
        let rank = dims(x)?.count, rank >= 3, dtype(x) == .float32,
        let axes = mean.axes.list ?? fact(input(i, 1) ?? x).knownInts,
        Set(axes.map { $0 < 0 ? $0 + rank : $0 }) == Set(2..<rank)
      else { continue }
      let name = node(i).name
      let pool = GlobalAveragePool()
      let facts = try pool.infer(Inference(inputs: [fact(x)], outputCount: 1))
      let pooled = mean.axes.keepDims ? y : addValue(name + "_pooled", facts[0])
      var first = Graph.Node(
        name: name, type: "GlobalAveragePool", attributes: pool.attributes, inputs: [x],
        outputs: [pooled])
      first.op = pool
      append(first, at: i)
      if !mean.axes.keepDims {
        let flatten = Flatten()
        var second = Graph.Node(
          name: name + "_flatten", type: "Flatten", attributes: flatten.attributes,
          inputs: [pooled], outputs: [y])
        second.op = flatten
        append(second, at: i)
      }
      remove(i)
    }
  }
}

extension Tensor {
  /// Elements of float32 multiplied.
  fileprivate func times(_ factor: Float) throws(EngineError) -> Tensor {
    try Tensor(shape: shape, elements(Float.self).map { $0 * factor })
  }
}
