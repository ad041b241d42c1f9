import Compiler
import Graphs
import Operators
import Runtime
import Tensors
import Testing

/// What the optimiser says of codes that it leaves in a network of numbers.
@Suite struct QuantizationLeftTests {
  private func reasons(
    _ build: (GraphBuilder, ValueID) throws -> ValueID
  ) throws -> [String: String] {
    let builder = GraphBuilder()
    let x = builder.graph.addInput("x", Fact(.float32, [2, 6]))
    builder.graph.outputs = [try build(builder, x)]
    var model = ModelGraph(builder.graph)
    model.opsets = [("", 21), ("ai.dlrun", 1), ("com.microsoft", 1)]
    var optimizer = Optimizer(PassOptions(level: .all, isStrict: true))
    let log = RewriteLog()
    optimizer.log = log
    _ = try optimizer.run(
      model.graph, using: OperatorSet.builtIn.lookup(opsets: model.opsets))
    var result: [String: String] = [:]
    for e in log.entries where e.isMiss && e.text.hasPrefix("stays: ") {
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
}
