import Graphs
import Operators
import Tensors

extension Optimizer {
  /// `model` rewritten and written in standard forms, as other runtimes load it.
  ///
  /// Functions are written out. At level basic the opset stays the model's, unless a function's
  /// body needs a newer one; at level all it is the lowest, from the model's up, in which every
  /// node has a form. Operators of com.microsoft stay, those of ai.dlrun are written as what they
  /// stand for. Layout passes do not run. Every node reads back to the operator it stands for.
  ///
  /// `oldest`: an opset to start from at whatever level, where the model's is older.
  ///
  /// Errors: `.invalidModel` and others for a model that cannot be read; `.unsupported` where a
  /// node has no standard form, `.internalDefect` naming the pass where that is a pass's doing.
  public func saved(
    _ model: ModelGraph, operators: OperatorSet = .builtIn, from oldest: Int? = nil
  ) throws(EngineError) -> ModelGraph {
    var optimizer = self
    optimizer.options.lastStage = min(options.lastStage, .fusing)
    optimizer.options.includesSubgraphs = true
    var lookup = operators.lookup(opsets: model.opsets)
    var plain = try model.inliningFunctions(using: lookup)
    lookup = operators.lookup(opsets: plain.opsets)
    try plain.graph.expandGradients(using: lookup)
    let mayRaise = options.level > .basic || !model.functions.isEmpty || oldest != nil
    let rewritten = try optimizer.run(plain.graph, using: lookup)
    do throws(EngineError) {
      var result = try optimizer.standard(
        plain, rewritten, lookup, mayRaise: mayRaise, from: oldest)
      result.graph.restorePorts(of: plain.graph)
      try result.check(operators)
      return result
    } catch {
      try optimizer.blame(plain, lookup, mayRaise: mayRaise)
      throw error
    }
  }

  /// The graph in the lowest opset that has a form for every node.
  private func standard(
    _ model: ModelGraph, _ graph: Graph, _ lookup: OperatorLookup, mayRaise: Bool,
    from oldest: Int? = nil
  ) throws(EngineError) -> ModelGraph {
    let original = lookup.opset("") ?? Self.defaultOpset
    var versions: [String: Int] = [:]
    for domain in graph.domains { versions[domain] = lookup.opset(domain) ?? 1 }
    // What an expansion may bring.
    versions["com.microsoft"] = lookup.opset("com.microsoft") ?? 1
    var first: EngineError?
    let start = max(original, oldest ?? original)
    for opset in start...(mayRaise ? max(start, Self.newestOpset) : start) {
      versions[""] = opset
      let speller = Speller(
        opsets: versions, original: original, used: model.graph.operatorNames, lookup: lookup)
      do throws(EngineError) {
        var result = model
        result.graph = try speller.spelled(graph)
        result.graph.dropUnusedValues()
        result.importOpsets(versions, isRaised: opset != original)
        return result
      } catch { if first == nil { first = error } }
    }
    throw first ?? EngineError(.internalDefect, "no opset was tried")
  }

  /// The newest opset that is written.
  static let newestOpset = 24
  /// The opset of ai.onnx for a model that imports none.
  static let defaultOpset = 13

  /// Throws an error that names the pass after which the graph has no standard form; nothing where
  /// it had none before.
  private func blame(
    _ model: ModelGraph, _ lookup: OperatorLookup, mayRaise: Bool
  ) throws(EngineError) {
    var start = model.graph
    try start.inferFacts(using: lookup, options: .lenient)
    guard (try? standard(model, start, lookup, mayRaise: mayRaise)) != nil else { return }
    var search = self
    search.log = nil
    search.observer = { (step) throws(EngineError) in
      do throws(EngineError) {
        _ = try standard(model, step.graph, lookup, mayRaise: mayRaise)
      } catch {
        throw EngineError(
          .internalDefect, "pass \(step.pass.name) made a node that cannot be saved", cause: error)
      }
    }
    _ = try search.run(model.graph, using: lookup)
  }
}

extension ModelGraph {
  /// Imports the versions that the graph's nodes are written in, and no others.
  mutating func importOpsets(_ versions: [String: Int], isRaised: Bool) {
    var used = graph.domains
    var list: [(domain: String, version: Int)] = []
    for (domain, version) in opsets {
      let name = domain == "ai.onnx" ? "" : domain
      guard used.remove(name) != nil || name.isEmpty else { continue }
      list.append((domain, versions[name] ?? version))
    }
    for domain in used.sorted() { list.append((domain, versions[domain] ?? 1)) }
    opsets = list
    // Initializers that are no inputs came with version 4.
    let inputs = Set(graph.inputs)
    if graph.initializers.contains(where: { !inputs.contains($0.id) }) {
      irVersion = max(irVersion, 4)
    }
    guard isRaised, let opset = versions[""] else { return }
    irVersion = max(irVersion, ModelGraph.formatVersion(of: opset))
  }

  /// Reads the model as a runtime would.
  ///
  /// Errors: `.internalDefect` where that fails.
  package func check(_ operators: OperatorSet) throws(EngineError) {
    let lookup = operators.lookup(opsets: opsets)
    do throws(EngineError) {
      try verify(using: lookup)
      var copy = self
      copy.graph.forgetOperators()
      try copy.graph.inferFacts(using: lookup, options: .lenient)
    } catch {
      throw EngineError(.internalDefect, "the rewritten model breaks a rule", cause: error)
    }
  }
}

extension Graph {
  /// The domains of all nodes, "" for ai.onnx.
  fileprivate var domains: Set<String> {
    var result: Set<String> = []
    for node in nodes {
      result.insert(node.domain == "ai.onnx" ? "" : node.domain)
      for g in node.subgraphs { result.formUnion(g.domains) }
    }
    return result
  }

  /// The names of all operators, whatever their domain.
  var operatorNames: Set<String> {
    var result = Set(nodes.map(\.type))
    for node in nodes { for g in node.subgraphs { result.formUnion(g.operatorNames) } }
    return result
  }

  fileprivate mutating func forgetOperators() {
    for i in nodes.indices {
      nodes[i].op = nil
      nodes[i].updateSubgraphs { (g: inout Graph) in g.forgetOperators() }
    }
  }

  /// Gives inputs and outputs the types that the file declares, without names made up for sizes
  /// that have none.
  mutating func restorePorts(of original: Graph) {
    guard inputs.count == original.inputs.count, outputs.count == original.outputs.count else {
      return
    }
    for (mine, theirs) in zip(inputs + outputs, original.inputs + original.outputs)
    where original.values[theirs.index].fact.type != .tensor(nil, nil) {
      values[mine.index].fact = Fact(original.values[theirs.index].fact.type)
      values[mine.index].isDeclared = true
    }
  }
}
