import Graphs
import Kernels
import Operators
import TestSupport
import Tensors
import Testing

/// What holds for every operator, checked on the cases of its schema without being asked.
@Suite struct EveryOperatorTests {
  static let names: [String] = Registry.all.map { $0.schema.domain + ":" + $0.schema.name }

  private func operatorType(_ key: String) throws -> any Operator.Type {
    let parts = key.split(separator: ":", omittingEmptySubsequences: false)
    return try #require(Registry.find(domain: String(parts[0]), name: String(parts[1])))
  }

  private func cases(_ key: String) throws -> [Schema.Case] { try operatorType(key).schema.cases() }

  private func run(
    _ op: any Operator, _ inputs: [Tensor?], _ outputs: Int, pool: ThreadPool = .single
  ) throws -> [Tensor] {
    let values = try Eager(pool: pool, options: .init(threads: pool.threads)).evaluate(
      op, inputs.map { $0.map { .tensor($0) } }, outputs: outputs, runner: nil)
    return try values.map { try #require($0).asTensor() }
  }

  @Test(arguments: names) func hasCasesAndSaneSchema(_ key: String) throws {
    let schema = try operatorType(key).schema
    #expect(schema.versions == schema.versions.sorted() && !schema.versions.isEmpty)
    for v in schema.versions {
      let known = schema.attributes.filter { $0.isKnown(in: v) }.map(\.name)
      #expect(Set(known).count == known.count, "\(key) \(v)")
    }
    for p in schema.inputs.dropLast() { #expect(p.kind != .variadic) }
    // Cases hold tensors: what takes or gives containers may be beyond them.
    let hasContainers = (schema.inputs + schema.outputs).contains(where: \.takesContainers)
    // Gradient names values of a graph, and is replaced before one runs.
    let namesValues = key == "ai.onnx.preview.training:Gradient"
    if !schema.attributes.contains(where: { $0.kind == .graph }) && !hasContainers && !namesValues {
      #expect(try !schema.cases().isEmpty, "\(key) has no cases")
    }
  }

  @Test(arguments: names) func shapeRuleEqualsResult(_ key: String) throws {
    for c in try cases(key) {
      let facts = c.inputs.map { $0.map { Fact(constant: $0) } }
      let rule = try c.op.infer(Inference(inputs: facts, outputCount: c.outputCount))
      let results = try run(c.op, c.inputs, c.outputCount)
      for (fact, result) in zip(rule, results) {
        #expect(fact.dtype == nil || fact.dtype == result.dtype, "\(key)")
        guard let dims = fact.dims else { continue }
        #expect(dims.count == result.shape.rank, "\(key): rank")
        for (d, n) in zip(dims, result.shape.array) where d.known != nil {
          #expect(d.known == n, "\(key): \(dims) for \(result.shape)")
        }
        if let ints = fact.knownInts, result.dtype == .int64 {
          #expect(ints.map { Int64($0) } == Array(result.elements(Int64.self)), "\(key): elements")
        }
      }
    }
  }

  @Test(arguments: names) func inferenceSurvivesIgnorance(_ key: String) throws {
    for c in try cases(key) {
      let nothing: [Fact?] = c.inputs.map { $0 == nil ? nil : Fact(nil, nil) }
      let blank = try c.op.infer(Inference(inputs: nothing, outputCount: c.outputCount))
      #expect(blank.count >= c.outputCount, "\(key): unknown types")
      let ranks: [Fact?] = c.inputs.enumerated().map { (i, t) in
        t.map { t in
          Fact(t.dtype, t.shape.array.indices.map { Dim(symbol: "s\(i)_\($0)") })
        }
      }
      let symbolic = try c.op.infer(Inference(inputs: ranks, outputCount: c.outputCount))
      #expect(symbolic.count >= c.outputCount, "\(key): symbolic sizes")
    }
  }

  @Test(arguments: names) func symbolicSizesComeOutRight(_ key: String) throws {
    for c in try cases(key) {
      var sizes: [String: Dim] = [:]
      var facts: [Fact?] = []
      let schema = type(of: c.op).schema
      for (i, t) in c.inputs.enumerated() {
        guard let t else {
          facts.append(nil)
          continue
        }
        if schema.input(i)?.isShapeInput == true {
          facts.append(Fact(constant: t))
          continue
        }
        // The first axis symbolic, as a batch is; sizes of 1 stay, since they broadcast.
        var dims = t.shape.array.map { Dim($0) }
        if let n = dims.first?.known, n > 1 {
          sizes["n\(n)"] = Dim(n)
          dims[0] = Dim(symbol: "n\(n)")
        }
        facts.append(Fact(t.dtype, dims))
      }
      let rule = try c.op.infer(Inference(inputs: facts, outputCount: c.outputCount))
      let results = try run(c.op, c.inputs, c.outputCount)
      for (fact, result) in zip(rule, results) {
        guard let dims = fact.dims else { continue }
        #expect(dims.count == result.shape.rank)
        for (d, n) in zip(dims, result.shape.array) {
          if let known = d.substituting(sizes).known {
            #expect(known == n, "\(key): \(dims) for \(result.shape)")
          }
        }
      }
    }
  }

  @Test(arguments: names) func attributesReadBackEqual(_ key: String) throws {
    for c in try cases(key) where !c.op.attributes.contains(where: \.holdsGraph) {
      let schema = type(of: c.op).schema
      // The newest version that has them all.
      let opset = try #require(
        schema.newestOpset(
          knowing: c.op.attributes, inputs: c.inputs.count, outputs: c.outputCount, newest: 28),
        "\(key)")
      let reader = AttributeReader(
        schema.name, opset: opset, attributes: c.op.attributes, inputCount: c.inputs.count,
        outputCount: c.outputCount)
      let back = try type(of: c.op).init(reading: reader)
      #expect(AnyHashable(back) == AnyHashable(c.op), "\(key): \(back) for \(c.op)")
      let known = Set(schema.attributes.map(\.name))
      for a in c.op.attributes { #expect(known.contains(a.name), "\(key) writes \(a.name)") }
    }
  }

  @Test(arguments: names) func threadsDoNotChangeAnyBit(_ key: String) throws {
    let pool = ThreadPool(threads: 3)
    for c in try cases(key) where type(of: c.op).schema.isDeterministic {
      let one = try run(c.op, c.inputs, c.outputCount)
      let many = try run(c.op, c.inputs, c.outputCount, pool: pool)
      for (a, b) in zip(one, many) {
        #expect(a.type == b.type && a.strings == b.strings)
        #expect(a.dtype == .string || a.rawBytes.elementsEqual(b.rawBytes), "\(key)")
      }
    }
  }

  @Test(arguments: names) func everyDeclaredDTypeRuns(_ key: String) throws {
    for c in try cases(key) {
      let schema = type(of: c.op).schema
      for letter in Set(schema.inputs.map(\.letter)) where !letter.isEmpty {
        guard let p = schema.inputs.first(where: { $0.letter == letter }) else { continue }
        for dtype in p.types.list {
          var inputs = c.inputs
          var changed = false
          for (i, t) in inputs.enumerated() {
            guard let t, schema.input(i)?.letter == letter, t.dtype != dtype else { continue }
            guard t.dtype != .string, t.dtype != .bool || dtype == .bool, dtype != .string,
              let cast = try? converted(t, to: dtype)
            else { continue }
            inputs[i] = cast
            changed = true
          }
          if !changed { continue }
          do {
            _ = try run(c.op, inputs, c.outputCount)
          } catch let error as EngineError where error.code != .dtype && error.code != .unsupported
          {
            // A value that this dtype cannot hold may be out of range; a missing kernel may not.
          } catch {
            Issue.record("\(key) with \(letter) = \(dtype): \(error)")
          }
        }
      }
    }
  }

  private func converted(_ t: Tensor, to dtype: DType) throws -> Tensor {
    let cast = try #require(Registry.find(domain: "", name: "Cast"))
    let op = try cast.init(
      reading: AttributeReader("Cast", opset: 25, attributes: [.dtype("to", dtype)]))
    return try run(op, [t], 1)[0]
  }

  @Test(arguments: names) func gradientEqualsDifferences(_ key: String) throws {
    guard try operatorType(key).schema.isDifferentiable else { return }
    for (i, c) in try cases(key).enumerated() {
      for failure in try GradientCheck(c).failures() {
        Issue.record("\(key), case \(i): \(failure)")
      }
    }
  }

  @Test(arguments: names) func gradientIsRecordedWithSymbolicSizes(_ key: String) throws {
    guard try operatorType(key).schema.isDifferentiable else { return }
    for (i, c) in try cases(key).enumerated() {
      do {
        for failure in try GradientCheck(c).recordedFailures() {
          Issue.record("\(key), case \(i): \(failure)")
        }
      } catch let error as EngineError where error.code == .notDifferentiable {
        // Some rules need sizes, and say so.
      }
    }
  }

  /// Operators whose gradients have none of their own.
  static let onlyOnce: Set<String> = [
    ":RoiAlign", ":MaxRoiPool", "ai.dlrun:GRUGradient", "ai.dlrun:LSTMGradient",
    "ai.dlrun:RNNGradient",
  ]

  @Test(arguments: names) func gradientHasAGradient(_ key: String) throws {
    guard try operatorType(key).schema.isDifferentiable, !Self.onlyOnce.contains(key) else {
      return
    }
    for (i, c) in try cases(key).enumerated() {
      for failure in try GradientCheck(c).secondFailures() {
        Issue.record("\(key), case \(i): \(failure)")
      }
    }
  }

  @Test(arguments: names) func othersSayThatTheyHaveNoGradient(_ key: String) throws {
    guard try !operatorType(key).schema.isDifferentiable else { return }
    for c in try cases(key) {
      var g = Backward(
        inputs: Few(c.inputs), outputs: Few<Tensor>(), upstreams: Few<Tensor?>(), needed: 0)
      let error = #expect(throws: EngineError.self) { try c.op.gradientEagerly(Eager(), &g) }
      #expect(error?.code == .notDifferentiable, "\(key)")
    }
  }
}

extension Attribute {
  var holdsGraph: Bool { if case .graph = payload { true } else { false } }
}
