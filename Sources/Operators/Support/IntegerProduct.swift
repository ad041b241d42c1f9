import Graphs
import Kernels
import Tensors

/// A matrix product of quantised factors less their zero points: sums in int32, or in float32 where
/// a factor is of 8-bit floats.
struct IntegerProduct: Sendable {
  /// Where rows of the result find scales or zero points of their factors.
  struct Places: Sendable {
    /// For each row of the result, the place of A's.
    let a: Table
    /// For each row of the result, the place of B's first.
    let b: Table
    /// Distance of B's for neighbouring columns.
    let step: Int
  }

  let columns: Int
  let rows: Int
  let isFloat: Bool
  let label: String
  private let product: MatrixProduct?
  /// Products of bytes as they are; nil for factors of other kinds.
  private let bytes: ByteMatrices?
  private let widenA: FactorWidening
  /// Nil where B is packed.
  private let widenB: FactorWidening?
  private let aBytes: Int
  private let bBytes: Int
  private let aIndex: (factor: Int, zero: Int?)
  private let bIndex: (factor: Int, zero: Int?)
  private let matrices: (a: [Int], b: [Int])
  private let shapes: (a: Shape, b: Shape)
  private let m: Int

  /// The inputs of `p` with the numbers given; the zero points may be absent.
  ///
  /// Errors: `.shape` for zero points that do not fit.
  init(_ p: Preparation, a: (Int, Int), b: (Int, Int)) throws(EngineError) {
    let (left, right, y) = (try p.input(a.0), try p.input(b.0), try p.output(0))
    let (ra, rb) = (left.shape.rank, right.shape.rank)
    guard ra > 0, rb > 0 else { throw EngineError(.shape, "a factor is a scalar") }
    isFloat = left.dtype.isFloat || right.dtype.isFloat
    let k = left.shape[ra - 1]
    let n = rb > 1 ? right.shape[rb - 1] : 1
    var m = ra > 1 ? left.shape[ra - 2] : 1
    aIndex = (a.0, p.has(a.1) ? a.1 : nil)
    bIndex = (b.0, p.has(b.1) ? b.1 : nil)
    let aZero = aIndex.zero.flatMap { p.inputs[$0]?.shape }
    let bZero = bIndex.zero.flatMap { p.inputs[$0]?.shape }
    let aPlaces = try IntegerProduct.rowPlaces(aZero, of: left.shape, "A")
    let bPlaces = try IntegerProduct.columnPlaces(bZero, of: right.shape, "B")
    shapes = (left.shape, right.shape)
    columns = n
    let isOne = right.shape.count(of: 0..<max(0, rb - 2)) == 1
    if isOne {
      m *= left.shape.count(of: 0..<max(0, ra - 2))
      matrices = ([0], [0])
    } else {
      matrices = MatMul.offsets(left.shape, right.shape, y.shape, (1, 1))
    }
    self.m = m
    let size = m
    rows = y.count == 0 ? 0 : matrices.a.count * m
    let element: DType = isFloat ? .float32 : .int32
    guard
      let widenA = FactorWidening(
        from: left.dtype, toFloat: isFloat, length: k, places: Table(aPlaces), step: 0),
      let wideB = FactorWidening(
        from: right.dtype, toFloat: isFloat, length: n,
        places: Table(bPlaces.matrices.flatMap { Array(repeating: $0, count: k) }),
        step: bPlaces.step)
    else { throw p.noKernel() }
    self.widenA = widenA
    bytes =
      y.count == 0 || isOne && p.constant(b.0) != nil
      ? nil : ByteMatrices(p, a: a, b: b, m: m, n: n, k: k, matrices: matrices)
    var packed: PackedMatrix?
    if isOne, y.count > 0, bytes == nil, let constant = p.constant(b.0), constant.type == right {
      let zero = bIndex.zero.flatMap { p.constant($0) }
      if bIndex.zero == nil || zero != nil {
        let wide = try Tensor(TensorType(element, right.shape)) { (bytes) throws(EngineError) in
          guard let base = bytes.baseAddress else { return }
          wideB.run(
            constant.storage.bytes, zero: zero.map { UnsafeRawPointer($0.storage.bytes) }, base,
            .single)
        }
        packed = try MatrixProduct.pack(.right, count: n, k: k, wide, across: 1, along: n)
      }
    }
    widenB = packed == nil ? wideB : nil
    aBytes = (widenA.byteCount + 63) / 64 * 64
    bBytes = packed == nil ? (wideB.byteCount + 63) / 64 * 64 : 0
    product =
      y.count == 0 || bytes != nil
      ? nil
      : MatrixProduct(
        element, counts: (left.count, packed == nil ? right.count : 0, y.count, 0),
        aOffsets: matrices.a.map { $0 * size * k }, bOffsets: matrices.b.map { $0 * k * n },
        threads: p.options.threads
      ) { GemmPlan(m: size, n: n, k: k, element: $0, packedB: packed, threads: $1) }
    label = bytes?.label ?? product?.label ?? "empty"
  }

