import Graphs
import Tensors

/// Where GatherND and ScatterND find a slice for each tuple of indices.
struct TuplePlaces {
  private let reader: Indices
  private let batches: Int
  private let tuplesPerBatch: Int
  /// Indices in a tuple.
  private let depth: Int
  private let firstAxis: Int
  private let sizes: [Int]
  private let strides: [Int]
  private let batchBytes: Int
  /// Elements and bytes of one slice.
  let sliceElements: Int
  let sliceBytes: Int
  var count: Int { batches * tuplesPerBatch }

  /// Errors: `.shape` when the tuples are longer than the data's rank or batches differ.
  init(data: TensorType, indices: TensorType, batchAxes: Int = 0) throws(EngineError) {
    let (x, i) = (data.shape, indices.shape)
    depth =
      try TuplePlaces.depth(
        x.array.map { Dim($0) }, i.array.map { Dim($0) }, batchAxes: batchAxes) ?? 0
    reader = Indices(indices.dtype)
    batches = x.count(of: 0..<batchAxes)
    tuplesPerBatch = i.count(of: batchAxes..<i.rank - 1)
    firstAxis = batchAxes
    sizes = (0..<depth).map { x[batchAxes + $0] }
    let bytes = x.strides.map { $0 * data.dtype.byteSize }
    strides = (0..<depth).map { bytes[batchAxes + $0] }
    sliceElements = x.count(of: batchAxes + depth..<x.rank)
    sliceBytes = sliceElements * data.dtype.byteSize
    batchBytes = x.count(of: batchAxes..<x.rank) * data.dtype.byteSize
  }

  /// The length of the tuples, nil where it is symbolic.
  static func depth(
    _ data: [Dim], _ indices: [Dim], batchAxes b: Int
  ) throws(EngineError) -> Int? {
    guard let last = indices.last, !data.isEmpty else {
      throw EngineError(
        .shape, "data and indices need at least one axis", received: "\(data) and \(indices)")
    }
    guard b >= 0, b < min(data.count, indices.count) else {
      throw EngineError(
        .attribute, "batch_dims is out of range",
        expected: "0 to \(min(data.count, indices.count) - 1)", received: "\(b)")
    }
    for i in 0..<b {
      if let n = data[i].known, let m = indices[i].known, n != m {
        throw EngineError(
          .shape, "batch axis \(i) differs", expected: "\(n) as in \(data)",
          received: "\(m) of \(indices)")
      }
    }
    guard let depth = last.known else { return nil }
    guard depth <= data.count - b else {
      throw EngineError(
        .shape, "the index tuples are longer than the data has axes",
        expected: "at most \(data.count - b)", received: "\(depth)")
    }
    return depth
  }

  /// Writes the byte offset of each tuple's slice.
  ///
  /// Errors: `.value` for an index out of range.
  func fill(
    _ offsets: UnsafeMutablePointer<Int64>, from indices: UnsafeRawPointer
  ) throws(EngineError) {
    for batch in 0..<batches {
      for t in 0..<tuplesPerBatch {
        let tuple = batch &* tuplesPerBatch &+ t
        var offset = batch &* batchBytes
        for k in 0..<depth {
          let place = try reader.place(
            indices, tuple &* depth &+ k, size: sizes[k], axis: firstAxis &+ k)
          offset &+= place &* strides[k]
        }
        offsets[tuple] = Int64(offset)
      }
    }
  }
}
