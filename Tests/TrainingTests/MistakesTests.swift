import Glibc
import Tensors
import Testing
import Training

private final class Dense: Layer {
  let weight: Parameter
  let bias: Parameter
  init(_ inputs: Int, _ outputs: Int, dtype: DType = .float32) throws {
    weight = Parameter(try .glorotUniform([inputs, outputs], dtype: dtype))
    bias = Parameter(try .zeros([outputs], dtype: dtype))
  }
  override func forward(_ x: Tensor) throws -> Tensor {
    try x.linear(weight.value, bias.value)
  }
}

private final class Net: Module {
  let hidden: Dense
  let out: Dense
  init() throws {
    hidden = try Dense(4, 8)
    out = try Dense(8, 3)
  }
  func callAsFunction(_ x: Tensor) throws -> Tensor { try out(hidden(x).relu()) }
}

/// Mistakes that users make: each ends in an error that says what, where and on which shapes.
@Suite struct MistakesTests {
  private struct Mistake {
    let name: String
    let code: EngineError.Code
    /// What the printed error must hold.
    let parts: [String]
    let body: () throws -> Void
  }

  private func mistakes() throws -> [Mistake] {
    let net = try Net()
    let x = try Tensor.zeros([2, 4])
    let labels = try Tensor([0, 1] as [Int64])
    func train(_ loss: (Net) throws -> Tensor) throws {
      _ = try valueAndGradient(of: net, loss)
    }
    return [
      Mistake(
        name: "features of another width", code: .shape,
        parts: ["hidden", "Gemm", "float32[2, 5]", "float32[4, 8]"]
      ) { try train { try Loss.crossEntropy($0(Tensor.zeros([2, 5])), labels) } },
      Mistake(
        name: "data of another dtype", code: .dtype,
        parts: ["hidden", "float64[2, 4]", "float32[4, 8]"]
      ) { try train { try Loss.crossEntropy($0(x.cast(to: .float64)), labels) } },
      Mistake(name: "whole numbers as data", code: .dtype, parts: ["int64[2, 4]"]) {
        try train { try Loss.crossEntropy($0(x.cast(to: .int64)), labels) }
      },
      Mistake(
        name: "a label out of range", code: .value,
        parts: ["SoftmaxCrossEntropyLoss", "float32[2, 3], int64[2]", "0 to 2"]
      ) {
        try train { try Loss.crossEntropy($0(x), Tensor([0, 3] as [Int64])) }
      },
      Mistake(name: "too few labels", code: .shape, parts: ["float32[2, 3]", "int64[1]"]) {
        try train { try Loss.crossEntropy($0(x), Tensor([0] as [Int64])) }
      },
      Mistake(name: "labels as reals", code: .dtype, parts: ["crossEntropy", "int64 or int32"]) {
        try train { try Loss.crossEntropy($0(x), Tensor.zeros([2])) }
      },
      Mistake(
        name: "targets of another shape", code: .shape,
        parts: ["meanSquared", "float32[2, 3]", "float32[3]", "broadcast"]
      ) { try train { try Loss.meanSquared($0(x), Tensor.zeros([3])) } },
      Mistake(name: "a loss of several elements", code: .shape, parts: ["sum() or mean()"]) {
        try train { try $0(x) }
      },
      Mistake(name: "a loss cut off", code: .usage, parts: ["detached()"]) {
        try train { try $0(x).detached().sum() }
      },
      Mistake(name: "a loss of the data alone", code: .usage, parts: ["trainable parameter"]) {
        try train { _ in try x.sum() }
      },
      Mistake(name: "everything frozen", code: .usage, parts: ["4 parameters, all frozen"]) {
        let frozen = try Net()
        frozen.freeze("*")
        _ = try valueAndGradient(of: frozen) { try $0(x).sum() }
      },
      Mistake(name: "a loss of whole numbers", code: .dtype, parts: ["real number"]) {
        try train { try $0(x).argMax().sum() }
      },
      Mistake(
        name: "products that do not fit", code: .shape,
        parts: ["MatMul", "float32[2, 4]", "float32[2, 3]"]
      ) { _ = try x.matmul(Tensor.zeros([2, 3])) },
      Mistake(
        name: "sums that do not broadcast", code: .shape,
        parts: ["Add", "float32[2, 4]", "float32[3]"]
      ) { _ = try x + Tensor.zeros([3]) },
      Mistake(name: "sums of two dtypes", code: .dtype, parts: ["float32[2, 4]", "float64[2, 4]"]) {
        _ = try x + x.cast(to: .float64)
      },
      Mistake(name: "reshaping to another count", code: .shape, parts: ["Reshape"]) {
        _ = try x.reshape([3, 3])
      },
      Mistake(name: "an axis out of range", code: .attribute, parts: ["ReduceSum", "-2 to 1"]) {
        _ = try x.sum(axes: [2])
      },
      Mistake(name: "a split that does not divide", code: .shape, parts: ["3 equal parts"]) {
        _ = try x.split(into: 3, axis: 1)
      },
      Mistake(name: "joining shapes that differ", code: .shape, parts: ["Concat"]) {
        _ = try concat([x, Tensor.zeros([2, 4, 1])])
      },
      Mistake(name: "an index out of range", code: .value, parts: ["Gather"]) {
        _ = try x.gather(Tensor([9] as [Int64]))
      },
      Mistake(name: "a real number for integers", code: .dtype, parts: ["0.5"]) {
        _ = try labels * 0.5
      },
      Mistake(name: "an equation that is none", code: .attribute, parts: []) {
        _ = try einsum("ij,jk->iz", x, x)
      },
      Mistake(name: "reading one number of many", code: .shape, parts: ["one number"]) {
        _ = try x.scalar()
      },
      Mistake(name: "a rate that is no number", code: .value, parts: ["learning rate"]) {
        _ = try Optimizer(net, .keras.adam(learningRate: .infinity))
      },
      Mistake(name: "a schedule that fails", code: .value, parts: ["schedule"]) {
        let o = try Optimizer(net, .keras.sgd(), schedule: Schedule { _ in .nan })
        let g = try valueAndGradient(of: net) { try $0(x).sum() }.gradients
        try o.update(g)
      },
      Mistake(name: "a group that fits nothing", code: .usage, parts: ["'hidden.weight'"]) {
        _ = try Optimizer(net, .keras.sgd(), groups: [.init("hiden.weight")])
      },
      Mistake(name: "gradients of another model", code: .usage, parts: ["hidden.weight"]) {
        let o = try Optimizer(Net(), .keras.sgd())
        try o.update(valueAndGradient(of: net) { try $0(x).sum() }.gradients)
      },
      Mistake(name: "a parameter's name misspelt", code: .usage, parts: ["'out.bias'"]) {
        _ = try net.parameter("out.bais")
      },
      Mistake(name: "a dropout rate of all", code: .value, parts: ["dropout"]) {
        _ = try inTraining { try x.dropout(1.5) }
      },
      Mistake(name: "clipping to nothing", code: .value, parts: ["above 0"]) {
        _ = try valueAndGradient(of: net) { try $0(x).sum() }.gradients.clipped(globalNorm: -1)
      },
      Mistake(name: "a negative size", code: .shape, parts: ["negative size"]) {
        _ = try Tensor.zeros([2, -1])
      },
      Mistake(name: "rows that differ in length", code: .shape, parts: ["rows differ"]) {
        _ = try Tensor([[1, 2], [3]])
      },
      Mistake(name: "weights of another model", code: .inputMissing, parts: ["nowhere"]) {
        try net.load("nowhere.safetensors")
      },
      Mistake(name: "compiling a branch on data", code: .usage, parts: ["captured"]) {
        _ = try CompiledStep(net, Optimizer(net, .keras.sgd()), example: [x]) { model, b in
          let y = try model(b[0]).sum()
          return try y.isTrue() ? y : -y
        }
      },
    ]
  }

  @Test func everyMistakeIsExplained() throws {
    for m in try mistakes() {
      do {
        try m.body()
        Issue.record("\(m.name): no error")
      } catch let error as EngineError {
        if getenv("DLRUN_SHOW") != nil { print("\(m.name) [\(error.code)]\n  \(error)") }
        #expect(error.code == m.code, "\(m.name): \(error)")
        for part in m.parts {
          #expect("\(error)".contains(part), "\(m.name): '\(part)' is not in: \(error)")
        }
      }
    }
  }
}
