import Kernels
import Tensors
import Testing

@Suite struct ChainKernelTests {
  /// Chains whose steps are all in registers, all by kernels, and mixed; values used twice,
  /// squares, operands in both orders; bools and other widths.
  static let chains: [(inputs: [DType], steps: [ChainStep], results: [Int])] = {
    func b(_ op: BinaryOp, _ x: Int, _ y: Int) -> ChainStep { ChainStep(.binary(op), [x, y]) }
    func u(_ op: UnaryOp, _ x: Int, _ p: Double = 0) -> ChainStep {
      ChainStep(.unary(op, p, 0), [x])
    }
    let f = DType.float32
    return [
      ([f, f, f], [b(.sub, 0, 1), b(.mul, 3, 3), b(.div, 2, 4), b(.add, 5, 0)], [6]),
      ([f, f, f], [b(.max, 0, 1), u(.relu, 3), b(.sub, 2, 4), b(.min, 5, 4), u(.abs, 6)], [7]),
      (
        [f, f, f], [u(.exp, 1), b(.mul, 0, 3), u(.tanh, 4), b(.add, 5, 3), b(.max, 2, 6)], [7, 4]
      ),
      ([f, f, f], [b(.mul, 0, 1), b(.add, 3, 2), b(.add, 3, 3), b(.sub, 5, 4), u(.neg, 6)], [7]),
      (
        [f, f, .bool],
        [
          b(.greater, 0, 1), b(.logicalOr, 3, 2), ChainStep(.choose, [4, 1, 0]),
          u(.leakyRelu, 5, 0.25), ChainStep(.cast(.float16), [6]), b(.add, 7, 7),
          ChainStep(.cast(.float64), [8]), u(.sqrt, 9),
        ], [10]
      ),
      (
        [f, .int64, f],
        [ChainStep(.cast(f), [1]), b(.mul, 3, 0), u(.reciprocal, 2), b(.add, 4, 5)], [6]
      ),
    ]
  }()

  static let shapes: [(output: Shape, inputs: [Shape])] = [
    ([5], [[5], [5], [5]]), ([1], [[1], [1], []]), ([700], [[700], [1], [700]]),
    ([3, 300], [[3, 300], [300], [3, 1]]), ([40, 7], [[40, 7], [1, 7], [40, 1]]),
    ([2, 3, 4, 16], [[2, 3, 4, 16], [2, 3, 1, 16], [1]]), ([0, 4], [[0, 4], [4], [1]]),
    ([6, 130], [[130], [6, 1], [6, 130]]), ([2, 5, 3], [[2, 1, 3], [5, 1], [2, 5, 3]]),
  ]

  private func filled(_ dtype: DType, _ shape: Shape, _ seed: Int) throws -> Tensor {
    let numbers = (0..<shape.count).map { Float((($0 + seed) * 7919) % 1009) / 252 - 2 }
    let x = try Tensor(shape: shape, numbers)
    switch dtype {
    case .bool: return try Tensor(shape: shape, numbers.map { $0 > 0 })
    case .int64: return try Tensor(shape: shape, numbers.map { Int64($0 * 3) })
    default: return x
    }
  }

  /// A tensor repeated to a shape, element by element.
  private func spread(_ x: Tensor, _ shape: Shape) throws -> Tensor {
    let plan = try BroadcastPlan(output: shape, inputs: Few(x.shape))
    let width = x.dtype.byteSize
    return try Tensor(TensorType(x.dtype, shape)) { bytes in
      guard let to = bytes.baseAddress else { return }
      plan.forEachElement { y, a, _, _ in
        (to + y * width).copyMemory(from: x.storage.bytes + a * width, byteCount: width)
      }
    }
  }

  /// The steps one by one, by their kernels.
  private func plain(
    _ steps: [ChainStep], _ inputs: [Tensor], _ shape: Shape, _ isa: KernelISA
  ) throws -> [Tensor] {
    var values = try inputs.map { try spread($0, shape) }
    let types = try #require(ChainKernel.types(steps, inputs.map(\.dtype)))
    for (i, step) in steps.enumerated() {
      let x = step.operands.map { values[$0] }
      let n = shape.count
      let plan = try BroadcastPlan(
        output: shape, inputs: Few(x.map { _ in shape }))
      values.append(
        try Tensor(TensorType(types[inputs.count + i], shape)) { bytes in
          guard let y = bytes.baseAddress else { return }
          switch step.function {
          case .unary(let op, let p, let q):
            UnaryKernel(op, x[0].dtype, p, q, isa: isa)?.run(count: n, x[0].storage.bytes, y)
          case .binary(let op):
            BinaryKernel(op, x[0].dtype, isa: isa)?
              .run(count: n, x[0].storage.bytes, x[1].storage.bytes, y)
          case .choose:
            WhereKernel(x[1].dtype, isa: isa)?
              .run(
                plan, x[0].storage.bytes, x[1].storage.bytes, x[2].storage.bytes, y, .single)
          case .cast(let to):
            CastKernel(x[0].dtype, to, isa: isa)?.run(count: n, x[0].storage.bytes, y)
          }
        })
    }
    return values
  }

