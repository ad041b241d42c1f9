import DLRun
import DLTrain
import Testing

@Suite struct GraphModelTests {
  @Test func residual() throws {
    let x = Input(shape: [16])
    let h = try Dense(16, activation: .relu)(x)
    let model = try Model(inputs: x, outputs: Dense(4)(h + x))
    let batch = try Tensor.normal([3, 16])
    #expect(try model(batch).shape == [3, 4])
    #expect(model.parameters.map(\.name).contains("layers.0.kernel"))
    let (a, b) = (model.layers[0], model.layers[2])
    #expect(try model(batch).numbers() == b(a(batch) + batch).numbers())
  }

  @Test func severalInputsOutputsAndSharedLayers() throws {
    let (left, right) = (Input(shape: [8], name: "left"), Input(shape: [8], name: "right"))
    let encoder = Dense(4, activation: .tanh).named("encoder")
    let (a, b) = (try encoder(left), try encoder(right))
    let distance = try Dense(1)((a - b) * 2)
    let model = try Model(inputs: [left, right], outputs: [distance, Concatenate()([a, b])])
    let out = try model(masked: [.ones([2, 8]), .zeros([2, 8])]).values
    #expect(out.map(\.shape) == [[2, 1], [2, 8]])
    #expect(model.parameters.count == 4)
    // Surgery by name.
    let features = try Model(inputs: left, outputs: model.symbol(of: "encoder"))
    #expect(try features(.ones([2, 8])).shape == [2, 4])
    #expect(try features.layer("encoder") === encoder)
  }

  @Test func nestedAndSubclassed() throws {
    final class Block: Network {
      let first = Dense(8, activation: .relu)
      let second = Dense(8)
      override func forward(_ x: Tensor) throws -> Tensor { try second(first(x)) + x }
    }
    let x = Input(shape: [8])
    let inner = try Sequential(input: [8]) { Block() }
    let model = try Model(inputs: x, outputs: Dense(2)(inner(Block()(x))))
    #expect(try model(.ones([3, 8])).shape == [3, 2])
    #expect(try model.parameter("layers.1.layers.0.second.bias").value.shape == [8])
    #expect(model.summary().contains("Block"))
  }

  @Test func mistakesAreReportedWhereTheyAreMade() throws {
    let x = Input(shape: [8])
    let y = Input(shape: [7])
    let sum = x + y
    let late = #expect(throws: EngineError.self) { try Dense(1)(sum) }
    #expect(late?.code == .shape)
    #expect(late?.received == "[batch, 8], [batch, 7]")
    #expect(late?.subject.operatorName == "Add")
    #expect(late?.subject.file?.hasSuffix("GraphModelTests.swift") == true)
    let wrong = #expect(throws: EngineError.self) { try Conv2D(4, 3)(x) }
    #expect(wrong?.expected == "rank 4")
    let missing = #expect(throws: EngineError.self) {
      try Model(inputs: x, outputs: Dense(1)(Input(shape: [3], name: "other")))
    }
    #expect(missing?.code == .usage && missing?.received == "other")
    let unused = #expect(throws: EngineError.self) {
      try Model(inputs: [x, y], outputs: [Dense(1)(x)])
    }
    #expect(unused?.code == .usage)
  }

  /// The function beside the type that a session runs.
  @Test func bothModelsHaveTheirName() throws {
    let x = Input(shape: [2])
    let trained: GraphModel = try Model(inputs: x, outputs: Dense(1)(x))
    #expect(trained.parameters.count == 2)
    #expect(throws: EngineError.self) {
      func load() throws -> Model { try Model(contentsOf: "missing.onnx") }
      _ = try load()
    }
  }
}
