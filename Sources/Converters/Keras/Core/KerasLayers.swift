import Tensors

/// The fixed table of classes that can be converted, and why others are not.
enum KerasLayers {
  /// A layer class with what is to be said of it.
  private struct Entry {
    let type: any KerasLayer.Type
    var note = ""
  }

  private static func all(
    _ type: any KerasLayer.Type, _ names: [String], _ note: String = ""
  ) -> [(String, Entry)] { names.map { ($0, Entry(type: type, note: note)) } }

  private static func spaces(_ stem: String, _ tail: String = "") -> [String] {
    (1...3).map { "\(stem)\($0)D\(tail)" }
  }

  private static let table: [String: Entry] = {
    let parts: [[(String, Entry)]] = [
      all(InputLayer.self, ["InputLayer"]), all(SequentialLayer.self, ["Sequential"]),
      all(FunctionalLayer.self, ["Functional", "Model"]),
      all(
        IdentityLayer.self,
        [
          "Identity", "Dropout", "SpatialDropout1D", "SpatialDropout2D", "SpatialDropout3D",
          "GaussianDropout", "AlphaDropout", "GaussianNoise", "ActivityRegularization",
          "StochasticDepth",
        ], "nothing at inference"),
      all(IdentityLayer.self, augmentations, "augmentation, nothing at inference"),
      all(DenseLayer.self, ["Dense"]), all(EinsumDenseLayer.self, ["EinsumDense"]),
      all(EmbeddingLayer.self, ["Embedding", "ReversibleEmbedding"]),
      all(MaskingLayer.self, ["Masking"]), all(ActivationLayer.self, ["Activation"]),
      all(ReLULayer.self, ["ReLU", "LeakyReLU", "ThresholdedReLU"]),
      all(ELULayer.self, ["ELU"]), all(PReLULayer.self, ["PReLU"]),
      all(SoftmaxLayer.self, ["Softmax"]),
      all(ConvLayer.self, spaces("Conv") + ["Convolution1D", "Convolution2D", "Convolution3D"]),
      all(ConvTransposeLayer.self, spaces("Conv", "Transpose")),
      all(DepthwiseConvLayer.self, ["DepthwiseConv1D", "DepthwiseConv2D"]),
      all(SeparableConvLayer.self, ["SeparableConv1D", "SeparableConv2D"]),
      all(PoolingLayer.self, spaces("MaxPooling") + spaces("AveragePooling")),
      all(
        GlobalPoolingLayer.self, spaces("GlobalMaxPooling") + spaces("GlobalAveragePooling")),
      all(
        AdaptivePoolingLayer.self,
        spaces("AdaptiveMaxPooling") + spaces("AdaptiveAveragePooling")),
      all(
        KerasRecurrentLayer.self, ["RNN", "SimpleRNN", "GRU", "LSTM"] + spaces("ConvLSTM"),
        "not stateful"),
      all(RecurrentCell.self, ["SimpleRNNCell", "GRUCell", "LSTMCell"]),
      all(StackedCells.self, ["StackedRNNCells"]),
      all(BidirectionalLayer.self, ["Bidirectional"]),
      all(TimeDistributedLayer.self, ["TimeDistributed"]),
      all(AttentionLayer.self, ["Attention", "AdditiveAttention"]),
      all(
        MultiHeadAttentionLayer.self,
        ["MultiHeadAttention", "GroupQueryAttention", "GroupedQueryAttention"]),
      all(BatchNormalizationLayer.self, ["BatchNormalization"]),
      all(LayerNormalizationLayer.self, ["LayerNormalization"]),
      all(GroupNormalizationLayer.self, ["GroupNormalization"]),
      all(RMSNormalizationLayer.self, ["RMSNormalization"]),
      all(UnitNormalizationLayer.self, ["UnitNormalization"]),
      all(SpectralNormalizationLayer.self, ["SpectralNormalization"]),
      all(
        MergeLayer.self, ["Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum"]),
      all(ConcatenateLayer.self, ["Concatenate"]), all(DotLayer.self, ["Dot"]),
      all(FlattenLayer.self, ["Flatten"]), all(ReshapeLayer.self, ["Reshape"]),
      all(PermuteLayer.self, ["Permute"]), all(RepeatVectorLayer.self, ["RepeatVector"]),
      all(CroppingLayer.self, spaces("Cropping")),
      all(ZeroPaddingLayer.self, spaces("ZeroPadding")),
      all(UpSamplingLayer.self, spaces("UpSampling")),
      all(RescalingLayer.self, ["Rescaling"]), all(NormalizationLayer.self, ["Normalization"]),
      all(DiscretizationLayer.self, ["Discretization"]),
      all(CategoryEncodingLayer.self, ["CategoryEncoding"]),
      all(LookupLayer.self, ["StringLookup", "IntegerLookup"], "one place for unknown strings"),
      all(TextVectorizationLayer.self, ["TextVectorization"], "words, without n-grams"),
      all(ResizingLayer.self, ["Resizing"]),
      all(CenterCropLayer.self, ["CenterCrop", "RandomCrop"]),
      all(PipelineLayer.self, ["Pipeline"]),
      all(LayerScaleLayer.self, ["LayerScale"], "of keras.applications"),
    ]
    return Dictionary(parts.flatMap { $0 }) { first, _ in first }
  }()