  private func run(
    _ kernel: ChainKernel, _ inputs: [Tensor], _ types: [TensorType], _ pool: ThreadPool
  ) throws -> [[UInt8]] {
    let memory = try types.map { try #require(GuardedMemory(bytes: max($0.byteCount, 1))) }
    let own = try inputs.map { x in
      let m = try #require(GuardedMemory(bytes: max(x.type.byteCount, 1)))
      m.start.copyMemory(from: x.storage.bytes, byteCount: x.type.byteCount)
      return m
    }
    let from = own.map(\.start), to = memory.map(\.start)
    withExtendedLifetime(own) {
      from.withUnsafeBufferPointer { a in
        to.withUnsafeBufferPointer { b in
          if let a = a.baseAddress, let b = b.baseAddress { kernel.run(a, b, pool) }
        }
      }
    }
    return zip(memory, types).map { m, t in
      (0..<t.byteCount).map { m.start.load(fromByteOffset: $0, as: UInt8.self) }
    }
  }

  @Test(arguments: chains.indices) func hasTheBitsOfItsSteps(_ number: Int) throws {
    let chain = Self.chains[number]
    let pool = ThreadPool(threads: 3)
    for isa in KernelISA.available {
      for (shape, sizes) in Self.shapes {
        let inputs = try zip(chain.inputs, sizes).enumerated().map { i, x in
          try filled(x.0, x.1, i * 31)
        }
        let kernel = try #require(
          try ChainKernel(
            chain.steps, inputs: inputs.map(\.type), results: chain.results, output: shape,
            isa: isa))
        let values = try plain(chain.steps, inputs, shape, isa)
        let wanted = chain.results.map { values[$0] }
        for threads in [ThreadPool.single, pool] {
          let got = try run(kernel, inputs, wanted.map(\.type), threads)
          for (a, b) in zip(got, wanted) {
            #expect(a.elementsEqual(b.rawBytes), "chain \(number), \(isa), \(shape)")
          }
        }
      }
    }
  }

  @Test func specialNumbersStay() throws {
    let list: [Float] = [.nan, .infinity, -.infinity, 0, -0.0, 1, -1, .leastNonzeroMagnitude]
    let pairs = list.flatMap { a in list.map { (a, $0) } }
    let x = try Tensor(pairs.map(\.0)), y = try Tensor(pairs.map(\.1))
    for op in [BinaryOp.add, .sub, .mul, .div, .min, .max] {
      let steps = [
        ChainStep(.binary(op), [0, 1]), ChainStep(.binary(op), [0, 2]),
        ChainStep(.unary(.relu, 0, 0), [3]),
      ]
      for isa in KernelISA.available {
        let kernel = try #require(
          try ChainKernel(
            steps, inputs: [x.type, y.type], results: [4, 2], output: x.shape, isa: isa))
        let values = try plain(steps, [x, y], x.shape, isa)
        let got = try run(kernel, [x, y], [x.type, x.type], .single)
        for (bytes, k) in zip(got, [4, 2]) {
          let a = bytes.withUnsafeBytes { Array($0.bindMemory(to: Float.self)) }
          let b = values[k].elements(Float.self)
          // Which NaN it is may differ.
          for (p, q) in zip(a, b) {
            #expect(p.bitPattern == q.bitPattern || p.isNaN && q.isNaN, "\(op) \(isa)")
          }
        }
      }
    }
  }

  @Test func refusesWhatItCannot() throws {
    let x = TensorType(.float32, [4])
    let logic = [ChainStep(.binary(.logicalAnd), [0, 0])]
    #expect(try ChainKernel(logic, inputs: [x], results: [1], output: [4]) == nil)
    let sum = [ChainStep(.binary(.add), [0, 0])]
    #expect(try ChainKernel(sum, inputs: [x], results: [0], output: [4]) == nil)
    #expect(throws: EngineError.self) {
      try ChainKernel(sum, inputs: [x], results: [1], output: [3])
    }
  }
}
