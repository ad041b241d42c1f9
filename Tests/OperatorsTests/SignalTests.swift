import Glibc
import Graphs
import Tensors
import Testing

@testable import Operators

@Suite struct SignalTests {
  private func run(_ op: any Operator, _ inputs: Tensor?...) throws -> Tensor {
    let values = try Eager().evaluate(
      op, inputs.map { $0.map { .tensor($0) } }, outputs: 1, runner: nil)
    return try #require(values[0]).asTensor()
  }
  private func signal(_ n: Int) -> [Double] { (0..<2 * n).map { Double(($0 * $0 + 3 * $0) % 17) } }

  /// Every kind of size: products of small primes, and primes beyond 31 with and without others.
  @Test(arguments: [1, 2, 3, 5, 7, 8, 12, 30, 31, 32, 33, 37, 64, 77, 100, 127, 148])
  func equalsTheDefinition(_ n: Int) throws {
    let x = signal(n)
    let y = try run(DFT(), Tensor(shape: [n, 2], x)).values(as: Double.self)
    for k in 0..<n {
      var (re, im) = (0.0, 0.0)
      for j in 0..<n {
        let angle = -2 * Double.pi * Double(j * k % n) / Double(n)
        re += x[2 * j] * cos(angle) - x[2 * j + 1] * sin(angle)
        im += x[2 * j] * sin(angle) + x[2 * j + 1] * cos(angle)
      }
      #expect(abs(y[2 * k] - re) <= 1e-10 * Double(n), "\(n): \(k)")
      #expect(abs(y[2 * k + 1] - im) <= 1e-10 * Double(n), "\(n): \(k)")
    }
    let back = try run(DFT(isInverse: true), Tensor(shape: [n, 2], y)).values(as: Double.self)
    for i in 0..<2 * n { #expect(abs(back[i] - x[i]) <= 1e-11 * Double(n)) }
  }

  /// Float32 loses no more than a few roundings, relative to the largest value.
  @Test(arguments: [10, 121, 128, 360, 509, 1024]) func floatsAreAccurate(_ n: Int) throws {
    let x = signal(n)
    let want = try run(DFT(), Tensor(shape: [n, 2], x)).values(as: Double.self)
    let got = try run(DFT(), Tensor(shape: [n, 2], x.map { Float($0) })).values(as: Float.self)
    let top = want.map(\.magnitude).max() ?? 0
    for (a, b) in zip(got, want) { #expect(abs(Double(a) - b) <= 1e-6 * top) }
  }

  @Test(arguments: [6, 15, 37]) func realSignalsAreHermitian(_ n: Int) throws {
    let x = signal(n).prefix(n).map { Float($0) }
    for isInverse in [false, true] {
      let y = try run(DFT(isInverse: isInverse), Tensor(shape: [n, 1], Array(x)))
        .values(as: Float.self)
      #expect(y[1] == 0 && (n % 2 == 1 || y[n + 1] == 0))
      for k in 1..<n {
        #expect(y[2 * k] == y[2 * (n - k)] && y[2 * k + 1] == -y[2 * (n - k) + 1])
      }
    }
  }

  @Test(arguments: [4, 7, 40]) func oneSideIsEnough(_ n: Int) throws {
    let x = Array(signal(n).prefix(n))
    let half = try run(DFT(isOneSided: true), Tensor(shape: [n, 1], x))
    #expect(half.shape == [n / 2 + 1, 2])
    let back = try run(
      DFT(isInverse: true, isOneSided: true), half, Tensor(scalar: Int64(n)))
    #expect(back.shape == [n, 1])
    for (a, b) in zip(try back.values(as: Double.self), x) {
      #expect(abs(a - b) <= 1e-11 * Double(n))
    }
  }

  @Test func refusesWhatDoesNotFit() throws {
    let complex = try Tensor(shape: [4, 2], Array(signal(4)))
    #expect(throws: EngineError.self) { try run(DFT(isOneSided: true), complex) }
    #expect(throws: EngineError.self) { try run(DFT(), complex, Tensor(scalar: 0 as Int64)) }
    #expect(throws: EngineError.self) {
      try run(DFT(), complex, nil, Tensor(scalar: 1 as Int64))
    }
    let x = try Tensor(shape: [1, 8, 1], Array(signal(4)))
    let step = try Tensor(scalar: 2 as Int64)
    #expect(throws: EngineError.self) { try run(STFT(), x, step, nil, Tensor(scalar: 9 as Int64)) }
    #expect(throws: EngineError.self) { try run(STFT(), x, Tensor(scalar: 0 as Int64)) }
    #expect(throws: EngineError.self) { try run(HannWindow(), Tensor(scalar: -1 as Int64)) }
  }

  /// Nothing is allocated for a transform of nothing.
  @Test func emptyBatches() throws {
    let x = try Tensor(shape: [0, 4, 1], [] as [Float])
    #expect(
      try run(DFT(), x, Tensor(scalar: 1 << 40 as Int64)).shape == [0, 1 << 40, 2])
  }

  @Test func framesAreTransformsOfParts() throws {
    let x = Array(signal(4))
    let frames = try run(
      STFT(), Tensor(shape: [1, 8, 1], x), Tensor(scalar: 2 as Int64), nil,
      Tensor(scalar: 4 as Int64))
    #expect(frames.shape == [1, 3, 3, 2])
    let second = try run(DFT(isOneSided: true), Tensor(shape: [4, 1], Array(x[2..<6])))
    #expect(try frames.values(as: Double.self)[6..<12] == second.values(as: Double.self)[...])
  }

  @Test func windows() throws {
    let size = try Tensor(scalar: 4 as Int64)
    let hann = try run(HannWindow(dtype: .float64), size).values(as: Double.self)
    for (a, b) in zip(hann, [0, 0.5, 1, 0.5]) { #expect(abs(a - b) <= 1e-15) }
    #expect(
      try run(BlackmanWindow(dtype: .int32, isPeriodic: false), Tensor(scalar: 1 as Int64))
        .values(as: Int32.self) == [1])
  }
}
