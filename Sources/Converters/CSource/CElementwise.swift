import Graphs
import Operators
import Tensors

/// Operators that make each element of the elements at its place.
enum CElementwise {
  static let operators: [String: COperators.Entry] = {
    var table: [String: COperators.Entry] = [
      "Clip": .init { (b) throws(EngineError) in try clip(&b) },
      "Where": .init { (b) throws(EngineError) in try choice(&b) },
      "Cast": .init { (b) throws(EngineError) in try cast(&b) },
    ]
    let many = COperators.Entry { (b) throws(EngineError) in try variadic(&b) }
    let one = COperators.Entry { (b) throws(EngineError) in try unary(&b) }
    let two = COperators.Entry { (b) throws(EngineError) in try binary(&b) }
    for name in ["Max", "Min", "Sum", "Mean"] { table[name] = many }
    for name in CFunctions.names { table[name] = one }
    for name in CBinary.names { table[name] = two }
    return table
  }()

  private static func choice(_ b: inout CBody) throws(EngineError) {
    try b.each { a, _ in "\(a[0]) ? \(a[1]) : \(a[2])" }
  }

  private static func cast(_ b: inout CBody) throws(EngineError) {
    let from = try b.input(0).dtype
    let to = try b.output().dtype
    try b.each { a, _ in CElementwise.cast(a[0], from, to) }
  }

  private static func unary(_ b: inout CBody) throws(EngineError) {
    let dtype = try b.input(0).dtype
    guard let form = CFunctions.expression(b.op, dtype) else {
      throw b.refuse("not for \(dtype)")
    }
    try b.each { a, _ in CFunctions.filled(form, a[0], dtype) }
  }

  private static func binary(_ b: inout CBody) throws(EngineError) {
    let dtype = try b.input(0).dtype
    let isOld = b.op.attributes.contains { $0.name == "broadcast" }
    guard !isOld || CBinary.isPlain(b) else {
      throw b.refuse("the broadcasting of before opset 7")
    }
    guard let form = CBinary.expression(b.op, b.name, dtype) else {
      throw b.refuse("not for \(dtype)")
    }
    try b.each { a, _ in form(a[0], a[1]) }
  }

  private static func clip(_ b: inout CBody) throws(EngineError) {
    let op = b.op as? Clip
    let dtype = try b.input(0).dtype
    func bound(_ k: Int, _ fixed: Float?) throws(EngineError) -> String? {
      if let fixed, fixed.isFinite { return CType.number(Double(fixed), dtype) }
      guard b.has(k) else { return nil }
      if let constant = try b.input(k).constant, constant.count == 1 {
        return CType.element(constant, 0)
      }
      return "\(b.x(k))[0]"
    }
    let low = try bound(1, op?.lower)
    let high = try bound(2, op?.upper)
    try b.each(only: 1) { a, _ in
      var text = a[0]
      if let low { text = "(\(text) < \(low) ? \(low) : \(text))" }
      if let high {
        return "\(text) > \(high) ? \(high) : \(text)"
      }
      return text
    }
  }

  private static func variadic(_ b: inout CBody) throws(EngineError) {
    let name = b.name
    let dtype = try b.output().dtype
    guard dtype.isFloat || name != "Mean" else { throw b.refuse("not for \(dtype)") }
    let count = b.inputs.count
    func orNaN(_ value: String) -> String { dtype.isFloat ? " || \(value) != \(value)" : "" }
    try b.each { a, _ in
      var text = a[0]
      for next in a.dropFirst() {
        switch name {
        case "Max": text = "(\(next) > \(text)\(orNaN(next)) ? \(next) : \(text))"
        case "Min": text = "(\(next) < \(text)\(orNaN(next)) ? \(next) : \(text))"
        default: text = CBinary.wrapped("+", text, next, dtype)
        }
      }
      return name == "Mean" ? "(\(text)) / \(CType.number(Double(count), dtype))" : text
    }
  }

  /// `value` in another type. What lies beyond an integer's range becomes its least, as on x86.
  static func cast(_ value: String, _ from: DType, _ to: DType) -> String {
    guard let name = CType.name(to) else { return value }
    if from == to { return value }
    if to == .bool { return "\(value) != 0" }
    guard from.isFloat, !to.isFloat else { return "(\(name))\(value)" }
    let (low, high, type, least) =
      to == .int64 || to == .uint64 || to == .uint32
      ? ("-9223372036854775808.0", "9223372036854775808.0", "int64_t", "INT64_MIN")
      : ("-2147483648.0", "2147483648.0", "int32_t", "INT32_MIN")
    let fits = "(double)\(value) >= \(low) && (double)\(value) < \(high)"
    let inner = "(\(fits) ? (\(type))\(value) : \(least))"
    return name == type ? inner : "(\(name))\(inner)"
  }
}

extension CBody {
  /// Writes output 0 element by element: `form` gets the elements of the inputs, broadcast, and the
  /// element type.
  mutating func each(
    only count: Int? = nil, _ form: ([String], DType) -> String
  ) throws(EngineError) {
    let result = try output()
    let used = count ?? inputs.count
    var values: [CValue] = []
    for k in 0..<used { values.append(try input(k)) }
    let sizes = result.shape.array
    let strides = values.map { CLoops.broadcast($0.shape, to: sizes) }
    let loops = CLoops(sizes, [CLoops.broadcast(result.shape, to: sizes)] + strides)
    let depth = open(loops)
    var elements: [String] = []
    for k in 0..<used {
      // One number stands where it is used.
      if let constant = values[k].constant, constant.count == 1 {
        elements.append(CType.element(constant, 0))
        continue
      }
      let name = "a\(k)"
      let type = CType.name(values[k].dtype) ?? "float"
      line("const \(type) \(name) = \(x(k))[\(loops.index(k + 1))];")
      elements.append(name)
    }
    let text = form(elements, result.dtype)
    line("\(y())[\(loops.index(0))] = \(text);")
    close(depth)
  }
}
