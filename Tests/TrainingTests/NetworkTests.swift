import Formats
import Foundation
import Glibc
import Tensors
import Testing
import Training

/// Whole networks in float64: the losses of 20 steps are PyTorch's. The networks and their numbers
/// are those of `tools/oracle/training/training_fixtures.py`.
@Suite struct NetworkTests {
  private final class Weights: Module {
    let list: [Parameter]
    init(_ shapes: [[Int]]) throws {
      list = try shapes.enumerated().map { k, shape in
        Parameter(
          try Tensor(
            shape: Shape(checking: shape),
            (0..<shape.reduce(1, *)).map { 0.5 * Glibc.cos(0.37 * Double($0) + Double(k)) }))
      }
    }
    subscript(_ i: Int) -> Tensor { list[i].value }
  }

  private func data(_ sizes: [Int]) throws -> Tensor {
    try Tensor(
      shape: Shape(checking: sizes),
      (0..<sizes.reduce(1, *)).map { Glibc.sin(0.61 * Double($0)) })
  }

  private func classes(_ n: Int) throws -> Tensor { try Tensor((0..<n).map { Int64($0 % 3) }) }

  private func check(
    _ name: String, _ shapes: [[Int]], _ rule: OptimizerRule,
    _ loss: (Weights) throws -> Tensor
  ) throws {
    let file = URL(filePath: #filePath).deletingLastPathComponent().appending(
      path: "Fixtures/networks.json")
    let json = try JSONParser.parse([UInt8](Foundation.Data(contentsOf: file)))
    let wanted = try #require(json.asObject?["losses"]?.asObject?[name]?.asArray)
    let model = try Weights(shapes)
    let optimizer = try Optimizer(model, rule)
    for (i, w) in wanted.enumerated() {
      guard case .double(let expected) = w else { continue }
      let (value, gradients) = try valueAndGradient(of: model, loss)
      try optimizer.update(gradients)
      #expect(abs(try value.scalar() - expected) < 1e-9, "\(name), step \(i)")
    }
    #expect(wanted.count == 20)
  }

  @Test func perceptron() throws {
    let (x, y) = (try data([6, 5]), try classes(6))
    try check("mlp", [[5, 8], [8], [8, 3], [3]], .torch.adamW(learningRate: 0.05)) { w in
      let h = try x.linear(w[0], w[1]).gelu()
      return try Loss.crossEntropy(h.linear(w[2], w[3]), y)
    }
  }

  @Test func lstm() throws {
    let (x, y) = (try data([7, 5, 4]), try classes(5))
    let rule = OptimizerRule.torch.sgd(learningRate: 0.5, momentum: 0.9, nesterov: true)
    try check("lstm", [[4, 12], [3, 12], [12], [3, 3]], rule) { w in
      var h = try Tensor.zeros([5, 3], dtype: .float64)
      var c = h
      for t in 0..<7 {
        let gates = try (x.element(t).matmul(w[0]) + h.matmul(w[1]) + w[2]).split(
          into: 4, axis: 1)
        c = try gates[1].sigmoid() * c + gates[0].sigmoid() * gates[2].tanh()
        h = try gates[3].sigmoid() * c.tanh()
      }
      return try Loss.crossEntropy(h.matmul(w[3]), y)
    }
  }

  @Test func attention() throws {
    let (x, y) = (try data([2, 5, 4]), try classes(10))
    let mask = try Tensor.ones([5, 5]).triangleUpper(1).cast(to: .bool)
    let rule = OptimizerRule.torch.adam(learningRate: 0.02, amsgrad: true)
    try check("attention", [[4, 12], [4, 4], [4, 3]], rule) { w in
      let parts = try x.matmul(w[0]).split(into: 3, axis: 2)
      let scores = try parts[0].matmul(parts[1].swapAxes(1, 2)) / 2
      let weights = try scores.maskedFill(mask, -1e9).softmax()
      let a = try weights.matmul(parts[2]).matmul(w[1]) + x
      let centre = try a - a.mean(axes: [-1], keepDims: true)
      let n = try centre / (a.variance(axes: [-1], keepDims: true) + 1e-5).squareRoot()
      return try Loss.crossEntropy(n.matmul(w[2]).reshape([10, 3]), y)
    }
  }

  private indirect enum Tree {
    case word(Int)
    case pair(Tree, Tree)
  }

  /// A Tree-LSTM: plain recursion over data of any shape.
  @Test func tree() throws {
    let trees: [Tree] = [
      .pair(.pair(.word(0), .word(1)), .word(2)),
      .pair(.word(1), .pair(.word(2), .pair(.word(0), .word(1)))), .word(2),
      .pair(.pair(.word(0), .word(2)), .pair(.word(1), .word(1))),
    ]
    func embed(_ t: Tree, _ w: Weights) throws -> (h: Tensor, c: Tensor) {
      switch t {
      case .word(let i):
        return (try w[0].slice(0, from: i, to: i + 1), try .zeros([1, 4], dtype: .float64))
      case .pair(let l, let r):
        let (a, b) = (try embed(l, w), try embed(r, w))
        let gates = try concat([a.h, b.h], axis: 1).linear(w[1], w[2]).split(into: 4, axis: 1)
        let c = try gates[0].sigmoid() * gates[3].tanh() + gates[1].sigmoid() * (a.c + b.c)
        return (try gates[2].sigmoid() * c.tanh(), c)
      }
    }
    let y = try classes(4)
    try check(
      "tree", [[3, 4], [8, 16], [16], [4, 3]], .torch.rmsprop(learningRate: 0.01)
    ) { w in
      let rows = try trees.map { try embed($0, w).h }
      return try Loss.crossEntropy(concat(rows).matmul(w[3]), y)
    }
  }
}
