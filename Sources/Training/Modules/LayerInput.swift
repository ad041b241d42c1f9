import Tensors

/// What a layer is run on.
public struct LayerInput {
  public let values: [Tensor]
  /// For each input, bool `[N, T]`: true where a step counts; nil where all do.
  public let masks: [Tensor?]

  public init(_ values: [Tensor], _ masks: [Tensor?] = []) {
    self.values = values
    self.masks = values.indices.map { $0 < masks.count ? masks[$0] : nil }
  }

  /// The mask of the first input.
  public var mask: Tensor? { masks.first ?? nil }

  /// The first input.
  ///
  /// Errors: `.arity` where there is none.
  public func first() throws(EngineError) -> Tensor {
    guard let x = values.first else {
      throw EngineError(.arity, "a layer without an input", expected: "1 or more", received: "0")
    }
    return x
  }
}

/// What a layer gives: one tensor at least, and the mask of the first.
public struct LayerOutput {
  public let value: Tensor
  /// Behind the first: states, scores, further outputs of a model.
  public let others: [Tensor]
  public let mask: Tensor?

  public init(_ value: Tensor, others: [Tensor] = [], mask: Tensor? = nil) {
    self.value = value
    self.others = others
    self.mask = mask
  }

  public var values: [Tensor] { [value] + others }
}
