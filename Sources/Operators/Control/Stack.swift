import Glibc
import Graphs
import Tensors

/// Tensors of one type, collected over iterations side by side and stacked along a new axis.
struct Stack {
  private var part: TensorType?
  private var count = 0
  /// Room for `capacity` parts; more than are there while it grows.
  private var buffer: Storage?
  private var capacity = 0
  private var strings: [String] = []
  /// How many parts will come, where that is known.
  private let expected: Int

  /// Bytes up to which room for all expected parts is taken at once.
  private static let largestGuess = 256 << 20

  init(expecting expected: Int = 0) { self.expected = expected }

  mutating func append(_ t: Tensor, _ e: Evaluation) throws(EngineError) {
    if t.dtype == .string {
      try check(t.type)
      count += 1
      strings += t.strings
    } else {
      memcpy(try next(t.type, e), t.storage.bytes, t.byteCount)
    }
  }

  /// Room for one more part, to be written at once.
  mutating func next(
    _ type: TensorType, _ e: Evaluation
  ) throws(EngineError) -> UnsafeMutableRawPointer {
    if part != type { try check(type) }
    if count == capacity { try grow(type, e) }
    count += 1
    return (buffer?.bytes ?? Storage.empty) + (count - 1) * type.byteCount
  }

  private mutating func check(_ type: TensorType) throws(EngineError) {
    guard let part else {
      guard !type.dtype.isPacked || type.count * type.dtype.bits % 8 == 0 else {
        throw EngineError(.dtype, "packed elements cannot be stacked", received: "\(type)")
      }
      self.part = type
      return
    }
    guard part == type else {
      throw EngineError(
        .shape, "a scan output changes its type between iterations", expected: "\(part)",
        received: "\(type)")
    }
  }

  private mutating func grow(_ type: TensorType, _ e: Evaluation) throws(EngineError) {
    let size = max(1, type.byteCount)
    let guess = expected <= Stack.largestGuess / size ? expected : 0
    let wanted = count == 0 ? max(guess, 16) : count + max(count, 16)
    let (elements, overflow) = wanted.multipliedReportingOverflow(by: type.count)
    guard !overflow else { throw EngineError(.budget, "a scan output is too large") }
    let larger = try e.allocate(TensorType(type.dtype, try Shape(checking: [elements])))
    if let buffer { memcpy(larger.bytes, buffer.bytes, count * type.byteCount) }
    buffer = larger
    capacity = wanted
  }

  /// `[N] + shape`, or the new axis at `axis`; in reverse order when asked.
  func stacked(
    _ e: Evaluation, emptyLike fact: Fact, axis: Int = 0, reversed: Bool = false
  ) throws(EngineError) -> Tensor {
    guard let part else {
      // No iteration ran: unknown sizes count as 0.
      var dims = (fact.dims ?? []).map { $0.known ?? 0 }
      dims.insert(0, at: try normalisedAxis(axis, rank: dims.count + 1))
      let shape = try Shape(checking: dims)
      if fact.dtype == .string { return Tensor(Storage(shape, strings: [])) }
      return Tensor(try e.allocate(TensorType(fact.dtype ?? .float32, shape)))
    }
    var dims = part.shape.array
    let at = try normalisedAxis(axis, rank: dims.count + 1)
    dims.insert(count, at: at)
    let shape = try Shape(checking: dims)
    let outer = part.shape.count(of: 0..<at)
    func source(_ k: Int) -> Int { reversed ? count - 1 - k : k }
    if part.dtype == .string {
      let inner = part.shape.count(of: at..<part.shape.rank)
      var list: [String] = []
      list.reserveCapacity(strings.count)
      for o in 0..<outer {
        for k in 0..<count {
          let start = (source(k) * outer + o) * inner
          list += strings[start..<(start + inner)]
        }
      }
      return Tensor(Storage(shape, strings: list))
    }
    let type = TensorType(part.dtype, shape)
    guard let buffer else { return Tensor(try e.allocate(type)) }
    if outer == 1 && !reversed { return Tensor(Storage(viewing: buffer, as: type)) }
    guard !part.dtype.isPacked || outer == 1 else {
      throw EngineError(.dtype, "packed elements cannot be stacked", received: "\(part)")
    }
    let out = try e.allocate(type)
    let inner = part.byteCount / max(1, outer)
    for o in 0..<outer {
      for k in 0..<count {
        (out.bytes + (o * count + k) * inner).copyMemory(
          from: buffer.bytes + source(k) * part.byteCount + o * inner, byteCount: inner)
      }
    }
    return Tensor(out)
  }
}
