import Graphs
import Operators
import Tensors

/// A while loop of TensorFlow, old or new, as `Loop`.
///
/// Values that the body hands on unchanged are captured instead of carried, so weights and sizes
/// stay constants in the body. A list that each iteration writes at its own number becomes a scan
/// output.
struct FlowLoop {
  typealias Part = ([FlowValue]) throws(EngineError) -> [FlowValue]

  let session: FlowSession
  let initial: [FlowValue]
  /// Of each value, whether the body hands it on unchanged.
  let isKept: [Bool]
  /// Gives one tensor: whether to go on.
  let condition: Part
  let body: Part
  /// Of each value, whether it is known to be 0 before the loop.
  private let startsAtZero: [Bool]

  /// What an attempt to record the body made.
  private struct Attempt {
    var graph: Graph
    var captured: [ValueID]
    var results: [FlowValue]
    /// By carried place: the facts of what came in and what goes out.
    var before: [Fact] = []
    var after: [Fact] = []
    var scans: [Int] = []
    /// Of the scans, those whose list has one element, written again in each iteration.
    var isLast: [Bool] = []
  }

  /// The values after the loop.
  func convert() throws(EngineError) -> [FlowValue] {
    let b = session.builder
    let name = b.scope
    let start = try session.read(initial)
    // Handles are the same in every iteration.
    let kept = zip(start, isKept).map { value, isKept in
      switch value {
      case .tensor: isKept
      case .list: isKept
      case .variable, .table, .nothing: true
      }
    }
    guard case .tensor(let first)? = try condition(start).first else {
      throw EngineError(.unsupported, "the condition of a loop is no tensor")
    }
    let goesOn = try FlowBranches.scalarBool(first, b)
    var facts: [Int: Fact] = [:]
    for (i, v) in start.enumerated() where !kept[i] {
      if case .tensor(let id) = v { facts[i] = Fact(b.fact(of: id).type) }
      if case .list(let list) = v, case .stacked(let id) = list.state {
        facts[i] = Fact(b.fact(of: id).type)
      }
    }
    var attempt = try record(start, kept, facts)
    // Sizes that change from iteration to iteration are open; two rounds settle which.
    for _ in 0..<3 {
      let open = widened(&facts, attempt)
      if !open { break }
      attempt = try record(start, kept, facts)
    }
    b.scope = name
    return try finish(start, kept, attempt, goesOn)
  }

  /// Opens the sizes that differ; false where all are the same.
  private func widened(_ facts: inout [Int: Fact], _ attempt: Attempt) -> Bool {
    var changed = false
    for (k, i) in facts.keys.sorted().enumerated() where k < attempt.after.count {
      let (x, y) = (attempt.before[k], attempt.after[k])
      guard let have = x.dims, let get = y.dims else {
        if x.dims != nil {
          facts[i] = Fact(x.dtype, nil)
          changed = true
        }
        continue
      }
      guard have != get else { continue }
      changed = true
      if have.count != get.count {
        facts[i] = Fact(x.dtype, nil)
      } else {
        facts[i] = Fact(
          x.dtype,
          have.indices.map { a in
            have[a] == get[a] ? have[a] : Dim(symbol: session.freshSize())
          })
      }
    }
    return changed
  }

  private func record(
    _ start: [FlowValue], _ kept: [Bool], _ facts: [Int: Fact]
  ) throws(EngineError) -> Attempt {
    let b = session.builder
    var attempt = Attempt(graph: Graph(), captured: [], results: [])
    let recorded = try session.nested { () throws(EngineError) in
      try b.recording { () throws(EngineError) in
        _ = b.input("", Fact(.int64, []))
        _ = b.input("", Fact(.bool, []))
        var arguments: [FlowValue] = []
        for (i, v) in start.enumerated() {
          if kept[i] {
            arguments.append(try session.captured(v))
          } else if let fact = facts[i] {
            let id = b.input("", fact)
            attempt.before.append(fact)
            if case .list(var list) = v {
              list.state = .stacked(id)
              arguments.append(.list(list))
            } else {
              arguments.append(.tensor(id))
            }
          } else if case .list(var list) = v {
            list.state = .scanning(slot: i)
            arguments.append(.list(list))
          } else {
            arguments.append(v)
          }
        }
        let results = try session.read(try body(arguments))
        guard results.count == start.count else {
          throw EngineError(.invalidModel, "a loop's body gives the wrong number of values")
        }
        guard case .tensor(let flag)? = try condition(next(results, arguments, kept)).first else {
          throw EngineError(.unsupported, "the condition of a loop is no tensor")
        }
        try b.result(try FlowBranches.scalarBool(flag, b))
        for (i, r) in results.enumerated() where facts[i] != nil {
          guard let id = tensor(r) else {
            throw EngineError(.unsupported, "a loop carries a list that it cannot stack")
          }
          attempt.after.append(b.fact(of: id))
          try b.result(id)
        }
        for (i, r) in results.enumerated() where !kept[i] && facts[i] == nil {
          guard case .list(let list) = r else { continue }
          if case .scanning(let slot) = list.state, slot == i { continue }
          guard case .written(let slot, let value, let index) = list.state, slot == i else {
            throw EngineError(.unsupported, "a loop exchanges its lists")
          }
          let isLast = isOnlyElement(index, of: start[i])
          if !isLast { try check(index, arguments, results) }
          attempt.scans.append(i)
          attempt.isLast.append(isLast)
          try b.result(value)
        }
        attempt.results = results
      }
    }
    (attempt.graph, attempt.captured) = recorded
    return attempt
  }

