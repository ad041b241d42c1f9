import DLRun
import Graphs
import Operators
import TestSupport
import Tensors
import Testing

/// Inputs large enough that work is really split give the same bits with any number of threads.
@Suite struct ThreadsTests {
  /// A node with the shapes of its float inputs and any integer inputs after them.
  struct Work: Sendable, CustomStringConvertible {
    var type: String
    var attributes: [Attribute] = []
    var shapes: [[Int]]
    var integers: [[Int64]] = []
    var outputs = 1
    var description: String { "\(type) \(attributes.map(\.name)) \(shapes)" }
  }

  static let work: [Work] = elementwise + reductions + products + images + sequences

  static let elementwise: [Work] = [
    Work(type: "Add", shapes: [[61, 1, 517], [3, 517]]),
    Work(type: "Tanh", shapes: [[70_001]]),
    Work(type: "Erf", shapes: [[70_001]]),
    Work(type: "Clip", shapes: [[70_001]]),
    Work(type: "Sum", shapes: [[33, 1, 517], [5, 517], [517]]),
    Work(type: "Transpose", attributes: [.ints("perm", [2, 0, 1])], shapes: [[37, 71, 53]]),
    Work(type: "Concat", attributes: [.int("axis", 1)], shapes: [[67, 40, 31], [67, 9, 31]]),
    Work(type: "Expand", shapes: [[41, 1, 43]], integers: [[5, 41, 29, 43]]),
    Work(type: "Pad", shapes: [[61, 71, 23]], integers: [[1, 2, 3, 4, 5, 6]]),
    Work(
      type: "Gather", attributes: [.int("axis", 1)], shapes: [[40, 50, 33]],
      integers: [[7, 3, 49, -1]]),
  ]

  static let reductions: [Work] = [
    Work(type: "ReduceSum", shapes: [[3, 40_001]], integers: [[1]]),
    Work(type: "ReduceSum", shapes: [[40_001, 3]], integers: [[0]]),
    Work(type: "ReduceMean", shapes: [[101, 601]], integers: [[0, 1]]),
    Work(type: "ReduceLogSumExp", shapes: [[37, 41, 53]], integers: [[1]]),
    Work(type: "ReduceProd", shapes: [[37, 41, 53]], integers: [[0, 2]]),
    Work(type: "ArgMax", attributes: [.int("axis", 1)], shapes: [[41, 701, 3]]),
    Work(type: "Softmax", attributes: [.int("axis", -1)], shapes: [[103, 517]]),
    Work(type: "Softmax", attributes: [.int("axis", 1)], shapes: [[13, 103, 41]]),
    Work(type: "LogSoftmax", attributes: [.int("axis", -1)], shapes: [[103, 517]]),
    Work(type: "CumSum", shapes: [[7001]], integers: [[0]]),
    Work(type: "LayerNormalization", shapes: [[103, 517], [517], [517]], outputs: 3),
    Work(type: "InstanceNormalization", shapes: [[3, 7, 41, 43], [7], [7]]),
    Work(
      type: "GroupNormalization", attributes: [.int("num_groups", 2)],
      shapes: [[3, 8, 41, 43], [8], [8]]),
    Work(type: "TopK", shapes: [[41, 703]], integers: [[9]], outputs: 2),
  ]

  static let products: [Work] = [
    Work(type: "MatMul", shapes: [[131, 517], [517, 97]]),
    Work(type: "MatMul", shapes: [[1, 1031], [1031, 517]]),
    Work(type: "MatMul", shapes: [[9, 31, 43], [9, 43, 29]]),
    Work(
      type: "Gemm", attributes: [.int("transA", 1), .int("transB", 1)],
      shapes: [[301, 67], [83, 301], [83]]),
    Work(
      type: "Einsum", attributes: [.string("equation", "bij,bkj->bik")],
      shapes: [[7, 31, 43], [7, 29, 43]]),
    Work(type: "Attention", shapes: [[2, 5, 67, 16], [2, 5, 71, 16], [2, 5, 71, 16]]),
  ]

