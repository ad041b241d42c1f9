import Formats
import Tensors

/// Reads the weights of GGUF files, versions 2 and 3, little-endian.
///
/// Numbers become tensors that are views of the mapped file; blocks of integers with a factor become
/// float32. Sizes are written with the fastest axis first and turned round here: `[rows, columns]`.
/// Every count, length, size and offset is checked against the file before memory is taken for it.
///
/// Source: the GGUF description of ggml.
public enum GGUFReader {
  private static let maxPairs = 100_000
  private static let maxTensors = 100_000
  private static let maxDims: UInt32 = 4
  private static let maxName = 1024

  private struct Entry {
    let name: String
    /// Slowest axis first.
    let shape: Shape
    let element: GGUFElement
    let offset: Int
    let bytes: Int
  }

  /// Errors: `.inputMissing`, `.malformed`, `.unsupported`, `.budget`, each naming the file.
  public static func read(
    _ path: String, limits: TensorLimits = TensorLimits()
  ) throws(EngineError) -> WeightCollection {
    let file = try InputFile(path)
    defer { withExtendedLifetime(file) {} }
    do throws(EngineError) {
      return try read(file.bytes, owner: file, limits: limits)
    } catch { throw error.at(file: path) }
  }

  /// - `owner`: keeps `bytes` alive; without it the elements are copied.
  public static func read(
    _ bytes: UnsafeRawBufferPointer, owner: AnyObject? = nil, limits: TensorLimits = TensorLimits()
  ) throws(EngineError) -> WeightCollection {
    var cursor = GGUFCursor(bytes)
    guard try cursor.integer(UInt32.self, "the header") == 0x4655_4747 else {
      throw EngineError(.malformed, "the file does not begin with GGUF")
    }
    let version = try cursor.integer(UInt32.self, "the header")
    guard version == 2 || version == 3 else {
      let isSwapped = (1...3).contains(version.byteSwapped)
      throw EngineError(
        .unsupported,
        isSwapped ? "the file is big-endian" : "the version of GGUF is not supported",
        expected: "2 or 3, little-endian", received: "\(version)")
    }
    let tensorCount = try cursor.size("the number of tensors", most: maxTensors)
    let pairCount = try cursor.size("the number of pairs", most: maxPairs)
    let metadata = try GGUFMetadata(&cursor, count: pairCount)
    let entries = try readEntries(&cursor, tensorCount, alignment: metadata.alignment)
    let (end, overflow) = cursor.at.addingReportingOverflow(metadata.alignment - 1)
    let start = end / metadata.alignment * metadata.alignment
    guard !overflow, start <= bytes.count || entries.isEmpty else {
      throw EngineError(.malformed, "the file ends before its tensors begin")
    }
    let data = UnsafeRawBufferPointer(rebasing: bytes[min(start, bytes.count)...])
    var total = 0
    var result = WeightCollection([], metadata: metadata.pairs)
    for entry in entries {
      if entry.element.plain == nil {
        total += entry.shape.count * 4
        guard total <= limits.bytes else {
          throw EngineError(
            .budget, "the unpacked tensors are too large", expected: "at most \(limits.bytes)")
        }
      }
      result.tensors.append((entry.name, try tensor(entry, data, owner)))
    }
    return result
  }

  private static func readEntries(
    _ cursor: inout GGUFCursor, _ count: Int, alignment: Int
  ) throws(EngineError) -> [Entry] {
    var entries: [Entry] = []
    var names: Set<String> = []
    var free = 0
    for _ in 0..<count {
      let place = cursor.at
      let name = try cursor.string("a tensor's name", most: maxName)
      do throws(EngineError) {
        guard names.insert(name).inserted else {
          throw EngineError(.malformed, "the name stands twice")
        }
        let entry = try readEntry(&cursor, name, alignment: alignment)
        // As ggml writes them: one after another, padded.
        guard entry.offset == free else {
          throw EngineError(
            .malformed, "it leaves a gap or overlaps another", expected: "offset \(free)",
            received: "\(entry.offset)")
        }
        let (end, overflow) = free.addingReportingOverflow(entry.bytes)
        let (padded, wraps) = end.addingReportingOverflow(alignment - 1)
        guard !overflow, !wraps else {
          throw EngineError(.malformed, "its end lies beyond all files")
        }
        free = padded / alignment * alignment
        entries.append(entry)
      } catch {
        throw EngineError(
          error.code, "tensor '\(name)': \(error.message)", expected: error.expected,
          received: error.received, hint: error.hint, subject: .init(offset: place))
      }
    }
    return entries
  }

  private static func readEntry(
    _ cursor: inout GGUFCursor, _ name: String, alignment: Int
  ) throws(EngineError) -> Entry {
    let rank = try cursor.integer(UInt32.self, "its rank")
    guard rank <= maxDims else {
      throw EngineError(
        .malformed, "it has too many axes", expected: "at most \(maxDims)", received: "\(rank)")
    }
    var sizes: [Int] = []
    for _ in 0..<rank { sizes.append(try cursor.size("a size", most: Int.max)) }
    let code = try cursor.integer(UInt32.self, "its type")
    guard let element = GGUFElement(rawValue: code) else {
      throw EngineError(
        .unsupported, "its elements are not read",
        expected: "F32, F16, BF16, F64, I8 to I64, Q4_0, Q4_1, Q5_0, Q5_1 or Q8_0",
        received: GGUFElement.name(code))
    }
    let offset = try cursor.size("its offset", most: Int.max)
    let shape = try Shape(checking: sizes.reversed())
    guard let count = shape.checkedCount else {
      throw EngineError(.shape, "its sizes multiply to too much", received: "\(sizes)")
    }
    let block = element.block
    guard (sizes.first ?? 1) % block.elements == 0 else {
      throw EngineError(
        .malformed, "its rows are not whole blocks", expected: "a multiple of \(block.elements)",
        received: "\(sizes.first ?? 1)")
    }
    let (bytes, overflow) = (count / block.elements).multipliedReportingOverflow(by: block.bytes)
    guard !overflow else {
      throw EngineError(.budget, "it is too large", received: "\(count) elements")
    }
    return Entry(name: name, shape: shape, element: element, offset: offset, bytes: bytes)
  }

  private static func tensor(
    _ entry: Entry, _ data: UnsafeRawBufferPointer, _ owner: AnyObject?
  ) throws(EngineError) -> Tensor {
    let (end, overflow) = entry.offset.addingReportingOverflow(entry.bytes)
    guard !overflow, end <= data.count else {
      throw EngineError(
        .malformed, "tensor '\(entry.name)' goes past the end of the file",
        expected: "at most \(data.count)", received: "\(end)")
    }
    let view = UnsafeRawBufferPointer(rebasing: data[entry.offset..<end])
    guard let dtype = entry.element.plain else {
      return try Tensor(TensorType(.float32, entry.shape)) { out in
        entry.element.decode(view, into: out.bindMemory(to: Float.self))
      }
    }
    let type = TensorType(dtype, entry.shape)
    if let owner, let base = view.baseAddress,
      UInt(bitPattern: base) % UInt(max(dtype.byteSize, 1)) == 0
    {
      return Tensor(
        Storage(type, borrowing: UnsafeMutableRawPointer(mutating: base), owner: owner))
    }
    return try Tensor(type) { out in out.copyMemory(from: view) }
  }
}
