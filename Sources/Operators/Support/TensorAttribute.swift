import Tensors

/// A tensor as an operator's attribute: equal when type and contents are equal.
public struct TensorAttribute: Hashable, Sendable {
  public let tensor: Tensor
  public init(_ tensor: Tensor) { self.tensor = tensor }

  public static func == (a: TensorAttribute, b: TensorAttribute) -> Bool {
    if a.tensor.storage === b.tensor.storage { return true }
    guard a.tensor.type == b.tensor.type, a.tensor.strings == b.tensor.strings else { return false }
    return a.tensor.rawBytes.elementsEqual(b.tensor.rawBytes)
  }

  /// Hashes the type and the first bytes: enough to tell constants apart in a cache.
  public func hash(into hasher: inout Hasher) {
    hasher.combine(tensor.type)
    for byte in tensor.rawBytes.prefix(64) { hasher.combine(byte) }
    for text in tensor.strings.prefix(4) { hasher.combine(text) }
  }
}
