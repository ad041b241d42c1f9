import Layers
import Tensors
import Training

/// The layers of `Fixtures/layers.json`, under the names that `tools/oracle/training/layer_fixture_cases.py`
/// gives them.
enum LayerCases {
  nonisolated(unsafe) static let all: [String: () throws -> Layer] = {
    var list = core.merging(images) { a, _ in a }.merging(sequences) { a, _ in a }
    for f in ActivationFunction.all {
      list["activation \(f.name)"] = { Lambda { try f($0 * 3) } }
    }
    return list
  }()

  nonisolated(unsafe) private static let core: [String: () throws -> Layer] = [
    "dense": { Dense(3, activation: .relu) },
    "dense of rank 3": { Dense(2, useBias: false) },
    "einsum dense": { EinsumDense("abc,cd->abd", outputSizes: [nil, 5], biasAxes: "d") },
    "einsum dense heads": {
      EinsumDense(
        "abc,cde->abde", outputSizes: [nil, 2, 3], biasAxes: "de", activation: .tanh)
    },
    "einsum dense dots": { EinsumDense("...x,xy->...y", outputSizes: [4]) },
    "embedding": { Embedding(5, 3) },
    "relu": { ReLU(ceiling: 0.7, slope: 0.1, threshold: 0.2) },
    "leaky relu": { LeakyReLU() },
    "prelu": { PReLU(sharedAxes: [2]) },
    "elu": { ELU(alpha: 0.5) },
    "softmax": { Softmax(axis: 1) },
    "masking": { Masking() },
    "batch normalization": { BatchNormalization() },
    "batch normalization training": { BatchNormalization() },
    "batch normalization last": { BatchNormalization(axis: -1, momentum: 0.8, epsilon: 1e-2) },
    "layer normalization": { LayerNormalization() },
    "layer normalization of two axes": { LayerNormalization(axis: 1, center: false) },
    "group normalization": { GroupNormalization(2) },
    "rms normalization": { RMSNormalization() },
    "unit normalization": { UnitNormalization() },
    "reshape": { Reshape([4, -1]) },
    "flatten": { Flatten() },
    "flatten last": { Flatten(dataFormat: .channelsLast) },
    "permute": { Permute([3, 1, 2]) },
    "repeat vector": { RepeatVector(3) },
    "add": { Add() },
    "multiply": { Multiply() },
    "average": { Average() },
    "maximum": { Maximum() },
    "minimum": { Minimum() },
    "subtract": { Subtract() },
    "concatenate": { Concatenate(axis: 1) },
    "dot": { Dot(axes: (2, 1), normalizes: true) },
    "dot of vectors": { Dot() },
  ]

