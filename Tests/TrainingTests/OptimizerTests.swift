import Foundation
import Formats
import Glibc
import Tensors
import Testing
import Training

/// A hundred steps on fixed gradients, against what Keras and PyTorch made of them.
@Suite struct OptimizerTests {
  static let shapes: [[Int]] = [[3, 4], [5]]

  private static func initial(_ k: Int) throws -> Tensor {
    let n = shapes[k].reduce(1, *)
    return try Tensor(
      shape: Shape(checking: shapes[k]), (0..<n).map { Glibc.cos(0.5 * Double($0) + Double(k)) })
  }

  /// The gradient that `tools/oracle/training/optimizer_fixtures.py` gives.
  private static func gradient(_ k: Int, _ t: Int, _ w: Tensor) throws -> Tensor {
    let values = w.elements(Double.self)
    return try Tensor(
      shape: w.shape,
      values.indices.map { i in
        Glibc.sin(0.7 * Double(t) + 0.3 * Double(i) + Double(k)) * (1 + 0.1 * Double(i))
          + 0.2 * values[i]
      })
  }

  private static let torch: [String: OptimizerRule] = [
    "sgd": .torch.sgd(learningRate: 0.05),
    "sgd momentum": .torch.sgd(
      learningRate: 0.05, momentum: 0.9, dampening: 0.1, weightDecay: 0.01),
    "sgd nesterov": .torch.sgd(learningRate: 0.05, momentum: 0.9, nesterov: true),
    "adam": .torch.adam(learningRate: 0.01),
    "adam decay": .torch.adam(learningRate: 0.01, weightDecay: 0.02),
    "adam amsgrad": .torch.adam(learningRate: 0.01, amsgrad: true),
    "adamW": .torch.adamW(learningRate: 0.01),
    "adamax": .torch.adamax(learningRate: 0.01),
    "nadam": .torch.nadam(learningRate: 0.01),
    "rAdam": .torch.rAdam(learningRate: 0.01),
    "rmsprop": .torch.rmsprop(learningRate: 0.01),
    "rmsprop centered": .torch.rmsprop(learningRate: 0.01, momentum: 0.5, centered: true),
    "adagrad": .torch.adagrad(learningRate: 0.05, rateDecay: 0.01, initialAccumulator: 0.1),
    "adadelta": .torch.adadelta(learningRate: 0.5),
    "adafactor": .torch.adafactor(learningRate: 0.05, weightDecay: 0.01),
  ]

  private static let keras: [String: OptimizerRule] = [
    "sgd": .keras.sgd(learningRate: 0.05),
    "sgd momentum": .keras.sgd(learningRate: 0.05, momentum: 0.9, weightDecay: 0.01),
    "sgd nesterov": .keras.sgd(learningRate: 0.05, momentum: 0.9, nesterov: true),
    "adam": .keras.adam(learningRate: 0.01),
    "adam amsgrad": .keras.adam(learningRate: 0.01, amsgrad: true),
    "adamW": .keras.adamW(learningRate: 0.01),
    "adamax": .keras.adamax(learningRate: 0.01),
    "nadam": .keras.nadam(learningRate: 0.01),
    "rmsprop": .keras.rmsprop(learningRate: 0.01),
    "rmsprop centered": .keras.rmsprop(learningRate: 0.01, momentum: 0.5, centered: true),
    "adagrad": .keras.adagrad(learningRate: 0.05),
    "adadelta": .keras.adadelta(learningRate: 0.5),
    "adafactor": .keras.adafactor(learningRate: 0.05),
    "ftrl": .keras.ftrl(learningRate: 0.05),
    "ftrl regular": .keras.ftrl(
      learningRate: 0.05, power: -0.6, l1: 0.01, l2: 0.02, l2Shrinkage: 0.03, beta: 0.1),
    "lion": .keras.lion(learningRate: 0.01, weightDecay: 0.05),
    "lamb": .keras.lamb(learningRate: 0.01),
    "muon": .keras.muon(learningRate: 0.01),
    "scheduleFreeAdamW": .keras.scheduleFreeAdamW(
      learningRate: 0.01, warmupSteps: 5, weightDecay: 0.01),
  ]

  private static func fixture(_ name: String) throws -> [JSONObject] {
    let file = URL(filePath: #filePath).deletingLastPathComponent().appending(
      path: "Fixtures/\(name).json")
    let json = try JSONParser.parse([UInt8](Data(contentsOf: file)))
    return try #require(json.asObject?["cases"]?.asArray).compactMap(\.asObject)
  }

  private static func number(_ v: JSONValue) -> Double? {
    if case .double(let d) = v { d } else { v.asInt.map { Double($0) } }
  }

  /// Keras computes some factors of these in float32.
  private static func tolerance(_ file: String, _ name: String) -> Double {
    switch (file, name) {
    case ("keras_optimizers", "adafactor"): 1e-7
    case ("keras_optimizers", "muon"): 1e-8
    default: 1e-9
    }
  }

