import Graphs

/// Convolutions of every kind.
enum Convolution {
  static let operators: [any Operator.Type] = [Conv.self, ConvTranspose.self]
}
