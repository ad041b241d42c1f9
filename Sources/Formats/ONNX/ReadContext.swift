import CSchemas
import Graphs
import Tensors

/// What one read shares: the bytes, the limits, where large weights lie and how far counts have gone.
final class ReadContext {
  /// How messages name the file.
  let file: String
  let source: FileBytes
  let limits: ReadLimits
  let cuts: [WireScan.Cut]
  /// Where external data may lie; nil for models that are not in a folder.
  let external: ExternalData?
  private var unknownSizes = 0
  private var nodes = 0

  init(
    file: String, source: FileBytes, limits: ReadLimits, cuts: [WireScan.Cut],
    external: ExternalData?
  ) {
    self.file = file
    self.source = source
    self.limits = limits
    self.cuts = cuts
    self.external = external
  }

  /// A size the file does not state. Symbols that start with `?` are written as no size.
  func unknownSize() -> Dim {
    unknownSizes += 1
    return Dim(symbol: "?\(unknownSizes)")
  }

  func count(nodes n: Int) throws(EngineError) {
    nodes += n
    guard nodes <= limits.maxNodes else {
      throw EngineError(.budget, "too many nodes", expected: "at most \(limits.maxNodes)")
    }
  }

  func metadata(
    _ count: Int, _ items: UnsafeMutablePointer<UnsafeMutablePointer<PB.Entry>?>?
  ) -> [Graph.Metadata] {
    list(count, items).map {
      Graph.Metadata(
        text($0.pointee.key), text($0.pointee.value), unknownFields: unknownFields($0.pointee.base))
    }
  }

  /// What a tensor's message says beside its type and contents: unknown fields, and, where asked
  /// for, its name, doc string and metadata.
  func keptFields(
    _ m: PB.Tensor, name: Bool, documents: Bool
  ) -> [UInt8] {
    var w = Wire()
    if name { w.text(8, text(m.name)) }
    if documents {
      w.text(12, text(m.doc_string))
      for e in metadata(m.n_metadata_props, m.metadata_props) { w.message(16, .entry(e)) }
    }
    w.raw(unknownFields(m.base))
    return w.joined()
  }

  /// The fields of a message that the schema does not name, as they were on the wire.
  func unknownFields(_ base: ProtobufCMessage) -> [UInt8] {
    guard let fields = base.unknown_fields else { return [] }
    var out: [UInt8] = []
    for i in 0..<Int(base.n_unknown_fields) {
      let f = fields[i]
      Wire.appendVarint(UInt64(f.tag) << 3 | UInt64(f.wire_type.rawValue), to: &out)
      if let data = f.data {
        out.append(contentsOf: UnsafeBufferPointer(start: data, count: f.len))
      }
    }
    return out
  }

  /// A decoded message back in its serialised form, for messages that are kept but not read.
  func serialised<M>(_ message: UnsafeMutablePointer<M>) -> [UInt8] {
    let base = UnsafeMutableRawPointer(message).assumingMemoryBound(to: ProtobufCMessage.self)
    let size = protobuf_c_message_get_packed_size(base)
    return [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
      count = protobuf_c_message_pack(base, buffer.baseAddress)
    }
  }

  /// The same, as a field of the message around it.
  func field<M>(_ number: Int, _ message: UnsafeMutablePointer<M>) -> [UInt8] {
    let body = serialised(message)
    var out: [UInt8] = []
    Wire.appendVarint(UInt64(number) << 3 | 2, to: &out)
    Wire.appendVarint(UInt64(body.count), to: &out)
    return out + body
  }
}
