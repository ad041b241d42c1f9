import Compiler
import Graphs
import Operators
import Runtime
import Tensors
import Testing

/// What the optimiser says of codes that it leaves in a network of numbers.
@Suite struct QuantizationLeftTests {
  private func reasons(
    shape: [Dim] = [2, 6], _ build: (GraphBuilder, ValueID) throws -> ValueID
  ) throws -> [String: String] {
    let builder = GraphBuilder()
    let x = builder.graph.addInput("x", Fact(.float32, shape))
    builder.graph.outputs = [try build(builder, x)]
    var model = ModelGraph(builder.graph)
    model.opsets = [("", 21), ("ai.dlrun", 1), ("com.microsoft", 1)]
    var optimizer = Optimizer(PassOptions(level: .all, isStrict: true))
    let log = RewriteLog()
    optimizer.log = log
    _ = try optimizer.run(
      model.graph, using: OperatorSet.builtIn.lookup(opsets: model.opsets))
    var result: [String: String] = [:]
    let starts = ["stays: ", "an image of bytes"]
    for e in log.entries where e.isMiss && starts.contains(where: { e.text.hasPrefix($0) }) {
      result[e.operatorName] = e.text
    }
    return result
  }

  @Test func neighboursInNumbersAreNamed() throws {
    let found = try reasons { b, x in
      let scale = try b.constant(Tensor(scalar: 0.05 as Float))
      let zero = try b.constant(Tensor(scalar: 3 as UInt8))
      let y = try b.apply(Hardmax(), x)
      let codes = try b.apply(QuantizeLinear(), inputs: [y, scale, zero])
      return try b.apply(Hardmax(), b.apply(DequantizeLinear(), inputs: [codes, scale, zero]))
    }
    #expect(found["QuantizeLinear"] == "stays: Hardmax works in numbers")
    #expect(found["DequantizeLinear"] == "stays: Hardmax works in numbers")
  }

  @Test func scalesThatHaveNoKernelsAreNamed() throws {
    let several = try reasons { b, x in
      let scales = try b.constant(Tensor([0.05, 0.1] as [Float]))
      let codes = try b.apply(QuantizeLinear(scales: .init(axis: 0)), inputs: [x, scales])
      return try b.apply(DequantizeLinear(scales: .init(axis: 0)), inputs: [codes, scales])
    }
    #expect(several["QuantizeLinear"]?.contains("2 scales") == true)
    let measured = try reasons { b, x in
      let scale = try b.apply(ReduceMax(ReduceAxes([0, 1], keepDims: false)), x)
      return try b.apply(QuantizeLinear(), inputs: [x, scale])
    }
    #expect(measured["QuantizeLinear"] == "stays: its scale is not constant")
  }

  @Test func imagesThatGoBackToNumbersSayWhoWantsThem() throws {
    func found(_ end: (GraphBuilder, ValueID) throws -> ValueID) throws -> String? {
      try reasons(shape: [1, 4, 5, 5]) { b, x in
        func scale(_ s: Float) throws -> ValueID { try b.constant(Tensor(scalar: s)) }
        let (zero, none) = (
          try b.constant(Tensor(scalar: 3 as UInt8)), try b.constant(Tensor(scalar: 0 as Int8))
        )
        func rounded(_ v: ValueID, _ s: Float) throws -> ValueID {
          let step = try scale(s)
          let codes = try b.apply(QuantizeLinear(), inputs: [v, step, zero])
          return try b.apply(DequantizeLinear(), inputs: [codes, step, zero])
        }
        let w = try b.constant(
          Tensor(shape: [4, 4, 3, 3], (0..<144).map { Int8($0 * 31 % 120 - 60) }))
        let weights = try b.apply(DequantizeLinear(), inputs: [w, try scale(0.02), none])
        let y = try b.apply(Conv(), inputs: [try rounded(x, 0.05), weights])
        return try end(b, rounded(y, 0.1))
      }["FromBytes"]
    }
    #expect(
      try found { b, y in try b.apply(Hardmax(), y) }
        == "an image of bytes goes back to numbers: Hardmax works in them")
    #expect(
      try found { _, y in y } == "an image of bytes goes back to numbers: the caller works in them")
  }
}
