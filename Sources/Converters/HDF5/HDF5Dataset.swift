import Formats
import Tensors

/// A dataset's elements on their way to a tensor.
struct HDF5Dataset {
  private let file: HDF5File
  private let name: String
  private let datatype: HDF5Datatype
  private let dims: [Int]
  /// Bytes of all elements.
  private let byteCount: Int
  private let layout: HDF5Layout
  private let filters: HDF5Filters

  /// Errors: `.malformed`, `.unsupported`, `.budget`, before any memory is taken.
  init(_ object: HDF5Object, _ name: String) throws(EngineError) {
    file = object.file
    self.name = name
    let header = object.header
    guard header.first(HDF5Header.Kind.externalFiles) == nil else {
      throw EngineError(
        .unsupported, "HDF5: its data stands in another file, which is not read",
        hint: "such datasets can make a file read others; save the model anew")
    }
    guard let space = header.first(HDF5Header.Kind.dataspace),
      let type = header.first(HDF5Header.Kind.datatype),
      let place = header.first(HDF5Header.Kind.layout)
    else { throw EngineError(.malformed, "HDF5: an object is no whole dataset") }
    guard !space.isShared, !type.isShared, !place.isShared else {
      throw HDF5File.refused("a committed type")
    }
    var cursor = try file.cursor(at: type.start, count: type.count)
    datatype = try HDF5Datatype(&cursor)
    cursor = try file.cursor(at: space.start, count: space.count)
    let dataspace = try HDF5Dataspace(&cursor)
    dims = dataspace.isNull ? [0] : dataspace.dims
    let (bytes, overflow) = try dataspace.count().multipliedReportingOverflow(by: datatype.size)
    guard !overflow else {
      throw EngineError(.budget, "HDF5: a dataset is too large", received: "\(dims)")
    }
    byteCount = bytes
    layout = try HDF5Layout(file, place, elements: bytes)
    filters =
      if let message = header.first(HDF5Header.Kind.filters) {
        try HDF5Filters(file, message)
      } else { HDF5Filters() }
  }

  func tensor() throws(EngineError) -> Tensor {
    guard !datatype.isBigEndian || datatype.size == 1 else {
      throw HDF5File.refused("big-endian data")
    }
    switch datatype.form {
    case .number(let dtype): return try numbers(dtype)
    case .bool: return try checkedBools(try numbers(.bool))
    case .opaque where datatype.size == 2: return try numbers(.bfloat16)
    case .opaque: throw HDF5File.refused("opaque data")
    case .text(let isBlankPadded): return try texts(isBlankPadded)
    case .heapText: throw HDF5File.refused("a dataset of texts of varying length")
    }
  }

  private func numbers(_ dtype: DType) throws(EngineError) -> Tensor {
    let type = TensorType(dtype, try Shape(checking: dims))
    switch layout {
    case .contiguous(let start, let count):
      guard count >= byteCount, let data = file.bytes.slice(start, byteCount) else {
        throw EngineError(
          .malformed, "HDF5: its shape needs more bytes than are stored",
          expected: "\(byteCount)", received: "\(count)")
      }
      if let base = UnsafeMutableRawPointer(mutating: data.baseAddress), byteCount > 0,
        UInt(bitPattern: base) % UInt(datatype.size) == 0
      {
        return Tensor(Storage(type, borrowing: base, owner: file.keeper))
      }
      try file.charge(byteCount, name)
      let copy = try Tensor(type) { (room) throws(EngineError) in room.copyMemory(from: data) }
      (file.keeper as? any MappedMemory)?.releasePages(data)
      return copy
    case .absent:
      guard byteCount == 0 else { throw neverWritten() }
      return try Tensor(type) { (_) throws(EngineError) in }
    case .chunked:
      return try Tensor(type) { (room) throws(EngineError) in try fill(room) }
    }
  }

