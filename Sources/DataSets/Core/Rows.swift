import Tensors

/// Rows of a tensor along its first axis, copied in the order given.
///
/// Errors: `.value` for a row that is not there; `.shape` for a tensor without axes.
public func gatherRows(_ t: Tensor, _ rows: [Int]) throws(EngineError) -> Tensor {
  guard t.shape.rank > 0 else {
    throw EngineError(.shape, "a tensor without axes has no rows", expected: "[N, ...]")
  }
  let n = t.shape[0]
  for r in rows where r < 0 || r >= n {
    throw EngineError(.value, "no such row", expected: "0 to \(n - 1)", received: "\(r)")
  }
  let shape = try Shape(checking: [rows.count] + t.shape.array.dropFirst())
  if t.dtype == .string {
    let width = n == 0 ? 0 : t.count / n
    let all = t.strings
    return try Tensor(
      shape: shape, strings: rows.flatMap { all[$0 * width..<($0 + 1) * width] })
  }
  let width = n == 0 ? 0 : t.byteCount / n
  return try Tensor(TensorType(t.dtype, shape)) { (to) throws(EngineError) in
    t.withUnsafeBytes { from in
      for (i, r) in rows.enumerated() where width > 0 {
        UnsafeMutableRawBufferPointer(rebasing: to[i * width..<(i + 1) * width]).copyMemory(
          from: UnsafeRawBufferPointer(rebasing: from[r * width..<(r + 1) * width]))
      }
    }
  }
}

/// Tensors one behind the other along the first axis.
///
/// Errors: `.shape`, `.dtype` where they differ in more than that axis.
public func joinRows(_ parts: [Tensor]) throws(EngineError) -> Tensor {
  guard let first = parts.first else {
    throw EngineError(.shape, "nothing to join", expected: "a tensor")
  }
  if parts.count == 1 { return first }
  var rows = 0
  for t in parts {
    guard t.dtype == first.dtype else {
      throw EngineError(
        .dtype, "parts differ in element type", expected: "\(first.dtype)", received: "\(t.dtype)")
    }
    guard t.shape.rank > 0, t.shape.rank == first.shape.rank,
      t.shape.array.dropFirst() == first.shape.array.dropFirst()
    else {
      throw EngineError(
        .shape, "samples differ in shape", expected: "\(first.shape)", received: "\(t.shape)")
    }
    rows += t.shape[0]
  }
  let shape = try Shape(checking: [rows] + first.shape.array.dropFirst())
  if first.dtype == .string { return try Tensor(shape: shape, strings: parts.flatMap(\.strings)) }
  return try Tensor(TensorType(first.dtype, shape)) { (to) throws(EngineError) in
    var at = 0
    for t in parts {
      t.withUnsafeBytes { from in
        UnsafeMutableRawBufferPointer(rebasing: to[at..<at + from.count]).copyMemory(from: from)
      }
      at += t.byteCount
    }
  }
}
