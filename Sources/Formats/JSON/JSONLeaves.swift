import Tensors

/// The elements of nested arrays in order, and the lengths of the arrays.
struct JSONLeaves {
  private var elements: [JSONValue] = []
  private var dims: [Int] = []
  private var isRagged = false

  /// Errors: `.malformed` for an object among the elements; `.shape` for nesting beyond what a
  /// tensor has.
  mutating func gather(_ value: JSONValue) throws(EngineError) {
    var first = value
    while case .array(let list) = first {
      dims.append(list.count)
      guard dims.count <= Shape.maxRank + 1 else {
        throw EngineError(
          .shape, "arrays are nested too deep", expected: "at most \(Shape.maxRank) levels")
      }
      guard let next = list.first else { break }
      first = next
    }
    try add(value, 0)
  }

  private mutating func add(_ value: JSONValue, _ axis: Int) throws(EngineError) {
    switch value {
    case .array(let list):
      guard axis < dims.count else {
        throw EngineError(.shape, "an array stands among plain elements")
      }
      if list.count != dims[axis] { isRagged = true }
      for element in list { try add(element, axis + 1) }
    case .object: throw EngineError(.malformed, "an object stands among elements")
    default:
      if axis != dims.count { isRagged = true }
      elements.append(value)
    }
  }

  /// The tensor of these elements. Given `dims` the nesting does not matter.
  func tensor(
    _ wanted: DType?, dims given: [Int]?, _ limits: TensorLimits
  ) throws(EngineError) -> Tensor {
    let dtype: DType
    if let wanted { dtype = wanted } else { dtype = try inferred() }
    let isComplex = dtype == .complex64 || dtype == .complex128
    var sizes = given ?? dims
    if given == nil {
      guard !isRagged else {
        throw EngineError(.shape, "arrays of one level differ in length")
      }
      if isComplex {
        guard sizes.last == 2 else {
          throw EngineError(.shape, "complex elements are not pairs", expected: "[re, im]")
        }
        sizes.removeLast()
      }
    }
    let type = try limits.check(dtype, sizes)
    let expected = isComplex ? type.count * 2 : type.count
    guard elements.count == expected else {
      throw EngineError(
        .shape, "wrong number of elements for shape \(type.shape)", expected: "\(expected)",
        received: "\(elements.count)")
    }
    return try build(type)
  }

  /// The type that elements have when nobody says.
  private func inferred() throws(EngineError) -> DType {
    var (numbers, floats, texts, bools, wide, words) = (0, 0, 0, 0, 0, 0)
    for element in elements {
      switch element {
      case .int: numbers += 1
      case .unsigned: wide += 1
      case .double, .null: floats += 1
      case .bool: bools += 1
      case .string(let text):
        texts += 1
        if JSONLeaves.nonFinite(text) != nil { words += 1 }
      default: break
      }
    }
    let all = elements.count
    if all == 0 { return .float32 }
    if texts == all { return .string }
    if bools == all { return .bool }
    if numbers == all { return .int64 }
    if wide > 0, numbers + wide == all { return .uint64 }
    if bools == 0, texts == words { return .float32 }
    throw EngineError(
      .dtype, "elements of different kinds", expected: "all numbers, all strings or all booleans")
  }

  private static func nonFinite(_ text: String) -> Double? {
    switch text {
    case "NaN", "nan": .nan
    case "Infinity", "inf", "+Infinity": .infinity
    case "-Infinity", "-inf": -.infinity
    default: nil
    }
  }

  private func build(_ type: TensorType) throws(EngineError) -> Tensor {
    let shape = type.shape
    switch type.dtype {
    case .float32: return try Tensor(shape: shape, try numbers { Float($0) })
    case .float64: return try Tensor(shape: shape, try numbers { $0 })
    case .float16: return try Tensor(shape: shape, try numbers { Float16($0) })
    case .bfloat16: return try Tensor(shape: shape, try numbers { BFloat16(Float($0)) })
    case .complex64:
      let parts = try numbers { Float($0) }
      return try Tensor(type) { out in parts.withUnsafeBytes { out.copyMemory(from: $0) } }
    case .complex128:
      let parts = try numbers { $0 }
      return try Tensor(type) { out in parts.withUnsafeBytes { out.copyMemory(from: $0) } }
    case .string:
      var list: [String] = []
      for element in elements {
        guard let text = element.asString else { throw JSONLeaves.wrong(element, .string) }
        list.append(text)
      }
      return try Tensor(shape: shape, strings: list)
    case .uint64:
      var list: [UInt64] = []
      for element in elements {
        switch element {
        case .unsigned(let n): list.append(n)
        case .int(let n) where n >= 0: list.append(UInt64(n))
        default: throw JSONLeaves.wrong(element, .uint64)
        }
      }
      return try Tensor(shape: shape, list)
    default:
      guard type.dtype.isInteger || type.dtype == .bool else {
        throw EngineError(
          .dtype, "elements of \(type.dtype) have no form as text",
          hint: "use .npy or .safetensors")
      }
      var list: [Int64] = []
      for element in elements {
        switch element {
        case .int(let n): list.append(n)
        case .bool(let flag) where type.dtype == .bool: list.append(flag ? 1 : 0)
        default: throw JSONLeaves.wrong(element, type.dtype)
        }
      }
      return try Integers.narrowed(list, to: type)
    }
  }

  private func numbers<T>(_ make: (Double) -> T) throws(EngineError) -> [T] {
    var list: [T] = []
    list.reserveCapacity(elements.count)
    for element in elements {
      switch element {
      case .double(let n): list.append(make(n))
      case .int(let n): list.append(make(Double(n)))
      case .unsigned(let n): list.append(make(Double(n)))
      case .null: list.append(make(.nan))
      case .string(let text):
        guard let n = JSONLeaves.nonFinite(text) else { throw JSONLeaves.wrong(element, nil) }
        list.append(make(n))
      default: throw JSONLeaves.wrong(element, nil)
      }
    }
    return list
  }

  private static func wrong(_ element: JSONValue, _ dtype: DType?) -> EngineError {
    var received = element.kind
    switch element {
    case .string(let text): received = "'\(text.prefix(40))'"
    case .double(let n): received = "\(n)"
    case .int(let n): received = "\(n)"
    case .unsigned(let n): received = "\(n)"
    default: break
    }
    return EngineError(
      .value, "an element is of the wrong kind",
      expected: dtype.map { "an element of \($0)" } ?? "a number", received: received)
  }
}
