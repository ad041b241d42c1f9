import Graphs

/// Convolutional networks in integers: operators on images of bytes.
enum Bytes {
  static let operators: [any Operator.Type] = [
    ByteAdd.self,
    ByteAffine.self,
    ByteAveragePool.self,
    ByteChannels.self,
    ByteConv.self,
    ByteMaxPool.self,
    ByteMul.self,
    ByteTable.self,
    DynamicByteConv.self,
    DynamicToBytes.self,
    FromBytes.self,
    ToBytes.self,
  ]
}