  private func check(_ rules: [String: OptimizerRule], _ file: String) throws {
    var count = 0
    for c in try Self.fixture(file) {
      let name = try #require(c["name"]?.asString)
      guard let rule = rules[name] else { continue }
      count += 1
      let parameters = try (0..<2).map { Parameter(try Self.initial($0), name: "w\($0)") }
      let optimizer = try Optimizer(parameters, rule)
      let after = try #require(c["after"]?.asObject)
      for t in 1...100 {
        let list = try (0..<2).map { try Self.gradient($0, t, parameters[$0].value) }
        try optimizer.update(Gradients(parameters, list))
        guard let wanted = after["\(t)"]?.asArray else { continue }
        for k in 0..<2 {
          let expected = try #require(wanted[k].asArray).compactMap(Self.number)
          let got = Array(parameters[k].value.elements(Double.self))
          #expect(expected.count == got.count)
          let error = zip(expected, got).map { abs($0 - $1) }.max() ?? 1
          #expect(
            error <= Self.tolerance(file, name),
            "\(file) \(name), parameter \(k) after step \(t): \(error)")
        }
      }
    }
    #expect(count == rules.count, "\(file) has a case for each rule")
  }

  @Test func torchRules() throws { try check(Self.torch, "torch_optimizers") }
  @Test func kerasRules() throws { try check(Self.keras, "keras_optimizers") }

  /// torch's L-BFGS on a sum of fourth powers and squares.
  @Test func lbfgs() throws {
    let c = try #require(
      try Self.fixture("torch_optimizers").first { $0["name"]?.asString == "lbfgs" })
    let model = Two(try Self.initial(0), try Self.initial(1))
    let optimizer = try LBFGS(model, learningRate: 0.5, iterations: 4, historySize: 5)
    let after = try #require(c["after"]?.asObject)
    for t in 1...10 {
      _ = try optimizer.step {
        var loss = 0.0
        var list: [Tensor] = []
        for p in model.parameters {
          let w = p.value.elements(Double.self)
          loss += w.reduce(0) { $0 + $1 * $1 * $1 * $1 + ($1 - 1) * ($1 - 1) }
          list.append(
            try Tensor(shape: p.value.shape, w.map { 4 * $0 * $0 * $0 + 2 * ($0 - 1) }))
        }
        return (try Tensor(scalar: loss), Gradients(model.parameters, list))
      }
      guard let wanted = after["\(t)"]?.asArray else { continue }
      for k in 0..<2 {
        let expected = try #require(wanted[k].asArray).compactMap(Self.number)
        for (a, b) in zip(expected, model.parameters[k].value.elements(Double.self)) {
          #expect(abs(a - b) < 1e-9, "after step \(t)")
        }
      }
    }
  }

  /// Tensors taken before a step keep their contents, however many steps follow.
  @Test func takenValuesStay() throws {
    let p = Parameter(try Tensor([1, 2, 3] as [Float]))
    let optimizer = try Optimizer([p], .keras.sgd(learningRate: 1))
    let g = Gradients([p], [try Tensor([1, 1, 1] as [Float])])
    var taken: [Tensor] = []
    for _ in 0..<5 {
      taken.append(p.value)
      try optimizer.update(g)
    }
    for (i, t) in taken.enumerated() {
      #expect(Array(t.elements(Float.self)) == [1, 2, 3].map { $0 - Float(i) })
    }
    #expect(Array(p.value.elements(Float.self)) == [-4, -3, -2])
  }

  /// Frozen parameters and those without a gradient stay; groups have settings of their own.
  @Test func groupsAndFreezing() throws {
    let model = Two(try Tensor([1, 1] as [Float]), try Tensor([1, 1] as [Float]))
    let ones = try Tensor([1, 1] as [Float])
    let optimizer = try Optimizer(
      model, .keras.sgd(learningRate: 0.5), groups: [.init("b", rateFactor: 0.5)])
    try optimizer.update(Gradients(model.parameters, [ones, ones]))
    #expect(Array(model.a.value.elements(Float.self)) == [0.5, 0.5])
    #expect(Array(model.b.value.elements(Float.self)) == [0.75, 0.75])
    model.freeze("a")
    try optimizer.update(Gradients(model.parameters, [ones, nil]))
    #expect(Array(model.a.value.elements(Float.self)) == [0.5, 0.5])
    #expect(Array(model.b.value.elements(Float.self)) == [0.75, 0.75])
  }

  @Test func mistakes() throws {
    let model = Two(try Tensor([1, 1] as [Float]), try Tensor([1, 1] as [Float]))
    func code(_ body: () throws -> Void) -> EngineError.Code? {
      do { try body() } catch { return (error as? EngineError)?.code }
      return nil
    }
    #expect(code { _ = try Optimizer([], .keras.adam()) } == .usage)
    #expect(code { _ = try Optimizer(model, .keras.adam(learningRate: .nan)) } == .value)
    #expect(code { _ = try Optimizer(model, .keras.adam(), groups: [.init("c*")]) } == .usage)
    let optimizer = try Optimizer(model, .keras.adam())
    let wrong = try Tensor([1, 1, 1] as [Float])
    #expect(code { try optimizer.update(Gradients(model.parameters, [wrong, nil])) } == .shape)
    let other = Parameter(try Tensor([1] as [Float]))
    #expect(code { try optimizer.update(Gradients([other], [other.value])) } == .usage)
    #expect(
      code { _ = try Optimizer([Parameter(try Tensor([1] as [Int64]))], .keras.adam()) } == .dtype)
  }
}

final class Two: Module {
  let a: Parameter
  let b: Parameter
  init(_ a: Tensor, _ b: Tensor) {
    self.a = Parameter(a)
    self.b = Parameter(b)
  }
}
