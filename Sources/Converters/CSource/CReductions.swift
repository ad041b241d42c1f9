import Graphs
import Operators
import Tensors

/// Sums, means and the like over some axes, and places of the largest and least.
enum CReductions {
  /// What a reduction starts with, adds for each element `v`, and makes of the whole.
  private struct Form {
    let start: String
    let step: String
    var end = "r"
    var isFirst = false
  }

  private static let forms: [String: Form] = [
    "ReduceSum": Form(start: "0", step: "r += v;"),
    "ReduceMean": Form(start: "0", step: "r += v;", end: "r / COUNT"),
    "ReduceProd": Form(start: "1", step: "r *= v;"),
    "ReduceL1": Form(start: "0", step: "r += F(fabs)(v);"),
    "ReduceL2": Form(start: "0", step: "r += v * v;", end: "F(sqrt)(r)"),
    "ReduceSumSquare": Form(start: "0", step: "r += v * v;"),
    "ReduceLogSum": Form(start: "0", step: "r += v;", end: "F(log)(r)"),
    "ReduceMax": Form(start: "0", step: "if (first || v > r NAN) r = v;", isFirst: true),
    "ReduceMin": Form(start: "0", step: "if (first || v < r NAN) r = v;", isFirst: true),
  ]

  static let operators: [String: COperators.Entry] = {
    var table: [String: COperators.Entry] = [
      "ArgMax": .init { (b) throws(EngineError) in
        guard let op = b.op as? ArgMax else { return }
        try place(&b, op.options, sign: ">")
      },
      "ArgMin": .init { (b) throws(EngineError) in
        guard let op = b.op as? ArgMin else { return }
        try place(&b, op.options, sign: "<")
      },
      "CumSum": .init { (b) throws(EngineError) in try cumulative(&b) },
    ]
    let one = COperators.Entry { (b) throws(EngineError) in try reduce(&b) }
    for name in forms.keys { table[name] = one }
    return table
  }()

  private static func axes(_ b: CBody, _ op: any Reduce) throws(EngineError) -> [Int] {
    let rank = try b.input(0).shape.rank
    let list = b.has(1) ? try b.known(1, "the axes") : op.axes.list ?? []
    if list.isEmpty { return op.axes.noopWithEmptyAxes ? [] : Array(0..<rank) }
    return Array(Set(list.map { $0 < 0 ? $0 + rank : $0 })).sorted()
  }

  private static func reduce(_ b: inout CBody) throws(EngineError) {
    guard let op = b.op as? any Reduce, let form = forms[b.name] else { return }
    let x = try b.input(0)
    guard x.dtype == .float32 || x.dtype == .float64 || (x.dtype.isInteger && form.isFirst) else {
      throw b.refuse("not for \(x.dtype)")
    }
    let over = try axes(b, op)
    let strides = x.shape.strides
    let kept = (0..<x.shape.rank).filter { !over.contains($0) }
    let keptSizes = kept.map { x.shape[$0] }
    let outer = CLoops(keptSizes, [kept.map { strides[$0] }, Shape(keptSizes).strides])
    let type = CType.name(x.dtype) ?? "float"
    let depth = b.open(outer)
    b.line("\(type) r = \(form.start);")
    if form.isFirst { b.line("int first = 1;") }
    for axis in over { b.loop("r\(axis)", x.shape[axis]) }
    let base = outer.index(0)
    let inner = over.compactMap { CLoops.term("r\($0)", strides[$0]) }
    let source = CLoops.sum((base == "0" ? [] : [base]) + inner)
    b.line("const \(type) v = \(b.x(0))[\(source)];")
    b.line(filled(form.step, x.dtype, 1))
    if form.isFirst { b.line("first = 0;") }
    b.close(over.count)
    let count = over.reduce(1) { $0 * x.shape[$1] }
    b.line("\(b.y())[\(outer.index(1))] = \(filled(form.end, x.dtype, count));")
    b.close(depth)
  }

  private static func filled(_ text: String, _ dtype: DType, _ count: Int) -> String {
    var result = text
    for name in ["fabs", "sqrt", "log"] {
      while let range = result.firstRange(of: "F(\(name))") {
        result.replaceSubrange(range, with: CType.function(name, dtype))
      }
    }
    if let range = result.firstRange(of: " NAN") {
      result.replaceSubrange(range, with: dtype.isFloat ? " || v != v" : "")
    }
    if let range = result.firstRange(of: "COUNT") {
      result.replaceSubrange(range, with: CType.number(Double(count), dtype))
    }
    return result
  }

  private static func place(
    _ b: inout CBody, _ options: ArgOptions, sign: String
  ) throws(EngineError) {
    let x = try b.input(0)
    let rank = x.shape.rank
    let axis = options.axis < 0 ? options.axis + rank : options.axis
    let (outer, size, inner) = (
      x.shape.count(of: 0..<axis), x.shape[axis], x.shape.count(of: axis + 1..<rank)
    )
    b.loop("i", outer)
    b.loop("j", inner)
    b.line("int best = 0;")
    b.open("for (int k = 1; k < \(size); k++)")
    func at(_ k: String) -> String { "\(b.x(0))[(i * \(size) + \(k)) * \(inner) + j]" }
    let test = options.selectsLast ? "\(sign)=" : sign
    b.line("if (\(at("k")) \(test) \(at("best"))) best = k;")
    b.close()
    b.line("\(b.y())[i * \(inner) + j] = best;")
    b.close(2)
  }

  private static func cumulative(_ b: inout CBody) throws(EngineError) {
    guard let op = b.op as? CumSum else { return }
    let x = try b.input(0)
    guard x.dtype == .float32 || x.dtype == .float64 else { throw b.refuse("not for \(x.dtype)") }
    let rank = x.shape.rank
    guard let given = try b.known(1, "the axis").first else { throw b.refuse("no axis") }
    let axis = given < 0 ? given + rank : given
    let (outer, size, inner) = (
      x.shape.count(of: 0..<axis), x.shape[axis], x.shape.count(of: axis + 1..<rank)
    )
    let type = CType.name(x.dtype) ?? "float"
    b.loop("i", outer)
    b.loop("j", inner)
    b.line("\(type) sum = 0;")
    b.loop("k", size)
    let step = op.options.isReverse ? "(\(size - 1) - k)" : "k"
    let at = "(i * \(size) + \(step)) * \(inner) + j"
    if op.options.isExclusive {
      b.line("\(b.y())[\(at)] = sum;")
      b.line("sum += \(b.x(0))[\(at)];")
    } else {
      b.line("sum += \(b.x(0))[\(at)];")
      b.line("\(b.y())[\(at)] = sum;")
    }
    b.close(3)
  }
}
