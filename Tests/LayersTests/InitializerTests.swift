import DLTrain
import Testing

/// What layers begin with, and what training keeps parameters to.
@Suite struct InitializerTests {
  private func spread(_ t: Tensor) throws -> (mean: Double, variance: Double, largest: Double) {
    (
      try t.mean().scalar(), try t.variance().scalar(),
      try t.absolute().max().scalar()
    )
  }

  @Test func variancesAreThoseOfTheFans() throws {
    let sizes = [60, 40]
    let wanted: [(Initializer, Double)] = [
      (.glorotUniform, 0.02), (.glorotNormal, 0.02), (.heUniform, 2.0 / 60), (.heNormal, 2.0 / 60),
      (.lecunUniform, 1.0 / 60), (.lecunNormal, 1.0 / 60), (.normal(deviation: 0.1), 0.01),
      (.uniform(from: -0.3, to: 0.3), 0.03),
    ]
    for (i, (initializer, variance)) in wanted.enumerated() {
      let s = try withSeed(UInt64(i)) { try spread(initializer(sizes)) }
      #expect(abs(s.mean) < 0.02, "\(initializer.name)")
      #expect(abs(s.variance - variance) < 0.12 * variance, "\(initializer.name)")
    }
    let s = try spread(Initializer.truncatedNormal(deviation: 1)([1000]))
    #expect(s.largest <= 2)
  }

  @Test func convolutionsCountTheField() throws {
    let conv = Conv2D(32, 3)
    try withSeed(1) { _ = try conv.prepare(for: [[nil, 16, 8, 8]]) }
    let bound = (6.0 / Double((16 + 32) * 9)).squareRoot()
    let s = try spread(conv.kernel.value)
    #expect(s.largest <= bound && s.largest > 0.95 * bound)
  }

  @Test func orthogonalAndIdentity() throws {
    let q = try Initializer.orthogonal()([6, 4])
    let product = try q.transpose().matmul(q).numbers()
    for (i, x) in product.enumerated() { #expect(abs(x - (i % 5 == 0 ? 1 : 0)) < 1e-5) }
    #expect(try Initializer.identity(gain: 2)([2, 2]).numbers() == [2, 0, 0, 2])
    #expect(throws: EngineError.self) { try Initializer.identity()([3]) }
  }

  @Test func constraints() throws {
    let w = try Tensor([[3, 0.1], [-4, 0.1]])
    #expect(try Constraint.nonNegative(w).numbers() == Tensor([[3, 0.1], [0, 0.1]]).numbers())
    let norms = try Constraint.maxNorm(1)(w).l2Norm(axes: [0]).numbers()
    #expect(abs(norms[0] - 1) < 1e-5 && abs(norms[1] - 0.02.squareRoot()) < 1e-5)
    let units = try Constraint.unitNorm()(w).l2Norm(axes: [0]).numbers()
    #expect(units.allSatisfy { abs($0 - 1) < 1e-4 })
    let between = try Constraint.minMaxNorm(0.5, 1)(w).l2Norm(axes: [0]).numbers()
    #expect(abs(between[1] - 0.5) < 1e-4)
  }

  @Test func regularizers() throws {
    let w = try Tensor([[3, 4], [-4, 3]])
    #expect(abs(try Regularizer.l1(0.5)(w).scalar() - 7) < 1e-6)
    #expect(abs(try Regularizer.l2(0.5)(w).scalar() - 25) < 1e-5)
    #expect(abs(try Regularizer.l1l2(0.5, 0.5)(w).scalar() - 32) < 1e-5)
    #expect(abs(try Regularizer.orthogonal(1)(w).scalar()) < 1e-6)
    #expect(abs(try Regularizer.orthogonal(1)(Tensor([[1, 0], [2, 0]])).scalar() - 1) < 1e-6)
  }
}
