import Graphs
import Kernels
import Tensors

/// Rows of a table, taken together by bags: `Y[b] = mode over i in starts[b]..<ends[b] of
/// table[indices[i]] factors[i]`.
///
/// - `table`: float32 `[R, E]`. `indices`: int64 `[n]`, those below zero count from the end. `starts`:
///   int64, at least as many as `ends`; `ends`: int64 `[B]`; those below zero count from n, and all are
///   clamped to it, as Slice does. `factors` (optional): float32 `[n]`.
/// - `mode`: "sum", "mean" or "max"; default "sum".
/// - Output: float32 `[B, E]`.
/// - Errors: `.value` for an index that names no row; `.shape` where lists do not fit together.
/// - Edges: of an empty bag the sum is 0, the mean NaN, the largest element -inf; NaN wins.
/// - Source: domain ai.dlrun 1; the Loop that torch.onnx makes of `torch.nn.EmbeddingBag`.
public struct EmbeddingBag: Operator {
  public let mode: BagRows.Mode

  private static let modes: [(name: String, mode: BagRows.Mode)] = [
    ("sum", .sum), ("mean", .mean), ("max", .max),
  ]

  public static let schema = Schema(
    "EmbeddingBag", domain: "ai.dlrun", versions: [1],
    inputs: [
      Parameter("table", DTypes(.float32)), Parameter("indices", DTypes(.int64), "I"),
      Parameter("starts", DTypes(.int64), "I"), Parameter("ends", DTypes(.int64), "I"),
      .optional("factors", DTypes(.float32)),
    ],
    outputs: [Parameter("Y", DTypes(.float32))],
    attributes: [AttributeSpec("mode", .string, "sum, mean or max; default sum")],
    cases: {
      let table = try Tensor(shape: [5, 3], (0..<15).map { Float($0 * 7 % 11) / 4 - 1 })
      let list = try Tensor([4, 0, -2, 1, 1, 3] as [Int64])
      let starts = try Tensor([0, 2, 3, 6] as [Int64])
      let ends = try Tensor([2, 3, -1] as [Int64])
      let factors = try Tensor([1, 0.5, 2, -1, 0.25, 3] as [Float])
      return [
        .init(EmbeddingBag(.sum), [table, list, starts, ends]),
        .init(EmbeddingBag(.mean), [table, list, starts, ends]),
        .init(EmbeddingBag(.max), [table, list, starts, ends, factors]),
      ]
    })

  public init(_ mode: BagRows.Mode) { self.mode = mode }
  public init(reading a: AttributeReader) throws(EngineError) {
    let name = try a.string("mode", default: "sum")
    guard let known = Self.modes.first(where: { $0.name == name }) else {
      throw EngineError(
        .attribute, "attribute 'mode' is unknown", expected: "sum, mean or max", received: name)
    }
    mode = known.mode
  }
  public var attributes: [Attribute] {
    Self.modes.filter { $0.mode == mode }.map { .string("mode", $0.name) }
  }

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] {
    for (i, rank) in [2, 1, 1, 1, 1].enumerated() {
      guard let dims = c.dims(i), dims.count != rank else { continue }
      throw EngineError(
        .shape, "input \(i) has another rank", expected: "\(rank)", received: "\(dims)")
    }
    if let n = c.dims(1)?[0].known, let f = c.dims(4)?[0].known, n != f {
      throw EngineError(
        .shape, "there is no factor for each index", expected: "\(n)", received: "\(f)")
    }
    if let s = c.dims(2)?[0].known, let e = c.dims(3)?[0].known, s < e {
      throw EngineError(
        .shape, "there is no start for each end", expected: "\(e)", received: "\(s)")
    }
    return [Fact(.float32, [c.dims(3)?[0] ?? c.unknown(), c.dims(0)?[1] ?? c.unknown()])]
  }

  public func prepare(_ p: Preparation) throws(EngineError) -> Prepared {
    let (table, list, ends) = (try p.input(0), try p.input(1), try p.input(3))
    guard table.dtype == .float32, list.dtype == .int64 else { throw p.noKernel() }
    let rows = table.shape[0]
    let kernel = BagRows(
      mode, rows: rows, width: table.shape[1], places: list.shape[0], bags: ends.shape[0],
      threads: p.options.threads)
    let isScaled = p.has(4)
    return Prepared(label: "bags of rows") { (m) throws(EngineError) in
      if let stray = kernel.stray(m.input(1)) {
        throw EngineError(
          .value, "an index names no row", expected: "\(-rows) to \(rows - 1)",
          received: "\(stray)")
      }
      kernel.run(
        table: m.input(0), list: m.input(1), starts: m.input(2), ends: m.input(3),
        factors: isScaled ? m.input(4) : nil, y: m.output(0), pool: m.pool)
    }
  }
}
