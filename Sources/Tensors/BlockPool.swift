import Glibc

/// Memory of tensors that went, kept for tensors to come: for each thread, lists of free blocks by
/// size class. Taking and giving back costs a few nanoseconds, and large blocks keep their pages.
///
/// A class is a quarter of a power of two apart from the next, so a block is at most a quarter
/// larger than asked for. Blocks go to the lists of the thread that frees them; what exceeds a
/// list's or a thread's limit goes back to the system, so that threads that only free do not hoard.
enum BlockPool {
  /// Blocks of more bytes are not kept.
  static let largest = 1 << 25
  /// Bytes that a thread keeps unless it asks for more.
  static let usualLimit = 1 << 24
  /// Blocks that a list keeps.
  static let longest = 64
  private static let classes = 80

  private struct Lists {
    var total = 0
    var limit = BlockPool.usualLimit
    let heads: UnsafeMutablePointer<UnsafeMutableRawPointer?>
    let counts: UnsafeMutablePointer<Int>
  }

  /// The lists of a thread, freed when it ends.
  private static let key: pthread_key_t = {
    var key = pthread_key_t()
    pthread_key_create(&key) { lists in BlockPool.end(lists) }
    return key
  }()

  /// The class of a size, and the bytes of its blocks.
  @inline(__always) static func sizeClass(_ bytes: Int) -> (index: Int, bytes: Int) {
    if bytes <= 64 { return (0, 64) }
    let top = Int.bitWidth - 1 - (bytes - 1).leadingZeroBitCount
    let quarter = (bytes - 1) >> (top - 2) & 3
    return ((top - 6) * 4 + quarter + 1, (5 + quarter) << (top - 2))
  }

  /// Memory for `bytes` bytes, 64-byte aligned; nil when the system has none.
  static func take(_ bytes: Int) -> UnsafeMutableRawPointer? {
    guard bytes <= largest else { return fresh(bytes) }
    let (index, size) = sizeClass(bytes)
    guard let raw = pthread_getspecific(key) else { return fresh(size) }
    let lists = raw.assumingMemoryBound(to: Lists.self)
    guard let block = lists.pointee.heads[index] else { return fresh(size) }
    lists.pointee.heads[index] = block.load(as: UnsafeMutableRawPointer?.self)
    lists.pointee.counts[index] -= 1
    lists.pointee.total -= size
    return block
  }

  /// Takes back what `take` gave for as many bytes.
  static func give(_ block: UnsafeMutableRawPointer, _ bytes: Int) {
    guard bytes <= largest else { return free(block) }
    let (index, size) = sizeClass(bytes)
    let lists =
      (pthread_getspecific(key) ?? begin()).assumingMemoryBound(to: Lists.self)
    guard lists.pointee.counts[index] < longest, lists.pointee.total + size <= lists.pointee.limit
    else {
      return free(block)
    }
    block.storeBytes(of: lists.pointee.heads[index], as: UnsafeMutableRawPointer?.self)
    lists.pointee.heads[index] = block
    lists.pointee.counts[index] += 1
    lists.pointee.total += size
  }

  /// Lets the calling thread keep so many bytes.
  static func setLimit(_ bytes: Int) {
    let lists = (pthread_getspecific(key) ?? begin()).assumingMemoryBound(to: Lists.self)
    lists.pointee.limit = bytes
  }

  private static func fresh(_ bytes: Int) -> UnsafeMutableRawPointer? {
    var memory: UnsafeMutableRawPointer?
    guard bytes <= Int.max - 64, posix_memalign(&memory, Storage.alignment, max(bytes, 1)) == 0
    else { return nil }
    return memory
  }

  @inline(never) private static func begin() -> UnsafeMutableRawPointer {
    let heads = UnsafeMutablePointer<UnsafeMutableRawPointer?>.allocate(capacity: classes)
    heads.initialize(repeating: nil, count: classes)
    let counts = UnsafeMutablePointer<Int>.allocate(capacity: classes)
    counts.initialize(repeating: 0, count: classes)
    let lists = UnsafeMutablePointer<Lists>.allocate(capacity: 1)
    lists.initialize(to: Lists(heads: heads, counts: counts))
    pthread_setspecific(key, lists)
    return UnsafeMutableRawPointer(lists)
  }

  private static func end(_ raw: UnsafeMutableRawPointer?) {
    guard let lists = raw?.assumingMemoryBound(to: Lists.self) else { return }
    for i in 0..<classes {
      var next = lists.pointee.heads[i]
      while let block = next {
        next = block.load(as: UnsafeMutableRawPointer?.self)
        free(block)
      }
    }
    lists.pointee.heads.deallocate()
    lists.pointee.counts.deallocate()
    lists.deallocate()
  }
}

extension Storage {
  /// Lets the calling thread keep up to `bytes` bytes of freed memory for tensors to come, instead
  /// of the usual 16 MB: for threads that make and free the same large tensors over and over.
  public static func recycle(upTo bytes: Int) { BlockPool.setLimit(max(bytes, 0)) }
}
