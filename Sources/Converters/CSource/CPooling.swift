import Graphs
import Operators
import Tensors

/// Poolings by windows and over whole images.
enum CPooling {
  static let operators: [String: COperators.Entry] = [
    "MaxPool": .init { (b) throws(EngineError) in
      guard let op = b.op as? MaxPool else { return }
      guard !b.wants(1) else { throw b.refuse("its indices") }
      try pool(&b, op.window, isMax: true, countsPads: false)
    },
    "AveragePool": .init { (b) throws(EngineError) in
      guard let op = b.op as? AveragePool else { return }
      try pool(&b, op.window, isMax: false, countsPads: op.countsPads)
    },
    "GlobalAveragePool": .init { (b) throws(EngineError) in try global(&b, isMax: false) },
    "GlobalMaxPool": .init { (b) throws(EngineError) in try global(&b, isMax: true) },
  ]

  private static func pool(
    _ b: inout CBody, _ window: Window, isMax: Bool, countsPads: Bool
  ) throws(EngineError) {
    let x = try b.input(0)
    guard isMax || x.dtype == .float32 || x.dtype == .float64 else {
      throw b.refuse("not for \(x.dtype)")
    }
    let w = try window.concrete(inputSpatial: Array(x.shape.array[2...]))
    let type = CType.name(x.dtype) ?? "float"
    let planes = x.shape[0] * x.shape[1]
    let axes = w.input.count
    b.loop("plane", planes)
    for axis in 0..<axes { b.loop("o\(axis)", w.output[axis]) }
    b.line("\(type) result = 0;")
    if isMax { b.line("int found = 0;") } else { b.line("int count = 0;") }
    for axis in 0..<axes {
      b.loop("k\(axis)", w.kernel[axis])
      let start = CLoops.term("o\(axis)", w.strides[axis]) ?? "0"
      let tap = CLoops.term("k\(axis)", w.dilations[axis]) ?? "0"
      b.line("const int i\(axis) = \(CLoops.sum([start, tap], -w.padsBegin[axis]));")
    }
    if countsPads {
      // What lies beyond the pads counts for nothing.
      let tests = (0..<axes).map { "i\($0) >= \(w.input[$0] + w.padsEnd[$0])" }
      b.line("if (\(tests.joined(separator: " || "))) continue;")
      b.line("count++;")
    }
    let tests = (0..<axes).map { "i\($0) < 0 || i\($0) >= \(w.input[$0])" }
    b.line("if (\(tests.joined(separator: " || "))) continue;")
    var step = 1
    var parts: [String] = []
    for axis in (0..<axes).reversed() {
      if let term = CLoops.term("i\(axis)", step) { parts.insert(term, at: 0) }
      step *= w.input[axis]
    }
    let place = CLoops.sum(["plane * \(step)"] + parts)
    b.line("const \(type) value = \(b.x(0))[\(place)];")
    if isMax {
      let orNaN = x.dtype.isFloat ? " || value != value" : ""
      b.line("if (!found || value > result\(orNaN)) result = value;")
      b.line("found = 1;")
    } else {
      b.line("result += value;")
      if !countsPads { b.line("count++;") }
    }
    b.close(axes)
    var size = 1
    var target: [String] = []
    for axis in (0..<axes).reversed() {
      if let term = CLoops.term("o\(axis)", size) { target.insert(term, at: 0) }
      size *= w.output[axis]
    }
    let out = CLoops.sum(["plane * \(size)"] + target)
    b.line("\(b.y())[\(out)] = \(isMax ? "result" : "result / (\(type))(count > 0 ? count : 1)");")
    b.close(axes + 1)
  }

  private static func global(_ b: inout CBody, isMax: Bool) throws(EngineError) {
    let x = try b.input(0)
    guard x.dtype == .float32 || x.dtype == .float64 else { throw b.refuse("not for \(x.dtype)") }
    let type = CType.name(x.dtype) ?? "float"
    let size = x.shape.count(of: 2..<x.shape.rank)
    b.loop("plane", x.shape[0] * x.shape[1])
    b.line("\(type) result = \(isMax ? "\(b.x(0))[plane * \(size)]" : "0");")
    b.loop("i", size)
    b.line("const \(type) value = \(b.x(0))[plane * \(size) + i];")
    b.line(isMax ? "if (value > result || value != value) result = value;" : "result += value;")
    b.close()
    b.line(
      "\(b.y())[plane] = \(isMax ? "result" : "result / \(CType.number(Double(size), x.dtype))");")
    b.close()
  }
}
