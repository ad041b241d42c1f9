import Glibc
import Tensors

/// The block of a text file in which rows are read: bytes from `start` up to `end`, then zeros.
///
/// A row that goes past the end of the block is read again from its beginning once `refill` has
/// brought more, so nothing but the row at hand is ever kept.
final class CSVInput {
  let name: String
  private let descriptor: Int32
  private let blockBytes: Int
  private let maxRowBytes: Int
  private var memory: UnsafeMutableRawBufferPointer
  /// The next unread byte.
  var start: UnsafePointer<UInt8>
  private(set) var end: UnsafePointer<UInt8>
  private(set) var isAtEnd = false
  /// Line of `start`, from 1.
  var line = 1
  /// Bytes not yet read from the descriptor, when it is a file.
  private var remaining: Int?

  private static let padding = 64

  /// Takes over `descriptor`, and closes it.
  init(descriptor: Int32, name: String, options: CSVOptions) {
    self.descriptor = descriptor
    self.name = name
    blockBytes = max(options.blockBytes, 16)
    maxRowBytes = options.maxRowBytes
    memory = .allocate(byteCount: blockBytes + CSVInput.padding, alignment: 64)
    memory.initializeMemory(as: UInt8.self, repeating: 0)
    start = CSVInput.first(memory)
    end = start
    var status = stat()
    if fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG {
      remaining = max(0, Int(status.st_size) - max(0, lseek(descriptor, 0, SEEK_CUR)))
      posix_fadvise(descriptor, 0, 0, POSIX_FADV_SEQUENTIAL)
    }
  }

  deinit {
    memory.deallocate()
    close(descriptor)
  }

  private static func first(_ memory: UnsafeMutableRawBufferPointer) -> UnsafePointer<UInt8> {
    UnsafePointer(memory.baseAddress.unsafelyUnwrapped.assumingMemoryBound(to: UInt8.self))
  }

  /// An upper bound of the bytes still to come, or nil for a pipe.
  var bytesLeft: Int? { remaining.map { $0 + (end - start) } }

  /// Moves what is unread to the front of the block and reads on behind it. Pointers into the block
  /// are void after it.
  ///
  /// Errors: `.budget` when the row at `start` is longer than the option allows; `.io`.
  func refill() throws(EngineError) {
    let kept = end - start
    guard kept <= maxRowBytes else {
      throw EngineError(
        .budget, "a row is longer than \(maxRowBytes) bytes; is a quote left open?",
        subject: .init(file: name, line: line))
    }
    if kept > memory.count - CSVInput.padding - blockBytes / 2 {
      let larger = UnsafeMutableRawBufferPointer.allocate(
        byteCount: kept * 2 + blockBytes + CSVInput.padding, alignment: 64)
      memmove(larger.baseAddress.unsafelyUnwrapped, start, kept)
      memory.deallocate()
      memory = larger
    } else {
      memmove(memory.baseAddress.unsafelyUnwrapped, start, kept)
    }
    start = CSVInput.first(memory)
    let room = UnsafeMutableRawBufferPointer(
      rebasing: memory[kept..<(memory.count - CSVInput.padding)])
    let n = try InputFile.read(descriptor, into: room, name)
    if n == 0 { isAtEnd = true }
    if let left = remaining { remaining = max(0, left - n) }
    end = start + (kept + n)
    memset(memory.baseAddress.unsafelyUnwrapped + (kept + n), 0, CSVInput.padding)
  }

  /// Moves over line ends; false at the end of the input.
  func skipBlankLines() throws(EngineError) -> Bool {
    while true {
      if start == end {
        if isAtEnd { return false }
        try refill()
        continue
      }
      if start.pointee == 0x0A {
        start += 1
      } else if start.pointee == 0x0D {
        if start + 1 == end && !isAtEnd {
          try refill()
          continue
        }
        start += start[1] == 0x0A && start + 1 < end ? 2 : 1
      } else {
        return true
      }
      line += 1
    }
  }
}
