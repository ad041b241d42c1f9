import Graphs
import Operators
import Tensors
import Testing

@testable import Converters

@Suite struct WeightTransferTests {
  /// `x W + b`, then a square product, then `x V^T` by Gemm.
  private func model() throws -> ModelGraph {
    let b = ConversionBuilder()
    let x = b.input("x", Fact(.float32, [2, 3]))
    let w = b.weight(
      "net.first.weight", try Tensor(shape: [3, 4], [Float](repeating: 0, count: 12)))
    let bias = b.weight("net.first.bias", try Tensor([0, 0, 0, 0] as [Float]))
    let square = b.weight(
      "net.second.weight", try Tensor(shape: [4, 4], [Float](repeating: 0, count: 16)))
    let last = b.weight(
      "net.last.weight", try Tensor(shape: [2, 4], [Float](repeating: 0, count: 8)))
    let y = try b.apply(Add(), try b.apply(MatMul(), x, w), bias)
    let z = try b.apply(MatMul(), y, square)
    try b.output("y", try b.apply(Gemm(transB: true), z, last))
    return ModelGraph(b.graph)
  }

  private func file(_ prefix: String) throws -> [(name: String, value: Tensor)] {
    [
      (
        "\(prefix)first.weight",
        try Tensor(shape: [4, 3], (0..<12).map { Float($0) })
      ),
      ("\(prefix)first.bias", try Tensor([1, 2, 3, 4] as [Float])),
      ("\(prefix)second.weight", try Tensor(shape: [4, 4], (0..<16).map { Float($0) })),
      ("\(prefix)last.weight", try Tensor(shape: [2, 4], (0..<8).map { Float($0) })),
      ("\(prefix)counter", try Tensor(scalar: Int64(3))),
    ]
  }

  private func weight(_ model: ModelGraph, _ name: String) throws -> [Float] {
    let found = model.graph.initializers.first { model.graph.name($0.id) == name }
    return try #require(found).tensor.values(as: Float.self)
  }

  @Test(arguments: ["net.", "model.net.", ""]) func namesMatchExactlyOrByTheirEnds(
    prefix: String
  ) throws {
    var model = try model()
    let report = try WeightTransfer.apply(try file(prefix), to: &model)
    #expect(report.matched.count == 4 && report.missing.isEmpty)
    #expect(report.leftOver == ["\(prefix)counter"])
    #expect(try weight(model, "net.first.bias") == [1, 2, 3, 4])
    // Dense layers are turned, square ones as the others are; Gemm with transB is not.
    #expect(try weight(model, "net.first.weight").prefix(4) == [0, 3, 6, 9])
    #expect(try weight(model, "net.second.weight").prefix(4) == [0, 4, 8, 12])
    #expect(try weight(model, "net.last.weight") == (0..<8).map { Float($0) })
    #expect(report.lines.first?.contains("4 weights") == true)
  }

  @Test func squareMatricesFollowTheOthers() throws {
    var model = try model()
    var tensors = try file("net.")
    tensors[0].value = try Tensor(shape: [3, 4], (0..<12).map { Float($0) })
    let report = try WeightTransfer.apply(tensors, to: &model)
    #expect(report.matched.allSatisfy { !$0.isTransposed })
    #expect(try weight(model, "net.second.weight").prefix(4) == [0, 1, 2, 3])
  }

  @Test func nothingIsPutOnUnlessAllFits() throws {
    var model = try model()
    var tensors = try file("net.")
    tensors[1].value = try Tensor([1, 2, 3] as [Float])
    let error = refusal { try WeightTransfer.apply(tensors, to: &model) }
    #expect(error?.code == .shape && error?.message.contains("net.first.bias") == true)
    #expect(try weight(model, "net.last.weight").allSatisfy { $0 == 0 })
  }

  @Test func missingWeightsNeedToBeAllowed() throws {
    var model = try model()
    var tensors = try file("net.")
    tensors.remove(at: 1)
    let error = refusal { try WeightTransfer.apply(tensors, to: &model) }
    #expect(error?.code == .usage && error?.message.contains("net.first.bias") == true)
    let report = try WeightTransfer.apply(tensors, to: &model, isPartial: true)
    #expect(report.missing == ["net.first.bias"] && report.matched.count == 3)
    #expect(
      refusal { try WeightTransfer.apply([("z", tensors[0].value)], to: &model, isPartial: true) }?
        .code == .usage)
  }

  @Test func namesThatFitSeveralAreNotGuessed() throws {
    let names = WeightNames(
      model: ["a.fc.weight", "b.weight"], file: ["x.a.fc.weight", "y.a.fc.weight", "z.b.weight"])
    #expect(names.matches == ["b.weight": "z.b.weight"])
    #expect(names.ambiguous["a.fc.weight"]?.count == 2)
  }

  @Test func otherFloatsAreConverted() throws {
    var model = try model()
    var tensors = try file("net.")
    tensors[1].value = try Tensor([1, 2, 3, 4] as [Double])
    _ = try WeightTransfer.apply(tensors, to: &model)
    #expect(try weight(model, "net.first.bias") == [1, 2, 3, 4])
  }

  @Test func recordedModelsTakeWeightsBeforeTheyAreFolded() throws {
    var options = ConversionOptions()
    options.adjust = { (model: inout ModelGraph) in
      ["\(model.graph.initializers.count) initializers"]
    }
    let result = try Conversion.convert(
      path: "\(TorchFiles.folder)/linear.pt2", options: options)
    #expect(result.wasAdjusted && result.notes.contains { $0.hasSuffix("initializers") })
  }
}
