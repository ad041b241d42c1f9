import Formats
import Graphs
import Operators
import Runtime
import Tensors
import Testing

@testable import Quantization

/// What is refused, and how.
@Suite struct RefusalTests {
  private func failure(_ body: () throws -> Void) -> EngineError? {
    do { try body() } catch { return error as? EngineError }
    return nil
  }

  @Test func unknownNamesListNearOnes() throws {
    var options = QuantizationOptions(mode: .dynamic)
    let model = try Fixture.digitsCNN.model()
    let name = try Quantizer(model, options).layerNames[1]
    options.exclude = [String(name.dropLast())]
    let error = try #require(failure { _ = try Quantizer(model, options) })
    #expect(error.code == .usage && error.expected?.contains(name) == true)
    options.exclude = ["nothing*"]
    #expect(failure { _ = try Quantizer(model, options) }?.code == .usage)
    options.exclude = ["*"]
    #expect(failure { _ = try Quantizer(model, options) }?.code == .usage)
    options.exclude = [name]
    let rest = try Quantizer(model, options)
    #expect(!rest.layerNames.contains(name))
  }

  @Test func excludedLayersStayInFloat() throws {
    var options = QuantizationOptions(mode: .static)
    options.exclude = ["*head*", "*fc*", "*Gemm*"]
    let all = try Quantizer(try Fixture.digitsCNN.model(), .init(mode: .static)).layerNames
    options.exclude = [all[0]]
    let result = try Fixture.digitsCNN.quantised(options)
    #expect(result.report.kept.map(\.name) == [all[0]])
    let node = try #require(result.model.graph.nodes.first { $0.name == all[0] })
    let weights = try #require(node.inputs[1])
    #expect(result.model.graph.initializers.contains { $0.id == weights })
  }

  @Test func modelsQuantisedAlreadyAreRefused() throws {
    for mode in [QuantizationMode.static, .dynamic, .weights4] {
      let once = try Fixture.digitsTransformer.quantised(.init(mode: mode)).model
      let error = try #require(failure { _ = try Quantizer(once, .init(mode: .dynamic)) })
      #expect(error.code == .invalidModel && error.message.contains("already"))
    }
  }

  @Test(arguments: QuantizationMode.allCases) func nothingToQuantiseIsRefused(
    _ mode: QuantizationMode
  ) throws {
    let builder = GraphBuilder()
    let x = builder.graph.addInput("x", Fact(.float32, [3]))
    let y = try builder.apply(Relu(), x)
    builder.graph.outputs = [y]
    builder.graph.values[y.index].name = "y"
    var model = ModelGraph(builder.graph)
    model.opsets = [("", 17)]
    let error = try #require(failure { _ = try Quantizer(model, .init(mode: mode)) })
    #expect(error.code == .invalidModel && error.message.contains("nothing to quantise"))
  }

  @Test func badCalibrationIsRefused() throws {
    let model = try Fixture.digitsCNN.model()
    let ports = try Session(model).inputs
    let wrong = try Tensor(shape: [4, 1, 8, 9], [Float](repeating: 0, count: 288))
    let shape = try #require(failure { _ = try TensorBatches(["x": wrong], for: ports) })
    #expect(shape.code == .shape && shape.received?.contains("9") == true)
    #expect(failure { _ = try TensorBatches([:], for: ports) }?.code == .usage)
    let unknown = failure { _ = try TensorBatches(["x": wrong, "z": wrong], for: ports) }
    #expect(unknown?.code == .usage)
    let whole = try Tensor(shape: [4, 1, 8, 8], [Int64](repeating: 0, count: 256))
    #expect(failure { _ = try TensorBatches(["x": whole], for: ports) }?.code == .dtype)
    var holed = [Float](repeating: 0.5, count: 256)
    holed[130] = .nan
    let nan = try TensorBatches(
      ["x": try Tensor(shape: [4, 1, 8, 8], holed)], for: ports, batch: 2)
    let quantizer = try Quantizer(model, .init(mode: .static))
    let error = try #require(failure { _ = try quantizer.run(calibration: nan) })
    #expect(error.code == .value && error.received?.contains("row 3") == true)
    #expect(failure { _ = try quantizer.run() }?.code == .usage)
  }

  @Test func optionsThatMeanNothingAreRefused() {
    func code(_ mode: QuantizationMode, _ set: (inout QuantizationOptions) -> Void)
      -> EngineError.Code?
    {
      var o = QuantizationOptions(mode: mode)
      set(&o)
      let options = o
      return failure { try options.check() }?.code
    }
    #expect(code(.static) { $0.percentile = 10 } == .usage)
    #expect(code(.weights4) { $0.block = 24 } == .usage)
    #expect(code(.static) { $0.gptq = true } == .usage)
    #expect(code(.fp16) { $0.smooth = 0.5 } == .usage)
    #expect(code(.static) { $0.smooth = .nan } == .usage)
    #expect(code(.static) { $0.maxDrop = -1 } == .usage)
    #expect(code(.dynamic) { $0.attention = true } == .usage)
    #expect(code(.fp16) { $0.maxDrop = 0.1 } == .usage)
    #expect(code(.weights8) { $0.gptq = true } == nil)
  }

  @Test func labelsMustFit() throws {
    let (calibration, test, _) = try Fixture.digitsCNN.data()
    let quantizer = try Quantizer(try Fixture.digitsCNN.model(), .init(mode: .dynamic))
    let few = try Labels(try Tensor([1, 2, 3] as [Float]), metric: .accuracy)
    let error = try #require(
      failure { _ = try quantizer.run(calibration: calibration, test: test, labels: few) })
    #expect(error.code == .shape && error.message.contains("fewer labels"))
    #expect(failure { _ = try Labels(try Tensor([] as [Float]), metric: .mse) }?.code == .shape)
  }
}
