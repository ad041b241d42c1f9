import DLTrain

/// A workload being trained, eagerly or compiled.
final class Engine {
  private let workload: Workload
  private let net: Network
  private let optimizer: Optimizer
  private let batches: [[Tensor]]
  private let compiled: CompiledStep<Network>?
  private var done = 0

  init(_ name: String, isCompiled: Bool, threads: Int) throws {
    guard let found = Workload.named(name) else {
      throw EngineError(.usage, "there is no workload '\(name)'")
    }
    workload = found
    net = try found.make()
    optimizer = try Optimizer(net, .torch.adam())
    batches = try (0..<Workload.batchCount).map(found.batch)
    compiled =
      isCompiled
      ? try CompiledStep(
        net, optimizer, example: batches[0],
        symbols: found.recursive == nil ? nil : batches[0].map { _ in [] }, threads: threads,
        loss: found.loss) : nil
  }

  /// One step on the next batch: the loss before it.
  func step() throws -> Double {
    let i = done % batches.count
    done += 1
    if let compiled { return try compiled(batches[i]) }
    let (loss, gradients) = try valueAndGradient(of: net) { net in
      if let recursive = workload.recursive { return try recursive(net, i) }
      return try workload.loss(net, batches[i])
    }
    try optimizer.update(gradients)
    return try loss.scalar()
  }
}
