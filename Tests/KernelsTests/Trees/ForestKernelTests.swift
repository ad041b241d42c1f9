import Kernels
import Tensors
import Testing

/// Packed forests against the plain walk, bit by bit: their sums are taken in the same order.
@Suite struct ForestKernelTests {
  /// Numbers that repeat from run to run.
  struct Dice {
    var state: UInt64
    mutating func next(_ n: Int) -> Int {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int(state >> 33) % n
    }
  }

  enum Kind: CaseIterable { case one, perTree, rows, manyRows }

  static func forest(
    _ seed: UInt64, _ kind: Kind, trees: Int, leaves: Int, features: Int, allModes: Bool
  ) throws -> DecisionForest {
    var dice = Dice(state: seed)
    var nodes: [DecisionForest.Node] = []
    var roots: [Int] = []
    var starts = [0]
    var targets: [Int] = []
    var weights: [Double] = []
    let targetCount = kind == .one ? 1 : kind == .manyRows ? 7 : 3
    for t in 0..<trees {
      func leaf() -> Int {
        let own = kind == .one ? [0] : kind == .perTree ? [t % 3] : Array(0..<targetCount)
        for k in own where own.count == 1 || dice.next(4) > 0 {
          targets.append(k)
          weights.append(Double(Float(dice.next(1000) - 400) / 64))
        }
        starts.append(targets.count)
        return ~(starts.count - 2)
      }
      // Open ends: (node, whether it is the true side).
      var ends: [(Int, Bool)] = []
      func node() -> Int {
        let mode = DecisionForest.Mode(rawValue: UInt8(allModes ? dice.next(7) : 0))
        nodes.append(
          DecisionForest.Node(
            mode ?? .less, feature: dice.next(features), value: Double(dice.next(17) - 8) / 4,
            nanIsYes: dice.next(2) == 0, yes: 0, no: 0, members: 0..<3))
        ends.append((nodes.count - 1, true))
        ends.append((nodes.count - 1, false))
        return nodes.count - 1
      }
      guard leaves > 1 else {
        roots.append(leaf())
        continue
      }
      roots.append(node())
      while !ends.isEmpty {
        let (parent, side) = ends.remove(at: dice.next(ends.count))
        let grown = nodes.count - (roots.last ?? 0) + 1
        let child = grown < leaves ? node() : leaf()
        if side { nodes[parent].yes = child } else { nodes[parent].no = child }
      }
    }
    return try DecisionForest(
      nodes: nodes, members: [-1, 0.25, 2], roots: roots, starts: starts, targets: targets,
      weights: weights, targetCount: targetCount)
  }

  static func sums<S: BinaryFloatingPoint>(
    _ kernel: ForestKernel, _ x: [UInt8], rows: Int, targets: Int, threads: Int, _: S.Type
  ) -> [S] {
    var result = [S](repeating: .nan, count: rows * targets)
    let scratch = UnsafeMutableRawPointer.allocate(
      byteCount: max(1, kernel.scratchBytes), alignment: 64)
    defer { scratch.deallocate() }
    let pool = ThreadPool(threads: threads)
    result.withUnsafeMutableBufferPointer { out in
      nonisolated(unsafe) let out = out
      x.withUnsafeBytes { bytes in
        guard let from = bytes.baseAddress else { return }
        kernel.run(from, scratch: scratch, pool: pool, S.self) { block in
          for r in 0..<block.count {
            for k in 0..<targets {
              out[(block.first + r) * targets + k] = block.sums[k * block.stride + r]
            }
          }
        }
      }
    }
    return result
  }

  static func input(_ dtype: DType, count: Int) -> [UInt8] {
    var dice = Dice(state: 99)
    var bytes: [UInt8] = []
    func put<T>(_ v: T) { withUnsafeBytes(of: v) { bytes += $0 } }
    for _ in 0..<count {
      let v = Double(dice.next(41) - 20) / 8
      let isNaN = dice.next(9) == 0
      switch dtype {
      case .float32: put(isNaN ? Float.nan : Float(v))
      case .float64: put(isNaN ? Double.nan : v)
      case .float16: put(isNaN ? Float16.nan : Float16(v))
      case .int32: put(Int32(v))
      default: put(Int64(v))
      }
    }
    return bytes
  }

