import Graphs

/// Convolutions of every kind.
enum Convolution {
  static let operators: [any Operator.Type] = [
    Col2Im.self,
    Conv.self,
    ConvTranspose.self,
  ]
}
