import Graphs
import Tensors

/// A session's plan for inputs of settled types, run again and again in memory of its user: a run
/// costs its kernels and makes no allocation.
///
/// Not for several threads at once; each makes its own.
///
/// ```swift
/// let prepared = try session.prepared(for: [TensorType(.float32, [1, 4])])
/// prepared.bindInput(0, numbers)
/// prepared.bindOutput(0, probabilities)
/// try prepared.run()
/// ```
public final class PreparedRun {
  /// Types of the inputs, nil for those that keep their defaults.
  public let inputTypes: [TensorType?]
  public let outputTypes: [TensorType]
  private let session: Session
  private let bound: BoundPlan
  private var unbound: Int

  /// Bytes of memory that it holds, beside weights, for as long as it lives.
  public var memoryBytes: Int { bound.memoryBytes }

  init(_ session: Session, _ inputs: [TensorType?], _ bound: BoundPlan) {
    self.session = session
    self.bound = bound
    inputTypes = inputs
    outputTypes = bound.outputTypes
    unbound = 0
    for (i, type) in inputs.enumerated() where type != nil { unbound |= 1 << min(i, 62) }
  }

  /// Reads input `i` from `bytes` from now on: as many as its type takes, which must stay valid.
  public func bindInput(_ i: Int, _ bytes: UnsafeRawPointer) {
    precondition(inputTypes.indices.contains(i), "the model has no input \(i)")
    bound.bindInput(i, UnsafeMutableRawPointer(mutating: bytes))
    unbound &= ~(1 << min(i, 62))
  }
  /// Writes output `i` to `bytes` from now on, which may overlap no input; nil where nobody wants
  /// it.
  public func bindOutput(_ i: Int, _ bytes: UnsafeMutableRawPointer?) {
    precondition(outputTypes.indices.contains(i), "the model has no output \(i)")
    bound.bindOutput(i, bytes)
  }

  /// Lends its working memory to other plans of the session until the next run, which costs little:
  /// for those who go from plan to plan.
  package func lendMemory() { bound.lendMemory() }

  /// Errors: `.usage` while an input is not bound; `.value`, `.cancelled`, `.deadline`.
  public func run(control: RunControl? = nil) throws(EngineError) {
    guard unbound == 0 else {
      throw EngineError(.usage, "an input has no memory yet", hint: "bind every input")
    }
    try bound.run(control: control)
  }
}

extension Session {
  /// Whether runs are reported to an observer, which those of a `PreparedRun` are not.
  public var isObserved: Bool { state.options.observer != nil }

  /// The plan for inputs of these types, in the order of `inputs`, nil for those that keep their
  /// defaults.
  ///
  /// Errors: `.usage` for a missing input; `.shape` and `.dtype` where one does not fit;
  /// `.unsupported` where some of the graph has sizes that depend on data, or values that are no
  /// tensors: such models run by `run`.
  public func prepared(for types: [TensorType?]) throws(EngineError) -> PreparedRun {
    guard types.count == inputs.count else {
      throw EngineError(
        .usage, "the wrong number of inputs", expected: "\(inputs.count)",
        received: "\(types.count)")
    }
    var examples: [Value?] = []
    for (port, type) in zip(inputs, types) {
      // Only the types matter to the plan.
      let example = type.map {
        Value.tensor(Tensor(Storage($0, borrowing: Storage.empty, owner: nil)))
      }
      if let example {
        try port.check(example)
      } else if !port.isOptional {
        throw EngineError(.usage, "input '\(port.name)' is missing", expected: port.type.text)
      }
      examples.append(example)
    }
    guard let bound = try bind(examples) else {
      throw EngineError(
        .unsupported, "a part of the model has no plan for settled types",
        expected: "sizes that do not depend on data, and tensors only", hint: "use run")
    }
    return PreparedRun(self, types, bound)
  }
}
