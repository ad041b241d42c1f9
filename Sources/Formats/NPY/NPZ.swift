import Tensors

/// Reads and writes NumPy's archives of named arrays: zip files of NPY members.
public enum NPZ {
  /// The arrays in a file, in its order, without the `.npy` of their names. Members that are not
  /// arrays are refused.
  ///
  /// Stored members that lie aligned are views of the mapped file; others are unpacked.
  ///
  /// Errors: `.inputMissing`, `.malformed`, `.unsupported`, `.budget`, each naming the file.
  public static func read(
    _ path: String, limits: TensorLimits = TensorLimits()
  ) throws(EngineError) -> [(name: String, value: Tensor)] {
    let file = try InputFile(path)
    defer { withExtendedLifetime(file) {} }
    do throws(EngineError) {
      return try read(file.bytes, owner: file, limits: limits)
    } catch {
      throw error.at(file: path)
    }
  }

  /// The arrays in the bytes of a file, which `owner` keeps alive; without an owner they are copied.
  public static func read(
    _ bytes: UnsafeRawBufferPointer, owner: AnyObject? = nil, limits: TensorLimits = TensorLimits()
  ) throws(EngineError) -> [(name: String, value: Tensor)] {
    let archive = try ZipArchive(bytes, limits: limits)
    var result: [(name: String, value: Tensor)] = []
    for (i, entry) in archive.entries.enumerated() {
      guard entry.name.hasSuffix(".npy") else {
        throw EngineError(
          .malformed, "the archive holds '\(entry.name)'", expected: "members that end in .npy")
      }
      do throws(EngineError) {
        result.append((String(entry.name.dropLast(4)), try member(archive, i, owner, limits)))
      } catch {
        throw EngineError(
          error.code, "array '\(entry.name.dropLast(4))': \(error.message)",
          expected: error.expected, received: error.received, hint: error.hint)
      }
    }
    return result
  }

  private static func member(
    _ archive: ZipArchive, _ index: Int, _ owner: AnyObject?, _ limits: TensorLimits
  ) throws(EngineError) -> Tensor {
    if let stored = archive.storedBytes(index) {
      try archive.checkSum(index, stored)
      // Copied, or a view that is read again when it is used: not resident in both places.
      defer { (owner as? any MappedMemory)?.releasePages(stored) }
      return try NPY.read(stored, owner: owner, limits: limits)
    }
    let size = archive.entries[index].size
    let memory = try Storage(TensorType(.uint8, [size]))
    let room = UnsafeMutableRawBufferPointer(start: memory.bytes, count: size)
    try archive.unpack(index, into: room)
    return try NPY.read(UnsafeRawBufferPointer(room), owner: memory, limits: limits)
  }

  /// Writes arrays under their names; the same arrays give the same bytes.
  ///
  /// - `compress`: deflates the members, which takes longer and cannot be mapped.
  ///
  /// Errors: `.usage` for a name twice; `.value` as for NPY; those of the sink.
  public static func write(
    _ arrays: [(name: String, value: Tensor)], compress: Bool = false, to sink: inout some ByteSink
  ) throws(EngineError) {
    var zip = ZipWriter(sink)
    for (name, tensor) in arrays {
      let parts = try NPY.Parts(tensor)
      try parts.withData { (data) throws(EngineError) in
        let outcome = parts.header.withUnsafeBytes { header -> EngineError? in
          do throws(EngineError) {
            try zip.add("\(name).npy", [header, data], compress: compress)
          } catch { return error }
          return nil
        }
        if let outcome { throw outcome }
      }
    }
    try zip.finish()
    sink = zip.sink
  }
}