  /// 64-byte aligned.
  var scratchBytes: Int {
    bytes?.scratchBytes ?? aBytes + bBytes + (product?.scratchBytes ?? 0)
  }

  /// Writes the sums to `sums`.
  func run(_ m: Memory, _ sums: UnsafeMutableRawPointer, scratch: UnsafeMutableRawPointer) {
    if let bytes { return bytes.run(m, sums, scratch: scratch) }
    guard let product else { return }
    let (left, right) = (scratch, scratch + aBytes)
    widenA.run(
      m.inputs[aIndex.factor], zero: aIndex.zero.map { UnsafeRawPointer(m.inputs[$0]) }, left,
      m.pool)
    widenB?.run(
      m.inputs[bIndex.factor], zero: bIndex.zero.map { UnsafeRawPointer(m.inputs[$0]) }, right,
      m.pool)
    product.run(a: left, b: right, c: sums, scratch: scratch + aBytes + bBytes, pool: m.pool)
  }

  /// Where the rows of the result find the scales of A and B, whose shapes are given.
  func places(a: Shape, b: Shape) throws(EngineError) -> Places {
    let rowsOfA = try IntegerProduct.rowPlaces(a, of: shapes.a, "A")
    let ofB = try IntegerProduct.columnPlaces(b, of: shapes.b, "B")
    var left: [Int] = []
    var right: [Int] = []
    if rows > 0 {
      for (i, j) in zip(matrices.a, matrices.b) {
        for r in 0..<m {
          left.append(rowsOfA[i * m + r])
          right.append(ofB.matrices[j])
        }
      }
    }
    return Places(a: Table(left), b: Table(right), step: ofB.step)
  }

  /// For each row of A, the place of its scale or zero point in a tensor of shape `z`: one for all,
  /// `[M]`, or `[..., M, 1]`.
  static func rowPlaces(_ z: Shape?, of a: Shape, _ name: String) throws(EngineError) -> [Int] {
    let matrices = a.count(of: 0..<max(0, a.rank - 2))
    let m = a.rank > 1 ? a[a.rank - 2] : 1
    guard let z, z.count != 1 else { return Array(repeating: 0, count: matrices * m) }
    if z.rank == 1, z[0] == m {
      return (0..<matrices).flatMap { _ in Array(0..<m) }
    }
    guard z.rank == a.rank, a.rank > 1, z[z.rank - 1] == 1, z[z.rank - 2] == 1 || z[z.rank - 2] == m
    else { throw misfit(z, of: a, name, "[\(m)] or one a row") }
    let bases = try leading(z, of: a, z[z.rank - 2], name)
    return bases.flatMap { base in (0..<m).map { base + (z[z.rank - 2] == 1 ? 0 : $0) } }
  }

  /// For each matrix of B the place of its first scale or zero point in a tensor of shape `z`: one
  /// for all, `[N]`, or `[..., 1, N]`; and the distance of those of neighbouring columns.
  static func columnPlaces(
    _ z: Shape?, of b: Shape, _ name: String
  ) throws(EngineError) -> (matrices: [Int], step: Int) {
    let matrices = b.count(of: 0..<max(0, b.rank - 2))
    let n = b.rank > 1 ? b[b.rank - 1] : 1
    guard let z, z.count != 1 else { return (Array(repeating: 0, count: matrices), 0) }
    if z.rank == 1, z[0] == n { return (Array(repeating: 0, count: matrices), 1) }
    guard z.rank == b.rank, b.rank > 1, z[z.rank - 2] == 1, z[z.rank - 1] == 1 || z[z.rank - 1] == n
    else { throw misfit(z, of: b, name, "[\(n)] or one a column") }
    return (try leading(z, of: b, z[z.rank - 1], name), z[z.rank - 1] == 1 ? 0 : 1)
  }

  /// Places of the first element for each matrix, where sizes of 1 repeat.
  private static func leading(
    _ z: Shape, of x: Shape, _ each: Int, _ name: String
  ) throws(EngineError) -> [Int] {
    let strides = z.strides
    var bases = [0]
    for axis in 0..<x.rank - 2 {
      guard z[axis] == 1 || z[axis] == x[axis] else { throw misfit(z, of: x, name, "\(x)") }
      let step = z[axis] == 1 ? 0 : strides[axis]
      bases = bases.flatMap { base in (0..<x[axis]).map { base + $0 * step } }
    }
    return bases
  }

  private static func misfit(
    _ z: Shape, of x: Shape, _ name: String, _ expected: String
  ) -> EngineError {
    EngineError(
      .shape, "scales or zero points of \(name) do not fit its shape \(x)",
      expected: "one element, \(expected)", received: "\(z)")
  }
}
