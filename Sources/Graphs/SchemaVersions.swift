import Tensors

// What a schema says of one opset version.

extension Schema {
  /// The attribute of this name as `opset` knows it, or nil.
  public func attribute(_ name: String, opset: Int) -> AttributeSpec? {
    attributes.first { $0.name == name && $0.isKnown(in: opset) }
  }

  /// The newest opset, `newest` at most, whose version of the operator has all these attributes and
  /// as many inputs and outputs: what such a node can be saved in. Nil where there is none.
  public func newestOpset(
    knowing list: [Attribute], inputs: Int? = nil, outputs: Int? = nil, newest: Int = .max
  ) -> Int? {
    var since = versions.first ?? 1
    var before = Int.max
    for a in list {
      // Of two forms of an attribute the newer one, unless the value has the other's type.
      let forms = attributes.filter { $0.name == a.name }
      guard let form = forms.last(where: { $0.kind.holds(a.payload) }) ?? forms.last else {
        return nil
      }
      since = max(since, form.since)
      before = min(before, form.before)
    }
    // What fits does not change but where a version ends.
    let ends = Array(inputCounts.keys) + Array(outputCounts.keys)
    let last = min(before - 1, newest)
    let candidates = [last] + ends.map { $0 - 1 }.filter { $0 < last }.sorted(by: >)
    return candidates.first { opset in
      since <= opset && fits(inputCounts, inputs, opset) && fits(outputCounts, outputs, opset)
    }
  }

  private func fits(_ counts: [Int: ClosedRange<Int>], _ count: Int?, _ opset: Int) -> Bool {
    guard let count, let since = counts.keys.filter({ $0 <= opset }).max() else { return true }
    return counts[since]?.contains(count) ?? true
  }

  /// Whether `opset` knows each of `list`.
  ///
  /// Errors: `.attribute`, naming the first that it does not know and those that it does.
  public func checkAttributes(_ list: [Attribute], opset: Int) throws(EngineError) {
    for a in list where attribute(a.name, opset: opset) == nil {
      let known = attributes.filter { $0.isKnown(in: opset) }.map(\.name)
      let expected = known.isEmpty ? "none" : "one of " + known.joined(separator: ", ")
      guard let other = attributes.first(where: { $0.name == a.name }) else {
        throw EngineError(.attribute, "unknown attribute '\(a.name)'", expected: expected)
      }
      throw EngineError(
        .attribute, "opset \(opset) has no attribute '\(a.name)'", expected: expected,
        hint: other.since > opset
          ? "the attribute came with opset \(other.since)"
          : "the attribute went with opset \(other.before)")
    }
  }

  /// Whether each required input is there and the numbers of inputs and outputs are those of
  /// `opset`; of any version where it is nil.
  ///
  /// Errors: `.arity`.
  public func checkArity(
    inputs given: [Bool], outputs: Int, opset: Int?
  ) throws(EngineError) {
    try checkArity(inputs: given, outputs: outputs)
    guard let opset else { return }
    func check(_ what: String, _ counts: [Int: ClosedRange<Int>], _ count: Int) throws(EngineError)
    {
      guard let since = counts.keys.filter({ $0 <= opset }).max(), let legal = counts[since],
        !legal.contains(count)
      else { return }
      let text =
        legal.lowerBound == legal.upperBound
        ? "\(legal.lowerBound)"
        : legal.upperBound == .max
          ? "at least \(legal.lowerBound)" : "\(legal.lowerBound) to \(legal.upperBound)"
      throw EngineError(
        .arity, "too \(count < legal.lowerBound ? "few" : "many") \(what)s for opset \(opset)",
        expected: text, received: "\(count)")
    }
    try check("input", inputCounts, given.count)
    try check("output", outputCounts, outputs)
  }
}

extension AttributeSpec.Kind {
  /// Whether a value of an attribute is of this kind.
  public func holds(_ payload: Attribute.Payload) -> Bool {
    switch (self, payload) {
    case (.int, .int), (.ints, .ints), (.float, .float), (.floats, .floats), (.string, .string),
      (.strings, .strings), (.tensor, .tensor), (.sparse, .sparse), (.graph, .graph),
      (.type, .type):
      true
    default: false
    }
  }
}

extension [AttributeSpec] {
  /// The list with the opsets in which some of its attributes came, where operators that share
  /// the list got them at different times.
  public func known(since versions: [String: Int]) -> [AttributeSpec] {
    map {
      AttributeSpec(
        $0.name, $0.kind, $0.doc, since: versions[$0.name] ?? $0.since, before: $0.before)
    }
  }
}
