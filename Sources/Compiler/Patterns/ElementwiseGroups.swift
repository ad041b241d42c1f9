import Graphs
import Kernels
import Operators
import Tensors

/// Finds elementwise nodes that can be computed together.
struct ElementwiseGroups {
  let g: GraphEditor
  private var taken: Set<Int> = []
  private var forms: [Int: ElementwiseForm?] = [:]

  /// Nodes of a group at most, so that its steps and constants stay within a chain's limits.
  private static let most = 24

  init(_ g: GraphEditor) { self.g = g }

  /// What a node computes element by element; nil for others.
  private mutating func form(_ i: Int) -> ElementwiseForm? {
    if let known = forms[i] { return known }
    let made = ElementwiseForm(g, i)
    forms[i] = .some(made)
    return made
  }

  /// The largest group whose result is that of `root`; nil where there is none worth the fusion.
  mutating func grow(from root: Int) -> ElementwiseGroup? {
    guard !taken.contains(root), let y = g.output(root), let dims = g.dims(y),
      let first = form(root)
    else { return nil }
    var group = ElementwiseGroup(root: root, dims: dims)
    group.forms[root] = first
    var open = [root]
    while let i = open.popLast() {
      for case let v? in g.node(i).inputs {
        guard let m = g.maker(v), group.forms[m] == nil, !taken.contains(m), g.dims(v) == dims,
          let own = form(m)
        else { continue }
        guard g.users(v).allSatisfy({ group.forms[$0] != nil }) else { continue }
        guard group.forms.count < Self.most else { continue }
        var larger = group
        larger.forms[m] = own
        if g.isOutput(v) { larger.results.append(v) }
        guard larger.fits(g) else { continue }
        group = larger
        open.append(m)
      }
    }
    guard group.forms.count > 1 else { return nil }
    guard group.pays(g) else {
      g.miss(
        root, "\(ElementwiseFusion.name): rows are too short for what would be saved")
      return nil
    }
    taken.formUnion(group.forms.keys)
    return group
  }
}

/// Elementwise nodes of one shape, all but the results used by each other alone.
struct ElementwiseGroup {
  let root: Int
  let dims: [Dim]
  var forms: [Int: ElementwiseForm] = [:]
  /// Values beside the root's that the graph puts out.
  var results: [ValueID] = []

  init(root: Int, dims: [Dim]) {
    self.root = root
    self.dims = dims
  }

  /// The values from outside, each once.
  private func sources(_ g: GraphEditor) -> [ValueID] {
    var seen: Set<ValueID> = []
    var list: [ValueID] = []
    for form in forms.values {
      for v in form.operands where g.maker(v).map({ forms[$0] == nil }) ?? true {
        if seen.insert(v).inserted { list.append(v) }
      }
    }
    return list
  }

  func fits(_ g: GraphEditor) -> Bool {
    let inputs = sources(g).count + forms.values.reduce(0) { $0 + $1.numbers }
    let steps = forms.values.reduce(0) { $0 + $1.steps }
    return inputs <= ChainKernel.maxInputs && inputs + steps <= ChainKernel.maxValues
      && results.count < ChainKernel.maxOutputs
  }

  /// Whether fusing saves more passes over memory than reading broadcast columns costs: an operand
  /// with one element for less than half a tile is laid out, and one for up to two tiles takes
  /// tiles apart, which costs more than one pass where rows are no whole number of vectors.
  func pays(_ g: GraphEditor) -> Bool {
    var needed = 0
    for v in sources(g) {
      guard let own = g.dims(v), let stretch = stretch(own) else { continue }
      if stretch < 128 { needed += 1 }
      if stretch > 64 && stretch < 512 { needed = max(needed, 2) }
    }
    return forms.count - 1 >= needed
  }

