import Tensors

/// A set of element types that an input or output may have.
public struct DTypes: OptionSet, Sendable, Hashable {
  public let rawValue: UInt32
  public init(rawValue: UInt32) { self.rawValue = rawValue }
  public init(_ dtypes: DType...) {
    self.init(rawValue: dtypes.reduce(0) { $0 | 1 << UInt32($1.rawValue) })
  }
  @inlinable public func contains(_ dtype: DType) -> Bool {
    rawValue >> UInt32(dtype.rawValue) & 1 == 1
  }
  public var list: [DType] { DType.allCases.filter { contains($0) } }

  /// float16, bfloat16, float32, float64.
  public static let floats = DTypes(.float16, .bfloat16, .float32, .float64)
  public static let float8s = DTypes(
    .float8e4m3fn, .float8e4m3fnuz, .float8e5m2, .float8e5m2fnuz, .float8e8m0, .float4e2m1)
  public static let signedInts = DTypes(.int8, .int16, .int32, .int64)
  public static let unsignedInts = DTypes(.uint8, .uint16, .uint32, .uint64)
  public static let ints: DTypes = [.signedInts, .unsignedInts]
  public static let numeric: DTypes = [.floats, .ints]
  public static let signedNumeric: DTypes = [.floats, .signedInts]
  public static let packed = DTypes(.int4, .uint4, .float4e2m1, .int2, .uint2)
  public static let float6s = DTypes(.float6e2m3, .float6e3m2)
  public static let bool = DTypes(.bool)
  public static let string = DTypes(.string)
  public static let complex = DTypes(.complex64, .complex128)
  public static let int64 = DTypes(.int64)
  /// int32 and int64, as indices are.
  public static let indices = DTypes(.int32, .int64)
  public static let all = DTypes(rawValue: 0x1FFF_FFFE)
}

/// One input or output of an operator, as its schema describes it.
public struct Parameter: Sendable {
  public enum Kind: Sendable { case required, optional, variadic }
  public let name: String
  public let types: DTypes
  public let kind: Kind
  /// Inputs and outputs that share a letter share an element type; "" stands alone.
  public let letter: String
  /// The *values* of this input decide shapes, and are read before the run where they are known.
  public let isShapeInput: Bool
  /// Whether a sequence, optional or map may stand here instead of a tensor.
  public let takesContainers: Bool

  public init(
    _ name: String, _ types: DTypes, _ letter: String = "T", kind: Kind = .required,
    shape: Bool = false, containers: Bool = false
  ) {
    self.name = name
    self.types = types
    self.letter = letter
    self.kind = kind
    isShapeInput = shape
    takesContainers = containers
  }
  public static func optional(
    _ name: String, _ types: DTypes, _ letter: String = "T", shape: Bool = false
  ) -> Parameter { .init(name, types, letter, kind: .optional, shape: shape) }
  public static func variadic(
    _ name: String, _ types: DTypes, _ letter: String = "T", containers: Bool = false
  ) -> Parameter { .init(name, types, letter, kind: .variadic, containers: containers) }
}

/// An attribute of an operator, as its schema describes it.
public struct AttributeSpec: Sendable {
  public enum Kind: String, Sendable {
    case int, ints, float, floats, string, strings, tensor, sparse, graph, type
  }
  public let name: String
  public let kind: Kind
  /// Default, legal range and meaning in one line.
  public let doc: String
  /// The first opset of the domain that knows the attribute, and the first that no longer does.
  public let since: Int
  public let before: Int
  public init(
    _ name: String, _ kind: Kind, _ doc: String, since: Int = 1, before: Int = .max
  ) {
    self.name = name
    self.kind = kind
    self.doc = doc
    self.since = since
    self.before = before
  }
  public func isKnown(in opset: Int) -> Bool { since <= opset && opset < before }

  /// Of opsets 1 to 5: for each input whether its memory may be taken. Has no meaning here.
  public static let consumedInputs = AttributeSpec(
    "consumed_inputs", .ints, "before opset 6; not used", before: 6)
}

/// What readers, tests, manual and benchmarks know of an operator.
public struct Schema: Sendable {
  public let name: String
  /// "" is ONNX's own domain, ai.onnx.
  public let domain: String
  /// The opset versions in which the operator was defined or changed, rising. The reader refuses
  /// a model whose opset is below the first.
  public let versions: [Int]
  public let inputs: [Parameter]
  public let outputs: [Parameter]
  public let attributes: [AttributeSpec]
  /// How many inputs a node has from an opset on, where that is not the same in all versions:
  /// `[1: 1...1, 11: 1...3]`. `inputs` then describes the largest number.
  public let inputCounts: [Int: ClosedRange<Int>]
  /// Likewise for outputs.
  public let outputCounts: [Int: ClosedRange<Int>]
  /// Relative tolerance of the generic checks in float32.
  public let tolerance: Double
  public let isDifferentiable: Bool
  /// Same inputs, same outputs; false for random operators.
  public let isDeterministic: Bool
  /// Operators and inputs on which every generic check runs. Made when asked for.
  public let cases: @Sendable () throws -> [Case]

  public struct Case: Sendable {
    public let op: any Operator
    public let inputs: [Tensor?]
    /// Outputs asked for.
    public let outputCount: Int
    public init(_ op: any Operator, _ inputs: [Tensor?], outputCount: Int = 1) {
      self.op = op
      self.inputs = inputs
      self.outputCount = outputCount
    }
  }

  public init(
    _ name: String, domain: String = "", versions: [Int], inputs: [Parameter],
    outputs: [Parameter], attributes: [AttributeSpec] = [],
    inputCounts: [Int: ClosedRange<Int>] = [:], outputCounts: [Int: ClosedRange<Int>] = [:],
    tolerance: Double = 1e-4, isDifferentiable: Bool = false, isDeterministic: Bool = true,
    cases: @escaping @Sendable () throws -> [Case]
  ) {
    self.name = name
    self.domain = domain
    self.versions = versions
    self.inputs = inputs
    self.outputs = outputs
    self.attributes = attributes
    self.inputCounts = inputCounts
    self.outputCounts = outputCounts
    self.tolerance = tolerance
    self.isDifferentiable = isDifferentiable
    self.isDeterministic = isDeterministic
    self.cases = cases
  }

  public var minInputs: Int {
    (inputs.lastIndex { $0.kind == .required }).map { $0 + 1 } ?? 0
  }
  /// Nil when the last input is variadic.
  public var maxInputs: Int? { inputs.last?.kind == .variadic ? nil : inputs.count }
  public var maxOutputs: Int? { outputs.last?.kind == .variadic ? nil : outputs.count }
  /// The description of input `i`; a variadic one covers all that follow.
  public func input(_ i: Int) -> Parameter? {
    i < inputs.count ? inputs[i] : inputs.last.flatMap { $0.kind == .variadic ? $0 : nil }
  }
}
