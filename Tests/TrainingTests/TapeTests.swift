import Tensors
import Testing
import Training

/// Gradients of ordinary Swift code.
@Suite struct TapeTests {
  private func doubles(_ values: Double...) throws -> Tensor { try Tensor(values) }

  private func isClose(_ a: Tensor, _ b: [Double], _ tolerance: Double = 1e-12) -> Bool {
    let x = Array(a.elements(Double.self))
    return x.count == b.count && zip(x, b).allSatisfy { abs($0 - $1) <= tolerance }
  }

  @Test func products() throws {
    let x = try doubles(1, 2, 3)
    let (y, g) = try valueAndGradient(at: x) { try ($0 * $0 * 2 + $0).sum() }
    #expect(try y.scalar() == 34)
    #expect(isClose(g, [5, 9, 13]))
    #expect(!y.isTracked && !g.isTracked)
  }

  /// Branches, loops, early exit and recursion: what runs is what is derived.
  @Test func controlFlow() throws {
    func power(_ x: Tensor, _ n: Int) throws -> Tensor {
      if n == 0 { return try x.onesLike() }
      if n % 2 == 1 { return try x * power(x, n - 1) }
      let half = try power(x, n / 2)
      return try half * half
    }
    let x = try Tensor(scalar: 1.5)
    let g = try gradient(at: x) { try power($0, 5) }
    #expect(abs(try g.scalar() - 5 * 5.0625) < 1e-12)

    func collatz(_ x: Tensor) throws -> Tensor {
      var y = x
      while try y.scalar() < 100 {
        if try y.scalar() > 50 { return try y * 7 }
        y = try y * y
      }
      return try y.log()
    }
    #expect(abs(try gradient(at: Tensor(scalar: 3.0), of: collatz).scalar() - 7 * 4 * 27) < 1e-9)
    #expect(abs(try gradient(at: Tensor(scalar: 11.0), of: collatz).scalar() - 2 / 11.0) < 1e-12)
  }

  /// Values used several times, and values that do not count.
  @Test func sharing() throws {
    let x = try doubles(2, 3)
    let g = try gradient(at: x) { x in
      let a = try x * x
      let b = try a + a * x
      _ = try b.exp()
      return try (b + a).sum()
    }
    // 2 x^2 + x^3
    #expect(isClose(g, [8 + 12, 12 + 27]))
    #expect(isClose(try gradient(at: x) { try ($0 * 0 + x * x).sum() }, [0, 0]))
    #expect(isClose(try gradient(at: x) { _ in try Tensor(scalar: 1.0) }, [0, 0]))
  }

  @Test func constants() throws {
    let x = try doubles(2, 3)
    let detached = try gradient(at: x) { try ($0 * $0.detached()).sum() }
    #expect(isClose(detached, [2, 3]))
    let paused = try gradient(at: x) { x in
      let scale = try withoutGradient { try x * x }
      return try (x * scale).sum()
    }
    #expect(isClose(paused, [4, 9]))
  }

  @Test func severalInputs() throws {
    let (a, b) = (try doubles(1, 2), try doubles(3, 4))
    let list = try gradient(at: [a, b]) { try ($0[0] * $0[1] / ($0[0] + $0[1])).sum() }
    #expect(isClose(list[0], [9.0 / 16, 16.0 / 36]))
    #expect(isClose(list[1], [1.0 / 16, 4.0 / 36]))
  }

  @Test func higherDerivatives() throws {
    let x = try doubles(0.5, 2)
    let f = { (x: Tensor) in try (x * x * x).sum() }
    let second = gradient(of: { x in try gradient(at: x, of: f).sum() })
    #expect(isClose(try second(x), [3, 12]))
    let third = gradient(of: { x in try second(x).sum() })
    #expect(isClose(try third(x), [6, 6]))
    let s = try Tensor(scalar: 0.3)
    let sines = gradient(of: gradient(of: gradient(of: { try $0.sin() })))
    #expect(abs(try sines(s).scalar() + 0.955336489125606) < 1e-12)
  }

  /// An inner gradient with respect to another value than the outer one's.
  @Test func nestedAtOtherValues() throws {
    let x = try doubles(2, 3)
    let g = try gradient(at: x) { x in
      let inner = try gradient(at: doubles(5, 7)) { try ($0 * $0 * x).sum() }
      return try inner.sum()  // 2 y x
    }
    #expect(isClose(g, [10, 14]))
  }

