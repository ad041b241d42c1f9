import Graphs
import Operators
import Tensors

/// Small steps that rules are made of.
extension TorchCall {
  /// What is known of a tensor's sizes.
  ///
  /// Errors: `.unsupported` where its rank is unknown.
  func dims(_ x: ValueID) throws(EngineError) -> [Dim] {
    guard let dims = builder.dims(x) else {
      throw EngineError(.unsupported, "the rank of an operand is not known")
    }
    return dims
  }
  func rank(_ x: ValueID) throws(EngineError) -> Int { try dims(x).count }
  /// Errors: `.internalDefect` where the element type is unknown.
  func dtype(of x: ValueID) throws(EngineError) -> DType {
    guard let dtype = builder.dtype(x) else {
      throw EngineError(.internalDefect, "the element type of an operand is not known")
    }
    return dtype
  }

  /// The axis that `dim` names, from 0.
  ///
  /// Errors: `.malformed` out of range. A tensor without axes counts as having one.
  func axis(_ dim: Int, _ rank: Int) throws(EngineError) -> Int {
    let count = max(rank, 1)
    guard dim >= -count, dim < count else {
      throw EngineError(
        .malformed, "an axis is out of range", expected: "\(-count) to \(count - 1)",
        received: "\(dim)")
    }
    return dim < 0 ? dim + count : dim
  }

  /// Errors: `.malformed` where it does not fit.
  func product(_ factors: [Int]) throws(EngineError) -> Int {
    var all = 1
    for factor in factors {
      let (next, overflow) = all.multipliedReportingOverflow(by: factor)
      guard !overflow else {
        throw EngineError(.malformed, "sizes are out of range", received: "\(factors)")
      }
      all = next
    }
    return all
  }

  func cast(_ x: ValueID, _ dtype: DType?) throws(EngineError) -> ValueID {
    guard let dtype, builder.dtype(x) != dtype else { return x }
    return try builder.apply(Cast(to: dtype), x)
  }

  /// A constant without axes.
  func constant(_ number: TorchNumber, _ dtype: DType) throws(EngineError) -> ValueID {
    try builder.constant(try TorchScalar.tensor(number, dtype))
  }
  func constant(_ value: Double, like x: ValueID) throws(EngineError) -> ValueID {
    try constant(.float(value), try dtype(of: x))
  }

  func add(_ a: ValueID, _ b: ValueID) throws(EngineError) -> ValueID {
    try builder.apply(Add(), a, b)
  }
  func sub(_ a: ValueID, _ b: ValueID) throws(EngineError) -> ValueID {
    try builder.apply(Sub(), a, b)
  }
  func mul(_ a: ValueID, _ b: ValueID) throws(EngineError) -> ValueID {
    try builder.apply(Mul(), a, b)
  }
  func div(_ a: ValueID, _ b: ValueID) throws(EngineError) -> ValueID {
    try builder.apply(Div(), a, b)
  }
  func mul(_ a: ValueID, _ factor: Double) throws(EngineError) -> ValueID {
    try mul(a, try constant(factor, like: a))
  }
  func add(_ a: ValueID, _ term: Double) throws(EngineError) -> ValueID {
    try add(a, try constant(term, like: a))
  }

  /// `[1]`-shaped int64 with a size.
  func vector(_ size: TorchSize) throws(EngineError) -> ValueID {
    switch size {
    case .known(let n): try builder.ints([n])
    case .value(let id): id
    }
  }
  /// int64 `[N]` of sizes.
  func vector(_ sizes: [TorchSize]) throws(EngineError) -> ValueID {
    var ints: [Int] = []
    for size in sizes { if let n = known(size) { ints.append(n) } }
    if ints.count == sizes.count { return try builder.ints(ints) }
    if sizes.count == 1, let only = sizes.first { return try vector(only) }
    var parts: [ValueID?] = []
    var run: [Int] = []
    for size in sizes {
      if let n = known(size) {
        run.append(n)
        continue
      }
      if !run.isEmpty { parts.append(try builder.ints(run)) }
      run = []
      parts.append(try vector(size))
    }
    if !run.isEmpty { parts.append(try builder.ints(run)) }
    return try builder.apply(Concat(axis: 0), inputs: parts)
  }
  /// The size of an axis.
  func size(of x: ValueID, _ axis: Int) throws(EngineError) -> TorchSize {
    let dims = try dims(x)
    guard axis < dims.count else { throw EngineError(.malformed, "an axis is out of range") }
    if let n = dims[axis].known { return .known(n) }
    return .value(try builder.apply(ShapeOp(start: axis, end: axis + 1), x))
  }
  func sizes(of x: ValueID) throws(EngineError) -> [TorchSize] {
    var sizes: [TorchSize] = []
    for axis in 0..<(try rank(x)) { sizes.append(try size(of: x, axis)) }
    return sizes
  }

