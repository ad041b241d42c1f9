import Graphs
import Operators
import Tensors

/// Records the graph that a source becomes: operators applied to values whose dtypes and sizes are
/// known at each step, named after the places in the source they come from.
///
/// It is the builder that layers and gradients are written against; `apply` records one operator.
public final class ConversionBuilder: Builder {
  private let base = GraphBuilder()
  /// Names of nodes begin with it: the path of the layer or node being converted.
  public var scope = ""
  /// Told of each weight that is recorded: its name, and the bytes of all so far.
  var recorded: ((String, Int) -> Void)?
  private var recordedBytes = 0
  private var taken: Set<String> = []
  /// Names of nodes, which may be those of values.
  private var takenByNodes: Set<String> = []
  /// Values that are transposes to channels last, with the channels-first value behind each.
  private var channelsFirstOf: [ValueID: ValueID] = [:]
  private var channelsLastOf: [ValueID: ValueID] = [:]

  /// The graphs around the one being recorded, outermost first.
  private var around: [Recording] = []
  private var captured: [ValueID] = []
  private var captures: [ValueID: ValueID] = [:]

  public init() {}

  public var graph: Graph {
    get { base.graph }
    set { base.graph = newValue }
  }

  public func fact(of value: ValueID) -> Fact { base.fact(of: value) }
  public func dims(_ value: ValueID) -> [Dim]? { base.fact(of: value).dims }
  public func dtype(_ value: ValueID) -> DType? { base.fact(of: value).dtype }

  public func constant(_ tensor: Tensor) throws(EngineError) -> ValueID {
    try base.constant(tensor)
  }

  /// A weight under its name in the source, made unique where need be.
  public func weight(_ name: String, _ tensor: Tensor) -> ValueID {
    recordedBytes &+= tensor.byteCount
    recorded?(name, recordedBytes)
    return base.graph.addInitializer(unique(name), tensor)
  }

  public func input(_ name: String, _ fact: Fact) -> ValueID {
    base.graph.addInput(unique(name), fact)
  }

  /// Makes `value` an output called `name`. An input, a constant or another output is copied, since
  /// a value has one name.
  public func output(_ name: String, _ value: ValueID) throws(EngineError) {
    let g = base.graph
    let isFree =
      !g.inputs.contains(value) && !g.outputs.contains(value)
      && !g.initializers.contains { $0.id == value } && g.values[value.index].name.isEmpty
    let result = isFree ? value : try apply(Identity(), value)
    base.graph.values[result.index].name = unique(name)
    base.graph.outputs.append(result)
  }

  public func call<Op: Operator>(
    _ op: Op, _ inputs: Few<ValueID?>, outputs: Int
  ) throws(EngineError) -> Few<ValueID> {
    let result = try base.call(op, inputs, outputs: outputs)
    if !scope.isEmpty {
      let last = base.graph.nodes.count - 1
      base.graph.nodes[last].name = Self.unique(scope, &takenByNodes)
    }
    return result
  }

  /// `name`, or `name_1`, `name_2`, … where it is taken.
  public func unique(_ name: String) -> String { Self.unique(name, &taken) }

  private static func unique(_ name: String, _ taken: inout Set<String>) -> String {
    if taken.insert(name).inserted { return name }
    var i = 1
    while !taken.insert("\(name)_\(i)").inserted { i += 1 }
    return "\(name)_\(i)"
  }

  // MARK: Graphs within graphs

  /// What is kept of a graph while another is recorded for one of its nodes.
  private struct Recording {
    var graph: Graph
    var channelsFirstOf: [ValueID: ValueID]
    var channelsLastOf: [ValueID: ValueID]
    var captured: [ValueID]
    var captures: [ValueID: ValueID]
  }

  /// How many graphs lie around the one being recorded.
  public var depth: Int { around.count }

  /// Records a graph of its own for a node: what `body` applies goes there.
  ///
  /// - Returns: the graph, and the values of the graph around it that it uses, in the order of its
  ///   captures.
  public func recording(
    _ body: () throws(EngineError) -> Void
  ) throws(EngineError) -> (graph: Graph, captured: [ValueID]) {
    around.append(
      Recording(
        graph: base.graph, channelsFirstOf: channelsFirstOf, channelsLastOf: channelsLastOf,
        captured: captured, captures: captures))
    base.graph = Graph()
    (channelsFirstOf, channelsLastOf, captured, captures) = ([:], [:], [], [:])
    defer {
      if let outer = around.popLast() {
        base.graph = outer.graph
        channelsFirstOf = outer.channelsFirstOf
        channelsLastOf = outer.channelsLastOf
        captured = outer.captured
        captures = outer.captures
      }
    }
    try body()
    return (base.graph, captured)
  }

