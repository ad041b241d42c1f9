import Tensors

/// What one step is made on.
public struct Batch: Sendable {
  /// One tensor for each input of the model, samples along the first axis.
  public var inputs: [Tensor]
  /// One tensor for each of its outputs.
  public var targets: [Tensor]
  /// How much each sample counts, `[N]` or `[N, T]`; nil for all alike.
  public var weights: Tensor?

  public init(_ inputs: [Tensor], _ targets: [Tensor], weights: Tensor? = nil) {
    self.inputs = inputs
    self.targets = targets
    self.weights = weights
  }

  /// The number of samples.
  public var count: Int {
    guard let first = inputs.first, first.shape.rank > 0 else { return 0 }
    return first.shape[0]
  }

  var tensors: [Tensor] {
    if inputs.count == 1, targets.count == 1, weights == nil { return [inputs[0], targets[0]] }
    var all: [Tensor] = []
    all.reserveCapacity(inputs.count + targets.count + 1)
    all.append(contentsOf: inputs)
    all.append(contentsOf: targets)
    if let weights { all.append(weights) }
    return all
  }
}
