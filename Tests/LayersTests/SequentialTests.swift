import DLTrain
import Testing

@Suite struct SequentialTests {
  @Test func buildsWithConditionsAndLoops() throws {
    for isDeep in [true, false] {
      let model = try Sequential(input: [8]) {
        Dense(16, activation: .relu)
        if isDeep {
          for n in [12, 10] { Dense(n, activation: .relu) }
        } else {
          Dropout(0.2)
        }
        Dense(3).named("head")
      }
      #expect(model.layers.count == (isDeep ? 4 : 3))
      #expect(try model(.ones([5, 8])).shape == [5, 3])
      #expect(try model.parameter("layers.head.kernel").value.shape == [isDeep ? 10 : 16, 3])
      #expect(try model.parameter("layers.0.bias").value.shape == [16])
      #expect(try model.layer("head") === model.layers.last)
    }
  }

  /// A hundred layers type-check at once, since the builder erases their types.
  @Test func longOnesTypeCheck() throws {
    let model = try Sequential(input: [4]) {
      for _ in 0..<100 { Dense(4) }
    }
    #expect(model.parameters.count == 200)
  }

  @Test func builtByFirstBatch() throws {
    let model = Sequential {
      Conv2D(4, 3, activation: .relu)
      MaxPooling2D()
      Flatten()
      Dense(2)
    }
    #expect(model.parameters.allSatisfy { $0.isPending })
    #expect(try model(.ones([3, 1, 8, 8])).shape == [3, 2])
    #expect(try model.parameter("layers.3.kernel").value.shape == [36, 2])
  }

  /// Shapes that do not fit are reported when the model is built: layer, expected, received, line.
  @Test func wrongShapesAreReported() throws {
    do {
      _ = try Sequential(input: [1, 4, 4]) {
        Conv2D(4, 3)
        MaxPooling2D(3)
      }
      Issue.record("nothing was reported")
    } catch let error as EngineError {
      #expect(error.code == .shape)
      #expect(error.subject.node == "layers.1")
      #expect(error.subject.operatorName == "MaxPooling2D")
      #expect(error.received == "[batch, 4, 2, 2]")
      #expect(error.subject.line == #line - 10)
      #expect(error.subject.file?.hasSuffix("SequentialTests.swift") == true)
    }
    let model = try Sequential(input: [8]) { Dense(2) }
    let error = #expect(throws: EngineError.self) { try model(.ones([3, 7])) }
    #expect(error?.code == .shape)
    #expect(error?.expected == "8")
    #expect(error?.received == "7 in [batch, 7]")
  }

  @Test func nestsAndSharesLayers() throws {
    let shared = Dense(6, activation: .tanh)
    let model = try Sequential(input: [6]) {
      shared
      Sequential {
        Dense(4)
        Dense(6)
      }
      shared
    }
    #expect(model.parameters.count == 6)
    #expect(try model.parameter("layers.1.layers.0.kernel").value.shape == [6, 4])
    #expect(try model(.ones([2, 6])).shape == [2, 6])
  }

  @Test func summaryTellsShapesParametersAndMemory() throws {
    let model = try Sequential(input: [1, 8, 8]) {
      Conv2D(4, 3, activation: .relu)
      Sequential {
        Flatten()
        Dense(10)
      }
    }
    #expect(
      model.summary() == """
        layer          output            parameters
        -------------------------------------------
        0: Conv2D      [batch, 4, 6, 6]          40
        1: Sequential  [batch, 10]             1450
          0: Flatten   [batch, 144]               0
          1: Dense     [batch, 10]             1450
        parameters: 1490; weights: 5.8 KiB; activations of a sample: 1.2 KiB

        """)
  }

  @Test func masksReachLayers() throws {
    let model = try Sequential(input: [5]) {
      Embedding(7, 3, masksZero: true)
      LSTM(4)
    }
    // Steps behind the last word change nothing.
    let a = try model(Tensor(shape: [1, 5], [3, 2, 5, 0, 0] as [Int64])).numbers()
    let b = try Sequential(model.layers)(Tensor(shape: [1, 3], [3, 2, 5] as [Int64])).numbers()
    for (x, y) in zip(a, b) { #expect(abs(x - y) < 1e-6) }
  }

  @Test func savedWeightsComeBack() throws {
    func made() throws -> Sequential {
      try Sequential(input: [3, 4]) {
        BatchNormalization(axis: -1)
        try Bidirectional(GRU(2))
        Dense(2)
      }
    }
    let path = "/tmp/dlrun-layers-\(UInt64.random(in: 0..<UInt64.max)).safetensors"
    let (a, b) = (try made(), try made())
    let x = try Tensor.normal([2, 3, 4])
    #expect(try a(x).numbers() != b(x).numbers())
    try a.save(path)
    try b.load(path)
    #expect(try a(x).numbers() == b(x).numbers())
  }
}
