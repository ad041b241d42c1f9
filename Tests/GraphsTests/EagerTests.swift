import Graphs
import Operators
import Tensors
import Testing

/// Running operators at once: what a thread keeps must never serve what it does not fit.
@Suite struct EagerTests {
  private let eager = Eager()
  private let x: Tensor

  init() throws { x = try Tensor(shape: [2, 3], [1, 2, 3, 4, 5, 6] as [Float]) }

  private func numbers(_ t: Tensor) -> [Float] { Array(t.elements(Float.self)) }

  /// The same operator and types, with other contents of an input that decides shapes.
  @Test func contentsOfShapeInputsCount() throws {
    let op = ReduceSum(ReduceAxes(keepDims: false))
    for _ in 0..<3 {
      let columns = try eager.apply(op, x, Tensor([0] as [Int64]))
      let rows = try eager.apply(op, x, Tensor([1] as [Int64]))
      #expect(numbers(columns) == [5, 7, 9])
      #expect(numbers(rows) == [6, 15])
    }
  }

  /// More contents than a place of the table keeps.
  @Test func manyContentsOfOneType() throws {
    let long = try Tensor((0..<40).map { Float($0) })
    for round in 0..<2 {
      for start in 0..<40 {
        let part = try eager.apply(
          Slice(), inputs: [long, Tensor([Int64(start)]), Tensor([Int64(start + 1)])])
        #expect(numbers(part) == [Float(start)], "round \(round)")
      }
    }
  }

  @Test func attributesCount() throws {
    let one = try eager.apply(LeakyRelu(alpha: 0.5), eager.apply(Neg(), x))
    let other = try eager.apply(LeakyRelu(alpha: 0.25), eager.apply(Neg(), x))
    #expect(numbers(one)[0] == -0.5)
    #expect(numbers(other)[0] == -0.25)
  }

  @Test func typesCount() throws {
    let double = try Tensor(shape: [2, 3], [1, 2, 3, 4, 5, 6] as [Double])
    #expect(try eager.apply(Add(), x, x).dtype == .float32)
    #expect(try eager.apply(Add(), double, double).dtype == .float64)
    #expect(
      try eager.apply(Add(), x, eager.apply(Slice(starts: [0], ends: [1]), x)).shape == [2, 3])
  }

  @Test func optionsCount() throws {
    for threads in 1...3 {
      let b = Eager(options: KernelOptions(threads: threads))
      #expect(numbers(try b.apply(Add(), x, x)) == [2, 4, 6, 8, 10, 12])
    }
  }

  /// Errors come each time, and name the operator.
  @Test func errorsAreNotKept() throws {
    let wrong = try Tensor([1, 2, 3, 4] as [Float])
    for _ in 0..<2 {
      let error = #expect(throws: EngineError.self) { try eager.apply(Add(), x, wrong) }
      #expect(error?.code == .shape)
      #expect(error?.subject.operatorName == "Add")
    }
    let error = #expect(throws: EngineError.self) {
      try eager.apply(Gather(), x, Tensor([7] as [Int64]))
    }
    #expect(error?.code == .value)
    #expect(numbers(try eager.apply(Gather(), x, Tensor([1] as [Int64]))) == [4, 5, 6])
  }

  /// Results whose sizes depend on data, several outputs, and views.
  @Test func otherKindsOfOperators() throws {
    let flags = try Tensor([0, 2, 0, 3] as [Float])
    for _ in 0..<2 {
      #expect(try Array(eager.apply(NonZero(), flags).elements(Int64.self)) == [1, 3])
      let parts = try eager.apply(
        Split(axis: 1), inputs: [x, Tensor([1, 2] as [Int64])], outputs: 2)
      #expect(numbers(parts[0]) == [1, 4])
      #expect(numbers(parts[1]) == [2, 3, 5, 6])
      let turned = try eager.apply(Reshape(), x, Tensor([3, 2] as [Int64]))
      #expect(turned.shape == [3, 2])
      #expect(turned.storage.bytes == x.storage.bytes)
    }
  }

  /// Draws without a seed differ from call to call.
  @Test func randomDrawsAreNotKept() throws {
    let op = RandomUniform(shape: [8])
    let a = try eager.call(op, Few(), outputs: 1)[0]
    let b = try eager.call(op, Few(), outputs: 1)[0]
    #expect(numbers(a) != numbers(b))
  }

  /// Each thread has its own table and memory; tensors may go from one to another.
  @Test func threadsDoNotShare() async throws {
    try await withThrowingTaskGroup(of: Tensor.self) { group in
      for i in 0..<16 {
        group.addTask {
          var y = try Tensor(shape: [2, 3], [Float](repeating: Float(i), count: 6))
          for _ in 0..<100 { y = try Eager().apply(Add(), y, y.reshaped([2, 3])) }
          for _ in 0..<100 {
            y = try Eager().apply(Mul(), y, Tensor(scalar: 0.5 as Float))
          }
          return y
        }
      }
      var sum: Float = 0
      for try await y in group { sum += y.elements(Float.self)[5] }
      #expect(sum == 120)
    }
  }
}
