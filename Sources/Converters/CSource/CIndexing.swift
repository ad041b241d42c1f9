import Graphs
import Operators
import Tensors

/// Elements by their numbers. A number out of range counts as the nearest one in it.
enum CIndexing {
  static let operators: [String: COperators.Entry] = [
    "Gather": .init { (b) throws(EngineError) in
      guard let op = b.op as? Gather else { return }
      let (x, at) = (try b.input(0).shape, try b.input(1))
      let axis = op.axis < 0 ? op.axis + x.rank : op.axis
      let (outer, inner) = (x.count(of: 0..<axis), x.count(of: axis + 1..<x.rank))
      b.loop("i", outer)
      b.loop("j", at.count)
      index(&b, "\(b.x(1))[j]", x[axis])
      b.loop("k", inner)
      let source = "(i * \(x[axis]) + at) * \(inner) + k"
      b.line("\(b.y())[(i * \(at.count) + j) * \(inner) + k] = \(b.x(0))[\(source)];")
      b.close(3)
    },
    "GatherElements": .init { (b) throws(EngineError) in
      guard let op = b.op as? GatherElements else { return }
      let (x, y) = (try b.input(0).shape, try b.output().shape)
      let axis = op.axis < 0 ? op.axis + x.rank : op.axis
      for i in 0..<y.rank { b.loop("i\(i)", y[i]) }
      let target = CLoops.sum((0..<y.rank).compactMap { CLoops.term("i\($0)", y.strides[$0]) })
      index(&b, "\(b.x(1))[\(target)]", x[axis])
      let source = CLoops.sum(
        (0..<x.rank).compactMap { CLoops.term($0 == axis ? "at" : "i\($0)", x.strides[$0]) })
      b.line("\(b.y())[\(target)] = \(b.x(0))[\(source)];")
      b.close(y.rank)
    },
  ]

  /// Declares `at`, counted from the front and within `0..<size`.
  private static func index(_ b: inout CBody, _ value: String, _ size: Int) {
    b.line("int at = (int)\(value);")
    b.line("if (at < 0) at += \(size);")
    b.line("if (at < 0) at = 0;")
    b.line("if (at >= \(size)) at = \(size - 1);")
  }
}
