import Graphs
import Tensors

/// The choices of old control flow: a `Merge` takes whichever of its inputs a `Switch` let through,
/// and becomes an `If`.
///
/// The condition is what decides switches that let each input through by one output of their own. What neither switch gates is computed before the choice.
final class TFMerges {
  private struct Plan {
    /// A bool for `Switch`, a number for `_SwitchN`.
    let condition: TFRef
    /// By output of the switches, in order: the input of the merge that it leads to.
    let branches: [(port: Int, input: Int)]
    let isNumbered: Bool
    /// Switches of the condition that a branch depends on.
    let switches: [Int]
    /// Values that branches use and that no switch gates.
    let outer: [TFRef]
  }
  private let body: TFBody
  private let frames: TFFrames
  private var plans: [Int: Plan?] = [:]

  init(_ body: TFBody, _ frames: TFFrames) {
    self.body = body
    self.frames = frames
  }

  func dependencies(of n: Int) -> [TFRef] {
    guard let plan = plan(n) else { return [] }
    return [plan.condition] + plan.switches.map { body.inputs[$0][0] } + plan.outer
  }

  /// The merged value; its number, which nothing but training uses, is not given.
  func convert(_ n: Int, _ scope: TFScope) throws(EngineError) -> [FlowValue] {
    guard let plan = plan(n) else {
      throw EngineError(.unsupported, "no switch decides what the node merges")
    }
    var arguments: [FlowValue] = []
    for s in plan.switches { arguments.append(try scope.value(body.inputs[s][0])) }
    for ref in plan.outer { arguments.append(try scope.value(ref)) }
    let body = body
    func branch(_ input: Int, _ port: Int) -> FlowBranches.Branch {
      func results(_ values: [FlowValue]) throws(EngineError) -> [FlowValue] {
        let inner = TFScope(scope.session, body, arguments: scope.arguments)
        for (s, v) in zip(plan.switches, values) {
          inner.replaced[TFRef(node: s, output: port)] = v
        }
        for (ref, v) in zip(plan.outer, values.dropFirst(plan.switches.count)) {
          inner.replaced[ref] = v
        }
        return [try inner.value(body.inputs[n][input])]
      }
      return results
    }
    let condition = try scope.tensor(plan.condition)
    var parts: [FlowBranches.Branch] = []
    for b in plan.branches { parts.append(branch(b.input, b.port)) }
    let made =
      plan.isNumbered
      ? try FlowBranches.select(
        parts[...], from: 0, condition, arguments, scope.session)
      : try FlowBranches.choose(
        condition, arguments, scope.session, then: parts[1], otherwise: parts[0])
    return made + [.nothing]
  }

  private func isSwitch(_ n: Int) -> Bool {
    ["Switch", "RefSwitch", "_SwitchN"].contains(body.nodes[n].op) && body.inputs[n].count == 2
      && !frames.loopNodes.contains(n)
  }

  /// What decides a switch, behind identities.
  private func decider(_ n: Int) -> TFRef {
    TFFunctions.source(body.inputs[n][1], body) ?? body.inputs[n][1]
  }

  /// What node `n` depends on, loops being one step; nothing for what a loop carries.
  private func before(_ n: Int) -> [(node: Int, output: Int)] {
    if frames.loopNodes.contains(n) { return [] }
    switch body.nodes[n].op {
    case "Enter", "RefEnter": return []
    case "Exit", "RefExit":
      return frames.dependencies(ofExit: n).map { ($0.node, $0.output) }
    default:
      return body.inputs[n].map { ($0.node, $0.output) } + body.controls[n].map { ($0, -1) }
    }
  }

  private func plan(_ n: Int) -> Plan? {
    if let known = plans[n] { return known }
    let made = makePlan(n)
    plans[n] = .some(made)
    return made
  }

  private func makePlan(_ n: Int) -> Plan? {
    guard body.inputs[n].count >= 2 else { return nil }
    var ports: [[TFRef: Set<Int>]] = []
    var reached: Set<Int> = []
    var users: [Int: [Int]] = [:]
    for input in body.inputs[n] {
      var gates: [TFRef: Set<Int>] = [:]
      var seen: Set<Int> = [input.node]
      var stack = [input.node]
      func note(_ node: Int, _ output: Int) {
        if isSwitch(node), output >= 0 {
          gates[decider(node), default: []].insert(output)
        }
      }
      note(input.node, input.output)
      while let m = stack.popLast() {
        for (d, output) in before(m) {
          note(d, output)
          users[d, default: []].append(m)
          if seen.insert(d).inserted { stack.append(d) }
        }
      }
      ports.append(gates)
      reached.formUnion(seen)
    }
    // What lets each input through by one output of its own.
    let candidates = ports[0].filter { gate in
      var seen: Set<Int> = []
      for p in ports {
        guard let mine = p[gate.key], mine.count == 1, let port = mine.first,
          seen.insert(port).inserted
        else { return false }
      }
      return true
    }
    guard
      let condition = candidates.keys.min(by: { ($0.node, $0.output) < ($1.node, $1.output) })
    else { return nil }
    let switches = reached.filter { isSwitch($0) && decider($0) == condition }.sorted()
    // All that depends on such a switch belongs to a branch.
    var gated = Set(switches)
    var stack = switches
    while let m = stack.popLast() {
      for u in users[m] ?? [] where gated.insert(u).inserted { stack.append(u) }
    }
    let isSwitchOfCondition = Set(switches)
    var outer: Set<TFRef> = []
    for input in body.inputs[n] where !gated.contains(input.node) { outer.insert(input) }
    for m in gated where !isSwitchOfCondition.contains(m) {
      for (d, output) in before(m) where output >= 0 && !gated.contains(d) {
        outer.insert(TFRef(node: d, output: output))
      }
    }
    let branches = ports.enumerated().compactMap { i, p in
      p[condition]?.first.map { (port: $0, input: i) }
    }.sorted { $0.port < $1.port }
    let isNumbered = switches.contains { body.nodes[$0].op == "_SwitchN" }
    guard isNumbered || branches.map(\.port) == [0, 1] else { return nil }
    return Plan(
      condition: condition, branches: branches, isNumbered: isNumbered, switches: switches,
      outer: outer.sorted { ($0.node, $0.output) < ($1.node, $1.output) })
  }
}
