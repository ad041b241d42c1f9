import Graphs
import Operators
import Tensors
import Testing

/// Every version of every operator that onnx defines against our schema and reader: attributes,
/// their defaults, numbers of inputs and outputs, element types.
@Suite struct SignatureTests {
  static let all: [Signature] = {
    let folder = #filePath.split(separator: "/").dropLast().joined(separator: "/")
    return (try? Signature.read("/\(folder)/Vectors/onnx-signatures.txt")) ?? []
  }()

  /// Those whose operator exists, and that onnx has not withdrawn.
  static let known = all.filter { !$0.isDeprecated && type($0) != nil }

  static func type(_ s: Signature) -> (any Operator.Type)? {
    Registry.find(domain: s.domain, name: s.name)
  }

  @Test func signaturesAreThere() {
    #expect(Self.all.count > 650)
    #expect(Self.known.count > 600)
  }

  @Test func versionsAreAllThere() throws {
    let versions = Dictionary(grouping: Self.known) { $0.domain + ":" + $0.name }
    for (key, list) in versions {
      let schema = try #require(list.first.flatMap { Self.type($0) }).schema
      for s in list {
        #expect(schema.versions.contains(s.since), "\(key) lacks version \(s.since)")
      }
    }
  }

  private func node(
    _ s: Signature, _ attributes: [Attribute], inputs: Int, outputs: Int? = nil
  ) -> Graph.Node {
    Graph.Node(
      type: s.name, domain: s.domain, attributes: attributes,
      inputs: (0..<inputs).map { ValueID($0) },
      outputs: (0..<(outputs ?? max(1, s.outputs.lowerBound))).map { ValueID(inputs + $0) })
  }

  private func error(_ node: Graph.Node, _ opset: Int) -> EngineError? {
    do throws(EngineError) {
      _ = try Registry.make(node, opset: opset)
      return nil
    } catch { return error }
  }

  @Test(arguments: known) func attributesAreThoseOfTheVersion(_ s: Signature) throws {
    let schema = try #require(Self.type(s)).schema
    for a in s.attributes {
      let ours = schema.attribute(a.name, opset: s.since)
      #expect(ours?.kind == a.kind, "\(a.name) is \(a.kind)")
    }
    let theirs = Set(s.attributes.map(\.name))
    for a in schema.attributes where a.isKnown(in: s.since) {
      #expect(theirs.contains(a.name), "opset \(s.since) has no \(a.name)")
    }
  }

  /// Attributes of other versions and unknown ones are refused.
  @Test(arguments: known) func otherAttributesAreRefused(_ s: Signature) throws {
    let theirs = Set(s.attributes.map(\.name))
    let versions = Self.known.filter { $0.name == s.name && $0.domain == s.domain }
    let others = Set(versions.flatMap { $0.attributes.map(\.name) } + ["no_such_attribute"])
    for name in others.subtracting(theirs) {
      let refusal = error(node(s, [.int(name, 1)], inputs: s.inputs.lowerBound), s.since)
      #expect(refusal?.code == .attribute, "\(name)")
    }
  }

  /// Values for attributes that a node must have, where any value of the kind would not do.
  static let samples: [String: Attribute.Payload] = [
    "Cast.to@1": .string(Array("INT64".utf8)), "CenterCropPad.axes": .ints([0]),
    "MaxRoiPool.pooled_shape": .ints([1, 1]), "RandomNormal.shape": .ints([1]),
    "Upsample.scales": .floats([1, 1, 2, 2]),
    "Einsum.equation": .string(Array("ij->ji".utf8)),
    "StringNormalizer.case_change_action": .string(Array("NONE".utf8)),
    "TfIdfVectorizer.mode": .string(Array("TF".utf8)),
    "TfIdfVectorizer.ngram_counts": .ints([0]), "TfIdfVectorizer.ngram_indexes": .ints([0]),
    "TfIdfVectorizer.pool_int64s": .ints([1]), "TfIdfVectorizer.max_skip_count": .int(0),
    "Pad.pads": .ints([0, 0]), "Pad.paddings": .ints([0, 0]),
  ]

