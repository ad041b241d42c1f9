import Tensors

extension NPY {
  /// Writes an array; the data begins at a multiple of 64 bytes, as NumPy has it.
  ///
  /// Errors: `.value` for a string that ends in NUL; those of the sink.
  public static func write(_ tensor: Tensor, to sink: inout some ByteSink) throws(EngineError) {
    let parts = try Parts(tensor)
    try sink.write(parts.header)
    try parts.withData { (data) throws(EngineError) in try sink.write(data) }
  }

  /// The array as the bytes of a file.
  public static func bytes(of tensor: Tensor) throws(EngineError) -> [UInt8] {
    var sink = MemorySink()
    try write(tensor, to: &sink)
    return sink.bytes
  }

  /// A file's header and data.
  struct Parts {
    let header: [UInt8]
    /// Elements in the form of the file, or nil when they are so in the tensor.
    private let converted: [UInt8]?
    private let tensor: Tensor

    init(_ tensor: Tensor) throws(EngineError) {
      self.tensor = tensor
      var descr = NPYElement.descr(tensor.dtype)
      switch tensor.dtype {
      case .string:
        let width = try NPYText.width(tensor.strings)
        let (size, overflow) = tensor.count.multipliedReportingOverflow(by: width * 4)
        guard !overflow, size <= 1 << 40 else {
          throw EngineError(
            .budget, "the strings take too much room in an NPY file, each as long as the longest")
        }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(size)
        for string in tensor.strings { NPYText.append(string, width: width, to: &bytes) }
        descr = "<U\(width)"
        converted = bytes
      case .int4, .uint4, .int2, .uint2:
        converted = try Integers.widened(tensor).map { UInt8(truncatingIfNeeded: $0) }
      case .float4e2m1:
        let bytes = tensor.rawBytes
        converted = (0..<tensor.count).map { bytes[$0 / 2] >> UInt8(4 * ($0 % 2)) & 15 }
      case .float6e2m3, .float6e3m2:
        let (base, packed) = (tensor.storage.bytes, PackedElements(tensor.dtype))
        converted = (0..<tensor.count).map { packed?.code(base, $0) ?? 0 }
      default: converted = nil
      }
      header = Parts.header(descr, tensor.shape)
    }

    private static func header(_ descr: String, _ shape: Shape) -> [UInt8] {
      let sizes = shape.array.map { "\($0)" }.joined(separator: ", ")
      let tuple = shape.rank == 1 ? "(\(sizes),)" : "(\(sizes))"
      let text = "{'descr': '\(descr)', 'fortran_order': False, 'shape': \(tuple), }"
      var bytes: [UInt8] = [0x93, 0x4E, 0x55, 0x4D, 0x50, 0x59, 1, 0]
      let padding = (64 - (10 + text.utf8.count + 1) % 64) % 64
      bytes.appendLittle(UInt16(text.utf8.count + padding + 1))
      bytes.append(contentsOf: text.utf8)
      bytes.append(contentsOf: repeatElement(0x20, count: padding))
      bytes.append(0x0A)
      return bytes
    }

    func withData(
      _ body: (UnsafeRawBufferPointer) throws(EngineError) -> Void
    ) throws(EngineError) {
      guard let converted else { return try tensor.withUnsafeBytes(body) }
      let outcome = converted.withUnsafeBytes { data -> EngineError? in
        do throws(EngineError) { try body(data) } catch { return error }
        return nil
      }
      if let outcome { throw outcome }
    }
  }
}
