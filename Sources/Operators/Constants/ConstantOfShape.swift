import Graphs
import Kernels
import Tensors

/// A tensor of a given shape, every element the same.
///
/// - `input`: int64 `[rank]`, the sizes. Empty: a scalar.
/// - `value`: a tensor of one element of any dtype but strings and complex; default float32 0.
/// - Errors: `.shape` for negative sizes, `.attribute` when `value` has not one element.
/// - Source: ONNX ConstantOfShape 9, 20, 21, 23, 24, 25.
public struct ConstantOfShape: Operator {
  public let value: TensorAttribute

  static let types: DTypes = [.numeric, .bool, .packed, .float8s]

  public static let schema = Schema(
    "ConstantOfShape", versions: [9, 20, 21, 23, 24, 25],
    inputs: [Parameter("input", .int64, "T1", shape: true)],
    outputs: [Parameter("output", types, "T2")],
    attributes: [AttributeSpec("value", .tensor, "one element; default float32 0")],
    cases: {
      [
        .init(
          ConstantOfShape(try Tensor([2.5 as Float])), [try Tensor([2, 3] as [Int64])]),
        .init(ConstantOfShape(try Tensor([7 as Int64])), [try Tensor([4] as [Int64])]),
      ]
    })

  /// `value` holds one element.
  public init(_ value: Tensor) { self.value = TensorAttribute(value) }

  public init(reading a: AttributeReader) throws(EngineError) {
    let given = try a.tensor("value")
    let tensor: Tensor = if let given { given } else { try Tensor([0 as Float]) }
    guard tensor.count == 1, ConstantOfShape.types.contains(tensor.dtype) else {
      throw EngineError(
        .attribute, "attribute 'value' does not fit",
        expected:
          "one element of \(ConstantOfShape.types.list.map { "\($0)" }.joined(separator: ", "))",
        received: "\(tensor.type)")
    }
    value = TensorAttribute(tensor)
  }
  public var attributes: [Attribute] { [.tensor("value", value.tensor)] }

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] {
    let tensor = value.tensor
    guard let dims = c.elements(0) else {
      return [Fact(tensor.dtype, c.dims(0)?.first?.known.map { c.unknown(rank: $0) })]
    }
    for d in dims {
      if let n = d.known, n < 0 {
        throw EngineError(.shape, "negative size", received: "\(dims)")
      }
    }
    if let known = c.ints(0) { _ = try Shape(checking: known) }
    var fact = Fact(tensor.dtype, dims)
    if let type = fact.tensorType, type.count <= Fact.maxElements {
      fact = Fact(constant: try filled(type))
    }
    return [fact]
  }

  private func filled(_ type: TensorType) throws(EngineError) -> Tensor {
    try Tensor(type) { (bytes) throws(EngineError) in
      if let base = bytes.baseAddress { fill(base, type) }
    }
  }

  private func fill(_ target: UnsafeMutableRawPointer, _ type: TensorType) {
    let element = value.tensor.storage.bytes
    guard type.dtype.isPacked else {
      Blocks.fill(target, with: element, count: type.count, elementBytes: type.dtype.byteSize)
      return
    }
    let bits = type.dtype.bits
    let mask = UInt8(1 << bits) &- 1
    let one = element.load(as: UInt8.self) & mask
    var byte: UInt8 = 0
    for i in 0..<8 / bits { byte |= one << UInt8(i * bits) }
    target.initializeMemory(as: UInt8.self, repeating: byte, count: type.byteCount)
    // Bits behind the last element stay zero.
    let used = type.count * bits % 8
    if used != 0 {
      target.storeBytes(
        of: byte & (UInt8(1 << used) &- 1), toByteOffset: type.byteCount - 1, as: UInt8.self)
    }
  }

  public func prepare(_ p: Preparation) throws(EngineError) -> Prepared {
    let type = try p.output(0)
    return Prepared { m in fill(m.outputs[0], type) }
  }
}
