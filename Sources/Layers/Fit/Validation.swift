import Tensors

/// What `fit` measures itself on after each epoch.
public enum Validation {
  case none
  /// The last samples of the data, this share of them, before shuffling.
  case split(Double)
  /// Data of its own.
  case data(Tensor, Tensor)
  /// Batches of its own.
  case source(any BatchSource)
}