  private static let augmentations = [
    "AugMix", "AutoContrast", "CutMix", "MixUp", "RandAugment", "RandomBrightness",
    "RandomColorDegeneration", "RandomColorJitter", "RandomContrast", "RandomElasticTransform",
    "RandomErasing", "RandomFlip", "RandomGaussianBlur", "RandomGrayscale", "RandomHue",
    "RandomInvert", "RandomPerspective", "RandomPosterization", "RandomRotation",
    "RandomSaturation", "RandomSharpness", "RandomShear", "RandomTranslation", "RandomZoom",
    "RandomHeight", "RandomWidth",
  ]

  /// Why some classes are not converted.
  static let refusals: [String: String] = [
    "Lambda": "holds code, which is never run",
    "Hashing": "hashes by FarmHash or SipHash, which ONNX has no form for",
    "HashedCrossing": "hashes by FarmHash, which ONNX has no form for",
    "TFSMLayer": "calls another model by its path",
    "TorchModuleWrapper": "holds a module of PyTorch",
    "JaxLayer": "holds code", "FlaxLayer": "holds code",
    "TFOpLambda": "an operation of TensorFlow; save the model with Keras 3",
    "SlicingOpLambda": "an operation of TensorFlow; save the model with Keras 3",
  ]

  /// What layers and operations can be converted.
  static var list: [SourceOperator] {
    table.map { SourceOperator($0.key, $0.value.note) }
      + OperationLayer.table.keys.map { SourceOperator("keras.ops.\($0)") }
  }

  /// Whether `config` is of a function of `keras.ops`, which has no weights, and no layer.
  ///
  /// Legacy files name no module; there layers tell themselves by what all layers have.
  static func isOperation(_ config: KerasConfig) -> Bool {
    if !config.module.isEmpty {
      return ["keras.src.ops", "keras.ops", "keras.src.activations"].contains {
        config.module.hasPrefix($0)
      }
    }
    return config.members["trainable"] == nil && config.members["layers"] == nil
      && config.className != "InputLayer"
      && (OperationLayer.table[config.className] != nil || table[config.className] == nil)
  }

  /// The type for a class of Keras' own, or nil.
  static func type(of config: KerasConfig) -> (any KerasLayer.Type)? {
    if isOperation(config) {
      if OperationLayer.table[config.className] != nil { return OperationLayer.self }
      return config.module.hasPrefix("keras.src.activations") ? table[config.className]?.type : nil
    }
    let package = config.module.split(separator: ".").first ?? "keras"
    guard package == "keras" || package == "tf_keras" else { return nil }
    return table[config.className]?.type
  }
}
