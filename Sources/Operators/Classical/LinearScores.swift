import Graphs
import Kernels
import Tensors

/// Linear functions of rows: `scores[i, j] = alpha x[i] . w[j] + bias[j]`, tile by tile.
struct LinearScores: Sendable {
  let outputs: Int
  /// Scratch that one call of `run` needs.
  let scratchBytes: Int
  private let whole: GemmPlan
  private let last: GemmPlan
  private let bias: Tensor?
  /// The weights of a single output, which need no packing; the bias is added behind.
  private let column: Tensor?

  /// - `weights`: `[outputs, features]`.
  /// - `bias`: one for each output, or one for all; none: 0.
  ///
  /// Errors: `.attribute` when there are too few weights, `.budget` without memory.
  init(
    weights: [Float], outputs: Int, bias: [Float], rows: FeatureRows, alpha: Float = 1
  ) throws(EngineError) {
    self.outputs = outputs
    let k = rows.features
    let (needed, overflow) = outputs.multipliedReportingOverflow(by: k)
    guard !overflow, weights.count >= needed else {
      throw EngineError(
        .shape, "rows have another number of features than the model",
        expected: "\(weights.count / max(1, outputs))", received: "\(k)")
    }
    let source = try Tensor(weights)
    let hasBias = bias.contains { $0 != 0 }
    self.bias = hasBias ? try Tensor(bias) : nil
    if outputs == 1, alpha == 1, rows.rows > 1 {
      func plan(_ m: Int) -> GemmPlan {
        GemmPlan(m: m, n: 1, k: k, b: .init(row: 1, column: 1), threads: 1)
      }
      column = source
      whole = plan(rows.tile)
      last = plan(rows.rows % rows.tile)
      scratchBytes = FeatureRows.aligned(max(whole.scratchBytes, last.scratchBytes))
      return
    }
    column = nil
    let packed = try PackedMatrix(
      .right, count: outputs, k: k, from: source.storage.bytes, across: k, along: 1)
    withExtendedLifetime(source) {}
    var epilogue = GemmPlan.Epilogue.biasPerColumn
    epilogue.alpha = Double(alpha)
    epilogue.addend = .init(row: 0, column: bias.count == 1 ? 0 : 1)
    if !hasBias { epilogue.beta = 0 }
    func plan(_ m: Int) -> GemmPlan {
      GemmPlan(m: m, n: outputs, k: k, packedB: packed, epilogue: epilogue, threads: 1)
    }
    whole = plan(rows.tile)
    last = plan(rows.rows % rows.tile)
    scratchBytes = FeatureRows.aligned(max(whole.scratchBytes, last.scratchBytes))
  }

  /// Scores of a tile of rows, written densely.
  func run(
    rows: Int, _ x: UnsafePointer<Float>, into scores: UnsafeMutablePointer<Float>,
    scratch: UnsafeMutableRawPointer
  ) {
    let plan = rows == whole.m ? whole : last
    if let column {
      plan.run(a: x, b: column.storage.bytes, c: scores, scratch: scratch, pool: .single)
      guard let bias else { return }
      let shift = bias.storage.bytes.assumingMemoryBound(to: Float.self)[0]
      for i in 0..<rows { scores[i] += shift }
      return
    }
    plan.run(
      a: x, b: x, c: scores, addend: bias.map { UnsafeRawPointer($0.storage.bytes) },
      scratch: scratch, pool: .single)
  }
}
