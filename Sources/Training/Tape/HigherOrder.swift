import Graphs
import Tensors

/// The Jacobian of `function` at `x`: for each element of the result the gradient by `x`, of the
/// result's shape followed by that of `x`.
///
/// - Cost: `function` once, and one walk back for each element of its result.
/// - Errors: as `valueAndGradient`.
public func jacobian(
  at x: Tensor, file: StaticString = #fileID, line: UInt = #line,
  of function: (Tensor) throws -> Tensor
) throws -> Tensor {
  let context = TapeContext.current
  return try located(file, line) {
    try context.record { start in
      let tracked = try context.watch([x])
      let y = try function(tracked[0])
      guard y.dtype.isFloat else {
        throw EngineError(
          .dtype, "the function to derive gives no real numbers", received: "\(y.type)")
      }
      var rows: [Tensor] = []
      for i in 0..<y.count {
        let seed = try unit(like: y, i)
        let row = try context.gradients(
          of: [y], seeds: [seed], at: tracked, from: start, keepsTape: true)[0]
        rows.append(try row ?? zeros(like: x))
      }
      let sizes = y.shape.array + x.shape.array
      guard !rows.isEmpty else { return try Tensor.zeros(sizes, dtype: x.dtype) }
      let stacked = try stack(rows).reshape(sizes)
      return context.leaving(stacked)
    }
  }
}

/// The matrix of second derivatives of `function` at `x`, of the shape of `x` twice.
///
/// - Errors: as `valueAndGradient`.
public func hessian(
  at x: Tensor, file: StaticString = #fileID, line: UInt = #line,
  of function: (Tensor) throws -> Tensor
) throws -> Tensor {
  try jacobian(at: x, file: file, line: line) { try gradient(at: $0, of: function) }
}

/// The value of `function` at `x`, and its Jacobian there times `tangent`.
///
/// - Cost: two walks back; the derivative of the transposed product is the product.
/// - Errors: `.shape` where `tangent` is not of the type of `x`.
public func jacobianVectorProduct(
  at x: Tensor, tangent: Tensor, file: StaticString = #fileID, line: UInt = #line,
  of function: (Tensor) throws -> Tensor
) throws -> (value: Tensor, product: Tensor) {
  try located(file, line) {
    guard tangent.type == x.type else {
      throw EngineError(
        .shape, "the tangent does not fit", expected: "\(x.type)", received: "\(tangent.type)")
    }
    let y = try withoutGradient { try function(x) }
    let product = try gradient(at: zeros(like: y)) { seed in
      let back = try vectorJacobianProduct(at: x, vector: seed, of: function).product
      return try (back * tangent).sum()
    }
    return (y, product)
  }
}

/// 1 at element `i`, 0 elsewhere.
private func unit(like t: Tensor, _ i: Int) throws -> Tensor {
  let flat = try Tensor.range(0, Double(t.count), dtype: .int64).isEqual(
    to: Tensor(scalar: Int64(i)))
  return try withoutGradient { try flat.cast(to: t.dtype).reshape(t.shape.array) }
}
