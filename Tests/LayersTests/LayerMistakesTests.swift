import DLTrain
import Glibc
import TestSupport
import Testing

/// Mistakes that users of layers, models and `fit` make: each ends in an error that says where, what was
/// expected and what came. `DLRUN_SHOW=1` in the environment prints all messages.
@Suite struct LayerMistakesTests {
  private struct Mistake {
    let name: String
    let code: EngineError.Code
    /// What the printed error must hold.
    let parts: [String]
    /// Whether the error has the line of this file.
    var hasLine = true
    let body: () throws -> Void
  }

  private static let x = try? Tensor.zeros([6, 4])
  private static let labels = try? Tensor([0, 1, 0, 1, 0, 1] as [Int64])

  private func classifier(_ loss: LossFunction = .sparseCategoricalCrossEntropy(fromLogits: true))
    throws -> Sequential
  {
    let model = try Sequential(input: [4]) {
      Dense(8, activation: .relu).named("hidden")
      Dense(2).named("head")
    }
    model.compile(optimizer: .keras.adam(), loss: loss, metrics: [.accuracy])
    return model
  }

  /// Of building models.
  private func shapes() -> [Mistake] {
    [
      Mistake(
        name: "images with channels last", code: .shape, parts: ["channels", "28, 28, 1"]
      ) {
        let model = try Sequential(input: [1, 28, 28]) { Conv2D(4, 3).named("conv") }
        _ = try model(Tensor.zeros([2, 28, 28, 1]))
      },
      Mistake(
        name: "a kernel larger than the image", code: .shape,
        parts: ["second", "Conv2D", "[3, 3] or more"]
      ) {
        _ = try Sequential(input: [1, 4, 4]) {
          Conv2D(4, 3)
          Conv2D(4, 3).named("second")
        }
      },
      Mistake(
        name: "a convolution on flat data", code: .shape, parts: ["Conv2D", "rank 4"]
      ) { _ = try Sequential(input: [784]) { Conv2D(4, 3) } },
      Mistake(
        name: "a dense layer without a width", code: .shape, parts: ["Dense"]
      ) { _ = try Sequential(input: [nil]) { Dense(4) } },
      Mistake(name: "no units", code: .attribute, parts: ["Dense", "0"]) {
        _ = try Sequential(input: [4]) { Dense(0) }
      },
      Mistake(name: "a recurrent layer on flat data", code: .shape, parts: ["LSTM", "rank 3"]) {
        _ = try Sequential(input: [8]) { LSTM(4) }
      },
      Mistake(
        name: "heads that do not divide", code: .attribute, parts: ["TransformerEncoder", "3"]
      ) {
        _ = try Sequential(input: [5, 16]) { TransformerEncoder(16, heads: 3, inner: 8) }
      },
      Mistake(
        name: "a reshape to another count", code: .shape, parts: ["Reshape", "[3, 3]"]
      ) { _ = try Sequential(input: [8]) { Reshape([3, 3]) } },
      Mistake(
        name: "a sum of layers that do not fit", code: .shape, parts: ["[batch, 3]", "[batch, 4]"]
      ) {
        let input = Input(shape: [4])
        _ = try Model(inputs: input, outputs: Dense(3)(input) + Dense(4)(input))
      },
      Mistake(
        name: "joining what differs elsewhere", code: .shape, parts: ["Concatenate"]
      ) {
        let (a, b) = (Input(shape: [4, 2]), Input(shape: [5, 2]))
        _ = try Model(inputs: [a, b], outputs: [Concatenate(axis: -1)([a, b])])
      },
      Mistake(
        name: "an output of another input", code: .usage, parts: ["input that is not the model's"]
      ) {
        let (a, b) = (Input(shape: [4]), Input(shape: [4]))
        _ = try Model(inputs: a, outputs: Dense(2)(b))
      },
      Mistake(name: "an input without use", code: .usage, parts: ["depends on an input"]) {
        let (a, b) = (Input(shape: [4], name: "left"), Input(shape: [4], name: "right"))
        _ = try Model(inputs: [a, b], outputs: [Dense(2)(a)])
      },
      Mistake(name: "a layer's name misspelt", code: .usage, parts: ["'layers.head'"]) {
        _ = try classifier().layer("haed")
      },
      Mistake(
        name: "a word that the embedding does not have", code: .value, parts: ["words", "9"]
      ) {
        let model = try Sequential(input: [2]) { Embedding(5, 3).named("words") }
        _ = try model(Tensor([[1, 9]] as [[Float]]).cast(to: .int64))
      },
      Mistake(name: "a dropout of everything", code: .attribute, parts: ["Dropout", "1.5"]) {
        _ = try Sequential(input: [4]) { Dropout(1.5) }
      },
    ]
  }