  private func checkedBools(_ t: Tensor) throws(EngineError) -> Tensor {
    guard t.rawBytes.allSatisfy({ $0 <= 1 }) else {
      throw EngineError(.malformed, "HDF5: a boolean is neither 0 nor 1")
    }
    return t
  }

  private func texts(_ isBlankPadded: Bool) throws(EngineError) -> Tensor {
    guard case .contiguous(let start, let count) = layout, count >= byteCount else {
      throw HDF5File.refused("text in chunks")
    }
    var cursor = try file.cursor(at: start, count: byteCount)
    var list: [String] = []
    while cursor.left > 0 {
      let text = try cursor.text(datatype.size)
      list.append(isBlankPadded ? String(text.trimmingBlanks) : text)
    }
    return try Tensor(shape: try Shape(checking: dims), strings: list)
  }

  private func neverWritten() -> EngineError {
    EngineError(.malformed, "HDF5: its data was never written", expected: "\(byteCount) bytes")
  }

  // MARK: Chunks

  /// Errors: `.malformed` where chunks overlap, are missing, or hold less than they claim.
  private func fill(_ room: UnsafeMutableRawBufferPointer) throws(EngineError) {
    guard case .chunked(let tree, let sides, let width) = layout else { return }
    guard sides.count == dims.count, width == datatype.size, sides.allSatisfy({ $0 > 0 }) else {
      throw EngineError(.malformed, "HDF5: chunks do not fit their dataset")
    }
    var size = width
    var wanted = 1
    for (side, n) in zip(sides, dims) {
      let (next, overflow) = size.multipliedReportingOverflow(by: side)
      guard !overflow, next <= file.limits.bytes else {
        throw EngineError(.budget, "HDF5: a chunk is too large", received: "\(sides)")
      }
      size = next
      wanted =
        wanted.multipliedReportingOverflow(by: n / side + (n % side == 0 ? 0 : 1))
        .partialValue
    }
    let chunks = try HDF5Chunks(file, tree: tree, rank: dims.count).list
    guard chunks.count == wanted, Set(chunks.map(\.place)).count == wanted else {
      throw EngineError(
        .malformed, "HDF5: chunks are missing or repeat", expected: "\(wanted)",
        received: "\(chunks.count)")
    }
    for chunk in chunks {
      guard let stored = file.bytes.slice(chunk.start, chunk.count),
        size / Deflate.maxRatio <= chunk.count,
        zip(chunk.place, zip(sides, dims)).allSatisfy({ $0 % $1.0 == 0 && $0 < $1.1 })
      else { throw HDF5File.malformed("a chunk does not fit its dataset", chunk.start) }
      let data = try filters.undo(stored, size: size, skipped: chunk.skipped)
      data.withUnsafeBytes { copy($0, sides: sides, at: chunk.place, into: room) }
      (file.keeper as? any MappedMemory)?.releasePages(stored)
    }
  }

  /// Copies the part of a chunk that lies within the dataset, row by row.
  private func copy(
    _ chunk: UnsafeRawBufferPointer, sides: [Int], at place: [Int],
    into room: UnsafeMutableRawBufferPointer
  ) {
    let rank = dims.count
    let extent = (0..<rank).map { min(sides[$0], dims[$0] - place[$0]) }
    guard let last = extent.last, rank > 0 else { return }
    let rows = extent.dropLast().reduce(1, *)
    let length = last * datatype.size
    var index = [Int](repeating: 0, count: rank)
    for _ in 0..<rows {
      var (from, to) = (0, 0)
      for axis in 0..<rank {
        from = from * sides[axis] + index[axis]
        to = to * dims[axis] + place[axis] + index[axis]
      }
      if let source = chunk.slice(from * datatype.size, length) {
        UnsafeMutableRawBufferPointer(
          rebasing: room[(to * datatype.size)..<(to * datatype.size + length)]
        ).copyMemory(from: source)
      }
      var axis = rank - 2
      while axis >= 0 {
        index[axis] += 1
        if index[axis] < extent[axis] { break }
        index[axis] = 0
        axis -= 1
      }
    }
  }
}