  /// How many elements in a row take the same one of an operand; nil where they take one each or
  /// all the same, and where sizes are not known.
  private func stretch(_ own: [Dim]) -> Int? {
    guard own != dims else { return nil }
    var count = 1
    for (place, dim) in dims.reversed().enumerated() {
      if place < own.count, own[own.count - 1 - place] != 1 {
        return count > 1 ? count : nil
      }
      guard let size = dim.known else { return nil }
      count = count.multipliedReportingOverflow(by: size).partialValue
    }
    return nil
  }

  /// Puts one chain in place of the group.
  func fuse(_ g: GraphEditor, by pass: String) throws(EngineError) {
    guard let y = g.output(root) else { return }
    var builder = ElementwiseSteps(g, forms)
    let last = try builder.add(y)
    let wanted = [y] + results
    guard last >= 0 else { return }
    let op = try builder.chain(results: wanted)
    let made = try g.add(
      op, builder.inputs, outputs: wanted.count, at: root, name: g.node(root).name)
    for i in forms.keys.sorted() {
      g.note(i, "\(pass): part of an ElementwiseChain of \(op.steps.count) steps")
    }
    for (old, new) in zip(wanted, made) { g.replace(old, with: new) }
    g.remove(root)
  }
}

/// Writes the steps of a group, operands before what they go into.
private struct ElementwiseSteps {
  private enum Operand {
    case input(Int)
    case step(Int)
  }
  let g: GraphEditor
  let forms: [Int: ElementwiseForm]
  private(set) var inputs: [ValueID?] = []
  private var steps: [(ChainStep.Function, [Operand])] = []
  private var places: [ValueID: Operand] = [:]

  init(_ g: GraphEditor, _ forms: [Int: ElementwiseForm]) {
    self.g = g
    self.forms = forms
  }

  /// Adds the steps that make `v`; gives the number of the last, or -1 for a value from outside.
  mutating func add(_ v: ValueID) throws(EngineError) -> Int {
    // A list instead of recursion, since chains may be long.
    var open = [v]
    while let at = open.last {
      if places[at] != nil {
        open.removeLast()
        continue
      }
      guard let m = g.maker(at), let form = forms[m] else {
        places[at] = input(at)
        open.removeLast()
        continue
      }
      let missing = form.operands.filter { places[$0] == nil }
      if missing.isEmpty {
        places[at] = try write(form)
        open.removeLast()
      } else {
        // What steps make comes first, so that it can stay in registers.
        let isMade = missing.filter { g.maker($0).map { forms[$0] != nil } ?? false }
        open += missing.filter { !isMade.contains($0) } + isMade.reversed()
      }
    }
    if case .step(let i)? = places[v] { return i }
    return -1
  }

  private mutating func input(_ v: ValueID) -> Operand {
    inputs.append(v)
    return .input(inputs.count - 1)
  }

  private mutating func write(_ form: ElementwiseForm) throws(EngineError) -> Operand {
    var list = form.operands.compactMap { places[$0] }
    switch form.kind {
    case .one(let function): steps.append((function, list))
    case .fold(let op):
      var last = list.removeFirst()
      for next in list {
        steps.append((.binary(op), [last, next]))
        last = .step(steps.count - 1)
      }
    case .clip(let low, let high):
      var last = list.removeFirst()
      for (op, fixed) in [(BinaryOp.max, low), (BinaryOp.min, high)] {
        let bound: Operand
        if let fixed {
          bound = input(g.addConstant(try Tensor(scalar: fixed)))
        } else {
          bound = list.removeFirst()
        }
        steps.append((.binary(op), [last, bound]))
        last = .step(steps.count - 1)
      }
    }
    return .step(steps.count - 1)
  }

  func chain(results: [ValueID]) throws(EngineError) -> ElementwiseChain {
    func number(_ o: Operand) -> Int {
      switch o {
      case .input(let i): i
      case .step(let i): inputs.count + i
      }
    }
    return ElementwiseChain(
      steps.map { ChainStep($0.0, $0.1.map(number)) }, inputs: inputs.count,
      results: results.compactMap { places[$0].map(number) })
  }
}
