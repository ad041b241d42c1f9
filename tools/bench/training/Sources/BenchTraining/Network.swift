import DLTrain

/// The parameters of a workload's model, in the order in which all engines number them.
final class Network: Module {
  var list: [Parameter] = []
  var running: [StateTensor] = []

  init() { super.init() }

  subscript(_ i: Int) -> Tensor { list[i].value }

  /// A weight, uniform in `±1 / sqrt(inputs)`.
  func weight(_ sizes: [Int], inputs: Int) throws {
    try uniform(sizes, 1 / Double(inputs).squareRoot())
  }
  func uniform(_ sizes: [Int], _ bound: Double) throws {
    list.append(Parameter(try Draws.uniform(list.count, sizes, bound)))
  }
  func zeros(_ n: Int) throws { list.append(Parameter(try .zeros([n]))) }
  func ones(_ n: Int) throws { list.append(Parameter(try .ones([n]))) }

  /// `[inputs, outputs]` and a bias.
  func dense(_ inputs: Int, _ outputs: Int) throws {
    try weight([inputs, outputs], inputs: inputs)
    try zeros(outputs)
  }

  /// `[outputs, channels, k, k]`, with a bias or a batch norm behind it.
  func conv(_ channels: Int, _ outputs: Int, _ k: Int, normed: Bool = false) throws {
    try weight([outputs, channels, k, k], inputs: channels * k * k)
    if normed {
      try ones(outputs)
      try zeros(outputs)
      running.append(StateTensor(try .zeros([outputs])))
      running.append(StateTensor(try .ones([outputs])))
    } else {
      try zeros(outputs)
    }
  }
}

/// One row of the benchmark's table.
struct Workload {
  /// Batches that are trained on in turn.
  static let batchCount = 8

  let make: () throws -> Network
  /// Batch `i`.
  let batch: (Int) throws -> [Tensor]
  let loss: (Network, [Tensor]) throws -> Tensor
  /// The loss of batch `i` written with recursion, where one graph cannot say it.
  var recursive: ((Network, Int) throws -> Tensor)?

  /// Keys of batches, apart from those of parameters.
  static func key(_ batch: Int, _ part: Int) -> Int { 1_000_000 + 2 * batch + part }

  static func named(_ name: String) -> Workload? {
    switch name {
    case "tabular_32": perceptron([32, 64, 64, 2], batch: 32)
    case "tabular_256": perceptron([32, 64, 64, 2], batch: 256)
    case "mnist_mlp_32": perceptron([784, 128, 10], batch: 32)
    case "mnist_mlp_128": perceptron([784, 128, 10], batch: 128)
    case "lenet5": lenet5(batch: 64)
    case "mnist_convnet": convnet(batch: 128)
    case "resnet20": resnet20(batch: 32)
    case "char_lstm": characters(batch: 32, steps: 64)
    case "nanogpt": nanoGPT(batch: 12, steps: 64)
    case "tree_lstm": trees(count: 16)
    default: nil
    }
  }
}