  /// Of training.
  private func training() throws -> [Mistake] {
    let (x, labels) = (try #require(Self.x), try #require(Self.labels))
    return [
      Mistake(name: "fit before compile", code: .usage, parts: ["compile"]) {
        try Sequential(input: [4]) { Dense(2) }.fit(x, labels)
      },
      Mistake(
        name: "features of another width", code: .shape,
        parts: ["hidden", "expected 4", "[batch, 5]"]
      ) { try classifier().fit(Tensor.zeros([6, 5]), labels) },
      Mistake(name: "too few labels", code: .shape, parts: ["[6, 4]", "[5]"]) {
        try classifier().fit(x, Tensor([0, 1, 0, 1, 0] as [Int64]))
      },
      Mistake(
        name: "a label out of range", code: .value, parts: ["0 to 1", "2"]
      ) { try classifier().fit(x, Tensor([0, 1, 2, 0, 1, 0] as [Int64])) },
      Mistake(
        name: "classes where a distribution is expected", code: .shape,
        parts: ["[6, 2]", "[6]", "sparseCategoricalCrossEntropy"]
      ) { try classifier(.categoricalCrossEntropy(fromLogits: true)).fit(x, labels) },
      Mistake(
        name: "a distribution where classes are expected", code: .shape,
        parts: ["[6, 2]", "categoricalCrossEntropy"]
      ) { try classifier().fit(x, Tensor.zeros([6, 2]).cast(to: .int64)) },
      Mistake(name: "two outputs for two classes", code: .shape, parts: ["[6, 2]", "[6]"]) {
        try classifier(.binaryCrossEntropy(fromLogits: true)).fit(x, Tensor.zeros([6]))
      },
      Mistake(name: "data of another dtype", code: .dtype, parts: ["hidden", "float64"]) {
        try classifier().fit(x.cast(to: .float64), labels)
      },
      Mistake(name: "data that are no numbers", code: .value, parts: ["epoch 1, batch 1", "nan"]) {
        try classifier().fit(x * Double.nan, labels, callbacks: [TerminateOnNaN()])
      },
      Mistake(name: "everything frozen", code: .usage, parts: ["trainable parameter"]) {
        let model = try classifier()
        model.freeze("*")
        try model.fit(x, labels)
      },
      Mistake(name: "a batch of none", code: .value, parts: ["batch size", "0"]) {
        try classifier().fit(x, labels, batchSize: 0)
      },
      Mistake(name: "all samples for validation", code: .value, parts: ["share", "1.5"]) {
        try classifier().fit(x, labels, validation: .split(1.5))
      },
      Mistake(name: "weights for fewer samples", code: .shape, parts: ["[6, 4]", "[5]"]) {
        try classifier().fit(x, labels, sampleWeights: Tensor.zeros([5]))
      },
      Mistake(name: "a metric of an output that is not there", code: .usage, parts: ["'accuracy'"])
      {
        let model = try classifier()
        model.compile(
          optimizer: .keras.adam(), loss: .sparseCategoricalCrossEntropy(fromLogits: true),
          metrics: [Accuracy(output: 1)])
        try model.fit(x, labels)
      },
      Mistake(
        name: "two losses for one output", code: .arity, parts: ["2 losses"]
      ) {
        let model = try classifier()
        model.compile(
          optimizer: .keras.adam(),
          losses: [.meanSquaredError, .meanAbsoluteError])
        try model.fit(x, labels)
      },
      Mistake(
        name: "stopping by what is not measured", code: .usage,
        parts: ["'val_loss'", "loss, accuracy", "validation"]
      ) { try classifier().fit(x, labels, callbacks: [EarlyStopping()]) },
      Mistake(name: "a log in no folder", code: .cannotCreate, parts: ["/nowhere"], hasLine: false)
      {
        try classifier().fit(x, labels, callbacks: [CSVLogger("/nowhere/log.csv")])
      },
      Mistake(name: "a group that fits nothing", code: .usage, parts: ["hiden", "hidden.kernel"]) {
        let model = try classifier()
        model.compile(
          optimizer: .keras.adam(), loss: .sparseCategoricalCrossEntropy(fromLogits: true),
          groups: [.init("hiden.kernel")])
        try model.fit(x, labels)
      },
      Mistake(name: "an epoch without a batch", code: .usage, parts: ["data to train on"]) {
        try classifier().fit(ClosureSource { _ in nil })
      },
      Mistake(name: "rows without samples", code: .shape, parts: ["[0, 4]"]) {
        try classifier().fit(Tensor.zeros([0, 4]), Tensor.zeros([0]))
      },
    ]
  }

  /// Of preprocessing and saving.
  private func files() throws -> [Mistake] {
    let x = try #require(Self.x)
    let texts = try Tensor(shape: [2], strings: ["a b", "c"])
    func export(_ layer: Layer, _ input: Tensor) throws {
      try inTemporaryFolder { folder in
        let path = folder + "/model.onnx"
        try exportONNX(Sequential([layer]), to: path, inputs: [("x", input)]) {
          [("y", try $0($1[0]))]
        }
      }
    }
    return [
      Mistake(name: "words without a vocabulary", code: .usage, parts: ["adapt"]) {
        _ = try StringLookup()(texts)
      },
      Mistake(
        name: "punctuation taken out in a file", code: .unsupported,
        parts: ["words", "TextVectorization", "standardize"]
      ) { try export(TextVectorization(["a", "b"]).named("words"), texts) },
      Mistake(
        name: "a hash of strings in a file", code: .unsupported,
        parts: ["buckets", "Hashing", "StringLookup"]
      ) { try export(Hashing(8).named("buckets"), texts) },
      Mistake(
        name: "numbers cut into words", code: .dtype, parts: ["TextVectorization", "float32"]
      ) {
        try TextVectorization().adapt(x)
      },
      Mistake(
        name: "weights that are not there", code: .inputMissing, parts: ["/nowhere"], hasLine: false
      ) {
        try classifier().load("/nowhere/w.safetensors")
      },
      Mistake(
        name: "weights of another network", code: .invalidModel,
        parts: ["head.kernel", "[8, 2]", "[8, 3]"], hasLine: false
      ) {
        let other = try Sequential(input: [4]) {
          Dense(8).named("hidden")
          Dense(3).named("head")
        }
        try inTemporaryFolder { folder in
          try other.save(folder + "/w.safetensors")
          try classifier().load(folder + "/w.safetensors")
        }
      },
      Mistake(
        name: "a model into no folder", code: .cannotCreate, parts: ["/nowhere"], hasLine: false
      ) {
        try exportONNX(classifier(), to: "/nowhere/m.onnx", inputs: [("x", x)]) {
          [("y", try $0($1[0]))]
        }
      },
    ]
  }

  @Test func everyMistakeIsExplained() throws {
    let all = try shapes() + training() + files()
    let shows = getenv("DLRUN_SHOW") != nil
    for m in all {
      do {
        try m.body()
        Issue.record("\(m.name): no error")
      } catch let error as EngineError {
        if shows { print("\(m.name) [\(error.code)]\n  \(error)") }
        #expect(error.code == m.code, "\(m.name): \(error.code): \(error)")
        for part in m.parts {
          #expect("\(error)".contains(part), "\(m.name): '\(part)' is not in: \(error)")
        }
        if m.hasLine {
          #expect(
            error.subject.file?.hasSuffix("LayerMistakesTests.swift") == true,
            "\(m.name): no line in: \(error)")
        }
      } catch {
        Issue.record("\(m.name): \(error)")
      }
    }
    #expect(all.count >= 38)
  }
}