  /// `x` under other sizes, at most one of which is -1.
  ///
  /// Sizes that depend on the inputs are written as 0 (the same as before) and -1 where these say
  /// as much, so that the shape stays a constant.
  func reshaped(_ x: ValueID, _ sizes: [TorchSize]) throws(EngineError) -> ValueID {
    let old = try dims(x)
    var wanted: [Dim?] = []
    for size in sizes { wanted.append(dim(size)) }
    if wanted.count == old.count, zip(wanted, old).allSatisfy({ $0 == $1 }) { return x }
    var list: [Int] = []
    var open = 0
    let hasZero = sizes.contains { known($0) == 0 }
    for (i, size) in sizes.enumerated() {
      if let n = known(size) {
        list.append(n)
        open += n == -1 ? 1 : 0
      } else if !hasZero, i < old.count, let d = wanted[i], d == old[i] {
        list.append(0)
      } else {
        list.append(-1)
        open += 1
      }
    }
    if open > 1 || (hasZero && open > 0) {
      return try builder.apply(Reshape(allowZero: hasZero), x, try vector(sizes))
    }
    return try builder.apply(Reshape(allowZero: hasZero), x, try builder.ints(list))
  }
  func reshaped(_ x: ValueID, _ sizes: [Int]) throws(EngineError) -> ValueID {
    try reshaped(x, sizes.map { TorchSize.known($0) })
  }
  /// What a size is known to be, symbols included; nil for -1 and the unknown.
  func dim(_ size: TorchSize) -> Dim? {
    switch size {
    case .known(let n): n >= 0 ? Dim(n) : nil
    case .value(let id): builder.fact(of: id).elements?.first
    }
  }

  func transposed(_ x: ValueID, _ perm: [Int]) throws(EngineError) -> ValueID {
    if perm == Array(0..<perm.count) { return x }
    return try builder.apply(Transpose(perm: perm), x)
  }
  func unsqueezed(_ x: ValueID, _ axes: [Int]) throws(EngineError) -> ValueID {
    axes.isEmpty ? x : try builder.apply(Unsqueeze(), x, try builder.ints(axes))
  }
  func squeezed(_ x: ValueID, _ axes: [Int]) throws(EngineError) -> ValueID {
    axes.isEmpty ? x : try builder.apply(Squeeze(), x, try builder.ints(axes))
  }
  func expanded(_ x: ValueID, _ sizes: [TorchSize]) throws(EngineError) -> ValueID {
    let old = try dims(x)
    let isSame =
      old.count == sizes.count
      && zip(old, sizes).allSatisfy { $0 == dim($1) || known($1) == -1 }
    if isSame { return x }
    let ahead = sizes.count - old.count
    // -1 keeps a size: a 1 does, where sizes broadcast.
    let kept = sizes.enumerated().map { i, size -> TorchSize in
      known(size) == -1 || (i >= ahead && dim(size) == old[i - ahead]) ? .known(1) : size
    }
    return try builder.apply(Expand(), x, try vector(kept))
  }
  /// Elements `start..<end` along `axis`, step by step.
  func sliced(
    _ x: ValueID, _ axis: Int, _ start: TorchSize, _ end: TorchSize, step: Int = 1
  ) throws(EngineError) -> ValueID {
    var inputs: [ValueID?] = [
      x, try vector(start), try vector(end), try builder.ints([axis]),
    ]
    if step != 1 { inputs.append(try builder.ints([step])) }
    return try builder.apply(Slice(), inputs: inputs)
  }

  /// A constant vector of `count` elements of `x`'s type.
  func filled(_ value: Double, _ count: Int, like x: ValueID) throws(EngineError) -> ValueID {
    let one = try TorchScalar.tensor(.float(value), try dtype(of: x))
    guard count >= 0, count <= 1 << 24 else {
      throw EngineError(.budget, "a constant is too large", received: "\(count) elements")
    }
    let size = one.byteCount
    return try builder.constant(
      try Tensor(TensorType(one.dtype, [count])) { out in
        one.withUnsafeBytes { source in
          guard let from = source.baseAddress, let to = out.baseAddress else { return }
          for i in 0..<count { (to + i * size).copyMemory(from: from, byteCount: size) }
        }
      })
  }
}
