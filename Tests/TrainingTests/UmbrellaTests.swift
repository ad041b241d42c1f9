import DLTrain
import Foundation
import Testing

private final class Line: Layer {
  let weight: Parameter
  let bias: Parameter
  init(_ slope: Float) throws {
    weight = Parameter(try Tensor([[slope], [-0.25]]))
    bias = Parameter(try Tensor([0.1 as Float]))
    super.init()
  }
  override func forward(_ x: Tensor) throws -> Tensor { try x.linear(weight.value, bias.value) }
}

/// What `import DLTrain` gives is enough for the README's code.
@Suite struct UmbrellaTests {
  /// `Tensors` has a function of the same name through which no gradient flows.
  @Test func gradientsFlowThroughReshaped() throws {
    let line = try Line(0.5)
    let shape: Shape = [6]
    let (_, gradients) = try valueAndGradient(of: line) {
      try $0(Tensor([[1, 2], [3, 4], [5, 6]]).reshaped([3, 2])).reshaped([3]).reshaped([3, 1])
        .sum()
    }
    #expect(Array(try #require(gradients[line.weight]).elements(Float.self)) == [9, 12])
    #expect(try Tensor([[1, 2], [3, 4], [5, 6]]).reshaped(shape).shape == [6])
  }

  @Test func aModelFromAFileTrainsOn() throws {
    let folder = FileManager.default.temporaryDirectory
    let path = folder.appending(path: "dlrun-\(UUID()).onnx").path
    let tuned = folder.appending(path: "dlrun-\(UUID()).onnx").path
    defer { for file in [path, tuned] { try? FileManager.default.removeItem(atPath: file) } }
    let x = try Tensor([[1, 2], [0.5, -1], [-2, 0.25]])
    let y = try Tensor([[3], [-1.5], [-0.5]])
    try exportONNX(Line(0.5), to: path, inputs: [("x", x)]) { line, inputs in
      [("y", try line(inputs[0]))]
    }
    func loss(_ file: String) throws -> Double {
      try ImportedModel(contentsOf: file)([x])[0].squaredDifference(y).mean().asDouble(0) ?? .nan
    }
    let model = try ImportedModel(contentsOf: path)
    let optimizer = try Optimizer(model, .torch.adam(learningRate: 0.01))
    for _ in 0..<20 {
      let (_, gradients) = try valueAndGradient(of: model) {
        try $0([x])[0].squaredDifference(y).mean()
      }
      try optimizer.update(gradients)
    }
    try model.write(to: tuned)
    #expect(try loss(tuned) < loss(path))
  }
}
