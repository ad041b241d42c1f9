import Graphs
import Operators
import Tensors

/// The tensors one after another along an axis; all other sizes agree.
public func concat(
  _ tensors: [Tensor], axis: Int = 0, file: StaticString = #fileID, line: UInt = #line
) throws(EngineError) -> Tensor {
  try apply(Concat(axis: axis), tensors, outputs: 1, file, line)[0]
}

/// The tensors, of one shape, along a new axis.
public func stack(
  _ tensors: [Tensor], axis: Int = 0, file: StaticString = #fileID, line: UInt = #line
) throws(EngineError) -> Tensor {
  var list: [Tensor] = []
  for t in tensors { list.append(try t.expandDims(at: axis, file: file, line: line)) }
  return try concat(list, axis: axis, file: file, line: line)
}

/// `a` where `mask` is true, `b` elsewhere. Shapes broadcast.
public func choose(
  _ mask: Tensor, _ a: Tensor, _ b: Tensor, file: StaticString = #fileID, line: UInt = #line
) throws(EngineError) -> Tensor { try apply(Where(), mask, a, b, file, line) }

/// Sums of products by Einstein's convention, as `"bij,bjk->bik"`.
public func einsum(
  _ equation: String, _ tensors: Tensor..., file: StaticString = #fileID, line: UInt = #line
) throws(EngineError) -> Tensor { try apply(Einsum(equation), tensors, outputs: 1, file, line)[0] }

/// The sum of any number of tensors. Shapes broadcast.
public func sumOf(
  _ tensors: [Tensor], file: StaticString = #fileID, line: UInt = #line
) throws(EngineError) -> Tensor { try apply(Sum(), tensors, outputs: 1, file, line)[0] }

/// The mean of any number of tensors. Shapes broadcast.
public func meanOf(
  _ tensors: [Tensor], file: StaticString = #fileID, line: UInt = #line
) throws(EngineError) -> Tensor { try apply(Mean(), tensors, outputs: 1, file, line)[0] }

/// The largest element of any number of tensors. Shapes broadcast.
public func maximumOf(
  _ tensors: [Tensor], file: StaticString = #fileID, line: UInt = #line
) throws(EngineError) -> Tensor { try apply(Max(), tensors, outputs: 1, file, line)[0] }

/// The smallest element of any number of tensors. Shapes broadcast.
public func minimumOf(
  _ tensors: [Tensor], file: StaticString = #fileID, line: UInt = #line
) throws(EngineError) -> Tensor { try apply(Min(), tensors, outputs: 1, file, line)[0] }