  @Test func jacobianAndHessian() throws {
    let x = try doubles(1, 2, 3)
    let j = try jacobian(at: x) { try $0 * $0.sum() }
    #expect(j.shape == [3, 3])
    #expect(isClose(j, [7, 1, 1, 2, 8, 2, 3, 3, 9]))
    let h = try hessian(at: x) { try ($0 * $0 * $0).sum() * $0.sum() }
    let s = 6.0
    var wanted: [Double] = []
    for i in 1...3 {
      for k in 1...3 {
        let (a, b) = (3.0 * Double(i * i), 3.0 * Double(k * k))
        wanted.append(a + b + (i == k ? 6 * Double(i) * s : 0))
      }
    }
    #expect(isClose(h, wanted, 1e-10))
  }

  @Test func products2() throws {
    let x = try doubles(1, 2)
    let f = { (x: Tensor) in try x * x * x }
    let (y, back) = try vectorJacobianProduct(at: x, vector: doubles(2, 5), of: f)
    #expect(isClose(y, [1, 8]))
    #expect(isClose(back, [6, 60]))
    let (_, forth) = try jacobianVectorProduct(at: x, tangent: doubles(2, 5), of: f)
    #expect(isClose(forth, [6, 60]))
  }

  @Test func customDerivatives() throws {
    let x = try doubles(-1, 2)
    // Rounding with a gradient that goes straight through, doubled.
    func through(_ x: Tensor) throws -> Tensor {
      try withDerivative(at: [x], { [try $0[0].rounded()] }) { inputs, outputs, upstreams in
        #expect(inputs[0].shape == outputs[0].shape)
        return [try upstreams[0] * inputs[0] * 2]
      }[0]
    }
    #expect(isClose(try gradient(at: x) { try through($0).sum() }, [-2, 4]))
    // The rule's own derivative.
    let second = try gradient(at: x) { x in try gradient(at: x) { try through($0).sum() }.sum() }
    #expect(isClose(second, [2, 2]))
    #expect(throws: EngineError.self) {
      try gradient(at: x) { x in
        try withDerivative(at: [x], { [try $0[0].sum()] }) { _, _, u in [u[0]] }[0]
      }
    }
  }

  @Test func hooks() throws {
    let x = try doubles(1, 2)
    var seen: [Double] = []
    let g = try gradient(at: x) { x in
      let y = try x * x
      y.onGradient { g in
        seen = Array(g.elements(Double.self))
        return try g * 10
      }
      return try (y * 3).sum()
    }
    #expect(seen == [3, 3])
    #expect(isClose(g, [60, 120]))
    #expect(throws: EngineError.self) {
      try gradient(at: x) { x in
        x.onGradient { try $0.sum() }
        return try x.sum()
      }
    }
  }

  /// What is computed twice gives the same gradients, parameters seen from outside included.
  @Test func checkpoints() throws {
    let (x, w) = (try doubles(0.5, -1), try doubles(2, 3))
    func block(_ h: Tensor, _ w: Tensor) throws -> Tensor { try (h * w).tanh() * w + h }
    let plain = try gradient(at: [x, w]) { list in
      var h = list[0]
      for _ in 0..<3 { h = try block(h, list[1]) }
      return try h.sum()
    }
    var runs = 0
    let again = try gradient(at: [x, w]) { list in
      var h = list[0]
      for _ in 0..<3 {
        h = try checkpointed(h) { h in
          runs += 1
          return try block(h, list[1])
        }
      }
      return try h.sum()
    }
    #expect(runs == 6)
    for (a, b) in zip(plain, again) {
      #expect(Array(a.elements(Double.self)) == Array(b.elements(Double.self)))
    }
    let second = try gradient(at: x) { x in
      try gradient(at: x) { x in try checkpointed(x) { try block($0, w) }.sum() }.sum()
    }
    let wanted = try gradient(at: x) { x in try gradient(at: x) { try block($0, w).sum() }.sum() }
    #expect(isClose(second, Array(wanted.elements(Double.self))))
  }

  @Test func mistakes() throws {
    let x = try doubles(1, 2)
    let shape = #expect(throws: EngineError.self) { try gradient(at: x) { try $0 * 2 } }
    #expect(shape?.code == .shape)
    #expect(shape?.subject.file?.hasSuffix("TapeTests.swift") == true)
    #expect(shape?.subject.line != nil)
    let dtype = #expect(throws: EngineError.self) {
      try gradient(at: Tensor([1, 2] as [Int64])) { try $0.sum() }
    }
    #expect(dtype?.code == .dtype)
    var op: EngineError?
    let line = #line + 2
    do {
      _ = try gradient(at: x) { try $0.matmul(Tensor([1, 2, 3] as [Double])).sum() }
    } catch let error as EngineError { op = error }
    #expect(op?.subject.line == line)
    #expect(op?.subject.operatorName == "MatMul")
    #expect(op?.message.contains("float64[2], float64[3]") == true)
    // Nothing is left behind by an error.
    #expect(isClose(try gradient(at: x) { try ($0 * $0).sum() }, [2, 4]))
  }
}
