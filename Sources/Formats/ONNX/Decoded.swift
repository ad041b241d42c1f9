import CSchemas
import Glibc
import Tensors

/// A decoded message in memory of its own, freed with this object.
///
/// The decoder's memory comes from an allocator with a budget: a small file can otherwise ask for
/// more than a hundred times its size. Weights are not part of it: the pre-scan cuts them out.
final class Decoded<M> {
  let message: UnsafeMutablePointer<M>
  let cuts: [WireScan.Cut]
  private let budget: UnsafeMutablePointer<Budget>
  private let allocator: UnsafeMutablePointer<ProtobufCAllocator>

  /// Scans and decodes the bytes of `source`.
  ///
  /// Another process can change a mapped file between the scan and the decoding. What is decoded is
  /// therefore a private copy, which is scanned once more; it is small, the weights being cut out.
  ///
  /// Errors: those of the scan; `.budget` when decoding takes more memory than allowed.
  init(
    _ source: FileBytes, _ kind: MessageKind<M>?, limits: ReadLimits
  ) throws(EngineError) {
    guard let kind else { throw EngineError(.internalDefect, "a schema has no table of fields") }
    let bytes = source.bytes
    let scan = try WireScan(bytes, as: kind.descriptor, limits: limits)
    cuts = scan.cuts
    let isCopied = source.isMapped || !scan.cuts.isEmpty
    let copy = isCopied ? scan.stripped(bytes) : []
    if source.isMapped {
      let failure: EngineError? = copy.withUnsafeBytes { buffer in
        do throws(EngineError) {
          _ = try WireScan(buffer, as: kind.descriptor, limits: limits, isStripped: true)
        } catch { return error }
        return nil
      }
      if let failure { throw failure }
    }
    let allowed = limits.decodedBudget(file: bytes.count)
    budget = .allocate(capacity: 1)
    budget.initialize(to: Budget(left: allowed))
    allocator = .allocate(capacity: 1)
    allocator.initialize(
      to: ProtobufCAllocator(alloc: Budget.take, free: Budget.give, allocator_data: budget))
    let decoded: UnsafeMutablePointer<M>?
    if !isCopied {
      decoded = kind.unpack(
        allocator, bytes.count, bytes.baseAddress?.assumingMemoryBound(to: UInt8.self))
    } else {
      let allocator = allocator
      decoded = copy.withUnsafeBufferPointer {
        kind.unpack(allocator, $0.count, $0.baseAddress)
      }
    }
    guard let decoded else {
      let exceeded = budget.pointee.isExceeded
      budget.deallocate()
      allocator.deallocate()
      throw exceeded
        ? EngineError(
          .budget, "decoding takes too much memory", expected: "at most \(allowed) bytes",
          hint: "raise the limit for files you trust")
        : EngineError(.malformed, "the bytes cannot be decoded")
    }
    message = decoded
  }

  deinit {
    protobuf_c_message_free_unpacked(
      UnsafeMutableRawPointer(message).assumingMemoryBound(to: ProtobufCMessage.self), allocator)
    budget.deallocate()
    allocator.deallocate()
  }
}

/// What an allocator may still give.
private struct Budget {
  var left: Int
  var isExceeded = false
  init(left: Int) { self.left = left }

  /// Each block keeps its size in front of it; 16 bytes preserve the alignment of malloc.
  private static let header = 16

  static let take: @convention(c) (UnsafeMutableRawPointer?, Int) -> UnsafeMutableRawPointer? = {
    data, size in
    guard let budget = data?.assumingMemoryBound(to: Budget.self) else { return nil }
    guard size >= 0, size <= budget.pointee.left - header, let block = malloc(size + header) else {
      budget.pointee.isExceeded = true
      return nil
    }
    budget.pointee.left -= size + header
    block.storeBytes(of: size + header, as: Int.self)
    return block + header
  }

  static let give: @convention(c) (UnsafeMutableRawPointer?, UnsafeMutableRawPointer?) -> Void = {
    data, pointer in
    guard let pointer, let budget = data?.assumingMemoryBound(to: Budget.self) else { return }
    let block = pointer - header
    budget.pointee.left += block.load(as: Int.self)
    free(block)
  }
}