  /// What the condition sees after an iteration.
  private func next(_ results: [FlowValue], _ arguments: [FlowValue], _ kept: [Bool]) -> [FlowValue]
  {
    results.indices.map { kept[$0] ? arguments[$0] : results[$0] }
  }

  private func tensor(_ value: FlowValue) -> ValueID? {
    if case .tensor(let id) = value { return id }
    if case .list(let list) = value, case .stacked(let id) = list.state { return id }
    return nil
  }

  /// Whether `index` is 0 and `list` has one element.
  private func isOnlyElement(_ index: ValueID?, of list: FlowValue) -> Bool {
    guard let index, session.builder.knownInts(index) == [0], case .list(let l) = list,
      case .reserved = l.state
    else { return false }
    return l.isSingle
  }

  /// Whether `index` counts the iterations: a carried value that starts at 0 and grows by 1.
  private func check(
    _ index: ValueID?, _ arguments: [FlowValue], _ results: [FlowValue]
  ) throws(EngineError) {
    guard let index else { return }
    let b = session.builder
    for (i, a) in arguments.enumerated() {
      guard case .tensor(let id) = a, id == index, case .tensor(let after) = results[i],
        let node = b.graph.nodes.last(where: { $0.outputs.contains(after) }), node.type == "Add",
        let left = node.inputs.first, let right = node.inputs.last
      else { continue }
      let other = left == id ? right : right == id ? left : nil
      guard let other, b.knownInts(other) == [1], startsAtZero[i] else { continue }
      return
    }
    throw EngineError(
      .unsupported, "a loop writes its list at places that do not count its iterations")
  }

  init(
    _ session: FlowSession, initial: [FlowValue], isKept: [Bool], condition: @escaping Part,
    body: @escaping Part
  ) {
    self.session = session
    self.initial = initial
    self.isKept = isKept
    self.condition = condition
    self.body = body
    startsAtZero = initial.map {
      if case .tensor(let id) = $0 { return session.builder.knownInts(id) == [0] }
      return false
    }
  }

  private func finish(
    _ start: [FlowValue], _ kept: [Bool], _ attempt: Attempt, _ goesOn: ValueID
  ) throws(EngineError) -> [FlowValue] {
    let b = session.builder
    var carried: [ValueID] = []
    for (i, v) in start.enumerated() where !kept[i] {
      if let id = tensor(v) { carried.append(id) }
    }
    let op = try Loop(
      reading: AttributeReader(
        "Loop", opset: ConversionBuilder.namingOpset,
        attributes: [.graph("body", attempt.graph)], inputCount: carried.count + 2))
    let count = carried.count + attempt.scans.count
    let made =
      count == 0
      ? []
      : try b.apply(
        op, inputs: [nil, goesOn] + carried, captured: attempt.captured, outputs: count)
    var values: [FlowValue] = []
    var next = 0
    for (i, v) in start.enumerated() {
      if kept[i] {
        values.append(v)
      } else if tensor(v) != nil {
        if case .list(var list) = v {
          list.state = .stacked(made[next])
          values.append(.list(list))
        } else {
          values.append(.tensor(made[next]))
        }
        next += 1
      } else if case .list(var list) = v, let s = attempt.scans.firstIndex(of: i) {
        let all = made[carried.count + s]
        list.state = .stacked(
          attempt.isLast[s] ? try b.slice(all, [-1], [Int.max >> 1], axes: [0]) : all)
        values.append(.list(list))
      } else {
        values.append(v)
      }
    }
    return values
  }
}
