import Tensors

/// How up to three inputs are read while an output is written in row-major order.
///
/// Neighbouring axes along which every input either advances or stays are merged, so what is left
/// is an inner run, in which each input has stride 0 or 1, and at most seven outer loops. The plan
/// holds no reference and is walked without an allocation.
public struct BroadcastPlan: Sendable {
  /// Merged outer axes, inner run excluded.
  let rank: Int
  let sizes: InlineArray<8, Int>
  /// Strides in elements of each input along the outer axes.
  let strides: InlineArray<3, InlineArray<8, Int>>
  /// Elements of the inner run.
  public let inner: Int
  /// 0 or 1 for each input.
  let innerStrides: InlineArray<3, Int>
  /// Elements of the output.
  public let count: Int

  /// Elements of a piece of parallel work: fixed, so that results and the split do not depend on
  /// the number of threads.
  public static let pieceElements = 1 << 15

  /// A plan for inputs that broadcast to `output`, aligned at the last axis.
  ///
  /// Errors: `.shape` when an input's size is neither 1 nor the output's, or its rank is higher.
  public init(output: Shape, inputs: Few<Shape>) throws(EngineError) {
    precondition(inputs.count <= 3, "a plan has at most three inputs, got \(inputs.count)")
    for k in 0..<inputs.count {
      let shape = inputs[k]
      var fits = shape.rank <= output.rank
      if fits {
        for i in 0..<shape.rank {
          let size = output[output.rank - shape.rank + i]
          fits = fits && (shape[i] == size || shape[i] == 1)
        }
      }
      guard fits else {
        throw EngineError(
          .shape, "input \(k) does not broadcast to the result", expected: "\(output)",
          received: "\(shape)")
      }
    }
    // From the last axis to the first: merged sizes and each input's strides.
    var merged = InlineArray<8, Int>(repeating: 1)
    var mergedStrides = InlineArray<3, InlineArray<8, Int>>(repeating: .init(repeating: 0))
    var running = InlineArray<3, Int>(repeating: 1)
    var axes = 0
    for back in 0..<output.rank {
      let size = output[output.rank - 1 - back]
      if size == 1 { continue }
      var step = InlineArray<3, Int>(repeating: 0)
      for k in 0..<inputs.count {
        let shape = inputs[k]
        if back < shape.rank, shape[shape.rank - 1 - back] != 1 {
          step[k] = running[k]
          running[k] *= size
        }
      }
      var joins = axes > 0
      if joins {
        for k in 0..<inputs.count {
          joins = joins && step[k] == mergedStrides[k][axes - 1] * merged[axes - 1]
        }
      }
      if joins {
        merged[axes - 1] *= size
      } else {
        merged[axes] = size
        for k in 0..<inputs.count { mergedStrides[k][axes] = step[k] }
        axes += 1
      }
    }
    count = output.count
    inner = axes > 0 ? merged[0] : 1
    var first = InlineArray<3, Int>(repeating: 0)
    var outerSizes = InlineArray<8, Int>(repeating: 1)
    var outerStrides = InlineArray<3, InlineArray<8, Int>>(repeating: .init(repeating: 0))
    for k in 0..<3 { first[k] = axes > 0 ? mergedStrides[k][0] : 0 }
    rank = max(axes - 1, 0)
    // Stored from the outermost to the innermost.
    for i in 0..<max(axes - 1, 0) {
      outerSizes[i] = merged[axes - 1 - i]
      for k in 0..<3 { outerStrides[k][i] = mergedStrides[k][axes - 1 - i] }
    }
    sizes = outerSizes
    strides = outerStrides
    innerStrides = first
  }

  /// Pieces of parallel work.
  public var pieces: Int { (count + Self.pieceElements - 1) / Self.pieceElements }

  /// Calls `body` for each run of output elements of `piece`.
  ///
  /// `body` gets the first element's place in the output, the places in the inputs, and the number
  /// of elements; input `k` advances by `stride(k)` from element to element.
  @inline(__always)
  public func forEachRun(
    piece: Int, _ body: (_ y: Int, _ a: Int, _ b: Int, _ c: Int, _ n: Int) -> Void
  ) {
    var at = piece * Self.pieceElements
    let end = min(at + Self.pieceElements, count)
    if at >= end { return }
    var place = InlineArray<8, Int>(repeating: 0)
    var base = InlineArray<3, Int>(repeating: 0)
    var column = at % inner
    var rest = at / inner
    var axis = rank - 1
    while axis >= 0 {
      place[axis] = rest % sizes[axis]
      rest /= sizes[axis]
      for k in 0..<3 { base[k] += place[axis] * strides[k][axis] }
      axis -= 1
    }
    while true {
      let n = min(inner - column, end - at)
      body(
        at, base[0] + column * innerStrides[0], base[1] + column * innerStrides[1],
        base[2] + column * innerStrides[2], n)
      at += n
      if at >= end { return }
      column = 0
      axis = rank - 1
      while axis >= 0 {
        place[axis] += 1
        for k in 0..<3 { base[k] += strides[k][axis] }
        if place[axis] < sizes[axis] { break }
        for k in 0..<3 { base[k] -= sizes[axis] * strides[k][axis] }
        place[axis] = 0
        axis -= 1
      }
    }
  }

  /// Calls `body` for each output element with its place and those in the inputs: the slow way,
  /// for elements that kernels do not read.
  public func forEachElement(_ body: (_ y: Int, _ a: Int, _ b: Int, _ c: Int) -> Void) {
    for piece in 0..<pieces {
      forEachRun(piece: piece) { y, a, b, c, n in
        for i in 0..<n { body(y + i, a + i * stride(0), b + i * stride(1), c + i * stride(2)) }
      }
    }
  }

  /// 0 where input `k` stays during the inner run, 1 where it advances.
  @inline(__always) public func stride(_ k: Int) -> Int { innerStrides[k] }
}
