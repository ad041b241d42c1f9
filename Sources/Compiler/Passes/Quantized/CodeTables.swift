import Graphs
import Kernels
import Operators
import Tensors

enum CodeTables: Pass {
  static let name = "tabulate-codes"
  static let level = OptimizationLevel.all
  static let stage = PassStage.fusing
  static let about = PassText(
    looksFor: "elementwise operators that start at 8-bit codes of one tensor, or at CodeTables of "
      + "such, and constants of one element, and end in 8-bit codes",
    makes: "a CodeTable, whose 256 results the operators' own kernels compute now; nothing where "
      + "each is the code itself",
    why: "what depends on a code alone has no more than 256 values")

  /// Nodes of one table.
  private static let most = 64

  static func run(_ g: GraphEditor, _ options: PassOptions) throws(EngineError) {
    let eager = Eager(pool: options.pool, options: .init(exact: options.exact))
    for i in g.nodes where g.isLive(i) && g.node(i).op is QuantizeLinear {
      guard let rounding = ByteRounding(g, i), g.constant(rounding.scale) != nil,
        let cone = Cone(g, i)
      else { continue }
      guard let table = cone.table(g, i, eager) else {
        g.miss(i, "\(name): a kernel did not compute the table")
        continue
      }
      if table.dtype == g.dtype(cone.source), table.isEveryCode, let y = g.output(i),
        !g.isOutput(y)
      {
        g.note(i, "\(name): every code stays as it is")
        g.replace(y, with: cone.source)
        g.remove(i)
        continue
      }
      let others = cone.nodes.filter { $0 != i }
      try g.fuse(i, others, into: CodeTable(), [cone.source, g.addConstant(table)], by: name)
    }
  }

  /// The nodes between codes and codes, in an order in which they run.
  private struct Cone {
    var nodes: [Int] = []
    var source: ValueID

    init?(_ g: GraphEditor, _ end: Int) {
      var found: ValueID?
      var done: Set<Int> = []
      var order: [Int] = []
      var open: [(node: Int, isReady: Bool)] = [(end, false)]
      var works = 0
      while let (node, isReady) = open.popLast() {
        if done.contains(node) { continue }
        if isReady {
          done.insert(node)
          order.append(node)
          continue
        }
        guard order.count + open.count < CodeTables.most else { return nil }
        open.append((node, true))
        let isEnd = node == end
        var codes: ValueID?
        if let numbers = ByteCodes(g, g.output(node)), numbers.isUniform(g) {
          guard g.constant(numbers.scale) != nil,
            numbers.zero.map({ g.constant($0) != nil }) ?? true
          else { return nil }
          codes = numbers.codes
        } else if g.node(node).op is CodeTable {
          guard g.constant(g.input(node, 1)) != nil else { return nil }
          codes = g.input(node, 0)
        }
        if let codes {
          // Codes from a table go on; others are where it starts.
          if let (maker, _) = g.made(codes, by: CodeTable.self) {
            open.append((maker, false))
          } else if found == nil || found == codes {
            found = codes
          } else {
            return nil
          }
          continue
        }
        guard isEnd || ByteRounding(g, node) != nil || ElementwiseForm(g, node) != nil else {
          return nil
        }
        if !isEnd, ByteRounding(g, node) == nil { works += 1 }
        for (k, v) in g.node(node).inputs.enumerated() {
          guard let v else { continue }
          if let t = g.constant(v) {
            guard t.count == 1 || (k > 0 && g.node(node).op is QuantizeLinear) else { return nil }
            continue
          }
          guard let maker = g.maker(v), g.dims(v) == g.dims(g.output(node) ?? v) else {
            return nil
          }
          open.append((maker, false))
        }
      }
      guard let found, works > 0 || order.count > 2, let y = g.output(end),
        g.dims(found) == g.dims(y), g.dims(found) != nil
      else { return nil }
      nodes = order
      source = found
    }

    /// The codes that come out for each code; nil where a kernel fails.
    func table(_ g: GraphEditor, _ end: Int, _ eager: Eager) -> Tensor? {
      let isSigned = g.dtype(source) == .int8
      guard
        let all = try? isSigned
          ? Tensor((0..<256).map { Int8(truncatingIfNeeded: $0) })
          : Tensor((0..<256).map { UInt8(truncatingIfNeeded: $0) })
      else { return nil }
      var known: [ValueID: Tensor] = [source: all]
      for node in nodes {
        guard let op = g.node(node).op, let y = g.output(node) else { return nil }
        var inputs: [Value?] = []
        for v in g.node(node).inputs {
          guard let v else {
            inputs.append(nil)
            continue
          }
          guard let t = known[v] ?? g.constant(v) else { return nil }
          // One element stays one whatever its rank.
          let flat = t.count == 1 && t.shape.rank > 1 ? try? t.reshaped([1]) : t
          inputs.append(flat.map { .tensor($0) })
        }
        guard let results = try? eager.evaluate(op, inputs, outputs: 1, runner: nil),
          case .tensor(let t)? = results.first, t.count == 256
        else { return nil }
        known[y] = t
      }
      return g.output(end).flatMap { known[$0] }
    }
  }
}

extension Tensor {
  /// Whether byte i is i.
  fileprivate var isEveryCode: Bool {
    let bytes = storage.bytes.assumingMemoryBound(to: UInt8.self)
    return byteCount == 256 && (0..<256).allSatisfy { Int(bytes[$0]) == $0 }
  }
}