  @Test(arguments: Kind.allCases, [1, 2, 33, 200, 513, 700])
  func packedGivesWhatPlainGives(_ kind: Kind, _ leaves: Int) throws {
    let features = 5
    for allModes in [false, true] {
      let forest = try Self.forest(
        UInt64(leaves), kind, trees: 6, leaves: leaves, features: features, allModes: allModes)
      let stores = LaneSet.available.map { ForestStore(forest, isa: $0) }
      for dtype in [DType.float32, .float64, .float16, .int32, .int64] {
        for rows in dtype == .float32 ? [0, 1, 3, 4, 65, 1000] : [1, 70] {
          let x = Self.input(dtype, count: rows * features) + [0]
          func run<S: BinaryFloatingPoint>(
            _ store: ForestStore, _ threads: Int, plain: Bool, _: S.Type
          ) throws -> [S] {
            let kernel = try ForestKernel(
              store, source: dtype, rows: rows, features: features,
              threads: threads, isPlain: plain)
            return Self.sums(
              kernel, x, rows: rows, targets: forest.targetCount, threads: threads, S.self)
          }
          func check<S: BinaryFloatingPoint>(_: S.Type) throws {
            let want = try run(stores[0], 1, plain: true, S.self)
            #expect(!want.contains { $0.isNaN })
            for (isa, store) in zip(LaneSet.available, stores) {
              let got = try run(store, 1, plain: false, S.self)
              #expect(got == want, "\(isa) \(dtype) \(rows) rows")
            }
            #expect(try run(stores[stores.count - 1], 3, plain: false, S.self) == want)
          }
          if dtype == .float64 { try check(Double.self) } else { try check(Float.self) }
        }
      }
    }
  }

  /// Thresholds between float32 numbers, and comparisons with infinities and NaN.
  @Test func thresholdsAreExact() throws {
    let tiny = Double(Float(1).nextUp)
    for (mode, value, x, isYes) in [
      (DecisionForest.Mode.lessOrEqual, 1 + 1e-9, Float(1), true),
      (.less, 1 + 1e-9, 1, true), (.less, 1, 1, false), (.greaterOrEqual, 1 + 1e-9, 1, false),
      (.greater, 1 - 1e-9, 1, true), (.greaterOrEqual, tiny, Float(1).nextUp, true),
      (.equal, 1 + 1e-9, 1, false), (.notEqual, 1 + 1e-9, 1, true), (.less, 0, -0.0, false),
      (.greater, .infinity, .infinity, false), (.greaterOrEqual, .infinity, .infinity, true),
      (.less, -.infinity, -.infinity, false), (.lessOrEqual, -.infinity, -.infinity, true),
      (.lessOrEqual, .nan, 1, false), (.notEqual, .nan, 1, true), (.notEqual, 1, .nan, true),
      (.less, 1e300, .greatestFiniteMagnitude, true), (.greater, -1e300, -.infinity, false),
    ] as [(DecisionForest.Mode, Double, Float, Bool)] {
      let forest = try DecisionForest(
        nodes: [.init(mode, feature: 0, value: value, nanIsYes: false, yes: ~0, no: ~1)],
        roots: [0], starts: [0, 1, 2], targets: [0, 0], weights: [1, 2], targetCount: 1)
      let bytes = (0..<4).flatMap { _ in withUnsafeBytes(of: x) { Array($0) } }
      for isPlain in [false, true] {
        let kernel = try ForestKernel(
          ForestStore(forest), source: .float32, rows: 4, features: 1, isPlain: isPlain)
        let got = Self.sums(kernel, bytes, rows: 4, targets: 1, threads: 1, Float.self)
        #expect(got == [Float](repeating: isYes ? 1 : 2, count: 4), "\(mode) \(value) \(x)")
      }
    }
  }

  @Test func cyclesAreRefused() {
    #expect(throws: EngineError.self) {
      try DecisionForest(
        nodes: [
          .init(.less, feature: 0, value: 0, nanIsYes: false, yes: 1, no: ~0),
          .init(.less, feature: 0, value: 0, nanIsYes: false, yes: 0, no: ~0),
        ], roots: [0], starts: [0, 1], targets: [0], weights: [1], targetCount: 1)
    }
  }

  /// Branches that meet again: as a tree this would have 2^40 leaves.
  @Test func meetingBranchesDoNotGrow() throws {
    let nodes = (0..<40).map {
      DecisionForest.Node(
        .less, feature: 0, value: Double($0), nanIsYes: false, yes: $0 == 39 ? ~0 : $0 + 1,
        no: $0 == 39 ? ~1 : $0 + 1)
    }
    let forest = try DecisionForest(
      nodes: nodes, roots: [0], starts: [0, 1, 2], targets: [0, 0], weights: [1, 2],
      targetCount: 1)
    let kernel = try ForestKernel(
      ForestStore(forest), source: .float32, rows: 5, features: 1)
    let x = [1, 38, 39, 40, 100].flatMap { v in
      withUnsafeBytes(of: Float(v)) { Array($0) }
    }
    let got = Self.sums(kernel, x, rows: 5, targets: 1, threads: 1, Float.self)
    #expect(got == [1, 1, 2, 2, 2])
  }
}
