/// Memory of a run: its size in bytes, and what of it holds something when.
public struct ArenaBuffer: Sendable {
  /// A stretch of a buffer and the steps during which it holds something, both ends included.
  public struct Part: Sendable {
    /// First byte within the buffer.
    public var offset: Int
    public var bytes: Int
    public var first: Int
    public var last: Int
    public init(offset: Int, bytes: Int, first: Int, last: Int) {
      self.offset = offset
      self.bytes = bytes
      self.first = first
      self.last = last
    }
  }
  /// By rising offset; they do not overlap.
  public var parts: [Part]

  public init(parts: [Part]) { self.parts = parts }
  /// A buffer that holds something as a whole.
  public init(bytes: Int, first: Int, last: Int) {
    parts = [Part(offset: 0, bytes: bytes, first: first, last: last)]
  }

  /// Bytes up to the end of the last part.
  public var bytes: Int { parts.last.map { $0.offset + $0.bytes } ?? 0 }
}

/// An offset for each buffer such that no two parts that hold something at the same step overlap.
///
/// Buffers are placed one after another, each at the lowest offset where all its parts fit between
/// those already placed. The order decides how well that goes: the largest first (Pisarchyk and Lee
/// 2020), else those of the fullest step first, else in the order of time; and the buffer that
/// reaches highest is put to the front a few times. The first order that needs no more than the
/// fullest step is taken, or else the best.
///
/// Large buffers of one step do not start at the same place within a page: processors tell memory
/// accesses apart by these bits first, and arrays that agree in them cost 15 to 25 % in loops over
/// several. Where a buffer can start a few cache lines later in the gap that it goes to, it does.
///
/// Cost: quadratic in the number of buffers, a few times over; longer lists are tried less often.
public struct ArenaLayout: Sendable {
  public private(set) var offsets: [Int]
  /// Bytes from the start to the end of the highest buffer.
  public private(set) var total: Int
  /// What the fullest step holds: no layout takes less.
  public let fullest: Int

  /// Every offset and the total are multiples of `alignment` bytes.
  public init(_ buffers: [ArenaBuffer], alignment: Int = 64) {
    let placing = ArenaPlacing(buffers, alignment: alignment)
    fullest = placing.fullestStep().bytes
    // Cache lines that keep buffers apart within a page are no reason to look further.
    let enough = fullest + fullest / 128
    var order = placing.bySize()
    var best = placing.place(order)
    offsets = best.offsets
    total = best.total
    if total <= enough { return }
    var tries = max(2, min(24, 2_000_000 / (buffers.count * buffers.count + 1)))
    for start in [order, placing.byStep(), placing.byTime()] {
      order = start
      for round in 0..<8 where tries > 0 {
        best = placing.place(order)
        tries -= 1
        if best.total < total {
          offsets = best.offsets
          total = best.total
          if total <= enough { return }
        }
        // What stands highest had to wait for the others.
        guard round < 7, let k = order.firstIndex(of: best.highest), k > 0 else { break }
        order.remove(at: k)
        order.insert(best.highest, at: 0)
      }
    }
  }
}
