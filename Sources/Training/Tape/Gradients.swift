import Graphs
import Operators
import Tensors

/// The value of `function` at `x` and its gradient there.
///
/// - `function`: any Swift code over tensors, with branches, loops and recursion; its result has
///   one element.
/// - Result: the gradient has the type of `x`; zeros where the value does not depend on it.
/// - Errors: `.shape` for a result of several elements; `.notDifferentiable` for an operator
///   without a gradient on the way; and what `function` throws.
///
/// ```swift
/// let (y, g) = try valueAndGradient(at: x) { try ($0 * $0).sum() }
/// ```
public func valueAndGradient(
  at x: Tensor, file: StaticString = #fileID, line: UInt = #line,
  of function: (Tensor) throws -> Tensor
) throws -> (value: Tensor, gradient: Tensor) {
  let (value, list) = try valueAndGradient(at: [x], file: file, line: line) { try function($0[0]) }
  return (value, list[0])
}

/// The value of `function` at `xs` and its gradient with respect to each.
public func valueAndGradient(
  at xs: [Tensor], file: StaticString = #fileID, line: UInt = #line,
  of function: ([Tensor]) throws -> Tensor
) throws -> (value: Tensor, gradient: [Tensor]) {
  let context = TapeContext.current
  return try located(file, line) {
    try context.record { start in
      let tracked = try context.watch(xs)
      let y = try function(tracked)
      try checkScalar(y)
      let list = try context.gradients(of: [y], seeds: [nil], at: tracked, from: start)
      var gradients: [Tensor] = []
      for (x, g) in zip(xs, list) { gradients.append(try context.leaving(g ?? zeros(like: x))) }
      return (context.leaving(y), gradients)
    }
  }
}

/// The gradient of `function` at `x`.
public func gradient(
  at x: Tensor, file: StaticString = #fileID, line: UInt = #line,
  of function: (Tensor) throws -> Tensor
) throws -> Tensor { try valueAndGradient(at: x, file: file, line: line, of: function).gradient }

/// The gradient of `function` at `xs`.
public func gradient(
  at xs: [Tensor], file: StaticString = #fileID, line: UInt = #line,
  of function: ([Tensor]) throws -> Tensor
) throws -> [Tensor] { try valueAndGradient(at: xs, file: file, line: line, of: function).gradient }

/// The function that gives the gradient of `function`. Applied again it gives higher derivatives.
///
/// ```swift
/// let second = gradient(of: gradient(of: { try $0.pow(3) }))
/// ```
public func gradient(
  of function: @escaping (Tensor) throws -> Tensor
) -> (Tensor) throws -> Tensor { { x in try gradient(at: x, of: function) } }

/// The value of `function` at `x`, and `vector` times its Jacobian there.
///
/// - `vector`: of the type of the result.
/// - Errors: `.shape` where it is not.
public func vectorJacobianProduct(
  at x: Tensor, vector: Tensor, file: StaticString = #fileID, line: UInt = #line,
  of function: (Tensor) throws -> Tensor
) throws -> (value: Tensor, product: Tensor) {
  let context = TapeContext.current
  return try located(file, line) {
    try context.record { start in
      let tracked = try context.watch([x])
      let y = try function(tracked[0])
      guard y.type == vector.type else {
        throw EngineError(
          .shape, "the vector does not fit the result", expected: "\(y.type)",
          received: "\(vector.type)")
      }
      let list = try context.gradients(of: [y], seeds: [vector], at: tracked, from: start)
      return (context.leaving(y), context.leaving(try list[0] ?? zeros(like: x)))
    }
  }
}

/// Runs `body` without recording: its results are constants to gradients.
public func withoutGradient<R>(_ body: () throws -> R) rethrows -> R {
  try TapeContext.current.paused(body)
}

extension Tensor {
  /// The same contents as a constant: no gradient flows through.
  public func detached() -> Tensor {
    if slot >= 0, let capture = TapeContext.current.capture { return capture.stopped(self) }
    return Tensor(storage)
  }

  /// Whether gradients are being taken with respect to something this tensor depends on.
  public var isTracked: Bool { TapeContext.current.tape.tracks(self) }

  /// Has `hook` look at this tensor's gradient once it is whole, and replace it by what it returns,
  /// if anything. Does nothing for tensors that are not tracked.
  public func onGradient(_ hook: @escaping (Tensor) throws -> Tensor?) {
    let context = TapeContext.current
    if let capture = context.capture, capture.isCaptured(self) {
      capture.refuse(
        EngineError(
          .unsupported, "hooks on gradients cannot be captured into a graph",
          hint: "train this function without compiling it"))
    }
    let tape = context.tape
    guard let n = tape.number(self) else { return }
    tape.hooks[n, default: []].append(hook)
  }
}

extension TapeContext {
  /// Tracked values of the contents of `xs`.
  func watch(_ xs: [Tensor]) throws -> [Tensor] {
    guard capture == nil else {
      throw EngineError(
        .unsupported, "a gradient inside a function cannot be captured into a graph",
        hint: "train or export a function without it")
    }
    var tracked: [Tensor] = []
    for x in xs {
      guard x.dtype.isFloat else {
        throw EngineError(
          .dtype, "no gradient with respect to a tensor of \(x.dtype)",
          expected: "a floating-point dtype")
      }
      // A value that an outer gradient tracks goes through a record, so that both see it.
      tracked.append(
        tape.tracks(x)
          ? tape.record(try eager.prepared(Identity(), Few(x), outputs: 1), nil, Few(x), Few(x))[0]
          : tape.add(x))
    }
    return tracked
  }

  /// The gradients of `ys`, each weighed by its seed (ones for nil), by `xs`.
  func gradients(
    of ys: [Tensor], seeds: [Tensor?], at xs: [Tensor], from start: Int, keepsTape: Bool = false
  ) throws -> [Tensor?] {
    let isRecorded = isNested
    let targets = xs.map { tape.number($0) }
    var b = Backpropagation(
      self, from: start, targets: targets.compactMap { $0 }, isRecorded: isRecorded,
      releases: !keepsTape)
    for (y, seed) in zip(ys, seeds) {
      guard let n = tape.number(y), b.needs(n) else { continue }
      try b.add(seed ?? ones(like: y), to: n)
    }
    let end = tape.records.count
    if !isRecorded { pauses += 1 }
    defer { if !isRecorded { pauses -= 1 } }
    // Inputs of an inner gradient are made by records of their own, before which it ends.
    try b.run(start..<end)
    try b.finish(targets.compactMap { $0 })
    return targets.map { $0.flatMap { b.gradient($0) } }
  }

  /// A result as those outside see it: tracked only where an outer gradient is being taken.
  func leaving(_ tensor: Tensor) -> Tensor { isNested ? tensor : Tensor(tensor.storage) }
}

/// Errors: `.shape` when a loss has several elements, `.dtype` when it is no real number.
func checkScalar(_ y: Tensor) throws {
  guard y.count == 1 else {
    throw EngineError(
      .shape, "the function to derive has a result of several elements", expected: "one",
      received: "\(y.type)", hint: "end it with sum() or mean()")
  }
  guard y.dtype.isFloat else {
    throw EngineError(
      .dtype, "the function to derive gives no real number", expected: "a floating-point dtype",
      received: "\(y.dtype)")
  }
}