  /// `outer`, a value of the graph directly around, as a value of the graph being recorded. Small
  /// constants are repeated instead.
  ///
  /// Errors: `.internalDefect` where no graph is around.
  public func capture(_ outer: ValueID) throws(EngineError) -> ValueID {
    if let known = captures[outer] { return known }
    guard let fact = around.last?.graph.values[outer.index].fact else {
      throw EngineError(.internalDefect, "a value is captured where no graph is around")
    }
    if let tensor = fact.constant, tensor.count <= 1024 {
      let id = try constant(tensor)
      captures[outer] = id
      return id
    }
    let id = base.graph.addValue("", fact)
    base.graph.captures.append(id)
    captured.append(outer)
    captures[outer] = id
    return id
  }

  /// Makes `value` the next output of a graph being recorded.
  public func result(_ value: ValueID) throws(EngineError) {
    let g = base.graph
    let isMade = g.nodes.contains { $0.outputs.contains(value) }
    let id = isMade && !g.outputs.contains(value) ? value : try apply(Identity(), value)
    base.graph.outputs.append(id)
  }

  /// Applies `op`, which holds graphs that use values of the one being recorded.
  public func apply<Op: Operator>(
    _ op: Op, inputs: [ValueID?], captured: [ValueID], outputs: Int
  ) throws(EngineError) -> [ValueID] {
    let made = try call(op, Few(inputs), outputs: outputs)
    base.graph.nodes[base.graph.nodes.count - 1].captured = captured
    return made.array
  }

  // MARK: Layout

  /// The channels-first value that `value` is a transpose of; nil where it is none.
  public func knownChannelsFirst(_ value: ValueID) -> ValueID? { channelsFirstOf[value] }

  /// `[N, D..., C]` as `[N, C, D...]`: the value it was made from where there is one, else a
  /// transpose.
  ///
  /// Errors: `.shape` where the rank is unknown or below 2.
  public func channelsFirst(_ value: ValueID) throws(EngineError) -> ValueID {
    if let known = channelsFirstOf[value] { return known }
    let rank = try knownRank(value)
    guard rank > 2 else { return value }
    let result = try apply(
      Transpose(perm: [0, rank - 1] + Array(1..<(rank - 1))), value)
    channelsFirstOf[value] = result
    channelsLastOf[result] = value
    return result
  }

  /// `[N, C, D...]` as `[N, D..., C]`.
  ///
  /// Errors: `.shape` where the rank is unknown or below 2.
  public func channelsLast(_ value: ValueID) throws(EngineError) -> ValueID {
    if let known = channelsLastOf[value] { return known }
    let rank = try knownRank(value)
    guard rank > 2 else { return value }
    let result = try apply(Transpose(perm: [0] + Array(2..<rank) + [1]), value)
    channelsLastOf[value] = result
    channelsFirstOf[result] = value
    return result
  }

  /// The channels-first value that `value` was made from by `channelsLast`, or nil.
  public func channelsFirstTwin(_ value: ValueID) -> ValueID? { channelsFirstOf[value] }

  /// Errors: `.shape` where the rank of `value` is unknown or below 2.
  private func knownRank(_ value: ValueID) throws(EngineError) -> Int {
    guard let rank = base.fact(of: value).rank, rank >= 2 else {
      throw EngineError(
        .shape, "the layout of a value cannot change", expected: "a known rank of at least 2",
        received: base.fact(of: value).dims.map { "\($0)" } ?? "an unknown rank")
    }
    return rank
  }

  // MARK: Small constants

  public func ints(_ values: [Int]) throws(EngineError) -> ValueID {
    try constant(try Tensor(shape: [values.count], values.map { Int64($0) }))
  }
  public func scalar(_ value: Int) throws(EngineError) -> ValueID {
    try constant(try Tensor(scalar: Int64(value)))
  }
  public func scalar(_ value: Float) throws(EngineError) -> ValueID {
    try constant(try Tensor(scalar: value))
  }
}
