import Formats
import Graphs
import Runtime
import Tensors
import Testing

@testable import Quantization

/// Networks that were trained, and what is left of their accuracy.
@Suite struct TrainedModelTests {
  static let sound: [Fixture] = [.digitsCNN, .digitsTransformer, .cancerMLP]

  private func lost(_ result: QuantizedModel) throws -> Double {
    let metric = try #require(result.report.metric)
    #expect(metric.kind == .accuracy && metric.before > 0.9)
    return metric.before - metric.after
  }

  @Test(arguments: sound, CalibrationMethod.allCases) func staticStaysWithinHalfAPercent(
    _ fixture: Fixture, _ method: CalibrationMethod
  ) throws {
    var options = QuantizationOptions(mode: .static)
    options.method = method
    let result = try fixture.quantised(options)
    #expect(try lost(result) <= 0.005)
    let kinds = Set(result.model.graph.nodes.map(\.type))
    #expect(kinds.contains("QuantizeLinear") && kinds.contains("DequantizeLinear"))
    #expect(result.report.parameterBytes.after < result.report.parameterBytes.before / 2)
    #expect(result.report.layers.allSatisfy { ($0.activations ?? 0) > 5 })
  }

  @Test(arguments: sound) func choicesStayWithinHalfAPercent(_ fixture: Fixture) throws {
    var options = QuantizationOptions(mode: .static)
    options.symmetric = true
    #expect(try lost(fixture.quantised(options)) <= 0.005)
    options.symmetric = false
    options.attention = true
    options.biasCorrection = true
    options.smooth = 0.5
    #expect(try lost(fixture.quantised(options)) <= 0.005)
  }

  @Test(arguments: sound, [QuantizationMode.dynamic, .weights8, .fp16])
  func othersStayWithinHalfAPercent(_ fixture: Fixture, _ mode: QuantizationMode) throws {
    let result = try fixture.quantised(.init(mode: mode))
    #expect(try lost(result) <= 0.005)
    #expect(try #require(result.report.outputs.first).ratio > 20)
  }

  @Test(arguments: sound, WeightFormat.allCases) func fourBitsStayClose(
    _ fixture: Fixture, _ format: WeightFormat
  ) throws {
    var options = QuantizationOptions(mode: .weights4)
    options.format = format
    let near = try fixture.quantised(options)
    options.gptq = true
    let better = try fixture.quantised(options)
    #expect(try lost(near) <= 0.03 && lost(better) <= 0.03)
    let (a, b) = (near.report.outputs[0].relative, better.report.outputs[0].relative)
    #expect(b < a * 1.1)
    let isNBits = better.model.graph.nodes.contains { $0.type == "MatMulNBits" }
    #expect(isNBits == (format == .matmulnbits))
  }

  @Test func bfloat16Runs() throws {
    let result = try Fixture.digitsTransformer.quantised(.init(mode: .bf16))
    #expect(try lost(result) <= 0.02)
  }

  @Test func outliersAreSavedByItself() throws {
    var options = QuantizationOptions(mode: .static)
    options.perChannel = false
    let broken = try Fixture.digitsOutliers.quantised(options)
    #expect(try lost(broken) > 0.05)
    options.maxDrop = 0.01
    let saved = try Fixture.digitsOutliers.quantised(options)
    #expect(try lost(saved) <= 0.01)
    #expect(!saved.report.kept.isEmpty && !saved.report.layers.isEmpty)
    #expect(saved.report.kept.count + saved.report.layers.count == broken.report.layers.count)
    let text = try #require(saved.model.metadata("dlrun.quantization"))
    for k in saved.report.kept { #expect(text.contains(k.name)) }
    // The worst come first.
    let order = broken.report.layers.compactMap(\.activations)
    #expect(order == order.sorted())
  }

  @Test func theSameModelComesOutTwice() throws {
    let options = QuantizationOptions(mode: .static)
    let a = try ONNXWriter.bytes(Fixture.digitsCNN.quantised(options).model)
    let b = try ONNXWriter.bytes(Fixture.digitsCNN.quantised(options).model)
    #expect(a == b)
  }

  @Test(arguments: QuantizationMode.allCases) func whatIsWrittenReadsBack(
    _ mode: QuantizationMode
  ) throws {
    let fixture = Fixture.digitsTransformer
    let result = try fixture.quantised(.init(mode: mode))
    // onnxruntime refuses two nodes of one name.
    let names = result.model.graph.nodes.map(\.name).filter { !$0.isEmpty }
    #expect(Set(names).count == names.count)
    let read = try ModelFile.read(bytes: try ONNXWriter.bytes(result.model))
    #expect(read.graph.inputs.map { read.graph.name($0) } == ["x"])
    #expect(read.graph.outputs.map { read.graph.name($0) } == ["logits"])
    let (_, test, _) = try fixture.data()
    let (a, b) = (try Session(result.model), try Session(read, options: .init(optimization: .none)))
    try test.forEachBatch { (inputs, _) throws(EngineError) in
      let (x, y) = (try a.run(inputs), try b.run(inputs))
      guard let x = x[0], let y = y[0] else { return false }
      for (p, q) in zip(x.elements(Float.self), y.elements(Float.self)) {
        #expect(abs(p - q) < 0.6)
      }
      return false
    }
  }
}
