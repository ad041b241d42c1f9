import Tensors

/// Where encoded bytes go, in order: memory, a file.
public protocol ByteSink {
  mutating func write(_ bytes: UnsafeRawBufferPointer) throws(EngineError)
}

extension ByteSink {
  public mutating func write(_ bytes: [UInt8]) throws(EngineError) {
    // A typed throw cannot leave the standard library's closure, so the result comes out instead.
    let outcome = bytes.withUnsafeBytes { buffer -> EngineError? in
      do throws(EngineError) { try write(buffer) } catch { return error }
      return nil
    }
    if let outcome { throw outcome }
  }

  mutating func writeZeros(_ count: Int) throws(EngineError) {
    if count > 0 { try write([UInt8](repeating: 0, count: count)) }
  }
}

/// Bytes gathered in memory.
public struct MemorySink: ByteSink {
  public private(set) var bytes: [UInt8] = []
  public init() {}
  public mutating func write(_ more: UnsafeRawBufferPointer) { bytes.append(contentsOf: more) }
}
