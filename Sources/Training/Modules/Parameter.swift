import Tensors

/// A tensor that training changes. Shared where several modules hold the same one.
public final class Parameter {
  /// The dotted path in the module that was traversed first, such as `encoder.0.weight`.
  public internal(set) var name: String
  /// What optimisers update and files hold. Inside a gradient it is tracked.
  public var value: Tensor
  /// Whether gradients are taken and optimisers update it.
  public var isTrainable: Bool
  /// A term that training adds to the loss, such as a multiple of the sum of squares.
  public var penalty: ((Tensor) throws -> Tensor)?
  /// What training makes of the value after each step, such as one without negative elements.
  public var constraint: ((Tensor) throws -> Tensor)?

  public init(_ value: Tensor, name: String = "", isTrainable: Bool = true) {
    self.value = value
    self.name = name
    self.isTrainable = isTrainable
  }
}

extension Parameter {
  /// A parameter whose shape is not known yet: without elements, until its layer is built.
  public static func pending(isTrainable: Bool = true) -> Parameter {
    Parameter(Tensor.empty, isTrainable: isTrainable)
  }
  /// Whether the layer that holds it has yet to be built.
  public var isPending: Bool { value.shape == [0] }
}

extension StateTensor {
  /// A state whose shape is not known yet.
  public static func pending() -> StateTensor { StateTensor(Tensor.empty) }
}

extension Tensor {
  /// No elements, float32.
  static let empty: Tensor = {
    do { return try Tensor([] as [Float]) } catch {
      preconditionFailure("a tensor without elements: \(error)")
    }
  }()
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
