import CSchemas

/// The messages of the format, under short names.
enum PB {
  typealias Model = Dlrun__Onnx__ModelProto
  typealias Graph = Dlrun__Onnx__GraphProto
  typealias Node = Dlrun__Onnx__NodeProto
  typealias Attribute = Dlrun__Onnx__AttributeProto
  typealias Function = Dlrun__Onnx__FunctionProto
  typealias ValueInfo = Dlrun__Onnx__ValueInfoProto
  typealias Tensor = Dlrun__Onnx__TensorProto
  typealias Sparse = Dlrun__Onnx__SparseTensorProto
  typealias TypeProto = Dlrun__Onnx__TypeProto
  typealias TensorShape = Dlrun__Onnx__TensorShapeProto
  typealias Entry = Dlrun__Onnx__StringStringEntryProto
  typealias OpsetID = Dlrun__Onnx__OperatorSetIdProto
  typealias Sequence = Dlrun__Onnx__SequenceProto
  typealias Optional = Dlrun__Onnx__OptionalProto
  typealias Map = Dlrun__Onnx__MapProto
  typealias Descriptor = UnsafePointer<ProtobufCMessageDescriptor>

  /// Numbers of `AttributeProto.AttributeType`.
  enum AttributeType {
    static let float: Int32 = 1
    static let int: Int32 = 2
    static let string: Int32 = 3
    static let tensor: Int32 = 4
    static let graph: Int32 = 5
    static let floats: Int32 = 6
    static let ints: Int32 = 7
    static let strings: Int32 = 8
    static let tensors: Int32 = 9
    static let graphs: Int32 = 10
    static let sparse: Int32 = 11
    static let sparses: Int32 = 12
    static let type: Int32 = 13
    static let types: Int32 = 14
  }
}

/// A message that protoc-c declares: its size, its table of fields and its decoder.
struct MessageKind<M> {
  typealias Unpack = (
    UnsafeMutablePointer<ProtobufCAllocator>?, Int, UnsafePointer<UInt8>?
  ) -> UnsafeMutablePointer<M>?
  let unpack: Unpack
  /// The address of the message's own table, which an initialised message points to. A constant of
  /// C has no address of its own in Swift.
  let descriptor: PB.Descriptor

  init?(_ empty: M, initialise: (UnsafeMutablePointer<M>?) -> Void, unpack: @escaping Unpack) {
    var message = empty
    initialise(&message)
    let base = withUnsafePointer(to: &message) {
      UnsafeRawPointer($0).loadUnaligned(as: ProtobufCMessage.self)
    }
    guard let descriptor = base.descriptor else { return nil }
    self.unpack = unpack
    self.descriptor = descriptor
  }
}

extension MessageKind<PB.Model> {
  static var model: Self? {
    Self(
      .init(), initialise: dlrun__onnx__model_proto__init, unpack: dlrun__onnx__model_proto__unpack)
  }
}
extension MessageKind<PB.Tensor> {
  static var tensor: Self? {
    Self(
      .init(), initialise: dlrun__onnx__tensor_proto__init,
      unpack: dlrun__onnx__tensor_proto__unpack)
  }
}
extension MessageKind<PB.Sequence> {
  static var sequence: Self? {
    Self(
      .init(), initialise: dlrun__onnx__sequence_proto__init,
      unpack: dlrun__onnx__sequence_proto__unpack)
  }
}
extension MessageKind<PB.Optional> {
  static var optional: Self? {
    Self(
      .init(), initialise: dlrun__onnx__optional_proto__init,
      unpack: dlrun__onnx__optional_proto__unpack)
  }
}
extension MessageKind<PB.Map> {
  static var map: Self? {
    Self(.init(), initialise: dlrun__onnx__map_proto__init, unpack: dlrun__onnx__map_proto__unpack)
  }
}

/// The elements of a repeated message field.
func list<T>(
  _ count: Int, _ items: UnsafeMutablePointer<UnsafeMutablePointer<T>?>?
) -> [UnsafeMutablePointer<T>] {
  guard let items else { return [] }
  return (0..<count).compactMap { items[$0] }
}

/// The elements of a repeated scalar field.
func scalars<T>(_ count: Int, _ items: UnsafeMutablePointer<T>?) -> UnsafeBufferPointer<T> {
  UnsafeBufferPointer(start: items, count: items == nil ? 0 : count)
}

/// A string field, "" when absent. The pre-scan has checked its bytes.
func text(_ field: UnsafeMutablePointer<CChar>?) -> String {
  field.map { String(cString: $0) } ?? ""
}

func texts(
  _ count: Int, _ items: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?
) -> [String] {
  guard let items else { return [] }
  return (0..<count).map { text(items[$0]) }
}

func bytes(_ field: ProtobufCBinaryData) -> UnsafeRawBufferPointer {
  UnsafeRawBufferPointer(start: field.data, count: field.data == nil ? 0 : field.len)
}