  static let images: [Work] = [
    Work(
      type: "Conv", attributes: [.ints("pads", [1, 1, 1, 1])],
      shapes: [[2, 19, 31, 33], [37, 19, 3, 3], [37]]),
    Work(
      type: "Conv", attributes: [.ints("strides", [2, 2])],
      shapes: [[1, 19, 31, 33], [37, 19, 1, 1]]),
    Work(
      type: "Conv", attributes: [.int("group", 40)], shapes: [[1, 40, 51, 53], [40, 1, 3, 3]]),
    Work(type: "Conv", shapes: [[2, 5, 301], [7, 5, 9]]),
    Work(
      type: "ConvTranspose", attributes: [.ints("strides", [2, 2])],
      shapes: [[1, 17, 23, 21], [17, 13, 3, 3]]),
    Work(
      type: "MaxPool", attributes: [.ints("kernel_shape", [3, 3])], shapes: [[2, 17, 51, 53]],
      outputs: 2),
    Work(
      type: "AveragePool", attributes: [.ints("kernel_shape", [5, 3])], shapes: [[2, 17, 51, 53]]),
    Work(type: "GlobalAveragePool", shapes: [[2, 67, 51, 53]]),
    Work(type: "LRN", attributes: [.int("size", 5)], shapes: [[2, 17, 31, 33]]),
    Work(
      type: "BatchNormalization", attributes: [.float("epsilon", 9)],
      shapes: [[2, 17, 31, 33], [17], [17], [17], [17]]),
    Work(type: "GridSample", shapes: [[2, 7, 31, 33], [2, 41, 43, 2]]),
    Work(type: "DFT", shapes: [[67, 360, 1]]),
  ]

  static let sequences: [Work] = [
    Work(
      type: "LSTM", attributes: [.int("hidden_size", 67), .string("direction", "bidirectional")],
      shapes: [[9, 5, 43], [2, 268, 43], [2, 268, 67], [2, 536]], outputs: 3),
    Work(
      type: "GRU", attributes: [.int("hidden_size", 67)],
      shapes: [[9, 5, 43], [1, 201, 43], [1, 201, 67], [1, 402]], outputs: 2),
    Work(
      type: "RNN", attributes: [.int("hidden_size", 67)],
      shapes: [[9, 5, 43], [1, 67, 43], [1, 67, 67]], outputs: 2),
  ]

  @Test(arguments: work) func threadsDoNotChangeAnyBit(_ w: Work) throws {
    var g = Graph()
    var ids: [ValueID?] = []
    var inputs: [String: Tensor] = [:]
    var state: UInt32 = 12345
    for (i, shape) in w.shapes.enumerated() {
      let count = shape.reduce(1, *)
      let values = (0..<count).map { _ -> Float in
        state = state &* 1_664_525 &+ 1_013_904_223
        return Float(Int32(state >> 8) - (1 << 23)) / Float(1 << 23)
      }
      inputs["x\(i)"] = try Tensor(shape: Shape(shape), values)
      ids.append(g.addInput("x\(i)", Fact(TensorType(.float32, Shape(shape)))))
    }
    for (i, values) in w.integers.enumerated() {
      ids.append(g.addInitializer("n\(i)", try Tensor(values)))
    }
    let outputs = (0..<w.outputs).map { g.addValue("y\($0)", Fact(nil, nil)) }
    g.nodes = [
      .init(name: "node", type: w.type, attributes: w.attributes, inputs: ids, outputs: outputs)
    ]
    g.outputs = outputs
    var model = Model(g)
    model.opsets = [("", w.type == "GroupNormalization" ? 21 : 23)]
    let want = try Session(model, options: .init(threads: 1)).run(inputs)
    for threads in [2, 3] {
      let got = try Session(model, options: .init(threads: threads)).run(inputs)
      for i in 0..<w.outputs {
        let (a, b) = (try #require(got[i]), try #require(want[i]))
        #expect(haveSameBits(.tensor(a), .tensor(b)), "\(w), output \(i), \(threads) threads")
      }
    }
  }
}
