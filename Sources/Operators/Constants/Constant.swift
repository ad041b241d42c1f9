import Graphs
import Kernels
import Tensors

/// A tensor held by the model itself.
///
/// - Exactly one attribute says what it is: `value` (any dtype and shape), `sparse_value` (made
///   dense), `value_float`, `value_int`, `value_string` (scalars), `value_floats`, `value_ints`,
///   `value_strings` (rank 1).
/// - Errors: `.attribute` when there is none or more than one, or when a sparse value's places lie
///   outside its shape.
/// - Source: ONNX Constant 1, 9, 11 (sparse), 12 (scalars and lists), 13, 19, 21, 23, 24, 25.
public struct Constant: Operator {
  public let value: TensorAttribute

  static let forms = [
    "value", "sparse_value", "value_float", "value_floats", "value_int", "value_ints",
    "value_string", "value_strings",
  ]

  public static let schema = Schema(
    "Constant", versions: [1, 9, 11, 12, 13, 19, 21, 23, 24, 25], inputs: [],
    outputs: [Parameter("output", .all)],
    attributes: [
      AttributeSpec("value", .tensor, "the tensor"),
      AttributeSpec("sparse_value", .sparse, "the tensor in coordinate form", since: 11),
      AttributeSpec("value_float", .float, "a float32 scalar", since: 12),
      AttributeSpec("value_floats", .floats, "a float32 list", since: 12),
      AttributeSpec("value_int", .int, "an int64 scalar", since: 12),
      AttributeSpec("value_ints", .ints, "an int64 list", since: 12),
      AttributeSpec("value_string", .string, "a string scalar", since: 12),
      AttributeSpec("value_strings", .strings, "a list of strings", since: 12),
    ],
    cases: {
      [
        .init(Constant(try Tensor(shape: [2, 2], [1, 2, 3, 4] as [Float])), []),
        .init(Constant(try Tensor(scalar: 7 as Int64)), []),
      ]
    })

  public init(_ value: Tensor) { self.value = TensorAttribute(value) }

  public init(reading a: AttributeReader) throws(EngineError) {
    let given = Constant.forms.filter { a.has($0) }
    guard given.count == 1, let form = given.first else {
      throw EngineError(
        .attribute, "a constant needs exactly one attribute",
        expected: "one of \(Constant.forms.joined(separator: ", "))",
        received: given.isEmpty ? "none" : given.joined(separator: ", "))
    }
    let tensor: Tensor?
    switch form {
    case "value": tensor = try a.tensor(form)
    case "sparse_value":
      tensor = try a.sparse(form).map { (s) throws(EngineError) in
        try s.dense()
      }
    case "value_float": tensor = try Tensor(scalar: a.float(form))
    case "value_floats": tensor = try Tensor(a.floats(form, default: []))
    case "value_int": tensor = try Tensor(scalar: Int64(a.int(form)))
    case "value_ints": tensor = try Tensor(a.ints(form).map { Int64($0) })
    case "value_string": tensor = try Tensor(shape: [], strings: [a.string(form, default: "")])
    default:
      let strings = try a.strings(form, default: [])
      tensor = try Tensor(shape: [strings.count], strings: strings)
    }
    guard let tensor else { throw EngineError(.attribute, "attribute '\(form)' is missing") }
    value = TensorAttribute(tensor)
  }
  public var attributes: [Attribute] { [.tensor("value", value.tensor)] }

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] {
    [Fact(constant: value.tensor)]
  }

  public func prepare(_ p: Preparation) throws(EngineError) -> Prepared {
    let tensor = value.tensor
    if tensor.dtype == .string { return .dynamic }
    let copy = StridedCopy(copying: tensor.byteCount, elementBytes: 1)
    return Prepared { m in
      copy.run(to: m.outputs[0], from: tensor.storage.bytes, pool: m.pool)
    }
  }

  public func evaluate(_ e: Evaluation) throws(EngineError) -> [Value?] { [.tensor(value.tensor)] }
}

extension SparseTensor {
  /// The tensor with every element, zeros included.
  ///
  /// Errors: `.attribute` for indices of the wrong type, rank or range, `.shape` for illegal sizes,
  /// `.dtype` for packed values.
  func dense() throws(EngineError) -> Tensor {
    let shape = try Shape(checking: dims)
    let count = values.count
    guard values.dtype.bits >= 8 || values.dtype == .string else {
      throw EngineError(
        .dtype, "a sparse tensor of packed elements", received: "\(values.dtype)")
    }
    guard indices.dtype == .int64, values.shape.rank == 1,
      indices.shape == [count] || indices.shape == Shape([count, shape.rank])
    else {
      throw EngineError(
        .attribute, "the indices of a sparse tensor do not fit",
        expected: "int64 [\(count)] or [\(count), \(shape.rank)]", received: "\(indices.type)")
    }
    let strides = shape.strides
    let places = indices.elements(Int64.self)
    var at: [Int] = []
    for i in 0..<count {
      var place = 0
      if indices.shape.rank == 1 {
        place = Int(places[i])
        guard place >= 0, place < shape.count else {
          throw EngineError(
            .attribute, "sparse index \(i) is out of range", expected: "0 to \(shape.count - 1)",
            received: "\(place)")
        }
      } else {
        for axis in 0..<shape.rank {
          let index = Int(places[i * shape.rank + axis])
          guard index >= 0, index < shape[axis] else {
            throw EngineError(
              .attribute, "sparse index \(i) is out of range at axis \(axis)",
              expected: "0 to \(shape[axis] - 1)", received: "\(index)")
          }
          place += index * strides[axis]
        }
      }
      at.append(place)
    }
    if values.dtype == .string {
      var strings = [String](repeating: "", count: shape.count)
      for (i, place) in at.enumerated() { strings[place] = values.strings[i] }
      return try Tensor(shape: shape, strings: strings)
    }
    let size = values.dtype.byteSize
    return try Tensor(TensorType(values.dtype, shape)) { (bytes) throws(EngineError) in
      guard let base = bytes.baseAddress else { return }
      base.initializeMemory(as: UInt8.self, repeating: 0, count: bytes.count)
      for (i, place) in at.enumerated() {
        (base + place * size).copyMemory(from: values.storage.bytes + i * size, byteCount: size)
      }
    }
  }
}
