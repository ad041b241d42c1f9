import Graphs
import Operators
import Tensors

/// `activation(einsum(equation, x, kernel) + bias)`.
struct EinsumDenseLayer: KerasLayer {
  let equation: String
  let usesBias: Bool
  let activation: ActivationFunction

  init(_ config: KerasConfig, _ reader: KerasReader) throws(EngineError) {
    equation = try config.string("equation").filter { $0 != " " }
    usesBias = config["bias_axes"] != nil
    activation = try ActivationFunction(config, reader)
    _ = try Einsum(equation)
  }

  var variables: [KerasVariable] {
    [KerasVariable("kernel")] + (usesBias ? [KerasVariable("bias")] : [])
  }

  func convert(_ call: LayerCall) throws(EngineError) -> KerasValue {
    let x = try call.input()
    var y = try call.einsum(equation, x.id, try call.weight(0))
    if usesBias { y = try call.add(y, try call.weight(1)) }
    return .id(try activation.apply(y, call))
  }
}

extension LayerCall {
  /// An einsum of two operands: a matrix product where the equation says no more than that.
  ///
  /// With free letters on both sides and the contracted ones at the end of the left and the front of
  /// the right operand, or batched as attention is, a product with reshapes is what runtimes are
  /// fastest at; everything else stays an Einsum.
  func einsum(_ equation: String, _ x: ValueID, _ y: ValueID) throws(EngineError) -> ValueID {
    let sides = equation.split(separator: "-", maxSplits: 1).map(String.init)
    let operands = sides[0].split(separator: ",").map { Array($0) }
    guard sides.count == 2, operands.count == 2, !equation.contains(".") else {
      return try b.apply(try Einsum(equation), x, y)
    }
    let (left, right, out) = (operands[0], operands[1], Array(sides[1].dropFirst()))
    let contracted = left.filter { right.contains($0) }
    let count = contracted.count
    if Set(left).count == left.count, Set(right).count == right.count, count > 0,
      Array(left.suffix(count)) == contracted, Array(right.prefix(count)) == contracted,
      out == left.dropLast(count) + right.dropFirst(count),
      let right = b.dims(y), right.allSatisfy({ $0.known != nil })
    {
      let inner = right.prefix(count).reduce(1) { $0 * ($1.known ?? 1) }
      let outer = right.dropFirst(count)
      let width = outer.reduce(1) { $0 * ($1.known ?? 1) }
      let free = try dims(x).dropLast(count)
      let flat =
        count == 1 ? x : try reshape(x, dims: Array(free) + [Dim(inner)], like: [x])
      let matrix = right.count == 2 ? y : try reshape(y, [inner, width])
      let product = try matmul(flat, matrix)
      return outer.count == 1
        ? product : try reshape(product, dims: Array(free) + Array(outer), like: [x])
    }
    return try b.apply(try Einsum(equation), x, y)
  }
}