  private func sample(_ s: Signature, _ a: Signature.Attribute) -> Attribute.Payload? {
    if let own = Self.samples["\(s.name).\(a.name)@\(s.since)"]
      ?? Self.samples["\(s.name).\(a.name)"]
    {
      return own
    }
    switch a.kind {
    case .int: return .int(1)
    case .ints: return .ints([1])
    case .float: return .float(1)
    case .floats: return .floats([1])
    case .tensor: return (try? Tensor(scalar: Float(1))).map { .tensor($0) }
    default: return nil
    }
  }

  /// A node with its required attributes alone is accepted, and is the same as one that states
  /// every default; without a required attribute it is refused.
  @Test(arguments: known.filter { $0.domain == "" }) func defaultsAreThoseOfTheVersion(
    _ s: Signature
  ) throws {
    // A hint that nobody reads is not asked for.
    let required = s.attributes.filter { $0.isRequired && $0.name != "consumed_inputs" }
    var given: [Attribute] = []
    for a in required {
      guard let value = sample(s, a) else { return }
      given.append(Attribute(a.name, value))
    }
    // Operators that need one of several attributes, or whose attributes depend on each other.
    let needsMore = ["Constant", "LpPool", "Optional", "Reshape", "TfIdfVectorizer"]
    if needsMore.contains(s.name) { return }
    let count = s.inputs.lowerBound
    for a in required {
      let rest = given.filter { $0.name != a.name }
      let refusal = error(node(s, rest, inputs: count), s.since)
      #expect(refusal?.code == .attribute, "without \(a.name)")
    }
    let plain = try Registry.make(node(s, given, inputs: count), opset: s.since)
    for a in s.attributes where a.name != "consumed_inputs" {
      // RNN states one activation for each direction there might be; only those in use count.
      guard let standard = a.standard, s.name != "RNN" || a.name != "activations" else { continue }
      let stated = try Registry.make(
        node(s, given + [Attribute(a.name, standard)], inputs: count), opset: s.since)
      let isSame = AnyHashable(stated) == AnyHashable(plain)
      #expect(isSame, "\(a.name) = \(standard): \(stated) for \(plain)")
    }
  }

  @Test(arguments: known) func numbersOfInputsAndOutputsAreThoseOfTheVersion(
    _ s: Signature
  ) throws {
    func code(inputs: Int, outputs: Int) -> EngineError.Code? {
      error(node(s, [], inputs: inputs, outputs: outputs), s.since)?.code
    }
    let outputs = max(1, s.outputs.lowerBound)
    #expect(code(inputs: s.inputs.lowerBound, outputs: outputs) != .arity)
    if s.inputs.upperBound != .max {
      #expect(code(inputs: s.inputs.upperBound, outputs: outputs) != .arity)
      #expect(code(inputs: s.inputs.upperBound + 1, outputs: outputs) == .arity)
    }
    if s.inputs.lowerBound > 0 {
      // Where attributes are missing as well, either may be told.
      let refusal = code(inputs: s.inputs.lowerBound - 1, outputs: outputs)
      #expect(refusal == .arity || refusal == .attribute)
    }
    if s.outputs.upperBound != .max {
      #expect(code(inputs: s.inputs.lowerBound, outputs: s.outputs.upperBound + 1) == .arity)
      #expect(code(inputs: s.inputs.lowerBound, outputs: s.outputs.upperBound) != .arity)
    }
  }

  /// Every element type that a version lists is in the schema. (Newer types are taken in older
  /// versions as well.)
  @Test(arguments: known) func elementTypesAreThere(_ s: Signature) throws {
    let schema = try #require(Self.type(s)).schema
    for (i, mask) in s.inputTypes.enumerated() {
      let ours = try #require(schema.input(i), "input \(i)")
      let missing = DTypes(rawValue: mask & ~1).subtracting(ours.types)
      #expect(missing.isEmpty, "input \(i) (\(ours.name)) lacks \(missing.list)")
      if mask & 1 == 1 { #expect(ours.takesContainers, "input \(i) takes containers") }
    }
    for (i, mask) in s.outputTypes.enumerated() {
      guard let ours = i < schema.outputs.count ? schema.outputs[i] : schema.outputs.last else {
        Issue.record("output \(i) is missing")
        continue
      }
      let missing = DTypes(rawValue: mask & ~1).subtracting(ours.types)
      #expect(missing.isEmpty, "output \(i) (\(ours.name)) lacks \(missing.list)")
    }
  }
}
