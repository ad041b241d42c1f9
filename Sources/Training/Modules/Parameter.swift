import Tensors

/// A tensor that training changes. Shared where several modules hold the same one.
public final class Parameter {
  /// The dotted path in the module that was traversed first, such as `encoder.0.weight`.
  public internal(set) var name: String
  /// What optimisers update and files hold. Inside a gradient it is tracked.
  public var value: Tensor
  /// Whether gradients are taken and optimisers update it.
  public var isTrainable: Bool

  public init(_ value: Tensor, name: String = "", isTrainable: Bool = true) {
    self.value = value
    self.name = name
    self.isTrainable = isTrainable
  }
}

/// A tensor that belongs to a module's state but is no parameter, such as running statistics.
public final class StateTensor {
  public internal(set) var name: String
  public var value: Tensor

  public init(_ value: Tensor, name: String = "") {
    self.value = value
    self.name = name
  }
}