  nonisolated(unsafe) private static let images: [String: () throws -> Layer] = [
    "conv1d": { Conv1D(3, 3, activation: .tanh) },
    "conv2d": { Conv2D(3, 3, activation: .tanh) },
    "conv3d": { Conv3D(3, 3, activation: .tanh) },
    "conv1d same": { Conv1D(4, 3, strides: 2, padding: .same, groups: 2, useBias: false) },
    "conv2d same": { Conv2D(4, 3, strides: 2, padding: .same, groups: 2, useBias: false) },
    "conv3d same": { Conv3D(4, 3, strides: 2, padding: .same, groups: 2, useBias: false) },
    "conv1d transpose": { Conv1DTranspose(2, 2, strides: 2) },
    "conv2d transpose": { Conv2DTranspose(2, 2, strides: 2) },
    "conv3d transpose": { Conv3DTranspose(2, 2, strides: 2) },
    "conv2d last": {
      Conv2D(3, [2, 3], padding: .same, dilations: [1, 2], dataFormat: .channelsLast)
    },
    "conv1d causal": {
      Conv1D(2, 3, padding: .causal, dilations: 2, dataFormat: .channelsLast)
    },
    "conv2d transpose same": { Conv2DTranspose(2, 4, strides: 2, padding: .same) },
    "depthwise conv1d": { DepthwiseConv1D(3, multiplier: 2) },
    "depthwise conv2d": { DepthwiseConv2D(3, multiplier: 2) },
    "separable conv1d": { SeparableConv1D(3, 3, padding: .same, multiplier: 2) },
    "separable conv2d": { SeparableConv2D(3, 3, padding: .same, multiplier: 2) },
    "max pooling 1d": { MaxPooling1D() },
    "max pooling 2d": { MaxPooling2D() },
    "max pooling 3d": { MaxPooling3D() },
    "average pooling 1d": { AveragePooling1D() },
    "average pooling 2d": { AveragePooling2D() },
    "average pooling 3d": { AveragePooling3D() },
    "max pooling 1d same": { MaxPooling1D(3, strides: 2, padding: .same) },
    "max pooling 2d same": { MaxPooling2D(3, strides: 2, padding: .same) },
    "max pooling 3d same": { MaxPooling3D(3, strides: 2, padding: .same) },
    "average pooling 1d same": { AveragePooling1D(3, strides: 1, padding: .same) },
    "average pooling 2d same": { AveragePooling2D(3, strides: 1, padding: .same) },
    "average pooling 3d same": { AveragePooling3D(3, strides: 1, padding: .same) },
    "global max pooling 1d": { GlobalMaxPooling1D() },
    "global max pooling 2d": { GlobalMaxPooling2D(keepDims: true) },
    "global max pooling 3d": { GlobalMaxPooling3D() },
    "global average pooling 1d": { GlobalAveragePooling1D() },
    "global average pooling 2d": { GlobalAveragePooling2D(keepDims: true) },
    "global average pooling 3d": { GlobalAveragePooling3D() },
    "global average pooling masked": { GlobalAveragePooling1D(dataFormat: .channelsLast) },
    "adaptive max pooling 1d": { AdaptiveMaxPooling1D(3) },
    "adaptive max pooling 2d": { AdaptiveMaxPooling2D(3) },
    "adaptive max pooling 3d": { AdaptiveMaxPooling3D(3) },
    "adaptive average pooling 1d": { AdaptiveAveragePooling1D(3) },
    "adaptive average pooling 2d": { AdaptiveAveragePooling2D(3) },
    "adaptive average pooling 3d": { AdaptiveAveragePooling3D(3) },
    "zero padding 1d": { ZeroPadding1D() },
    "zero padding 2d": { ZeroPadding2D() },
    "zero padding 3d": { ZeroPadding3D() },
    "cropping 1d": { Cropping1D() },
    "cropping 2d": { Cropping2D() },
    "cropping 3d": { Cropping3D() },
    "up sampling 1d": { UpSampling1D() },
    "up sampling 2d": { UpSampling2D() },
    "up sampling 3d": { UpSampling3D() },
    "up sampling 2d bilinear": { UpSampling2D([2, 3], isBilinear: true) },
  ]

  nonisolated(unsafe) private static let sequences: [String: () throws -> Layer] = [
    "simple rnn": { SimpleRNN(3) },
    "simple rnn relu": { SimpleRNN(3, activation: .relu, returnsSequences: true) },
    "lstm": { LSTM(3) },
    "lstm sequences": { LSTM(3, returnsSequences: true, returnsState: true) },
    "lstm backwards": { LSTM(3, returnsSequences: true, goesBackwards: true) },
    "lstm masked": { LSTM(3, returnsSequences: true) },
    "lstm hard": { LSTM(3, activation: .relu, recurrentActivation: .hardSigmoid) },
    "lstm with state": { LSTM(3) },
    "gru": { GRU(3, returnsSequences: true) },
    "gru before": { GRU(3, resetAfter: false) },
    "gru masked": { GRU(3) },
    "bidirectional": { try Bidirectional(LSTM(2, returnsSequences: true)) },
    "bidirectional sum": { try Bidirectional(GRU(2), merging: .sum) },
    "stacked cells": { RNN(StackedRNNCells([LSTMCell(2), GRUCell(3)])) },
    "time distributed": { TimeDistributed(Dense(3)) },
    "conv lstm 1d": { ConvLSTM1D(2, 3, padding: .same) },
    "conv lstm 2d": { ConvLSTM2D(2, 3, padding: .same, returnsSequences: true) },
    "conv lstm 3d": { ConvLSTM3D(2, 2, padding: .same) },
    "attention": { Attention(usesScale: true) },
    "attention causal": { Attention(isCausal: true) },
    "additive attention": { AdditiveAttention() },
    "multi head attention": { MultiHeadAttention(heads: 2, keySize: 3, valueSize: 2) },
    "multi head attention causal": {
      MultiHeadAttention(heads: 2, keySize: 2, outputs: 3, isCausal: true)
    },
    "group query attention": { GroupQueryAttention(headSize: 3, queryHeads: 4, keyHeads: 2) },
  ]
}
