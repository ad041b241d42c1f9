import Graphs
import Tensors

/// Each row of scores as a map from class labels to scores.
///
/// - `X`: float32 `[N, C]` or `[C]`, which is one row. `Z`: a sequence of N maps from int64 or
///   strings to float32; the maps share the memory of one table.
/// - `classlabels_int64s` or `classlabels_strings`: C labels. Of equal labels the last counts.
/// - Errors: `.attribute` without labels or with both kinds, `.shape` for another number of columns
///   than labels or another rank.
/// - Source: ai.onnx.ml ZipMap 1.
public struct ZipMap: Operator {
  public let labels: ClassLabels

  public static let schema = Schema(
    "ZipMap", domain: Classical.domain, versions: [1],
    inputs: [Parameter("X", DTypes(.float32))],
    outputs: [Parameter("Z", DTypes(.float32), "", containers: true)],
    attributes: [
      AttributeSpec("classlabels_int64s", .ints, "the labels, or"),
      AttributeSpec("classlabels_strings", .strings, "the labels"),
    ], cases: { [] })

  public init(_ labels: ClassLabels) { self.labels = labels }
  public init(reading a: AttributeReader) throws(EngineError) {
    labels = try ClassLabels(
      reading: a, ints: "classlabels_int64s", strings: "classlabels_strings")
  }
  public var attributes: [Attribute] {
    [labels.attribute(ints: "classlabels_int64s", strings: "classlabels_strings")]
  }

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] {
    if let columns = try FeatureRows.sizes(c.dims(0))?.features.known, columns != labels.count {
      throw EngineError(
        .shape, "rows have another number of scores than there are labels",
        expected: "\(labels.count)", received: "\(columns)")
    }
    return [Fact(.sequence(.map(labels.dtype, .tensor(.float32, nil))))]
  }

  public func evaluate(_ e: Evaluation) throws(EngineError) -> [Value?] {
    let x = try e.tensor(0)
    _ = try infer(Inference(inputs: [Fact(x.type)]))
    let all = labels.count
    let kept = lastOfEqual()
    let width = kept.count
    let names: ClassLabels =
      switch labels {
      case .ints(let list): .ints(kept.map { list[$0] })
      case .strings(let list): .strings(kept.map { list[$0] })
      }
    let keys = try names.tensor()
    let rows = x.count / all
    let table = try e.allocate(TensorType(.float32, [rows, width]))
    let (from, to) = (x.elements(Float.self), table.bytes.assumingMemoryBound(to: Float.self))
    for r in 0..<rows {
      for (j, column) in kept.enumerated() { to[r * width + j] = from[r * all + column] }
    }
    var maps: [Value] = []
    maps.reserveCapacity(rows)
    let type = TensorType(.float32, [width])
    for r in 0..<rows {
      let row = Storage(type, borrowing: UnsafeMutableRawPointer(to + r * width), owner: table)
      maps.append(.map(MapValue(keys: keys, values: .tensor(Tensor(row)))))
    }
    return [.sequence(maps)]
  }

  /// The columns that count.
  private func lastOfEqual() -> [Int] {
    switch labels {
    case .ints(let list):
      let keys = IntegerKeys(list.map { Int64($0) })
      return list.indices.filter { keys.place(Int64(list[$0])) == $0 }
    case .strings(let list):
      let keys = StringKeys(list)
      return list.indices.filter { keys.place(list[$0]) == $0 }
    }
  }
}
